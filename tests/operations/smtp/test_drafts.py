"""Drafts: saved once, replaced safely, and sent as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.operations.smtp.correspondence import Correspondent, Meanwhile, People, imap_at, parse
from tests.servers.mailboxes import PASSWORD, MailServerUnderTest
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.errors import MessageNotFound, Unreachable
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.mail.imap.filing import Filing
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.operations.claim import claimed, released, settled
from zeebe_mail.operations.composing.original import Place

pytestmark = pytest.mark.live

OLD = "Mon, 9 Mar 2026 08:00:00 +0100"


def author(me: Correspondent) -> Tasks:
    """What saves drafts needs no server for sending."""
    return me.tasks.at(imap_at(me.tasks.server)).with_inputs()


async def test_a_draft_needs_to_be_no_whole_mail(me: Correspondent) -> None:
    draft = await author(me).run("imap-draft-save", subject="Offer")
    ((raw, flags),) = me.raw("Drafts").items()
    saved = parse(raw)
    assert (saved["From"], saved["To"], saved["Subject"]) == (me.address, None, "Offer")
    assert flags == {r"\Draft", r"\Seen"}
    (stored,) = await me.stored("Drafts")
    assert draft == {
        "messageId": stored["messageId"],
        "uid": stored["uid"],
        "uidValidity": stored["uidValidity"],
        "mailbox": "Drafts",
        "saved": True,
        "replaced": None,
        "size": len(raw),
        "invitation": None,
    }


async def test_a_repeated_job_saves_no_second_draft(me: Correspondent) -> None:
    attempt = TrialAttempt()
    first = await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="x")
    again = await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="x")
    assert (first["saved"], again["saved"], again["uid"]) == (True, False, first["uid"])
    assert len(me.raw("Drafts")) == 1


async def test_an_update_takes_the_place_of_the_earlier_draft(me: Correspondent) -> None:
    first = await author(me).run("imap-draft-save", to="a@x.test", text="one")
    attempt = TrialAttempt()
    second = await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="two", replaces=first)
    assert (second["saved"], second["replaced"]) == (True, True)
    ((raw, _),) = me.raw("Drafts").items()
    assert parse(raw).get_content().strip() == "two"
    again = await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="two", replaces=first)
    assert (again["saved"], again["replaced"], again["uid"]) == (False, True, second["uid"])
    assert len(me.raw("Drafts")) == 1


async def test_an_update_that_lost_the_connection_before_the_old_one_went_is_taken_up(
    me: Correspondent, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await author(me).run("imap-draft-save", to="a@x.test", text="one")
    remove = Filing._remove

    async def lose(filing: Filing, uids: Any) -> None:
        raise Unreachable("The connection was lost.")

    attempt = TrialAttempt()
    monkeypatch.setattr(Filing, "_remove", lose)
    with pytest.raises(TaskFailed, match="SERVER_UNREACHABLE") as failed:
        await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="two", replaces=first)
    assert failed.value.retries == 2
    assert len(me.raw("Drafts")) == 2
    monkeypatch.setattr(Filing, "_remove", remove)
    again = await author(me).attempt(attempt, "imap-draft-save", to="a@x.test", text="two", replaces=first)
    assert (again["saved"], again["replaced"]) == (False, True)
    ((raw, _),) = me.raw("Drafts").items()
    assert parse(raw).get_content().strip() == "two"


async def test_a_draft_that_somebody_sent_meanwhile_is_not_replaced(me: Correspondent) -> None:
    first = await author(me).run("imap-draft-save", to="a@x.test", text="one")
    await author(me).run("imap-delete", uid=first["uid"], mailbox="Drafts", mode="permanent")
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
        await author(me).run("imap-draft-save", to="a@x.test", text="two", replaces=first)
    assert me.raw("Drafts") == {}


async def test_other_mail_is_neither_replaced_nor_sent(me: Correspondent) -> None:
    me.put(b"From: a@x.test\r\nTo: b@x.test\r\n\r\nOriginal\r\n")
    inbox = {"mailbox": "INBOX", "uid": 1}
    with pytest.raises(TaskFailed, match="NOT_A_DRAFT") as failed:
        await me.run("smtp-draft-send", draft=inbox)
    assert failed.value.retries == 0
    with pytest.raises(TaskFailed, match="NOT_A_DRAFT"):
        await author(me).run("imap-draft-save", text="x", replaces=inbox)
    assert (len(me.raw()), me.raw("Drafts")) == (1, {})


async def test_a_saved_draft_is_sent_with_its_bytes_and_goes(me: Correspondent, people: People) -> None:
    bob, eve = people.new(), people.new()
    draft = await author(me).run(
        "imap-draft-save", to=bob.address, bcc=eve.address, subject="Offer", text="Grüße", html="<p>Grüße</p>"
    )
    ((kept, _),) = me.raw("Drafts").items()

    sent = await me.run("smtp-draft-send", draft=draft, saveToSent=True)

    assert sent["accepted"] == [bob.address, eve.address]
    assert sent["messageId"] == draft["messageId"]
    place = {key: draft[key] for key in ("messageId", "mailbox", "uid", "uidValidity")}
    assert sent["draft"] == place | {"removed": True, "reason": None}
    assert me.raw("Drafts") == {}
    await eve.receives()
    ((raw, _),) = bob.raw().items() if await bob.receives() else ()
    assert eve.address.encode() not in raw
    assert raw.partition(b"\r\n\r\n")[2].rstrip() == kept.partition(b"\r\n\r\n")[2].rstrip()
    ((copy, _),) = me.raw("Sent").items()
    assert parse(copy)["Bcc"] == eve.address
    with pytest.raises(TaskFailed, match="MESSAGE_NOT_FOUND"):
        await me.run("smtp-draft-send", draft=draft, saveToSent=True)


async def test_an_invitation_in_a_draft_can_be_changed_and_cancelled_later(me: Correspondent, people: People) -> None:
    bob = people.new()
    when = {"start": "2026-12-01T09:00:00@Europe/Berlin", "duration": "PT1H"}
    asked = {"to": bob.address, "subject": "Meeting"}

    draft = await author(me).run("imap-draft-save", **asked, invitation={**when, "sequence": 3})
    sent = await me.run("smtp-draft-send", draft=draft)

    assert sent["invitation"] == draft["invitation"]
    assert draft["invitation"]["sequence"] == 3
    cancel = {"method": "cancel", "uid": draft["invitation"]["uid"], "sequence": 4}
    cancelled = await author(me).run("imap-draft-save", **asked, invitation=cancel)
    assert (await me.run("smtp-draft-send", draft=cancelled))["invitation"] == {"uid": cancel["uid"], "sequence": 4}
    calendars = [
        part.get_content()
        for mail in await bob.receives(2)
        for part in mail.walk()
        if part.get_content_type() == "text/calendar"
    ]
    assert all(cancel["uid"] in "".join(text.split("\r\n ")) for text in calendars)
    assert len(calendars) == 2


async def test_a_calendar_file_in_a_draft_is_no_invitation(me: Correspondent, people: People) -> None:
    bob = people.new()
    me.put(
        f"From: {me.address}\r\nTo: {bob.address}\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/calendar; method=PUBLISH\r\n\r\n"
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\nUID:1@x.test\r\n"
        "DTSTAMP:20260309T080000Z\r\nDTSTART:20260310T080000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode(),
        mailbox="Drafts",
    )
    assert (await me.run("smtp-draft-send", draft=1))["invitation"] is None


async def test_a_draft_of_a_mail_program(me: Correspondent, people: People) -> None:
    """What it noted for itself goes, Date is new, and a Message-ID is there."""
    bob, eve = people.new(), people.new()
    me.put(
        f"FCC: imap://x/Sent\r\nX-Mozilla-Draft-Info: internal/draft; vcard=0\r\nX-Identity-Key: id1\r\nDate: {OLD}\r\n"
        f"From: =?utf-8?q?J=C3=B6rg?= <{me.address}>\r\nto: {bob.address}\r\nbCC : Eve\r\n\t<{eve.address}>\r\n"
        "Subject: Odd\r\nX-Folded: a\r\n   b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe  \r\n.\r\n..\r\n".encode("latin-1"),
        mailbox="Drafts",
    )
    sent = await me.run("smtp-draft-send", draft=1)
    assert sent["accepted"] == [bob.address, eve.address]
    ((raw, _),) = bob.raw().items() if await bob.receives() else ()
    head, _, body = raw.partition(b"\r\n\r\n")
    received = parse(raw)
    assert body == b"Gr\xfc\xdfe  \r\n.\r\n..\r\n"
    assert b"to: " + bob.address.encode() + b"\r\nSubject: Odd\r\nX-Folded: a\r\n   b\r\n" in head + b"\r\n"
    for gone in ("bcc", "fcc", "x-mozilla-draft-info", "x-identity-key"):
        assert received[gone] is None
    assert received["Message-ID"] == sent["messageId"]
    assert parsedate_to_datetime(received["Date"]) > parsedate_to_datetime(OLD)
    assert received["From"] == f"Jörg <{me.address}>"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"From: a@x.test\r\n\r\nx\r\n", "no recipient"),
        (b"To: b@x.test\r\n\r\nx\r\n", "no author"),
        (b"From: a@x.test\r\nTo: b@x.test, Carl\r\n\r\nx\r\n", "To has something that is no address"),
        (b"From: a@x.test\r\nTo: b@x.test\r\nnonsense\r\nX: y\r\n\r\nx\r\n", "no header"),
        (b"From: a@x.test\r\nTo: b@x.test\r\n\r\n" + b"x" * 1200 + b"\r\n", "more than 998 characters"),
    ],
)
async def test_an_unfinished_draft_stays_and_the_message_says_why(me: Correspondent, source: bytes, why: str) -> None:
    me.put(source, mailbox="Drafts")
    with pytest.raises(TaskFailed, match=f"DRAFT_UNFINISHED.*{why}") as failed:
        await me.run("smtp-draft-send", draft=1)
    assert failed.value.retries == 0
    assert len(me.raw("Drafts")) == 1


async def test_a_draft_that_cannot_be_removed_is_told(me: Correspondent, people: People) -> None:
    draft = await author(me).run("imap-draft-save", to=people.new().address, text="x")

    def remake() -> None:
        with me.tasks.server.client(me.user) as client:
            client.delete_folder("Drafts")
            client.create_folder("Drafts")

    sent = await me.attempt(Meanwhile(remake), "smtp-draft-send", draft=draft)
    assert sent["draft"]["removed"] is False
    assert sent["draft"]["reason"].startswith("UIDVALIDITY_CHANGED: ")


async def test_a_refused_draft_stays(me: Correspondent) -> None:
    draft = await author(me).run("imap-draft-save", to="somebody@elsewhere.test", text="x")
    with pytest.raises(TaskFailed, match="RECIPIENTS_"):
        await me.run("smtp-draft-send", draft=draft)
    assert me.flags("Drafts") == [{r"\Draft", r"\Seen"}], "and is not claimed any more"


class Killed(BaseException):
    """The worker is gone."""


async def die(filing: Filing, uids: Any) -> None:
    raise Killed


async def test_a_worker_that_dies_after_the_mail_went_out_sends_it_no_second_time(
    me: Correspondent, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = people.new()
    draft = await author(me).run("imap-draft-save", to=bob.address, text="x")
    attempt = TrialAttempt()

    with monkeypatch.context() as patch:
        patch.setattr(Filing, "_remove", die)
        with pytest.raises(Killed):
            await me.attempt(attempt, "smtp-draft-send", draft=draft)
    await bob.receives()

    with pytest.raises(TaskFailed, match=r"OUTCOME_UNKNOWN.*\$SubmitPending") as failed:
        await me.attempt(TrialAttempt(), "smtp-draft-send", draft=draft)
    assert failed.value.retries == 0
    assert failed.value.error["details"]["messageId"] == draft["messageId"]

    ((raw, _),) = bob.raw().items()
    me.put(raw, mailbox="Sent")
    again = await me.attempt(attempt, "smtp-draft-send", draft=draft)
    assert (again["accepted"], again["draft"]["removed"], me.raw("Drafts")) == ([bob.address], True, {})
    assert len(bob.raw()) == 1


async def test_a_draft_that_another_job_is_sending_is_not_sent(me: Correspondent, people: People) -> None:
    bob = people.new()
    draft = await author(me).run("imap-draft-save", to=bob.address, text="x")
    told: list[str] = []

    async def send_too() -> None:
        with pytest.raises(TaskFailed) as failed:
            await me.run("smtp-draft-send", draft=draft)
        told.append(failed.value.code)

    await me.attempt(Meanwhile(send_too), "smtp-draft-send", draft=draft)
    assert (told, len(await bob.receives()), me.raw("Drafts")) == (["OUTCOME_UNKNOWN"], 1, {})


@pytest.fixture(params=["bare_dovecot", "cyrus", "courier"])
async def elsewhere(request: pytest.FixtureRequest) -> AsyncIterator[Tasks]:
    server: MailServerUnderTest = request.getfixturevalue(request.param)
    async with tasks(server, server.new_account()) as mine:
        yield mine


async def test_one_of_many_claims_a_draft(elsewhere: Tasks) -> None:
    """Also where the server has no CONDSTORE."""
    draft = await elsewhere.run("imap-draft-save", **{"from": "a@x.test"}, to="b@x.test", text="one")
    server = ImapServer.model_validate(imap_at(elsewhere.server))
    auth = PasswordAuth(type="password", username=elsewhere.user, password=PASSWORD)
    place = Place(draft["mailbox"], draft["uid"], draft["uidValidity"], frozenset(), 0)
    sessions = elsewhere.room.handler._desk.sessions

    async def claim() -> bool:
        async with sessions.lease(ImapSession, server, auth) as imap:
            return await claimed(imap, place)

    async def count() -> int:
        return len((await elsewhere.run("imap-list", mailbox=draft["mailbox"]))["messages"])

    for _ in range(3):
        assert sum(await asyncio.gather(*(claim() for _ in range(4)))) == 1
        async with sessions.lease(ImapSession, server, auth) as imap:
            await released(imap, place)
        assert await count() == 1
    assert await claim()
    async with sessions.lease(ImapSession, server, auth) as imap:
        assert await settled(imap, place)
    assert await count() == 0
    with pytest.raises(MessageNotFound):
        await claim()


async def test_a_draft_on_another_server_is_sent_once(
    elsewhere: Tasks, me: Correspondent, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = people.new()
    draft = await elsewhere.run("imap-draft-save", **{"from": me.address}, to=bob.address, text="one")
    auth = {"type": "password", "username": elsewhere.user, "password": PASSWORD}
    at = me.tasks.with_inputs(imap={"server": imap_at(elsewhere.server), "auth": auth})

    with monkeypatch.context() as patch:
        patch.setattr(Filing, "_remove", die)
        with pytest.raises(Killed):
            await at.run("smtp-draft-send", draft=draft)
    with pytest.raises(TaskFailed, match="OUTCOME_UNKNOWN"):
        await at.run("smtp-draft-send", draft=draft)
    assert len(await bob.receives()) == 1


async def test_drafts_on_other_servers(elsewhere: Tasks) -> None:
    """Where there is no mailbox for drafts yet, it is made."""
    attempt = TrialAttempt()
    asked = {"from": "a@x.test", "to": "b@x.test", "text": "one"}
    first = await elsewhere.attempt(attempt, "imap-draft-save", **asked)
    assert not (await elsewhere.attempt(attempt, "imap-draft-save", **asked))["saved"]
    second = await elsewhere.run("imap-draft-save", **asked | {"text": "two"}, replaces=first)
    assert second["replaced"] is True
    there = (await elsewhere.run("imap-list", mailbox=second["mailbox"], fields="full"))["messages"]
    assert [(one["uid"], one["plainTextBody"].strip(), one["flags"]) for one in there] == [
        (second["uid"], "two", [r"\Draft", r"\Seen"])
    ]
