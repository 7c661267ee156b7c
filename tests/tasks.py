"""Tasks as a process runs them, for one account of a server: the worker's own parts, without a broker."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.servers.mailboxes import PASSWORD, MailServerUnderTest
from zeebe_mail.app import Mailroom, TrialAttempt, mailroom, task_types
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome
from zeebe_mail.operations.base import Attempt
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import Settings

RETRIES = 3
_keys = itertools.count(1)


class TaskFailed(Exception):
    """What Zeebe would be told of a failed job."""

    def __init__(self, fail: Fail) -> None:
        super().__init__(f"{fail.code}: {fail.message}")
        self.code = fail.code
        self.retries = fail.retries
        self.error: dict[str, Any] = fail.variables["error"]


@dataclass(frozen=True)
class Tasks:
    """Runs tasks with an account: `await tasks.run("imap-list", limit=10)` gives what the process would get."""

    room: Mailroom
    server: MailServerUnderTest
    user: str
    credentials: Mapping[str, str] = field(default_factory=lambda: {"type": "password", "password": PASSWORD})
    address: dict[str, Any] | None = None
    """Where and how to connect, if not with TLS where the server has it."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """More top-level inputs."""

    def at(self, address: dict[str, Any]) -> Tasks:
        """The same account, reached there."""
        return replace(self, address=address)

    def with_inputs(self, **beside: Any) -> Tasks:
        """The same with these top-level inputs too."""
        return replace(self, beside=beside)

    def with_password(self, password: str) -> Tasks:
        """The same user, with this password."""
        return replace(self, credentials={"type": "password", "password": password})

    def with_token(self, token: str) -> Tasks:
        """The same user, with this access token."""
        return replace(self, credentials={"type": "token", "token": token})

    async def run(self, task: str, **request: Any) -> Any:
        """The task's result.

        Raises:
            TaskFailed: the job failed.
        """
        return await self.attempt(TrialAttempt(), task, **request)

    async def attempt(self, attempt: Attempt, task: str, **request: Any) -> Any:
        """The same, told when the point of no return is passed."""
        return _result(await self.outcome(attempt, task, {"resultVariable": "result"}, request))

    async def outcome(
        self, attempt: Attempt, task: str, headers: Mapping[str, str], request: Mapping[str, Any]
    ) -> Outcome:
        """What Zeebe is told about a job with these task headers."""
        variables = {
            "server": self.address or self._default_address(task),
            "auth": {"username": self.user, **self.credentials},
            "request": request,
            **self.beside,
        }
        return await self._handled(attempt, f"mail:{task}:1", headers, variables)

    async def foreign(self, task_type: str, variables: Mapping[str, Any]) -> Any:
        """The result of a task of any type, which gets exactly these variables."""
        return _result(await self._handled(TrialAttempt(), task_type, {"resultVariable": "result"}, variables))

    async def _handled(
        self, attempt: Attempt, task_type: str, headers: Mapping[str, str], variables: Mapping[str, Any]
    ) -> Outcome:
        job = Job(key=next(_keys), type=task_type, variables=variables, headers=headers, retries=RETRIES, deadline_ms=0)
        return await self.room.handler.handle(job, attempt)

    def _default_address(self, task: str) -> dict[str, Any]:
        protocol = task.split("-")[0]
        plain, encrypted = getattr(self.server, protocol), getattr(self.server, f"{protocol}s")
        if encrypted is None:
            return {"host": "127.0.0.1", "port": plain, "security": "NONE"}
        return {"host": "localhost", "port": encrypted, "security": "SSL_TLS"}


def _result(outcome: Outcome) -> Any:
    if isinstance(outcome, Fail):
        raise TaskFailed(outcome)
    assert isinstance(outcome, Complete), outcome
    return outcome.variables["result"]


@asynccontextmanager
async def tasks(server: MailServerUnderTest, user: str, **settings_: Any) -> AsyncIterator[Tasks]:
    """Tasks of one user, with the worker's sessions kept in between; `settings_` are those of the worker."""
    settings = Settings(ca_file=server.ca_file, **settings_)
    async with mailroom(settings, Redactor(), task_types(settings)) as room:
        yield Tasks(room, server, user)
