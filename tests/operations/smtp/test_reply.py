"""Replying: to whom, in which thread, with what quoted, and what becomes of the original."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.operations.smtp.correspondence import Correspondent, Meanwhile, People, imap_at
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, tasks

pytestmark = pytest.mark.live


def question(sender: Correspondent | str, to: str, *, extra: str = "", body: str = "How are you?") -> bytes:
    address = sender if isinstance(sender, str) else f"Jane Doe <{sender.address}>"
    return (
        f"From: {address}\r\nTo: {to}\r\nSubject: AW: Re[2]: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        f"Date: Mon, 9 Mar 2026 08:00:00 +0100\r\nMessage-ID: <question@x.test>\r\n"
        f"In-Reply-To: <second@x.test>\r\nReferences: <first@x.test>\r\n <second@x.test>\r\n{extra}\r\n{body}\r\n"
    ).encode()


async def test_an_answer_is_in_the_thread_quotes_and_marks_the_original(me: Correspondent, people: People) -> None:
    jane = people.new()
    me.put(question(jane, me.address))
    (mail,) = await me.stored()

    sent = await me.run("smtp-reply", original=mail, text="Fine.")

    assert sent["accepted"] == [jane.address]
    assert sent["original"] == {
        "messageId": "<question@x.test>",
        "mailbox": "INBOX",
        "uid": mail["uid"],
        "uidValidity": mail["uidValidity"],
        "marked": True,
        "reason": None,
    }
    assert me.flags() == [{r"\Answered"}]
    (answer,) = await jane.receives()
    assert (answer["From"], answer["To"], answer["Subject"]) == (me.address, f"Jane Doe <{jane.address}>", "Re: Grüße")
    assert answer["In-Reply-To"] == "<question@x.test>"
    assert answer["References"].split() == ["<first@x.test>", "<second@x.test>", "<question@x.test>"]
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer.get_content().splitlines() == [
        "Fine.",
        "",
        f"On 2026-03-09 at 07:00 UTC, Jane Doe <{jane.address}> wrote:",
        "> How are you?",
    ]
    (told,) = await jane.stored()
    read = await jane.tasks.at(jane.tasks.beside["imap"]["server"]).with_inputs().run("imap-read", uid=told["uid"])
    assert read["newestReply"] == "Fine."


async def test_reply_all_goes_to_everybody_but_us(me: Correspondent, people: People) -> None:
    jane, bob, carl = people.new(), people.new(), people.new()
    receivers = f"{me.address.upper()}, Bob <{bob.address}>, office@x.test"
    me.put(question(jane, receivers, extra=f"Cc: {carl.address}, {bob.address}, {me.user}+case7@x.test\r\n"))

    sent = await me.run(
        "smtp-reply",
        original={"messageId": "question@x.test"},
        replyAll=True,
        ourAddresses="Our office <office@x.test>",
        text="All fine.",
        bcc="hidden@x.test",
    )

    assert sent["accepted"] == [jane.address, bob.address, carl.address, "hidden@x.test"]
    (answer,) = await carl.receives()
    assert (answer["To"], answer["Cc"]) == (f"Jane Doe <{jane.address}>, Bob <{bob.address}>", carl.address)
    assert answer["From"] == me.address


async def test_the_default_sender_is_the_address_of_ours_that_was_written_to(me: Correspondent, people: People) -> None:
    jane = people.new()
    me.put(question(jane, "office@x.test"))
    ours = ["Sales <sales@x.test>", {"name": "Our office", "address": "office@x.test"}]
    await me.run("smtp-reply", original="question@x.test", text="", ourAddresses=ours)
    (answer,) = await jane.receives()
    assert answer["From"] == "Our office <office@x.test>"


async def test_what_the_task_says_goes_before_what_the_original_says(me: Correspondent, people: People) -> None:
    jane, bob = people.new(), people.new()
    me.put(question(jane, me.address))
    sent = await me.run(
        "smtp-reply",
        original=1,
        to=bob.address,
        subject="Another",
        text="See below.",
        quote="none",
        replyAll=True,
        autoSubmitted="no",
        importance="high",
        markOriginal=False,
    )
    assert sent["accepted"] == [bob.address]
    assert (sent["original"]["marked"], me.flags()) == (None, [set()])
    (answer,) = await bob.receives()
    assert (answer["Subject"], answer["Importance"], answer["Auto-Submitted"]) == ("Another", "high", None)
    assert answer.get_content().strip() == "See below."
    assert answer["In-Reply-To"] == "<question@x.test>"


PICTURE = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r\r\n\r\n--r\r\nContent-Type: text/html\r\n\r\n"
    '<script>steal()</script><p onclick="steal()">Look: <img src="cid:logo@x.test" onerror="steal()">'
    '<img src="https://tracker.test/p.gif"><img src="cid:missing@x.test"></p>\r\n'
    "--r\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x.test>\r\nContent-Disposition: inline\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n"
)


async def test_quoted_html_is_harmless_and_keeps_its_pictures(me: Correspondent, people: People) -> None:
    jane = people.new()
    head = question(jane, me.address).partition(b"\r\n\r\n")[0]
    me.put(head + b"\r\n" + PICTURE.encode())
    await me.run("smtp-reply", original=1, text="Seen.", html="<html><body><p>Seen.</p></body></html>")
    (answer,) = await jane.receives()
    html = answer.get_body(("html",)).get_content()
    assert html.startswith("<html><body><p>Seen.</p>")
    assert re.findall("<img[^>]*>", html) == ['<img src="cid:logo@x.test">'], "no broken pictures"
    assert html.index("<blockquote") < html.index("Look:") < html.index("</body>")
    for bad in ("steal", "tracker", "missing", "<script", "onerror"):
        assert bad not in html
    (picture,) = [part for part in answer.walk() if part.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_content()) == ("<logo@x.test>", b"\x89PNG\r\n\x1a\n")
    assert "> Look:" in answer.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    "extra",
    ["Auto-Submitted: auto-replied\r\n", "Precedence: bulk\r\n", "Return-Path: <>\r\n", "X-Autoreply: yes\r\n"],
)
async def test_automatic_mail_is_not_answered_unless_that_is_meant(
    me: Correspondent, people: People, extra: str
) -> None:
    jane = people.new()
    me.put(question(jane, me.address, extra=extra))
    with pytest.raises(TaskFailed, match="AUTOMATIC_MAIL") as failed:
        await me.run("smtp-reply", original=1, text="And you?")
    assert failed.value.retries == 0
    assert me.flags() == [set()]
    await me.run("smtp-reply", original=1, text="And you?", answerAutomatic=True)
    await jane.receives()


async def test_a_given_source_needs_no_mailboxes(me: Correspondent, people: People) -> None:
    jane = people.new()
    source = b64encode(question(jane, me.address)).decode()
    sent = await Correspondent(me.tasks.with_inputs(), me.user).run(
        "smtp-reply", original={"source": {"content": source}}, text="Fine."
    )
    assert (sent["original"]["messageId"], sent["original"]["marked"]) == ("<question@x.test>", None)
    assert len(await jane.receives()) == 1


@pytest.mark.parametrize(
    ("original", "code"),
    [
        ({"messageId": "nobody@x.test"}, "MESSAGE_NOT_FOUND"),
        ({"uid": 9}, "MESSAGE_NOT_FOUND"),
        ({"uid": 1, "uidValidity": 1}, "UIDVALIDITY_CHANGED"),
        ({"uid": 1, "mailbox": "Nowhere"}, "MAILBOX_NOT_FOUND"),
        ({"messageId": "twice@x.test"}, "MESSAGE_AMBIGUOUS"),
        ({}, "INVALID_INPUT"),
        ({"source": {"content": "%"}}, "INVALID_INPUT"),
        ({"source": {"message": "Subject: x\r\n\r\n"}}, "INVALID_INPUT"),
    ],
)
async def test_an_original_that_is_not_there_is_an_error_and_nothing_is_sent(
    me: Correspondent, original: Any, code: str
) -> None:
    twice = b"From: a@x.test\r\nMessage-ID: <twice@x.test>\r\n\r\n"
    me.put(twice, twice)
    with pytest.raises(TaskFailed, match=code) as failed:
        await me.run("smtp-reply", original=original, text="x")
    assert failed.value.retries == 0
    assert "ifMissing" not in str(failed.value), "which the task does not have"


async def test_without_mailboxes_the_message_says_what_to_give(me: Correspondent) -> None:
    bare = Correspondent(me.tasks.with_inputs(), me.user)
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*`imap` must be given, because `request.original`"):
        await bare.run("smtp-reply", original="x@x.test", text="x")
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*`imap` must be given, because `request.saveToSent`"):
        await bare.run("smtp-send", to="x@x.test", text="x", saveToSent=True)


async def test_there_is_room_in_memory_for_the_original_until_the_answer_is_out(
    me: Correspondent, people: People
) -> None:
    budget = people.room.room.handler._desk.sources.budget
    held: list[int] = []
    me.put(question(people.new(), me.address))
    attempt = Meanwhile(lambda: held.append(budget.held))
    await me.attempt(attempt, "smtp-reply", original=1, text="Fine.")
    (source,) = me.raw()
    assert (held, budget.held) == ([2 * len(source)], 0)


@pytest.mark.parametrize("task", ["imap-list", "imap-read", "imap-search", "imap-move", "imap-exists"])
async def test_an_original_is_taken_as_any_task_gives_it(me: Correspondent, people: People, task: str) -> None:
    jane = people.new()
    me.put(question(jane, me.address))
    mailboxes = me.tasks.at(imap_at(me.tasks.server)).with_inputs()
    asked: dict[str, dict[str, Any]] = {
        "imap-list": {},
        "imap-read": {"uid": 1},
        "imap-search": {"criteria": {"seen": False}},
        "imap-move": {"uid": 1, "target": "Archive"},
        "imap-exists": {"messageId": "question@x.test"},
    }
    given = await mailboxes.run(task, **asked[task])
    listed = task in ("imap-list", "imap-search", "imap-move")
    sent = await me.run("smtp-reply", original=given["messages"][0] if listed else given, text="Fine.")
    assert sent["original"]["mailbox"] == ("Archive" if task == "imap-move" else "INBOX")
    assert sent["original"]["marked"] is True


async def test_the_source_that_a_task_kept_does_without_mailboxes(
    dovecot: Dovecot, relay: Postfix, tmp_path: Path
) -> None:
    async with tasks(dovecot, "nobody", documents=str(tmp_path)) as room:
        people = People(room, dovecot, relay)
        me, jane = people.new(), people.new()
        me.put(question(jane, me.address))
        mailboxes = me.tasks.at(imap_at(me.tasks.server)).with_inputs()
        mail = await mailboxes.run("imap-read", uid=1, source="document")
        bare = Correspondent(me.tasks.with_inputs(), me.user)
        for original in (mail, mail["source"], {"source": mail["source"]}):
            sent = await bare.run("smtp-reply", original=original, text="Fine.")
            assert sent["original"]["messageId"] == "<question@x.test>"
        await jane.receives(3)


async def test_a_task_that_sends_without_a_login_needs_one_for_the_mailboxes(me: Correspondent) -> None:
    nobody = {"auth": {"type": "none"}, **me.tasks.beside}
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*`imap\.auth` must be given"):
        await Correspondent(me.tasks.with_inputs(**nobody), me.user).run("smtp-send", to="a@x.test", text="x")


async def test_a_stranger_cannot_have_us_write_to_everybody(me: Correspondent, people: People) -> None:
    """Whoever wrote the original chose who gets the answer."""
    victims = ", ".join(f"<v{number}@x.test>" for number in range(900))
    me.put(question("carl@x.test", me.address, extra=f"Reply-To: {victims}\r\n"))
    with pytest.raises(TaskFailed, match=r"ORIGINAL_RECIPIENTS_EXCEEDED.*900.*100") as failed:
        await me.run("smtp-reply", original=1, text="x")
    assert failed.value.retries == 0
    assert failed.value.error["details"]["recipients"] == 900
    jane = people.new()
    assert (await me.run("smtp-reply", original=1, text="x", to=jane.address))["accepted"] == [jane.address]


async def test_how_many_the_original_may_choose_is_a_setting(dovecot: Dovecot, relay: Postfix) -> None:
    async with tasks(dovecot, "nobody", max_original_recipients=2) as room:
        me = People(room, dovecot, relay).new()
        me.put(question("carl@x.test", f"{me.address}, b@x.test, c@x.test"))
        with pytest.raises(TaskFailed, match="ORIGINAL_RECIPIENTS_EXCEEDED"):
            await me.run("smtp-reply", original=1, text="x", replyAll=True)
        assert len((await me.run("smtp-reply", original=1, text="x"))["accepted"]) == 1


async def test_a_server_that_takes_no_more_at_once_is_not_asked_again(dovecot: Dovecot) -> None:
    extra = "virtual_mailbox_maps = static:all\nsmtpd_recipient_limit = 2"
    async with tasks(dovecot, "nobody") as room:
        with Postfix(dovecot, extra=extra) as strict:
            me = People(room, dovecot, strict).new()
            asked = {"to": "a@x.test, b@x.test, c@x.test", "text": "x"}
            with pytest.raises(TaskFailed, match=r"TOO_MANY_RECIPIENTS.*2 recipients.*Split") as failed:
                await me.run("smtp-send", **asked)
            assert failed.value.retries == 0
            sent = await me.run("smtp-send", **asked, requiredRecipients="any")
            assert [one["enhanced"] for one in sent["rejected"]] == ["4.5.3"]
