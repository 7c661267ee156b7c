"""How the runtime of Camunda's connectors puts results and errors, whichever connector it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from zeebe_mail.compat import errors
from zeebe_mail.compat.durations import duration
from zeebe_mail.compat.errors import BACKOFF
from zeebe_mail.errors import ContractError, Retry, WorkerError

MESSAGE_LIMIT = 6000  # characters; where that runtime cuts

Described = Callable[[WorkerError], tuple[str, str]]
"""Java class and message of an error."""

_LONGEST_WAIT = timedelta(days=3650)


class ConnectorManners:
    """Results and errors as they are put for any connector."""

    message_limit = MESSAGE_LIMIT
    ignores_errors_without_code = True

    def __init__(self, *, codes: bool, own_retries: bool, described: Described = errors.described) -> None:
        """Choose what is told.

        Args:
            codes: whether errors have our stable codes.
            own_retries: whether our rules for retries and waits hold.
            described: what the connector calls an error.
        """
        self._codes = codes
        self._own_retries = own_retries
        self.waits_by_default = own_retries
        self._described = described

    def wait(self, header: str) -> timedelta:
        """A Java duration; a negative one, which Camunda passes on, means not to wait.

        Raises:
            ContractError: it is none.
        """
        wait = duration(header)
        if wait is None or wait > _LONGEST_WAIT:
            raise ContractError(
                f"Failed to parse retry backoff header. Expected ISO-8601 duration, e.g. PT5M, got: {header}",
                foreign_type=BACKOFF,
            )
        return max(wait, timedelta())

    def cost(self, error: WorkerError) -> Retry:
        """One retry for any trouble with a mail server; with our own rules what the error's class says."""
        return error.retry if self._own_retries else errors.cost(error)

    def describe(self, error: WorkerError) -> dict[str, Any]:
        """Java class and message; code and details where the operator wants them."""
        java_type, message = self._described(error)
        more = {"code": error.code, "variables": error.details} if self._codes else {}
        return {"type": java_type, "message": message, **more}

    def reason(self, error: WorkerError, message: str) -> str:
        """The message as it is."""
        return message

    def attach(self, variables: Mapping[str, Any], response: Any) -> dict[str, Any]:
        """The response inside ``error``: a failed job has no other variable there."""
        seen = variables["error"]
        return {**variables, "error": {**seen, "variables": {**seen.get("variables", {}), "response": response}}}
