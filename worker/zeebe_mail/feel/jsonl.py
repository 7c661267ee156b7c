"""Whole sets of cases: one JSON object a line in, one a line out.

In: `id`, `kind` (`expression` or `unary-tests`), `expression`, `context`, `input`, `clock`. Out: `id`, `outcome`
(`value` or `failure`), `value` or `message`, `warnings`. Values that JSON has no form for are objects with `@type` and
`value`: `{"@type": "date", "value": "2026-01-31"}`. Numbers are exact in both directions.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from json import loads
from json.encoder import py_encode_basestring
from typing import Any, TextIO

from zeebe_mail.feel.boundary import from_json
from zeebe_mail.feel.engine import Evaluation, compile_expression, compile_unary_tests
from zeebe_mail.feel.errors import BudgetExceeded, EvaluationError, FeelError, FeelWarning
from zeebe_mail.feel.temporal import DaysTime, ZonedDateTime
from zeebe_mail.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from zeebe_mail.feel.values import MAX_DATA_DEPTH, Value, kind_of, show

__all__ = ["answer", "decode", "encode", "read", "run", "write"]

_PLAIN = frozenset({"null", "boolean", "string", "number", "list", "context"})
_READ: dict[str, Callable[[str], Value]] = {
    "date": parse_date,
    "time": parse_time,
    "date and time": parse_date_time,
    "days and time duration": lambda text: parse_duration(text, lenient=True),
    "years and months duration": parse_duration,
    "function": lambda text: compile_expression(text).evaluate().value,
}


class UnreadableNumber:
    """A number like 1e99999999999999999999: it can be written again, as the id of a case, and nothing else."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def run(in_stream: TextIO, out_stream: TextIO) -> None:
    """Answers every line of `in_stream`; what is wrong with one is said in its answer."""
    for line in in_stream:
        text = line.removeprefix("\ufeff").strip()
        if text:
            out_stream.write(_answer_line(text))
            out_stream.write("\n")
            out_stream.flush()


def answer(case: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to one case, with numbers as `Decimal`."""
    result: dict[str, Any] = {"id": case.get("id")}
    try:
        evaluation = _evaluate(case)
        result |= {"outcome": "value", "value": encode(evaluation.value), "warnings": _plain(evaluation.warnings)}
    except EvaluationError as error:
        result |= {"outcome": "failure", "message": str(error), "warnings": _plain(error.warnings)}
    except FeelError as error:
        result |= {"outcome": "failure", "message": str(error), "warnings": []}
    except Exception as error:  # a set of cases goes on whatever one of them does
        result |= {"outcome": "failure", "message": _told(error), "warnings": []}
    return result


def read(text: str) -> Any:
    """JSON with exact numbers; what is not finite is null, and what no `Decimal` can hold an `UnreadableNumber`."""
    return loads(text, parse_float=_number, parse_int=_number, parse_constant=lambda _: None)


def write(value: Any) -> str:
    """JSON with exact numbers."""
    match value:
        case Decimal():
            return str(value)
        case str():
            return py_encode_basestring(value.encode("utf-8", "replace").decode("utf-8"))
        case dict():
            return f"{{{', '.join(f'{write(str(key))}: {write(item)}' for key, item in value.items())}}}"
        case list():
            return f"[{', '.join(map(write, value))}]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def decode(value: Any) -> Value:
    """A value in the form of the cases as FEEL's.

    Raises:
        FeelError: an unknown `@type`, or text that is none of that type.
    """
    return _decode(value, 0)


def _decode(value: Any, depth: int) -> Value:
    _check(depth)
    if isinstance(value, dict):
        if "@type" not in value:
            return {key: _decode(item, depth + 1) for key, item in value.items()}
        kind, text = value["@type"], value.get("value")
        if not isinstance(kind, str) or kind not in _READ:
            raise FeelError(f"There are no values of the type {_cut(kind)}; there are {', '.join(_READ)}.")
        if not isinstance(text, str):
            raise FeelError(f'A {kind} is written {{"@type": "{kind}", "value": "…"}}; its "value" is no text.')
        result = _READ[kind](text)
        if result is None:
            raise FeelError(f"{_cut(text)} is no {kind}.")
        return result
    if isinstance(value, list):
        return [_decode(item, depth + 1) for item in value]
    if isinstance(value, UnreadableNumber):
        raise BudgetExceeded(f"The number {value.text[:300]} is out of range.")
    return from_json(value)


def encode(value: Value) -> Any:
    """The inverse of `decode`."""
    return _encode(value, 0)


def _encode(value: Value, depth: int) -> Any:
    _check(depth)
    if isinstance(value, dict):
        return {key: _encode(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_encode(item, depth + 1) for item in value]
    kind = kind_of(value)
    if kind in _PLAIN:
        return value
    return {"@type": kind, "value": value.iso if isinstance(value, DaysTime) else show(value)}


def _answer_line(line: str) -> str:
    try:
        case = read(line)
    except (ValueError, RecursionError) as error:
        return _failure(f"The line is not JSON: {error}")
    if not isinstance(case, dict):
        return _failure("The line is not a JSON object.")
    answered = answer(case)
    try:
        return write(answered)
    except Exception as error:  # the answer, or the id, cannot be written
        return _failure(_told(error), answered["id"])


def _failure(message: str, name: Any = None) -> str:
    failure = {"id": name, "outcome": "failure", "message": message, "warnings": []}
    try:
        return write(failure)
    except RecursionError:
        return write(failure | {"id": None})


def _told(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The case is nested too deep."
    return f"The case cannot be answered: {type(error).__name__}: {str(error)[:300]}"


def _number(text: str) -> Decimal | UnreadableNumber:
    try:
        return Decimal(text)
    except DecimalException:
        return UnreadableNumber(text)


def _check(depth: int) -> None:
    if depth > MAX_DATA_DEPTH:
        raise BudgetExceeded(f"A value is nested deeper than {MAX_DATA_DEPTH} levels.")


def _cut(value: Any) -> str:
    text = str(value) if isinstance(value, str | Decimal | UnreadableNumber) else type(value).__name__
    return f"'{text[:300]}'"


def _evaluate(case: Mapping[str, Any]) -> Evaluation:
    text = case.get("expression")
    if not isinstance(text, str):
        raise FeelError("The case has no expression.")
    variables = decode({} if case.get("context") is None else case["context"])
    if not isinstance(variables, dict):
        raise FeelError("The context of the case is not an object.")
    clock = decode(case.get("clock"))
    if clock is not None and not isinstance(clock, ZonedDateTime):
        raise FeelError("The clock of the case is not a date and time with an offset or a zone.")
    if case.get("kind", "expression") == "expression":
        return compile_expression(text).evaluate(variables, clock=clock)
    if case["kind"] != "unary-tests":
        raise FeelError(f"The kind of the case is {_cut(case['kind'])}, neither 'expression' nor 'unary-tests'.")
    tests = compile_unary_tests(text)
    if "input" not in case:
        return tests.evaluate(variables=variables, clock=clock)
    return tests.evaluate(decode(case["input"]), variables, clock=clock)


def _plain(warnings: tuple[FeelWarning, ...]) -> list[Any]:
    return [{"type": warning.type, "message": warning.message} for warning in warnings]
