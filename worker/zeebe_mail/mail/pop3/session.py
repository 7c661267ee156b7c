"""A logged-in POP3 connection (RFC 1939, RFC 2449): a snapshot of one mailbox, for one job.

While it is open many servers lock the mailbox, and it never shows mail that came after the login. So no session is kept
for another job: the pool closes it when it comes back.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from zeebe_mail import errors
from zeebe_mail.auth.models import Auth, MailboxAuth, PasswordAuth
from zeebe_mail.egress import EgressPolicy
from zeebe_mail.mail.faults import Phase
from zeebe_mail.mail.pop3.dialogue import Pop3Dialogue, Pop3Timeouts
from zeebe_mail.mail.pop3.listing import Listed, entries
from zeebe_mail.mail.pop3.protocol import Pop3ReplyTooLong, command
from zeebe_mail.mail.pop3.uidl_cache import Remembered, UidlCache
from zeebe_mail.mail.server import Pop3Server
from zeebe_mail.mail.tls import TlsPolicy
from zeebe_mail.message.header_fields import SUMMARY_FIELDS

HEADER_LIMIT = 4 * 1024 * 1024
"""Bytes of one message's header; no server lets a mail with so many in."""
LISTING_LIMIT = 64 * 1024 * 1024
"""Bytes of a LIST or UIDL."""
REMEMBERED = frozenset(name.lower() for name in (*SUMMARY_FIELDS, "Received"))
"""The header fields of a summary, lower case; of several Received, the topmost."""
IN_FLIGHT = 200
"""Commands that are sent before the first of their replies is read."""

_IN_FLIGHT_BYTES = 1024 * 1024  # of messages that are asked for together
_BATCH_LIMIT = 16 * 1024 * 1024  # bytes of all replies that are read together, beyond the largest that one may have
_WITHOUT_TOP_LIMIT = 25 * 1024 * 1024  # bytes that are read of a message for its header alone
_LONG_LISTING = 64 * 1024  # bytes; what is longer is read in a thread, so that other jobs go on
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0  # between two tries to open a mailbox that is locked

_EMPTY_LINE = b"\r\n"  # that ends a header
_WANTED = b"|".join(re.escape(name.encode()) for name in SUMMARY_FIELDS)
_VALUE = rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*"
_SUMMARY = re.compile(rb"^(?:" + _WANTED + rb")" + _VALUE, re.IGNORECASE | re.MULTILINE)
_RECEIVED = re.compile(rb"^Received" + _VALUE, re.IGNORECASE | re.MULTILINE)

