"""Whether a message is one that was searched for, decided on the client; and what a server's SEARCH leaves to decide.

POP3 has no search, so all of a criterion is checked here. IMAP's SEARCH knows neither whole addresses nor times of day:
:func:`server_side` is what it can be asked for, :func:`client_side` what is then to be checked again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_tz

from zeebe_mail.message.address_list import read_addresses
from zeebe_mail.message.criteria import (
    ADDRESS_HEADERS,
    ALL,
    NONE,
    And,
    Attached,
    BodyIs,
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
    ServerKey,
    ServerOnly,
    Smaller,
    walk,
)
from zeebe_mail.message.dates import read_date
from zeebe_mail.message.encoded_words import header_text, raw_text
from zeebe_mail.message.header_fields import Header
from zeebe_mail.message.message_id import bare_or_none, landmark, read_message_id

_DAY = timedelta(days=1)
_WORD = re.compile(r"\w{1,200}")


# ── what has to be known ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known of a message to check a criterion."""

    headers: frozenset[str]
    """Names, lower case; meaningless where ``whole_header`` is needed."""
    whole_header: bool
    body: bool
    flags: bool
    numbers: frozenset[Numbering]
    server: frozenset[ServerKey]


def needs(criterion: Criterion) -> Needs:
    """What must be known of a message to check a criterion."""
    parts = list(walk(criterion))
    places = {part.place for part in parts if isinstance(part, Contains)}
    headers = {part.name.lower() for part in parts if isinstance(part, HeaderContains | HeaderIs)}
    headers |= {place.value.lower() for place in places - {Place.BODY, Place.TEXT}}
    headers |= {_DATE_OF[part.clock] for part in parts if isinstance(part, Dated)}
    return Needs(
        headers=frozenset(headers),
        whole_header=Place.TEXT in places,
        body=bool(places & {Place.BODY, Place.TEXT}) or any(isinstance(part, BodyIs | Attached) for part in parts),
        flags=any(isinstance(part, Flagged) for part in parts),
        numbers=frozenset(part.numbering for part in parts if isinstance(part, Numbered)),
        server=frozenset(part.key for part in parts if isinstance(part, ServerOnly)),
    )


_DATE_OF = {Clock.SENT: "date", Clock.RECEIVED: "received"}


# ── a message ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of a message. What is not known may stay at its default as long as :func:`needs` allows it."""

    header: Header
    size: int = 0
    received: datetime | None = None
    """When the mailbox got it, in the zone whose days count."""
    body: str = ""
    """All that the body says, decoded, its HTML as it stands too."""
    text: str = ""
    """The text of the body as people read it."""
    attachments: int = 0
    """Parts that are kept aside from the text."""
    flags: frozenset[str] = frozenset()
    uid: int = 0
    highest_uid: int = 0
    sequence: int = 0
    highest_sequence: int = 0


Condition = Contains | HeaderContains | HeaderIs | BodyIs | Attached | Dated | Larger | Smaller | Flagged | Numbered
"""What can be checked here."""


def matches(criterion: Criterion, message: Candidate) -> bool:
    """Whether the message is one that is searched for. What cannot be read of a message says nothing.

    Raises:
        ValueError: only a server can tell (:class:`ServerOnly`).
    """
    match criterion:
        case And(parts):
            return all(matches(part, message) for part in parts)
        case Or(parts):
            return any(matches(part, message) for part in parts)
        case Not(part):
            return not matches(part, message)
        case ServerOnly(key, _):
            raise ValueError(f"only a server can search by {key.search_key}")
    try:
        return _holds(criterion, message)
    except MemoryError:
        raise
    except Exception:  # a bug of ours: one message must cost nobody the search of the others
        return False


def _holds(condition: Condition, message: Candidate) -> bool:
    match condition:
        case Contains(place, text):
            return _contains(message, place, folded(text))
        case HeaderContains(name, text):
            return any(folded(text) in folded(header_text(value)) for value in message.header.all(name.lower()))
        case HeaderIs(name, value):
            return any(_says(name.lower(), found, value) for found in message.header.all(name.lower()))
        case BodyIs(text):
            return folded(message.text).split() == folded(text).split()
        case Attached():
            return message.attachments > 0
        case Dated(clock, relation, when):
            return _is_dated(_moment(message, clock), relation, when)
        case Larger(size):
            return message.size > size
        case Smaller(size):
            return message.size < size
        case Flagged(flag):
            return flag.lower() in {one.lower() for one in message.flags}
        case Numbered(Numbering.UID, ranges):
            return in_ranges(message.uid, ranges, message.highest_uid)
        case Numbered(_, ranges):
            return in_ranges(message.sequence, ranges, message.highest_sequence)


