"""Messages in a mailbox, one for each job and one that no job may touch: moved by IMAP, or deleted by POP3."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from zeebe_mail.demo.pki import Authority

TARGET = "Archive"
OTHERS = "others"
OTHERS_CHANGED = -1
"""Counted in the place of a job."""


class Mailbox:
    """Dovecot, with all the messages. `task` is imap-move or pop3-delete."""

    deaths = 0
    faults: Sequence[dict[str, Any]] = ()
    has_ledger = False

    def __init__(self, task: str, jobs: int) -> None:
        self.task = f"mail:{task}:1"
        self._moves = task == "imap-move"
        self._jobs = jobs
        self._life = ExitStack()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._life.close)

    @property
    def port(self) -> int:
        return (self._server.imaps if self._moves else self._server.pop3s) or 0

    @property
    def settings(self) -> dict[str, str]:
        """What a worker needs to be at home here."""
        return {"ZEEBE_MAIL_CA_FILE": str(self._server.ca_file)}

    def variables(self, number: int, port: int) -> dict[str, Any]:
        request: dict[str, Any] = {"messageId": f"<{_name(number)}@x.test>"}
        return {
            "server": {"host": "localhost", "port": port, "security": "SSL_TLS"},
            "auth": {"type": "password", "username": self._user(number), "password": PASSWORD},
            "request": request | ({"mailbox": "INBOX", "target": TARGET} if self._moves else {}),
        }

    def done(self) -> Counter[int]:
        """How often each job's message is in the target, or whether it is gone."""
        found = {
            (user, mailbox): self._names(user, mailbox)
            for user in {self._user(number) for number in range(self._jobs)}
            for mailbox in ("INBOX", TARGET)
        }
        counted: Counter[int] = Counter()
        for number in range(self._jobs):
            user, name = self._user(number), _name(number)
            at_home, away = found[user, "INBOX"][name], found[user, TARGET][name]
            counted[number] = away + (at_home and away) if self._moves else 1 - at_home
            counted[OTHERS_CHANGED] += found[user, "INBOX"][OTHERS] != 1
        return +counted

    def _start(self) -> None:
        authorities = Path(tempfile.mkdtemp(prefix="pki-"))
        self._life.callback(shutil.rmtree, authorities)
        self._server = self._life.enter_context(Dovecot(Authority(authorities)))
        self._users = [self._server.new_account() for _ in range(1 if self._moves else self._jobs)]
        for user in self._users:
            self._server.deliver(user, _message(OTHERS))
        for number in range(self._jobs):
            self._server.deliver(self._user(number), _message(_name(number)))

    def _user(self, number: int) -> str:
        # A maildrop is locked by the session that has it, so by POP3 each job has its own.
        return self._users[number % len(self._users)]

    def _names(self, user: str, mailbox: str) -> Counter[str]:
        with self._server.client(user) as client:
            if not client.folder_exists(mailbox):
                return Counter()
            client.select_folder(mailbox, readonly=True)
            envelopes = client.fetch(client.search(), ["ENVELOPE"]) if client.search() else {}
        ids = [one[b"ENVELOPE"].message_id.decode() for one in envelopes.values()]
        return Counter(one.strip("<>").partition("@")[0] for one in ids)


def _name(number: int) -> str:
    return f"job{number}"


def _message(name: str) -> bytes:
    return f"From: a@x.test\r\nTo: b@x.test\r\nMessage-ID: <{name}@x.test>\r\n\r\n{name}\r\n".encode()
