"""From one type to another."""

from decimal import Decimal

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.errors import EvaluationError, Suppressed
from zeebe_mail.feel.json_text import read_json, write_json
from zeebe_mail.feel.numbers import multiply, parse_number, subtract, to_int32
from zeebe_mail.feel.run import Run
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
from zeebe_mail.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from zeebe_mail.feel.values import Value, pieces_of, show_all
from zeebe_mail.feel.zones import MAX_OFFSET_S, region

__all__ = ["FUNCTIONS"]

_DateTime = LocalDateTime | ZonedDateTime
_Time = LocalTime | ZonedTime
_GROUPING = (" ", ",", ".")
_DECIMAL = (",", ".")


@builtin("date(from: string|date|date and time)")
def date(run: Run, value: str | Date | _DateTime) -> Date:
    """A date from text like `2026-01-31`, or the date of a date-time."""
    if not isinstance(value, str):
        return _date_of(value)
    result = parse_date(value)
    if result is None:
        raise Suppressed(f"Failed to parse date from '{value}'")
    return result


@builtin("date(year: number, month: number, day: number)")
def date_from_parts(run: Run, year: Decimal, month: Decimal, day: Decimal) -> Date:
    """A date from its parts."""
    try:
        return Date(to_int32(year), to_int32(month), to_int32(day))
    except EvaluationError as error:
        raise Suppressed(f"Failed to parse date from: year={year}, month={month}, day={day}") from error


@builtin("time(from: string|date|date and time)")
def time(run: Run, value: str | Date | _DateTime) -> _Time:
    """A time from text like `10:30:00`, `10:30:00+01:00`, `10:30:00@Europe/Berlin`; the time of a date-time."""
    if isinstance(value, LocalDateTime):
        return value.time
    if isinstance(value, ZonedDateTime):
        return ZonedTime(value.local.time, value.offset_s, value.zone)
    if isinstance(value, Date):
        return ZonedTime(LocalTime(0), 0)
    result = parse_time(value)
    if result is None:
        raise Suppressed(f"Failed to parse local-time from '{value}'")
    return result


@builtin("time(hour: number, minute: number, second: number)")
def time_from_parts(run: Run, hour: Decimal, minute: Decimal, second: Decimal) -> LocalTime:
    """A local time from its parts; seconds may have nine decimals."""
    return _time_from_parts(hour, minute, second, nanos=_nanos(second))


@builtin("time(hour: number, minute: number, second: number, offset: days and time duration|null)")
def time_with_offset(run: Run, hour: Decimal, minute: Decimal, second: Decimal, offset: DaysTime | None) -> _Time:
    """A time with an offset from UTC; without one (null) seconds have no decimals."""
    if offset is None:
        return _time_from_parts(hour, minute, second, nanos=0)
    local = _time_from_parts(hour, minute, second, nanos=_nanos(second))
    offset_s = offset.nanos // NANOS_PER_SECOND
    if abs(offset_s) > MAX_OFFSET_S:
        parts = f"hour={hour}, minute={minute}, second={second}, offset={offset.iso}"
        raise Suppressed(f"Failed to parse time from: {parts}")
    return ZonedTime(local, offset_s)


@builtin("date and time(from: string)")
def date_and_time(run: Run, text: str) -> _DateTime:
    """A date-time from text like `2026-01-31T10:30:00`, with an offset or `@Zone/Id` behind it if it has one."""
    result = parse_date_time(text)
    if result is None:
        raise Suppressed(f"Failed to parse date-time from '{text}'")
    return result


@builtin("date and time(date: date|date and time, time: time|string)")
def date_and_time_from_parts(run: Run, date: Date | _DateTime, time: _Time | str) -> _DateTime:
    """A date and a time together; or a date-time in the time zone whose name stands in the place of the time."""
    if isinstance(time, LocalTime):
        return LocalDateTime(_date_of(date), time)
    if isinstance(time, ZonedTime):
        return time.on(_date_of(date))
    if isinstance(date, Date):
        raise Suppressed(f"Illegal arguments: {show_all((date, time))}")
    zone = region(time, loose=True)
    if zone is None:
        raise EvaluationError(f"There is no time zone '{time}'.")
    return date.in_zone(zone) if isinstance(date, ZonedDateTime) else ZonedDateTime.at(date, zone)


