"""A conversation with an IMAP server as one user: connecting, encrypting, logging in, and asking within a deadline."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, MailboxAuth, NoAuth, PasswordAuth
from zeebe_mail.auth.sasl import Mechanism, choose, decoded, encoded, encoded_initial, mechanisms
from zeebe_mail.egress import Addresses, EgressPolicy, connect, resolve
from zeebe_mail.mail.faults import Phase, Where, shown_text
from zeebe_mail.mail.imap import faults
from zeebe_mail.mail.imap.connection import (
    ORDINARY,
    ImapClosed,
    ImapConnection,
    ImapRefusal,
    ImapViolation,
    Piece,
    Reply,
    Response,
    Status,
    Take,
)
from zeebe_mail.mail.imap.syntax import string
from zeebe_mail.mail.server import ImapServer, Security
from zeebe_mail.mail.tls import TlsPolicy, context
from zeebe_mail.message.payload import Payload

_LONGEST_LINE = 8000  # bytes of a command without its literals (RFC 7162, 4)
_LITERAL_MINUS = 4096  # RFC 7888, 5
_LITERAL_PLUS = 65536  # larger ones are announced first, so that the server can refuse them before they are sent

_IN_REV2 = frozenset(
    {"ENABLE", "ESEARCH", "IDLE", "LIST-EXTENDED", "LIST-STATUS", "LITERAL-", "MOVE", "NAMESPACE", "SASL-IR"}
    | {"SPECIAL-USE", "STATUS=SIZE", "UIDPLUS", "UNSELECT"}
)
"""What every server with IMAP4rev2 can do without saying so (RFC 9051, appendix E)."""


@dataclass(frozen=True, slots=True)
class ImapTimeouts:
    """Seconds for single steps; a server's ``deadline_seconds`` bounds everything that a method does."""

    connect_s: float = 10
    """TCP, TLS and greeting together."""
    command_s: float = 60
    """How long the server may be silent while it owes an answer; one that goes on may take longer."""
    courtesy_s: float = 5
    """The reply to a NOOP that only asks whether the server is still there."""
    login_s: float = 15
    """What the server can do and the login together, once it has greeted."""


