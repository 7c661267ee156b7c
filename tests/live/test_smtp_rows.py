"""Each row of "composing and sending", through a real Postfix into a real Dovecot, read back by two parsers.

A test sends with the task itself, waits until the mail lies in the recipient's mailbox, and looks at it with Python's
`email` and with postal-mime: what both see is what people see. Rows whose mails are read so elsewhere have their tests
there:

B12  tests.operations.smtp.test_delivered_attachments.test_a_text_may_come_from_a_file
B13  tests.operations.smtp.test_delivered_attachments.test_names_arrive_as_they_are
B13  tests.operations.smtp.test_delivered_attachments.test_documents_files_and_urls_arrive_byte_for_byte
B13  tests.operations.smtp.test_delivered_attachments.test_what_a_task_has_read_is_attached_again
B14  tests.live.test_templates.test_b14_a_templates_files_arrive_beside_the_tasks_own
B15  tests.operations.smtp.test_delivered_attachments.test_documents_files_and_urls_arrive_byte_for_byte
B16  tests.operations.smtp.test_delivered_attachments.test_names_that_are_not_safe_arrive_safe
B17  tests.operations.smtp.test_delivered_attachments.test_documents_files_and_urls_arrive_byte_for_byte
B27  tests.live.test_templates.test_b27_b28_b29_a_template_arrives_as_it_was_shown
B28  tests.live.test_templates.test_b27_b28_b29_a_template_arrives_as_it_was_shown
rank 12  tests.live.test_invitations.test_an_invitation_arrives_as_mail_clients_expect_it
rank 21  tests.operations.smtp.test_bounces.test_an_address_that_bounced_gets_no_more_mail
rank 24  tests.wire.test_smtp_way.test_tls_all_the_way_is_wanted_of_a_server_that_offers_it
rank 30  tests.operations.smtp.test_international.test_a_mail_its_copy_and_an_answer
rank 30  tests.wire.test_addresses_of_the_world.test_they_go_out_to_a_server_that_can

B24 to B26 (S/MIME) and B30 to B32 (queue) come later; B40 is a page in a browser, which the worker has none of.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
from imapclient import IMAPClient

from tests.parsers import PostalMime, Seen, parsed, seen
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.jobs.outcome import Complete, Outcome, ThrowError

pytestmark = pytest.mark.live

PATIENCE_S = 20
MAIL = {"from": "alice@x.test", "to": "bob@x.test", "subject": "Row", "text": "Hello.\n"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Delivered:
    """A mail in a mailbox: its bytes, and what both parsers see."""

    source: bytes
    seen: Seen

    @property
    def message(self) -> EmailMessage:
        return parsed(self.source)

    def header(self, name: str) -> str | None:
        found = self.message[name]
        return None if found is None else str(found)


class PostOffice:
    """Sends as alice, and fetches from the mailboxes of the recipients."""

    def __init__(self, sender: Tasks, mailboxes: dict[str, IMAPClient], postal_mime: PostalMime) -> None:
        self._sender = sender
        self._mailboxes = mailboxes
        self._postal_mime = postal_mime
        self.result: dict[str, Any] = {}

    @property
    def tasks(self) -> Tasks:
        """Those that Alice sends with."""
        return self._sender

    async def told(self, headers: dict[str, str], **request: Any) -> Outcome:
        """What Zeebe is told of a job with these task headers."""
        return await self._sender.outcome(TrialAttempt(), "smtp-send", headers, {**MAIL, **request})

    async def send(self, **request: Any) -> dict[str, Any]:
        """The result of the task, for a mail from alice to bob unless something else is said."""
        self.result = await self._sender.run("smtp-send", **{**MAIL, **request})
        return self.result

    async def delivered(self, user: str = "bob", **request: Any) -> Delivered:
        """Send, and what lies in that user's mailbox then."""
        return await self.arrived((await self.send(**request))["messageId"], user)

    async def arrived(self, message_id: str, user: str = "bob") -> Delivered:
        """What lies in a mailbox under a Message-ID, once it is there."""
        source = await asyncio.to_thread(fetched, self._mailboxes[user], "HEADER", "Message-ID", message_id)
        found = seen(source)
        assert self._postal_mime.seen(source) == found
        return Delivered(source, found)


