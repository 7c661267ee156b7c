"""Settlement: from an operation's result or error to the outcome that Zeebe is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from zeebe_mail.errors import ExpressionError, ResultError, WorkerError
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import MESSAGE_LIMIT, Complete, Fail, Outcome
from zeebe_mail.jobs.retry import RetryPlan, parse_duration
from zeebe_mail.secrets import Redactor

DEFAULT_BACKOFF = timedelta(seconds=10)


class Evaluator(Protocol):
    """Evaluates result and error expressions; passed in by the application."""

    def compile(self, *, result_expression: str, error_expression: str) -> None:
        """Check both expressions before any mail moves; empty means absent.

        Raises:
            ExpressionError: an expression cannot be used.
        """
        ...


class NoExpressions:
    """The evaluator of a worker that has no expression engine: a task that needs one fails before any mail moves."""

    def compile(self, *, result_expression: str, error_expression: str) -> None:
        """Refuse whatever is not empty."""
        for header, text in (("resultExpression", result_expression), ("errorExpression", error_expression)):
            if text:
                raise ExpressionError(
                    f'The task has a header "{header}", which this version of zeebe-mail cannot evaluate. '
                    "Use resultVariable with output mappings, and nothing was sent.",
                    details={"header": header},
                )


class Settlement:
    """What the task's headers say about its result and its errors, read before anything is done."""

    def __init__(self, job: Job, evaluator: Evaluator, redactor: Redactor, *, result_limit_bytes: int) -> None:
        self._job = job
        self._redactor = redactor
        self._result_limit_bytes = result_limit_bytes
        self._evaluator = evaluator
        self._retry = RetryPlan(job.retries, DEFAULT_BACKOFF)
        self._result_variable = ""

    def prepare(self) -> None:
        """Read the headers.

        Raises:
            InputError: ``retryBackoff`` is not a duration.
            ExpressionError: an expression cannot be used.
        """
        headers = self._job.headers
        if text := headers.get("retryBackoff", "").strip():
            self._retry = RetryPlan(self._job.retries, parse_duration(text, name='Header "retryBackoff"'))
        self._result_variable = headers.get("resultVariable", "").strip()
        self._evaluator.compile(
            result_expression=headers.get("resultExpression", "").strip(),
            error_expression=headers.get("errorExpression", "").strip(),
        )

    def of_result(self, result: Mapping[str, Any]) -> Outcome:
        """The outcome of an operation that succeeded."""
        variables = {self._result_variable: self._redactor.data(result)} if self._result_variable else {}
        try:
            self._check(variables)
        except ResultError as error:
            return self.of_error(error)
        return Complete(variables)

    def of_error(self, error: WorkerError, *, repeatable: bool = True) -> Outcome:
        """The outcome of an operation that raised; the retries are those of the error's class.

        What is not ``repeatable``, because its mail is out, has no retries left whatever the class says.
        """
        retries, backoff = self._retry.after(error) if repeatable else (0, timedelta())
        message = self._redactor.text(error.message)
        description = {"code": error.code, "message": message[:MESSAGE_LIMIT], "details": self._details(error)}
        return Fail(
            message=f"{error.code}: {message} {error.next_step}"[:MESSAGE_LIMIT],
            retries=retries,
            backoff=backoff,
            variables={"error": description},
            code=error.code,
        )

    def _details(self, error: WorkerError) -> Any:
        """What the error knows, as far as it can be given to the process: who lists a million recipients gets none."""
        details = self._redactor.data(error.details)
        try:
            self._check(details)
        except ResultError:
            return {}
        return details

    def _check(self, variables: Mapping[str, Any]) -> None:
        try:
            size = len(json.dumps(variables, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise ResultError(f"The result cannot be written as JSON ({type(error).__name__}).") from None
        if size > self._result_limit_bytes:
            raise ResultError(
                f"The result has {size} bytes of JSON; at most {self._result_limit_bytes} can be given to the process.",
                details={"size": size, "limit": self._result_limit_bytes},
            )
