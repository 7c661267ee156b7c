"""The client's own search: every condition, the laws of logic, and what SEARCH finds is never too little."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.message.criteria_strategies import criteria, leaves
from zeebe_mail.message.criteria import (
    ALL,
    NONE,
    And,
    Attached,
    BodyIs,
    Contains,
    Criterion,
    Dated,
    HeaderIs,
    Not,
    Numbering,
    Or,
    Place,
    ServerKey,
    ServerOnly,
    criterion,
    walk,
)
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.matching import Candidate, client_side, matches, needs, server_side

HEADER = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <juergen@x.test>, Ann <joann@x.test>\r\n"
    b"To: undisclosed-recipients:;\r\n"
    b"Cc: ops@x.test\r\n"
    b"Subject: =?utf-8?b?R3LDvMOfZQ==?= order\r\n 4711\r\n"
    b"Date: Sat, 31 Jan 2026 23:30:00 -0500\r\n"
    b"Message-ID: <Abc@x.test>\r\n"
    b"X-Order: 1\r\nX-Order: 4711\r\n\r\n"
)
MESSAGE = Candidate(
    header=read_header(HEADER, 0, len(HEADER)),
    size=2000,
    received=datetime(2026, 2, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))),
    body="Dear customer, the STRASSE is closed <p>",
    text="Dear customer, the STRASSE is closed",
    flags=frozenset({"\\Seen", "$Invoice"}),
    uid=7,
    highest_uid=9,
    sequence=2,
    highest_sequence=3,
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"from": "JUERGEN"}, True),
        ({"from": "jürgen"}, True),
        ({"from": "ann@x.test"}, True),
        ({"from": "ann@x.test", "match": "exact"}, False),
        ({"from": "JoAnn@X.test", "match": "exact"}, True),
        ({"to": "undisclosed"}, True),
        ({"cc": "ops"}, True),
        ({"bcc": "ops"}, False),
        ({"subject": "grüße ORDER 4711"}, True),
        ({"subject": "grüsse"}, True),
        ({"subject": "order", "match": "exact"}, False),
        ({"field": "SUBJECT", "value": "grüße order 4711", "match": "exact"}, True),
        ({"body": "straße"}, True),
        ({"body": "4711"}, False),
        ({"text": "4711"}, True),
        ({"text": "x-order: 1"}, True),
        ({"header": {"x-order": "47"}}, True),
        ({"header": {"X-Order": True}}, True),
        ({"header": {"X-Other": True}}, False),
        ({"header": {"X-Other": False}}, True),
        ({"header": {"X-Order": "1"}, "match": "exact"}, True),
        ({"header": {"X-Order": "47"}, "match": "exact"}, False),
        ({"messageId": "Abc@x.test"}, True),
        ({"messageId": "abc@x.test"}, False),
        ({"messageId": "bc@x.test"}, False),
        ({"larger": 1999}, True),
        ({"larger": 2000}, False),
        ({"smaller": 2000}, False),
        ({"smaller": 2001}, True),
        ({"seen": True}, True),
        ({"answered": True}, False),
        ({"keyword": "$invoice"}, True),
        ({"unkeyword": "$Invoice"}, False),
        # The sender's calendar said 31 January, in UTC it was 1 February.
        ({"sentOn": "2026-01-31"}, True),
        ({"sentSince": "2026-02-01"}, False),
        ({"sentBefore": "2026-02-01"}, True),
        ({"sentSince": "2026-02-01T04:30:00Z"}, True),
        ({"sentSince": "2026-02-01T04:30:01Z"}, False),
        ({"sentBefore": "2026-02-01T04:30:00Z"}, False),
        ({"sentBefore": "2026-02-01T04:30:00.5Z"}, True),
        # The server's calendar said 1 February, in UTC it was 31 January.
        ({"on": "2026-02-01"}, True),
        ({"before": "2026-02-01"}, False),
        ({"since": "2026-01-31T23:30:00Z"}, True),
        ({"since": "2026-02-01T00:30:00Z"}, False),
        ({"uid": "1:6"}, False),
        ({"uid": "9:5"}, True),
        ({"uid": "7"}, True),
        ({"uid": "8:*"}, False),
        ({"uid": "*"}, False),
        ({"seq": "2:*"}, True),
        ({"all": True}, True),
        ({"not": {"all": True}}, False),
    ],
    ids=str,
)
def test_each_condition(given: Any, expected: bool) -> None:
    assert matches(criterion(given), MESSAGE) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("dear customer,\r\n the Straße is closed ", True),
        ("Dear customer", False),
        ("dearcustomer, the", False),
        ("", False),
    ],
)
def test_a_body_is_a_text_whatever_its_case_and_spacing(body: str, expected: bool) -> None:
    assert matches(BodyIs(body), MESSAGE) is expected


def test_a_message_has_attachments_or_has_not() -> None:
    assert not matches(Attached(), MESSAGE)
    assert matches(Attached(), replace(MESSAGE, attachments=1))


@pytest.mark.parametrize(
    ("ranges", "inside"),
    [
        ("2,4:6", [2, 4, 5, 6]), ("6:4", [4, 5, 6]), ("7:*", [7, 8]), ("9:*", []), ("*:9", []),
        ("*", [8]), ("*:7", [7, 8]), ("2:1", [1, 2]), ("7:20", [7, 8])],
)  # fmt: skip
@pytest.mark.parametrize("numbering", ["uid", "seq"])
def test_what_is_in_a_range(numbering: str, ranges: str, inside: list[int]) -> None:
    """A range beyond the end has nothing, where IMAP itself means the last message (RFC 9051, 9)."""
    of = criterion({numbering: ranges})
    messages = {
        number: Candidate(MESSAGE.header, uid=number, highest_uid=8, sequence=number, highest_sequence=8)
        for number in range(1, 9)
    }
    assert [number for number, one in messages.items() if matches(of, one)] == inside


@pytest.mark.parametrize("relation", ["since", "before", "on", "sentSince", "sentBefore", "sentOn"])
def test_an_undated_message_is_at_no_time(relation: str) -> None:
    bare = Candidate(header=read_header(b"Date: yesterday\r\n\r\n", 0, 19))
    assert not matches(criterion({relation: "2026-01-31"}), bare)
    assert matches(criterion({"not": {relation: "2026-01-31"}}), bare)


def test_what_only_a_server_can_tell_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="X-GM-RAW"):
        matches(ServerOnly(ServerKey.GMAIL_RAW, "x"), MESSAGE)


@pytest.mark.parametrize(
    ("given", "headers", "whole", "body"),
    [
        ({"from": "x", "sentSince": "2026-01-01"}, {"from", "date"}, False, False),
        ({"not": {"header": {"X-A": "b"}}}, {"x-a"}, False, False),
        ({"or": [{"body": "x"}, {"subject": "y"}]}, {"subject"}, False, True),
        ({"text": "x"}, set(), True, True),
        ({"since": "2026-01-01"}, {"received"}, False, False),
    ],
)
def test_it_is_known_what_must_be_known(given: Any, headers: set[str], whole: bool, body: bool) -> None:
    needed = needs(criterion(given))
    assert (needed.headers, needed.whole_header, needed.body) == (headers, whole, body)
    assert needs(criterion({"seen": True})).flags
    assert needs(criterion({"uid": "1"})).numbers == {Numbering.UID}
    assert needs(criterion({"gmailraw": "x"})).server == {ServerKey.GMAIL_RAW}


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    word = st.sampled_from(["jane", "order 4711", "Grüße", "", "ann"])
    offset = timezone(timedelta(hours=draw(st.integers(-12, 14))))
    moments = st.datetimes(datetime(2025, 12, 30), datetime(2026, 1, 8), timezones=st.just(offset))  # noqa: DTZ001
    sent = draw(moments | st.none())
    address = st.sampled_from(["jane@x.test", "Joe <joe@x.test>", "ajoe@x.test, order@y.test"])
    lines = [
        f"From: {draw(address)}",
        f"To: {draw(address)}",
        f"Subject: {draw(word)}",
        f"Message-ID: <{draw(st.integers(1, 3))}@x.test>",
    ]
    if sent is not None:
        lines.append(f"Date: {format_datetime(sent)}")
    if draw(st.booleans()):
        lines.append(f"X-Order: {draw(word)}")
    header = "\r\n".join((*lines, "", "")).encode()
    body = draw(word)
    sequence, uid = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    return Candidate(
        header=read_header(header, 0, len(header)),
        size=draw(st.integers(0, 3000)),
        received=draw(moments | st.none()),
        body=body,
        text=body,
        attachments=draw(st.integers(0, 2)),
        flags=draw(st.frozensets(st.sampled_from(["\\Seen", "\\Flagged", "$Invoice"]))),
        uid=uid,
        highest_uid=uid + draw(st.integers(0, 3)),
        sequence=sequence,
        highest_sequence=sequence + draw(st.integers(0, 3)),
    )


@given(criteria(), criteria(), criteria(), candidates())
@settings(max_examples=300)
def test_the_laws_of_logic_hold(a: Criterion, b: Criterion, c: Criterion, message: Candidate) -> None:
    def same(one: Criterion, other: Criterion) -> bool:
        return matches(one, message) is matches(other, message)

    assert same(Not(Or((a, b))), And((Not(a), Not(b))))
    assert same(Not(And((a, b))), Or((Not(a), Not(b))))
    assert same(Not(Not(a)), a)
    assert same(And((a, b)), And((b, a)))
    assert same(Or((a, b)), Or((b, a)))
    assert same(And((a, Or((b, c)))), Or((And((a, b)), And((a, c)))))
    assert same(And((a, ALL)), a)
    assert same(Or((a, NONE)), a)
    assert matches(Or((a, Not(a))), message)
    assert not matches(And((a, Not(a))), message)
    assert matches(ALL, message)
    assert not matches(NONE, message)


BODIES = st.sampled_from(["jane", "ORDER  4711\n", "grüße", "order", "!", ""])
ANY = criteria(leaves() | st.builds(BodyIs, BODIES) | st.just(Attached()))
"""Also what cannot be written as JSON."""


@given(ANY, candidates())
@settings(max_examples=1000)
def test_server_and_client_together_find_exactly_what_is_meant(one: Criterion, message: Candidate) -> None:
    found_by_server = matches(server_side(one), message)
    assert found_by_server or not matches(one, message), "the server may find more, but never less"
    assert (found_by_server and matches(client_side(one), message)) is matches(one, message)


@given(ANY)
def test_a_server_is_never_asked_what_it_does_not_know(one: Criterion) -> None:
    for part in walk(server_side(one)):
        assert not isinstance(part, HeaderIs | BodyIs | Attached)
        assert not (isinstance(part, Dated) and isinstance(part.when, datetime))


def test_what_search_can_say_is_not_checked_again() -> None:
    plain = criterion({"from": "x", "since": "2026-01-01", "not": {"seen": True}})
    assert (server_side(plain), client_side(plain)) == (plain, ALL)
    mixed = criterion({"seen": True, "since": "2026-01-02T12:00:00Z"})
    assert client_side(mixed) == criterion({"since": "2026-01-02T12:00:00Z"})
    assert server_side(mixed) == criterion({"seen": True, "since": "2026-01-01"})


def test_not_an_exact_address_is_asked_as_anything() -> None:
    """Asking NOT FROM would leave out those in whose From the address is only a part."""
    other = criterion({"not": {"from": "ann@x.test", "match": "exact"}})
    assert server_side(other) == Not(NONE)
    assert matches(other, MESSAGE)
    assert not matches(Not(Contains(Place.FROM, "ann@x.test")), MESSAGE)