def fetched(mailbox: IMAPClient, *criteria: str) -> bytes:
    """The mail that the criteria find, as soon as it is there."""
    give_up = time.monotonic() + PATIENCE_S
    while not (uids := mailbox.search(list(criteria))):
        assert time.monotonic() < give_up, f"there is no mail with {criteria}"
        time.sleep(0.01)
        mailbox.noop()
    source: bytes = mailbox.fetch(uids[-1:], ["BODY.PEEK[]"])[uids[-1]][b"BODY[]"]
    return source


@pytest.fixture(scope="module")
def mailboxes(postfix: Postfix, dovecot: Dovecot) -> dict[str, IMAPClient]:
    with ExitStack() as clients:
        opened = {user: clients.enter_context(dovecot.client(user)) for user in ("alice", "bob")}
        for client in opened.values():
            client.select_folder("INBOX")
        yield opened


@pytest.fixture
async def office(
    postfix: Postfix, dovecot: Dovecot, mailboxes: dict[str, IMAPClient], postal_mime: PostalMime
) -> AsyncIterator[PostOffice]:
    async with tasks(dovecot, "alice") as sender:
        where = {"host": "localhost", "port": postfix.submissions, "security": "SSL_TLS"}
        yield PostOffice(sender.at(where), mailboxes, postal_mime)


# ── who it is from and for: B1 to B7, B21 ────────────────────────────────────────────────────────────────────────


async def test_b1_from_may_have_a_name(office: PostOffice) -> None:
    mail = await office.delivered(**{"from": "Alice Müller <alice@x.test>"})
    assert mail.seen.sender == (("Alice Müller", "alice@x.test"),)
    assert mail.header("Return-Path") == "<alice@x.test>"


async def test_b2_several_authors_need_a_sender(office: PostOffice) -> None:
    mail = await office.delivered(**{"from": ["alice@x.test", {"name": "Bob", "address": "bob@x.test"}]})
    assert [one.addr_spec for one in mail.message["From"].addresses] == ["alice@x.test", "bob@x.test"]
    assert (mail.header("Sender"), mail.header("Return-Path")) == ("alice@x.test", "<alice@x.test>")


async def test_b3_the_source_address_is_author_and_envelope_sender_alike(office: PostOffice) -> None:
    mail = await office.delivered()
    assert (mail.seen.sender, mail.header("Return-Path")) == ((("", "alice@x.test"),), "<alice@x.test>")
    assert office.result["envelope"] == {"from": "alice@x.test", "to": ["bob@x.test"]}


@pytest.mark.parametrize(
    "to",
    [
        '"Doe, Jane" <alice@x.test>, bob@x.test',
        "alice@x.test; bob@x.test",
        ["alice@x.test", "bob@x.test"],
        [{"name": "Doe, Jane", "address": "alice@x.test"}, "bob@x.test"],
    ],
)
async def test_b4_recipients_come_as_text_or_as_a_list(office: PostOffice, to: Any) -> None:
    for user in ("alice", "bob"):
        mail = await office.delivered(user, to=to)
        assert [address for _, address in mail.seen.to] == ["alice@x.test", "bob@x.test"]
    assert office.result["accepted"] == ["alice@x.test", "bob@x.test"]


async def test_b4_each_recipient_gets_it_once(office: PostOffice) -> None:
    mail = await office.delivered(to="bob@x.test", cc="Bob <bob@x.test>", bcc="bob@x.test")
    assert office.result["envelope"]["to"] == ["bob@x.test"]
    assert (mail.seen.to, mail.seen.cc) == ((("", "bob@x.test"),), (("Bob", "bob@x.test"),))


