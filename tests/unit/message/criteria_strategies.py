"""Criteria for property tests, and the JSON that means them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from zeebe_mail.message.criteria import (
    And,
    Clock,
    Contains,
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
    Smaller,
)

WORDS = st.sampled_from(["jane", "Jane", "order", "4711", "grüße", "GRÜSSE", "x.test", "a", "ä"])
NUMBERS = st.integers(1, 12) | st.none()
DAYS = st.dates(date(2026, 1, 1), date(2026, 1, 6))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 6), timezones=st.just(UTC))  # noqa: DTZ001
ADDRESSES = st.sampled_from(["jane@x.test", "joe@x.test", "order@y.test"])
HEADER_NAMES = st.sampled_from(["X-Order", "List-Id", "Reply-To", "Subject"])
FLAGS = st.sampled_from(["\\Seen", "\\Answered", "\\Flagged", "$Invoice"])


@st.composite
def dates(draw: st.DrawFn) -> Dated:
    relation = draw(st.sampled_from(Relation))
    when = draw(DAYS if relation is Relation.ON else DAYS | MOMENTS)
    return Dated(draw(st.sampled_from(Clock)), relation, when)


def leaves() -> st.SearchStrategy[Criterion]:
    ranges = st.lists(st.builds(Range, NUMBERS, NUMBERS), min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Contains, st.sampled_from(Place), WORDS),
        st.builds(HeaderContains, HEADER_NAMES, WORDS),
        st.builds(HeaderIs, st.sampled_from(["From", "To"]), ADDRESSES),
        st.builds(HeaderIs, st.just("Subject"), WORDS),
        st.builds(HeaderIs, st.just("Message-ID"), st.sampled_from(["1@x.test", "2@x.test"])),
        dates(),
        st.builds(Larger, st.integers(0, 3000)),
        st.builds(Smaller, st.integers(0, 3000)),
        st.builds(Flagged, FLAGS),
        st.builds(Numbered, st.sampled_from(Numbering), ranges),
    )


def criteria(leaf: st.SearchStrategy[Criterion] | None = None) -> st.SearchStrategy[Criterion]:
    """Any criterion that can be written as JSON and needs no server, at most 8 levels deep."""

    def nested(inner: st.SearchStrategy[Criterion]) -> st.SearchStrategy[Criterion]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, inner)

    return st.recursive(leaves() if leaf is None else leaf, nested, max_leaves=8).filter(lambda one: _depth(one) <= 8)


def _depth(one: Criterion) -> int:
    match one:
        case And(parts) | Or(parts):
            return 1 + max(map(_depth, parts))
        case Not(part):
            return 1 + _depth(part)
    return 1


def star(number: int | None) -> str:
    return "*" if number is None else str(number)


def as_json(one: Criterion) -> dict[str, Any]:
    """The JSON from which a criterion is read."""
    match one:
        case And(parts):
            return {"operator": "AND", "criteria": [as_json(part) for part in parts]}
        case Or(parts):
            return {"operator": "OR", "criteria": [as_json(part) for part in parts]}
        case Not(part):
            return {"operator": "NOT", "criteria": [as_json(part)]}
        case Contains(place, text):
            return {"field": place.value, "value": text}
        case HeaderContains(name, text):
            return {"header": {name: text}}
        case HeaderIs("Message-ID", value):
            return {"messageId": value}
        case HeaderIs(name, value):
            return {"field": name, "value": value, "match": "exact"}
        case Dated(clock, relation, when):
            return {f"{clock.value}{relation.value}": when.isoformat()}
        case Larger(size):
            return {"larger": size}
        case Smaller(size):
            return {"smaller": size}
        case Flagged(flag) if flag.startswith("\\"):
            return {flag[1:].lower(): True}
        case Flagged(keyword):
            return {"keyword": keyword}
        case Numbered(numbering, ranges):
            return {"uid" if numbering is Numbering.UID else "seq": [":".join(map(star, both)) for both in ranges]}
    raise ValueError(one)
