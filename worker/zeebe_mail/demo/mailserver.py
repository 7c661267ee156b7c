"""A mail server in this process: SMTP submission (aiosmtpd), IMAP (pymap), POP3, one store in memory, all on loopback.

Mail goes nowhere: a recipient is a user of this server, or is refused.
"""

import argparse
import asyncio
import logging
import ssl
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.result import ProxyResultLocal
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import Config, DictBackend, Identity, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.fetchattr import FetchRequirement
from pymap.user import Passwords, UserMetadata

from zeebe_mail.demo.pki import Certificate
from zeebe_mail.demo.pop3 import Mail, Maildrop, Pop3Service

LOOPBACK = "127.0.0.1"
DOMAIN = "mail.test"
MAX_SIZE_BYTES = 30_000_000

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Ports:
    """Chosen by the kernel. `smtp`, `imap` and `pop3` offer STARTTLS, `smtps`, `imaps` and `pop3s` begin with TLS."""

    smtp: int
    smtps: int
    imap: int
    imaps: int
    pop3: int
    pop3s: int


class MailServer:
    """Use as `async with MailServer({"alice": "secret"}, certificate) as server`: it lives in the running loop.

    Users log in with their name or their address. SMTP wants TLS, then AUTH, then a recipient `<user>@mail.test`;
    anything else is refused as a real server does.
    """

    ports: Ports

    def __init__(self, users: Mapping[str, str], certificate: Certificate) -> None:
        self.users = dict(users)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate.chain, certificate.key)
        self._config = _configuration(self._tls)
        self._backend = DictBackend(Login(self._config), self._config)
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()

    async def start(self) -> None:
        """Make the users' mailboxes and listen."""
        # aiosmtpd warns of a deprecated attribute at every login, though nobody here reads it, and of a client that
        # does not trust our certificate with a traceback.
        logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
        self._config.apply_context()
        for user, password in self.users.items():
            await self.add_user(user, password)
        imap = self._imap()
        pop3 = Pop3Service(self._maildrop, self._tls)
        self.ports = Ports(
            smtp=await self._listen_smtp(implicit_tls=False),
            smtps=await self._listen_smtp(implicit_tls=True),
            imap=await self._listen(imap, None),
            imaps=await self._listen(imap, self._tls),
            pop3=await self._listen(pop3, None),
            pop3s=await self._listen(pop3, self._tls),
        )

    async def add_user(self, user: str, password: str) -> None:
        """Let one more user in; takes 0.1 s for the password's hash."""
        self.users[user] = password
        hashed = await Passwords(self._config).hash_password(password)
        self._backend.login.users_dict[user] = UserMetadata(self._config, user, password=hashed)

    def stop(self) -> None:
        """Stop listening. The mail is gone."""
        while self._servers:
            self._servers.pop().close()

    async def deliver(self, user: str, message: bytes) -> None:
        """Put a message into a user's INBOX, byte for byte."""
        async with self._store(user) as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(message, datetime.now(UTC), frozenset()), recent=True)

    def _imap(self) -> Connected:
        server = IMAPServer(self._backend.login, self._config)

        # Not pymap's own listener: that one keeps no reference to a connection's task, so the garbage
        # collector may end a session that is in use (seen on 3.13).
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server(reader, writer, SocketInfo.get(writer, ProxyResultLocal(), unique_id=uuid.uuid4().bytes))

        return connected

    async def _listen(self, connected: Connected, tls: ssl.SSLContext | None) -> int:
        return self._started(await asyncio.start_server(connected, LOOPBACK, 0, ssl=tls))

    async def _maildrop(self, user: str, password: str) -> Maildrop | None:
        name = user.removesuffix(f"@{DOMAIN}")
        if not self._knows(name, password.encode()):
            return None
        async with self._store(name) as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            mails = {
                Mail(
                    f"{inbox.uid_validity:x}-{one.uid}", bytes(await one.load_content(FetchRequirement.CONTENT))
                ): one.uid
                async for one in inbox.messages()
            }
        return _Maildrop(inbox, mails)

    def _store(self, user: str) -> AbstractAsyncContextManager[Any]:
        return Identity(user, self._backend.login, None, frozenset()).new_session()

    def _knows(self, user: str, password: bytes) -> bool:
        return self.users.get(user, "").encode() == password != b""

    async def _listen_smtp(self, *, implicit_tls: bool) -> int:
        loop = asyncio.get_running_loop()
        handler = _Reception(self)

        def connected() -> SMTP:
            return SMTP(
                handler,
                hostname=DOMAIN,
                ident="zeebe-mail demo",
                loop=loop,
                enable_SMTPUTF8=True,
                data_size_limit=MAX_SIZE_BYTES,
                tls_context=None if implicit_tls else self._tls,
                require_starttls=not implicit_tls,
                # aiosmtpd knows only of TLS that it started itself; on the other port TLS is there from the start.
                auth_require_tls=not implicit_tls,
                authenticator=self._authenticate,
            )

        tls = self._tls if implicit_tls else None
        return self._started(await loop.create_server(connected, LOOPBACK, 0, ssl=tls))

    def _started(self, server: asyncio.Server) -> int:
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        user = data.login.decode(errors="replace").removesuffix(f"@{DOMAIN}")
        return AuthResult(success=self._knows(user, data.password), handled=False)


class _Maildrop:
    """A user's INBOX as it was at login."""

    def __init__(self, inbox: MailboxData, uids: Mapping[Mail, int]) -> None:
        self._inbox = inbox
        self._uids = uids
        self.mails: Sequence[Mail] = tuple(uids)

    async def delete(self, mails: Sequence[Mail]) -> None:
        await self._inbox.delete([self._uids[one] for one in mails])


class _Reception:
    """aiosmtpd's hooks: who is known here, and where an accepted message goes."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        user, _, domain = address.rpartition("@")
        if domain.lower() != DOMAIN:
            return "550 5.7.1 Relaying denied"
        if user.lower() not in self._server.users:
            return "550 5.1.1 User unknown"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        received = (
            f"Return-Path: <{envelope.mail_from}>\r\n"
            f"Received: from {session.host_name} by {DOMAIN} with ESMTPSA; {format_datetime(datetime.now(UTC))}\r\n"
        ).encode()
        for address in envelope.rcpt_tos:
            await self._server.deliver(address.rpartition("@")[0].lower(), received + _bytes(envelope.content))
        return "250 2.0.0 Ok: delivered"


def _bytes(content: str | bytes | None) -> bytes:
    return content.encode() if isinstance(content, str) else content or b""


def _configuration(tls: ssl.SSLContext) -> Config:
    arguments = argparse.Namespace(passlib_cfg=None, proxy_protocol=None, debug=False)
    return Config(
        arguments,
        demo_data=False,
        demo_user="-",
        demo_password="-",  # noqa: S106 - no demo user is made
        host=None,
        port=0,
        ssl_context=tls,
        tls_enabled=True,
        secure_auth=True,
        proxy_protocol=ProxyProtocolNoop(),
        reject_dnsbl=False,
        invalid_user_sleep=0,
    )
