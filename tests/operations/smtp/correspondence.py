"""People with an address and mailboxes, whose tasks send through a real Postfix into a real Dovecot."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from email.message import EmailMessage
from functools import partial
from typing import Any

from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import MailServerUnderTest
from tests.servers.postfix import Postfix
from tests.tasks import Tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.operations.base import Attempt, OperationOutput

PATIENCE_S = 20
parse = partial(email.message_from_bytes, policy=email.policy.default)


def imap_at(server: MailServerUnderTest) -> dict[str, Any]:
    """The `server` input of its mailboxes."""
    if server.imaps is None:
        return {"host": "127.0.0.1", "port": server.imap, "security": "NONE"}
    return {"host": "localhost", "port": server.imaps, "security": "SSL_TLS"}


@dataclass(frozen=True)
class Correspondent:
    """Somebody with an address, who runs tasks and looks into his mailboxes."""

    tasks: Tasks
    user: str

    @property
    def address(self) -> str:
        return f"{self.user}@x.test"

    async def run(self, task: str, **request: Any) -> Any:
        return await self.attempt(TrialAttempt(), task, **request)

    async def attempt(self, attempt: Attempt, task: str, **request: Any) -> Any:
        """A task; those that send know where the mailboxes are."""
        return await self.tasks.attempt(attempt, task, **request)

    def with_imap(self, **server: Any) -> Correspondent:
        """The same person, whose mailboxes are said to be elsewhere."""
        imap = self.tasks.beside["imap"]
        return replace(self, tasks=self.tasks.with_inputs(imap={**imap, "server": {**imap["server"], **server}}))

    def put(self, *messages: bytes, mailbox: str = "INBOX") -> None:
        """Put messages into a mailbox, as another client does."""
        self.tasks.server.deliver(self.user, *messages, mailbox=mailbox)

    async def stored(self, mailbox: str = "INBOX") -> list[dict[str, Any]]:
        """What `imap-list` gives of a mailbox, the oldest first."""
        at = self.tasks.at(imap_at(self.tasks.server)).with_inputs()
        found = await at.run("imap-list", mailbox=mailbox, sortOrder="ASC")
        return list(found["messages"])

    def raw(self, mailbox: str = "INBOX") -> dict[bytes, set[str]]:
        """The bytes of the messages in a mailbox, and their flags, told by a bare client."""
        with self.tasks.server.client(self.user) as client:
            client.select_folder(mailbox, readonly=True)
            uids = client.search()
            fetched = client.fetch(uids, ["BODY.PEEK[]", "FLAGS"]) if uids else {}
        return {data[b"BODY[]"]: {flag.decode() for flag in data[b"FLAGS"]} - {"\\Recent"} for data in fetched.values()}

    def flags(self, mailbox: str = "INBOX") -> list[set[str]]:
        return list(self.raw(mailbox).values())

    async def receives(self, count: int = 1) -> list[EmailMessage]:
        """The mails in the inbox, once there are so many."""
        async with asyncio.timeout(PATIENCE_S):
            while len(found := await asyncio.to_thread(self.raw)) < count:  # noqa: ASYNC110 (another process delivers)
                await asyncio.sleep(0.05)
        return [parse(raw) for raw in found]


@dataclass(frozen=True)
class People:
    """Everybody has an account of his own."""

    room: Tasks
    dovecot: Dovecot
    postfix: Postfix

    def new(self) -> Correspondent:
        user = self.dovecot.new_account()
        sending = {"host": "localhost", "port": self.postfix.submissions, "security": "SSL_TLS"}
        mine = replace(self.room, user=f"{user}@x.test", address=sending)
        return Correspondent(mine.with_inputs(imap={"server": imap_at(self.dovecot)}), user)


class Meanwhile(TrialAttempt):
    """An attempt during which somebody does something, right before the final dot."""

    def __init__(self, deed: Callable[[], Awaitable[None] | None]) -> None:
        super().__init__()
        self._deed = deed

    async def commit(self, expected: OperationOutput | None = None) -> None:
        done = self._deed()
        if done is not None:
            await done
        await super().commit(expected)
