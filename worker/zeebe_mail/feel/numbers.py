"""Numbers: decimals that keep their scale, computed as Java's BigDecimal does in feel-scala.

Literals are exact. An operation rounds half-even to 34 digits, or to as many as its left operand has. Trailing zeros
stay: `1.50 + 1.50` is `3.00`. What Java answers with an ArithmeticException is an `EvaluationError` here.
"""

import threading
from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Rounded,
)
from math import isfinite

from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError

__all__ = [
    "add",
    "divide",
    "from_double",
    "magnitude_checked",
    "multiply",
    "negate",
    "parse_number",
    "power",
    "remainder",
    "rescale",
    "subtract",
    "to_int32",
]

_PRECISION = 34
_MAX_EXPONENT = 6144  # that of decimal128; Java goes on to 2^31, and to gigabytes
_MAX_DIGITS = 500  # so that half a million numbers fit into memory
_MAX_POWER = 999_999_999  # java.math.BigDecimal.pow
_ONE = Decimal(1)


def _context(precision: int) -> Context:
    context = Context(prec=precision, rounding=ROUND_HALF_EVEN, Emin=-_MAX_EXPONENT, Emax=_MAX_EXPONENT)
    context.traps[Clamped] = False
    return context


class _Math(threading.local):
    """The context is per thread because its flags tell whether the last operation rounded."""

    def __init__(self) -> None:
        self.context = _context(_PRECISION)


_math = _Math()
_WIDE = _context(_MAX_EXPONENT * 2)  # for operations whose flags nobody reads


def add(x: Decimal, y: Decimal) -> Decimal:
    return _operate(Context.add, x, y)


def subtract(x: Decimal, y: Decimal) -> Decimal:
    return _operate(Context.subtract, x, y)


def multiply(x: Decimal, y: Decimal) -> Decimal:
    return _operate(Context.multiply, x, y)


def divide(x: Decimal, y: Decimal) -> Decimal:
    return _operate(Context.divide, x, y)


def remainder(x: Decimal, y: Decimal) -> Decimal:
    """The remainder with the sign of `x`.

    Raises:
        EvaluationError: `y` is zero, or the quotient has more digits than the precision, zeros at its end aside.
    """
    if not y:
        raise EvaluationError(f"Division of {_short(x)} by zero.")
    quotient = _WIDE.divide_int(x, y)
    if quotient.adjusted() >= _PRECISION and len(quotient.normalize(_WIDE).as_tuple().digits) > _precision_of(x):
        raise EvaluationError(f"{_short(x)} is too large to be divided by {_short(y)} with a remainder.")
    return _plain_zero(_WIDE.remainder(x, y))


def negate(x: Decimal) -> Decimal:
    return x.copy_negate() if x else x


def power(x: Decimal, exponent: Decimal) -> Decimal:
    """A whole exponent is exact (and taken modulo 2^32, as a Java int); any other goes through doubles."""
    if exponent == exponent.to_integral_value():
        return _whole_power(x, to_int32(exponent))
    try:
        return from_double(float(x) ** float(exponent))
    except (OverflowError, ZeroDivisionError, TypeError, ValueError) as error:
        raise EvaluationError(f"{x} ** {exponent} is not a finite number.") from error


def rescale(x: Decimal, scale: int, rounding: str) -> Decimal:
    """`x` with exactly `scale` digits after the point (before it, if negative).

    Of a scale that would give the number more than 500 digits only so many are written; the rest would be zeros.
    """
    own_scale = -_exponent(x)
    scale = max(min(scale, max(own_scale, _MAX_DIGITS - 1 - x.adjusted())), -_MAX_EXPONENT)
    return _plain_zero(x.quantize(Decimal((0, (1,), -scale)), rounding, _WIDE))


def from_double(value: float) -> Decimal:
    """The decimal that Java's `Double.toString` writes, so that `sqrt(4)` is `2.0`.

    Raises:
        EvaluationError: `value` is not finite; FEEL has no infinity.
    """
    if 0.001 <= value < 10_000_000:
        return Decimal(repr(value))
    if not isfinite(value):
        raise EvaluationError(f"{value} is not a number.")
    number = Decimal(repr(value))
    sign, digits, _ = number.as_tuple()
    exponent = _exponent(number)
    if not any(digits):
        return Decimal("0.0")
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    # At least one digit after the point: of the number itself from 10^-3 to 10^7, of its mantissa elsewhere.
    leading = len(digits) + exponent - 1
    most = leading - 1 if leading >= 7 or leading < -3 else -1
    if exponent > most:
        digits, exponent = digits + (0,) * (exponent - most), most
    return Decimal((sign, digits, exponent))


def parse_number(text: str) -> Decimal | None:
    """What Java's `new BigDecimal(text)` reads: no blanks, underscores, infinities or NaN."""
    if not text or not (text[-1].isdecimal() or text[-1] == ".") or (not text[0].isdecimal() and text[0] not in "+-."):
        return None
    if "_" in text or "n" in text.lower():
        return None
    try:
        return magnitude_checked(_plain_zero(Decimal(text)))
    except DecimalException:
        return None


def magnitude_checked(x: Decimal) -> Decimal:
    """Returns `x`, which came from outside, when its size is one that can be computed with."""
    if abs(x.adjusted()) > _MAX_EXPONENT or len(x.as_tuple().digits) > _MAX_DIGITS:
        raise BudgetExceeded(f"A number may have {_MAX_DIGITS} digits and an exponent of {_MAX_EXPONENT}.")
    return x


def to_int32(x: Decimal) -> int:
    """The whole part as a Java int: the low 32 bits of it."""
    return (int(x) + 0x80000000) % 0x100000000 - 0x80000000


def _operate(operation: Callable[[Context, Decimal, Decimal], Decimal], x: Decimal, y: Decimal) -> Decimal:
    context = _math.context
    try:
        result = operation(context, x, y)
        if context.flags[Rounded]:
            context.clear_flags()
            precision = _precision_of(x)
            if precision > _PRECISION:
                result = operation(_context(precision), x, y)
    except DivisionByZero as error:
        context.clear_flags()
        raise EvaluationError(f"Division of {_short(x)} by zero.") from error
    except DecimalException as error:
        context.clear_flags()
        raise EvaluationError(f"The result of computing with {_short(x)} and {_short(y)} is out of range.") from error
    return result or _plain_zero(result)


def _whole_power(x: Decimal, exponent: int) -> Decimal:
    """The algorithm of ANSI X3.274, whose last digits differ from a correctly rounded power."""
    if not -_MAX_POWER <= exponent <= _MAX_POWER:
        raise EvaluationError(f"The exponent {exponent} is out of range.")
    precision = _precision_of(x)
    if exponent == 0:
        return _ONE
    work = _context(precision + len(str(abs(exponent))) + 1)
    try:
        result = _ONE
        for bit in f"{abs(exponent):b}":
            result = work.multiply(result, result)
            if bit == "1":
                result = work.multiply(result, x)
        if exponent < 0:
            result = work.divide(_ONE, result)
        return _plain_zero(_context(precision).plus(result))
    except DecimalException as error:
        raise EvaluationError(f"{_short(x)} ** {exponent} is out of range.") from error


def _precision_of(x: Decimal) -> int:
    return min(max(_PRECISION, len(x.as_tuple().digits)), _MAX_DIGITS)


def _plain_zero(x: Decimal) -> Decimal:
    """Java has no negative zero."""
    return x or x.copy_abs()


def _exponent(x: Decimal) -> int:
    exponent = x.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _short(x: Decimal) -> str:
    text = str(x)
    return text if len(text) <= 40 else f"{text[:40]}…"
