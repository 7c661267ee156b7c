"""The filter language of Infosys' connectors: contexts of filters, each of them a line of text, → our criteria.

::

    filters  = {filter} | {filter, logicalOperator: "NOT"} | {logicalOperator, filterList: [filters …]}
    filter   = "size" comparison digits
             | "flag" name [match] ("true" | "false")
             | "header" name [match] text
             | "recipient" ("to" | "cc" | "bcc") [match] text
             | ("from" | "subject" | "body" | "messageId") [match] text
             | "messageNumber" [comparison] digits
             | ("sentDate" | "receivedDate") comparison text
    comparison = match | "<" | "<=" | ">" | ">="
    match    = "=" | "==" | "equals" | "like" | "contains" | "!=" | "<>"
    text     = "'" any characters "'" at the end of the line

Field names count in any case and with more around them, as ``ReceivedTime`` and ``EmailSubject``; those of two words
may be written as two. Texts are looked for anywhere in the field, whatever the operator is called; ``!=`` is the
opposite.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from zeebe_mail.compat.errors import RUNTIME
from zeebe_mail.compat.infosys import field_names as names
from zeebe_mail.compat.infosys.dates import after, read_date
from zeebe_mail.compat.infosys.field_names import FieldName, is_named
from zeebe_mail.errors import ContractError
from zeebe_mail.message.criteria import (
    ALL,
    MAX_CONDITIONS,
    MAX_DEPTH,
    NONE,
    And,
    Clock,
    CriteriaError,
    Criterion,
    Dated,
    Flagged,
    Larger,
    Not,
    Numbered,
    Numbering,
    Or,
    Range,
    Relation,
    Smaller,
    criterion,
)

HEADERS = (
    "Return-Path",
    "Date",
    "Message-ID",
    "MIME-Version",
    "X-UserIsAuth",
    "Delivered-To",
    "Received",
    "From",
    "Sender",
    "To",
    "Subject",
    "Content-Type",
)
FLAGS = ("answered", "deleted", "draft", "flagged", "recent", "seen")
RECIPIENTS = ("to", "cc", "bcc")
FIELDS = "size, flag, body, from, header, subject, recipient, messageNumber, messageId, sentDate, receivedDate"
DATE_EXAMPLE = "'dd/MM/yyyy hh:mm:ss a' E.g: '21/07/2022 12:01:00 AM'"

_TOKEN = re.compile(r"\s*(?:(?P<sign><=|>=|<>|!=|==|=|<|>)|(?P<word>[^\s'<>=!]+))")
_TEXT = re.compile(r"\s*'(?P<text>.*)'\s*\Z", re.DOTALL)
_OPERATORS = {"=": "=", "==": "=", "equals": "=", "like": "=", "contains": "=", "!=": "!=", "<>": "!="} | {
    sign: sign for sign in ("<", "<=", ">", ">=")
}
_HALVES = frozenset({"message", "sent", "received"})
_TRUTHS = ("true", "false")
_LARGEST = 2**31 - 1  # their numbers are Java's


# ── contexts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def compiled(filters: Mapping[str, Any]) -> Criterion | None:
    """What the filters of a list ask for; nothing where there are none.

    Raises:
        ContractError: says where and why, and never repeats what is looked for.
    """
    return _Compiler().compile(filters, "filters", 1)


@dataclass(slots=True)
class _Compiler:
    """One compilation; counts filters."""

    filters: int = 0

    def compile(self, given: Any, path: str, depth: int) -> Criterion | None:
        if given is None or given == {}:
            return None
        self.filters += 1
        if depth > MAX_DEPTH or self.filters > MAX_CONDITIONS:
            raise _invalid(f"{path}: there may be {MAX_CONDITIONS} filters, {MAX_DEPTH} levels deep")
        if not isinstance(given, Mapping):
            raise _unreadable(path)
        said = {name: value for name, value in given.items() if value is not None and value not in ("", [])}
        operator, single = said.get("logicalOperator"), said.get("filter")
        if "filterList" in given and (operator is not None or single is None):
            if single is not None:
                raise _invalid(f"{path} has both filter and filterList; put the one into the other")
            return self._several(operator, said.get("filterList"), path, depth)
        if single is None:
            raise _unreadable(path)
        if not isinstance(single, str):
            raise _invalid(f"{path}.filter must be text such as subject = 'Test'")
        one = _Line(single, f"{path}.filter").read()
        return Not(one) if operator is not None and _logical(operator, path) == "NOT" else one

    def _several(self, operator: Any, given: Any, path: str, depth: int) -> Criterion:
        if operator is None:
            raise _unreadable(path)
        word = _logical(operator, path)
        if given is not None and not isinstance(given, list):
            raise _invalid(f"{path}.filterList must be a list")
        children = (self.compile(one, f"{path}.filterList[{at}]", depth + 1) for at, one in enumerate(given or ()))
        parts = tuple(one for one in children if one is not None)
        if not parts:
            raise ContractError(f"InvalidFilter - filterList is empty ({path})", foreign_type=RUNTIME)
        if word == "AND":
            return And(parts)
        return Or(parts) if word == "OR" else Not(Or(parts))


def _logical(operator: Any, path: str) -> str:
    word = operator.strip().upper() if isinstance(operator, str) else ""
    if word not in ("AND", "OR", "NOT"):
        raise _invalid(f"{path}.logicalOperator must be AND, OR or NOT")
    return word


def _invalid(problem: str) -> ContractError:
    return ContractError(f"InvalidFilter: {problem}", foreign_type=RUNTIME)


def _unreadable(path: str) -> ContractError:
    return ContractError(
        "Invalid filter, it should be a map with keys - filter or logicalOperator and filterList. "
        f"Please refer documentation for details ({path})",
        foreign_type=RUNTIME,
    )


# ── a line ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Line:
    """A filter that is being read."""

    text: str
    path: str
    at: int = 0
    begun: int = field(default=0, init=False)
    """Where the last thing that was read begins."""

    def read(self) -> Criterion:
        name = self._name()
        read = next((read for field_, read in _FIELDS if is_named(name, field_)), None)
        if read is None:
            raise self.problem("InvalidFilter", f"Filter can be applied on - {FIELDS}")
        found = read(self)
        if self.text[self.at :].strip():
            self.begun = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
            raise self.problem("InvalidFilter", "the filter should end here")
        return found

    def _name(self) -> str:
        name = self.word("InvalidFilter", "a field").lower()
        if name in _HALVES:
            name += self.word("InvalidFilter", f"a field that begins with {name}").lower()
        return name

    def word(self, code: str, what: str, known: tuple[str, ...] = ()) -> str:
        """A word, or one of those that are known, as that is written."""
        found = self._token("word")
        named = {one.lower(): one for one in known}
        if found is None or (known and found.lower() not in named):
            values = f", it can have values - {', '.join(known)}" if known else ""
            raise self.problem(code, f"{what} is expected{values}")
        return named.get(found.lower(), found)

    def operator(self, *, default: str | None = None) -> str:
        """An operator in the one form that we have for it."""
        before = self.at
        found = self._token("sign") or self._token("word") or ""
        if operator := _OPERATORS.get(found.lower()):
            return operator
        if default is not None and self._may_be_left_out(found):
            self.at = before
            return default
        raise self.problem(
            "InvalidFilterOperator", "an operator is expected: <=, <, =, like, equals, ==, !=, <>, >, >="
        )

    @staticmethod
    def _may_be_left_out(found: str) -> bool:
        """Whether what stands in the place of an operator is a value already."""
        return not found or found.isdigit() or found.lower() in _TRUTHS

    def match(self) -> bool:
        """Whether the text is wanted, or is not."""
        operator = self.operator(default="=")
        if operator not in ("=", "!="):
            raise self.problem("InvalidFilterOperator", "texts are equal or not")
        return operator == "="

    def quoted(self) -> str:
        """The text at the end of the line."""
        self._skip()
        found = _TEXT.match(self.text, self.at)
        if found is None:
            raise self.problem("InvalidFilterValue", "a text in single quotes is expected, and nothing after it")
        self.at = found.end()
        return found["text"]

    def whole(self) -> int:
        """Digits."""
        found = self._token("word") or ""
        if not (found.isascii() and found.isdigit() and len(found) <= 10 and int(found) <= _LARGEST):
            raise self.problem("InvalidFilterValue", f"a whole number up to {_LARGEST} is expected")
        return int(found)

    def moment(self) -> date:
        """A text that is a date."""
        text = self.quoted()
        try:
            return read_date(text)
        except ValueError:
            raise self.problem(
                "InvalidFilterValue", f"Unable to parse date, please provide datetime in format: {DATE_EXAMPLE}"
            ) from None

    def contains(self, condition: Callable[[str], Mapping[str, Any]]) -> Criterion:
        """That there is a text, or is not."""
        wanted = self.match()
        text = self.quoted()
        try:
            found = criterion(condition(text))
        except CriteriaError as error:
            raise self.problem("InvalidFilterValue", f"the text {error.problem}") from None
        return found if wanted else Not(found)

    def problem(self, code: str, what: str) -> ContractError:
        """What is wrong at the last thing that was read."""
        return ContractError(f"{code}: {self.path}, character {self.begun + 1}: {what}", foreign_type=RUNTIME)

    def _skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        self.begun = self.at

    def _token(self, kind: str) -> str | None:
        """The next token, if it is of this kind."""
        self._skip()
        found = _TOKEN.match(self.text, self.at)
        if found is None or found.lastgroup != kind:
            return None
        self.at = found.end()
        return found[kind]


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Scale:
    """What comparisons are made of: below a value, and from it on."""

    below: Callable[[Any], Criterion]
    since: Callable[[Any], Criterion]
    next: Callable[[Any], Any] = lambda value: value + 1

    def compared(self, operator: str, value: Any) -> Criterion:
        match operator:
            case "<":
                return self.below(value)
            case "<=":
                return self.below(self.next(value))
            case ">=":
                return self.since(value)
            case ">":
                return self.since(self.next(value))
        equal = And((self.since(value), self.below(self.next(value))))
        return equal if operator == "=" else Not(equal)


def _numbers_below(number: int) -> Criterion:
    return Numbered(Numbering.SEQUENCE, (Range(1, number - 1),)) if number > 1 else NONE


_SIZES = _Scale(Smaller, lambda size: Larger(size - 1) if size else ALL)
_NUMBERS = _Scale(_numbers_below, lambda number: Not(_numbers_below(number)))


def _size(line: _Line) -> Criterion:
    return _SIZES.compared(line.operator(), line.whole())


def _number(line: _Line) -> Criterion:
    return _NUMBERS.compared(line.operator(default="="), line.whole())


def _dated(clock: Clock) -> Callable[[_Line], Criterion]:
    dates = _Scale(
        lambda when: Dated(clock, Relation.BEFORE, when), lambda when: Dated(clock, Relation.SINCE, when), after
    )
    return lambda line: dates.compared(line.operator(), line.moment())


def _flag(line: _Line) -> Criterion:
    name = line.word("InvalidFlagValue", "a flag that servers can search for", FLAGS)
    wanted = line.match()
    is_set = line.word("InvalidFilterValue", "whether it is set", _TRUTHS) == "true"
    flagged = Flagged(f"\\{name.title()}")
    return flagged if is_set is wanted else Not(flagged)


def _header(line: _Line) -> Criterion:
    name = line.word("InvalidHeaderName", "a header", HEADERS)
    return line.contains(lambda text: {"header": {name: text}})


def _recipient(line: _Line) -> Criterion:
    kind = line.word("InvalidMessageRecipientTypeValue", "a kind of recipient", RECIPIENTS)
    return line.contains(lambda text: {kind: text})


def _text(name: str) -> Callable[[_Line], Criterion]:
    return lambda line: line.contains(lambda text: {name: text})


_FIELDS: tuple[tuple[FieldName, Callable[[_Line], Criterion]], ...] = (
    (names.SIZE, _size),
    (names.FLAG, _flag),
    (names.BODY, _text("body")),
    (names.FROM, _text("from")),
    (names.HEADER, _header),
    (names.SUBJECT, _text("subject")),
    (names.RECIPIENT, _recipient),
    (names.NUMBER, _number),
    (names.SENT, _dated(Clock.SENT)),
    (names.MESSAGE_ID, _text("messageId")),
    (names.RECEIVED, _dated(Clock.RECEIVED)),
)
"""The fields; the first that a name fits is meant."""
