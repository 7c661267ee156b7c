"""What a process says of a mail, from its variables to the headers and to what the server is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from tests.parsers import parsed
from zeebe_mail.auth.models import NoAuth
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.marks import Marks
from zeebe_mail.operations.composing.follow_up import due_by
from zeebe_mail.operations.composing.letter import authors_of
from zeebe_mail.operations.smtp.send import SendRequest

BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]
NOW = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)


def request(**fields: Any) -> SendRequest:
    return SendRequest.model_validate({"from": "Jane <jane@x.test>", "to": "bob@x.test", "text": "Hi", **fields})


def marks(**fields: Any) -> Marks:
    asked = request(**fields)
    return asked.marks(asked.from_[0], NOW)


def draft(**fields: Any) -> Draft:
    asked = request(**fields)
    return asked.draft(authors_of(asked, NoAuth()))


def message(**fields: Any) -> Message:
    return compose(draft(**fields), token="4711-1", date=NOW)


def problem(**fields: Any) -> tuple[str, str]:
    """Where the one problem is, and what it is."""
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    (found,) = caught.value.errors()
    assert not any(separator in found["msg"] for separator in BREAKS)
    return ".".join(map(str, found["loc"])), found["msg"].removeprefix("Value error, ")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (True, "high"),
        (False, "normal"),
        ("true", "high"),
        ("HIGH", "high"),
        ("low", "low"),
        (None, "normal"),
        ("", "normal"),
    ],
)
def test_importance_is_a_word_or_a_boolean(given: Any, meant: str) -> None:
    assert marks(importance=given).importance == meant


@pytest.mark.parametrize(
    ("given", "receiver"),
    [
        (True, "jane@x.test"),
        ("true", "jane@x.test"),
        ("desk@x.test", "desk@x.test"),
        ({"address": "desk@x.test"}, "desk@x.test"),
        (False, None),
        ("false", None),
        (None, None),
        ("", None),
    ],
)
def test_a_read_receipt_goes_to_the_author_or_to_an_address(given: Any, receiver: str | None) -> None:
    found = marks(readReceipt=given).receipt_to
    assert (found and found.address) == receiver


@pytest.mark.parametrize("given", [{"sensitivity": "Confidential"}, {"sensitivity": "confidential"}])
def test_words_are_read_in_any_case(given: dict[str, Any]) -> None:
    assert marks(**given).sensitivity == "confidential"


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "due"),
    [
        ("today", ZoneInfo("UTC"), "2026-11-29T17:00:00+00:00"),
        ("tomorrow", ZoneInfo("UTC"), "2026-11-30T17:00:00+00:00"),
        ("Today", BERLIN, "2026-11-30T17:00:00+01:00"),
        ("2026-12-24", BERLIN, "2026-12-24T17:00:00+01:00"),
        ("P3D", BERLIN, "2026-12-03T17:00:00+01:00"),
        ("P1W", ZoneInfo("UTC"), "2026-12-06T17:00:00+00:00"),
        ("PT4H", BERLIN, "2026-11-30T04:30:00+01:00"),
        ("P1DT30M", ZoneInfo("UTC"), "2026-12-01T00:00:00+00:00"),
        ("2026-12-24T09:00:00+02:00", BERLIN, "2026-12-24T09:00:00+02:00"),
        ("2026-12-24T09:00:00@Europe/Berlin", ZoneInfo("UTC"), "2026-12-24T09:00:00+01:00"),
    ],
)
def test_a_day_ends_with_its_working_hours_where_the_office_is(text: str, zone: ZoneInfo, due: str) -> None:
    assert due_by(text, NOW, zone, time(17)).isoformat() == due


def test_a_follow_up_is_a_word_or_an_object() -> None:
    whole = {"due": "2026-12-24", "text": "Bitte prüfen", "timeZone": "Europe/Berlin", "endOfDay": "16:30"}
    found = marks(followUp=whole).follow_up
    assert found
    assert (found.text, found.due.isoformat()) == ("Bitte prüfen", "2026-12-24T16:30:00+01:00")
    short = marks(followUp="tomorrow").follow_up
    assert short
    assert (short.text, short.due.isoformat()) == ("Follow up", "2026-11-30T17:00:00+00:00")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"url": "https://x.test/u"}, ("https://x.test/u",)),
        ({"mailto": "u@x.test"}, ("mailto:u@x.test",)),
        ({"mailto": "u+1=2@x.test"}, ("mailto:u%2B1%3D2@x.test",)),
        (
            {"mailto": "mailto:u@x.test?subject=stop", "url": "https://x.test"},
            ("https://x.test", "mailto:u@x.test?subject=stop"),
        ),
    ],
)
def test_ways_to_unsubscribe(given: dict[str, Any], expected: tuple[str, ...]) -> None:
    found = marks(listUnsubscribe=given).unsubscribe
    assert found
    assert found.uris == expected


def test_headers_come_as_an_object_or_as_a_list_and_more_than_once() -> None:
    several = {"X-Tag": ["one", "two"], "X-Order": "4711", "X-None": None}
    listed = [
        {"name": "X-Tag", "value": "one"},
        {"name": "X-Order", "value": "4711"},
        {"name": "X-Tag", "value": "two"},
    ]
    for given in (several, listed):
        assert draft(headers=given).headers == (("X-Tag", "one"), ("X-Tag", "two"), ("X-Order", "4711"))


def test_threading_takes_ids_as_text_or_as_a_list() -> None:
    found = draft(inReplyTo="<2@x>", references="1@x, <2@x>", messageId="mine@x.test")
    assert (found.in_reply_to, found.references, found.message_id) == (("<2@x>",), ("<1@x>", "<2@x>"), "<mine@x.test>")
    assert draft(references=["<1@x>"]).references == ("<1@x>",)


def test_all_of_it_reaches_the_mail() -> None:
    mail = message(
        importance="high",
        priority="urgent",
        sensitivity="private",
        readReceipt=True,
        legacyReceipts=True,
        followUp="2026-12-24",
        autoSubmitted="auto-replied",
        tlsOptional=True,
        listUnsubscribe={"url": "https://x.test/u", "oneClick": True},
        language="de-AT",
        headers={"X-Order": "4711"},
        messageId="<mine@x.test>",
        inReplyTo="<1@x>",
        **{"from": "a@x.test, b@x.test", "envelopeFrom": "<>"},
    )
    found = parsed(bytes(mail.data))
    assert mail.sender == ""
    assert {
        "Sender": "a@x.test",
        "Message-ID": "<mine@x.test>",
        "In-Reply-To": "<1@x>",
        "References": "<1@x>",
        "Importance": "high",
        "Priority": "urgent",
        "Sensitivity": "Private",
        "Disposition-Notification-To": "a@x.test",
        "Return-Receipt-To": "a@x.test",
        "X-Message-Flag": "Follow up",
        "Reply-By": "Thu, 24 Dec 2026 17:00:00 +0000",
        "Auto-Submitted": "auto-replied",
        "TLS-Required": "No",
        "List-Unsubscribe": "<https://x.test/u>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Content-Language": "de-AT",
        "X-Order": "4711",
    }.items() <= dict(found.items()).items()


# ── delivery reports ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "notify"),
    [
        ({}, None),
        ({"notify": "success"}, ("success",)),
        ({"notify": ["SUCCESS", "failure"]}, ("success", "failure")),
        ({"notify": "success, delay, success"}, ("success", "delay")),
        ({"notify": "never"}, ()),
        ({"notify": ["never"]}, ()),
    ],
)
def test_which_reports_are_wanted(given: dict[str, Any], notify: tuple[str, ...] | None) -> None:
    asked = request(dsn={"return": "headers", **given}).dsn_request("<1@x.test>")
    assert asked
    assert (asked.notify, asked.returns, asked.envelope_id) == (notify, "headers", "1@x.test")


def test_a_report_calls_the_mail_by_a_given_name_or_by_its_message_id() -> None:
    assert request(dsn={"envelopeId": "order 4711"}).dsn_request("<1@x>").envelope_id == "order 4711"  # type: ignore[union-attr]
    assert request(dsn={}).dsn_request(f"<{'x' * 100}@x>").envelope_id is None  # type: ignore[union-attr]
    assert request().dsn_request("<1@x>") is None


# ── how servers shall carry it ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("given", "meant"), [(-9, -9), (9, 9), (0, 0), ("3", 3), ("-4", -4), (None, None), ("", None)])
def test_a_transfer_priority_is_a_small_number(given: Any, meant: int | None) -> None:
    assert request(mtPriority=given).mt_priority == meant


def test_tls_only_is_said_to_the_server_and_tls_or_not_in_the_mail() -> None:
    assert request(requireTls="true").require_tls is True
    assert b"TLS-Required" not in bytes(message(requireTls=True).data)
    assert b"\r\nTLS-Required: No\r\n" in bytes(message(tlsOptional="true").data)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("field", "value", "where"),
    [
        ("importance", "urgent", "importance"),
        ("importance", 1, "importance"),
        ("importance", ["high"], "importance"),
        ("priority", ["urgent"], "priority"),
        ("readReceipt", ["a@x.test"], "readReceipt"),
        ("dsn", {"notify": [["success"]]}, "dsn.notify.0"),
        ("priority", "high", "priority"),
        ("sensitivity", "secret", "sensitivity"),
        ("autoSubmitted", "yes", "autoSubmitted"),
        ("language", "german!", "language"),
        ("followUp", "some day", "followUp.due"),
        ("followUp", "P", "followUp.due"),
        ("followUp", "2026-13-01", "followUp.due"),
        ("followUp", {"due": "today", "timeZone": "Mars/Olympus"}, "followUp.timeZone"),
        ("followUp", {"due": "today", "timeZone": "../etc/passwd"}, "followUp.timeZone"),
        ("followUp", {"due": "today", "endOfDay": "25:00"}, "followUp.endOfDay"),
        ("followUp", {"due": "today", "text": "a\nb"}, "followUp.text"),
        ("followUp", {"text": "x"}, "followUp.due"),
        ("listUnsubscribe", {}, "listUnsubscribe"),
        ("listUnsubscribe", {"url": "ftp://x.test"}, "listUnsubscribe.url"),
        ("listUnsubscribe", {"url": "https://x.test/> , <evil:"}, "listUnsubscribe.url"),
        ("listUnsubscribe", {"url": f"https://x.test/{'u' * 900}"}, "listUnsubscribe.url"),
        ("listUnsubscribe", {"mailto": f"mailto:a@x.test?subject={'u' * 900}"}, "listUnsubscribe.mailto"),
        ("language", ",".join(["de-AT"] * 200), "language"),
        ("listUnsubscribe", {"mailto": "nobody"}, "listUnsubscribe.mailto"),
        ("listUnsubscribe", {"mailto": "mailto:a b"}, "listUnsubscribe.mailto"),
        ("listUnsubscribe", {"url": "http://x.test", "oneClick": True}, "listUnsubscribe"),
        ("listUnsubscribe", {"mailto": "u@x.test", "oneClick": True}, "listUnsubscribe"),
        ("messageId", "nothing", "messageId"),
        ("messageId", "a b@x.test", "messageId"),
        ("inReplyTo", "<ä@x>", "inReplyTo.0"),
        ("references", ["<1@x>", "a b"], "references.1"),
        ("references", 5, "references"),
        ("headers", {"Bcc": "x"}, "headers.Bcc.[key]"),
        ("headers", {"X-Order": 5}, "headers.X-Order.0"),
        ("headers", {"References": "ä"}, "headers"),
        ("headers", {"Errors-To": "nobody"}, "headers"),
        ("headers", [{"name": "X-A"}], "headers"),
        ("headers", ["X-A: b"], "headers"),
        ("headers", "X-A: b", "headers"),
        ("dsn", {"notify": []}, "dsn.notify"),
        ("dsn", {"notify": "never, success"}, "dsn.notify.0"),
        ("dsn", {"notify": 5}, "dsn.notify"),
        ("dsn", {"return": "some"}, "dsn.return"),
        ("dsn", {"envelopeId": "ä"}, "dsn.envelopeId"),
        ("dsn", {"envelopeId": "x" * 101}, "dsn.envelopeId"),
        ("mtPriority", 10, "mtPriority"),
        ("mtPriority", -10, "mtPriority"),
        ("mtPriority", 1.5, "mtPriority"),
        ("mtPriority", True, "mtPriority"),
        ("mtPriority", "urgent", "mtPriority"),
        ("requireTls", "always", "requireTls"),
        ("tlsOptional", "no way", "tlsOptional"),
        ("readReceipt", "nobody", "readReceipt"),
        ("readReceipt", 5, "readReceipt"),
        ("readReceipt", "a@x.test, b@x.test", "readReceipt"),
        ("envelopeFrom", "nobody", "envelopeFrom"),
        ("sender", "a@x.test, b@x.test", "sender"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(field: str, value: Any, where: str) -> None:
    assert problem(**{field: value})[0] == where


TEXT_FIELDS: list[tuple[str, Any]] = [
    ("importance", lambda bad: bad),
    ("priority", lambda bad: bad),
    ("sensitivity", lambda bad: bad),
    ("autoSubmitted", lambda bad: bad),
    ("language", lambda bad: bad),
    ("messageId", lambda bad: f"a{bad}@x.test"),
    ("inReplyTo", lambda bad: f"<a{bad}@x.test>"),
    ("references", lambda bad: [f"<a{bad}@x.test>"]),
    ("readReceipt", lambda bad: f"{bad} <a@x.test>"),
    ("sender", lambda bad: f"{bad} <a@x.test>"),
    ("envelopeFrom", lambda bad: f"a{bad}@x.test"),
    ("followUp", lambda bad: bad),
    ("followUp", lambda bad: {"due": "today", "text": bad}),
    ("followUp", lambda bad: {"due": "today", "timeZone": bad}),
    ("listUnsubscribe", lambda bad: {"url": f"https://x.test/{bad}"}),
    ("listUnsubscribe", lambda bad: {"mailto": f"mailto:a{bad}@x.test"}),
    ("listUnsubscribe", lambda bad: {"mailto": f"a{bad}@x.test"}),
    ("headers", lambda bad: {"X-Order": ["fine", bad]}),
    ("headers", lambda bad: {bad: "x"}),
    ("headers", lambda bad: [{"name": "X-Order", "value": bad}]),
    ("headers", lambda bad: {"References": bad}),
    ("dsn", lambda bad: {"envelopeId": bad}),
    ("dsn", lambda bad: {"notify": bad}),
]


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize(("field", "place"), TEXT_FIELDS)
def test_no_separator_gets_through_any_field(field: str, place: Any, separator: str) -> None:
    with pytest.raises(ValidationError):
        request(**{field: place(f"x{separator}Bcc: eve@evil.test")})