def folded(text: str) -> str:
    """Text as it is compared: without case and compatibility forms, as i;unicode-casemap has it (RFC 5051)."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKD", text.casefold())


def in_ranges(number: int, ranges: Iterable[Range], highest: int) -> bool:
    """Whether a number is in one of the ranges; ``*`` is the highest there is, and ``9:*`` those from 9 on, if any.

    IMAP itself means the highest by ``9:*`` when that is less (RFC 9051, 9); who deletes ``9:*`` does not mean it.
    """
    return any(low <= number <= high for low, high in (one.within(highest) for one in ranges))


def _contains(message: Candidate, place: Place, text: str) -> bool:
    if place is Place.BODY:
        return text in folded(message.body)
    if place is Place.TEXT:
        lines = (f"{field.name}: {header_text(field.value)}" for field in message.header.fields)
        return any(text in folded(line) for line in lines) or text in folded(message.body)
    return any(text in folded(header_text(value)) for value in message.header.all(place.value.lower()))


def _says(name: str, value: bytes, wanted: str) -> bool:
    if name == "message-id":
        return bare_or_none(read_message_id(value)) == wanted
    if name in ADDRESS_HEADERS:
        return any(one.address.casefold() == wanted.casefold() for one in read_addresses(value))
    return header_text(value).strip().casefold() == wanted.casefold()


def _moment(message: Candidate, clock: Clock) -> tuple[date, datetime] | None:
    """The day on the clock's own calendar, and the moment."""
    if clock is Clock.RECEIVED:
        return (message.received.date(), message.received) if message.received else None
    value = message.header.first("date")
    if value is None:
        return None
    text = raw_text(value)
    moment = read_date(text)
    return (_written_day(text) or moment.date(), moment) if moment else None


def _written_day(text: str) -> date | None:
    try:
        parsed = parsedate_tz(text[:200])
        return date(*parsed[:3]) if parsed else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _is_dated(found: tuple[date, datetime] | None, relation: Relation, when: date) -> bool:
    if found is None:
        return False
    day, moment = found
    if isinstance(when, datetime):
        return moment >= when if relation is Relation.SINCE else moment < when
    return _OF_DAYS[relation](day, when)


_OF_DAYS: dict[Relation, Callable[[date, date], bool]] = {
    Relation.SINCE: lambda day, when: day >= when,
    Relation.BEFORE: lambda day, when: day < when,
    Relation.ON: lambda day, when: day == when,
}


# ── server and client ────────────────────────────────────────────────────────────────────────────────────────────


def server_side(criterion: Criterion) -> Criterion:
    """A criterion that SEARCH can be asked for and that finds all that this one does, and maybe more."""
    return _bound(criterion, at_most=False)


def client_side(criterion: Criterion) -> Criterion:
    """What is still to be checked of the messages that :func:`server_side` finds; :data:`ALL` where nothing is."""
    if isinstance(criterion, And):
        parts = tuple(part for one in criterion.parts if (part := client_side(one)) != ALL)
        return parts[0] if len(parts) == 1 else And(parts)
    return criterion if any(map(_is_of_client, walk(criterion))) else ALL


def _is_of_client(leaf: Criterion) -> bool:
    # Servers take a message whose Date cannot be read for one of 1970, or of its arrival.
    is_rough = isinstance(leaf, Dated) and (isinstance(leaf.when, datetime) or leaf.clock is Clock.SENT)
    return isinstance(leaf, HeaderIs | BodyIs | Attached) or is_rough


def _bound(criterion: Criterion, *, at_most: bool) -> Criterion:
    """What SEARCH knows for certain to be wider than the criterion or, ``at_most``, narrower: NOT turns them around."""
    match criterion:
        case And(parts):
            return And(tuple(_bound(part, at_most=at_most) for part in parts))
        case Or(parts):
            return Or(tuple(_bound(part, at_most=at_most) for part in parts))
        case Not(part):
            return Not(_bound(part, at_most=not at_most))
        case HeaderIs(name, value):
            return NONE if at_most else _mentions(name, value)
        case BodyIs(text):
            return NONE if at_most else _has_a_word_of(text)
        case Attached():
            return NONE if at_most else ALL
        case Dated(_, _, when) if isinstance(when, datetime):
            return _days(criterion, when.astimezone(UTC).date(), at_most=at_most)
        case Dated(Clock.SENT) if at_most:
            return NONE
    return criterion


def _mentions(name: str, value: str) -> Criterion:
    if name.lower() == "message-id":
        return HeaderContains(name, landmark(value))
    try:
        return Contains(Place(name.upper()), value)
    except ValueError:
        return HeaderContains(name, value)


def _has_a_word_of(text: str) -> Criterion:
    """The longest word: lines are broken elsewhere in the mail than in its decoded text."""
    word = max(_WORD.findall(text), key=len, default="")
    return Contains(Place.BODY, word) if word else ALL


def _days(moment: Dated, day: date, *, at_most: bool) -> Dated:
    """The days for a moment of UTC. A clock somewhere on earth may show the day before or the day after."""
    if moment.relation is Relation.SINCE:
        return replace(moment, when=day + 2 * _DAY if at_most else day - _DAY)
    return replace(moment, when=day - 2 * _DAY if at_most else day + 2 * _DAY)
