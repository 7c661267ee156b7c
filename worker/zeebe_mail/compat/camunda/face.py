"""The face of Camunda's e-mail connector: its task type, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from zeebe_mail.compat import binding
from zeebe_mail.compat.camunda import account, intrinsic, smtp
from zeebe_mail.compat.camunda.imap import IMAP
from zeebe_mail.compat.camunda.pop3 import POP3
from zeebe_mail.compat.manners import ConnectorManners
from zeebe_mail.operations.base import Desk, Errand

TASK_TYPE = "io.camunda:email:1"


class CamundaFace:
    """``io.camunda:email:1`` for all template versions. Behind it stand our operations."""

    task_type = TASK_TYPE

    def __init__(self, *, secret_fields: Sequence[str], codes: bool, own_retries: bool) -> None:
        """``secret_fields`` may hold secrets; ``codes`` gives errors our stable codes, ``own_retries`` our rules."""
        self.secret_fields = tuple(secret_fields)
        self.fetch_variables = ["authentication", "protocol", "data", account.ACCOUNT]
        self.content_fields = tuple(self.fetch_variables)
        self.manners = ConnectorManners(codes=codes, own_retries=own_retries)

    def sends(self, variables: Mapping[str, Any]) -> bool:
        """Unless it is a protocol that cannot: an account may say the rest."""
        return variables.get("protocol") not in ("imap", "pop3")

    def hosts(self, variables: Mapping[str, Any], field: str) -> Sequence[str]:
        """The host in the server settings of the task's protocol, or of its account."""
        return [account.host(variables)]

    async def filled_in(self, variables: Mapping[str, Any], desk: Desk) -> Mapping[str, Any]:
        """The variables with texts in the place of documents and intrinsic functions."""
        return await intrinsic.filled_in(variables, desk)

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """What the discriminators say.

        Raises:
            ContractError: the input breaks the contract.
        """
        arranged = account.with_account(variables)
        protocol = binding.variant(arranged, "data", "protocol", tuple(_ERRANDS))
        authentication = binding.part(arranged.get("authentication"), "Authentication")
        data = binding.part(arranged.get("data"), "Protocol")
        rules = binding.Rules()
        if protocol is None or data is None:
            rules.demand(authentication, "authentication")
            rules.demand(None, "data")
            rules.check()
        assert data is not None
        assert protocol is not None
        return _ERRANDS[protocol](data, authentication)


_ERRANDS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any] | None], Errand]] = {
    "smtp": smtp.errand,
    "imap": IMAP.errand,
    "pop3": POP3.errand,
}
