"""What a mail says about itself, header by header."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parsers import parsed
from zeebe_mail.message.address import mailbox, mailboxes
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.headers import HeaderError, header
from zeebe_mail.message.marks import FollowUp, Marks, Unsubscribe
from zeebe_mail.message.thread import KEPT, message_id, references

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
EVERY_MAIL = {"date", "from", "to", "message-id", "mime-version", "content-type", "content-transfer-encoding"}
BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


def composed(**draft: Any) -> Message:
    given_draft: dict[str, Any] = {"authors": mailboxes("jane@x.test"), "to": mailboxes("bob@x.test"), "text": "Hi"}
    return compose(Draft(**(given_draft | draft)), token="4711-1", date=NOW)


def said(**marks: Any) -> list[tuple[str, str]]:
    """The headers that a mail has beyond those of every mail."""
    message = parsed(bytes(composed(marks=Marks(**marks)).data))
    return [(name, str(value)) for name, value in message.items() if name.lower() not in EVERY_MAIL]


BY_MACHINE = ("Auto-Submitted", "auto-generated")


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ({}, []),
        ({"importance": "normal", "sensitivity": "normal"}, []),
        (
            {"importance": "high"},
            [("Importance", "high"), ("X-Priority", "1 (Highest)"), ("X-MSMail-Priority", "High")],
        ),
        ({"importance": "low"}, [("Importance", "low"), ("X-Priority", "5 (Lowest)"), ("X-MSMail-Priority", "Low")]),
        ({"priority": "urgent"}, [("Priority", "urgent")]),
        ({"sensitivity": "personal"}, [("Sensitivity", "Personal")]),
        ({"sensitivity": "private"}, [("Sensitivity", "Private")]),
        ({"sensitivity": "confidential"}, [("Sensitivity", "Company-Confidential")]),
        ({"language": "de-AT, en"}, [("Content-Language", "de-AT, en")]),
        ({"receipt_to": mailbox("J <j@x.test>")}, [("Disposition-Notification-To", "J <j@x.test>")]),
        (
            {"receipt_to": mailbox("j@x.test"), "legacy_receipt": True},
            [
                ("Disposition-Notification-To", "j@x.test"),
                ("Return-Receipt-To", "j@x.test"),
                ("X-Confirm-Reading-To", "j@x.test"),
            ],
        ),
        (
            {"follow_up": FollowUp(datetime(2026, 12, 1, 17, tzinfo=UTC), "Bitte prüfen")},
            [("X-Message-Flag", "Bitte prüfen"), ("Reply-By", "Tue, 01 Dec 2026 17:00:00 +0000")],
        ),
        (
            {"unsubscribe": Unsubscribe(("https://x.test/u?t=1", "mailto:u@x.test"), one_click=True)},
            [
                ("List-Unsubscribe", "<https://x.test/u?t=1>, <mailto:u@x.test>"),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ],
        ),
    ],
)
def test_each_mark_has_its_headers(marks: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert said(**marks) == [BY_MACHINE, *expected]


def test_a_mail_that_stands_for_a_persons_says_nothing() -> None:
    assert said(auto_submitted="no") == []


def test_a_given_header_takes_the_place_of_the_mark() -> None:
    data = bytes(
        composed(headers=(("auto-submitted", "auto-replied"), ("References", "<a@x>")), references=("<b>",)).data
    )
    assert data.lower().count(b"auto-submitted:") == data.lower().count(b"references:") == 1
    assert b"auto-submitted: auto-replied" in data


def test_headers_may_come_more_than_once_and_keep_their_order() -> None:
    message = parsed(bytes(composed(headers=(("X-Tag", "one"), ("X-Tag", "two"), ("x-tag", "three"))).data))
    assert message.get_all("X-Tag") == ["one", "two", "three"]


def test_a_long_list_of_addresses_to_unsubscribe_is_folded_and_not_encoded() -> None:
    url = "https://x.test/" + "u" * 300
    data = bytes(composed(marks=Marks(unsubscribe=Unsubscribe((url, "mailto:u@x.test")))).data)
    assert f"List-Unsubscribe: <{url}>,\r\n <mailto:u@x.test>\r\n".encode() in data


# ── who it is from ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("draft", "sender", "envelope"),
    [
        ({}, None, "jane@x.test"),
        ({"sender": mailbox("jane@x.test")}, None, "jane@x.test"),
        ({"sender": mailbox("office@x.test")}, "office@x.test", "office@x.test"),
        ({"authors": mailboxes("a@x.test, b@x.test")}, "a@x.test", "a@x.test"),
        ({"authors": mailboxes("a@x.test, b@x.test"), "sender": mailbox("b@x.test")}, "b@x.test", "b@x.test"),
        ({"envelope_sender": ""}, None, ""),
        ({"envelope_sender": "bounces@x.test"}, None, "bounces@x.test"),
    ],
)
def test_sender_is_named_where_the_authors_do_not_say_it(
    draft: dict[str, Any], sender: str | None, envelope: str
) -> None:
    message = composed(**draft)
    assert parsed(bytes(message.data))["Sender"] == sender
    assert message.sender == envelope


# ── threading ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_given_message_id_is_the_mails() -> None:
    message = composed(message_id="<order-4711@x.test>")
    assert message.message_id == parsed(bytes(message.data))["Message-ID"] == "<order-4711@x.test>"


@pytest.mark.parametrize("good", ["<a@b>", "a@b", "<a@b", " <a.b+c@x.test> ", "<a@[127.0.0.1]>"])
def test_message_ids_as_rfc_5322_allows_them(good: str) -> None:
    assert message_id(good) == f"<{good.strip().strip('<>')}>"


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "<>",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a..b@c",
        ".a@b",
        "a b@c",
        "ä@b",
        "a@ü",
        "a@b>x",
        "<<a@b>>",
        "x" * 250 + "@b",
    ]
    + [f"a{separator}@b" for separator in BREAKS],
)
def test_other_message_ids_are_refused(bad: str) -> None:
    with pytest.raises(HeaderError):
        message_id(bad)


def test_references_end_with_the_parent_and_name_none_twice() -> None:
    assert references(["<1@x>", "<2@x>"], ["<2@x>", "<3@x>"]) == b"References: <1@x> <2@x> <3@x>\r\n"


def test_a_long_thread_keeps_its_beginning_and_its_end() -> None:
    thread = [f"<{number}@x.test>" for number in range(1000)]
    kept = references(thread, [thread[-1]]).decode().removeprefix("References:").split()
    assert kept == [thread[0], *thread[-KEPT:]]


@given(st.lists(st.integers(1, 200).map(lambda size: f"<{'x' * size}@x.test>"), max_size=30))
def test_references_are_folded_and_never_encoded(thread: list[str]) -> None:
    """Python's own generator has made encoded words of long ones."""
    raw = references(thread, [])
    assert b"=?" not in raw
    assert all(b" <" in line or line.startswith(b"References:") for line in raw.split(b"\r\n") if line)
    assert all(len(line) <= 78 or line.count(b"<") == 1 for line in raw.split(b"\r\n"))


