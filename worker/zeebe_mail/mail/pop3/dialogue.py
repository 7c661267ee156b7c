"""A conversation with a POP3 server as one user: connecting, encrypting, logging in, and asking within a deadline."""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, MailboxAuth, NoAuth, PasswordAuth, TokenAuth
from zeebe_mail.auth.sasl import Mechanism, choose, decoded, encoded, encoded_initial, mechanisms
from zeebe_mail.egress import Addresses, EgressPolicy, connect, resolve
from zeebe_mail.mail.faults import Phase, Where, shown_text
from zeebe_mail.mail.pop3 import faults
from zeebe_mail.mail.pop3.protocol import Pop3Protocol, Pop3Refusal, Pop3Violation, command
from zeebe_mail.mail.server import Pop3Server, Security
from zeebe_mail.mail.tls import TlsPolicy, context

_COMMAND_LIMIT = 255  # octets with CRLF (RFC 2449, 4)
_CAPABILITIES_LIMIT = 64 * 1024
_LONGEST_DELAY_S = 3600
_TIMESTAMP = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")

_Result = TypeVar("_Result")
_About = TypeVar("_About")


@dataclass(frozen=True, slots=True)
class Pop3Timeouts:
    """Seconds for single steps; a server's ``deadline_seconds`` bounds their sum."""

    connect_s: float = 10
    """TCP, TLS and greeting together."""
    command_s: float = 60
    """A command's status line."""
    locked_s: float = 10
    """How long a mailbox that somebody else has open is asked for again: most sessions are short."""


