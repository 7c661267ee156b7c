"""Result and error expressions of a task: compiled before any mail moves, evaluated when it has moved.

What they see and what their values mean is Camunda's contract for connectors: the response's own keys and ``response``;
after a failure ``error``; ``job.retries`` in error expressions only. Process variables are not visible.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from zeebe_mail.errors import ExpressionFailed, ExpressionInvalid, InputError
from zeebe_mail.feel import (
    DEFAULT_LIMITS,
    BudgetExceeded,
    EvaluationError,
    Expression,
    FeelError,
    FeelWarning,
    Limits,
    compile_expression,
    to_json,
)
from zeebe_mail.jobs.connector_functions import CONNECTOR_FUNCTIONS
from zeebe_mail.jobs.retry import parse_duration

SHOWN_VALUE = 200  # characters of a wrong value in a message
FORBIDDEN = "camunda.function.type"
LONGEST_CODE = 1000  # characters
MOST_RETRIES = 2**31 - 1
VERDICTS = ("bpmnError", "jobError", "ignoreError")
KINDS = {
    str: "text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "a context",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class BpmnError:
    """The error expression wants a BPMN error."""

    code: str
    message: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobError:
    """The error expression wants the job to fail with these retries."""

    message: str
    variables: Mapping[str, Any]
    retries: int
    backoff: timedelta


@dataclass(frozen=True, slots=True)
class IgnoreError:
    """The error expression wants the job completed."""

    variables: Mapping[str, Any]


Verdict = BpmnError | JobError | IgnoreError


QUICK = Limits(max_steps=20_000, max_items=20_000, max_characters=1_000_000, max_processor_s=0.02, max_pattern_s=0.01)
"""What an expression may use while the event loop waits for it."""


class TakesLonger(Exception):
    """The expression did not come to its end within ``QUICK``."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an expression gave, as JSON: null also where it has no value; and what became null on the way, and why."""

    value: Any = None
    warnings: tuple[str, ...] = ()


class Expressions:
    """The two expressions of one task. ``evaluated`` has what each of them gave last, for those who debug."""

    def __init__(self, *, result: str = "", error: str = "") -> None:
        """Compile both; blank means absent, a leading ``=`` does not count.

        Raises:
            ExpressionInvalid: an expression cannot be read.
        """
        self._error = _compiled("errorExpression", error)
        self._result = _compiled("resultExpression", result)
        self.limits = QUICK
        self.evaluated: dict[str, Evaluated] = {}

    def take_time(self) -> None:
        """Let evaluations take as long as they may at all, and no longer only as long as an event loop may wait."""
        self.limits = DEFAULT_LIMITS

    @property
    def in_a_hurry(self) -> bool:
        """Whether an event loop waits."""
        return self.limits is QUICK

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._error is not None or self._result is not None

    @property
    def creates_documents(self) -> bool:
        """Whether one of them calls ``createDocument``."""
        return any("createDocument" in one.called for one in (self._result, self._error) if one)

    def result(self, response: Any) -> dict[str, Any]:
        """The variables that the result expression makes of a response; empty where there is none.

        Raises:
            ExpressionFailed: it has no value, or its value is no context.
        """
        if self._result is None:
            return {}
        value = self._evaluate("resultExpression", self._result, _visible(response))
        if value is None:
            return {}
        return _context("resultExpression", value)

    def verdict(self, response: Any, *, retries: int) -> Verdict | None:
        """What the error expression says of a response, or of ``{"error": …}``; None means: nothing special.

        The code of a BPMN error may be missing; it is empty then.

        Raises:
            ExpressionFailed: it has no value, or its value is none of bpmnError, jobError and ignoreError.
        """
        if self._error is None:
            return None
        value = self._evaluate("errorExpression", self._error, _visible(response) | {"job": {"retries": retries}})
        if value is None or value in ("", {}):
            return None
        return _verdict(_context("errorExpression", value))

    def _evaluate(self, header: str, expression: Expression, names: Mapping[str, Any]) -> Any:
        try:
            evaluation = expression.evaluate(names, limits=self.limits)
            value = to_json(evaluation.value)
        except FeelError as error:
            if isinstance(error, BudgetExceeded) and self.limits is QUICK:
                raise TakesLonger from error
            before = error.warnings if isinstance(error, EvaluationError) else ()
            self.evaluated[header] = Evaluated(None, _told(header, before))
            raise ExpressionFailed(f"The {header} cannot be evaluated: {error}", details={"header": header}) from error
        self.evaluated[header] = Evaluated(value, _told(header, evaluation.warnings))
        return value


