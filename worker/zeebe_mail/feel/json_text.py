"""`from json` and `to json`, whose texts differ from the border's: numbers are written with their scale."""

from collections.abc import Iterator
from decimal import Decimal
from json import JSONDecodeError, JSONDecoder
from json.encoder import py_encode_basestring

from zeebe_mail.feel.boundary import from_json
from zeebe_mail.feel.errors import BudgetExceeded, Suppressed
from zeebe_mail.feel.run import Run
from zeebe_mail.feel.temporal import DaysTime, YearsMonths, ZonedDateTime, ZonedTime
from zeebe_mail.feel.values import MAX_DATA_DEPTH, Function, Range, Value, show

__all__ = ["read_json", "write_json"]

_JSON_SPACES = " \t\n\r"


def read_json(run: Run, text: str) -> Value:
    """The first JSON value in `text`; numbers with a point or an exponent go through doubles.

    Raises:
        Suppressed: `text` does not begin with JSON.
    """
    run.reserve_characters(len(text))
    # As many objects as characters at most, each larger than its text.
    run.reserve_items(text.count(",") + text.count("[") + text.count("{"))
    start = len(text) - len(text.lstrip(_JSON_SPACES))
    try:
        value, end = _DECODER.raw_decode(text, start)
        if not _ends_well(value, text[end : end + 1]):
            raise ValueError(text[end])
        return from_json(value)
    except (JSONDecodeError, ValueError, RecursionError) as error:
        raise Suppressed(f"Failed to parse JSON from '{text[:300]}'") from error


def write_json(run: Run, value: Value) -> str:
    return run.join(_pieces(value, 0))


def _ends_well(value: Value, following: str) -> bool:
    """Java's reader wants a space behind a number, and nothing that could be part of a word behind one."""
    if isinstance(value, str | list | dict):
        return True
    if value is None or isinstance(value, bool):
        return not (following.isalnum() or following == "_")
    return not following.strip(_JSON_SPACES)


def _refuse(constant: str) -> Value:
    raise ValueError(constant)


_DECODER = JSONDecoder(parse_int=Decimal, parse_constant=_refuse, strict=True)


def _pieces(value: Value, depth: int) -> Iterator[str]:
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")
    match value:
        case None:
            yield "null"
        case bool():
            yield "true" if value else "false"
        case Decimal():
            yield str(value)
        case str():
            yield py_encode_basestring(value)
        case list():
            yield "["
            for index, item in enumerate(value):
                yield "," if index else ""
                yield from _pieces(item, depth + 1)
            yield "]"
        case dict():
            yield "{"
            for index, (key, item) in enumerate(value.items()):
                yield f"{',' if index else ''}{py_encode_basestring(key)}:"
                yield from _pieces(item, depth + 1)
            yield "}"
        case ZonedDateTime() if value.zone is not None:
            yield f'"{value.iso}[{value.zone}]"'
        case ZonedTime() | ZonedDateTime() | YearsMonths() | DaysTime():
            yield f'"{value.iso}"'
        case Function() | Range():
            yield py_encode_basestring(show(value))
        case _:
            yield f'"{value}"'
