"""A logged-in SMTP connection that sends mail phase by phase (RFC 5321), so that a fault knows how far it came."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from aiosmtplib import SMTPException, SMTPResponse, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.esmtp import parse_esmtp_extensions

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, NoAuth, PasswordAuth, TokenAuth
from zeebe_mail.auth.sasl import SaslError, choose, decoded, encoded, encoded_initial, mechanisms
from zeebe_mail.egress import Addresses, EgressPolicy, connect, resolve
from zeebe_mail.mail import faults
from zeebe_mail.mail.faults import Answer, Phase, Rejection, Where
from zeebe_mail.mail.server import Security, SmtpServer
from zeebe_mail.mail.smtp.dsn import DsnRequest
from zeebe_mail.mail.smtp.protocol import CLOSING, Dialogue, SmtpProtocol, command, wire_form
from zeebe_mail.mail.tls import TlsPolicy, context
from zeebe_mail.message.payload import Payload

_COMMAND_LIMIT = 512  # octets with CRLF (RFC 5321, 4.5.3.1.4; RFC 4954, 4)
_FAULTS = (SMTPException, OSError, SaslError)
_Result = TypeVar("_Result")
_Required = Literal["all", "any"]
_Sorted = tuple[tuple[str, ...], tuple[Rejection, ...]]  # accepted, rejected


@dataclass(frozen=True, slots=True)
class SmtpTimeouts:
    """Seconds for single steps; a server's ``deadline_seconds`` bounds their sum up to the final dot."""

    connect_s: float = 10
    """TCP, TLS and greeting together."""
    command_s: float = 60
    """A command's reply."""
    final_s: float = 600
    """The reply to the final dot (RFC 5321, 4.5.3.2.6): a shorter wait makes doubts about mails that went out."""
    courtesy_s: float = 5
    """The replies to NOOP and RSET: nothing is lost with a connection whose server does not answer these."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail ready to go. Addresses are in wire form."""

    sender: str
    recipients: tuple[str, ...]
    data: Payload
    message_id: str
    needs_smtputf8: bool = False
    without_8bit: Payload | None = None
    """The message for servers without 8BITMIME, if it can be had."""
    dsn: DsnRequest | None = None
    mt_priority: int | None = None
    """How urgently servers shall carry it: from -9 to 9 (MT-PRIORITY, RFC 6710)."""
    require_tls: bool = False
    """Whether it may travel only where each server on the way uses TLS (REQUIRETLS, RFC 8689)."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The server's word for a mail that it took over."""

    accepted: tuple[str, ...]
    rejected: tuple[Rejection, ...]
    response: str
    size: int
    """Bytes of the message as it went out."""
    dsn_requested: bool
    """Whether reports were asked for; servers need not offer that."""
    mt_priority_requested: bool = False
    """Whether the server was told how urgent it is; the same holds."""


_Commit = Callable[[Receipt], Awaitable[None]]


