"""The connection to a Zeebe gateway: channel, credentials, and the job calls with their error classes."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, assert_never, cast

import grpc
import grpc.aio
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, ThrowError
from zeebe_mail.secrets import shortened
from zeebe_mail.zeebe.options import GatewayOptions, WorkerOptions
from zeebe_mail.zeebe.tokens import Metadata, TokenSource, TokenUnavailable

if TYPE_CHECKING:
    from pyzeebe.proto.gateway_pb2_grpc import GatewayAsyncStub

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Status = grpc.StatusCode

CALL_TIMEOUT_S = 10.0

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
)

STREAM_WINDOW_BYTES = 4 << 10
STREAM_OPTIONS: tuple[tuple[str, int], ...] = (
    # What the transport buffers is lost to everybody until its time-out when this process dies, so the window is
    # small and does not grow by itself.
    ("grpc.http2.lookahead_bytes", STREAM_WINDOW_BYTES),
    ("grpc.http2.bdp_probe", 0),
)


class GatewayUnavailable(Exception):
    """The gateway cannot be used now: unreachable, overloaded, or it does not let us in. Try again."""

    def __init__(self, reason: str, *, overloaded: bool = False, locked_out: bool = False) -> None:
        super().__init__(reason)
        self.overloaded = overloaded
        self.locked_out = locked_out


class JobGone(Exception):
    """The job was completed, cancelled, timed out or taken back; it is not ours."""


class Rejected(Exception):
    """The gateway refuses the call. Sending it again changes nothing if that is ``final``, and hardly anything else."""

    def __init__(self, reason: str, *, final: bool = True) -> None:
        super().__init__(reason)
        self.final = final


LOCKED_OUT = {Status.UNAUTHENTICATED, Status.PERMISSION_DENIED}
UNAVAILABLE = {
    Status.UNAVAILABLE,
    Status.RESOURCE_EXHAUSTED,
    Status.DEADLINE_EXCEEDED,
    Status.CANCELLED,
    Status.ABORTED,
} | LOCKED_OUT
GONE = {Status.NOT_FOUND, Status.FAILED_PRECONDITION}
DOUBTFUL = {Status.INTERNAL, Status.UNKNOWN, Status.DATA_LOSS}
TOO_LARGE = re.compile("exceeds maximum size|larger than max", re.IGNORECASE)


def translate(error: grpc.aio.AioRpcError) -> Exception:
    """The meaning of a failed call. The text is the gateway's own and holds no variables."""
    code = error.code()
    reason = f"{code.name}: {shortened(error.details() or '', 300)}"
    if code in GONE:
        return JobGone(reason)
    if code is Status.RESOURCE_EXHAUSTED and TOO_LARGE.search(reason):
        # Back-pressure and a message that is too large share this code; only the latter stays so.
        return Rejected(reason)
    if code in UNAVAILABLE:
        return GatewayUnavailable(reason, overloaded=code is Status.RESOURCE_EXHAUSTED, locked_out=code in LOCKED_OUT)
    return Rejected(reason, final=code not in DOUBTFUL)


def _about_no_job(error: grpc.aio.AioRpcError) -> Exception:
    """The meaning of a failed call for jobs, where there is no job yet that could be gone."""
    meaning = translate(error)
    return Rejected(str(meaning), final=False) if isinstance(meaning, JobGone) else meaning


