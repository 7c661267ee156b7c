"""Criteria as SEARCH keys (RFC 9051, 6.4.4).

Values go out as quoted strings or literals and nothing else of a criterion is text of a process, so no value becomes a
command. SEARCH compares substrings and days where a criterion may mean a whole value or a moment; then the keys ask for
all messages that may match, and whoever needs exactness looks again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from zeebe_mail.mail.imap.connection import Piece
from zeebe_mail.mail.imap.syntax import astring, string
from zeebe_mail.message.criteria import (
    ALL,
    NONE,
    And,
    Attached,
    BodyIs,
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
    ServerKey,
    ServerOnly,
    Smaller,
    walk,
)
from zeebe_mail.message.matching import server_side
from zeebe_mail.message.message_id import landmark
from zeebe_mail.message.references import MAX_NUMBER

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SYSTEM_FLAGS = frozenset({"SEEN", "ANSWERED", "FLAGGED", "DELETED", "DRAFT", "RECENT"})
_PLACES_OF_HEADERS = {"from": Place.FROM, "to": Place.TO, "cc": Place.CC, "bcc": Place.BCC, "subject": Place.SUBJECT}
_NOTHING = b"NOT ALL"
_FARTHEST_OFFSET = timedelta(days=1)
"""No zone is farther from UTC; SEARCH takes a date as it was written, whatever its zone."""


def needed(criterion: Criterion) -> frozenset[str]:
    """The capabilities that only some servers have and without which this cannot be searched for."""
    return frozenset(part.key.capability for part in walk(criterion) if isinstance(part, ServerOnly))


def charset(keys: list[Piece]) -> bytes:
    """The charset of the keys (RFC 9051, 6.4.4)."""
    return b"US-ASCII" if all(key.isascii() for key in keys) else b"UTF-8"


def search_keys(criterion: Criterion | None, exists: int) -> list[Piece]:
    """The keys that every matching message has, and as few others as SEARCH can tell apart.

    ``exists`` is how many messages there are: some servers refuse the number of one that there is not.
    """
    return _joined(_keys(ALL if criterion is None else criterion, exists, at_least=True))


def _joined(keys: list[list[Piece]]) -> list[Piece]:
    """Keys one after the other: all of them hold."""
    pieces: list[Piece] = []
    for key in keys or [[b"ALL"]]:
        if pieces:
            pieces.append(b" ")
        pieces += key
    return pieces


def _keys(criterion: Criterion, exists: int, *, at_least: bool) -> list[list[Piece]]:
    """Keys that hold for at least (else at most) the messages that match."""
    match criterion:
        case And(parts):
            return [key for part in parts for key in _keys(part, exists, at_least=at_least)]
        case Or(parts):
            return [_one_of([_single(_keys(part, exists, at_least=at_least)) for part in parts])]
        case Not(part):
            return [_negated(_single(_keys(part, exists, at_least=not at_least)))]
        case HeaderIs() | BodyIs() | Attached() | Dated(when=datetime()):
            return _keys(_widened(criterion) if at_least else NONE, exists, at_least=at_least)
        case Numbered(Numbering.UID, ranges):
            return [[b"UID ", ",".join(map(_uids, ranges)).encode()]]
        case Numbered(_, ranges):
            numbers = [f"{low}:{high}" for low, high in (one.within(exists) for one in ranges) if 0 < low <= high]
            return [[",".join(numbers).encode() or _NOTHING]]
        case _:
            return [list(_leaf(criterion))]


def _uids(one: Range) -> str:
    """UIDs as RFC 9051, 9 has them; ``9:*`` would be the last message where there is none from 9 on."""
    low, high = one.within(MAX_NUMBER)
    return "*" if one == (None, None) else f"{low}:{high}" if low < high else f"{low}"


def _single(keys: list[list[Piece]]) -> list[Piece]:
    return keys[0] if len(keys) == 1 else [b"(", *_joined(keys), b")"]


def _negated(key: list[Piece]) -> list[Piece]:
    """Courier and pymap read no NOT NOT."""
    if key == [_NOTHING]:
        return [b"ALL"]
    return key[1:] if key[0] == b"NOT " else [b"NOT ", *key]


def _one_of(keys: list[list[Piece]]) -> list[Piece]:
    """OR takes two keys; halves keep the nesting of many flat."""
    if not keys:
        return [_NOTHING]
    if len(keys) == 1:
        return keys[0]
    middle = len(keys) // 2
    return [b"OR ", *_one_of(keys[:middle]), b" ", *_one_of(keys[middle:])]


def _widened(criterion: HeaderIs | BodyIs | Attached | Dated) -> Criterion:
    """What SEARCH can say of a condition that it cannot say itself."""
    if isinstance(criterion, BodyIs | Attached):
        return server_side(criterion)
    if isinstance(criterion, HeaderIs):
        if criterion.name.lower() == "message-id":
            return HeaderContains(criterion.name, landmark(criterion.value))
        place = _PLACES_OF_HEADERS.get(criterion.name.lower())
        return Contains(place, criterion.value) if place else HeaderContains(criterion.name, criterion.value)
    assert isinstance(criterion.when, datetime)
    moment = criterion.when.astimezone(UTC)
    if criterion.relation is Relation.SINCE:
        return Dated(criterion.clock, Relation.SINCE, (moment - _FARTHEST_OFFSET).date())
    return Dated(criterion.clock, Relation.BEFORE, (moment + 2 * _FARTHEST_OFFSET).date())


def _leaf(criterion: Criterion) -> Iterator[Piece]:
    match criterion:
        case Contains(place, text):
            yield from (f"{place.value} ".encode(), string(text.encode()))
        case HeaderContains(name, text):
            yield from (b"HEADER ", astring(name.encode()), b" ", string(text.encode()))
        case Dated(clock, relation, when):
            yield f"{clock.value}{relation.value} {day(when)}".encode()
        case Larger(size):
            yield b"LARGER %d" % size
        case Smaller(size):
            yield b"SMALLER %d" % size
        case Flagged(flag):
            name = flag.removeprefix("\\").upper()
            yield name.encode() if flag.startswith("\\") and name in _SYSTEM_FLAGS else b"KEYWORD " + flag.encode()
        case ServerOnly(key, value):
            yield key.search_key.encode() + b" "
            yield value.encode() if key is ServerKey.MOD_SEQ else astring(value.encode())
        case _:
            raise TypeError(criterion)


def day(when: date) -> str:
    """A date as SEARCH wants it (RFC 9051, 9: date)."""
    return f"{when.day}-{_MONTHS[when.month - 1]}-{when.year:04d}"
