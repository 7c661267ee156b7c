"""The wire of IMAP (RFC 9051, 2.2): one command out in one write, its responses in, nothing of it without a bound.

imaplib reads line by line with a time-out for each read, writes a command in pieces, takes literals of any size and
cannot be interrupted; all of that would have to be replaced to stand a hostile server, so this is a protocol of our
own: whole responses are cut off the stream as they come, each byte is looked at once, and what a command may cost is
said with it. Nothing is interpreted here but what keeps the conversation going.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from zeebe_mail.mail.tls import start_tls
from zeebe_mail.message.payload import Payload

MAX_LINE = 16 * 2**20
"""Bytes of a response without its literals: SEARCH answers a million UIDs in 8 MB."""
MAX_LITERAL = 2**21
"""Bytes of one literal; larger things are asked for in pieces."""
ORDINARY = 2**20
"""Bytes that an ordinary command may be answered with."""
_MAX_LITERALS = 10_000  # of one response: while it is read, nobody else goes on
_LITTLE = 2**13  # bytes that are looked at in one go
_ENOUGH = 2**18  # bytes that wait to be looked at before the server has to wait
_MOMENT_S = 0.002
_UNASKED = 2**16  # bytes that a server may say while nobody asks

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LITERAL_AT_END = re.compile(rb"\{(\d+)\+?\}\r?\n\Z")
_STATUS = re.compile(
    rb"(OK|NO|BAD|BYE|PREAUTH)(?: +|\r?\n\Z)(?:\[([!-~]+?)(?: ([^\r\n]*?))?\] ?)?([^\r\n]*)", re.IGNORECASE
)
_CHANGE = re.compile(rb"\* (?:(\d{1,10}) (?:(EXISTS)|EXPUNGE)\b|VANISHED\b)", re.IGNORECASE)
_FETCH = re.compile(rb"\* \d{1,10} FETCH\b", re.IGNORECASE)
_HAS_TEXT = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)


class ImapViolation(Exception):
    """The server broke the protocol."""


class ImapExcess(ImapViolation):
    """The server said more than it may."""


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
"""A command is written as its pieces, one after the other, with the spaces they have. A payload is a literal too."""


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


class Response(NamedTuple):
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

    def __init__(self, loop: asyncio.AbstractEventLoop, turn: asyncio.Lock, silence_s: float) -> None:
        """``turn`` is held while many responses are worked off: one connection does that at a time.

        ``silence_s`` is how long the server may neither say nor take anything while it owes an answer.
        """
        self._loop = loop
        self._turn = turn
        self._silence_s = silence_s
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
        self._is_greeted = False
        self._is_fresh = False
        """Whether the buffer has bytes that were not looked at."""
        self._is_paused = False
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._is_attended = True
        """Whether somebody waits, or is about to."""
        self._take: Take | None = None
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
        """Nothing more will come; what has come still counts."""
        if self._fault is None:
            self._fault = error if isinstance(error, ssl.SSLError) else ImapClosed()
        self._may_write.set()
        self._wake()

    def pause_writing(self) -> None:
        """The server is slower than we are."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """The server has caught up."""
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        """Keep what came for the command that waits for it; without one, look at it at once."""
        if self._fault is not None:
            return
        self._allowance -= len(data)
        self._buffer += data
        self._is_fresh = True
        if self._allowance < 0:
            self._end(ImapExcess("a reply without end"))
        elif not self._is_attended:
            self._look()
        else:
            if len(self._buffer) > _ENOUGH and self._partial.missing is None:
                self._pause()
            self._wake()

    def _look(self) -> None:
        """See to what came while nobody asked: a goodbye, news of the mailbox."""
        if self._is_fresh and not self._is_attended:
            with contextlib.suppress(ImapViolation):
                self._cut(None)

    def _cut(self, enough: float | None) -> None:
        """Take whole responses off the buffer, until the next answer or this time. Each byte is looked at once.

        Raises:
            ImapViolation: the server breaks the protocol; the connection is over.
        """
        buffer, start = self._buffer, 0
        try:
            while True:
                partial = self._partial
                if partial.missing is not None:
                    end = start + partial.missing
                    if len(buffer) < end:
                        self._is_fresh = False
                        break
                    partial.literals.append(bytes(buffer[start:end]))
                    partial.missing, start = None, end
                    continue
                end = buffer.find(b"\n", max(start, self._scanned)) + 1
                if not end:
                    self._scanned, self._is_fresh = len(buffer), False
                    break
                line, start = bytes(buffer[start:end]), end
                self._add(partial, line)
                if partial.missing is None:
                    self._partial = _Partial()
                    whole = line if len(partial.lines) == 1 else b"".join(partial.lines)
                    if self._dispatch(Response(whole, tuple(partial.literals))):
                        break
                    if enough is not None and time.perf_counter() > enough:
                        break
            del buffer[:start]
            self._scanned = max(self._scanned - start, 0)
            if self._partial.missing is None and len(buffer) + self._partial.length > MAX_LINE and not self._is_fresh:
                raise ImapExcess("a line without end")
        except ImapViolation as violation:
            self._end(violation)
            raise
        finally:
            self._resume()

    def _add(self, partial: _Partial, line: bytes) -> None:
        partial.lines.append(line)
        partial.length += len(line)
        if partial.length > MAX_LINE:
            raise ImapExcess("a line without end")
        if line.endswith((b"}\r\n", b"}\n")) and not (len(partial.lines) == 1 and _HAS_TEXT.match(line)):
            literal = _LITERAL_AT_END.search(line)
            if literal and partial.lines[0].startswith(b"* "):
                if len(literal[1]) > 12 or int(literal[1]) > MAX_LITERAL:
                    raise ImapViolation("a literal that is too large")
                if len(partial.literals) >= _MAX_LITERALS:
                    raise ImapExcess("a response of too many literals")
                partial.missing = int(literal[1])

    def _dispatch(self, response: Response) -> bool:
        """Hand a response to whom it is for; true when it is the answer that is waited for."""
        line = response.text
        if line.startswith(b"* ") and self._is_greeted:
            self._untagged(response)
            return self._fault is not None
        if not self._is_greeted:
            self._is_greeted = True
            if not line.startswith(b"* "):
                raise ImapViolation(f"not IMAP: {_shown(line)}")
            self._answers.append(Status.of(line[2:]))
        elif self._tag is None:
            raise ImapViolation(f"an answer that nobody asked for: {_shown(line)}")
        elif line.startswith(self._tag + b" "):
            self._answers.append(Status.of(line[len(self._tag) + 1 :]))
            self._tag = None
        elif line.startswith((b"+ ", b"+\r", b"+\n")):
            self._answers.append(line[1:].strip())
        else:
            raise ImapViolation(f"an answer to another question: {_shown(line)}")
        return True

    def _untagged(self, response: Response) -> None:
        line = response.text
        if not _FETCH.match(line):
            if line[2:5].upper() == b"BYE":
                self._end(ImapClosed(Status.of(line[2:])))
                return
            if (change := _CHANGE.match(line)) is not None:
                if change[2]:
                    self.exists = int(change[1])
                elif change[1] and self.exists:
                    self.exists -= 1  # EXPUNGE comes without a new EXISTS (RFC 9051, 7.5.1)
                self.changed = True
        if self._take is not None:
            self._take(response)

    def _notice(self, response: Response) -> None:
        if _FETCH.match(response.text):
            self.changed = True

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _end(self, fault: Exception) -> None:
        """Nothing that comes from now on counts."""
        if self._fault is None:
            self._fault = fault
        self._buffer.clear()
        self._is_fresh = False
        self._wake()
        self.abort()

    def _pause(self) -> None:
        if not self._is_paused and self.is_open:
            self._is_paused = True
            cast("asyncio.ReadTransport", self._transport).pause_reading()

    def _resume(self) -> None:
        if self._is_paused and self.is_open:
            self._is_paused = False
            cast("asyncio.ReadTransport", self._transport).resume_reading()

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
        encrypted = await start_tls(self._transport, self, context, host, until)
        if encrypted is None:
            raise ImapClosed
        self._transport = encrypted

    async def ask(
        self, *pieces: Piece | Payload, until: float, allowance: int = ORDINARY, take: Take | None = None
    ) -> Reply:
        """Send a command and wait for its OK, at most until this time of the loop's clock.

        ``allowance`` is how many bytes the answer may have; ``take`` gets the untagged responses one by one, else they
        come with the reply.

        Raises:
            ImapRefusal: NO or BAD; the conversation may go on.
            ImapClosed | ImapViolation | TimeoutError: the connection is of no more use.
        """
        untagged: list[Response] = []
        answer = await self._sent(self._begin(pieces), until, allowance, untagged.append if take is None else take)
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

    def _begin(self, pieces: Iterable[Piece | Payload]) -> list[bytes | Payload]:
        """The writes that make up a command: one, but for literals that have to be waited for."""
        self._number += 1
        writes, write = list[bytes | Payload](), bytearray(b"z%x " % self._number)
        for piece in pieces:
            if isinstance(piece, Payload):
                if len(piece) > self.literal_plus:
                    writes += (bytes(write) + b"{%d}\r\n" % len(piece), piece)
                    write.clear()
                    continue
                piece = Literal(bytes(piece))
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

    async def _sent(self, writes: list[bytes | Payload], until: float, allowance: int, take: Take) -> Status | bytes:
        """Write a command; the first answer to all of it."""
        if self._fault is not None:
            raise self._fault
        if self._tag is not None or self._answers:
            raise ImapViolation("an answer that nobody asked for")
        self._tag = b"z%x" % self._number
        self._allowance, self._take = allowance, take
        try:
            answer: Status | bytes = b""
            for write in writes:
                if isinstance(write, Payload):
                    await self._stream(write, until)
                    continue
                self._write(write)
                answer = await self._next(until)
                if not isinstance(answer, bytes):
                    break
            return answer
        except BaseException:
            self.abort()
            raise

    def _accept(self, answer: Status | bytes) -> Status:
        self._allowance, self._take, self._is_attended = _UNASKED, None, False
        if self._is_fresh:
            self._loop.call_soon(self._look)
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

    async def _stream(self, payload: Payload, until: float) -> None:
        """Write a literal, and no more of it at a time than the server takes."""
        for chunk in payload:
            self._write(chunk)
            await asyncio.sleep(0)  # others must not wait until a large mail is encoded and encrypted
            if not self._may_write.is_set():
                async with asyncio.timeout_at(min(until, self._loop.time() + self._silence_s)):
                    await self._may_write.wait()

    async def _next(self, until: float) -> Status | bytes:
        self._is_attended = True
        async with asyncio.timeout_at(until):
            while not self._answers:
                await self._something(self._silence_s)
        return self._answers.popleft()

    async def _until_changed(self, when: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(when):
                while not (self.changed or self._answers):
                    await self._something()

    async def _something(self, within_s: float | None = None) -> None:
        """Look at what has come, much of it in turns and for moments, or wait for something to come."""
        if self._is_fresh and len(self._buffer) < _LITTLE:
            self._cut(None)
        elif self._is_fresh:
            async with self._turn:
                self._cut(time.perf_counter() + _MOMENT_S)
                await asyncio.sleep(0)  # with the turn: all others who wait for it would go on at once
        elif self._fault is not None:
            raise self._fault
        else:
            self._waiter = self._loop.create_future()
            try:
                async with asyncio.timeout(within_s):
                    await self._waiter
            finally:
                self._waiter = None


def _shown(line: bytes) -> str:
    return line[:80].decode("utf-8", "replace").strip()
