"""Equality and order of values.

Values of different types are neither equal nor different: the answer is null. Local and zoned times are different
types here.
"""

from decimal import Decimal

from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError
from zeebe_mail.feel.run import LONG_TEXT, Run
from zeebe_mail.feel.temporal import Date, DaysTime, LocalDateTime, LocalTime, YearsMonths, ZonedDateTime, ZonedTime
from zeebe_mail.feel.values import MAX_DATA_DEPTH, Context, Value, show

__all__ = ["POINTS", "are_ordered", "contains", "equal", "is_equal", "precedes"]

POINTS = frozenset({Decimal, Date, LocalTime, ZonedTime, LocalDateTime, ZonedDateTime, YearsMonths, DaysTime})
_ORDERED = POINTS | {str}
_SCALARS = _ORDERED | {bool}
_CONTEXTS = frozenset({dict, Context})


def equal(x: Value, y: Value, run: Run) -> bool | None:
    """`x = y`: null (`None`) when the two cannot be compared."""
    if x is None or y is None:
        return x is y
    type_x, type_y = type(x), type(y)
    if type_x is type_y and type_x in _SCALARS:
        if type_x is str and len(x) >= LONG_TEXT:
            run.touch(x)
        return bool(x == y)
    if (type_x is list and type_y is list) or (type_x in _CONTEXTS and type_y in _CONTEXTS):
        return is_equal(x, y, run)
    return None


def is_equal(x: Value, y: Value, run: Run, depth: int = 0) -> bool:
    """Equality inside lists and contexts, where a mismatch of types is a difference."""
    if x is None or y is None:
        return x is y
    type_x, type_y = type(x), type(y)
    if type_x is type_y and type_x in _SCALARS:
        return bool(x == y)
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    run.spend()
    if type_x is list and type_y is list:
        return len(x) == len(y) and all(is_equal(a, b, run, depth + 1) for a, b in zip(x, y, strict=True))
    if type_x in _CONTEXTS and type_y in _CONTEXTS:
        return x.keys() == y.keys() and all(is_equal(item, y[key], run, depth + 1) for key, item in x.items())
    return False


def contains(items: list[Value], value: Value, run: Run) -> bool:
    """Membership as `list contains` sees it: a context is only itself, never equal to another one."""
    return any(_is_same(item, value, run, 0) for item in items)


def _is_same(x: Value, y: Value, run: Run, depth: int) -> bool:
    if x is y:
        return True
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    if type(x) is list and type(y) is list:
        run.spend()
        return len(x) == len(y) and all(_is_same(a, b, run, depth + 1) for a, b in zip(x, y, strict=True))
    return type(x) is type(y) and type(x) in _SCALARS and bool(x == y)


def are_ordered(x: Value, *others: Value) -> bool:
    """Are all values of one type that has an order?"""
    if type(x) is list:
        return all(type(other) is list for other in others) and all(map(_is_uniform, (x, *others)))
    return type(x) in _ORDERED and all(type(other) is type(x) for other in others)


def precedes(x: Value, y: Value) -> bool:
    """`x < y` for values that `are_ordered`.

    Raises:
        EvaluationError: the two are lists; Camunda's engine fails there, too.
    """
    if type(x) is Decimal:
        return bool(x < y)
    if type(x) is str:
        if x.isascii() or y.isascii():
            return bool(x < y)
        # Java compares UTF-16 units, where 🐎 comes before ﬁ.
        return bool(x.encode("utf-16-be", "surrogatepass") < y.encode("utf-16-be", "surrogatepass"))
    if type(x) is list:
        raise EvaluationError(f"{show(x)} can not be compared to {show(y)}.")
    return bool(x.order < y.order)


def _is_uniform(items: list[Value]) -> bool:
    """A list is ordered by its first item alone, if all others are of the same type."""
    return bool(items) and are_ordered(items[0]) and all(type(item) is type(items[0]) for item in items)