async def test_b5_hidden_recipients_alone_must_be_meant(office: PostOffice) -> None:
    with pytest.raises(TaskFailed, match="undisclosedRecipients"):
        await office.send(to="", bcc="bob@x.test")
    mail = await office.delivered(to="", bcc="bob@x.test", undisclosedRecipients=True)
    assert mail.header("To") == "undisclosed-recipients:;"
    assert (mail.seen.to, mail.seen.bcc) == ((), ())


async def test_b6_cc_is_seen_by_all(office: PostOffice) -> None:
    mail = await office.delivered("alice", cc="alice@x.test")
    assert mail.seen.cc == (("", "alice@x.test"),)
    nobody = await office.delivered(cc="", bcc=None)
    assert nobody.header("Cc") is None


async def test_b7_nobody_sees_bcc_not_even_those_in_it(office: PostOffice) -> None:
    for user in ("alice", "bob"):
        mail = await office.delivered(user, bcc="alice@x.test")
        head, _, body = mail.source.partition(b"\r\n\r\n")
        assert b"bcc" not in head.lower()
        # The servers on the way write whom they delivered to, each in its own copy.
        written_by_us = head[head.index(b"Date: ") :]
        assert b"alice" not in written_by_us.replace(b"From: alice@x.test", b"")
        assert b"alice" not in body
    with pytest.raises(TaskFailed):
        await office.send(headers={"Resent-Bcc": "alice@x.test"})


async def test_b21_answers_go_where_they_shall(office: PostOffice) -> None:
    mail = await office.delivered(replyTo=["Desk <desk@x.test>", "second@x.test"])
    assert mail.seen.reply_to == (("Desk", "desk@x.test"), ("", "second@x.test"))


# ── what it says: B8 to B11 ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "subject", ["Grüße 😀 aus Köln", "ä" * 300, "x" * 300, "😀" * 120, "=?utf-8?q?not?=", "a" + " b" * 150]
)
async def test_b8_subjects_arrive(office: PostOffice, subject: str) -> None:
    mail = await office.delivered(subject=subject)
    assert mail.seen.subject == subject
    assert max(len(line) for line in mail.source.partition(b"\r\n\r\n")[0].split(b"\r\n") if b"Subj" in line) <= 78


