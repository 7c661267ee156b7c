"""What the handler needs to know of a task type, native or foreign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from zeebe_mail.jobs.manners import NATIVE, Manners
from zeebe_mail.jobs.validate import validate
from zeebe_mail.operations.base import Errand, Operation


class Face(Protocol):
    """A task type as a process sees it. Behind every face stand the same operations."""

    @property
    def task_type(self) -> str:
        """The name under which jobs are taken."""
        ...

    @property
    def fetch_variables(self) -> list[str]:
        """The process variables that are asked for, and no others."""
        ...

    @property
    def secret_fields(self) -> Sequence[str]:
        """Fields, with dots between the names, in which secrets are resolved."""
        ...

    @property
    def content_fields(self) -> Sequence[str]:
        """Fields in which a reference that is not resolved stays text instead of being an author's mistake."""
        ...

    @property
    def manners(self) -> Manners:
        """How results and errors are put."""
        ...

    def host(self, variables: Mapping[str, Any]) -> str:
        """The mail server that these variables name, empty when they name none: secrets may be bound to it."""
        ...

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """What is to be done.

        Raises:
            InputError: the variables cannot be used.
        """
        ...


class NativeFace:
    """An operation of ours under its own task type."""

    manners: Manners = NATIVE

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self.task_type = operation.task_type
        self.fetch_variables = operation.fetch_variables
        self.secret_fields = operation.input.secret_fields
        self.content_fields = operation.input.content_fields

    def host(self, variables: Mapping[str, Any]) -> str:
        """``server.host``."""
        server = variables.get("server")
        host = server.get("host") if isinstance(server, Mapping) else None
        return host if isinstance(host, str) else ""

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """The operation on its own input."""
        return Errand(self._operation, validate(self._operation.input, variables))
