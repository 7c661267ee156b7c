"""The wire of IMAP (RFC 9051, 2.2): one command out in one write, its responses in, nothing of it without a bound.

imaplib reads line by line with a time-out for each read, writes a command in pieces, takes literals of any size and
cannot be interrupted; all of that would have to be replaced to stand a hostile server, so this is a protocol of our
own: whole responses are cut off the stream as they come, each byte is looked at once, and what a command may cost is
said with it. Nothing is interpreted here but what keeps the conversation going.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

MAX_LINE = 16 * 2**20
"""Bytes of a response without its literals: SEARCH answers a million UIDs in 8 MB."""
ORDINARY = 2**20
"""Bytes that an ordinary command may be answered with."""
_UNASKED = 2**16  # bytes that a server may say while nobody asks
_SHUTDOWN_S = 1.0  # a peer that does not answer our TLS goodbye is not waited for
_LITERAL_MINUS = 4096  # RFC 7888, 5

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LITERAL_AT_END = re.compile(rb"\{(\d+)\+?\}\r?\n\Z")
_STATUS = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)(?: +|\r?\n\Z)(?:\[([!-~]+?)(?: ([^\r\n]*?))?\] ?)?([^\r\n]*)", re.IGNORECASE
)
_NUMBER_OF_MESSAGES = re.compile(rb"\* (\d{1,10}) EXISTS\r?\n\Z", re.IGNORECASE)
_CHANGE = re.compile(rb"\* \d{1,10} (?:EXISTS|EXPUNGE)\b|\* VANISHED\b", re.IGNORECASE)
_FLAGS_CHANGE = re.compile(rb"\* \d{1,10} FETCH\b", re.IGNORECASE)
_HAS_TEXT = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


class ImapViolation(Exception):
    """The server broke the protocol, or said more than it may."""


class ImapClosed(ConnectionError):
    """The connection is over; ``status`` is the server's goodbye (BYE), if it had one."""

    def __init__(self, status: Status | None = None) -> None:
        super().__init__("connection closed")
        self.status = status


class ImapRefusal(Exception):
    """The server answered NO or BAD."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.condition)
        self.status = status


class Literal(bytes):
    """A part of a command that goes out as a literal, whatever bytes it has (RFC 9051, 4.3)."""


Piece = bytes | Literal
"""A command is written as its pieces, one after the other, with the spaces they have."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status response (RFC 9051, 7.1): ``condition`` is OK, NO, BAD, BYE or PREAUTH; ``code`` is upper case."""

    condition: str
    code: str
    argument: bytes
    text: str

    @classmethod
    def of(cls, line: bytes) -> Status:
        """Take a status apart.

        Raises:
            ImapViolation: it is none.
        """
        found = _STATUS.match(line)
        if found is None:
            raise ImapViolation(f"not a status response: {_shown(line)}")
        condition, code, argument, text = found.groups()
        return cls(
            condition.decode().upper(), (code or b"").decode().upper(), argument or b"", text.decode("utf-8", "replace")
        )


@dataclass(frozen=True, slots=True)
class Response:
    """An untagged response. In ``text`` a literal is its ``{size}`` and a line break; its bytes are in ``literals``."""

    text: bytes
    literals: tuple[bytes, ...] = ()


Take = Callable[[Response], None]


@dataclass(slots=True)
class Reply:
    """What a command was answered: the untagged responses that came with it, and its OK."""

    status: Status
    untagged: list[Response]


@dataclass(slots=True)
class _Partial:
    """A response that is not complete yet."""

    lines: list[bytes] = field(default_factory=list)
    literals: list[bytes] = field(default_factory=list)
    length: int = 0
    missing: int | None = None
    """Bytes of the literal that is being read."""


