"""The functions that Camunda's connector runtime adds to FEEL: ``bpmnError``, ``jobError``, ``ignoreError`` and more.

They return plain contexts with an ``errorType``; :mod:`zeebe_mail.jobs.expressions` gives them their meaning. Argument
types are strict: ``bpmnError(404, "…")`` fails the evaluation, it does not become null.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from zeebe_mail.feel import DaysTime, EvaluationError, HostFunctions
from zeebe_mail.jobs.created_documents import marked

CONNECTOR_FUNCTIONS = HostFunctions()

FIRST_BACKOFF = DaysTime(50_000_000)  # nanoseconds
LONGEST_BACKOFF = DaysTime(5_000_000_000)


@CONNECTOR_FUNCTIONS.register(
    "bpmnError(errorCode: string)",
    "bpmnError(errorCode: string, errorMessage: string)",
    "bpmnError(errorCode: string, errorMessage: string, variables: context)",
)
def bpmn_error(error_code: str, error_message: str = "", variables: Any = None) -> dict[str, Any]:
    """End the task with a BPMN error that a boundary event can catch."""
    error = {"errorType": "bpmnError", "errorCode": error_code, "errorMessage": error_message}
    return error if variables is None else error | {"variables": variables}


@CONNECTOR_FUNCTIONS.register(
    "jobError(errorMessage: string)",
    "jobError(errorMessage: string, variables: context)",
    "jobError(errorMessage: string, variables: context, retries: number)",
    "jobError(errorMessage: string, variables: context, retries: number, retryBackoff: days and time duration)",
)
def job_error(
    error_message: str, variables: Any = None, retries: Decimal | None = None, retry_backoff: DaysTime | None = None
) -> dict[str, Any]:
    """Fail the job, with this many retries left (none: an incident) after this back-off."""
    return {
        "errorType": "jobError",
        "errorMessage": error_message,
        "variables": {} if variables is None else variables,
        "retries": Decimal(0) if retries is None else retries,
        "retryBackoff": retry_backoff or DaysTime(0),
    }


@CONNECTOR_FUNCTIONS.register("ignoreError()", "ignoreError(variables: context)")
def ignore_error(variables: Any = None) -> dict[str, Any]:
    """Complete the job all the same, with these variables."""
    return {"errorType": "ignoreError", "variables": {} if variables is None else variables}


@CONNECTOR_FUNCTIONS.register(
    "backoff(attempt: number)",
    "backoff(attempt: number, minDelay: days and time duration)",
    "backoff(attempt: number, minDelay: days and time duration, factor: number)",
    "backoff(attempt: number, minDelay: days and time duration, factor: number, maxDelay: days and time duration)",
    "backoff(attempt: number, minDelay: days and time duration, factor: number, maxDelay: days and time duration, "
    "jitterFactor: number)",
)
def backoff(
    attempt: Decimal,
    min_delay: DaysTime = FIRST_BACKOFF,
    factor: Decimal = Decimal("1.6"),
    max_delay: DaysTime = LONGEST_BACKOFF,
    jitter_factor: Decimal = Decimal("0.1"),
) -> DaysTime:
    """A delay that grows with the attempts: ``minDelay · factor^(attempt-1)``, at most ``maxDelay``, give or take."""
    for wrong, says in (
        (attempt < 1, "attempt must be at least 1"),
        (factor <= 0, "factor must be more than 0"),
        (min_delay.nanos > max_delay.nanos, "minDelay must not be more than maxDelay"),
        (jitter_factor < 0, "jitterFactor must not be negative"),
    ):
        if wrong:
            raise EvaluationError(f"Function 'backoff': {says}.")
    try:
        delay = min(min_delay.nanos * float(factor) ** (float(attempt) - 1), float(max_delay.nanos))
    except OverflowError:
        delay = float(max_delay.nanos)
    spread = delay * float(jitter_factor)
    return DaysTime(max(0, round(delay + random.uniform(-spread, spread))))  # noqa: S311 - jitter, not a secret


@CONNECTOR_FUNCTIONS.register("createDocument(value: string|context)")
def create_document(value: Any) -> dict[str, Any]:
    """Keep base64 text, or ``{content, name, contentType}``, in the document store; the value becomes its reference."""
    return marked(value)