class SmtpSession:
    """One connection to one server as one user; mails go over it one after the other."""

    def __init__(
        self,
        server: SmtpServer,
        auth: Auth,
        policy: TlsPolicy,
        timeouts: SmtpTimeouts,
        *,
        egress: EgressPolicy,
        helo_name: str | None = None,
    ) -> None:
        self._helo_name = helo_name
        self._egress = egress
        self._server = server
        self._auth = auth
        self._policy = policy
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._phase = Phase.CONNECT
        self._extensions: dict[str, str] = {}
        self._mechanisms: list[str] = []
        self._refusal = ""
        self._protocol: SmtpProtocol | None = None
        self._at_rest = False
        self._was_used = False

    # ── what the pool calls ──────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in.

        Raises:
            WorkerError: as ``mail.faults`` says; the connection is closed.
        """
        self._deadline = self._loop.time() + self._server.deadline_seconds
        try:
            await self._told(self._open())
        except BaseException:
            self.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Whether another mail may go over this connection."""
        protocol = self._protocol
        return self._at_rest and protocol is not None and protocol.is_connected and not protocol.surplus

    async def check(self) -> bool:
        """Ask the server whether it is still there (NOOP)."""
        self._phase = Phase.IDLE
        self._deadline = self._loop.time() + self._timeouts.courtesy_s
        try:
            return (await self._ask(b"NOOP\r\n")).code // 100 == 2
        except _FAULTS:
            return False

    def close(self) -> None:
        """Hang up, with QUIT where the server expects a command; nothing is waited for."""
        if self._protocol is not None:
            self._protocol.hang_up(politely=self.is_usable)
        self._at_rest = False

    # ── what a probe looks at ────────────────────────────────────────────────────────────────────────────────────

    @property
    def phase(self) -> Phase:
        """The last step that was begun."""
        return self._phase

    @property
    def offers(self) -> list[str]:
        """The server's extensions with their parameters, and its login mechanisms."""
        extensions = [f"{name} {value}".strip().upper() for name, value in self._extensions.items() if name != "auth"]
        return extensions + [f"AUTH {name.upper()}" for name in self._mechanisms]

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        transport = self._protocol.transport if self._protocol else None
        return transport.get_extra_info("ssl_object") if transport else None

    # ── what operations call ─────────────────────────────────────────────────────────────────────────────────────

    async def send(self, mail: Outgoing, *, required: _Required, commit: _Commit) -> Receipt:
        """Send a mail. Point of no return: the final dot; ``commit`` is awaited right before it, with what is known
        by then: all but the server's last word.

        With ``required="all"`` a refused recipient means that nobody gets the mail; with ``"any"`` it goes to those
        that the server takes.

        Raises:
            OutcomeUnknown: the final dot was written and no usable answer came; the mail may have gone out.
            WorkerError: any other; nothing was sent.
        """
        was_used, self._was_used = self._was_used, True
        if was_used:
            self._deadline = self._loop.time() + self._server.deadline_seconds
        hand_over = self._hand_over_again if was_used else self._hand_over
        accepted, rejected = await self._told(hand_over(mail, required))
        expected = Receipt(
            accepted,
            rejected,
            response="",
            size=len(self._data_of(mail)),
            dsn_requested=self._dsn_of(mail) is not None,
            mt_priority_requested=self._mt_priority_of(mail) is not None,
        )
        await commit(expected)
        return replace(expected, response=await self._told(self._finish(), mail.message_id))

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
            self._phase = Phase.TLS
            await protocol.encrypt(tls, self._server.host, until, greeting=True)
        self._phase = Phase.GREETING
        self._accept((await protocol.greeting(until)).next())
        await self._introduce()
        if tls and security is Security.STARTTLS:
            await self._ask_for_tls()
            await protocol.encrypt(tls, self._server.host, until, greeting=False)
            # What was offered before TLS counts no more (RFC 3207, 4.2).
            await self._introduce()
        if not isinstance(self._auth, NoAuth) and (self._mechanisms or not self._server.auth_optional):
            await self._log_in(self._auth)
        self._at_rest = True

    async def _resolve(self, until: float) -> Addresses:
        self._phase = Phase.CONNECT
        _, host, port = self._server.endpoint
        async with asyncio.timeout_at(until):
            return await resolve(host, port, self._egress)

    async def _connect(self, addresses: Addresses, until: float) -> SmtpProtocol:
        async with asyncio.timeout_at(until):
            connection = await connect(addresses)
            _, protocol = await self._loop.create_connection(lambda: SmtpProtocol(self._loop), sock=connection)
        return protocol

    async def _introduce(self) -> None:
        self._phase = Phase.EHLO
        name = self._own_name()
        reply = await self._ask(command(b"EHLO", name))
        if reply.code in (500, 502, 504):
            # A server from before ESMTP (RFC 5321, 3.2).
            self._extensions, self._mechanisms = {}, []
            self._accept(await self._ask(command(b"HELO", name)))
            return
        self._extensions, self._mechanisms = parse_esmtp_extensions(self._accept(reply).message)

    def _own_name(self) -> str:
        """The name we were given, else our address as a literal (RFC 5321, 4.1.3), which is always true."""
        if self._helo_name:
            return self._helo_name
        own = self._connection.transport.get_extra_info("sockname") if self._connection.transport else None
        address = ipaddress.ip_address(own[0].partition("%")[0] if own else "127.0.0.1")
        return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"

    async def _ask_for_tls(self) -> None:
        self._phase = Phase.STARTTLS
        if "starttls" not in self._extensions:
            raise errors.Unsupported(
                f"{self._where} does not offer STARTTLS, so nothing was sent.",
                next_step="Use security SSL_TLS with its port, or find out who removed the offer on the way.",
                details=self._where.details,
            )
        self._accept(await self._ask(b"STARTTLS\r\n"))
        self._phase = Phase.TLS

    async def _log_in(self, auth: PasswordAuth | TokenAuth) -> None:
        self._phase = Phase.AUTH
        _, host, port = self._server.endpoint
        chosen = choose(self._mechanisms, auth, host, port)
        if chosen is None:
            raise self._no_mechanism(auth)
        name, mechanism = chosen
        reply = await self._begin_login(name, mechanism.initial())
        while reply.code == 334:
            # SCRAM counts hundreds of thousands of hashes here; other mails must not wait for that.
            answer = await asyncio.to_thread(mechanism.answer, decoded(reply.message))
            reply = await self._ask(command(encoded(answer)))
        self._refusal = mechanism.refusal
        self._accept(reply)
        mechanism.finish()

    async def _begin_login(self, name: str, first: bytes | None) -> SMTPResponse:
        """Say AUTH with the client's first words, or behind it where they are too long for a command line."""
        if first is None:
            return await self._ask(command("AUTH", name))
        line = command("AUTH", name, encoded_initial(first))
        if len(line) <= _COMMAND_LIMIT:
            return await self._ask(line)
        reply = await self._ask(command("AUTH", name))
        return await self._ask(command(encoded(first))) if reply.code == 334 else reply

    def _no_mechanism(self, auth: PasswordAuth | TokenAuth) -> errors.Unsupported:
        known = ", ".join(mechanisms(auth))
        offered = ", ".join(faults.shown_text(name.upper()) for name in self._mechanisms)
        carried = "an access token" if isinstance(auth, TokenAuth) else "user name and password"
        what = (
            f"offers only {offered} to log in; {carried} can be given with {known}"
            if offered
            else "does not offer any login (AUTH)"
        )
        return errors.Unsupported(
            f"{self._where} {what}.",
            next_step=(
                "Choose another port or security, or give another kind of login."
                if offered
                else "Choose another port or security, or no authentication; or set server.authOptional."
            ),
            details=self._where.details,
        )

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _data_of(self, mail: Outgoing) -> Payload:
        """The message in the form that this server can take."""
        return mail.data if "8bitmime" in self._extensions else mail.without_8bit or mail.data

    def _dsn_of(self, mail: Outgoing) -> DsnRequest | None:
        return mail.dsn if "dsn" in self._extensions else None

    def _mt_priority_of(self, mail: Outgoing) -> int | None:
        return mail.mt_priority if "mt-priority" in self._extensions else None

    def _parameters(self, mail: Outgoing) -> list[str]:
        """The parameters of MAIL that this mail needs, or a refusal before a word is said."""
        offered, chosen = self._extensions, []
        data = self._data_of(mail)
        if mail.require_tls:
            self._require_tls()
            chosen.append("REQUIRETLS")
        if "size" in offered:
            limit, size = offered["size"], len(data)
            if limit.isdecimal() and 0 < int(limit) < size:
                raise errors.MessageRefused(
                    f"The mail has {size} bytes and {self._where} takes at most {limit}.",
                    next_step="Send less, or a link.",
                    details={**self._where.details, "sizeBytes": size, "limitBytes": int(limit)},
                )
            chosen.append(f"SIZE={size}")
        if mail.needs_smtputf8 or not (mail.sender.isascii() and all(map(str.isascii, mail.recipients))):
            self._require(
                "smtputf8",
                "SMTPUTF8, which letters outside ASCII before the @ need in any address of a mail (RFC 6531)",
                "Use addresses with ASCII letters before the @, or a server that offers SMTPUTF8.",
            )
            chosen.append("SMTPUTF8")
        if not data.is_ascii:
            self._require("8bitmime", "8BITMIME, which this mail needs (RFC 6152)")
            chosen.append("BODY=8BITMIME")
        if dsn := self._dsn_of(mail):
            chosen += dsn.of_mail()
        if (priority := self._mt_priority_of(mail)) is not None:
            chosen.append(f"MT-PRIORITY={priority}")
        return chosen

    def _require(self, extension: str, why: str, next_step: str | None = None) -> None:
        if extension not in self._extensions:
            raise errors.Unsupported(
                f"{self._where} does not offer {why}.", next_step=next_step, details=self._where.details
            )

    def _require_tls(self) -> None:
        """Pass where the server sends on over TLS only, and TLS is what we have with it (RFC 8689, 4.2.1)."""
        if self.encryption is None:
            raise errors.Unsupported(
                f"The connection to {self._where} is not encrypted, and the mail may go only over TLS (REQUIRETLS).",
                next_step="Set server.security to SSL_TLS or STARTTLS, or leave out `requireTls`.",
                details=self._where.details,
            )
        self._require(
            "requiretls",
            "REQUIRETLS, so it cannot promise that the mail travels encrypted all the way (RFC 8689)",
            "Use a server that offers it, or leave out `requireTls`.",
        )

    async def _hand_over_again(self, mail: Outgoing, required: _Required) -> _Sorted:
        """Hand a mail over a kept connection, or over a new one when the server had enough of this one.

        Servers close connections after some idle seconds or some mails, and say so at the next command at best. Until
        the sender is accepted nothing has happened that could happen twice.
        """
        try:
            return await self._hand_over(mail, required)
        except (SMTPServerDisconnected, SMTPResponseException) as stale:
            if self._phase is not Phase.MAIL or getattr(stale, "code", CLOSING) != CLOSING:
                raise
        self.close()
        await self._open()
        return await self._hand_over(mail, required)

    async def _hand_over(self, mail: Outgoing, required: _Required) -> _Sorted:
        """Everything but the final dot: a server that loses the connection now has no mail."""
        self._phase = Phase.MAIL
        parameters = self._parameters(mail)
        self._at_rest = False
        addresses = await self._envelope(mail, parameters, required)
        self._phase = Phase.BODY
        await self._connection.write_body(wire_form(self._data_of(mail)), self._until)
        self._connection.require_silence()
        return addresses

    async def _finish(self) -> str:
        """Write the final dot; the server's answer to it is the verdict."""
        self._connection.require_silence()
        self._phase = Phase.DOT
        until = self._loop.time() + self._timeouts.final_s
        reply = (await self._connection.exchange(b".\r\n", 1, until)).next()
        self._at_rest = reply.code != CLOSING
        return str(Answer.of(*self._accept(reply)))

    async def _envelope(self, mail: Outgoing, parameters: list[str], required: _Required) -> _Sorted:
        """Say MAIL, RCPT and DATA; afterwards the server waits for the mail. A refused mail is forgotten (RSET)."""
        dialogue = Dialogue(self._connection, self._groups(mail, parameters, required), self._until)
        try:
            self._phase = Phase.MAIL
            self._accept(await dialogue.next())
            self._phase = Phase.RCPT
            accepted, rejected = self._sorted([(address, await dialogue.next()) for address in mail.recipients])
            if not accepted or (rejected and required == "all"):
                raise faults.recipients_refused(rejected, self._where, accepted=len(accepted))
            self._phase = Phase.DATA
            self._accept(await dialogue.next(), 3)
        except (SMTPResponseException, errors.WorkerError):
            if dialogue.may_go_on:
                await self._forget()
            raise
        return accepted, rejected

    def _groups(self, mail: Outgoing, parameters: list[str], required: _Required) -> list[list[bytes]]:
        """The commands that may go out together (RFC 2920, 3.1).

        DATA joins the others only when a single refusal cannot make it wrong: once the server has said 354, it waits
        for a mail that must not come, and only hanging up gets us out of that.
        """
        sender = command(f"MAIL FROM:<{mail.sender}>", *parameters)
        recipients = [command(f"RCPT TO:<{address}>", *self._options(mail, address)) for address in mail.recipients]
        if "pipelining" not in self._extensions:
            return [[line] for line in (sender, *recipients, b"DATA\r\n")]
        if required == "any" or len(recipients) == 1:
            return [[sender, *recipients, b"DATA\r\n"]]
        return [[sender, *recipients], [b"DATA\r\n"]]

    def _options(self, mail: Outgoing, address: str) -> list[str]:
        dsn = self._dsn_of(mail)
        return dsn.of_recipient(address, smtputf8="smtputf8" in self._extensions) if dsn else []

    def _sorted(self, replies: list[tuple[str, SMTPResponse]]) -> _Sorted:
        accepted, rejected = [], []
        for address, reply in replies:
            if reply.code // 100 == 2:
                accepted.append(address)
            elif faults.meaning(Phase.RCPT, reply.code) in (errors.RecipientsRefused, errors.RecipientsDeferred):
                answer = Answer.of(*reply)
                rejected.append(Rejection(address, answer.code, answer.enhanced, answer.text))
            else:
                self._accept(reply)
        return tuple(accepted), tuple(rejected)

    async def _forget(self) -> None:
        """Make the server forget a mail that it did not get; a server that cannot is left."""
        refused_in = self._phase
        self._deadline = min(self._deadline, self._loop.time() + self._timeouts.courtesy_s)
        try:
            self._at_rest = (await self._ask(b"RSET\r\n")).code // 100 == 2
        except _FAULTS:
            self._at_rest = False
        self._phase = refused_in

    # ── talking ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _connection(self) -> SmtpProtocol:
        if self._protocol is None:
            raise SMTPServerDisconnected("Not connected")
        return self._protocol

    @property
    def _where(self) -> Where:
        return Where.of(self._server, self._phase, self._auth)

    def _until(self, commands: int = 1) -> float:
        """When the replies to so many commands must be there: each may take its time, all together the deadline."""
        return min(self._loop.time() + commands * self._timeouts.command_s, self._deadline)

    async def _ask(self, line: bytes) -> SMTPResponse:
        return (await self._connection.exchange(line, 1, self._until())).next()

    def _accept(self, reply: SMTPResponse, kind: int = 2) -> SMTPResponse:
        """Pass a reply of this kind (its first digit) on, raise any other."""
        if reply.code // 100 != kind:
            raise SMTPResponseException(*reply)
        return reply

    async def _told(self, step: Awaitable[_Result], message_id: str = "") -> _Result:
        """Do a step; what the library or the server raises in it becomes one of our errors."""
        try:
            return await step
        except _FAULTS as error:
            fault = error
        told = faults.translate(fault, self._where, message_id=message_id, refusal=self._refusal)
        # In AUTH the fault may hold an echo of the password, so it is cut off here, outside of its handler.
        raise told from (None if self._phase is Phase.AUTH else fault)


@dataclass(frozen=True, slots=True)
class SmtpConnector:
    """How this worker opens SMTP sessions: what the pool calls."""

    policy: TlsPolicy = field(default_factory=TlsPolicy)
    timeouts: SmtpTimeouts = field(default_factory=SmtpTimeouts)
    egress: EgressPolicy = field(default_factory=EgressPolicy)
    """Which servers may be reached."""
    helo_name: str | None = None
    """What we call ourselves in EHLO."""

    async def __call__(self, server: SmtpServer, auth: Auth) -> SmtpSession:
        """Open a session.

        Raises:
            WorkerError: as ``mail.faults`` says; nothing is left open.
        """
        session = self.session(server, auth)
        await session.open()
        return session

    def session(self, server: SmtpServer, auth: Auth) -> SmtpSession:
        """A session that is not open yet."""
        return SmtpSession(server, auth, self.policy, self.timeouts, egress=self.egress, helo_name=self.helo_name)