class Gateway:
    """One cluster's gateway. Use as an async context manager."""

    def __init__(self, options: GatewayOptions) -> None:
        self._options = options
        self._tokens = TokenSource(options.oauth) if options.oauth else None
        self._channel = _open(options, CHANNEL_OPTIONS)
        self._stream_channel: grpc.aio.Channel | None = None
        self.stub = _stub(self._channel)

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()
        if self._stream_channel is not None:
            await self._stream_channel.close()
        if self._tokens is not None:
            await self._tokens.aclose()

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return self._options.address

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
        request: Request,
        *,
        timeout_s: float = CALL_TIMEOUT_S,
        wait_for_connection: bool = True,
    ) -> Answer:
        """One unary call. Waits for the connection within its time-out, or fails at once with the reason.

        Raises:
            GatewayUnavailable: try again later.
            JobGone: NOT_FOUND or FAILED_PRECONDITION.
            Rejected: any other refusal.
        """
        metadata = await self._metadata()
        try:
            return await method(request, timeout=timeout_s, metadata=metadata, wait_for_ready=wait_for_connection)
        except grpc.aio.AioRpcError as error:
            if not self._wants_new_token(error, metadata):
                raise translate(error) from error
        metadata = await self._metadata()
        try:
            return await method(request, timeout=timeout_s, metadata=metadata, wait_for_ready=wait_for_connection)
        except grpc.aio.AioRpcError as error:
            raise translate(error) from error

    async def _metadata(self) -> Metadata:
        if self._tokens is None:
            return ()
        try:
            return await self._tokens.metadata()
        except TokenUnavailable as error:
            raise GatewayUnavailable(str(error), locked_out=True) from error

    def _wants_new_token(self, error: grpc.aio.AioRpcError, used: Metadata) -> bool:
        """Whether the call failed because of its token, and the next one gets another."""
        return self._tokens is not None and error.code() is Status.UNAUTHENTICATED and self._tokens.discard(used)

    # ── taking jobs ──────────────────────────────────────────────────────────────────────────────────────────────

    async def activate(
        self, task_type: str, variables: Sequence[str], options: WorkerOptions, *, most: int, wait: timedelta | None
    ) -> AsyncIterator[Job]:
        """Take up to ``most`` jobs; with ``wait`` the gateway holds the call until there is one, else it answers now.

        The call's own deadline is as far away as the jobs' time-out: a process that was frozen must still read the
        jobs it was given meanwhile, and later than that they are not its own anyway.
        """
        request = pb.ActivateJobsRequest(
            type=task_type,
            worker=options.name,
            timeout=_ms(options.job_timeout),
            maxJobsToActivate=most,
            fetchVariable=variables,
            requestTimeout=_ms(wait) if wait else -1,
            tenantIds=options.tenant_ids,
        )
        deadline_s = ((wait or timedelta()) + options.job_timeout).total_seconds()
        metadata = await self._metadata()
        try:
            async for answer in self.stub.ActivateJobs(request, timeout=deadline_s, metadata=metadata):
                for raw in answer.jobs:
                    yield to_job(raw)
        except grpc.aio.AioRpcError as error:
            self._wants_new_token(error, metadata)
            raise _about_no_job(error) from error

    @asynccontextmanager
    async def stream(
        self, task_type: str, variables: Sequence[str], options: WorkerOptions
    ) -> AsyncIterator[Callable[[], Awaitable[Job | None]]]:
        """Have new jobs pushed. Gives a function that reads one, and None at the stream's end.

        What is not read stays in the transport's window; then the gateway gives jobs to others.
        """
        if self._stream_channel is None:
            self._stream_channel = _open(self._options, CHANNEL_OPTIONS + STREAM_OPTIONS)
        request = pb.StreamActivatedJobsRequest(
            type=task_type,
            worker=options.name,
            timeout=_ms(options.job_timeout),
            fetchVariable=variables,
            tenantIds=options.tenant_ids,
        )
        metadata = await self._metadata()
        call = _stub(self._stream_channel).StreamActivatedJobs(request, metadata=metadata)

        async def read() -> Job | None:
            try:
                raw = await call.read()
            except grpc.aio.AioRpcError as error:
                self._wants_new_token(error, metadata)
                raise _about_no_job(error) from error
            return None if raw is grpc.aio.EOF else to_job(cast("pb.ActivatedJob", raw))

        try:
            yield read
        finally:
            call.cancel()

    # ── answering jobs ───────────────────────────────────────────────────────────────────────────────────────────

    async def extend(self, key: int, timeout: timedelta) -> None:
        """Push a job's deadline to ``timeout`` from now. Raises JobGone when it is not active any more."""
        await self.call(
            self.stub.UpdateJobTimeout,
            pb.UpdateJobTimeoutRequest(jobKey=key, timeout=_ms(timeout)),
            # An answer that is lost must leave time for another try.
            timeout_s=min(CALL_TIMEOUT_S, timeout.total_seconds() / 3),
        )

    async def answer(self, key: int, outcome: Complete | Fail | ThrowError) -> None:
        """Tell the outcome of a job, once. Raises as :meth:`call`."""
        try:
            method, request = self._told(key, outcome)
        except (TypeError, ValueError, RecursionError) as error:
            raise Rejected(f"it cannot be written as JSON ({type(error).__name__})") from error
        await self.call(method, request)

    def _told(self, key: int, outcome: Complete | Fail | ThrowError) -> tuple[Any, Any]:
        match outcome:
            case Complete(variables):
                return self.stub.CompleteJob, pb.CompleteJobRequest(jobKey=key, variables=_json(variables))
            case Fail(message, retries, backoff, variables):
                return self.stub.FailJob, pb.FailJobRequest(
                    jobKey=key,
                    retries=retries,
                    errorMessage=_text(message),
                    retryBackOff=_ms(backoff),
                    variables=_json(variables),
                )
            case ThrowError(code, message, variables):
                return self.stub.ThrowError, pb.ThrowErrorRequest(
                    jobKey=key, errorCode=_text(code), errorMessage=_text(message), variables=_json(variables)
                )
            case _:
                assert_never(outcome)


def to_job(raw: pb.ActivatedJob) -> Job:
    """An activated job without its protobuf clothes. What cannot be read is a fault of this job, not of the worker."""
    variables: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    fault = ""
    try:
        variables = json.loads(raw.variables) if raw.variables else {}
        headers = json.loads(raw.customHeaders) if raw.customHeaders else {}
    except (ValueError, RecursionError) as error:
        variables, headers = {}, {}
        fault = f"The job's variables cannot be read ({type(error).__name__}): they are nested too deeply, or not JSON."
    return Job(
        key=raw.key,
        type=raw.type,
        variables=variables,
        headers=headers,
        retries=raw.retries,
        deadline_ms=raw.deadline,
        process_instance_key=raw.processInstanceKey,
        element_instance_key=raw.elementInstanceKey,
        bpmn_process_id=raw.bpmnProcessId,
        element_id=raw.elementId,
        tenant_id=raw.tenantId,
        fault=fault,
    )


def _text(text: str) -> str:
    """Text that can travel: half of a surrogate pair, which hostile mail brings along, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _json(variables: Mapping[str, Any]) -> str:
    return json.dumps(variables, allow_nan=False) if variables else ""


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)


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
