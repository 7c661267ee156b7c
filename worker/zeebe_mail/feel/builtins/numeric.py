"""Numbers."""

from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
)
from math import exp as exp_of_double
from math import log as log_of_double
from math import sqrt as sqrt_of_double

from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.errors import EvaluationError, Suppressed
from zeebe_mail.feel.numbers import add, from_double, remainder, rescale, to_int32
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.temporal import DaysTime, YearsMonths

__all__ = ["FUNCTIONS"]

_ROUNDINGS = {
    "UP": ROUND_UP,
    "DOWN": ROUND_DOWN,
    "CEILING": ROUND_CEILING,
    "FLOOR": ROUND_FLOOR,
    "HALF_UP": ROUND_HALF_UP,
    "HALF_DOWN": ROUND_HALF_DOWN,
    "HALF_EVEN": ROUND_HALF_EVEN,
}
_UNNECESSARY = "UNNECESSARY"
_TWO = Decimal(2)
_ZERO = Decimal(0)


@builtin("decimal(n: number, scale: number)")
def decimal(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """The number with `scale` digits after the point, rounded half to even."""
    return rescale(n, to_int32(scale), ROUND_HALF_EVEN)


@builtin("decimal(n: number, scale: number, mode: string)")
def decimal_with_mode(run: Run, n: Decimal, scale: Decimal, mode: str) -> Decimal:
    """The same, rounded as `mode` says."""
    name = mode.upper()
    if name == _UNNECESSARY:
        result = rescale(n, to_int32(scale), ROUND_DOWN)
        if result != n:
            raise Suppressed("Failed to apply rounding mode 'UNNECESSARY': Rounding necessary")
        return result
    if name not in _ROUNDINGS:
        modes = ", ".join((*_ROUNDINGS, _UNNECESSARY))
        raise Suppressed(f"Illegal argument '{mode}' for rounding mode. Must be one of: {modes}")
    return rescale(n, to_int32(scale), _ROUNDINGS[name])


@builtin("floor(n: number)")
def floor(run: Run, n: Decimal) -> Decimal:
    """Rounded down to a whole number."""
    return rescale(n, 0, ROUND_FLOOR)


@builtin("floor(n: number, scala: number)")
def floor_to_scale(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded down; the parameter is called `scala`."""
    return rescale(n, to_int32(scale), ROUND_FLOOR)


@builtin("ceiling(n: number)")
def ceiling(run: Run, n: Decimal) -> Decimal:
    """Rounded up to a whole number."""
    return rescale(n, 0, ROUND_CEILING)


@builtin("ceiling(n: number, scale: number)")
def ceiling_to_scale(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded up."""
    return rescale(n, to_int32(scale), ROUND_CEILING)


@builtin("round up(n: number, scale: number)")
def round_up(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded away from zero."""
    return rescale(n, to_int32(scale), ROUND_UP)


@builtin("round down(n: number, scale: number)")
def round_down(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded towards zero."""
    return rescale(n, to_int32(scale), ROUND_DOWN)


@builtin("round half up(n: number, scale: number)")
def round_half_up(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded to the nearest, and a half away from zero."""
    return rescale(n, to_int32(scale), ROUND_HALF_UP)


@builtin("round half down(n: number, scala: number)")
def round_half_down(run: Run, n: Decimal, scale: Decimal) -> Decimal:
    """Rounded to the nearest, and a half towards zero; the parameter is called `scala`."""
    return rescale(n, to_int32(scale), ROUND_HALF_DOWN)


_Absolute = Decimal | YearsMonths | DaysTime


@builtin(
    "abs(number: number|years and months duration|days and time duration)",
    "abs(n: number|years and months duration|days and time duration)",
)
def absolute(run: Run, n: _Absolute) -> _Absolute:
    """The number or duration without its sign."""
    if isinstance(n, Decimal):
        return n.copy_abs()
    return YearsMonths(abs(n.total)) if isinstance(n, YearsMonths) else DaysTime(abs(n.nanos))


@builtin("modulo(dividend: number, divisor: number)")
def modulo(run: Run, dividend: Decimal, divisor: Decimal) -> Decimal:
    """The remainder with the sign of the divisor; the evaluation fails for a divisor of zero."""
    return remainder(add(remainder(dividend, divisor), divisor), divisor)


@builtin("sqrt(number: number)")
def sqrt(run: Run, number: Decimal) -> Decimal | None:
    """The square root as a double; null for a negative number."""
    return from_double(sqrt_of_double(number)) if number >= 0 else None


@builtin("log(number: number)")
def log(run: Run, number: Decimal) -> Decimal:
    """The natural logarithm as a double; the evaluation fails unless the number is positive."""
    double = float(number)
    if double <= 0:  # also what is too small for a double
        raise EvaluationError(f"log({number}) is not a finite number.")
    return from_double(log_of_double(double))


@builtin("exp(number: number)")
def exp(run: Run, number: Decimal) -> Decimal:
    """Euler's number to the power of the number, as a double."""
    try:
        return from_double(exp_of_double(number))
    except OverflowError as error:
        raise EvaluationError(f"exp({number}) is not a finite number.") from error


@builtin("odd(number: number)")
def odd(run: Run, number: Decimal) -> bool:
    """Whether it is an odd whole number."""
    return remainder(number.copy_abs(), _TWO) == 1


@builtin("even(number: number)")
def even(run: Run, number: Decimal) -> bool:
    """Whether it is an even whole number."""
    return remainder(number, _TWO) == _ZERO


@builtin("random number()")
def random_number(run: Run) -> Decimal:
    """A random number from 0 up to 1; not for secrets."""
    from random import random  # rarely needed, and slow to import

    return from_double(random())  # noqa: S311 - what `java.util.Random` does in Camunda


FUNCTIONS = [
    decimal,
    decimal_with_mode,
    floor,
    floor_to_scale,
    ceiling,
    ceiling_to_scale,
    round_up,
    round_down,
    round_half_up,
    round_half_down,
    absolute,
    modulo,
    sqrt,
    log,
    exp,
    odd,
    even,
    random_number,
]
