"""The copy among sent mail: there once, with Bcc, and never a reason to send again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.smtp.correspondence import Correspondent, Meanwhile, People, parse
from tests.servers.mailboxes import PASSWORD
from tests.servers.tcp_proxy import TcpProxy
from zeebe_mail.errors import Unreachable
from zeebe_mail.mail.imap.filing import Filing
from zeebe_mail.operations import after_sending
from zeebe_mail.operations.sent_copy import SentCopyOptions, _provider_of, is_among_sent
from zeebe_mail.operations.smtp.send import SendInput

pytestmark = pytest.mark.live


async def test_the_copy_is_read_and_has_the_hidden_recipients(me: Correspondent, people: People) -> None:
    bob = people.new()
    sent = await me.run("smtp-send", to="a@x.test", bcc=f"Bob <{bob.address}>", text="Hello.", saveToSent=True)

    (raw, flags), *more = me.raw("Sent").items()
    assert not more
    copy = parse(raw)
    assert (copy["Message-ID"], copy["Bcc"], flags) == (sent["messageId"], f"Bob <{bob.address}>", {r"\Seen"})
    (received,) = await bob.receives()
    assert received["Bcc"] is None
    assert received["Message-ID"] == copy["Message-ID"]
    (stored,) = await me.stored("Sent")
    assert sent["sentCopy"] == {
        "saved": True,
        "mailbox": "Sent",
        "uid": stored["uid"],
        "uidValidity": stored["uidValidity"],
        "reason": None,
    }


async def test_a_copy_that_is_there_is_not_saved_again(me: Correspondent) -> None:
    attempt = Meanwhile(lambda: None)
    first = await me.attempt(attempt, "smtp-send", to="a@x.test", text="x", saveToSent=True)
    again = await me.attempt(attempt, "smtp-send", to="a@x.test", text="x", saveToSent=True)
    assert first["sentCopy"] == again["sentCopy"]
    assert len(me.raw("Sent")) == 1


async def test_a_mail_in_doubt_is_looked_for_among_the_sent_ones(me: Correspondent) -> None:
    given = SendInput.model_validate(
        {**me.tasks.beside, "request": {"from": me.address, "to": "a@x.test", "text": "x"}}
        | {"server": me.tasks.address, "auth": {"type": "password", "username": me.user, "password": PASSWORD}}
    )
    message_id = "<zm-0123456789abcdef0123@x.test>"
    assert not await is_among_sent(message_id, given, me.tasks.room.desk)
    me.put(f"Message-ID: {message_id}\r\n\r\nx\r\n".encode(), mailbox="Sent")
    assert await is_among_sent(message_id, given, me.tasks.room.desk)


async def test_another_mailbox_may_be_named(me: Correspondent) -> None:
    sent = await me.run("smtp-send", to="a@x.test", text="x", saveToSent={"mailbox": "Archive"})
    assert sent["sentCopy"]["mailbox"] == "Archive"
    assert len(me.raw("Archive")) == 1
    missing = await me.run("smtp-send", to="a@x.test", text="x", saveToSent={"mailbox": "Nowhere"})
    assert missing["sentCopy"]["saved"] is False
    assert missing["sentCopy"]["reason"].startswith("MAILBOX_NOT_FOUND: ")


async def test_a_mailbox_server_that_is_down_after_the_send_costs_the_copy_and_not_the_job(
    me: Correspondent, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after_sending, "PATIENCE_S", 0.0)
    jane = people.new()
    me.put(f"From: {jane.address}\r\nMessage-ID: <q@x.test>\r\n\r\nHow are you?\r\n".encode())
    async with TcpProxy(me.tasks.server.imaps or 0) as proxy:
        distant = me.with_imap(port=proxy.port)

        async def cut() -> None:
            await proxy.refuse()
            proxy.cut()

        sent = await distant.attempt(Meanwhile(cut), "smtp-reply", original="q@x.test", text="Fine.", saveToSent=True)
    assert sent["accepted"] == [jane.address]
    assert (sent["sentCopy"]["saved"], sent["original"]["marked"]) == (False, False)
    assert sent["sentCopy"]["reason"].startswith("SERVER_UNREACHABLE: ")
    assert sent["original"]["reason"].startswith("SERVER_UNREACHABLE: ")
    assert (me.raw("Sent"), me.flags()) == ({}, [set()])
    assert len(await jane.receives()) == 1


async def test_a_connection_that_breaks_once_does_not_cost_the_copy(me: Correspondent) -> None:
    """A kept session that the server has closed meanwhile: the next try finds out and opens another."""
    async with TcpProxy(me.tasks.server.imaps or 0) as proxy:
        distant = me.with_imap(port=proxy.port)
        await distant.run("smtp-send", to="a@x.test", text="x", saveToSent=True)
        sent = await distant.attempt(Meanwhile(proxy.cut), "smtp-send", to="a@x.test", text="y", saveToSent=True)
    assert sent["sentCopy"]["saved"] is True
    assert len(me.raw("Sent")) == 2


async def test_a_copy_whose_answer_was_lost_is_not_saved_twice(
    me: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, tries = Filing.append, 0

    async def lose_the_first_answer(filing: Filing, *args: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        await append(filing, *args, **more)
        raise Unreachable("The connection was lost.")

    monkeypatch.setattr(Filing, "append", lose_the_first_answer)
    sent = await me.run("smtp-send", to="a@x.test", text="x", saveToSent=True)
    (stored,) = await me.stored("Sent")
    assert (tries, sent["sentCopy"]["saved"], sent["sentCopy"]["uid"]) == (1, True, stored["uid"])


async def test_a_wrong_password_for_the_mailboxes_is_told_without_it(me: Correspondent, people: People) -> None:
    wrong = {"type": "password", "username": me.user, "password": "not-the-password"}
    imap = {**me.tasks.beside["imap"], "auth": wrong}
    sent = await Correspondent(me.tasks.with_inputs(imap=imap), me.user).run(
        "smtp-send", to="a@x.test", text="x", saveToSent=True
    )
    assert sent["sentCopy"]["reason"].startswith("AUTHENTICATION_FAILED: ")
    assert "not-the-password" not in str(sent)


async def test_the_mailboxes_may_have_a_login_of_their_own(me: Correspondent, people: People) -> None:
    bob = people.new()
    login = {"type": "password", "username": bob.user, "password": PASSWORD}
    imap = {**me.tasks.beside["imap"], "auth": login}
    await Correspondent(me.tasks.with_inputs(imap=imap), me.user).run(
        "smtp-send", to="a@x.test", text="x", saveToSent=True
    )
    assert (len(bob.raw("Sent")), len(me.raw("Sent"))) == (1, 0)


@pytest.mark.parametrize(
    ("smtp", "imap", "provider"),
    [
        ("smtp.gmail.com", "imap.gmail.com", "Gmail"),
        ("smtp.office365.com", "outlook.office365.com", "Microsoft 365"),
        ("smtp.gmail.com", "imap.example.org", None),
        ("smtp.gmail.com.evil.test", "imap.gmail.com", None),
        ("notsmtp.gmail.com", "imap.gmail.com", None),
        ("smtp-relay.gmail.com", "imap.gmail.com", None),
    ],
)
def test_who_keeps_copies_by_himself(smtp: str, imap: str, provider: str | None) -> None:
    assert _provider_of(smtp, imap) == provider


@pytest.mark.parametrize(
    ("given", "mailbox"),
    [
        (True, "\\Sent"),
        ("true", "\\Sent"),
        ({}, "\\Sent"),
        ({"mailbox": "Out"}, "Out"),
        (False, None),
        ("", None),
        (None, None),
    ],
)
def test_how_a_copy_is_asked_for(given: Any, mailbox: str | None) -> None:
    asked = SentCopyOptions.model_validate({"saveToSent": given}).save_to_sent
    assert (asked and asked.mailbox) == mailbox
