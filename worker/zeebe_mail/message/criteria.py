"""What is searched for: conditions on messages, and how they are read from JSON.

Two notations are understood, and each may stand inside the other:

- Camunda's: ``{"operator": "AND" | "OR" | "NOT", "criteria": [...]}`` and ``{"field": "FROM", "value": "jane@x.org"}``.
  With both, ``operator`` counts. ``{"field": "HEADER", "name": "X-Order", "value": "4711"}`` looks into any header.
- An object of options, as Prismatic's and ImapFlow's: ``{"from": "jane", "seen": false, "since": "2026-01-31",
  "or": [...], "not": {...}, "header": {"X-Order": "4711"}}``; all of them must hold.

Fields, options and operators are the search keys of RFC 9051, 6.4.4, in any case. Text is looked for anywhere in the
field, whatever its case; ``"match": "exact"`` beside it wants the whole address or the whole header instead.

Dates are ISO 8601, or what FEEL makes of them. A date is a whole day, as the server's (``since``, ``before``, ``on``)
or the sender's (``sentSince``, ``sentBefore``, ``sentOn``) clock had it. A date and time is a moment; without an offset
it is UTC. ``since`` includes its day or moment, ``before`` does not.

A condition that says nothing (``{}``, ``"criteria": []``, ``""`` or ``null`` as the value) is refused: a variable that
happens to be empty must not widen a search to the whole mailbox. ``{"all": true}`` says that everything is meant.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

from pydantic import PlainValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from zeebe_mail.message.address import AddressError, mailbox
from zeebe_mail.message.headers import ANY_NAME
from zeebe_mail.message.message_id import bare_message_id
from zeebe_mail.message.moment import read_moment
from zeebe_mail.message.references import MAX_NUMBER

MAX_DEPTH = 16
"""Conditions within conditions."""
MAX_CONDITIONS = 500
"""Conditions in one search."""
MAX_TEXT = 1000
"""Characters in one text that is looked for."""
MAX_JSON = 200_000
"""Characters of criteria given as text."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_KEYWORD = re.compile(r"[!#$&'+-\[^-z|}~]{1,100}")  # an atom (RFC 9051, 9)
_RANGES = re.compile(r"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*", re.ASCII)
_MAX_RANGES = 8000  # characters: servers take lines of 8 kB (RFC 7162, 4)
_SHOWN = re.compile(r"[A-Za-z_-]{1,24}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*", re.ASCII | re.IGNORECASE)
_YEARS = range(1900, 9000)


# ── the model ────────────────────────────────────────────────────────────────────────────────────────────────────


class Place(enum.Enum):
    """Where in a message text is looked for; the value is the SEARCH key."""

    FROM = "FROM"
    TO = "TO"
    CC = "CC"
    BCC = "BCC"
    SUBJECT = "SUBJECT"
    BODY = "BODY"
    TEXT = "TEXT"
    """Headers and body."""


class Clock(enum.Enum):
    """Whose date of a message is meant; the value begins the SEARCH keys."""

    RECEIVED = ""
    """When the mailbox got it (INTERNALDATE; POP3: the topmost Received header)."""
    SENT = "SENT"
    """Its Date header."""


class Relation(enum.Enum):
    """How a message's date stands to the one given."""

    SINCE = "SINCE"
    BEFORE = "BEFORE"
    ON = "ON"


class Numbering(enum.Enum):
    """What numbers stand for."""

    UID = "UID"
    SEQUENCE = "SEQUENCE"


class ServerKey(enum.Enum):
    """What only a server can answer: the SEARCH key, and the capability that a server with it announces."""

    GMAIL_RAW = ("X-GM-RAW", "X-GM-EXT-1")
    GMAIL_LABEL = ("X-GM-LABELS", "X-GM-EXT-1")
    EMAIL_ID = ("EMAILID", "OBJECTID")
    THREAD_ID = ("THREADID", "OBJECTID")
    MOD_SEQ = ("MODSEQ", "CONDSTORE")

    @property
    def search_key(self) -> str:
        """As it stands in SEARCH."""
        return self.value[0]

    @property
    def capability(self) -> str:
        """As it stands in CAPABILITY."""
        return self.value[1]


class Range(NamedTuple):
    """Numbers from one to another, in either order; ``None`` is the highest there is (``*``)."""

    first: int | None
    last: int | None

    def within(self, highest: int) -> tuple[int, int]:
        """The lowest and the highest number of it; of ``9:*`` where the highest is less, the lowest is above it."""
        match self:
            case (None, None):
                return highest, highest
            case (None, int(low)) | (int(low), None):
                return low, highest
            case (int(one), int(other)):
                return min(one, other), min(max(one, other), highest)
        raise TypeError(self)


@dataclass(frozen=True, slots=True)
class And:
    """All of these hold. Of none: every message."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these holds. Of none: no message."""

    parts: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    part: Criterion


@dataclass(frozen=True, slots=True)
class Contains:
    """The place has this text, whatever its case."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class HeaderContains:
    """A header of this name has this text, whatever its case. Empty text: there is such a header."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class HeaderIs:
    """A header of this name says exactly this, and its case aside nothing else.

    From, To, Cc, Bcc, Sender and Reply-To: one of the addresses is this, bare address. Message-ID: without brackets,
    and its case counts. Checked on the client.
    """

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class BodyIs:
    """The text of the body is exactly this, its case and how its words are spaced aside. Checked on the client."""

    text: str


@dataclass(frozen=True, slots=True)
class Attached:
    """The message has a part that is kept aside from its text. Checked on the client."""


@dataclass(frozen=True, slots=True)
class Dated:
    """The message's date stands in this relation to a day, or (SINCE, BEFORE) to a moment with its offset.

    Days are compared as the clock's own zone has them. Moments are checked on the client, because SEARCH knows days
    only, and so are dates of sending, because servers disagree on those that cannot be read.
    An undated message is neither before nor since anything.
    """

    clock: Clock
    relation: Relation
    when: date
    """A ``datetime`` is a moment."""


@dataclass(frozen=True, slots=True)
class Larger:
    """More bytes than this."""

    size: int


@dataclass(frozen=True, slots=True)
class Smaller:
    """Fewer bytes than this."""

    size: int


@dataclass(frozen=True, slots=True)
class Flagged:
    r"""The message has this system flag (``\\Seen``, ``\\Recent`` …) or keyword."""

    flag: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """The message's number is in one of these ranges."""

    numbering: Numbering
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class ServerOnly:
    """Only a server that knows the key can tell."""

    key: ServerKey
    value: str


Criterion = (
    And
    | Or
    | Not
    | Contains
    | HeaderContains
    | HeaderIs
    | BodyIs
    | Attached
    | Dated
    | Larger
    | Smaller
    | Flagged
    | Numbered
    | ServerOnly
)
"""A condition on a message."""

ALL = And(())
NONE = Or(())

SEEN = Flagged("\\Seen")
RECENT = Flagged("\\Recent")

ADDRESS_HEADERS = frozenset({"from", "to", "cc", "bcc", "sender", "reply-to"})
"""Headers of which ``HeaderIs`` compares the addresses."""


def walk(criterion: Criterion) -> Iterator[Criterion]:
    """The condition and all within it."""
    yield criterion
    match criterion:
        case And(parts) | Or(parts):
            for part in parts:
                yield from walk(part)
        case Not(part):
            yield from walk(part)


# ── reading JSON ─────────────────────────────────────────────────────────────────────────────────────────────────

_Path = tuple[str | int, ...]


class CriteriaError(ValueError):
    """Criteria that cannot be used. ``path`` leads to the spot; the message never repeats what was looked for."""

    def __init__(self, path: _Path, problem: str) -> None:
        """``problem`` completes "<path> …"."""
        super().__init__(problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{shown_path(self.path)}: {self.problem}" if self.path else self.problem


def shown_path(path: _Path) -> str:
    """A place in JSON: ``criteria[1].field``."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" for step in path)
    return "".join(steps).removeprefix(".")


def criterion(given: Any) -> Criterion:
    """Read criteria: an object, or the JSON text of one.

    Raises:
        CriteriaError: says where and why.
    """
    return _Reading().read(_parsed(given) if isinstance(given, str) else given, ())


def range_set(text: str) -> tuple[Range, ...]:
    """The ranges of ``1,2,4:6``, ``7:*`` or ``*``.

    Raises:
        ValueError: it is not such a list, or a number is not one from 1 to 4294967295.
    """
    compact = text.replace(" ", "")
    if len(compact) > _MAX_RANGES or not _RANGES.fullmatch(compact):
        raise ValueError("must be numbers and ranges such as 1,2,4:6 or 7:*")
    ranges = []
    for item in compact.split(","):
        first, _, last = item.partition(":")
        ranges.append(Range(_number(first), _number(last or first)))
    return tuple(ranges)


def _number(text: str) -> int | None:
    if text == "*":
        return None
    if not 1 <= int(text) <= MAX_NUMBER:
        raise ValueError(f"must have numbers from 1 to {MAX_NUMBER} only")
    return int(text)


def _parsed(text: str) -> Any:
    if len(text) > MAX_JSON:
        raise CriteriaError((), f"must not have more than {MAX_JSON} characters")
    try:
        return json.loads(text)
    except RecursionError:
        raise CriteriaError((), f"are nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise CriteriaError((), f"must be an object, or the JSON text of one{where}") from None


class _Reading:
    """One reading of criteria; counts conditions."""

    def __init__(self) -> None:
        self._conditions = 0

    def read(self, given: Any, path: _Path, depth: int = 1) -> Criterion:
        if depth > MAX_DEPTH:
            raise CriteriaError(path, f"is nested deeper than {MAX_DEPTH} levels")
        if not isinstance(given, Mapping):
            raise CriteriaError(path, 'must be an object such as {"field": "FROM", "value": "jane@example.org"}')
        self._count(path)
        names = {name for name, value in given.items() if value is not None}
        if "operator" in names:
            return self._node(given, path, depth)
        if "field" in names:
            return self._leaf(given, path, depth)
        if names & {"criteria", "value"}:
            missing = "operator" if "criteria" in names else "field"
            raise CriteriaError((*path, missing), "is missing")
        return self._options(given, path, depth)

    def many(self, given: Any, path: _Path, depth: int) -> tuple[Criterion, ...]:
        if not isinstance(given, list | tuple):
            raise CriteriaError(path, "must be a list of criteria")
        if not given:
            raise CriteriaError(path, "must not be empty")
        return tuple(self.read(one, (*path, position), depth + 1) for position, one in enumerate(given))

    def _count(self, path: _Path) -> None:
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise CriteriaError(path, f"is one too many: a search may have {MAX_CONDITIONS} conditions")

    def _node(self, given: Mapping[str, Any], path: _Path, depth: int) -> Criterion:
        _only(given, {"operator", "criteria", "field", "value"}, path)
        operator = _one_of(given["operator"], ("AND", "OR", "NOT"), (*path, "operator"), "operator")
        if given.get("criteria") is None:
            raise CriteriaError((*path, "criteria"), "is missing: an operator needs a list of criteria")
        parts = self.many(given["criteria"], (*path, "criteria"), depth)
        if operator == "AND":
            return And(parts)
        if operator == "OR":
            return Or(parts)
        if len(parts) > 1:
            raise CriteriaError((*path, "criteria"), "must have one entry for NOT; put several into an AND or OR")
        return Not(parts[0])

    def _leaf(self, given: Mapping[str, Any], path: _Path, depth: int) -> Criterion:
        _only(given, {"field", "value", "match", "name"}, path)
        field = _one_of(given["field"], tuple(_FIELDS), (*path, "field"), "field")
        if field == "HEADER" and given.get("name") is not None:
            name = _header_name(given["name"], (*path, "name"))
            return _header(name, given.get("value"), _exact(given, path), (*path, "value"))
        if given.get("name") is not None:
            raise CriteriaError((*path, "name"), "belongs to the field HEADER only")
        if given.get("value") is None and field not in _SWITCHES:
            raise CriteriaError((*path, "value"), "is missing")
        value = True if given.get("value") is None else given["value"]
        return self._field(field, value, _exact(given, path), (*path, "value"), depth)

    def _options(self, given: Mapping[str, Any], path: _Path, depth: int) -> Criterion:
        exact = _exact(given, path)
        parts = []
        for name, value in given.items():
            if name == "match":
                continue
            field = _one_of(name, tuple(_FIELDS), (*path, name), "option")
            self._count(path)
            parts.append(self._field(field, value, exact and field in _MATCHABLE, (*path, name), depth))
        if not parts:
            raise CriteriaError(path, 'must not be empty; {"all": true} means every message')
        if exact and not any(isinstance(part, HeaderIs) for part in parts):
            raise CriteriaError((*path, "match"), f"belongs to {', '.join(_MATCHABLE)} only")
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _field(self, field: str, value: Any, exact: bool, path: _Path, depth: int) -> Criterion:
        if exact and field not in _MATCHABLE:
            raise CriteriaError((*path[:-1], "match"), f"belongs to {', '.join(_MATCHABLE)} only")
        if field == "NOT":
            return Not(self.read(value, path, depth + 1))
        if field in ("AND", "OR"):
            parts = self.many(value, path, depth)
            return And(parts) if field == "AND" else Or(parts)
        if field == "HEADER":
            return self._headers(value, exact, path)
        if exact:
            return _whole(field, value, path)
        return _FIELDS[field](value, path)

    def _headers(self, value: Any, exact: bool, path: _Path) -> Criterion:
        if not isinstance(value, Mapping) or not value:
            raise CriteriaError(path, "must be an object of header names and the texts to look for")
        parts = []
        for name, text in value.items():
            self._count(path)
            parts.append(_header(_header_name(name, path), text, exact, (*path, name)))
        return parts[0] if len(parts) == 1 else And(tuple(parts))


def _shown(name: str) -> str:
    return name if _SHOWN.fullmatch(name) else "…"


def _only(given: Mapping[str, Any], known: set[str], path: _Path) -> None:
    for name, value in given.items():
        if name not in known and value is not None:
            _one_of(name, tuple(sorted(known)), (*path, name), "key", same_case=True)


def _one_of(value: Any, known: tuple[str, ...], path: _Path, what: str, *, same_case: bool = False) -> str:
    """The known name that is meant, or an error that repeats a name only when it is a plain word."""
    if not isinstance(value, str):
        raise CriteriaError(path, "must be text")
    name = value if same_case else _canonical(value)
    if name in known:
        return name
    shown = f' "{value}"' if _SHOWN.fullmatch(value) else ""
    nearest = get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else f"; known are {', '.join(known)}"
    raise CriteriaError(path, f"names an unknown {what}{shown}{hint}")


def _canonical(name: str) -> str:
    upper = name.strip().upper().replace("_", "").replace("-", "")
    return _SYNONYMS.get(upper, upper)


def _exact(given: Mapping[str, Any], path: _Path) -> bool:
    if given.get("match") is None:
        return False
    return _one_of(given["match"], ("CONTAINS", "EXACT"), (*path, "match"), "match") == "EXACT"


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _text(value: Any, path: _Path) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise CriteriaError(path, "must be text")
    if _CONTROL.search(value):
        raise CriteriaError(path, "must not contain line breaks or other control characters")
    if not value.strip():
        raise CriteriaError(path, "must not be empty")
    if len(value) > MAX_TEXT:
        raise CriteriaError(path, f"must not have more than {MAX_TEXT} characters")
    return value


def _truth(value: Any, path: _Path) -> bool:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise CriteriaError(path, "must be true or false")
    return value


def _size(value: Any, path: _Path) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value.strip(), re.ASCII):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise CriteriaError(path, "must be a whole number of bytes")
    return value


def _date(value: Any, path: _Path) -> date:
    """A day, or a moment with its offset."""
    text = _text(value, path).strip()
    try:
        when: date = read_moment(text) if _MOMENT.fullmatch(text) else date.fromisoformat(text)
        if when.year not in _YEARS:
            raise ValueError
    except ValueError:
        raise CriteriaError(
            path, "must be a date such as 2026-01-31 or a moment such as 2026-01-31T08:30:00Z"
        ) from None
    return when


def _header_name(value: Any, path: _Path) -> str:
    if not isinstance(value, str) or not ANY_NAME.fullmatch(value):
        raise CriteriaError(path, "must be a header name: 1 to 70 printable ASCII characters, no blank and no colon")
    return value


def _header(name: str, value: Any, exact: bool, path: _Path) -> Criterion:
    if isinstance(value, bool):
        there_is_one = HeaderContains(name, "")
        return there_is_one if value else Not(there_is_one)
    if value is None:
        raise CriteriaError(path, "is missing: text, or true for any header of the name")
    return _whole(name, value, path) if exact else HeaderContains(name, _text(value, path))


def _whole(name: str, value: Any, path: _Path) -> Criterion:
    text = _text(value, path).strip()
    lower = name.lower()
    if lower == "message-id":
        return _message_id(text, path)
    if lower in ADDRESS_HEADERS:
        try:
            text = mailbox(text).address
        except AddressError as error:
            raise CriteriaError(path, f"{error}; an exact match needs a whole mail address") from None
    return HeaderIs(name if name != name.upper() else name.title(), text)


def _message_id(value: Any, path: _Path) -> Criterion:
    try:
        return HeaderIs("Message-ID", bare_message_id(_text(value, path)))
    except CriteriaError:
        raise
    except ValueError as error:
        raise CriteriaError(path, str(error)) from None


def _keyword(value: Any, path: _Path) -> Flagged:
    text = _text(value, path)
    if not _KEYWORD.fullmatch(text):
        raise CriteriaError(path, "must be a keyword: letters, digits and signs such as $ - _, no blank")
    return Flagged(text)


def _numbered(numbering: Numbering) -> Callable[[Any, _Path], Criterion]:
    def read(value: Any, path: _Path) -> Criterion:
        texts = value if isinstance(value, list | tuple) else [value]
        try:
            return Numbered(numbering, range_set(",".join(_text(one, path) for one in texts)))
        except CriteriaError:
            raise
        except ValueError as error:
            raise CriteriaError(path, str(error)) from None

    return read


def _contains(place: Place) -> Callable[[Any, _Path], Criterion]:
    return lambda value, path: Contains(place, _text(value, path))


def _dated(clock: Clock, relation: Relation) -> Callable[[Any, _Path], Criterion]:
    def read(value: Any, path: _Path) -> Criterion:
        when = _date(value, path)
        if relation is Relation.ON and isinstance(when, datetime):
            raise CriteriaError(path, "must be a date without a time; for a span of time use since and before")
        return Dated(clock, relation, when)

    return read


def _switch(condition: Criterion) -> Callable[[Any, _Path], Criterion]:
    return lambda value, path: condition if _truth(value, path) else Not(condition)


def _server(key: ServerKey) -> Callable[[Any, _Path], Criterion]:
    return lambda value, path: ServerOnly(key, _text(value, path))


def _object_id(key: ServerKey) -> Callable[[Any, _Path], Criterion]:
    def read(value: Any, path: _Path) -> Criterion:
        text = _text(value, path)
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,255}", text):  # RFC 8474, 7
            raise CriteriaError(path, "must be an id of letters, digits, - and _")
        return ServerOnly(key, text)

    return read


def _mod_seq(value: Any, path: _Path) -> Criterion:
    return ServerOnly(ServerKey.MOD_SEQ, str(_size(value, path)))


def _labels(value: Any, path: _Path) -> Criterion:
    """ImapFlow's ``{"has": [...], "not": [...]}``, or the labels that a message must have."""
    wanted = value if isinstance(value, Mapping) else {"has": value}
    _only(wanted, {"has", "not"}, path)
    parts: list[Criterion] = []
    for name, given in wanted.items():
        for label in given if isinstance(given, list | tuple) else [given]:
            has = ServerOnly(ServerKey.GMAIL_LABEL, _text(label, (*path, name)))
            parts.append(has if name == "has" else Not(has))
    if not parts:
        raise CriteriaError(path, "must not be empty")
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _nested(value: Any, path: _Path) -> Criterion:
    raise CriteriaError(path, "cannot stand here")


_SWITCHES: dict[str, Callable[[Any, _Path], Criterion]] = {
    "ALL": _switch(ALL),
    "SEEN": _switch(SEEN),
    "ANSWERED": _switch(Flagged("\\Answered")),
    "FLAGGED": _switch(Flagged("\\Flagged")),
    "DRAFT": _switch(Flagged("\\Draft")),
    "DELETED": _switch(Flagged("\\Deleted")),
    "RECENT": _switch(RECENT),
    "UNSEEN": _switch(Not(SEEN)),
    "UNANSWERED": _switch(Not(Flagged("\\Answered"))),
    "UNFLAGGED": _switch(Not(Flagged("\\Flagged"))),
    "UNDRAFT": _switch(Not(Flagged("\\Draft"))),
    "UNDELETED": _switch(Not(Flagged("\\Deleted"))),
    "NEW": _switch(And((RECENT, Not(SEEN)))),
    "OLD": _switch(Not(RECENT)),
}

_FIELDS: dict[str, Callable[[Any, _Path], Criterion]] = {
    **{place.value: _contains(place) for place in Place},
    **{f"{clock.value}{relation.value}": _dated(clock, relation) for clock in Clock for relation in Relation},
    "LARGER": lambda value, path: Larger(_size(value, path)),
    "SMALLER": lambda value, path: Smaller(_size(value, path)),
    **_SWITCHES,
    "KEYWORD": _keyword,
    "UNKEYWORD": lambda value, path: Not(_keyword(value, path)),
    "MESSAGEID": _message_id,
    "UID": _numbered(Numbering.UID),
    "SEQ": _numbered(Numbering.SEQUENCE),
    "GMAILRAW": _server(ServerKey.GMAIL_RAW),
    "LABELS": _labels,
    "EMAILID": _object_id(ServerKey.EMAIL_ID),
    "THREADID": _object_id(ServerKey.THREAD_ID),
    "MODSEQ": _mod_seq,
    "HEADER": _nested,
    "AND": _nested,
    "OR": _nested,
    "NOT": _nested,
}
"""Each field or option, and how its value becomes a condition."""

_MATCHABLE = ("FROM", "TO", "CC", "BCC", "SUBJECT", "HEADER")
_SYNONYMS = {"GMRAW": "GMAILRAW", "XGMRAW": "GMAILRAW", "XGMLABELS": "LABELS", "SEQUENCE": "SEQ", "READ": "SEEN"} | {
    "UNREAD": "UNSEEN",
    "RECEIVEDSINCE": "SINCE",
    "RECEIVEDBEFORE": "BEFORE",
    "RECEIVEDON": "ON",
}


# ── as an input field ────────────────────────────────────────────────────────────────────────────────────────────


def _validated(given: Any) -> Criterion | None:
    if given is None or (isinstance(given, str) and not given.strip()):
        return None
    if isinstance(given, Criterion):
        return given
    try:
        return criterion(given)
    except CriteriaError as error:
        problem = PydanticCustomError("value_error", "{error}", {"error": error.problem})
        detail = InitErrorDetails(type=problem, loc=error.path, input=None)
        raise ValidationError.from_exception_data("Criteria", [detail], hide_input=True) from None


def _required(given: Any) -> Criterion:
    found = _validated(given)
    if found is None:
        raise ValueError("is missing")
    return found


Criteria = Annotated[
    Criterion | None,
    PlainValidator(_validated, json_schema_input_type=Any),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]}),
]
"""Search criteria as an input: see this module. Absent or blank: every message."""

RequiredCriteria = Annotated[
    Criterion,
    PlainValidator(_required, json_schema_input_type=Any),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}]}),
]
"""The same where criteria must be given."""
