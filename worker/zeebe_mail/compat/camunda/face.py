"""The face of Camunda's e-mail connector: its task type, and how it speaks to a process."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from zeebe_mail.compat.camunda import account, binding, errors, smtp
from zeebe_mail.compat.camunda.errors import BACKOFF
from zeebe_mail.errors import ContractError, Retry, WorkerError
from zeebe_mail.operations.base import Errand

TASK_TYPE = "io.camunda:email:1"
PROTOCOLS = ("smtp", "imap", "pop3")
MESSAGE_LIMIT = 6000  # characters; where Camunda's connector runtime cuts

# java.time.Duration: days and time, each part with a sign of its own, and one for all.
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<days>[+-]?\d+)D)?"
    r"(?:T(?=[\d+-])(?:(?P<hours>[+-]?\d+)H)?(?:(?P<minutes>[+-]?\d+)M)?(?:(?P<seconds>[+-]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_WAIT = timedelta(days=3650)


class CamundaManners:
    """Results and errors as Camunda's connector runtime puts them."""

    message_limit = MESSAGE_LIMIT
    ignores_errors_without_code = True

    def __init__(self, *, codes: bool, own_retries: bool) -> None:
        self._codes = codes
        self._own_retries = own_retries
        self.waits_by_default = own_retries

    def wait(self, header: str) -> timedelta:
        """A Java duration; a negative one, which Camunda passes on, means not to wait.

        Raises:
            ContractError: it is none.
        """
        found = _DURATION.fullmatch(header)
        try:
            parts = {name: float(found[name].replace(",", ".")) for name in _PARTS if found[name]} if found else {}
            wait = timedelta(**parts) * (-1 if found and found["sign"] == "-" else 1)
        except OverflowError:
            parts = {}
        if not parts or wait > _LONGEST_WAIT:
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
        java_type, message = errors.described(error)
        more = {"code": error.code, "variables": error.details} if self._codes else {}
        return {"type": java_type, "message": message, **more}

    def reason(self, error: WorkerError, message: str) -> str:
        """The message as it is."""
        return message

    def attach(self, variables: Mapping[str, Any], response: Any) -> dict[str, Any]:
        """The response inside ``error``: a failed job has no other variable there."""
        seen = variables["error"]
        return {**variables, "error": {**seen, "variables": {**seen.get("variables", {}), "response": response}}}


_PARTS = ("days", "hours", "minutes", "seconds")


class CamundaFace:
    """``io.camunda:email:1`` for all template versions. So far it sends; reading comes with its operations."""

    task_type = TASK_TYPE

    def __init__(self, *, secret_fields: Sequence[str], codes: bool, own_retries: bool) -> None:
        """``secret_fields`` may hold secrets; ``codes`` gives errors our stable codes, ``own_retries`` our rules."""
        self.secret_fields = tuple(secret_fields)
        self.fetch_variables = ["authentication", "protocol", "data", account.ACCOUNT]
        self.content_fields = tuple(self.fetch_variables)
        self.manners = CamundaManners(codes=codes, own_retries=own_retries)

    def sends(self, variables: Mapping[str, Any]) -> bool:
        """Unless it is a protocol that cannot: an account may say the rest."""
        return variables.get("protocol") not in ("imap", "pop3")

    def hosts(self, variables: Mapping[str, Any], field: str) -> Sequence[str]:
        """The host in the server settings of the task's protocol, or of its account."""
        return [account.host(variables)]

    def errand(self, variables: Mapping[str, Any]) -> Errand:
        """What the discriminators say.

        Raises:
            ContractError: the input breaks the contract.
        """
        arranged = account.with_account(variables)
        protocol = binding.variant(arranged, "data", "protocol", PROTOCOLS)
        authentication = binding.part(arranged.get("authentication"), "Authentication")
        data = binding.part(arranged.get("data"), "Protocol")
        rules = binding.Rules()
        if protocol is None or data is None:
            rules.demand(authentication, "authentication")
            rules.demand(None, "data")
            rules.check()
        assert data is not None
        if protocol != "smtp":
            raise ContractError(f"Protocol {protocol} is not supported yet")
        return smtp.errand(data, authentication)