def _compiled(header: str, text: str) -> Expression | None:
    source = text.strip().removeprefix("=").strip()
    if not source:
        return None
    try:
        return compile_expression(source, CONNECTOR_FUNCTIONS)
    except FeelError as error:
        raise ExpressionInvalid(f"The {header} cannot be read, and no mail was touched. {error}") from error


def _visible(response: Any) -> dict[str, Any]:
    names = dict(response) if isinstance(response, Mapping) else {}
    return names | {"response": response}


def _told(header: str, warnings: Iterable[FeelWarning]) -> tuple[str, ...]:
    return tuple(f"{header}: {_shown(warning)}" for warning in warnings)


def _shown(warning: FeelWarning) -> str:
    return f"{warning.type}: {warning.message}" + (f" {warning.hint}" if warning.hint else "")


def _context(header: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        kind = KINDS[type(value)]
        text = json.dumps(value, ensure_ascii=False)
        shown = text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}…"
        raise ExpressionFailed(
            f"The {header} must give a context of names and values, but gave {kind}: {shown}.",
            details={"header": header},
        )
    if _has_key(value, FORBIDDEN):
        raise ExpressionFailed(f'The {header} gives the literal "{FORBIDDEN}", which is reserved.')
    return value


def _has_key(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has_key(item, key) for item in value.values())
    return isinstance(value, list) and any(_has_key(item, key) for item in value)


def _verdict(asked: Mapping[str, Any]) -> Verdict:
    """The meaning of what an error expression gave; contexts written by hand count like the functions' own."""
    variables = asked.get("variables") or {}
    if not isinstance(variables, dict):
        raise ExpressionFailed(f"The errorExpression gives variables that are no context but {KINDS[type(variables)]}.")
    match asked.get("errorType"):
        case "bpmnError":
            code = _text(asked, "errorCode", "code")
            if len(code) > LONGEST_CODE:
                raise ExpressionFailed(f"bpmnError: the code has {len(code)} characters; at most {LONGEST_CODE} count.")
            return BpmnError(code, _text(asked, "errorMessage", "message"), variables)
        case "jobError":
            return JobError(
                message=_text(asked, "errorMessage", "message"),
                variables=variables,
                retries=_retries(asked.get("retries")),
                backoff=_backoff(asked.get("retryBackoff")),
            )
        case "ignoreError":
            return IgnoreError(variables)
        case other:
            raise ExpressionFailed(
                "The errorExpression must give bpmnError(…), jobError(…), ignoreError(…) or null, but gave a context "
                f"whose errorType is {json.dumps(other)}."
            )


def _text(asked: Mapping[str, Any], name: str, short_name: str) -> str:
    value = asked.get(name, asked.get(short_name))
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ExpressionFailed(f"The errorExpression gives an {name} that is no text but {KINDS[type(value)]}.")
    return value


def _retries(value: Any) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ExpressionFailed(f"jobError: retries must be a number, but is {KINDS[type(value)]}.")
    return min(max(int(value), 0), MOST_RETRIES)


def _backoff(value: Any) -> timedelta:
    if value is None:
        return timedelta()
    try:
        return parse_duration(str(value), name="retryBackoff of jobError")
    except InputError as error:
        raise ExpressionFailed(error.message) from error