class ImapConnection(asyncio.Protocol):
    """One connection. ``exists`` is what the server last said of the selected mailbox's size."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = bytearray()
        self._scanned = 0
        self._partial = _Partial()
        self._allowance = _UNASKED
        self._answers: deque[Status | bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._fault: Exception | None = None
        self._tag: bytes | None = None
        self._number = 0
        self._greeted = False
        self._take: Take = _ignore
        self.literal_plus = 0
        """Bytes up to which literals need not be waited for (RFC 7888)."""
        self.exists: int | None = None
        self.changed = False
        """Whether the selected mailbox has got or lost messages since somebody last set this to false."""

    # ── what the transport calls ─────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more will come."""
        self._end(error if isinstance(error, ssl.SSLError) else ImapClosed())

    def data_received(self, data: bytes) -> None:
        """Cut complete responses off the stream."""
        if self._fault is not None:
            return
        self._allowance -= len(data)
        self._buffer += data
        try:
            if self._allowance < 0:
                raise ImapViolation("a reply without end")
            self._cut()
        except ImapViolation as violation:
            self._end(violation)

    def _cut(self) -> None:
        """Take whole responses off the buffer. Each byte is looked at once, however slowly they trickle in."""
        buffer, partial, start = self._buffer, self._partial, 0
        while self._fault is None:
            if partial.missing is not None:
                end = start + partial.missing
                if len(buffer) < end:
                    break
                partial.literals.append(bytes(buffer[start:end]))
                partial.missing, start = None, end
                continue
            end = buffer.find(b"\n", max(start, self._scanned)) + 1
            if not end:
                self._scanned = len(buffer)
                break
            line, start = bytes(buffer[start:end]), end
            self._add(partial, line)
            if partial.missing is None:
                whole = line if len(partial.lines) == 1 else b"".join(partial.lines)
                response = Response(whole, tuple(partial.literals))
                partial = self._partial = _Partial()
                self._dispatch(response)
        del buffer[:start]
        self._scanned = max(self._scanned - start, 0)
        if partial.missing is None and len(buffer) + partial.length > MAX_LINE:
            raise ImapViolation("a line without end")

    def _add(self, partial: _Partial, line: bytes) -> None:
        partial.lines.append(line)
        partial.length += len(line)
        if partial.length > MAX_LINE:
            raise ImapViolation("a line without end")
        if line.endswith((b"}\r\n", b"}\n")) and not (len(partial.lines) == 1 and _HAS_TEXT.match(line)):
            literal = _LITERAL_AT_END.search(line)
            if literal and partial.lines[0].startswith(b"* "):
                if len(literal[1]) > 12 or int(literal[1]) > self._allowance + len(self._buffer):
                    raise ImapViolation("a literal that is too large")
                partial.missing = int(literal[1])

    def _dispatch(self, response: Response) -> None:
        line = response.text
        if not self._greeted:
            self._greeted = True
            if not line.startswith(b"* "):
                raise ImapViolation(f"not IMAP: {_shown(line)}")
            self._answer(Status.of(line[2:]))
        elif line.startswith(b"* "):
            self._untagged(response)
        elif self._tag is None:
            raise ImapViolation(f"an answer that nobody asked for: {_shown(line)}")
        elif line.startswith(self._tag + b" "):
            self._tag = None
            self._answer(Status.of(line[len(f"{self._number:x}") + 2 :]))
        elif line.startswith((b"+ ", b"+\r", b"+\n")):
            self._answer(line[1:].strip())
        else:
            raise ImapViolation(f"an answer to another question: {_shown(line)}")

    def _untagged(self, response: Response) -> None:
        line = response.text
        if line[2:5].upper() == b"BYE":
            self._end(ImapClosed(Status.of(line[2:])))
            return
        if (size := _NUMBER_OF_MESSAGES.match(line)) is not None:
            self.exists = int(size[1])
        if _CHANGE.match(line):
            self.changed = True
            self._wake()
        self._take(response)

    def _notice(self, response: Response) -> None:
        if _FLAGS_CHANGE.match(response.text):
            self.changed = True
            self._wake()

    def _answer(self, answer: Status | bytes) -> None:
        self._answers.append(answer)
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, fault: Exception) -> None:
        """Nothing that comes from now on counts."""
        if self._fault is None:
            self._fault = fault
            self._buffer.clear()
            self._wake()
            self.abort()

    # ── what the session calls ───────────────────────────────────────────────────────────────────────────────────

    @property
    def is_open(self) -> bool:
        """Whether a command may be sent."""
        return self._fault is None and self._transport is not None and not self._transport.is_closing()

    @property
    def encryption(self) -> ssl.SSLObject | None:
        """The connection's TLS, where there is one."""
        return self._transport.get_extra_info("ssl_object") if self._transport else None

    async def greeting(self, until: float) -> Status:
        """The server's first words."""
        answer = await self._next(until)
        assert isinstance(answer, Status)
        return answer

    async def encrypt(self, context: ssl.SSLContext, host: str, until: float) -> None:
        """Start TLS; nothing said before counts.

        Raises:
            ImapViolation: there are bytes that came before the handshake (CVE-2011-0411).
        """
        if self._buffer or self._answers or self._partial.lines:
            raise ImapViolation("bytes before the TLS handshake")
        if not self.is_open or self._transport is None:
            raise self._fault or ImapClosed()
        async with asyncio.timeout_at(until):
            encrypted = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=host,
                # The loop's own limit must be there, but the overall one above is the one that counts.
                ssl_handshake_timeout=max(until - self._loop.time(), 0.001) + 1,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
        if encrypted is None:
            raise ImapClosed
        self._transport = encrypted

    async def ask(self, *pieces: Piece, until: float, allowance: int = ORDINARY, take: Take | None = None) -> Reply:
        """Send a command and wait for its OK, at most until this time of the loop's clock.

        ``allowance`` is how many bytes the answer may have; ``take`` gets the untagged responses one by one, else they
        come with the reply.

        Raises:
            ImapRefusal: NO or BAD; the conversation may go on.
            ImapClosed | ImapViolation | TimeoutError: the connection is of no more use.
        """
        untagged: list[Response] = []
        answer = await self._sent(self._begin(pieces), until, allowance, take or untagged.append)
        return Reply(self._accept(answer), untagged)

    async def converse(self, first: Piece, reply_to: Callable[[bytes], Awaitable[bytes | None]], until: float) -> Reply:
        """Send a command that the server questions, as AUTHENTICATE is: each question gets its answer.

        An answer of None takes the command back (RFC 9051, 6.2.2).
        """
        untagged: list[Response] = []
        answer = await self._sent(self._begin((first,)), until, ORDINARY, untagged.append)
        try:
            while isinstance(answer, bytes):
                said = await reply_to(answer)
                self._write(b"*\r\n" if said is None else said + b"\r\n")
                answer = await self._next(until)
        except BaseException:
            self.abort()
            raise
        return Reply(self._accept(answer), untagged)

    async def idle(self, wait_until: float, until: float) -> None:
        """IDLE (RFC 2177) until something has changed or the time is over."""
        answer = await self._sent(self._begin((b"IDLE",)), until, ORDINARY, self._notice)
        if isinstance(answer, bytes):
            try:
                await self._until_changed(wait_until)
                self._write(b"DONE\r\n")
                answer = await self._next(until)
            except BaseException:
                self.abort()
                raise
        self._accept(answer)

    def abort(self) -> None:
        """Hang up without waiting for anything."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.abort()

    def hang_up(self) -> None:
        """Say LOGOUT and hang up; nothing is waited for."""
        if self._tag is None and self.is_open and self._transport is not None:
            self._transport.write(b"zz LOGOUT\r\n")
        self.abort()

    # ── one command ──────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, pieces: Iterable[Piece]) -> deque[bytes]:
        """The writes that make up a command: one, but for literals that have to be waited for."""
        self._number += 1
        writes, write = deque[bytes](), bytearray(b"z%x " % self._number)
        for piece in pieces:
            if not isinstance(piece, Literal):
                if _CONTROL.search(piece):
                    raise ValueError("a control character in an IMAP command")
                write += piece
                continue
            if piece.find(b"\0") >= 0:
                raise ValueError("the character NUL in an IMAP literal")
            waits = len(piece) > self.literal_plus
            write += b"{%d%s}\r\n" % (len(piece), b"" if waits else b"+")
            if waits:
                writes.append(bytes(write))
                write.clear()
            write += piece
        write += b"\r\n"
        writes.append(bytes(write))
        return writes

    async def _sent(self, writes: deque[bytes], until: float, allowance: int, take: Take) -> Status | bytes:
        """Write a command; the first answer to all of it."""
        if self._fault is not None:
            raise self._fault
        if self._tag is not None or self._answers:
            raise ImapViolation("an answer that nobody asked for")
        self._tag = b"z%x" % self._number
        self._allowance, self._take = allowance, take
        try:
            while True:
                self._write(writes.popleft())
                answer = await self._next(until)
                if not writes or not isinstance(answer, bytes):
                    return answer
        except BaseException:
            self.abort()
            raise

    def _accept(self, answer: Status | bytes) -> Status:
        self._allowance, self._take = _UNASKED, _ignore
        if isinstance(answer, bytes):
            self.abort()
            raise ImapViolation("asked for more of a command that is complete")
        if answer.condition not in ("OK", "NO", "BAD"):
            self.abort()
            raise ImapViolation(f"{answer.condition} as the end of a command")
        if answer.condition != "OK":
            raise ImapRefusal(answer)
        return answer

    def _write(self, data: bytes) -> None:
        if not self.is_open or self._transport is None:
            raise self._fault or ImapClosed()
        self._transport.write(data)

    async def _next(self, until: float) -> Status | bytes:
        async with asyncio.timeout_at(until):
            while not self._answers:
                await self._something()
        return self._answers.popleft()

    async def _until_changed(self, when: float) -> None:
        try:
            async with asyncio.timeout_at(when):
                while not self.changed and not self._answers:
                    await self._something()
        except TimeoutError:
            pass

    async def _something(self) -> None:
        if self._fault is not None:
            raise self._fault
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None


def _ignore(_: Response) -> None:
    """Nobody asked."""


def _shown(line: bytes) -> str:
    return line[:80].decode("utf-8", "replace").strip()