class ImapDialogue:
    """One connection after another to one server as one user; a fault ends the one that had it."""

    def __init__(
        self,
        server: ImapServer,
        auth: Auth,
        policy: TlsPolicy,
        timeouts: ImapTimeouts,
        egress: EgressPolicy,
        turn: asyncio.Lock,
    ) -> None:
        """``turn`` is shared by all that read at the same time; see ``ImapConnection``."""
        self._server = server
        self._egress = egress
        self._auth = auth
        self._policy = policy
        self._timeouts = timeouts
        self._turn = turn
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._steps = 0
        self._connection: ImapConnection | None = None
        self.phase = Phase.CONNECT
        self.capabilities: frozenset[str] = frozenset()

    # ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in; with ``NoAuth`` there is no login, and nothing but a look at the server.

        Raises:
            WorkerError: as ``mail.imap.faults`` says; the connection is closed.
        """
        with self.step(Phase.CONNECT):
            try:
                await self._open()
            except BaseException:
                self.abort()
                raise

    @property
    def is_usable(self) -> bool:
        """Whether it is logged in and nothing is outstanding."""
        return self._steps == 0 and self._connection is not None and self._connection.is_open

    @property
    def connection(self) -> ImapConnection:
        """The connection as it is.

        Raises:
            ImapClosed: there is none.
        """
        if self._connection is None:
            raise ImapClosed
        return self._connection

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        return self._connection.encryption if self._connection else None

    @property
    def where(self) -> Where:
        """The place that errors name."""
        return Where.of(self._server, self.phase, self._auth)

    def can(self, capability: str) -> bool:
        """Whether the server offers this."""
        known = self.capabilities
        return capability in known or ("IMAP4REV2" in known and capability in _IN_REV2)

    async def is_there(self) -> bool:
        """Ask the server whether it is still there (NOOP)."""
        if self._connection is None:
            return False
        try:
            await self._connection.ask(b"NOOP", until=self._loop.time() + self._timeouts.courtesy_s)
        except faults.FAULTS:
            return False
        return True

    def close(self) -> None:
        """Hang up, with LOGOUT where the server expects a command; nothing is waited for."""
        if self._connection is not None:
            self._connection.hang_up()

    def abort(self) -> None:
        """Hang up without a word."""
        if self._connection is not None:
            self._connection.abort()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def step(self, phase: Phase, **concerning: Any) -> Iterator[None]:
        """What is done in this block is one step: the outermost has the deadline, its errors are ours.

        ``concerning`` is what the step is about, for the error's details.
        """
        if not self._steps:
            self._deadline = self._loop.time() + self._server.deadline_seconds
        self._steps += 1
        before, self.phase = self.phase, phase
        fault: BaseException
        try:
            yield
            self.phase = before if self._steps > 1 else phase
            return
        except faults.FAULTS as error:
            fault = error
        finally:
            self._steps -= 1
        told = faults.translate(fault, self.where, concerning=concerning)
        # In AUTH the fault may hold an echo of the password, so it is cut off here, outside of its handler.
        raise told from (None if self.phase is Phase.AUTH else fault)

    async def ask(self, *pieces: Piece | Payload, allowance: int = ORDINARY, take: Take | None = None) -> Reply:
        """Send a command and wait for its OK within the step's deadline; see ``ImapConnection.ask``."""
        return await self.connection.ask(*pieces, until=self._deadline, allowance=allowance, take=take)

    async def attempt(self, *pieces: Piece) -> None:
        """Send a command that may as well be refused."""
        with suppress(ImapRefusal):
            await self.ask(*pieces)

    async def idle(self, seconds: float) -> None:
        """IDLE for so long at most; its end has the step's deadline beyond that."""
        now = self._loop.time()
        await self.connection.idle(now + seconds, now + seconds + self._server.deadline_seconds)

    def extend(self) -> None:
        """Begin the step's deadline anew, in a step that is meant to wait."""
        self._deadline = self._loop.time() + self._server.deadline_seconds

    # ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _open(self) -> None:
        until = min(self._loop.time() + self._timeouts.connect_s, self._deadline)
        security, host = self._server.security, self._server.host
        addresses = await self._resolve(until)
        if security is Security.NONE:
            self._policy.allow_plaintext(host)
        tls = None if security is Security.NONE else context(self._policy, self._server.tls)
        self._connection = connection = await self._connect(addresses, until)
        if tls and security is Security.SSL_TLS:
            self.phase = Phase.TLS
            await connection.encrypt(tls, host, until)
        self.phase = Phase.GREETING
        greeting = await connection.greeting(until)
        if greeting.condition == "PREAUTH":
            # RFC 9051, 11.1: whoever stands in between says so to keep us from encrypting and logging in.
            raise ImapViolation("says that we are logged in before we are")
        if greeting.condition != "OK":
            raise ImapClosed(greeting)
        self._deadline = min(self._deadline, self._loop.time() + self._timeouts.login_s)
        self.phase = Phase.CAPA
        if tls and security is Security.STARTTLS:
            await self._start_tls(greeting, tls, until)
            greeting = Status("OK", "", b"", "")  # what was said before TLS counts no more (RFC 9051, 6.2.1)
        await self._learn([], greeting)
        if not isinstance(self._auth, NoAuth):
            await self._log_in(self._auth)
            await self._introduce()

    async def _resolve(self, until: float) -> Addresses:
        _, host, port = self._server.endpoint
        async with asyncio.timeout_at(until):
            return await resolve(host, port, self._egress)

    async def _connect(self, addresses: Addresses, until: float) -> ImapConnection:
        async with asyncio.timeout_at(until):
            _, connection = await self._loop.create_connection(
                lambda: ImapConnection(self._loop, self._turn, self._timeouts.command_s), sock=await connect(addresses)
            )
        return connection

    async def _start_tls(self, greeting: Status, tls: ssl.SSLContext, until: float) -> None:
        await self._learn([], greeting)
        self.phase = Phase.STARTTLS
        if "STARTTLS" not in self.capabilities:
            raise errors.Unsupported(
                f"{self.where} does not offer STARTTLS, so nothing was sent.",
                next_step="Use security SSL_TLS with its port, or find out who removed the offer on the way.",
                details=self.where.details,
            )
        await self.ask(b"STARTTLS")
        self.phase = Phase.TLS
        await self.connection.encrypt(tls, self._server.host, until)
        self.phase = Phase.CAPA

    async def _learn(self, untagged: list[Response], status: Status) -> None:
        """Take the capabilities from what was said, or ask for them."""
        said = _capabilities(untagged, status)
        if said is None:
            reply = await self.ask(b"CAPABILITY")
            said = _capabilities(reply.untagged, reply.status)
        if said is None or not said & {"IMAP4REV1", "IMAP4REV2"}:
            raise ImapViolation("does not speak IMAP4rev1")
        self.capabilities = said
        self.connection.literal_plus = (
            _LITERAL_PLUS if self.can("LITERAL+") else _LITERAL_MINUS if self.can("LITERAL-") else -1
        )

    # ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _log_in(self, auth: MailboxAuth) -> None:
        self.phase = Phase.AUTH
        offered = [name.removeprefix("AUTH=") for name in self.capabilities if name.startswith("AUTH=")]
        _, host, port = self._server.endpoint
        chosen = choose(offered, auth, host, port)
        if chosen is not None:
            reply = await self._authenticate(*chosen)
        elif "LOGINDISABLED" in self.capabilities:
            raise self._disabled()
        elif isinstance(auth, PasswordAuth) and not auth.authorization_id:
            user, password = auth.username.encode(), auth.password.get_secret_value().encode()
            reply = await self.ask(b"LOGIN ", string(user), b" ", string(password))
        else:
            raise self._no_mechanism(offered, auth)
        # What could be done before the login may differ from what can be done now.
        await self._learn(reply.untagged, reply.status)

    async def _authenticate(self, name: str, mechanism: Mechanism) -> Reply:
        command, first = f"AUTHENTICATE {name}".encode(), mechanism.initial()
        if first is not None and self.can("SASL-IR") and 2 * len(first) < _LONGEST_LINE:
            command, first = command + b" " + encoded_initial(first).encode(), None

        async def reply_to(challenge: bytes) -> bytes:
            nonlocal first
            if first is not None:
                said, first = first, None
            else:
                # SCRAM counts hundreds of thousands of hashes here; other mails must not wait for that.
                said = await asyncio.to_thread(mechanism.answer, decoded(challenge))
            return encoded(said).encode()

        try:
            reply = await self.connection.converse(command, reply_to, self._deadline)
        except ImapRefusal as refusal:
            if not mechanism.refusal:
                raise
            raise faults.of_status(refusal.status, self.where, {"tokenStatus": mechanism.refusal}) from None
        mechanism.finish()
        return reply

    def _disabled(self) -> errors.Unsupported:
        return errors.Unsupported(
            f"{self.where} takes no password on a connection without encryption (LOGINDISABLED)."
            if self.encryption is None
            else f"{self.where} offers no way to log in (LOGINDISABLED).",
            next_step="Enable TLS: set the security to SSL_TLS (usual port 993) or STARTTLS."
            if self.encryption is None
            else None,
            details=self.where.details,
        )

    def _no_mechanism(self, offered: list[str], auth: MailboxAuth) -> errors.Unsupported:
        known = ", ".join(mechanisms(auth))
        names = ", ".join(shown_text(name) for name in sorted(offered)) or "nothing but LOGIN"
        return errors.Unsupported(
            f"{self.where} offers {names} to log in; this login needs one of {known}.", details=self.where.details
        )

    async def _introduce(self) -> None:
        """Say what we are (RFC 2971): some providers let nobody in who does not."""
        if self.can("ID"):
            await self.attempt(b'ID ("name" "zeebe-mail")')


def _capabilities(untagged: list[Response], status: Status) -> frozenset[str] | None:
    """The capabilities in a reply: its own response, or the code of its status."""
    words: bytes | None = status.argument if status.code == "CAPABILITY" else None
    for response in untagged:
        if response.text[2:13].upper() == b"CAPABILITY ":
            words = response.text[13:]
    return None if words is None else frozenset(words.decode("ascii", "replace").upper().split())
