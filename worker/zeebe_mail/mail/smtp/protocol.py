"""The wire: aiosmtplib's protocol, taught to have several replies outstanding (PIPELINING, RFC 2920).

aiosmtplib matches one reply to one command. Here one write may carry several commands, and one future wakes the session
when all of their replies are in. Its limits are kept. Its parser begins anew with each packet, which a server of many
tiny lines can make us pay for, so lines are taken off one by one here. What it drops silently, bytes that nobody asked
for, is remembered: such a connection must not be trusted any further.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from aiosmtplib import SMTPException, SMTPReadTimeoutError, SMTPResponse, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import MAX_LINE_LENGTH, MAX_RESPONSE_LENGTH, SMTPProtocol

from zeebe_mail.mail.tls import start_tls

INVALID = -1
"""The code that aiosmtplib gives to replies that are none."""

CLOSING = 421
"""The server closes the connection, whatever it was asked (RFC 5321, 3.8)."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_LINE_END = re.compile(rb"\r\n|\r|\n")


class Replies:
    """The replies to one write, in order; a missing one raises what ended the conversation."""

    __slots__ = ("_fault", "_replies")

    def __init__(self, replies: Iterable[SMTPResponse], fault: Exception | None = None) -> None:
        self._replies = deque(replies)
        self._fault = fault

    def next(self) -> SMTPResponse:
        """The reply to the next command of the write.

        Raises:
            SMTPException: the connection broke, the time ran out or the server talked nonsense before this reply.
        """
        if self._replies:
            return self._replies.popleft()
        raise self._fault or SMTPServerDisconnected("Connection lost")

    @property
    def rest(self) -> tuple[SMTPResponse, ...]:
        """The replies that nobody has looked at."""
        return tuple(self._replies)


