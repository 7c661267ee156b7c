"""Search criteria: both notations, every field, and errors that lead to their spot and tell no value."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.message.criteria_strategies import as_json, criteria
from zeebe_mail.errors import InputError
from zeebe_mail.form import Part, Prompt
from zeebe_mail.jobs.validate import validate
from zeebe_mail.message.criteria import (
    ALL,
    MAX_CONDITIONS,
    MAX_DEPTH,
    And,
    Clock,
    Contains,
    Criteria,
    CriteriaError,
    Criterion,
    Dated,
    Flagged,
    HeaderContains,
    HeaderIs,
    Larger,
    Not,
    Numbered,
    Numbering,
    Or,
    Place,
    Range,
    Relation,
    ServerKey,
    ServerOnly,
    Smaller,
    criterion,
)

SEEN = Flagged("\\Seen")
FROM_JANE = Contains(Place.FROM, "jane")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Camunda's notation
        ({"field": "FROM", "value": "jane"}, FROM_JANE),
        ({"field": "from", "value": "jane"}, FROM_JANE),
        ({"field": "SUBJECT", "value": "Grüße"}, Contains(Place.SUBJECT, "Grüße")),
        ({"field": "BODY", "value": 4711}, Contains(Place.BODY, "4711")),
        (
            {"operator": "or", "criteria": [{"field": "FROM", "value": "jane"}, {"field": "TO", "value": "x"}]},
            Or((FROM_JANE, Contains(Place.TO, "x"))),
        ),
        ({"operator": "AND", "criteria": [{"field": "FROM", "value": "jane"}]}, And((FROM_JANE,))),
        ({"operator": "NOT", "criteria": [{"field": "FROM", "value": "jane"}]}, Not(FROM_JANE)),
        (
            {"operator": "AND", "criteria": [{"field": "FROM", "value": "jane"}], "field": "BODY", "value": "y"},
            And((FROM_JANE,)),
        ),
        ({"operator": None, "criteria": None, "field": "FROM", "value": "jane"}, FROM_JANE),
        ({"field": "HEADER", "name": "X-Order", "value": "4711"}, HeaderContains("X-Order", "4711")),
        ({"field": "SEEN"}, SEEN),
        ({"field": "SEEN", "value": False}, Not(SEEN)),
        # options
        ({"from": "jane", "seen": True}, And((FROM_JANE, SEEN))),
        ({"seen": "false"}, Not(SEEN)),
        ({"unseen": True}, Not(SEEN)),
        ({"unread": True}, Not(SEEN)),
        ({"new": True}, And((Flagged("\\Recent"), Not(SEEN)))),
        ({"old": True}, Not(Flagged("\\Recent"))),
        ({"all": True}, ALL),
        ({"or": [{"from": "jane"}, {"not": {"seen": True}}]}, Or((FROM_JANE, Not(SEEN)))),
        ({"header": {"X-A": "b", "X-B": True, "X-C": False}},
         And((HeaderContains("X-A", "b"), HeaderContains("X-B", ""), Not(HeaderContains("X-C", ""))))),
        ({"keyword": "$Invoice"}, Flagged("$Invoice")),
        ({"unKeyword": "$Invoice"}, Not(Flagged("$Invoice"))),
        ({"larger": 10, "smaller": "20"}, And((Larger(10), Smaller(20)))),
        ({"uid": "1,2,4:6"}, Numbered(Numbering.UID, (Range(1, 1), Range(2, 2), Range(4, 6)))),
        ({"uid": "*"}, Numbered(Numbering.UID, (Range(None, None),))),
        ({"uid": [1, "7:*"]}, Numbered(Numbering.UID, (Range(1, 1), Range(7, None)))),
        ({"seq": "1"}, Numbered(Numbering.SEQUENCE, (Range(1, 1),))),
        ({"gmailraw": "has:attachment"}, ServerOnly(ServerKey.GMAIL_RAW, "has:attachment")),
        ({"gmraw": "has:attachment"}, ServerOnly(ServerKey.GMAIL_RAW, "has:attachment")),
        ({"labels": {"has": ["a"], "not": "b"}},
         And((ServerOnly(ServerKey.GMAIL_LABEL, "a"), Not(ServerOnly(ServerKey.GMAIL_LABEL, "b"))))),
        ({"emailId": "M6d99ac3275bb4e"}, ServerOnly(ServerKey.EMAIL_ID, "M6d99ac3275bb4e")),
        ({"modseq": 720162338}, ServerOnly(ServerKey.MOD_SEQ, "720162338")),
        ({"messageId": "<a@b>"}, HeaderIs("Message-ID", "a@b")),
        # exact
        ({"from": "Jane <jane@x.org>", "match": "exact"}, HeaderIs("From", "jane@x.org")),
        ({"field": "SUBJECT", "value": "Hi", "match": "EXACT"}, HeaderIs("Subject", "Hi")),
        ({"from": "jane@x.org", "seen": True, "match": "exact"}, And((HeaderIs("From", "jane@x.org"), SEEN))),
        ({"header": {"message-id": "<a@b>"}, "match": "exact"}, HeaderIs("Message-ID", "a@b")),
        ({"from": "jane", "match": "contains"}, FROM_JANE),
        # dates
        ({"since": "2026-01-31"}, Dated(Clock.RECEIVED, Relation.SINCE, date(2026, 1, 31))),
        ({"on": "2026-01-31"}, Dated(Clock.RECEIVED, Relation.ON, date(2026, 1, 31))),
        ({"sentBefore": "2026-01-31"}, Dated(Clock.SENT, Relation.BEFORE, date(2026, 1, 31))),
        (
            {"sentSince": "2026-01-31T00:00:00.000Z"},
            Dated(Clock.SENT, Relation.SINCE, datetime(2026, 1, 31, tzinfo=UTC)),
        ),
        (
            {"before": "2026-01-31T08:30"},
            Dated(Clock.RECEIVED, Relation.BEFORE, datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ),
        (
            {"since": "2026-01-31T08:30:00+02:00"},
            Dated(Clock.RECEIVED, Relation.SINCE, datetime(2026, 1, 31, 8, 30, tzinfo=timezone(timedelta(hours=2)))),
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_given_is_what_is_searched_for(given: Any, expected: Criterion) -> None:
    assert criterion(given) == expected
    assert criterion(json.dumps(given)) == expected


@pytest.mark.parametrize(
    ("given", "path", "problem"),
    [
        ({"operator": "AND", "criteria": [{"field": "TO", "value": "x"}, {"field": "FORM", "value": "s3cret"}]},
         "criteria[1].field", 'names an unknown field "FORM"; did you mean FROM?'),
        ({"operator": "XOR", "criteria": []}, "operator", 'names an unknown operator "XOR"; did you mean OR?'),
        ({"operator": "AND"}, "criteria", "is missing: an operator needs a list of criteria"),
        ({"operator": "AND", "criteria": []}, "criteria", "must not be empty"),
        ({"operator": "AND", "criteria": {"field": "FROM"}}, "criteria", "must be a list of criteria"),
        ({"operator": "NOT", "criteria": [{"seen": True}, {"seen": True}]}, "criteria",
         "must have one entry for NOT; put several into an AND or OR"),
        ({"criteria": [{"field": "FROM", "value": "x"}]}, "operator", "is missing"),
        ({"value": "x"}, "field", "is missing"),
        ({"field": "FROM"}, "value", "is missing"),
        ({"field": "FROM", "value": ""}, "value", "must not be empty"),
        ({"field": "FROM", "value": "  "}, "value", "must not be empty"),
        ({"field": "FROM", "value": ["s3cret"]}, "value", "must be text"),
        ({"field": "FROM", "value": "a", "name": "X"}, "name", "belongs to the field HEADER only"),
        ({"field": "FROM", "value": "a", "valu": "s3cret"}, "valu", 'names an unknown key "valu"; did you mean value?'),
        ({"or": [{"not": {"s3cret value!": 1}}]}, "or[0].not.…", "names an unknown option; known are"),
        ({}, "", 'must not be empty; {"all": true} means every message'),
        ({"from": None}, "from", "must be text"),
        ({"or": []}, "or", "must not be empty"),
        ({"not": {}}, "not", 'must not be empty; {"all": true} means every message'),
        ({"seen": "perhaps"}, "seen", "must be true or false"),
        ({"larger": -1}, "larger", "must be a whole number of bytes"),
        ({"larger": True}, "larger", "must be a whole number of bytes"),
        ({"since": "31.01.2026"}, "since", "must be a date such as 2026-01-31 or a moment such as"),
        ({"since": "0001-01-01"}, "since", "must be a date such as 2026-01-31 or a moment such as"),
        ({"on": "2026-01-31T08:30:00Z"}, "on", "must be a date without a time"),
        ({"keyword": "two words"}, "keyword", "must be a keyword"),
        ({"keyword": "\\Seen"}, "keyword", "must be a keyword"),
        ({"uid": "0"}, "uid", "must have numbers from 1 to 4294967295 only"),
        ({"uid": "1;2"}, "uid", "must be numbers and ranges"),
        ({"header": {}}, "header", "must be an object of header names"),
        ({"header": {"X:Y": "s3cret"}}, "header", "must be a header name"),
        ({"from": "jane", "match": "exact"}, "from", "has no `@`; an exact match needs a whole mail address"),
        ({"body": "x", "match": "exact"}, "match", "belongs to FROM, TO, CC, BCC, SUBJECT, HEADER only"),
        ({"match": "exact"}, "", "must not be empty"),
        ({"from": "a@b", "match": "fuzzy"}, "match", 'names an unknown match "fuzzy"'),
        ({"messageId": "a b"}, "messageId", "is not a Message-ID such as <a1b2@example.org>"),
        ({"emailId": "s3cret ("}, "emailId", "must be an id of letters, digits, - and _"),
        (5, "", "must be an object such as"),
        ("{", "", "must be an object, or the JSON text of one (line 1, column 2)"),
        ("[" * 100_000, "", "are nested deeper than"),
        ("9" * 5000, "", "must be an object, or the JSON text of one"),
        (" " * 200_001, "", "must not have more than 200000 characters"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_an_error_leads_to_its_spot_and_tells_no_value(given: Any, path: str, problem: str) -> None:
    with pytest.raises(CriteriaError) as refused:
        criterion(given)
    assert str(refused.value).startswith(f"{path}: {problem}" if path else problem)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("hostile", ["a\r\nb", "a\nX DELETE INBOX", "\0", "\x7f", "\x85", "\u2028", "\ud800"])
@pytest.mark.parametrize("where", [{"from": "{}"}, {"header": {"X-A": "{}"}}, {"keyword": "{}"}, {"gmailraw": "{}"}])
def test_control_characters_are_refused_everywhere(where: dict[str, Any], hostile: str) -> None:
    def filled(value: Any) -> Any:
        return {key: filled(inner) for key, inner in value.items()} if isinstance(value, dict) else hostile

    with pytest.raises(CriteriaError, match=r"control characters|keyword"):
        criterion(filled(where))


def test_depth_and_size_have_limits() -> None:
    deep: dict[str, Any] = {"seen": True}
    for _ in range(MAX_DEPTH - 1):
        deep = {"not": deep}
    assert criterion(deep)
    with pytest.raises(CriteriaError, match=f"nested deeper than {MAX_DEPTH}"):
        criterion({"not": deep})
    with pytest.raises(CriteriaError, match=f"may have {MAX_CONDITIONS} conditions"):
        criterion({"or": [{"from": "x"}] * MAX_CONDITIONS})
    with pytest.raises(CriteriaError, match="more than 1000 characters"):
        criterion({"from": "x" * 1001})


class Request(Part):
    """As an operation has it."""

    criteria: Annotated[Criteria, Prompt("Criteria", group="message")] = None


class Input(Part):
    """As an operation has it."""

    request: Request


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_no_criteria_is_no_condition(blank: Any) -> None:
    assert validate(Input, {"request": {"criteria": blank}}).request.criteria is None
    assert validate(Input, {"request": {}}).request.criteria is None


def test_the_path_begins_at_the_input_field() -> None:
    bad = {"operator": "AND", "criteria": [{"field": "TO", "value": "x"}, {"field": "FORM", "value": "s3cret"}]}
    with pytest.raises(InputError, match=r"request\.criteria\.criteria\[1\]\.field names an unknown field") as refused:
        validate(Input, {"request": {"criteria": bad}})
    assert "s3cret" not in str(refused.value)


@given(criteria())
@settings(max_examples=300)
def test_what_is_written_as_json_is_read_as_it_was(one: Criterion) -> None:
    assert criterion(as_json(one)) == one
    assert criterion(json.dumps(as_json(one))) == one


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["operator", "criteria", "field", "value", "from", "or", "since"]), inner)
        ),
        max_leaves=10,
    )
)
@settings(max_examples=500)
def test_nonsense_is_refused_in_words(given: Any) -> None:
    try:
        criterion(given)
    except CriteriaError as refused:
        assert refused.problem  # noqa: PT017
