"""The wire of POP3 (RFC 1939): status lines and multi-line replies, several of them outstanding (RFC 2449, 6.6).

Not poplib: it gives up on lines of more than 2048 bytes, which real mails have, sends control characters on, has a
time-out for each read instead of one for all, and asks for one thing at a time. Nothing here blocks, so no thread is
needed either.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import cast

MAX_LINE = 8192
"""Bytes in a status line, CRLF included; RFC 2449, 4 allows 512."""

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_CODE = re.compile(r"\[([A-Za-z0-9/_.-]{1,40})\]\s*")
_READ_AHEAD = 1024 * 1024  # bytes of replies that may wait for us; then the server has to
_SHUTDOWN_S = 1.0  # a peer that does not answer our TLS goodbye is not waited for


class Pop3Violation(Exception):
    """The server broke the protocol; the connection must not be trusted any further."""


class Pop3ReplyTooLong(Exception):
    """A reply grew beyond what the caller allows; the rest of it is still on the way."""


class Pop3Refusal(Exception):
    """The server said ``-ERR``. ``code`` is the response code (RFC 2449, 8) or empty; ``text`` is what follows."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = _CODE.match(text)
        self.code = found[1].upper() if found else ""
        self.text = text[found.end() :] if found else text


class Pop3Protocol(asyncio.Protocol):
    """One connection: bytes in and out, in lines and blocks."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._looked_at = 0
        self._arrival: asyncio.Future[None] | None = None
        self._ended: Exception | None = None
        self._held_back = False
        self.transport: asyncio.Transport | None = None

    # ── what the transport calls ─────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _READ_AHEAD and self._arrival is None and self.transport is not None:
            self.transport.pause_reading()
            self._held_back = True
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def _end(self, exc: Exception | None) -> None:
        if self._ended is None:
            self._ended = exc if isinstance(exc, OSError) else ConnectionResetError("the server closed the connection")
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    # ── what the session calls ───────────────────────────────────────────────────────────────────────────────────

    @property
    def is_connected(self) -> bool:
        """Whether commands still reach the server."""
        return self.transport is not None and not self.transport.is_closing() and self._ended is None

    @property
    def has_surplus(self) -> bool:
        """Whether the server has said something that nobody has read."""
        return bool(self._buffer)

    def write(self, commands: bytes) -> None:
        """Hand commands to the transport.

        Raises:
            ConnectionError: the connection is lost.
        """
        if self._ended is not None or self.transport is None:
            raise self._ended or ConnectionResetError("not connected")
        self.transport.write(commands)

    async def status(self, until: float) -> str:
        """The text of a positive status line (``+OK``), or of a continuation (``+``), sign included.

        Raises:
            Pop3Refusal: it is ``-ERR``.
            Pop3Violation: it is neither.
            TimeoutError, OSError: it did not come.
        """
        line = (await self._line(until)).decode("utf-8", "replace")
        sign, _, text = line.partition(" ")
        if sign.upper() == "-ERR":
            raise Pop3Refusal(text)
        if sign.upper() not in ("+OK", "+"):
            raise Pop3Violation("an answer that is neither +OK nor -ERR")
        return f"{sign.upper()} {text}"

    async def block(self, limit: int, until: float) -> bytes:
        """The lines that follow a status line up to the final dot, dots no longer doubled (RFC 1939, 3).

        ``until`` is for the whole block, however its bytes trickle in.

        Raises:
            Pop3ReplyTooLong: there are more than ``limit`` bytes of them.
            TimeoutError, OSError: they did not come.
        """
        while True:
            if self._buffer.startswith(b".\r\n"):
                del self._buffer[:3]
                return b""
            end = self._find(b"\r\n.\r\n")
            if end > limit or (end < 0 and len(self._buffer) > limit + 5):
                raise Pop3ReplyTooLong
            if end >= 0:
                raw = bytes(memoryview(self._buffer)[: end + 2])
                self._take(end + 5)
                return raw[raw.startswith(b".") :].replace(b"\r\n.", b"\r\n")
            await self._more(until)

    async def _line(self, until: float) -> bytes:
        while (end := self._find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                raise Pop3Violation("a line without end")
            await self._more(until)
        line = bytes(memoryview(self._buffer)[:end])
        self._take(end + 1)
        if len(line) > MAX_LINE:
            raise Pop3Violation("a line without end")
        return line.removesuffix(b"\r")

    def _find(self, mark: bytes) -> int:
        """Where the mark is; each byte is looked at once, however slowly they trickle in."""
        found = self._buffer.find(mark, max(self._looked_at - len(mark) + 1, 0))
        self._looked_at = len(self._buffer) if found < 0 else 0
        return found

    def _take(self, length: int) -> None:
        del self._buffer[:length]
        self._looked_at = 0

    async def _more(self, until: float) -> None:
        if self._ended is not None:
            raise self._ended
        if self._held_back and self.transport is not None:
            self._held_back = False
            self.transport.resume_reading()
        self._arrival = self._loop.create_future()
        try:
            async with asyncio.timeout_at(until):
                await self._arrival
        finally:
            self._arrival = None

    async def encrypt(self, context: ssl.SSLContext, host: str, until: float) -> None:
        """Start TLS.

        Raises:
            Pop3Violation: there are bytes that came before the handshake (RFC 2595, 4; CVE-2011-0411).
            TimeoutError, OSError: there is no TLS.
        """
        if self._buffer:
            raise Pop3Violation("bytes before the TLS handshake")
        if self.transport is None or self._ended is not None:
            raise self._ended or ConnectionResetError("not connected")
        async with asyncio.timeout_at(until):
            encrypted = await self._loop.start_tls(
                self.transport,
                self,
                context,
                server_hostname=host,
                # The loop's own limit must be there, but the overall one above is the one that counts.
                ssl_handshake_timeout=max(until - self._loop.time(), 0.001) + 1,
                ssl_shutdown_timeout=_SHUTDOWN_S,
            )
        if encrypted is None:
            raise ConnectionResetError("the server closed the connection")
        self.transport = encrypted

    def hang_up(self, *, politely: bool) -> None:
        """Close without waiting for anything. Only the polite way (QUIT) makes the server remove what is marked."""
        if self.transport is None or self.transport.is_closing():
            return
        if politely and self._ended is None:
            self.transport.write(b"QUIT\r\n")
        self.transport.abort()


def command(*words: str | bytes) -> bytes:
    """One command line, CRLF included.

    Raises:
        ValueError: a word has a control character, which could end this command and begin another (CVE-2025-15367).
    """
    line = b" ".join(word if isinstance(word, bytes) else word.encode() for word in words)
    if _CONTROL.search(line):
        raise ValueError("a control character in a POP3 command")
    return line + b"\r\n"
