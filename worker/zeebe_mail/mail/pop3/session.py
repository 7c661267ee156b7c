"""A logged-in POP3 connection (RFC 1939, RFC 2449): a snapshot of one mailbox, for one job.

While it is open many servers lock the mailbox, and it never shows mail that came after the login. So no session is kept
for another job: the pool closes it when it comes back.
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import re
import ssl
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple, TypeVar

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, MailboxAuth, NoAuth, PasswordAuth, TokenAuth
from zeebe_mail.auth.sasl import Mechanism, SaslError, choose, mechanisms
from zeebe_mail.mail.egress import Addresses, EgressPolicy, connect, resolve
from zeebe_mail.mail.faults import Phase, Where, shown_text
from zeebe_mail.mail.imap import SUMMARY_FIELDS
from zeebe_mail.mail.pop3 import faults
from zeebe_mail.mail.pop3.protocol import (
    Pop3Protocol,
    Pop3Refusal,
    Pop3ReplyTooLong,
    Pop3Violation,
    command,
)
from zeebe_mail.mail.pop3.uidl_cache import UidlCache
from zeebe_mail.mail.server import Pop3Server, Security
from zeebe_mail.mail.tls import TlsPolicy, context

HEADER_LIMIT = 4 * 1024 * 1024
"""Bytes of one message's header; no server lets a mail with so many in."""
LISTING_LIMIT = 64 * 1024 * 1024
"""Bytes of a LIST or UIDL: about a million messages."""
REMEMBERED = frozenset(name.lower() for name in (*SUMMARY_FIELDS, "Received"))
"""The header fields of a summary, lower case; of several Received, the topmost."""
IN_FLIGHT = 200
"""Commands that are sent before the first of their replies is read."""

_IN_FLIGHT_BYTES = 1024 * 1024  # of messages that are asked for together
_BATCH_LIMIT = 16 * 1024 * 1024  # bytes of all replies that are read together, beyond the largest that one may have
_COMMAND_LIMIT = 255  # octets with CRLF (RFC 2449, 4)
_WITHOUT_TOP_LIMIT = 25 * 1024 * 1024  # bytes that are read of a message for its header alone
_LONG_LISTING = 64 * 1024  # bytes; what is longer is read in a thread, so that other jobs go on
_CAPABILITIES_LIMIT = 64 * 1024
_LONGEST_DELAY_S = 3600
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0  # between two tries to open a mailbox that is locked

