"""Whole sets of cases: one JSON object a line in, one a line out.

In: `id`, `kind` (`expression` or `unary-tests`), `expression`, `context`, `input`, `clock`. Out: `id`, `outcome`
(`value` or `failure`), `value` or `message`, `warnings`. Values that JSON has no form for are objects with `@type` and
`value`: `{"@type": "date", "value": "2026-01-31"}`. Numbers are exact in both directions.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from json import JSONDecodeError, loads
from json.encoder import py_encode_basestring
from typing import Any, TextIO

from zeebe_mail.feel.boundary import from_json
from zeebe_mail.feel.engine import Evaluation, compile_expression, compile_unary_tests
from zeebe_mail.feel.errors import EvaluationError, FeelError, FeelWarning
from zeebe_mail.feel.temporal import DaysTime, ZonedDateTime
from zeebe_mail.feel.temporal_text import parse_date, parse_date_time, parse_duration, parse_time
from zeebe_mail.feel.values import Value, kind_of, show

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


def run(in_stream: TextIO, out_stream: TextIO) -> None:
    """Answers every line of `in_stream`; what is wrong with one is said in its answer."""
    for line in in_stream:
        if line.strip():
            out_stream.write(write(_answer_line(line)))
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
    return result


def read(text: str) -> Any:
    """JSON with exact numbers."""
    return loads(text, parse_float=Decimal, parse_int=Decimal)


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
    if isinstance(value, dict):
        if "@type" not in value:
            return {key: decode(item) for key, item in value.items()}
        kind, text = value["@type"], value.get("value")
        if kind not in _READ or not isinstance(text, str):
            raise FeelError(f"There are no values of the type {kind!r}.")
        result = _READ[kind](text)
        if result is None:
            raise FeelError(f"{text!r} is no {kind}.")
        return result
    if isinstance(value, list):
        return [decode(item) for item in value]
    return from_json(value)


def encode(value: Value) -> Any:
    """The inverse of `decode`."""
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    kind = kind_of(value)
    if kind in _PLAIN:
        return value
    return {"@type": kind, "value": value.iso if isinstance(value, DaysTime) else show(value)}


def _answer_line(line: str) -> dict[str, Any]:
    try:
        case = read(line)
    except (JSONDecodeError, RecursionError) as error:
        return {"id": None, "outcome": "failure", "message": f"The line is not JSON: {error}", "warnings": []}
    if not isinstance(case, dict):
        return {"id": None, "outcome": "failure", "message": "The line is not a JSON object.", "warnings": []}
    return answer(case)


def _evaluate(case: Mapping[str, Any]) -> Evaluation:
    text = case.get("expression")
    if not isinstance(text, str):
        raise FeelError("The case has no expression.")
    variables = decode(case.get("context") or {})
    if not isinstance(variables, dict):
        raise FeelError("The context of the case is not an object.")
    clock = decode(case.get("clock"))
    if clock is not None and not isinstance(clock, ZonedDateTime):
        raise FeelError("The clock of the case is not a date and time with an offset or a zone.")
    if case.get("kind", "expression") == "expression":
        return compile_expression(text).evaluate(variables, clock=clock)
    if case["kind"] != "unary-tests":
        raise FeelError(f"The kind of the case is {case['kind']!r}, neither 'expression' nor 'unary-tests'.")
    tests = compile_unary_tests(text)
    if "input" not in case:
        return tests.evaluate(variables=variables, clock=clock)
    return tests.evaluate(decode(case["input"]), variables, clock=clock)


def _plain(warnings: tuple[FeelWarning, ...]) -> list[Any]:
    return [{"type": warning.type, "message": warning.message} for warning in warnings]
