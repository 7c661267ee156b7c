"""What the handler needs to know of a task type, native or foreign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from zeebe_mail.jobs.manners import NATIVE, Manners
from zeebe_mail.jobs.validate import validate
from zeebe_mail.operations.base import Desk, Errand, Operation


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

    def sends(self, variables: Mapping[str, Any]) -> bool:
        """Whether a mail is handed over; see :attr:`Operation.sends`."""
        ...

    def hosts(self, variables: Mapping[str, Any], field: str) -> Sequence[str]:
        """The mail servers that a field's value goes to, as written: secrets may be bound to them."""
        ...

    async def filled_in(self, variables: Mapping[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The variables with the values of what only stands for a value, such as a document in the place of its text.

        Raises:
            WorkerError: a value cannot be had.
        """
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

    def sends(self, variables: Mapping[str, Any]) -> bool:
        """What the operation says."""
        return self._operation.sends

    def hosts(self, variables: Mapping[str, Any], field: str) -> Sequence[str]:
        """``server.host`` and ``imap.server.host``, each for its fields; without ``imap.auth`` both get ``auth``."""
        imap = variables.get("imap") if "imap" in self.fetch_variables else None
        if not imap:
            return [_host(variables)]
        place = field.partition(".")[0]
        if place == "imap":
            return [_host(imap)]
        if place == "server" or (place == "auth" and isinstance(imap, Mapping) and imap.get("auth")):
            return [_host(variables)]
        return [_host(variables), _host(imap)]

    async def filled_in(self, variables: Mapping[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The variables as they are: operations of ours know of documents themselves."""
        return variables

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """The operation on its own input."""
        return Errand(self._operation, validate(self._operation.input, variables))


def _host(place: Any) -> str:
    """``server.host`` of a place, empty where it names none."""
    server = place.get("server") if isinstance(place, Mapping) else None
    host = server.get("host") if isinstance(server, Mapping) else None
    return host if isinstance(host, str) else ""