class Pop3Dialogue:
    """One connection to one server as one user."""

    def __init__(
        self, server: Pop3Server, auth: Auth, policy: TlsPolicy, timeouts: Pop3Timeouts, egress: EgressPolicy
    ) -> None:
        self._server = server
        self._auth = auth
        self._policy = policy
        self._timeouts = timeouts
        self._egress = egress
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._protocol: Pop3Protocol | None = None
        self._capabilities: dict[str, str] | None = None
        self._timestamp: str | None = None
        self._token_status = ""
        self._at_rest = False
        self.phase = Phase.CONNECT

    # ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in; with ``NoAuth`` there is no login, and nothing but a look at the server.

        Raises:
            WorkerError: as ``mail.pop3.faults`` says; the connection is closed.
        """
        self._deadline = self._loop.time() + self._server.deadline_seconds
        try:
            await self.told(self._open())
        except BaseException:
            self.close(politely=False)
            raise

    def close(self, *, politely: bool) -> None:
        """Hang up without waiting; ``politely`` with QUIT where the server expects a command."""
        if self._protocol is not None:
            self._protocol.hang_up(politely=self._at_rest and politely)
        self._at_rest = False

    @property
    def connection(self) -> Pop3Protocol:
        """The connection as it is.

        Raises:
            ConnectionResetError: there is none.
        """
        if self._protocol is None:
            raise ConnectionResetError("not connected")
        return self._protocol

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        transport = self._protocol.transport if self._protocol else None
        return transport.get_extra_info("ssl_object") if transport else None

    @property
    def username(self) -> str:
        """Who logs in; empty for nobody."""
        return "" if isinstance(self._auth, NoAuth) else self._auth.username

    @property
    def capabilities(self) -> dict[str, str]:
        """What the server offers, upper case, with its parameters; nothing where it knows no CAPA."""
        return self._capabilities or {}

    def can(self, capability: str) -> bool:
        """Whether the server offers this."""
        return capability in self.capabilities

    @property
    def where(self) -> Where:
        """The place that errors name."""
        return Where.of(self._server, self.phase, self._auth)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def told(self, step: Awaitable[_Result]) -> _Result:
        """Do a step; what the server or the connection raises in it becomes one of our errors."""
        try:
            return await step
        except faults.FAULTS as error:
            fault = error
        told = faults.translate(fault, self.where, token_status=self._token_status, login_delay=self._login_delay)
        # In AUTH the fault may hold an echo of the password, so it is cut off here, outside of its handler.
        raise told from (None if self.phase is Phase.AUTH else fault)

    async def ask(self, line: bytes) -> str:
        """Send a command and wait for its status line.

        Raises:
            Pop3Refusal: the server says no.
        """
        self._write(line)
        return await self._status()

    async def replies(
        self, commands: Sequence[tuple[_About, bytes]]
    ) -> AsyncIterator[tuple[_About, Pop3Refusal | None]]:
        """Send commands, together where the server takes that; what each is about, and its refusal where there is one.

        A reply of several lines has to be read with :meth:`block` before the next is asked for.

        Raises:
            Pop3Refusal: with a code, so that it concerns all of them.
        """
        pipelined = self.can("PIPELINING")
        if pipelined and commands:
            self._write(b"".join(line for _, line in commands))
        for about, line in commands:
            if not pipelined:
                self._write(line)
            refusal = None
            try:
                await self._status()
            except Pop3Refusal as refused:
                if refused.code:
                    raise
                refusal = refused
            yield about, refusal
        self._at_rest = True

    async def block(self, limit: int) -> bytes:
        """The lines behind a status line, at most so many bytes."""
        return await self.connection.block(limit, self._deadline)

    def _write(self, lines: bytes) -> None:
        """Send commands; until all of their replies are read, the connection is good for nothing else."""
        if self.connection.has_surplus:
            raise Pop3Violation("more than it was asked for")
        self._at_rest = False
        self.connection.write(lines)

    async def _status(self) -> str:
        return await self.connection.status(min(self._loop.time() + self._timeouts.command_s, self._deadline))

    # ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self) -> None:
        until = min(self._loop.time() + self._timeouts.connect_s, self._deadline)
        security = self._server.security
        addresses = await self._resolve(until)
        if security is Security.NONE:
            self._policy.allow_plaintext(self._server.host)
        tls = None if security is Security.NONE else context(self._policy, self._server.tls)
        self._protocol = protocol = await self._connect(addresses, until)
        if tls and security is Security.SSL_TLS:
            self.phase = Phase.TLS
            await protocol.encrypt(tls, self._server.host, until)
        self.phase = Phase.GREETING
        greeting = await protocol.status(until)
        found = _TIMESTAMP.search(greeting)
        self._timestamp = found[0] if found else None
        await self._ask_capabilities()
        if tls and security is Security.STARTTLS:
            await self._ask_for_tls()
            await protocol.encrypt(tls, self._server.host, until)
            # What was said before TLS counts no more (RFC 2595, 4).
            self._timestamp = None
            await self._ask_capabilities()
        if isinstance(self._auth, NoAuth):
            return
        self.phase = Phase.AUTH
        await self._log_in(self._auth)
        if not self.can("UIDL") or not self.can("TOP"):
            # Some servers tell only their users what they can do (RFC 2449, 5).
            await self._ask_capabilities()
        self._at_rest = True

    async def _resolve(self, until: float) -> Addresses:
        _, host, port = self._server.endpoint
        async with asyncio.timeout_at(until):
            return await resolve(host, port, self._egress)

    async def _connect(self, addresses: Addresses, until: float) -> Pop3Protocol:
        async with asyncio.timeout_at(until):
            _, protocol = await self._loop.create_connection(Pop3Protocol, sock=await connect(addresses))
        return protocol

    async def _ask_capabilities(self) -> None:
        self.phase = Phase.CAPA
        try:
            await self.ask(b"CAPA\r\n")
        except Pop3Refusal:
            self._capabilities = None
            return
        lines = (await self.block(_CAPABILITIES_LIMIT)).decode("utf-8", "replace").splitlines()
        pairs = (line.strip().partition(" ") for line in lines)
        self._capabilities = {name.upper(): value.upper() for name, _, value in pairs if name}

    async def _ask_for_tls(self) -> None:
        self.phase = Phase.STARTTLS
        if self._capabilities is not None and not self.can("STLS"):
            raise errors.Unsupported(
                f"{self.where} does not offer STLS, so no password was sent.",
                next_step="Use security SSL_TLS with its port, or find out who removed the offer on the way.",
                details=self.where.details,
            )
        await self.ask(b"STLS\r\n")
        self.phase = Phase.TLS

    # ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _log_in(self, auth: MailboxAuth) -> None:
        """Log in once: with what shows a listener the least, and never with something weaker when that fails."""
        offered = self.capabilities.get("SASL", "").split()
        _, host, port = self._server.endpoint
        chosen = choose(offered, auth, host, port)
        hides_password = chosen is not None and chosen[0] not in ("PLAIN", "LOGIN")
        if chosen and (hides_password or self.encryption or not self._may_apop):
            await self._log_in_with_sasl(*chosen)
        elif isinstance(auth, PasswordAuth) and self._may_apop and not self.encryption:
            await self._log_in_with_apop(auth)
        elif isinstance(auth, PasswordAuth) and self._may_user:
            await self._log_in_with_user(auth)
        elif isinstance(auth, PasswordAuth) and self._may_apop:
            await self._log_in_with_apop(auth)
        else:
            raise self._no_login(offered, auth)

    @property
    def _may_apop(self) -> bool:
        """Whether the greeting has the timestamp for APOP, whose answer a thief can try passwords on (RFC 1939, 7)."""
        return self._timestamp is not None and self._is_plain_user and " " not in self.username

    @property
    def _may_user(self) -> bool:
        return self._is_plain_user and (self._capabilities is None or self.can("USER"))

    @property
    def _is_plain_user(self) -> bool:
        return isinstance(self._auth, PasswordAuth) and not self._auth.authorization_id

    async def _log_in_with_user(self, auth: PasswordAuth) -> None:
        password = auth.password.get_secret_value()
        try:
            line = command("PASS", password)
        except ValueError:
            raise errors.InputError(
                "auth.password has a control character, and this server takes passwords as a line of text only."
            ) from None
        await self.ask(command("USER", auth.username))
        await self.ask(line)

    async def _log_in_with_apop(self, auth: PasswordAuth) -> None:
        proof = f"{self._timestamp}{auth.password.get_secret_value()}".encode()
        await self.ask(command("APOP", auth.username, hashlib.md5(proof, usedforsecurity=False).hexdigest()))

    async def _log_in_with_sasl(self, name: str, mechanism: Mechanism) -> None:
        """RFC 5034."""
        reply = await self._begin_sasl(name, mechanism.initial())
        while not reply.startswith("+OK"):
            # SCRAM counts hundreds of thousands of hashes here; other jobs must not wait for that.
            answer = await asyncio.to_thread(mechanism.answer, decoded(reply[2:]))
            self._token_status = mechanism.refusal
            reply = await self.ask(command(encoded(answer)))
        mechanism.finish()

    async def _begin_sasl(self, name: str, first: bytes | None) -> str:
        """Say AUTH with the client's first words, or before them where they are too long for a command line."""
        if first is None:
            return await self.ask(command("AUTH", name))
        line = command("AUTH", name, encoded_initial(first))
        if len(line) <= _COMMAND_LIMIT:
            return await self.ask(line)
        reply = await self.ask(command("AUTH", name))
        return reply if reply.startswith("+OK") else await self.ask(command(encoded(first)))

    def _no_login(self, offered: Sequence[str], auth: MailboxAuth) -> errors.Unsupported:
        ways = [shown_text(name) for name in offered] + ["USER"] * self.can("USER")
        carried = "an access token" if isinstance(auth, TokenAuth) else "user name and password"
        known = ", ".join(mechanisms(auth))
        what = f"offers only {', '.join(ways)} to log in; {carried} can be given with {known}"
        return errors.Unsupported(
            f"{self.where} {what if ways else 'does not offer any login'}.",
            next_step="Choose another port or security; many servers let in nobody without encryption."
            if not self.encryption
            else None,
            details=self.where.details,
        )

    @property
    def _login_delay(self) -> timedelta | None:
        """The seconds between two logins that the server announces (RFC 2449, 6.5)."""
        announced = self.capabilities.get("LOGIN-DELAY", "").partition(" ")[0]
        if not re.fullmatch(r"\d{1,6}", announced):
            return None
        return timedelta(seconds=min(int(announced), _LONGEST_DELAY_S))
