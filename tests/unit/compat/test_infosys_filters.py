"""The filter language: what it means, checked against a plain reading of it, and how it says what is wrong."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.compat.infosys.dates import read_date
from zeebe_mail.compat.infosys.filters import DATE_EXAMPLE, FLAGS, HEADERS, compiled
from zeebe_mail.errors import ContractError
from zeebe_mail.message.criteria import And, Contains, Flagged, HeaderContains, Not, Or, Place
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.matching import Candidate, matches

# ── what it means ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Message:
    """A mail as the language sees it."""

    texts: Mapping[str, str]
    size: int
    number: int
    sent: datetime
    received: datetime
    flags: frozenset[str]

    def candidate(self) -> Candidate:
        lines = [f"{name}: {self.texts[name]}" for name in ("From", "To", "Cc", "Subject")]
        lines += [f"Message-ID: <{self.texts['Message-ID']}>", f"Date: {format_datetime(self.sent)}"]
        raw = "\r\n".join([*lines, "", ""]).encode()
        return Candidate(
            read_header(raw, 0, len(raw)),
            size=self.size,
            received=self.received,
            body=self.texts["body"],
            flags=frozenset(f"\\{flag.title()}" for flag in self.flags),
            sequence=self.number,
            highest_sequence=9,
        )


Meaning = Callable[[Message], bool]
Filter = tuple[dict[str, Any], Meaning]

WORDS = st.sampled_from(["order", "Order 4711", "jane", "it's", "a 'b' c", "x"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 4)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, minute=0, second=0, tzinfo=UTC)
)
MESSAGES = st.builds(
    Message,
    st.fixed_dictionaries(
        dict.fromkeys(("Subject", "body"), WORDS)
        | {name: st.sampled_from(["jane@x.test", "joe@x.test"]) for name in ("From", "To", "Cc")}
        | {"Message-ID": st.sampled_from(["1@x.test", "2@x.test"])}
    ),
    st.integers(0, 5),
    st.integers(1, 9),
    MOMENTS,
    MOMENTS,
    st.frozensets(st.sampled_from(FLAGS)),
)
BLANKS = st.sampled_from([" ", "  ", "\t"])
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "equals": operator.eq,
    "LIKE": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
}


@st.composite
def numbers(draw: st.DrawFn) -> Filter:
    name, field = draw(st.sampled_from([("size", "size"), ("messageNumber", "number"), ("Message Number", "number")]))
    sign, value = draw(st.sampled_from(sorted(COMPARISONS))), draw(st.integers(0, 6))
    line = f"{name}{draw(BLANKS)}{sign}{draw(BLANKS)}{value}"
    return {"filter": line}, lambda message: COMPARISONS[sign](getattr(message, field), value)


@st.composite
def dates(draw: st.DrawFn) -> Filter:
    name, field = draw(st.sampled_from([("sentDate", "sent"), ("ReceivedTime", "received"), ("sent time", "sent")]))
    sign, moment = draw(st.sampled_from(sorted(COMPARISONS))), draw(MOMENTS)
    if draw(st.booleans()):
        text = moment.strftime(draw(st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%B %d %Y", "%A %B %d %Y"])))
        return {"filter": f"{name} {sign} '{text}'"}, lambda message: COMPARISONS[sign](
            getattr(message, field).date(), moment.date()
        )
    text = moment.strftime(draw(st.sampled_from(["%d/%m/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"])))
    return {"filter": f"{name} {sign} '{text}'"}, lambda message: COMPARISONS[sign](getattr(message, field), moment)


@st.composite
def texts(draw: st.DrawFn) -> Filter:
    forms = [
        ("Subject", "subject"),
        ("body", "body"),
        ("From", "EmailFrom"),
        ("To", "recipient to"),
        ("Cc", "RECIPIENT cc"),
    ]
    forms += [("Subject", "header Subject")]
    field, name = draw(st.sampled_from(forms))
    sign, word = draw(st.sampled_from(["", "=", "==", "like", "equals", "!=", "<>"])), draw(WORDS)
    line = f"{name}{draw(BLANKS)}{sign} '{word}'"
    wanted = sign not in ("!=", "<>")
    return {"filter": line}, lambda message: (word.lower() in message.texts[field].lower()) is wanted


@st.composite
def flags(draw: st.DrawFn) -> Filter:
    flag, value = draw(st.sampled_from(FLAGS)), draw(st.booleans())
    return {"filter": f"Flag {flag} {str(value).lower()}"}, lambda message: (flag in message.flags) is value


def ids() -> st.SearchStrategy[Filter]:
    def made(name: str) -> Filter:
        return {"filter": f"messageId = '{name}'"}, lambda message: message.texts["Message-ID"] == name

    return st.sampled_from(["1@x.test", "2@x.test", "x.test"]).map(made)


def combined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    def of(word: str, children: list[Filter]) -> Filter:
        meanings = [meaning for _, meaning in children]
        several = {"logicalOperator": word, "filterList": [json for json, _ in children]}
        if word.upper() == "AND":
            return several, lambda message: all(meaning(message) for meaning in meanings)
        if word.upper() == "OR":
            return several, lambda message: any(meaning(message) for meaning in meanings)
        return several, lambda message: not any(meaning(message) for meaning in meanings)

    return st.builds(of, st.sampled_from(["AND", "and", "OR", "Or", "NOT"]), st.lists(inner, min_size=1, max_size=3))


FILTERS = st.recursive(numbers() | dates() | texts() | flags() | ids(), combined, max_leaves=6)


BARE = read_header(b"", 0, 0)


@pytest.mark.parametrize("sign", COMPARISONS)
def test_each_comparison_at_its_border(sign: str) -> None:
    """Sizes and numbers around the value, 0 included, and moments around a second and a day."""
    for value, actual in itertools.product(range(4), range(4)):
        meant = COMPARISONS[sign](actual, value)
        size, number = (
            compiled({"filter": f"size {sign} {value}"}),
            compiled({"filter": f"messageNumber {sign} {value}"}),
        )
        assert size is not None
        assert number is not None
        assert matches(size, Candidate(BARE, size=actual)) is meant
        assert not actual or matches(number, Candidate(BARE, sequence=actual, highest_sequence=9)) is meant
    for seconds in (-86_400, -1, 0, 1, 86_399, 86_400):
        received = NEW_YEAR + timedelta(seconds=seconds)
        moment, day = (
            compiled({"filter": f"receivedDate {sign} '{text}'"}) for text in ("01/01/2026 00:00:00", "01/01/2026")
        )
        assert moment is not None
        assert day is not None
        assert matches(moment, Candidate(BARE, received=received)) is COMPARISONS[sign](received, NEW_YEAR)
        assert matches(day, Candidate(BARE, received=received)) is COMPARISONS[sign](received.date(), NEW_YEAR.date())


@given(FILTERS, MESSAGES)
def test_a_filter_means_what_it_says(filter_: Filter, message: Message) -> None:
    json, meaning = filter_
    criterion = compiled(json)
    assert criterion is not None
    assert matches(criterion, message.candidate()) is meaning(message)


@pytest.mark.parametrize(
    ("filters", "criterion"),
    [
        ({}, None),
        ({"filter": "Subject Like 'Test'"}, Contains(Place.SUBJECT, "Test")),
        ({"filter": "subject contains 'it's'"}, Contains(Place.SUBJECT, "it's")),
        ({"filter": "Flag seen true"}, Flagged("\\Seen")),
        ({"filter": "flag seen != true"}, Not(Flagged("\\Seen"))),
        ({"filter": "recipient cc 't@x.test'", "logicalOperator": "NOT"}, Not(Contains(Place.CC, "t@x.test"))),
        ({"filter": "body 'x'", "logicalOperator": "AND"}, Contains(Place.BODY, "x")),
        (
            {"logicalOperator": "AND", "filterList": [{"filter": "body 'x'"}, {}, {"filter": "from 'y'"}]},
            And((Contains(Place.BODY, "x"), Contains(Place.FROM, "y"))),
        ),
        ({"logicalOperator": "OR", "filterList": [{"filter": "body 'x'"}]}, Or((Contains(Place.BODY, "x"),))),
    ],
)
def test_documented_forms(filters: dict[str, Any], criterion: Any) -> None:
    assert compiled(filters) == criterion


@pytest.mark.parametrize("name", HEADERS)
def test_the_twelve_headers_in_any_case(name: str) -> None:
    found = compiled({"filter": f"header {name.lower()} 'x@y'"})
    assert getattr(found, "name", "").lower() == name.lower()
    if name != "Message-ID":
        assert found == HeaderContains(name, "x@y")


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────

DAY = date(2023, 7, 11)
MOMENT = datetime(2023, 7, 11, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("11/07/2023 12:01:00 AM", MOMENT - timedelta(hours=12)),
        ("11/07/2023 12:01 PM", MOMENT),
        ("11/07/2023 12:01:00", MOMENT),
        ("11/07/2023", DAY),
        ("Tue Jul 11 12:01:00 +0000 2023", MOMENT),
        ("Tue Jul 11 14:01:00 +0200 2023", MOMENT),
        ("Tue Jul 11 12:01:00 GMT 2023", MOMENT),
        ("Tuesday July 11 2023", DAY),
        ("July 11 2023", DAY),
        ("2023-07-11 12:01:00", MOMENT),
        ("2023-07-11", DAY),
        ("2023-7-11", DAY),
        ("11 Jul 2023", DAY),
        ("2023-07-11T14:01:00+02:00", MOMENT),
    ],
)
def test_each_date_pattern(text: str, when: date) -> None:
    found = read_date(text)
    assert found == when
    assert isinstance(found, datetime) is isinstance(when, datetime)


@pytest.mark.parametrize("text", ["", "31/02/2023", "tomorrow", "2023", "11/07/0023", "Tue Jul 11 12:01:00 CET 2023"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(ValueError, match="is no date"):
        read_date(text)


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ("foo = 'x'", "InvalidFilter: filters.filter, character 1: Filter can be applied on - size, flag"),
        ("message = 5", "InvalidFilter: filters.filter, character 9"),
        ("subject", "InvalidFilterValue: filters.filter, character 8"),
        ("subject Test", "InvalidFilterOperator: filters.filter, character 9"),
        ("subject = Test", "InvalidFilterValue: filters.filter, character 11"),
        ("subject < 'x'", "InvalidFilterOperator: filters.filter, character 9: texts are equal or not"),
        ("subject = ''", "InvalidFilterValue: filters.filter, character 11: the text must not be empty"),
        ("size ~ 5", "InvalidFilterOperator: filters.filter, character 6"),
        ("size > 5.5", "InvalidFilterValue: filters.filter, character 8: a whole number"),
        ("size > 5 and more", "InvalidFilter: filters.filter, character 10: the filter should end here"),
        ("flag user true", "InvalidFlagValue: filters.filter, character 6"),
        ("flag seen perhaps", "InvalidFilterOperator: filters.filter, character 11"),
        (
            "header X-Own 'x'",
            "InvalidHeaderName: filters.filter, character 8: a header is expected, it can have values",
        ),
        ("recipient from 'x'", "InvalidMessageRecipientTypeValue: filters.filter, character 11"),
        ("sentDate > 'then'", "InvalidFilterValue: filters.filter, character 12: Unable to parse date, please provide"),
        ("sentDate 'x'", "InvalidFilterOperator: filters.filter, character 10"),
        ("messageId 'a b'", "InvalidFilterValue: filters.filter, character 11"),
        ({"filter": 5}, "InvalidFilter: filters.filter must be text"),
        ({"filterList": [{"filter": "body 'x'"}]}, "Invalid filter, it should be a map with keys - filter or"),
        ({"logicalOperator": "AND"}, "Invalid filter, it should be a map with keys"),
        ({"logicalOperator": "AND", "filterList": []}, "InvalidFilter - filterList is empty"),
        ({"logicalOperator": "AND", "filterList": [{}]}, "InvalidFilter - filterList is empty"),
        ({"logicalOperator": "AND", "filterList": "x"}, "InvalidFilter: filters.filterList must be a list"),
        ({"logicalOperator": "XOR", "filterList": [{"filter": "body 'x'"}]}, "InvalidFilter: filters.logicalOperator"),
        (
            {"logicalOperator": "OR", "filterList": [{"filter": "body 'x'"}, {"filter": "size x"}]},
            "InvalidFilterOperator: filters.filterList[1].filter, character 6",
        ),
        (
            {"logicalOperator": "OR", "filterList": [{"filter": "body 'x'"}], "filter": "from 'y'"},
            "InvalidFilter: filters has both filter and filterList",
        ),
        ({"logicalOperator": "OR", "filterList": [["x"]]}, "Invalid filter, it should be a map with keys"),
    ],
)
def test_what_is_wrong_and_where(filters: Any, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        compiled({"filter": filters} if isinstance(filters, str) else filters)
    assert caught.value.message.startswith(message)
    assert caught.value.foreign_type == "java.lang.RuntimeException"


def test_filters_are_nested_no_deeper_than_our_criteria() -> None:
    nested: dict[str, Any] = {"filter": "body 'x'"}
    for _ in range(40):
        nested = {"logicalOperator": "AND", "filterList": [nested]}
    with pytest.raises(ContractError, match="16 levels deep"):
        compiled(nested)


LINES = st.lists(
    st.sampled_from(["size", "flag", "subject", "sent", "date", "=", "<", "like", "'", "seen", "true", "5", " ", "x"]),
    max_size=8,
).map("".join)


@given(LINES | st.text(max_size=40))
def test_any_line_is_read_or_refused_at_a_place_in_it(line: str) -> None:
    try:
        compiled({"filter": line})
    except ContractError as error:
        place = re.search(r"character (\d+)", error.message)
        assert place is None or 1 <= int(place[1]) <= len(line) + 1


@given(st.text(min_size=9, max_size=40).filter(lambda text: text not in DATE_EXAMPLE))
def test_what_is_looked_for_is_never_repeated(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        compiled({"filter": f"sentDate < '{text} or so'"})
    assert text not in caught.value.message