TEXTS = [
    "Hello.\n",
    "",
    "Grüße aus Köln\n",
    "Привет 😀 日本語\n" * 50,
    "x" * 5000 + "\n",
    ".\n..\n.x\nFrom here\n",
    "trailing blank \nand tab\t\n",
    "=3D is not an equals sign\n",
    "\n\n\nspaced\n\n\n",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_b9_texts_arrive_byte_for_byte(office: PostOffice, text: str) -> None:
    mail = await office.delivered(text=text)
    content = mail.message.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().replace("\r\n", "\n").removesuffix("\n") == text.removesuffix("\n")
    assert max(map(len, mail.source.split(b"\r\n"))) <= 998


async def test_b10_text_html_or_both_with_the_richer_last(office: PostOffice) -> None:
    html = await office.delivered(text=None, html="<p>Grüße</p>", textFromHtml=False)
    assert (html.message.get_content_type(), html.seen.html) == ("text/html", "<p>Grüße</p>")
    for text in ("Grüße", None):  # a text is made from HTML that comes alone
        both = await office.delivered(text=text, html="<p>Grüße</p>")
        assert [part.get_content_type() for part in both.message.iter_parts()] == ["text/plain", "text/html"]
        assert (both.seen.text, both.seen.html) == ("Grüße", "<p>Grüße</p>")


async def test_b11_line_breaks_are_line_breaks_and_backslashes_are_themselves(office: PostOffice) -> None:
    mail = await office.delivered(text="one\ntwo\r\nthree\\n is no break")
    assert mail.seen.text == "one\ntwo\nthree\\n is no break"


# ── templates and drafts: B28, B29 ───────────────────────────────────────────────────────────────────────────────

TEMPLATE = {
    "to": "{{ customer }}",
    "subject": "Order {{ number }}",
    "markdown": "Your **order** {{ number }} <&>",
    "variables": {"customer": "Alice <alice@x.test>", "number": "4711 – größer"},
}


async def test_b28_a_draft_is_made_of_a_template_and_sent_once_somebody_has_seen_it(
    office: PostOffice, dovecot: Dovecot
) -> None:
    imap = {"host": "localhost", "port": dovecot.imaps, "security": "SSL_TLS"}
    draft = await office.tasks.at(imap).run("imap-draft-save", **{"from": "alice@x.test"}, template=TEMPLATE)
    with dovecot.client("alice") as client:
        client.select_folder(draft["mailbox"], readonly=True)
        ((_, kept),) = client.fetch([draft["uid"]], ["BODY.PEEK[]"]).items()
    shown = seen(kept[b"BODY[]"])
    sent = await office.tasks.with_inputs(imap={"server": imap}).run("smtp-draft-send", draft=draft)
    mail = await office.arrived(sent["messageId"], "alice")
    assert (
        (mail.seen.to, mail.seen.subject)
        == (shown.to, shown.subject)
        == (
            (("Alice", "alice@x.test"),),
            "Order 4711 – größer",
        )
    )
    assert (mail.seen.text, mail.seen.html) == (shown.text, shown.html)


async def test_b29_what_the_task_says_at_run_time_goes_before_the_template(office: PostOffice) -> None:
    mail = await office.delivered(to="bob@x.test", cc="alice@x.test", subject="Mine", text=None, template=TEMPLATE)
    assert (mail.seen.to, mail.seen.cc) == ((("", "bob@x.test"),), (("", "alice@x.test"),))
    assert (mail.seen.subject, mail.seen.text) == ("Mine", "Your order 4711 – größer <&>")


# ── what it says of itself: B18 to B23, B43 ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("request_", "headers"),
    [
        ({"importance": True}, {"Importance": "high", "X-Priority": "1 (Highest)", "X-MSMail-Priority": "High"}),
        ({"importance": "low"}, {"Importance": "low", "X-Priority": "5 (Lowest)", "X-MSMail-Priority": "Low"}),
        ({"importance": False}, {"Importance": None, "X-Priority": None, "X-MSMail-Priority": None}),
        ({"priority": "urgent"}, {"Priority": "urgent"}),
        ({"readReceipt": True}, {"Disposition-Notification-To": "alice@x.test", "Return-Receipt-To": None}),
        (
            {"readReceipt": "Desk <desk@x.test>", "legacyReceipts": True},
            {"Disposition-Notification-To": "Desk <desk@x.test>", "Return-Receipt-To": "Desk <desk@x.test>"},
        ),
        (
            {"followUp": {"due": "2026-12-24", "timeZone": "Europe/Berlin"}},
            {"X-Message-Flag": "Follow up", "Reply-By": "Thu, 24 Dec 2026 17:00:00 +0100"},
        ),
        ({"sensitivity": "confidential"}, {"Sensitivity": "Company-Confidential"}),
        ({"sensitivity": "private"}, {"Sensitivity": "Private"}),
        ({"sensitivity": "normal"}, {"Sensitivity": None}),
        ({}, {"Auto-Submitted": "auto-generated", "Content-Language": None, "Sender": None}),
        ({"autoSubmitted": "no"}, {"Auto-Submitted": None}),
        ({"language": "de-AT"}, {"Content-Language": "de-AT"}),
        (
            {"listUnsubscribe": {"url": "https://x.test/u", "mailto": "u@x.test", "oneClick": True}},
            {
                "List-Unsubscribe": "<https://x.test/u>, <mailto:u@x.test>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        ),
        ({"headers": {"X-Order": "4711", "X-Ort": "Köln"}}, {"X-Order": "4711", "X-Ort": "Köln"}),
        ({"inReplyTo": "<1@x.test>", "references": "<0@x.test>"}, {"References": "<0@x.test> <1@x.test>"}),
    ],
    ids=str,
)
async def test_b18_to_b23_and_b43_marks_arrive(
    office: PostOffice, request_: dict[str, Any], headers: dict[str, str | None]
) -> None:
    """B23: that a mail is private is a request to its reader; nothing of that can be enforced."""
    mail = await office.delivered(**request_)
    assert {name: mail.header(name) for name in headers} == headers


async def test_b43_every_mail_has_what_a_mail_must_have(office: PostOffice) -> None:
    mail = await office.delivered(messageId=f"row-43-{next(_numbers)}-{id(office)}@x.test")
    for name in ("Date", "From", "Message-ID", "MIME-Version"):
        assert len(mail.message.get_all(name, [])) == 1, name
    assert mail.seen.message_id == office.result["messageId"]


async def test_b43_headers_may_come_more_than_once(office: PostOffice) -> None:
    mail = await office.delivered(headers=[{"name": "X-Tag", "value": "one"}, {"name": "X-Tag", "value": "zwölf"}])
    assert mail.message.get_all("X-Tag") == ["one", "zwölf"]


async def test_b43_bounces_go_to_the_envelope_sender_or_to_nobody(office: PostOffice) -> None:
    mail = await office.delivered(envelopeFrom="bob@x.test")
    assert (mail.header("Return-Path"), mail.seen.sender) == ("<bob@x.test>", (("", "alice@x.test"),))
    nobody = await office.delivered(envelopeFrom="<>")
    assert nobody.header("Return-Path") == "<>"
    assert office.result["envelope"]["from"] == ""


@pytest.mark.parametrize("name", ["Received", "Return-Path", "Bcc", "DKIM-Signature", "Content-Type", "From", "Date"])
async def test_b43_what_tells_where_a_mail_comes_from_cannot_be_given(office: PostOffice, name: str) -> None:
    with pytest.raises(TaskFailed, match="INVALID_INPUT"):
        await office.send(headers={name: "x"})


# ── what the process gets back: B33 to B39, B41, B42 ─────────────────────────────────────────────────────────────


async def test_b33_and_b35_the_result_says_all_that_is_known(office: PostOffice) -> None:
    mail = await office.delivered(cc="alice@x.test")
    result = office.result
    assert result["accepted"] == ["bob@x.test", "alice@x.test"]
    assert result["rejected"] == []
    assert "queued as" in result["response"]
    assert result["envelope"] == {"from": "alice@x.test", "to": ["bob@x.test", "alice@x.test"]}
    assert mail.source.endswith(mail.source[-result["sizeBytes"] :])
    assert mail.source[-result["sizeBytes"] :].startswith(b"Date: ")
    assert mail.message["Date"].datetime.strftime("%Y-%m-%dT%H:%M:%S") == result["date"][:19]
    assert result["dsnRequested"] is False


async def test_b34_and_b36_a_mail_that_is_not_sent_is_an_error_with_stage_code_and_text(office: PostOffice) -> None:
    with pytest.raises(TaskFailed) as caught:
        await office.send(to="nobody@x.test")
    assert caught.value.code == "RECIPIENTS_REFUSED"
    (rejected,) = caught.value.error["details"]["rejected"]
    assert (rejected["code"], rejected["enhanced"]) == (550, "5.1.1")
    assert caught.value.error["details"]["phase"] == "RCPT"


async def test_b37_and_b38_the_process_names_what_it_wants_to_keep(office: PostOffice) -> None:
    expression = "={mailId: response.messageId, reached: count(response.accepted)}"
    told = await office.told({"resultVariable": "whole", "resultExpression": expression})
    assert isinstance(told, Complete)
    message_id = told.variables["whole"]["messageId"]
    assert told.variables == {"whole": told.variables["whole"], "mailId": message_id, "reached": 1}
    assert (await office.arrived(message_id)).seen.message_id == message_id


async def test_b39_an_error_becomes_one_that_the_diagram_catches(office: PostOffice) -> None:
    refused = '=if error.code = "RECIPIENTS_REFUSED" then bpmnError("404", error.message) else null'
    told = await office.told({"errorExpression": refused}, to="nobody@x.test")
    assert isinstance(told, ThrowError)
    assert told.code == "404"
    assert "nobody@x.test" in told.message
    fine = await office.told({"errorExpression": refused, "resultVariable": "sent"})
    assert isinstance(fine, Complete)
    assert (await office.arrived(fine.variables["sent"]["messageId"])).seen.subject == "Row"


async def test_b42_there_must_be_an_account_on_the_server(office: PostOffice) -> None:
    with pytest.raises(TaskFailed, match="AUTH"):
        await office.tasks.with_password("wrong").run("smtp-send", **MAIL)
    assert (await office.delivered()).seen.sender == (("", "alice@x.test"),)


async def test_b41_one_refused_recipient_stops_the_mail_unless_any_is_enough(office: PostOffice) -> None:
    message_id = f"<row-41-{id(office)}@x.test>"
    with pytest.raises(TaskFailed):
        await office.send(to="bob@x.test, nobody@x.test", messageId=message_id)
    mail = await office.delivered(to="bob@x.test, nobody@x.test", messageId=message_id, requiredRecipients="any")
    assert [one["address"] for one in office.result["rejected"]] == ["nobody@x.test"]
    assert mail.seen.message_id == message_id


async def test_reports_are_asked_for_and_come(office: PostOffice, mailboxes: dict[str, IMAPClient]) -> None:
    """Postfix reports the delivery to the envelope sender, under the name that we gave the mail."""
    await office.delivered(dsn={"notify": ["success", "failure"], "return": "headers", "envelopeId": "order 4711"})
    assert office.result["dsnRequested"] is True
    about = ("HEADER", "Content-Type", "multipart/report", "TEXT", office.result["messageId"])
    report = await asyncio.to_thread(fetched, mailboxes["alice"], *about)
    assert b"Original-Envelope-Id: order 4711" in report or b"Original-Envelope-Id: order+204711" in report
    assert b"Original-Recipient: rfc822;bob@x.test" in report
    assert b"Action: " in report


# ── no row is forgotten ──────────────────────────────────────────────────────────────────────────────────────────


def test_each_row_has_its_test() -> None:
    """Here by its name, or elsewhere as the table above says."""
    elsewhere = re.findall(r"^(B\d+|rank \d+)  ([\w.]+)\.(\w+)$", __doc__ or "", re.MULTILINE)
    assert [name for _, module, name in elsewhere if not hasattr(importlib.import_module(module), name)] == []
    here = [name for name in dir(sys.modules[__name__]) if name.startswith("test_b")]
    covered = {int(row[1:]) for row, _, _ in elsewhere if row.startswith("B")}
    for first, joint, last in re.findall(r"_b(\d+)(?:_(to|and)_b(\d+))?", " ".join(here)):
        covered.update(range(int(first), int(last) + 1) if joint == "to" else {int(first), int(last or first)})
    assert covered >= set(range(1, 44)) - {24, 25, 26, 30, 31, 32, 40}


# ── addresses of the whole world (rank 30) ───────────────────────────────────────────────────────────────────────


async def test_an_international_domain_arrives_as_servers_know_it(office: PostOffice) -> None:
    mail = await office.delivered(replyTo="Jörg <joerg@bücher.example>")
    assert mail.seen.reply_to == (("Jörg", "joerg@xn--bcher-kva.example"),)


async def test_letters_before_the_at_are_taken_by_a_server_that_can(office: PostOffice) -> None:
    """Postfix offers SMTPUTF8. Dovecot does not, so it ends there."""
    assert "queued as" in (await office.send(replyTo="Jörg <jörg@x.test>"))["response"]