@builtin("number(from: string)")
def number(run: Run, text: str) -> Decimal:
    """A number from text like `1.5` or `1e3`."""
    return _number(run, text)


@builtin("number(from: string, grouping separator: string)")
def number_with_grouping(run: Run, text: str, grouping: str) -> Decimal:
    """The same without the grouping separators, which are blanks, commas or points."""
    if grouping not in _GROUPING:
        raise Suppressed("illegal argument for grouping. Must be one of ' ', ',' or '.'")
    return _number(run, text.replace(grouping, ""))


@builtin("number(from: string, grouping separator: string|null, decimal separator: string|null)")
def number_with_separators(run: Run, text: str, grouping: str | None, decimal: str | None) -> Decimal:
    """The same with a comma or a point before the decimals."""
    if grouping is None and decimal is None:
        raise Suppressed(f"Illegal arguments: {show_all((text, None, None))}")
    if grouping not in (None, *_GROUPING) or decimal not in (None, *_DECIMAL) or grouping == decimal:
        raise Suppressed("illegal arguments for grouping or decimal. Must be one of ' ' (grouping only), ',' or '.'")
    return _number(run, text.replace(grouping or "\0", "").replace(decimal or ".", "."))


@builtin("string(from: any)")
def string(run: Run, value: Value) -> str | None:
    """The value as text; null for null."""
    if value is None or isinstance(value, str):
        return value
    return run.join(pieces_of(value))


@builtin("duration(from: string)")
def duration(run: Run, text: str) -> YearsMonths | DaysTime:
    """A duration from text like `P1Y2M` or `P1DT2H`."""
    result = parse_duration(text)
    if result is None:
        raise Suppressed(f"Failed to parse duration from '{text}'")
    return result


@builtin("years and months duration(from: date|date and time, to: date|date and time)")
def years_and_months_duration(run: Run, start: Date | _DateTime, end: Date | _DateTime) -> YearsMonths:
    """The whole months between two dates."""
    return YearsMonths(_date_of(start).months_until(_date_of(end)))


@builtin("from json(json: string|null)")
def from_json(run: Run, text: str | None) -> Value:
    """The value that a JSON text describes."""
    return None if text is None else read_json(run, text)


@builtin("to json(value: any)")
def to_json(run: Run, value: Value) -> str:
    """The value as JSON."""
    return write_json(run, value)


def _date_of(value: Date | _DateTime) -> Date:
    if isinstance(value, Date):
        return value
    return value.date if isinstance(value, LocalDateTime) else value.local.date


def _time_from_parts(hour: Decimal, minute: Decimal, second: Decimal, nanos: int) -> LocalTime:
    hours, minutes, seconds = to_int32(hour), to_int32(minute), to_int32(second)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60 and nanos >= 0):
        raise Suppressed(f"Failed to parse local-time from: hour={hour}, minute={minute}, second={second}")
    return LocalTime(((hours * 60 + minutes) * 60 + seconds) * NANOS_PER_SECOND + nanos)


def _nanos(second: Decimal) -> int:
    return int(multiply(subtract(second, Decimal(int(second))), Decimal(NANOS_PER_SECOND)))


def _number(run: Run, text: str) -> Decimal:
    run.spend(len(text) >> 3)
    result = parse_number(text)
    if result is None:
        raise Suppressed(f"Can't parse '{text}' as a number")
    return result


FUNCTIONS = [
    date,
    date_from_parts,
    time,
    time_from_parts,
    time_with_offset,
    date_and_time,
    date_and_time_from_parts,
    number,
    number_with_grouping,
    number_with_separators,
    string,
    duration,
    years_and_months_duration,
    from_json,
    to_json,
]
