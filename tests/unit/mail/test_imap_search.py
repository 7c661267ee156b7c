"""Criteria become SEARCH keys, and no value becomes anything else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.mail.imap.connection import Literal
from zeebe_mail.mail.imap.search_keys import charset, needed, search_keys
from zeebe_mail.message.criteria import Attached, BodyIs, Not, criterion


def written(given_: Any) -> str:
    keys = search_keys(criterion(given_), exists=8)
    return "".join(f"{{{key.decode()}}}" if isinstance(key, Literal) else key.decode() for key in keys)


@pytest.mark.parametrize(
    ("given_", "keys"),
    [
        ({"all": True}, "ALL"),
        ({"from": "jane"}, 'FROM "jane"'),
        ({"subject": 'say "hi" \\'}, 'SUBJECT "say \\"hi\\" \\\\"'),
        ({"subject": "Grüße"}, "SUBJECT {Grüße}"),
        ({"subject": "{5}"}, 'SUBJECT "{5}"'),
        ({"from": "a", "seen": False}, 'FROM "a" NOT SEEN'),
        ({"operator": "OR", "criteria": [{"field": "FROM", "value": "a"}]}, 'FROM "a"'),
        ({"or": [{"from": "a"}, {"from": "b"}, {"from": "c"}]}, 'OR FROM "a" OR FROM "b" FROM "c"'),
        ({"or": [{"from": "a", "to": "b"}, {"cc": "c"}]}, 'OR (FROM "a" TO "b") CC "c"'),
        ({"not": {"from": "a", "to": "b"}}, 'NOT (FROM "a" TO "b")'),
        ({"since": "2026-02-01"}, "SINCE 1-Feb-2026"),
        ({"sentOn": "2026-12-31"}, "SENTON 31-Dec-2026"),
        ({"since": "2026-02-01T00:30:00+02:00"}, "SINCE 30-Jan-2026"),
        ({"before": "2026-02-01T23:30:00Z"}, "BEFORE 3-Feb-2026"),
        ({"not": {"before": "2026-02-01T23:30:00Z"}}, "ALL"),
        ({"from": "jane@x.test", "match": "exact"}, 'FROM "jane@x.test"'),
        ({"not": {"from": "jane@x.test", "match": "exact"}}, "ALL"),
        ({"messageId": "<a@x>"}, 'HEADER Message-ID "a@x"'),
        ({"header": {"X-Order": "4711"}}, 'HEADER X-Order "4711"'),
        ({"header": {"X-Order": True}}, 'HEADER X-Order ""'),
        ({"larger": 10, "smaller": "20"}, "LARGER 10 SMALLER 20"),
        ({"keyword": "$Done"}, "KEYWORD $Done"),
        ({"unkeyword": "SEEN"}, "NOT KEYWORD SEEN"),
        ({"uid": "1:3,5,6:4,7:*"}, "UID 1:3,5,4:6,7:4294967295"),
        ({"uid": "*"}, "UID *"),
        ({"seq": "*"}, "8:8"),
        ({"seq": "1,6:*"}, "1:1,6:8"),
        ({"seq": "7:20,9:*"}, "7:8"),
        ({"seq": "9,10:*"}, "NOT ALL"),
        ({"not": {"seq": "9:*"}}, "ALL"),
        ({"modSeq": 17}, "MODSEQ 17"),
    ],
)
def test_keys(given_: Any, keys: str) -> None:
    assert written(given_) == keys


def test_no_criterion_is_every_message() -> None:
    assert search_keys(None, 8) == [b"ALL"]


def test_what_no_key_says_is_asked_for_as_more_than_it() -> None:
    assert search_keys(Not(Attached()), 9) == search_keys(criterion({"all": True}), 9)
    assert search_keys(Attached(), 9) == [b"ALL"]
    assert search_keys(BodyIs("to whom it concerns,\r\n(us)"), 9) == [b"BODY ", b'"concerns"']
    assert search_keys(BodyIs("!"), 9) == [b"ALL"]


def test_the_charset_is_that_of_the_values() -> None:
    assert charset(search_keys(criterion({"from": "a"}), 8)) == b"US-ASCII"
    assert charset(search_keys(criterion({"from": "ä"}), 8)) == b"UTF-8"


def test_keys_that_few_servers_know_are_named() -> None:
    assert needed(criterion({"or": [{"gmailRaw": "x"}, {"not": {"modSeq": 1}}]})) == {"X-GM-EXT-1", "CONDSTORE"}


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=80).filter(str.strip))
def test_a_value_stays_a_value(text: str) -> None:
    first, value = search_keys(criterion({"subject": text}), 8)
    assert first == b"SUBJECT "
    if not isinstance(value, Literal):
        inner = value[1:-1].replace(b"\\\\", b"").replace(b'\\"', b"")
        assert (value[:1], value[-1:]) == (b'"', b'"')
        assert b'"' not in inner
        assert all(0x20 <= byte < 0x7F for byte in value)
