"""How a task type puts results and errors to a process: the native way, or that of a foreign contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from zeebe_mail.errors import Retry, WorkerError
from zeebe_mail.jobs.outcome import MESSAGE_LIMIT
from zeebe_mail.jobs.retry import parse_duration


class Manners(Protocol):
    """What settlement asks about a task type. Secrets are masked and lengths cut by settlement itself."""

    @property
    def message_limit(self) -> int:
        """Characters of an error message that are told at most."""
        ...

    @property
    def waits_by_default(self) -> bool:
        """Whether a failed job waits before its next try where the task has no ``retryBackoff``."""
        ...

    @property
    def ignores_errors_without_code(self) -> bool:
        """Whether a BPMN error without a code is passed over instead of being the author's mistake."""
        ...

    def wait(self, header: str) -> timedelta:
        """The meaning of the header ``retryBackoff``.

        Raises:
            InputError: it has none.
        """
        ...

    def cost(self, error: WorkerError) -> Retry:
        """What a job that failed so costs."""
        ...

    def describe(self, error: WorkerError) -> dict[str, Any]:
        """The ``error`` of expressions and of failed jobs; ``message`` is always among its keys."""
        ...

    def reason(self, error: WorkerError, message: str) -> str:
        """The message of a failed job, from the one in the description."""
        ...

    def attach(self, variables: Mapping[str, Any], response: Any) -> dict[str, Any]:
        """The variables of an incident after success, with the response added."""
        ...


class NativeManners:
    """Our own: a code for every error, what the error knows, and what to do next."""

    message_limit = MESSAGE_LIMIT
    waits_by_default = True
    ignores_errors_without_code = False

    def wait(self, header: str) -> timedelta:
        """An ISO-8601 duration."""
        return parse_duration(header, name='Header "retryBackoff"')

    def cost(self, error: WorkerError) -> Retry:
        """What the error's class says."""
        return error.retry

    def describe(self, error: WorkerError) -> dict[str, Any]:
        """Class, code, message and details."""
        return {
            "type": type(error).__name__,
            "code": error.code,
            "message": error.message,
            "variables": error.details,
            "details": error.details,
        }

    def reason(self, error: WorkerError, message: str) -> str:
        """Code first, advice last."""
        return f"{error.code}: {message} {error.next_step}"

    def attach(self, variables: Mapping[str, Any], response: Any) -> dict[str, Any]:
        """The response as a variable of its own."""
        return {**variables, "response": response}


NATIVE = NativeManners()
