"""`+ - * /` by the types of their operands; a pair that is not in the table has no result."""

from collections.abc import Callable
from decimal import Decimal

from zeebe_mail.feel import numbers
from zeebe_mail.feel.errors import EvaluationError
from zeebe_mail.feel.temporal import (
    NANOS_PER_DAY,
    Date,
    DaysTime,
    LocalDateTime,
    LocalTime,
    YearsMonths,
    ZonedDateTime,
    ZonedTime,
)
from zeebe_mail.feel.values import Value

__all__ = ["OPERATIONS"]


def _date_plus(date: Date, duration: DaysTime) -> Date:
    """From the first moment of the day, and back to the day."""
    return Date.from_epoch_day((date.epoch_day * NANOS_PER_DAY + duration.nanos) // NANOS_PER_DAY)


def _divide(x: Decimal, y: Decimal) -> Value:
    return numbers.divide(x, y) if y else NotImplemented


def _months_by_number(duration: YearsMonths, y: Decimal) -> Value:
    return YearsMonths(numbers.to_int32(numbers.divide(Decimal(duration.total), y))) if y else NotImplemented


def _months_by_months(x: YearsMonths, y: YearsMonths) -> Value:
    return _quotient(x.total, y.total) if y.total else NotImplemented


def _time_by_number(duration: DaysTime, y: Decimal) -> Value:
    """In whole milliseconds, of which Java keeps 32 bits."""
    if not y:
        return NotImplemented
    return DaysTime(numbers.to_int32(numbers.divide(Decimal(duration.millis), y)) * 1_000_000)


def _time_by_time(x: DaysTime, y: DaysTime) -> Value:
    """Whole times that `y` fits into `x`, both in milliseconds."""
    if not y.nanos:
        return NotImplemented
    if not y.millis:
        raise EvaluationError(f"{x.iso} cannot be divided by {y.iso}, which is less than a millisecond.")
    return _quotient(x.millis, y.millis)


def _quotient(x: int, y: int) -> Decimal:
    """Whole, and towards zero."""
    quotient = abs(x) // abs(y)
    return Decimal(-quotient if (x < 0) != (y < 0) else quotient)


def _times_months(duration: YearsMonths, factor: Decimal) -> YearsMonths:
    return YearsMonths(duration.total * numbers.to_int32(factor))


def _times(duration: DaysTime, factor: Decimal) -> DaysTime:
    return DaysTime(duration.nanos * numbers.to_int32(factor))


def _swapped(operation: Callable[[Value, Value], Value]) -> Callable[[Value, Value], Value]:
    return lambda x, y: operation(y, x)


_Table = dict[tuple[type, type], Callable[[Value, Value], Value]]

_ADD: _Table = {
    (Decimal, Decimal): numbers.add,
    (str, str): lambda x, y: x + y,
    (LocalTime, DaysTime): lambda x, y: x.plus(y.nanos),
    (ZonedTime, DaysTime): lambda x, y: x.plus(y.nanos),
    (LocalDateTime, DaysTime): lambda x, y: x.plus(y.nanos),
    (ZonedDateTime, DaysTime): lambda x, y: x.plus(y.nanos),
    (Date, DaysTime): _date_plus,
    (LocalDateTime, YearsMonths): lambda x, y: x.plus_months(y.total),
    (ZonedDateTime, YearsMonths): lambda x, y: x.plus_months(y.total),
    (Date, YearsMonths): lambda x, y: x.plus_months(y.total),
    (YearsMonths, YearsMonths): lambda x, y: YearsMonths(x.total + y.total),
    (DaysTime, DaysTime): lambda x, y: DaysTime(x.nanos + y.nanos),
}
_ADD |= {
    (duration, moment): _swapped(_ADD[moment, duration])
    for moment, duration in list(_ADD)
    if duration in (DaysTime, YearsMonths) and moment is not duration
}

_SUBTRACT: _Table = {
    (Decimal, Decimal): numbers.subtract,
    (LocalTime, LocalTime): lambda x, y: DaysTime(x.nanos - y.nanos),
    # Between times with offsets Java's engine answers the distance, whichever comes first.
    (ZonedTime, ZonedTime): lambda x, y: DaysTime(abs(x.order - y.order)),
    (LocalDateTime, LocalDateTime): lambda x, y: DaysTime(x.epoch_nanos - y.epoch_nanos),
    (ZonedDateTime, ZonedDateTime): lambda x, y: DaysTime(x.epoch_nanos - y.epoch_nanos),
    (Date, Date): lambda x, y: DaysTime((x.epoch_day - y.epoch_day) * NANOS_PER_DAY),
    (LocalTime, DaysTime): lambda x, y: x.plus(-y.nanos),
    (ZonedTime, DaysTime): lambda x, y: x.plus(-y.nanos),
    (LocalDateTime, DaysTime): lambda x, y: x.plus(-y.nanos),
    (ZonedDateTime, DaysTime): lambda x, y: x.plus(-y.nanos),
    (Date, DaysTime): lambda x, y: _date_plus(x, DaysTime(-y.nanos)),
    (LocalDateTime, YearsMonths): lambda x, y: x.plus_months(-y.total),
    (ZonedDateTime, YearsMonths): lambda x, y: x.plus_months(-y.total),
    (Date, YearsMonths): lambda x, y: x.plus_months(-y.total),
    (YearsMonths, YearsMonths): lambda x, y: YearsMonths(x.total - y.total),
    (DaysTime, DaysTime): lambda x, y: DaysTime(x.nanos - y.nanos),
}

_MULTIPLY: _Table = {
    (Decimal, Decimal): numbers.multiply,
    (YearsMonths, Decimal): _times_months,
    (DaysTime, Decimal): _times,
    (Decimal, YearsMonths): lambda x, y: _times_months(y, x),
    (Decimal, DaysTime): lambda x, y: _times(y, x),
}

_DIVIDE: _Table = {
    (Decimal, Decimal): _divide,
    (YearsMonths, Decimal): _months_by_number,
    (YearsMonths, YearsMonths): _months_by_months,
    (DaysTime, Decimal): _time_by_number,
    (DaysTime, DaysTime): _time_by_time,
}

OPERATIONS: dict[str, tuple[_Table, str]] = {
    "+": (_ADD, "Can't add '{y}' to '{x}'"),
    "-": (_SUBTRACT, "Can't subtract '{y}' from '{x}'"),
    "*": (_MULTIPLY, "Can't multiply '{x}' by '{y}'"),
    "/": (_DIVIDE, "Can't divide '{x}' by '{y}'"),
    "**": ({(Decimal, Decimal): numbers.power}, "Expected number but found '{wrong}'"),
}
"""For each operator what it does (`NotImplemented` for a zero divisor), and the warning for other operands."""
