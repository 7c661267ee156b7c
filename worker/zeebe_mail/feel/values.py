"""FEEL's values as Python objects.

* null, boolean, string: `None`, `bool`, `str`       * number: `Decimal`
* list: `list`, never changed once it can be seen     * context: `dict`, or `Context` if it defines functions
* date, time, durations: the classes of `temporal`    * `Range` and `Function`: only inside an evaluation
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from zeebe_mail.feel.errors import BudgetExceeded
from zeebe_mail.feel.temporal import (
    NANOS_PER_SECOND,
    Date,
    DaysTime,
    LocalDateTime,
    LocalTime,
    YearsMonths,
    ZonedDateTime,
    ZonedTime,
)

__all__ = [
    "MAX_DATA_DEPTH",
    "Context",
    "Function",
    "Range",
    "Value",
    "kind_of",
    "pieces_of",
    "properties",
    "show",
    "show_all",
]

Value: TypeAlias = Any

MAX_DATA_DEPTH = 150
_SHOWN = 300  # characters of a value in a message


class Function:
    """Something that can be called; `invoke` gets the run and the arguments, one for each of `parameters`."""

    __slots__ = ("invoke", "is_variadic", "parameters")

    def __init__(
        self, parameters: tuple[str, ...], invoke: Callable[[Any, list[Value]], Value], *, is_variadic: bool = False
    ) -> None:
        self.parameters = parameters
        self.invoke = invoke
        self.is_variadic = is_variadic

    def takes(self, count: int) -> bool:
        return count == len(self.parameters) or (self.is_variadic and count > len(self.parameters))


class Range(NamedTuple):
    start: Value
    end: Value
    is_start_closed: bool
    is_end_closed: bool


class Context(dict[str, Value]):
    """A context that defines functions. They can be called, but they are not entries."""

    __slots__ = ("functions",)

    def __init__(self, entries: Mapping[str, Value], functions: dict[str, list[Function]]) -> None:
        super().__init__(entries)
        self.functions = functions


_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "string",
    Date: "date",
    LocalTime: "time",
    ZonedTime: "time",
    LocalDateTime: "date and time",
    ZonedDateTime: "date and time",
    YearsMonths: "years and months duration",
    DaysTime: "days and time duration",
    list: "list",
    dict: "context",
    Context: "context",
    Function: "function",
    Range: "range",
}


def kind_of(value: Value) -> str:
    """The name of the value's type, as after `instance of`."""
    return _KINDS[type(value)]


def properties(value: Value) -> dict[str, Value] | None:
    """What can be asked of a date, a time or a duration with a dot; `None` for anything else."""
    match value:
        case Date():
            return _numbers(_day_parts(value))
        case LocalTime():
            return _in_order(_numbers(_clock_parts(value)) | {"time offset": None, "timezone": None})
        case ZonedTime():
            zone = {"time offset": _offset(value.offset_s), "timezone": value.zone}
            return _in_order(_numbers(_clock_parts(value.time)) | zone)
        case LocalDateTime():
            parts = _day_parts(value.date) | _clock_parts(value.time)
            return _in_order(_numbers(parts) | {"time offset": None, "timezone": None})
        case ZonedDateTime():
            parts = _day_parts(value.local.date) | _clock_parts(value.local.time)
            return _in_order(_numbers(parts) | {"time offset": _offset(value.offset_s), "timezone": value.zone})
        case YearsMonths():
            return _numbers({"years": value.years, "months": value.months})
        case DaysTime():
            parts = {"days": value.days, "hours": value.hours, "minutes": value.minutes, "seconds": value.seconds}
            return _numbers(parts)
        case _:
            return None


def pieces_of(value: Value) -> Iterator[str]:
    """The value as `string()` writes it inside lists and contexts, piece by piece.

    Raises:
        BudgetExceeded: the value is nested too deep.
    """
    return _pieces(value, 0)


def show(value: Value) -> str:
    """The value in a message: as `string()` writes it, but cut when it is long."""
    shown = ""
    for piece in _pieces(value, 0):
        shown += piece[: _SHOWN + 1]
        if len(shown) > _SHOWN:
            return f"{shown[:_SHOWN]}…"
    return shown


def show_all(values: Iterable[Value]) -> str:
    """Several values in a message."""
    return ", ".join(f"'{show(value)}'" for value in values)


def _pieces(value: Value, depth: int) -> Iterator[str]:
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case str():
            if len(value) <= _SHOWN:
                yield f'"{value}"'
            else:  # without a copy, because a message shows only its beginning
                yield from ('"', value, '"')
        case list():
            yield "["
            for index, item in enumerate(value):
                yield ", " if index else ""
                yield from _pieces(item, depth + 1)
            yield "]"
        case dict():
            yield "{"
            for index, (key, item) in enumerate(value.items()):
                yield f", {key}:" if index else f"{key}:"
                yield from _pieces(item, depth + 1)
            yield "}"
        case Function():
            yield f"function({', '.join(value.parameters)})"
        case Range():
            yield "[" if value.is_start_closed else "("
            yield f"{value.start}..{value.end}"
            yield "]" if value.is_end_closed else ")"
        case _:
            yield str(value)


def _day_parts(date: Date) -> dict[str, int]:
    return {"year": date.year, "month": date.month, "day": date.day, "weekday": date.weekday}


def _clock_parts(time: LocalTime) -> dict[str, int]:
    return {"hour": time.hour, "minute": time.minute, "second": time.second}


def _numbers(parts: dict[str, int]) -> dict[str, Value]:
    return {name: Decimal(number) for name, number in parts.items()}


def _offset(seconds: int) -> DaysTime:
    return DaysTime(seconds * NANOS_PER_SECOND)


# In which Camunda's warning about a missing property lists them.
_ORDER = ("timezone", "year", "second", "month", "day", "time offset", "weekday", "minute", "hour")


def _in_order(values: dict[str, Value]) -> dict[str, Value]:
    return {name: values[name] for name in _ORDER if name in values}