_TIMESTAMP = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_SIZE_LINE = re.compile(r"^([1-9]\d{0,8})[ \t]+(\d{1,15})(?:[ \t][^\r\n]*)?\r\n", re.ASCII | re.MULTILINE)
# RFC 1939 allows 70 characters of a UIDL; some servers have more.
_UIDL_LINE = re.compile(r"^([1-9]\d{0,8})[ \t]+([!-~]{1,255})[ \t]*\r\n", re.ASCII | re.MULTILINE)
_WANTED = b"|".join(re.escape(name.encode()) for name in SUMMARY_FIELDS)
_VALUE = rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*"
_SUMMARY = re.compile(rb"^(?:" + _WANTED + rb")" + _VALUE, re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^Received" + _VALUE, re.IGNORECASE | re.MULTILINE)

_Result = TypeVar("_Result")
Commit = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pop3Timeouts:
    """Seconds for single steps; a server's ``deadline_seconds`` bounds their sum."""

    connect_s: float = 10
    """TCP, TLS and greeting together."""
    command_s: float = 60
    """A command's status line."""
    locked_s: float = 10
    """How long a mailbox that somebody else has open is asked for again: most sessions are short."""


class Listed(NamedTuple):
    """A message as LIST and UIDL show it. ``number`` means something in this session only."""

    number: int
    size: int
    """Bytes as the server counts them; it may be wrong."""
    uidl: str | None
    """None where the server has no UIDL, or gives the same to several messages."""


class Pop3Session:
    """One connection to one server as one user."""

    def __init__(
        self,
        server: Pop3Server,
        auth: Auth,
        policy: TlsPolicy,
        timeouts: Pop3Timeouts,
        cache: UidlCache,
        egress: EgressPolicy,
    ) -> None:
        self._egress = egress
        self._server = server
        self._auth = auth
        self._policy = policy
        self._timeouts = timeouts
        self._cache = cache
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._phase = Phase.CONNECT
        self._protocol: Pop3Protocol | None = None
        self._capabilities: dict[str, str] | None = None
        self._timestamp: str | None = None
        self._token_status = ""
        self._at_rest = False
        self._marked = False
        self._has_top: bool | None = None
        self._listing: tuple[Listed, ...] | None = None

    # ── what the pool calls ──────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in; with ``NoAuth`` there is no login, and nothing but a look at the server.

        Raises:
            WorkerError: as ``mail.pop3.faults`` says; the connection is closed.
        """
        self._deadline = self._loop.time() + self._server.deadline_seconds
        try:
            await self._told(self._open())
        except BaseException:
            self.close()
            raise

    @property
    def is_usable(self) -> bool:
        """Never: the next job needs a session that sees the mailbox as it is then."""
        return False

    async def check(self) -> bool:
        """Whether a session that waited may be used: see :attr:`is_usable`."""
        return self.is_usable

    def close(self) -> None:
        """Hang up without waiting; with QUIT where that removes nothing, so that the mailbox is free for others."""
        if self._protocol is not None:
            self._protocol.hang_up(politely=self._at_rest and not self._marked)
        self._at_rest = False

    # ── what a probe looks at ────────────────────────────────────────────────────────────────────────────────────

    @property
    def phase(self) -> Phase:
        """The last step that was begun."""
        return self._phase

    @property
    def offers(self) -> list[str]:
        """The server's capabilities with their parameters (CAPA)."""
        return [f"{name} {value}".strip() for name, value in (self._capabilities or {}).items()]

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        transport = self._protocol.transport if self._protocol else None
        return transport.get_extra_info("ssl_object") if transport else None

    # ── what operations call ─────────────────────────────────────────────────────────────────────────────────────

    async def listing(self) -> tuple[Listed, ...]:
        """All messages of the mailbox, by number, which is in practice the order in which they came."""
        if self._listing is None:
            self._listing = await self._told(self._list())
        return self._listing

    async def summaries(self, messages: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        """Of each message the header fields of :data:`REMEMBERED`, as one block.

        Those seen before cost nothing. Those that have gone are left out.
        """
        for start in range(0, len(messages), IN_FLIGHT):
            some = messages[start : start + IN_FLIGHT]
            known = {one.number: block for one in some if (block := self._remembered(one)) is not None}
            async for one, header in self.headers([one for one in some if one.number not in known]):
                known[one.number] = block = _summary(header)
                if one.uidl is not None:
                    self._cache.put(self._mailbox, one.uidl, block)
            for one in some:
                if one.number in known:
                    yield one, known[one.number]
            # What was remembered needs no reply, so nothing above has let other jobs go on.
            await asyncio.sleep(0)

    async def headers(self, messages: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        """The whole header of each message (TOP; without it RETR). Those that have gone are left out."""
        for start in range(0, len(messages), IN_FLIGHT):
            for one, header in await self._told(self._headers(messages[start : start + IN_FLIGHT])):
                yield one, header

    async def messages(self, messages: Sequence[Listed], *, limit: int) -> AsyncIterator[tuple[Listed, bytes]]:
        """Whole messages (RETR). Those that have gone, and those of more than ``limit`` bytes by LIST, are left out.

        Raises:
            MessageTooLarge: one is larger than ``limit`` though LIST said otherwise.
        """
        for some in _batches([one for one in messages if one.size <= limit]):
            for one, message in await self._told(self._retrieve(some, limit)):
                yield one, message

    async def has_gone(self, uidl: str) -> bool:
        """Whether this worker remembers a message of this UIDL, and it is not there any more."""
        remembered = self._cache.get(self._mailbox, uidl) is not None
        return remembered and all(one.uidl != uidl for one in await self.listing())

    async def message(self, one: Listed, *, limit: int) -> bytes | None:
        """A whole message, or None when it has gone.

        Raises:
            MessageTooLarge: it has more than ``limit`` bytes.
        """
        if one.size > limit:
            raise self._too_large(one.size, limit)
        return next((message for _, message in await self._told(self._retrieve([one], limit))), None)

    async def delete(self, messages: Sequence[Listed], *, commit: Commit) -> list[Listed]:
        """Delete messages: DELE for each, then QUIT. Returns those that are gone now; the session is over.

        Nothing is gone before the server's answer to QUIT (RFC 1939, 6): a connection lost between leaves all of them.
        Point of no return: QUIT; ``commit`` is awaited right before it. When its answer is lost, they may be gone or
        not; doing it again is safe, because numbers and UIDLs of other messages do not change their meaning by that.
        """
        marked = await self._told(self._mark(messages))
        if marked:
            await commit()
            await self._told(self._quit())
        return marked

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
            await protocol.encrypt(tls, self._server.host, until)
        self._phase = Phase.GREETING
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
        self._phase = Phase.AUTH
        await self._log_in(self._auth)
        if not self._offers("UIDL") or not self._offers("TOP"):
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
        self._phase = Phase.CAPA
        try:
            await self._ask(b"CAPA\r\n")
        except Pop3Refusal:
            self._capabilities = None
            return
        lines = (await self._block(_CAPABILITIES_LIMIT)).decode("utf-8", "replace").splitlines()
        pairs = (line.strip().partition(" ") for line in lines)
        self._capabilities = {name.upper(): value.upper() for name, _, value in pairs if name}

    def _offers(self, capability: str) -> bool:
        return capability in (self._capabilities or {})

    async def _ask_for_tls(self) -> None:
        self._phase = Phase.STARTTLS
        if self._capabilities is not None and not self._offers("STLS"):
            raise errors.Unsupported(
                f"{self._where} does not offer STLS, so no password was sent.",
                next_step="Use security SSL_TLS with its port, or find out who removed the offer on the way.",
                details=self._where.details,
            )
        await self._ask(b"STLS\r\n")
        self._phase = Phase.TLS

    # ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _log_in(self, auth: MailboxAuth) -> None:
        """Log in once: with what shows a listener the least, and never with something weaker when that fails."""
        offered = (self._capabilities or {}).get("SASL", "").split()
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
        return self._timestamp is not None and self._is_plain_user and " " not in self._username

    @property
    def _username(self) -> str:
        return "" if isinstance(self._auth, NoAuth) else self._auth.username

    @property
    def _may_user(self) -> bool:
        return self._is_plain_user and (self._capabilities is None or self._offers("USER"))

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
        await self._ask(command("USER", auth.username))
        await self._ask(line)

    async def _log_in_with_apop(self, auth: PasswordAuth) -> None:
        proof = f"{self._timestamp}{auth.password.get_secret_value()}".encode()
        await self._ask(command("APOP", auth.username, hashlib.md5(proof, usedforsecurity=False).hexdigest()))

    async def _log_in_with_sasl(self, name: str, mechanism: Mechanism) -> None:
        """RFC 5034."""
        reply = await self._begin_sasl(name, mechanism.initial())
        while not reply.startswith("+OK"):
            # SCRAM counts hundreds of thousands of hashes here; other jobs must not wait for that.
            answer = await asyncio.to_thread(mechanism.answer, _challenge(reply[2:]))
            self._token_status = mechanism.refusal
            reply = await self._ask(command(_line(answer)))
        mechanism.finish()

    async def _begin_sasl(self, name: str, first: bytes | None) -> str:
        """Say AUTH with the client's first words, or before them where they are too long for a command line."""
        if first is None:
            return await self._ask(command("AUTH", name))
        line = command("AUTH", name, _line(first) or "=")
        if len(line) <= _COMMAND_LIMIT:
            return await self._ask(line)
        reply = await self._ask(command("AUTH", name))
        return reply if reply.startswith("+OK") else await self._ask(command(_line(first)))

    def _no_login(self, offered: Sequence[str], auth: MailboxAuth) -> errors.Unsupported:
        ways = [shown_text(name) for name in offered] + ["USER"] * self._offers("USER")
        carried = "an access token" if isinstance(auth, TokenAuth) else "user name and password"
        known = ", ".join(mechanisms(auth))
        what = f"offers only {', '.join(ways)} to log in; {carried} can be given with {known}"
        return errors.Unsupported(
            f"{self._where} {what if ways else 'does not offer any login'}.",
            next_step="Choose another port or security; many servers let in nobody without encryption."
            if not self.encryption
            else None,
            details=self._where.details,
        )

    # ── listing and reading ──────────────────────────────────────────────────────────────────────────────────────

    async def _list(self) -> tuple[Listed, ...]:
        self._phase = Phase.LIST
        if self._offers("PIPELINING"):
            self._write(b"LIST\r\nUIDL\r\n")
            sizes = await self._listed()
            names = await self._named()
        else:
            self._write(b"LIST\r\n")
            sizes = await self._listed()
            self._write(b"UIDL\r\n")
            names = await self._named()
        self._at_rest = True
        if len(sizes) > _LONG_LISTING:
            return await asyncio.to_thread(_entries, sizes, names)
        return _entries(sizes, names)

    async def _listed(self) -> bytes:
        await self._status()
        return await self._block(LISTING_LIMIT)

    async def _named(self) -> bytes:
        try:
            return await self._listed()
        except Pop3Refusal as refusal:
            if refusal.code:
                raise
            return b""

    def _remembered(self, one: Listed) -> bytes | None:
        return None if one.uidl is None else self._cache.get(self._mailbox, one.uidl)

    @property
    def _mailbox(self) -> tuple[object, ...]:
        authorization = self._auth.authorization_id if isinstance(self._auth, PasswordAuth) else None
        return (*self._server.endpoint, self._username, authorization)

    async def _headers(self, messages: Sequence[Listed]) -> list[tuple[Listed, bytes]]:
        self._phase = Phase.FETCH
        if self._has_top is None and messages:
            self._has_top = self._offers("TOP") or await self._knows_top(messages[0])
        if not self._has_top:
            return await self._headers_without_top(messages)
        lines = [command("TOP", str(one.number), "0") for one in messages]
        blocks = await self._blocks(messages, lines, HEADER_LIMIT)
        return [(one, _header_of(block)) for one, block in blocks]

    async def _knows_top(self, one: Listed) -> bool:
        return bool(await self._blocks([one], [command("TOP", str(one.number), "0")], HEADER_LIMIT))

    async def _headers_without_top(self, messages: Sequence[Listed]) -> list[tuple[Listed, bytes]]:
        """TOP is optional (RFC 1939, 7). A message that is too large to be read for its header has none."""
        found = []
        for some in _batches([one for one in messages if one.size <= _WITHOUT_TOP_LIMIT]):
            found += [(one, _header_of(message)) for one, message in await self._retrieve(some, _WITHOUT_TOP_LIMIT)]
        return found + [(one, b"") for one in messages if one.size > _WITHOUT_TOP_LIMIT]

    async def _retrieve(self, messages: Sequence[Listed], limit: int) -> list[tuple[Listed, bytes]]:
        self._phase = Phase.FETCH
        lines = [command("RETR", str(one.number)) for one in messages]
        try:
            return await self._blocks(messages, lines, limit)
        except Pop3ReplyTooLong:
            raise self._too_large(None, limit) from None

    async def _blocks(
        self, messages: Sequence[Listed], commands: Sequence[bytes], limit: int
    ) -> list[tuple[Listed, bytes]]:
        """The multi-line replies to one command for each message; those that are refused are left out."""
        found = []
        budget = limit + _BATCH_LIMIT
        pipelined = self._offers("PIPELINING")
        if pipelined and commands:
            self._write(b"".join(commands))
        for one, line in zip(messages, commands, strict=True):
            if not pipelined:
                self._write(line)
            try:
                await self._status()
            except Pop3Refusal as refusal:
                if refusal.code:
                    raise
                continue
            block = await self._block(min(limit, budget))
            budget -= len(block)
            found.append((one, block))
        self._at_rest = True
        return found

    def _too_large(self, size: int | None, limit: int) -> errors.MessageTooLarge:
        has = f"{size} bytes" if size else "more than the server said"
        return errors.MessageTooLarge(
            f"The message has {has}; at most {limit} are read.",
            details={**self._where.details, "sizeBytes": size, "limitBytes": limit},
        )

    # ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _mark(self, messages: Sequence[Listed]) -> list[Listed]:
        self._phase = Phase.DELETE
        marked = []
        for start in range(0, len(messages), IN_FLIGHT):
            some = messages[start : start + IN_FLIGHT]
            self._marked = True
            marked += [one for one, done in zip(some, await self._marks(some), strict=True) if done]
        self._marked = bool(marked)
        return marked

    async def _marks(self, messages: Sequence[Listed]) -> list[bool]:
        lines = [command("DELE", str(one.number)) for one in messages]
        pipelined = self._offers("PIPELINING")
        if pipelined:
            self._write(b"".join(lines))
        done = []
        for line in lines:
            if not pipelined:
                self._write(line)
            try:
                await self._status()
                done.append(True)
            except Pop3Refusal as refusal:
                if refusal.code:
                    raise
                done.append(False)
        self._at_rest = True
        return done

    async def _quit(self) -> None:
        self._phase = Phase.QUIT
        await self._ask(b"QUIT\r\n")
        self._marked = False
        self._connection.hang_up(politely=False)

    # ── talking ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _connection(self) -> Pop3Protocol:
        if self._protocol is None:
            raise ConnectionResetError("not connected")
        return self._protocol

    @property
    def _where(self) -> Where:
        return Where.of(self._server, self._phase, self._auth)

    def _write(self, lines: bytes) -> None:
        """Send commands; until all of their replies are read, the connection is good for nothing else."""
        if self._connection.has_surplus:
            raise Pop3Violation("more than it was asked for")
        self._at_rest = False
        self._connection.write(lines)

    async def _status(self) -> str:
        return await self._connection.status(min(self._loop.time() + self._timeouts.command_s, self._deadline))

    async def _block(self, limit: int) -> bytes:
        return await self._connection.block(limit, self._deadline)

    async def _ask(self, line: bytes) -> str:
        self._write(line)
        return await self._status()

    async def _told(self, step: Awaitable[_Result]) -> _Result:
        """Do a step; what the server or the connection raises in it becomes one of our errors."""
        try:
            return await step
        except faults.FAULTS as error:
            fault = error
        told = faults.translate(fault, self._where, token_status=self._token_status, login_delay=self._login_delay)
        # In AUTH the fault may hold an echo of the password, so it is cut off here, outside of its handler.
        raise told from (None if self._phase is Phase.AUTH else fault)

    @property
    def _login_delay(self) -> timedelta | None:
        """The seconds between two logins that the server announces (RFC 2449, 6.5)."""
        announced = (self._capabilities or {}).get("LOGIN-DELAY", "").partition(" ")[0]
        if not re.fullmatch(r"\d{1,6}", announced):
            return None
        return timedelta(seconds=min(int(announced), _LONGEST_DELAY_S))


def _entries(sizes: bytes, names: bytes) -> tuple[Listed, ...]:
    """The messages of LIST with the names of UIDL.

    Raises:
        Pop3Violation: LIST is not one, or UIDL is not.
    """
    numbers, octets = _columns(sizes, _SIZE_LINE)
    named, uidls = _columns(names, _UIDL_LINE)
    if len(set(numbers)) != len(numbers):
        raise Pop3Violation("LIST has a message twice")
    name_of: dict[str, str] = dict(zip(named, uidls, strict=True))
    if len(set(uidls)) != len(uidls):
        times = Counter(uidls)
        name_of = {number: uidl for number, uidl in name_of.items() if times[uidl] == 1}
    listed = map(Listed, map(int, numbers), map(int, octets), map(name_of.get, numbers))
    return tuple(sorted(listed))


def _columns(listing: bytes, line: re.Pattern[str]) -> tuple[Sequence[str], Sequence[str]]:
    found = line.findall(listing.decode("latin-1"))
    if len(found) != listing.count(b"\r\n"):
        raise Pop3Violation("a list that is none")
    return [first for first, _ in found], [second for _, second in found]


def _batches(messages: Sequence[Listed]) -> Iterator[list[Listed]]:
    """Messages that are asked for together: not too many, and not too much."""
    batch: list[Listed] = []
    size = 0
    for one in messages:
        if batch and (len(batch) == IN_FLIGHT or size + one.size > _IN_FLIGHT_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def _header_of(message: bytes) -> bytes:
    end = message.find(b"\r\n\r\n")
    return message if end < 0 else message[: end + 2]


def _summary(header: bytes) -> bytes:
    received = _RECEIVED.search(header)
    return b"".join(_SUMMARY.findall(header)) + (received[0] if received else b"")


def _line(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _challenge(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SaslError("the server's challenge is not base64") from None


@dataclass(frozen=True, slots=True)
class Pop3Connector:
    """How this worker opens POP3 sessions: what the pool calls."""

    policy: TlsPolicy = field(default_factory=TlsPolicy)
    timeouts: Pop3Timeouts = field(default_factory=Pop3Timeouts)
    cache: UidlCache = field(default_factory=UidlCache)
    egress: EgressPolicy = field(default_factory=EgressPolicy)

    async def __call__(self, server: Pop3Server, auth: MailboxAuth) -> Pop3Session:
        """Open a session. A mailbox that somebody else has open is asked for again, for ``locked_s`` seconds.

        Raises:
            MailboxLocked: it was not let go.
            WorkerError: as ``mail.pop3.faults`` says; nothing is left open.
        """
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self.timeouts.locked_s, _FIRST_PAUSE_S
        while True:
            session = self.session(server, auth)
            try:
                await session.open()
            except errors.MailboxLocked:
                if loop.time() + pause > until:
                    raise
            else:
                return session
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def session(self, server: Pop3Server, auth: Auth) -> Pop3Session:
        """A session that is not open yet; with ``NoAuth`` it is only good for a look at the server."""
        return Pop3Session(server, auth, self.policy, self.timeouts, self.cache, self.egress)
