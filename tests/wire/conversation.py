"""A scripted server: a conversation written down, so that a test reads like the RFC.

Each line of a script is one step:

    S: 220 mail.test ready      the server says this line
    C: EHLO                     the client says a line that begins so
    C: <mail>                   the client sends everything up to the final dot, and the dot
    R: 250-half a re            raw bytes, with Python's escapes and no line end
    ! tls                       TLS starts (server's side)
    ! wait                      nothing more is said; the client has to end it
    ! eof                       the client must have closed the connection
    ! gone                      the same without a word, not even QUIT
    ! drip                      a "2" now and then, until the client goes
    ! flood * 1 EXISTS          this line, over and over, until the client goes
    ! bytes 5000000             so many bytes without a line end
    ! slow                      from now on each line comes late, but within the limit of a step
    ! stuck                     nothing is read until the server is left
    ! close  ! reset            the server closes, or breaks, the connection

The end of a script closes the connection. What the client did differently is raised when the server is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

PATIENCE_S = 10
SLOW_S = 0.3
DRIP_S = 0.02


class Departure(AssertionError):
    """The client did not say what the script has."""


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that nothing announces."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


@dataclass
class ScriptedServer:
    """Plays one script for each connection, in order. ``heard`` is all that clients said, line by line."""

    scripts: list[str]
    tls: ssl.SSLContext | None = None
    encrypts_at_once: bool = False
    heard: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    async def __aenter__(self) -> ScriptedServer:
        self._tasks: list[asyncio.Task[None]] = []
        self._left = asyncio.Event()
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, ssl=self.tls if self.encrypts_at_once else None, limit=2**22
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self._left.set()
        if error is None:
            await self.finished()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def finished(self) -> None:
        """Wait until all conversations have come to their end."""
        async with asyncio.timeout(PATIENCE_S):
            for task in self._tasks:
                await task

    def abandon(self) -> None:
        """Do not insist on the rest of the scripts."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self.scripts[self.connections] if self.connections < len(self.scripts) else "! close"
        self.connections += 1
        task = asyncio.create_task(self._play(script, reader, writer))
        self._tasks.append(task)

    async def _play(self, script: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pause = 0.0
        try:
            for step in filter(None, map(str.strip, script.splitlines())):
                kind, _, what = step.partition(" ")
                if kind == "S:":
                    await asyncio.sleep(pause)
                    writer.write(self._spoken(what, reader).encode() + b"\r\n")
                elif kind == "R:":
                    writer.write(what.encode().decode("unicode_escape").encode("latin-1"))
                elif kind == "C:":
                    await self._hear(what, reader)
                elif what == "slow":
                    pause = SLOW_S
                elif not await self._act(what, reader, writer):
                    return
                with contextlib.suppress(ConnectionError):
                    await writer.drain()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
                await writer.wait_closed()

    async def _hear(self, expected: str, reader: asyncio.StreamReader) -> None:
        if expected == "<mail>":
            mail = await reader.readuntil(b"\r\n.\r\n")
            self.mails.append(mail[:-3])
            return
        line = (await reader.readline()).decode()
        self.heard.append(line.removesuffix("\r\n"))
        if not line.startswith(expected) or not line.endswith("\r\n"):
            raise Departure(f"the script has {expected!r}, the client said {line!r}")

    def _spoken(self, line: str, _: asyncio.StreamReader) -> str:
        """What the server says where the script has this line."""
        return line

    async def _act(self, what: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Do what is not talking; false when the conversation is over with it."""
        if what == "tls":
            assert self.tls is not None
            await writer.start_tls(self.tls)
        elif what == "wait":
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await reader.read()
        elif what in ("eof", "gone"):
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                rest = (await reader.read()).decode()
                if rest if what == "gone" else rest.removesuffix("QUIT\r\n"):
                    raise Departure(f"the client should have hung up, but said {rest!r}")
        elif what.startswith("flood "):
            await self._flood(what.removeprefix("flood ").encode() + b"\r\n", reader, writer)
            return False
        elif what.startswith("bytes "):
            with contextlib.suppress(ConnectionError):
                for _ in range(int(what.removeprefix("bytes ")) // 10_000):
                    writer.write(b"x" * 10_000)
                    await writer.drain()
        elif what == "drip":
            gone = asyncio.create_task(reader.read())
            while not gone.done():
                writer.write(b"2")
                await asyncio.wait((gone,), timeout=DRIP_S)
            gone.exception()
        elif what == "stuck":
            writer.transport.pause_reading()
            await self._left.wait()
            return False
        elif what == "reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        elif what == "close":
            return False
        else:
            raise ValueError(what)
        return True

    async def _flood(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            while not gone.done():
                writer.write(line)
                await writer.drain()
                await asyncio.sleep(0)
        gone.cancel()