@pytest.mark.parametrize(
    "odd", ["<a b@x>", "a@x", "<ä@x>", "<>", "<a>b@x>", "<" + "x" * 2000 + "@x>", "<a\r\nBcc: x@x>"]
)
def test_what_others_called_their_mails_never_stops_an_answer(odd: str) -> None:
    message = parsed(bytes(composed(in_reply_to=(odd,), references=("<good@x>", odd)).data))
    assert (message["In-Reply-To"], message["References"]) == (None, "<good@x>")


# ── additional headers ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_programs_read_is_never_encoded() -> None:
    long_ids = " ".join(f"<{'x' * 80}{number}@x.test>" for number in range(5))
    assert b"=?" not in header("In-Reply-To", long_ids)
    assert header("X-Note", "Grüße").startswith(b"X-Note: =?utf-8?")
    with pytest.raises(HeaderError):
        header("References", "<ä@x.test>")
    with pytest.raises(HeaderError):
        header("List-Id", "x" * 1000)


def test_headers_of_addresses_are_written_as_addresses() -> None:
    assert header("Disposition-Notification-To", "Jörg <j@x.test>") == (
        b"Disposition-Notification-To: =?utf-8?b?SsO2cmc=?= <j@x.test>\r\n"
    )
    with pytest.raises(HeaderError):
        header("Errors-To", "nobody")


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize("name", ["X-Order", "References", "Errors-To", "List-Unsubscribe"])
def test_no_separator_gets_into_any_kind_of_header(separator: str, name: str) -> None:
    with pytest.raises(HeaderError):
        header(name, f"a@x.test{separator}Bcc: eve@evil.test")
    with pytest.raises(HeaderError):
        composed(marks=Marks(language=f"de{separator}X: 1"))
    with pytest.raises(HeaderError):
        composed(marks=Marks(unsubscribe=Unsubscribe((f"mailto:a{separator}b",))))
    with pytest.raises(HeaderError):
        composed(marks=Marks(follow_up=FollowUp(NOW, f"a{separator}b")))