class SmtpProtocol(SMTPProtocol):
    """One connection. ``surplus`` is true once the server has said more than it was asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._wanted = 0
        self._replies: list[SMTPResponse] = []
        self._lines: list[bytes] = []
        self._length = 0
        self.surplus = False

    # ── what the transport calls ─────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the greeting."""
        super().connection_made(transport)
        self._expect(1)

    def data_received(self, data: bytes) -> None:
        """Take replies off the stream until all that are outstanding are there."""
        waiter = self._response_waiter
        self._buffer += data
        if waiter is None or waiter.done() or not self._wanted:
            self._keep_surplus()
            return
        try:
            while len(self._replies) < self._wanted and (reply := self._next_reply()) is not None:
                self._replies.append(reply)
                if reply.code == CLOSING:
                    self._wanted = len(self._replies)
        except SMTPResponseException as fault:
            del self._buffer[:]
            self._set_response_exception(waiter, fault)
            return
        if len(self._replies) == self._wanted:
            waiter.set_result(self._replies[-1])
            self._keep_surplus()

    def _next_reply(self) -> SMTPResponse | None:
        """Take the next complete reply off the stream. Each line is looked at once, however slowly they trickle in.

        Raises:
            SMTPResponseException: it is too long, or not a reply.
        """
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._lines.append(line[4:].strip())
            self._length += len(line)
            if len(line) > MAX_LINE_LENGTH or self._length > MAX_RESPONSE_LENGTH:
                raise SMTPResponseException(INVALID, "a reply without end")
            if not line[:3].isdigit() or line[3:4] not in (b" ", b"-", b""):
                raise SMTPResponseException(INVALID, f"not SMTP: {line.decode('utf-8', 'replace')}")
            if line[3:4] != b"-":
                reply = SMTPResponse(int(line[:3]), b"\n".join(self._lines).decode("utf-8", "surrogateescape"))
                self._lines, self._length = [], 0
                return reply
        if len(self._buffer) > MAX_LINE_LENGTH:
            raise SMTPResponseException(INVALID, "a reply without end")
        return None

    def _keep_surplus(self) -> None:
        """Remember that there is more than was asked for, and enough of it to read one reply."""
        if self._buffer:
            self.surplus = True
            del self._buffer[MAX_RESPONSE_LENGTH:]

    # ── what the session calls ───────────────────────────────────────────────────────────────────────────────────

    async def greeting(self, until: float) -> Replies:
        """The server's first words."""
        return await self._collect(until)

    async def exchange(self, commands: bytes, wanted: int, until: float) -> Replies:
        """Write commands in one go and wait for their replies, at most until this time of the loop's clock.

        Nothing is written on a connection whose server has said more than it was asked.
        """
        if self.surplus:
            raise self.unasked()
        self._expect(wanted)
        self.write(commands)
        return await self._collect(until)

    async def write_body(self, body: Iterable[bytes], until: Callable[[], float]) -> None:
        """Hand a body to the transport, waiting when the server is slower than we are, for each chunk so long."""
        for number, chunk in enumerate(body):
            if number:
                await asyncio.sleep(0)  # others must not wait until a large mail is encoded and encrypted
            self.write(chunk)
            if self._paused or self._connection_lost:
                await self._drain(until())

    async def encrypt(self, context: ssl.SSLContext, host: str, until: float, *, greeting: bool) -> None:
        """Start TLS; afterwards nothing said before counts. With ``greeting``, the server speaks first inside TLS.

        Raises:
            SMTPResponseException: there are bytes that came before the handshake (RFC 3207, 6; CVE-2011-0411).
        """
        if self._buffer or self._replies or self.surplus:
            raise SMTPResponseException(INVALID, "bytes before the TLS handshake")
        if self.transport is None or self.transport.is_closing():
            raise SMTPServerDisconnected("Connection lost")
        transport = cast("asyncio.WriteTransport", self.transport)
        self._expect(int(greeting))
        encrypted = await start_tls(transport, self, context, host, until)
        if encrypted is None:
            raise SMTPServerDisconnected("Connection lost")
        self.transport = encrypted
        self._over_ssl = True

    def require_silence(self) -> None:
        """Pass when the connection stands and the server has said nothing that it was not asked.

        Raises:
            SMTPException: it hung up, or interrupted us; then with what it said, often the reason.
        """
        if self.surplus:
            raise self.unasked()
        if not self.is_connected:
            raise SMTPServerDisconnected("Connection lost")

    def unasked(self) -> SMTPResponseException:
        """What the server said without being asked, as an exception: often the reason why it is about to hang up."""
        try:
            reply = self._next_reply()
        except SMTPResponseException as fault:
            return fault
        return SMTPResponseException(*(reply or (INVALID, "unfinished reply that nobody asked for")))

    def hang_up(self, *, politely: bool) -> None:
        """Close without waiting for anything, not even for TLS's goodbye; what became of the mail is known by now."""
        transport = cast("asyncio.WriteTransport | None", self.transport)
        if transport is None or transport.is_closing():
            return
        if politely:
            transport.write(b"QUIT\r\n")
        transport.abort()

    def _expect(self, replies: int) -> None:
        self._wanted = replies
        self._replies = []
        self._response_waiter = self._loop.create_future()

    async def _collect(self, until: float) -> Replies:
        waiter = self._response_waiter
        if waiter is None:
            raise SMTPServerDisconnected("Connection lost")
        alarm = self._loop.call_at(until, self._time_is_up, waiter)
        fault: Exception | None = None
        try:
            await waiter
        except SMTPException as error:
            fault = error
        finally:
            alarm.cancel()
        replies, self._replies = self._replies, []
        return Replies(replies, fault)

    def _time_is_up(self, waiter: asyncio.Future[SMTPResponse]) -> None:
        if not waiter.done():
            self._set_response_exception(waiter, SMTPReadTimeoutError("Timed out waiting for server response"))

    async def _drain(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._drain_helper()
        except TimeoutError as slow:
            raise SMTPReadTimeoutError("Timed out handing over the mail") from slow


class Dialogue:
    """Commands in groups; a group is written when the reply to its first command is asked for."""

    def __init__(self, connection: SmtpProtocol, groups: list[list[bytes]], until: Callable[[int], float]) -> None:
        self._connection = connection
        self._groups = deque(groups)
        self._until = until
        self._replies = Replies(())
        self._outstanding = 0
        self._last = SMTPResponse(INVALID, "")

    async def next(self) -> SMTPResponse:
        """The reply to the next command.

        Raises:
            SMTPException: see ``Replies.next``.
        """
        if not self._outstanding:
            group = self._groups.popleft()
            self._outstanding = len(group)
            self._replies = await self._connection.exchange(b"".join(group), len(group), self._until(len(group)))
        self._outstanding -= 1
        self._last = self._replies.next()
        return self._last

    @property
    def may_go_on(self) -> bool:
        """Whether the server takes other commands: all it has said were answers, and none was 354 or a goodbye."""
        said = (self._last, *self._replies.rest)
        return len(said) == 1 + self._outstanding and all(
            reply.code // 100 in (2, 4, 5) and reply.code != CLOSING for reply in said
        )


def command(*words: str | bytes) -> bytes:
    """One command line, CRLF included.

    Raises:
        ValueError: a word has a control character, which could end this command and begin another.
    """
    line = b" ".join(word if isinstance(word, bytes) else word.encode() for word in words)
    if _CONTROL.search(line):
        raise ValueError("a control character in an SMTP command")
    return line + b"\r\n"


def wire_form(message: Iterable[bytes]) -> Iterator[bytes]:
    """A message as DATA wants it, without the final dot: lines end in CRLF only, leading dots are doubled.

    RFC 5321, 2.3.8 and 4.5.2. A chunk that is right already is not copied. Line ends and dots may be cut apart by the
    chunks: what looks like an end of the mail to some server must never come out of two halves.
    """
    begins_line, held = True, b""
    for part in message:
        chunk = held + part if held else part
        held = b""
        if chunk.endswith(b"\r"):  # its LF may come with the next
            chunk, held = chunk[:-1], b"\r"
        ends = chunk.count(b"\r\n")
        if chunk.count(b"\n") != ends or chunk.count(b"\r") != ends:
            chunk = _LINE_END.sub(b"\r\n", chunk)
        if not chunk:
            continue
        stuffed = chunk.replace(b"\r\n.", b"\r\n..")
        yield b"." + stuffed if begins_line and chunk.startswith(b".") else stuffed
        begins_line = chunk.endswith(b"\r\n")
    if held or not begins_line:
        yield b"\r\n"
