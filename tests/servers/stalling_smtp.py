"""An SMTP server that keeps its clients waiting where a test says so, and never mixes up who is where."""

import asyncio
import base64
from typing import Self


class StallingSmtp:
    """Takes any mail, plain text, on `port`. `stalls` names the command that is not answered until `release()`.

    `MAIL` is before the worker's point of no return, `.` after it. With `echoes` it repeats what AUTH gave it, when it
    refuses that, and in its last answer too, as a careless or hostile server does.
    """

    def __init__(self, stalls: str = "", *, password: str | None = None, echoes: bool = False) -> None:
        self.stalls = stalls
        self.mails: list[bytes] = []
        self.waiting = 0
        self.port = 0
        self.seen: list[bytes] = []
        self._password = password
        self._echoes = echoes
        self._gossip = b""
        self._released = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def release(self) -> None:
        """Answer everybody who waits, and nobody waits from now on."""
        self._released.set()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            writer.write(b"220 stalling ESMTP\r\n")
            while line := await reader.readline():
                self.seen.append(line)
                await self._stall(line[:4].decode("latin-1").upper().strip())
                writer.write(self._answer(line))
                if line.upper().startswith(b"DATA"):
                    mail = await reader.readuntil(b"\r\n.\r\n")
                    await self._stall(".")
                    self.mails.append(mail)
                    writer.write(b"250 2.0.0 taken " + self._gossip + b"\r\n")
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._talks.discard(talk)
            writer.close()

    async def _stall(self, command: str) -> None:
        if command == self.stalls and not self._released.is_set():
            self.waiting += 1
            await self._released.wait()

    def _answer(self, line: bytes) -> bytes:
        command = line[:4].upper()
        if command == b"EHLO":
            return b"250-stalling\r\n250 AUTH PLAIN\r\n" if self._password is not None else b"250 stalling\r\n"
        if command == b"AUTH":
            return self._login(line)
        if command == b"DATA":
            return b"354 go on\r\n"
        return b"221 bye\r\n" if command == b"QUIT" else b"250 2.0.0 ok\r\n"

    def _login(self, line: bytes) -> bytes:
        blob = line.split()[-1]
        given = base64.b64decode(blob).split(b"\0")[-1]
        if given.decode() == self._password:
            if self._echoes:
                self._gossip = b"from " + given + b" who said " + line.strip()
            return b"235 2.7.0 welcome\r\n"
        echo = b" You said: " + line.strip() + b" which is " + given if self._echoes else b""
        return b"535 5.7.8 no" + echo + b"\r\n"