Commit = Callable[[], Awaitable[None]]


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
        self._dialogue = Pop3Dialogue(server, auth, policy, timeouts, egress)
        authorization = auth.authorization_id if isinstance(auth, PasswordAuth) else None
        self._mailbox = (*server.endpoint, self._dialogue.username, authorization)
        self._cache = cache
        self._marked = False
        self._has_top: bool | None = None
        self._listing: tuple[Listed, ...] | None = None

    # ── what the pool calls ──────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Connect, encrypt as asked, log in; with ``NoAuth`` there is no login, and nothing but a look at the server.

        Raises:
            WorkerError: as ``mail.pop3.faults`` says; the connection is closed.
        """
        await self._dialogue.open()

    @property
    def is_usable(self) -> bool:
        """Never: the next job needs a session that sees the mailbox as it is then."""
        return False

    async def check(self) -> bool:
        """Whether a session that waited may be used: see :attr:`is_usable`."""
        return self.is_usable

    def close(self) -> None:
        """Hang up without waiting; with QUIT where that removes nothing, so that the mailbox is free for others."""
        self._dialogue.close(politely=not self._marked)

    # ── what a probe looks at ────────────────────────────────────────────────────────────────────────────────────

    @property
    def phase(self) -> Phase:
        """The last step that was begun."""
        return self._dialogue.phase

    @property
    def offers(self) -> list[str]:
        """The server's capabilities with their parameters (CAPA)."""
        return [f"{name} {value}".strip() for name, value in self._dialogue.capabilities.items()]

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        return self._dialogue.encryption

    # ── what operations call ─────────────────────────────────────────────────────────────────────────────────────

    async def listing(self) -> tuple[Listed, ...]:
        """All messages of the mailbox, by number, which is in practice the order in which they came."""
        if self._listing is None:
            self._listing = await self._dialogue.told(self._list())
        return self._listing

    async def summaries(self, messages: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        """Of each message the header fields of :data:`REMEMBERED`, as one block.

        Those seen before cost nothing. Those that have gone are left out.
        """
        for start in range(0, len(messages), IN_FLIGHT):
            some = messages[start : start + IN_FLIGHT]
            known = {one.number: seen for one in some if (seen := self._remembered(one)) is not None}
            async for one, header in self.headers([one for one in some if one.number not in known]):
                known[one.number] = seen = Remembered(_summary(header), one.header_size or 0)
                if one.uidl is not None:
                    self._cache.put(self._mailbox, one.uidl, seen)
            for one in some:
                if one.number in known:
                    seen = known[one.number]
                    yield one._replace(header_size=seen.header_size), seen.block
            # What was remembered needs no reply, so nothing above has let other jobs go on.
            await asyncio.sleep(0)

    async def headers(self, messages: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        """The whole header of each message (TOP; without it RETR). Those that have gone are left out."""
        for start in range(0, len(messages), IN_FLIGHT):
            for one, header in await self._dialogue.told(self._headers(messages[start : start + IN_FLIGHT])):
                yield one._replace(header_size=min(len(header) + len(_EMPTY_LINE), one.size)), header

    async def messages(self, messages: Sequence[Listed], *, limit: int) -> AsyncIterator[tuple[Listed, bytes]]:
        """Whole messages (RETR). Those that have gone, and those of more than ``limit`` bytes by LIST, are left out.

        Raises:
            MessageTooLarge: one is larger than ``limit`` though LIST said otherwise.
        """
        for some in _batches([one for one in messages if one.size <= limit]):
            for one, message in await self._dialogue.told(self._retrieve(some, limit)):
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
        return next((message for _, message in await self._dialogue.told(self._retrieve([one], limit))), None)

    async def delete(self, messages: Sequence[Listed], *, commit: Commit) -> list[Listed]:
        """Delete messages: DELE for each, then QUIT. Returns those that are gone now; the session is over.

        Nothing is gone before the server's answer to QUIT (RFC 1939, 6): a connection lost between leaves all of them.
        Point of no return: QUIT; ``commit`` is awaited right before it. When its answer is lost, they may be gone or
        not; doing it again is safe, because numbers and UIDLs of other messages do not change their meaning by that.
        """
        marked = await self._dialogue.told(self._mark(messages))
        if marked:
            await commit()
            await self._dialogue.told(self._quit())
        return marked

    # ── listing and reading ──────────────────────────────────────────────────────────────────────────────────────

    async def _list(self) -> tuple[Listed, ...]:
        self._dialogue.phase = Phase.LIST
        listings = {}
        async for name, refusal in self._dialogue.replies((("LIST", b"LIST\r\n"), ("UIDL", b"UIDL\r\n"))):
            if refusal and name == "LIST":
                raise refusal
            listings[name] = b"" if refusal else await self._dialogue.block(LISTING_LIMIT)
        sizes, uidls = listings["LIST"], listings["UIDL"]
        return await asyncio.to_thread(entries, sizes, uidls) if len(sizes) > _LONG_LISTING else entries(sizes, uidls)

    def _remembered(self, one: Listed) -> Remembered | None:
        return None if one.uidl is None else self._cache.get(self._mailbox, one.uidl)

    async def _headers(self, messages: Sequence[Listed]) -> list[tuple[Listed, bytes]]:
        self._dialogue.phase = Phase.FETCH
        if self._has_top is None and messages:
            self._has_top = self._dialogue.can("TOP") or await self._knows_top(messages[0])
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
        self._dialogue.phase = Phase.FETCH
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
        async for one, refusal in self._dialogue.replies(list(zip(messages, commands, strict=True))):
            if refusal is None:
                block = await self._dialogue.block(min(limit, budget))
                budget -= len(block)
                found.append((one, block))
        return found

    def _too_large(self, size: int | None, limit: int) -> errors.MessageTooLarge:
        has = f"{size} bytes" if size else "more than the server said"
        return errors.MessageTooLarge(
            f"The message has {has}; at most {limit} are read.",
            details={**self._dialogue.where.details, "sizeBytes": size, "limitBytes": limit},
        )

    # ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _mark(self, messages: Sequence[Listed]) -> list[Listed]:
        self._dialogue.phase = Phase.DELETE
        marked = []
        for start in range(0, len(messages), IN_FLIGHT):
            some = [(one, command("DELE", str(one.number))) for one in messages[start : start + IN_FLIGHT]]
            self._marked = True
            marked += [one async for one, refusal in self._dialogue.replies(some) if refusal is None]
        self._marked = bool(marked)
        return marked

    async def _quit(self) -> None:
        self._dialogue.phase = Phase.QUIT
        await self._dialogue.ask(b"QUIT\r\n")
        self._marked = False
        self._dialogue.close(politely=False)


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
