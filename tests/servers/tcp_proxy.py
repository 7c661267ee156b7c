"""A proxy in front of any server, to be cut, reset, slowed, throttled or turned into a black hole while it runs."""

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import Self

LOOPBACK = "127.0.0.1"
PIECE_BYTES = 16_384
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with time 0: close sends RST


class TcpProxy:
    """`async with TcpProxy(port) as proxy`: connect to `proxy.port` instead. All faults take effect at once.

    * `delay_s`: every piece of data is held back this long, in both directions
    * `bytes_per_s`: at most this much per direction
    * `swallow()` / `deliver()`: nothing more gets through in either direction, connections stay open / it flows again
    * `strand()`: nothing more gets through on the connections that are open now, and they stay open; new ones work
    * `cut()`: all connections are closed; `reset()`: the client gets RST
    * `refuse()` / `accept()`: new connections are refused / accepted again on the same port

    With `tls` the proxy speaks TLS to the client and plain text to the server.
    """

    def __init__(self, target_port: int, *, target_host: str = LOOPBACK, tls: ssl.SSLContext | None = None) -> None:
        self.delay_s = 0.0
        self.bytes_per_s: float | None = None
        self.accepted = 0
        """Connections taken so far."""
        self.port = 0
        self._target = (target_host, target_port)
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._flows.set()
        self._clients: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def open_connections(self) -> int:
        return len(self._clients)

    async def accept(self) -> None:
        self._server = await asyncio.start_server(self._connected, LOOPBACK, self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def swallow(self) -> None:
        self._flows.clear()

    def deliver(self) -> None:
        self._flows.set()

    def strand(self) -> asyncio.Event:
        """As a network that came apart and together again; set the event to let the old connections go on."""
        stranded, self._flows = self._flows, asyncio.Event()
        stranded.clear()
        self._flows.set()
        return stranded

    def cut(self) -> None:
        for writer in list(self._clients):
            writer.transport.abort()

    def reset(self) -> None:
        for writer in list(self._clients):
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._clients.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # one side is gone, or the proxy, and so is the other, below
        finally:
            self._clients.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flows = self._flows
        await flows.wait()
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        try:
            async with asyncio.TaskGroup() as both:
                there = both.create_task(self._pump(reader, server_writer, flows))
                back = both.create_task(self._pump(server_reader, writer, flows))
                # When one side has nothing more to say, the other still may.
                await asyncio.wait([there, back])
        except* OSError:
            pass
        finally:
            server_writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        while piece := await source.read(PIECE_BYTES):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self.bytes_per_s:
                await asyncio.sleep(len(piece) / self.bytes_per_s)
            await flows.wait()
            sink.write(piece)
            await sink.drain()
        with contextlib.suppress(OSError, NotImplementedError):
            if sink.can_write_eof():
                sink.write_eof()
            else:
                sink.close()
