"""The faces of Infosys' three connectors: their task types, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules
from zeebe_mail.compat.infosys import errors, imap, login, pop3, smtp, values
from zeebe_mail.compat.manners import ConnectorManners, Described
from zeebe_mail.errors import ContractError
from zeebe_mail.operations.base import Desk, Errand

TASK_TYPE = "com.infosys.camundaconnectors.email:{protocol}:1"
Operation = TypeVar("Operation")
OF_MAILBOXES = ("authentication", "operation", "data")


@dataclass(frozen=True, slots=True)
class InfosysFace:
    """One of the three task types."""

    task_type: str
    fetch_variables: list[str]
    secret_fields: Sequence[str]
    manners: ConnectorManners
    arrange: Callable[[Mapping[str, Any]], Errand]

    @property
    def content_fields(self) -> Sequence[str]:
        """Any variable may have text of strangers in it."""
        return self.fetch_variables

    def sends(self, variables: Mapping[str, Any]) -> bool:
        """Whether it is the one that sends."""
        return self.task_type == TASK_TYPE.format(protocol="smtp")

    def hosts(self, variables: Mapping[str, Any], field: str) -> Sequence[str]:
        """The host of `authentication`."""
        return [login.host(variables)]

    async def filled_in(self, variables: Mapping[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The variables as they are."""
        return variables

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """What the task asks for.

        Raises:
            ContractError: the input breaks the contract.
        """
        return self.arrange(variables)


def faces(*, secret_fields: Sequence[str], codes: bool, own_retries: bool) -> list[InfosysFace]:
    """All three.

    Args:
        secret_fields: variables that may hold secrets.
        codes: whether errors have our stable codes.
        own_retries: whether our rules for retries and waits hold.
    """

    def face(
        protocol: str, variables: Sequence[str], described: Described, arrange: Callable[[Mapping[str, Any]], Errand]
    ) -> InfosysFace:
        manners = ConnectorManners(codes=codes, own_retries=own_retries, described=described)
        return InfosysFace(TASK_TYPE.format(protocol=protocol), list(variables), tuple(secret_fields), manners, arrange)

    return [
        face("smtp", smtp.VARIABLES, errors.of_sending, smtp.errand),
        face("imap", OF_MAILBOXES, errors.of_mailbox, _imap),
        face("pop3", OF_MAILBOXES, errors.of_mailbox, _pop3),
    ]


def _imap(variables: Mapping[str, Any]) -> Errand:
    operation = _operation(variables, imap.OPERATIONS, "imap.list-emails")
    return operation(imap.Mailbox(_login(variables, has_folders=True)), _data(variables))


def _pop3(variables: Mapping[str, Any]) -> Errand:
    operation = _operation(variables, pop3.OPERATIONS, "pop3.list-emails")
    return operation(pop3.Maildrop(_login(variables, has_folders=False)), _data(variables))


def _operation(variables: Mapping[str, Any], known: Mapping[str, Operation], usual: str) -> Operation:
    name = (values.text(variables, "operation") or usual).strip()
    if name not in known:
        raise ContractError(f"operation is unknown; known are {', '.join(known)}")
    return known[name]


def _login(variables: Mapping[str, Any], *, has_folders: bool) -> login.Login:
    rules = Rules()
    found = login.of_mailbox(variables, rules, has_folders=has_folders)
    rules.check()
    assert found
    return found


def _data(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    return binding.part(variables.get("data"), "RequestData") or {}
