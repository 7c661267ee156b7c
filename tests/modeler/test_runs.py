"""Each operation from the panel to the mailbox: its template applied, filled in, saved, deployed, run by the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.host import host, zeebe
from tests.modeler import Filled, Panel, templates
from tests.servers.broker import Gateway
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.servers.postfix import Postfix
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.demo.pki import Authority
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

pytestmark = pytest.mark.live

MAIL = (
    b"From: Ada <ada@x.test>\r\nTo: alice@x.test\r\nSubject: Hello\r\nMessage-ID: <one@x.test>\r\n\r\nHow are you?\r\n"
)
DRAFT = b"From: alice@x.test\r\nTo: bob@x.test\r\nSubject: Draft\r\nMessage-ID: <draft@x.test>\r\n\r\nText\r\n"

BY_ID: list[Filled] = [
    ("message", "Which message", "The one with this Message-ID"),
    ("message", "Message-ID", "<one@x.test>"),
]
FOUND: list[Filled] = [("message", "Messages", '=["<one@x.test>"]')]
WRITTEN: list[Filled] = [
    ("recipients", "From", "Alice <alice@x.test>"),
    ("recipients", "To", '="bob" + "@x.test"'),
    ("content", "Subject", "News"),
]


@dataclass(frozen=True)
class Case:
    """What an author fills in besides the server and the login, and what is true of the result."""

    template: str
    filled: list[Filled]
    holds: Callable[[Mapping[str, Any]], object]
    operation: str = ""
    """What is chosen where a template has several."""


CASES = [
    Case(
        "smtp-send",
        [
            *WRITTEN,
            ("content", "Write it as", "HTML"),
            ("content", "HTML", "<p>Hello</p>"),
            ("content", "Attachments", '=[{name: "a.txt", text: "abc"}]'),
            ("invitation", "Invite to an appointment", "Yes"),
            ("invitation", "Start", "2030-01-31T08:30:00@Europe/Berlin"),
            ("invitation", "Duration", "PT1H"),
            ("delivery", "Save among sent mail", True),
            ("delivery", "Delivery reports", "success, failure"),
            ("marks", "Importance", "high"),
            ("marks", "Read receipt", True),
            ("marks", "Flag it for follow-up", "Yes"),
            ("marks", "Follow up by", "tomorrow"),
            ("thread", "Additional headers", '={"X-Order": "4711"}'),
        ],
        lambda result: (
            result["accepted"] == ["bob@x.test"] and result["invitation"]["uid"] and result["sentCopy"]["saved"]
        ),
    ),
    Case(
        "smtp-reply",
        [
            ("original", "Original", '={mailbox: "INBOX", messageId: "<one@x.test>"}'),
            ("original", "Quote the original", "Above the answer"),
            ("recipients", "To", "bob@x.test"),
            ("content", "Text", "Thank you."),
        ],
        lambda result: result["original"]["marked"],
    ),
    Case(
        "smtp-forward",
        [
            ("original", "Original", '={messageId: "<one@x.test>"}'),
            ("original", "Forward it", "As a file, with every byte"),
            ("recipients", "To", "bob@x.test"),
        ],
        lambda result: result["accepted"] == ["bob@x.test"],
    ),
    Case("smtp-draft-send", [("draft", "Draft", '="<draft@x.test>"')], lambda result: result["draft"]["removed"]),
    Case("smtp", [*WRITTEN, ("content", "Text", "Hello")], lambda result: result["accepted"], operation="Send a mail"),
    Case(
        "render",
        [
            *WRITTEN,
            ("content", "Write it as", "Mail template written here"),
            ("template", "Text", "Hello {{ name }}"),
            ("template", "Variables", '={name: "Bob"}'),
        ],
        lambda result: "Hello Bob" in result["text"] and result["content"],
    ),
    Case(
        "imap-append",
        [
            ("message", "Mailbox", "INBOX"),
            ("message", "Message", "From: ada@x.test\nMessage-ID: <two@x.test>\n\nHello\n"),
            ("message", "Flags", "Seen"),
        ],
        lambda result: result["appended"],
    ),
    Case(
        "imap-copy",
        [*FOUND, ("message", "To mailbox", "Copies"), ("message", "Create the mailbox when it is missing", True)],
        lambda result: result["done"] == 1,
    ),
    Case("imap-count", [("mailbox", "Criteria", "={seen: false}")], lambda result: result["count"] == 1),
    Case("imap-delete", [*FOUND, ("message", "Delete", "For good")], lambda result: result["deleted"]),
    Case(
        "imap-download",
        [*BY_ID, ("reading", "Hand over", "In the result, up to 1 MB")],
        lambda result: result["content"],
    ),
    Case("imap-draft-save", [*WRITTEN, ("content", "Text", "Hello")], lambda result: result["saved"]),
    Case(
        "imap-exists",
        [("message", "Which message", "Any that matches"), ("message", "Criteria", '={from: "ada@x.test"}')],
        lambda result: result["exists"],
    ),
    Case("imap-flags-add", [*FOUND, ("message", "Flags", "Flagged")], lambda result: result["done"] == 1),
    Case("imap-flags-remove", [*FOUND, ("message", "Flags", '=["Seen"]')], lambda result: result["missing"] == 0),
    Case(
        "imap-flags-set",
        [
            ("message", "Which messages", "All that match"),
            ("message", "Criteria", "={seen: false}"),
            ("message", "Flags", "Seen"),
        ],
        lambda result: result["done"] == 1,
    ),
    Case(
        "imap-list",
        [("reading", "At most", 5), ("reading", "Of each message", "All of it, as reading gives it")],
        lambda result: "How are you" in result["messages"][0]["plainTextBody"],
    ),
    Case("imap-mailbox-create", [("mailbox", "Mailbox", "New")], lambda result: result["created"]),
    Case(
        "imap-mailbox-delete",
        [("mailbox", "Mailbox", "Old"), ("mailbox", "The same again", "Old")],
        lambda result: result["deleted"],
    ),
    Case("imap-mailbox-list", [("mailbox", "Pattern", "%")], lambda result: len(result["mailboxes"]) > 1),
    Case(
        "imap-mailbox-rename",
        [("mailbox", "Mailbox", "Old"), ("mailbox", "New name", "Older")],
        lambda result: result["renamed"],
    ),
    Case("imap-mailbox-status", [("mailbox", "Mailbox", "INBOX")], lambda result: result["messages"] == 1),
    Case(
        "imap-move",
        [
            ("message", "Which messages", "Those with UIDs in a range"),
            ("message", "UIDs", "1:*"),
            ("message", "To mailbox", "Archive/2030"),
        ],
        lambda result: result["done"] == 1,
    ),
    Case(
        "imap-read",
        [*BY_ID, ("reading", "Attachments", "Names and sizes only"), ("reading", "Mark as read", True)],
        lambda result: result["flags"] == ["\\Seen"],
    ),
    Case("imap-search", [("mailbox", "Criteria", '={subject: "hello"}')], lambda result: result["total"] == 1),
    Case(
        "imap-wait",
        [("mailbox", "Criteria", '={subject: "hello"}'), ("mailbox", "Wait at most", "PT5S")],
        lambda result: result["found"],
    ),
    Case(
        "imap",
        [*BY_ID, ("reading", "Read", "Only the header")],
        lambda result: result["subject"] == "Hello",
        operation="Read a message",
    ),
    Case("pop3-list", [("reading", "Sort by", "When it was sent")], lambda result: result["total"] == 1),
    Case(
        "pop3-search",
        [("message", "Criteria", '={from: "ada"}'), ("limits", "Look at, at most", 10)],
        lambda result: result["complete"],
    ),
    Case(
        "pop3-read",
        [*BY_ID, ("reading", "Attachments", "Left out")],
        lambda result: "How are you" in result["plainTextBody"],
    ),
    Case(
        "pop3-download",
        [*BY_ID, ("reading", "Hand over", "In the result, up to 1 MB")],
        lambda result: result["content"],
    ),
    Case("pop3-delete", FOUND, lambda result: result["deleted"]),
    Case("pop3", [*FOUND], lambda result: result["deleted"], operation="Delete messages"),
]


def test_no_template_is_forgotten() -> None:
    assert sorted(case.template for case in CASES) == sorted(templates())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.template)
async def test_a_filled_in_template_runs(
    case: Case,
    panel: Panel,
    broker: Gateway,
    dovecot: Dovecot,
    postfix: Postfix,
    pki: Authority,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_CA_FILE", str(pki.ca_file))
    monkeypatch.setenv("SECRET_ALICE", "secret")
    monkeypatch.setenv("SECRET_MAIL_PASSWORD", PASSWORD)
    user = dovecot.new_account()
    dovecot.deliver(user, MAIL)
    dovecot.deliver(user, DRAFT, mailbox="Drafts", flags=[r"\Draft"])
    with dovecot.client(user) as client:
        client.create_folder("Old")

    process = f"modeler-{case.template}"
    panel.apply(case.template, process=process)
    if case.operation:
        panel.fill([("operation", "Operation", case.operation)])
    panel.fill(_server(case.template, dovecot, postfix, user))
    panel.fill([*case.filled, ("output", "Result expression", "={result: response}")])
    assert [one for one in panel.shown() if one["error"]] == []
    diagram = tmp_path / f"{process}.bpmn"
    diagram.write_text(panel.xml(), encoding="utf-8")
    assert panel.call("lint", diagram.read_text(encoding="utf-8")) == []

    async with (
        mailroom(load(), Redactor(), task_types(load())) as room,
        host(broker.address, room.handler),
        zeebe(broker.address) as cluster,
    ):
        await cluster.deploy([diagram])
        outcome = await cluster.start_and_wait(process, {}, timeout_s=30)
    assert case.holds(outcome["result"]), outcome


def _server(template: str, dovecot: Dovecot, postfix: Postfix, user: str) -> list[Filled]:
    match template.partition("-")[0]:
        case "smtp":
            sending = _login("server", "auth", postfix.submission, "alice@x.test", "ALICE")
            there: list[Filled] = (
                [] if template == "smtp-draft-send" else [("imap", "Use the account's mailboxes", "Yes")]
            )
            way: list[Filled] = [("imap", "Authentication", "User name and password")]
            return [*sending, *there, *way, *_login("imap", "imap", dovecot.imaps, user, "MAIL_PASSWORD")]
        case "imap":
            return _login("server", "auth", dovecot.imaps, user, "MAIL_PASSWORD")
        case "pop3":
            return _login("server", "auth", dovecot.pop3s, user, "MAIL_PASSWORD")
    return []


def _login(server: str, auth: str, port: int, user: str, secret: str) -> list[Filled]:
    return [
        (server, "Host", "localhost"),
        (server, "Port", port),
        (auth, "User name", user),
        (auth, "Password", f"{{{{secrets.{secret}}}}}"),
    ]
