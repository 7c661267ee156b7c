"""Tasks of Infosys' connectors as their templates make them, for one account of a server."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.servers.mailboxes import PASSWORD
from tests.tasks import TaskFailed, Tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail

DOMAIN = "x.test"
_keys = itertools.count(1)


def task_type(protocol: str) -> str:
    return f"com.infosys.camundaconnectors.email:{protocol}:1"


@dataclass(frozen=True)
class Connectors:
    """Runs tasks: `await mine.run("imap.list-emails", maxResults="10")` gives what the process would get."""

    tasks: Tasks

    @property
    def address(self) -> str:
        return f"{self.tasks.user}@{DOMAIN}"

    async def run(
        self, operation: str, *, folder: str = "Inbox", login: dict[str, str] | None = None, **data: Any
    ) -> Any:
        """An operation of the IMAP or the POP3 connector."""
        protocol = operation.partition(".")[0]
        authentication = {
            "hostname": "localhost",
            "portNumber": str(getattr(self.tasks.server, f"{protocol}s")),
            "username": self.tasks.user,
            "password": PASSWORD,
            "domainName": DOMAIN,
            "keyStorePath": "",
            "keyStorePassword": "",
        } | ({"folderPath": folder} if protocol == "imap" else {})
        variables = {"authentication": authentication | (login or {}), "operation": operation, "data": data}
        return await self.does(protocol, variables)

    async def send(self, port: int, *, password: str = PASSWORD, **mail: Any) -> Any:
        """The SMTP connector."""
        authentication = {
            "hostname": "localhost",
            "port": str(port),
            "username": self.address,
            "password": password,
        }
        return await self.does("smtp", {"authentication": authentication, **mail})

    async def does(self, protocol: str, variables: dict[str, Any]) -> Any:
        """A task with these variables.

        Raises:
            TaskFailed: the job failed.
        """
        headers = {"resultVariable": "result"}
        job = Job(next(_keys), task_type(protocol), variables, headers, retries=3, deadline_ms=0)
        outcome = await self.tasks.room.handler.handle(job, TrialAttempt())
        if isinstance(outcome, Fail):
            raise TaskFailed(outcome)
        assert isinstance(outcome, Complete), outcome
        return outcome.variables["result"]
