"""A gateway with the faults that a real one cannot be made to show, on pyzeebe's stubs.

`fails(rpc, code, times=…)` answers the next calls of an RPC with a status; `jobs` are handed out by poll or pushed.
Every call is noted in `calls` with its request and metadata.
"""

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

import grpc
import grpc.aio
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayServicer, add_GatewayServicer_to_server

from zeebe_mail.demo.pki import Certificate

Code = grpc.StatusCode
Context = grpc.aio.ServicerContext[Any, Any]


@dataclass
class Call:
    rpc: str
    request: Any
    metadata: dict[str, str]


@dataclass
class Fault:
    code: Code
    details: str
    times: int
    after: bool
    """The call has its effect, only the answer is lost."""


@dataclass
class FakeGateway(GatewayServicer):
    """Use as an async context manager; `address` is where it listens."""

    certificate: Certificate | None = None
    client_ca: bytes | None = None
    wants_token: bool = False
    """Only calls whose bearer token is in `tokens` are let in."""
    tokens: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    jobs: deque[pb.ActivatedJob] = field(default_factory=deque)
    active: set[int] = field(default_factory=set)
    streams: int = 0

    async def __aenter__(self) -> Self:
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._pushes: set[asyncio.Queue[pb.ActivatedJob | None]] = set()
        # Above 1000 pending calls a C-core server cancels the rest, which looks like jobs lost.
        self._server = grpc.aio.server(
            options=[
                ("grpc.server.max_pending_requests", 100_000),
                ("grpc.server.max_pending_requests_hard_limit", 100_000),
                ("grpc.max_send_message_length", -1),
            ]
        )
        add_GatewayServicer_to_server(self, self._server)
        if self.certificate is None:
            port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            pair = (self.certificate.key.read_bytes(), self.certificate.chain.read_bytes())
            credentials = grpc.ssl_server_credentials(
                [pair], root_certificates=self.client_ca, require_client_auth=self.client_ca is not None
            )
            port = self._server.add_secure_port("localhost:0", credentials)
        self.address = f"{'localhost' if self.certificate else '127.0.0.1'}:{port}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    # ── what a test says ─────────────────────────────────────────────────────────────────────────────────────────

    def fails(self, rpc: str, code: Code, *, times: int = 1, details: str = "as told", after: bool = False) -> None:
        self._faults[rpc].append(Fault(code, details, times, after))

    def job(self, key: int, task_type: str = "t", *, variables: str = "{}", pushed: bool = False, **more: Any) -> None:
        """A job to hand out, to the next poll or to a stream."""
        more = {"retries": 3, "deadline": round((time.time() + 60) * 1000), "customHeaders": "{}", **more}
        job = pb.ActivatedJob(key=key, type=task_type, variables=variables, **more)
        if pushed:
            self.active.add(key)
            next(iter(self._pushes)).put_nowait(job)
        else:
            self.jobs.append(job)

    def end_streams(self) -> None:
        for queue in self._pushes:
            queue.put_nowait(None)

    def count(self, rpc: str) -> int:
        return sum(call.rpc == rpc for call in self.calls)

    def requests(self, rpc: str) -> list[Any]:
        return [call.request for call in self.calls if call.rpc == rpc]

    # ── what a worker calls ──────────────────────────────────────────────────────────────────────────────────────

    async def _enter(self, rpc: str, request: Any, context: Context) -> Fault | None:
        metadata = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        self.calls.append(Call(rpc, request, metadata))
        if self.wants_token and metadata.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            await context.abort(Code.UNAUTHENTICATED, "token not accepted")
        faults = self._faults[rpc]
        if not faults:
            return None
        fault = faults[0]
        fault.times -= 1
        if fault.times == 0:
            faults.popleft()
        if not fault.after:
            await context.abort(fault.code, fault.details)
        return fault

    async def _answer(self, rpc: str, request: Any, context: Context, answer: Any) -> Any:
        fault = await self._enter(rpc, request, context)
        if request.jobKey not in self.active:
            await context.abort(Code.NOT_FOUND, f"no job {request.jobKey}")
        if rpc != "UpdateJobTimeout":
            self.active.discard(request.jobKey)
        if fault is not None:
            await context.abort(fault.code, fault.details)
        return answer

    async def ActivateJobs(self, request: Any, context: Context) -> AsyncIterator[Any]:
        await self._enter("ActivateJobs", request, context)
        ends_at = time.monotonic() + max(request.requestTimeout, 0) / 1000
        while True:
            given = [job for job in self.jobs if job.type == request.type][: request.maxJobsToActivate]
            for job in given:
                self.jobs.remove(job)
                self.active.add(job.key)
            if given:
                yield pb.ActivateJobsResponse(jobs=given)
            if given or time.monotonic() >= ends_at:
                return
            await asyncio.sleep(0.005)

    async def StreamActivatedJobs(self, request: Any, context: Context) -> AsyncIterator[Any]:
        await self._enter("StreamActivatedJobs", request, context)
        queue: asyncio.Queue[pb.ActivatedJob | None] = asyncio.Queue()
        self._pushes.add(queue)
        self.streams += 1
        try:
            while job := await queue.get():
                yield job
        finally:
            self._pushes.discard(queue)

    async def CompleteJob(self, request: Any, context: Context) -> Any:
        return await self._answer("CompleteJob", request, context, pb.CompleteJobResponse())

    async def FailJob(self, request: Any, context: Context) -> Any:
        return await self._answer("FailJob", request, context, pb.FailJobResponse())

    async def ThrowError(self, request: Any, context: Context) -> Any:
        return await self._answer("ThrowError", request, context, pb.ThrowErrorResponse())

    async def UpdateJobTimeout(self, request: Any, context: Context) -> Any:
        return await self._answer("UpdateJobTimeout", request, context, pb.UpdateJobTimeoutResponse())

    async def Topology(self, request: Any, context: Context) -> Any:
        await self._enter("Topology", request, context)
        return pb.TopologyResponse(gatewayVersion="fake", partitionsCount=1)


class TokenServer:
    """An OAuth 2.0 token endpoint: gives `token-1`, `token-2` …, or what `answers` says next. Counts requests."""

    def __init__(self, *, secret: str, lifetime_s: float = 300.0) -> None:
        self.secret = secret
        self.lifetime_s = lifetime_s
        self.requests: list[dict[str, str]] = []
        self.answers: deque[tuple[int, object]] = deque()
        self.given: list[str] = []
        self.delay_s = 0.0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/oauth/token"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(int(line.split(":")[1]) for line in head.splitlines() if line.startswith("content-length"))
        form = dict(parse_qsl((await reader.readexactly(length)).decode()))
        self.requests.append(form)
        await asyncio.sleep(self.delay_s)
        status, content = self._answer(form)
        body = json.dumps(content).encode()
        writer.write(
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    def _answer(self, form: dict[str, str]) -> tuple[int, object]:
        if self.answers:
            return self.answers.popleft()
        if form.get("client_secret") != self.secret:
            return 401, {"error": "invalid_client", "error_description": f"bad secret {form.get('client_secret')}"}
        self.given.append(f"token-{len(self.given) + 1}")
        return 200, {"access_token": self.given[-1], "expires_in": self.lifetime_s, "token_type": "Bearer"}
