"""The border to JSON and to Python: what comes in becomes FEEL's values, what goes out is plain data.

As in Camunda's connector runtime a whole number within 64 bits leaves as an integer and any other as a double; dates,
times and durations leave as ISO 8601 text, a date-time with its offset and without the name of its zone. NaN and
infinity become null on their way in and never leave. Functions and ranges leave as their text.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias

from zeebe_mail.feel.errors import BudgetExceeded, FeelError
from zeebe_mail.feel.numbers import from_double, magnitude_checked
from zeebe_mail.feel.stdlib_temporal import from_date, from_datetime, from_time, from_timedelta
from zeebe_mail.feel.temporal import Date, DaysTime, LocalDateTime, LocalTime, YearsMonths, ZonedDateTime, ZonedTime
from zeebe_mail.feel.values import MAX_DATA_DEPTH, Context, Function, Range, Value, show

__all__ = ["LARGEST_DOUBLE", "Json", "from_json", "read_variables", "to_json"]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

LARGEST_DOUBLE = Decimal("1.7976931348623157e308")
_MAX_INT64 = 2**63
_MAX_BITS = 25_000  # of more, a number has too many digits anyway
_MAX_ITEMS = 10_000_000
_AS_IT_IS = frozenset(
    {
        type(None),
        bool,
        str,
        Date,
        LocalTime,
        ZonedTime,
        LocalDateTime,
        ZonedDateTime,
        YearsMonths,
        DaysTime,
        Context,
        Function,
        Range,
    }
)


def from_json(value: Any) -> Value:
    """A FEEL value from what `json.loads` makes, from the standard library's dates, or from a FEEL value.

    Raises:
        FeelError: an object of another type, or data nested too deep.
    """
    return _from_json(value, 0, _Intake(_MAX_ITEMS))


def read_variables(variables: Mapping[str, Any], max_items: int) -> dict[str, Value]:
    """The variables of an expression, of whose lists and contexts all items together are counted.

    Raises:
        FeelError: as `from_json`, or more items than `max_items`.
    """
    intake = _Intake(max_items)
    return {
        name: value if type(value) in _AS_IT_IS else _from_json(value, 0, intake) for name, value in variables.items()
    }


class _Intake:
    """Counts items as they are copied, because data from Python may hold the same list many times."""

    __slots__ = ("left", "most")

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise BudgetExceeded(f"The data has more than {self.most} items.")


def _from_json(value: Any, depth: int, intake: _Intake) -> Value:
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    if kind is dict:
        intake.take(len(value))
        return {
            key if type(key) is str else str(key): (
                item if type(item) in _AS_IT_IS else _from_json(item, depth + 1, intake)
            )
            for key, item in value.items()
        }
    if kind is list:
        intake.take(len(value))
        return [_from_json(item, depth + 1, intake) for item in value]
    if kind is int:
        if -_MAX_INT64 < value < _MAX_INT64:
            return Decimal(value)
        return magnitude_checked(Decimal(value if value.bit_length() <= _MAX_BITS else "1E+9999"))
    if kind is float:
        return from_double(value) if isfinite(value) else None
    if kind is Decimal:
        return magnitude_checked(value or value.copy_abs()) if value.is_finite() else None
    return _from_python(value, depth, intake)


def _from_python(value: Any, depth: int, intake: _Intake) -> Value:
    match value:
        case Mapping():
            return _from_json(dict(value), depth, intake)
        case tuple():
            return _from_json(list(value), depth, intake)
        case str():
            return str(value)
        case int():
            return _from_json(int(value), depth, intake)
        case datetime():
            return from_datetime(value)
        case date():
            return from_date(value)
        case time():
            return from_time(value)
        case timedelta():
            return from_timedelta(value)
        case _:
            raise FeelError(f"A value of the type {type(value).__name__} is not data.")


def to_json(value: Value) -> Json:
    """Plain data that `json.dumps` takes.

    Raises:
        BudgetExceeded: the value is nested too deep.
    """
    return _to_json(value, 0)


def _to_json(value: Value, depth: int) -> Json:
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    match value:
        case None | bool():
            return value
        case str():
            return _written(value)
        case Decimal():
            return _number(value)
        case list():
            return [_to_json(item, depth + 1) for item in value]
        case dict():
            return {_written(key): _to_json(item, depth + 1) for key, item in value.items()}
        case ZonedTime() | ZonedDateTime() | YearsMonths() | DaysTime():
            return value.iso
        case Function() | Range():
            return show(value)
        case _:
            return str(value)


def _written(text: str) -> str:
    """Half of a character of two UTF-16 units cannot be written as UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _number(value: Decimal) -> int | float:
    if value == value.to_integral_value() and -_MAX_INT64 <= value < _MAX_INT64:
        return int(value)
    double = float(value)
    # Too large for a double: the largest one there is, because infinity is not JSON.
    return double if isfinite(double) else float(LARGEST_DOUBLE.copy_sign(value))
