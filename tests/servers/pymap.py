"""The demo's mail server (pymap and a POP3 server) in this process, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Self

from tests.servers.mailboxes import PASSWORD, Lack, MailServerUnderTest
from zeebe_mail.demo.mailserver import MailServer
from zeebe_mail.demo.pki import Authority

LIMIT_S = 30


class Pymap(MailServerUnderTest):
    """No SORT, NAMESPACE, UNSELECT, SPECIAL-USE, ESEARCH, CONDSTORE; a new account has only its INBOX."""

    lacks = frozenset({Lack.SPECIAL_USE, Lack.KEYWORDS, Lack.SORT, Lack.OLD_SUBSCRIPTIONS, Lack.NUMBERS})

    def __init__(self, authority: Authority) -> None:
        self.ca_file = authority.ca_file
        self._server = MailServer({}, authority.issue("pymap"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._server.start())
        ports = self._server.ports
        self.imap, self.imaps, self.pop3, self.pop3s = ports.imap, ports.imaps, ports.pop3, ports.pop3s
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()

    def new_account(self) -> str:
        user = super().new_account()
        self._run(self._server.add_user(user, PASSWORD))
        return user

    def _run(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(LIMIT_S)

    async def _end(self) -> None:
        self._server.stop()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
