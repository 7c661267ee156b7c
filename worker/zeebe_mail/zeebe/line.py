"""A line to the gateway: one connection for calls, one for streams, given up when it hangs.

Behind a network that came apart, or a firewall that forgot it, a connection neither ends nor brings anything. gRPC's
own pings notice that after a minute, because gateways refuse them more often than every 30 s. So whoever waits in vain
says so; a line that was silent all the while is given up, and the next call opens another. What is under way on the old
one stays readable: where nothing hung after all, nothing is lost.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import FIRST_COMPLETED
from typing import TYPE_CHECKING, Any, cast

import grpc
import grpc.aio
import structlog
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from zeebe_mail.zeebe.options import GatewayOptions

if TYPE_CHECKING:
    from pyzeebe.proto.gateway_pb2_grpc import GatewayAsyncStub

log = structlog.get_logger(__name__)

LONGEST_SILENCE_S = 12  # a long poll is held for 10 s
LATE_S = 1.0  # a deadline noticed so much later passed while this process was frozen, which says nothing of the line

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # Gateways refuse pings more often than every 30 s; 45 s is what the Java client sends.
    ("grpc.keepalive_time_ms", 45_000),
    ("grpc.keepalive_timeout_ms", 15_000),
    # A gateway that is back must be found within two seconds; the library's own back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # the time one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 500),
    # Jobs of up to the gateway's 4 MB come in batches.
    ("grpc.max_receive_message_length", 64 << 20),
    # Else a new channel is given the connection of the old one.
    ("grpc.use_local_subchannel_pool", 1),
)

STREAM_WINDOW_BYTES = 4 << 10
STREAM_OPTIONS: tuple[tuple[str, int], ...] = (
    # What the transport buffers is lost to everybody until its time-out when this process dies, so the window is
    # small and does not grow by itself.
    ("grpc.http2.lookahead_bytes", STREAM_WINDOW_BYTES),
    ("grpc.http2.bdp_probe", 0),
)


class Line:
    """Use each call's part of it as an async context manager: one that was given up closes after its last call."""

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options
        self._channel = _open(options, CHANNEL_OPTIONS)
        self._stream_channel: grpc.aio.Channel | None = None
        self._calls = 0
        self.stub = _stub(self._channel)
        self.heard_at = 0.0
        """When the gateway last answered a call, of the monotonic clock."""
        self.given_up = asyncio.Event()

    @property
    def in_use(self) -> bool:
        """Whether a call is under way."""
        return self._calls > 0

    @property
    def stream_stub(self) -> GatewayAsyncStub:
        """The connection whose transport buffers as little as possible."""
        if self._stream_channel is None:
            self._stream_channel = _open(self._options, CHANNEL_OPTIONS + STREAM_OPTIONS)
        return _stub(self._stream_channel)

    async def __aenter__(self) -> Line:
        self._calls += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._calls -= 1
        if self.given_up.is_set() and not self.in_use:
            await self.aclose()

    async def aclose(self) -> None:
        """End all calls and connections. More than once is as good."""
        await self._channel.close()
        if self._stream_channel is not None:
            await self._stream_channel.close()

    def heard(self) -> None:
        """The gateway answered a call."""
        self.heard_at = time.monotonic()

    def missed(self, asked_at: float, timeout_s: float) -> None:
        """A call asked then met its deadline. The gateway's own come sooner."""
        if abs(time.monotonic() - asked_at - timeout_s) < LATE_S:
            self._doubt(since=asked_at)

    async def answers(self, reading: asyncio.Future[Any]) -> bool:
        """Wait for a call's first answer. False: the line was given up meanwhile, by this call or another.

        The seconds of silence are counted awake: a process that was frozen did not listen.
        """
        given_up = asyncio.ensure_future(self.given_up.wait())
        since, silent_s = time.monotonic(), 0
        try:
            while not reading.done() and not self.given_up.is_set():
                done, _ = await asyncio.wait([reading, given_up], timeout=1, return_when=FIRST_COMPLETED)
                silent_s += not done
                if silent_s == LONGEST_SILENCE_S:
                    self._doubt(since=since)
                    since, silent_s = time.monotonic(), 0
        finally:
            given_up.cancel()
        return reading.done()

    def _doubt(self, *, since: float) -> None:
        """Give the line up, unless something was heard on it since then, or gRPC is looking for the gateway anyway."""
        connected = self._channel.get_state() is grpc.ChannelConnectivity.READY
        if connected and self.heard_at < since and not self.given_up.is_set():
            silent_s = round(time.monotonic() - since, 1)
            log.warning("connection to the gateway hangs, opening another", action="line_given_up", silent_s=silent_s)
            self.given_up.set()


def _stub(channel: grpc.aio.Channel) -> GatewayAsyncStub:
    # The generated class serves both kinds of channel; only its type hints distinguish them.
    return cast("GatewayAsyncStub", GatewayStub(channel))


def _open(options: GatewayOptions, arguments: tuple[tuple[str, int], ...]) -> grpc.aio.Channel:
    authority = (("grpc.default_authority", options.override_authority),) if options.override_authority else ()
    if not options.tls:
        return grpc.aio.insecure_channel(options.address, options=(*arguments, *authority))
    credentials = grpc.ssl_channel_credentials(
        options.ca_file.read_bytes() if options.ca_file else None,
        options.client_key_file.read_bytes() if options.client_key_file else None,
        options.client_cert_file.read_bytes() if options.client_cert_file else None,
    )
    return grpc.aio.secure_channel(options.address, credentials, options=(*arguments, *authority))
