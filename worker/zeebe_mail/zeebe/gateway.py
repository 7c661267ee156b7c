"""A Zeebe gateway: credentials, and the job calls with their error classes."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, assert_never, cast

import grpc
import grpc.aio
from pyzeebe.proto import gateway_pb2 as pb

from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, ThrowError
from zeebe_mail.secrets import shortened
from zeebe_mail.zeebe.line import Line
from zeebe_mail.zeebe.options import GatewayOptions, WorkerOptions
from zeebe_mail.zeebe.tokens import Metadata, TokenSource, TokenUnavailable

if TYPE_CHECKING:
    from pyzeebe.proto.gateway_pb2_grpc import GatewayAsyncStub

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Status = grpc.StatusCode
Method = Callable[["GatewayAsyncStub"], grpc.aio.UnaryUnaryMultiCallable[Request, Answer]]
"""Picks a call, for example ``lambda stub: stub.Topology``."""

CALL_TIMEOUT_S = 10.0


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
        self._lines = [Line(options)]

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(self, *_: object) -> None:
        for line in self._lines:
            await line.aclose()
        if self._tokens is not None:
            await self._tokens.aclose()

    @property
    def address(self) -> str:
        """Host and port, for messages."""
        return self._options.address

    @property
    def heard_at(self) -> float:
        """When the gateway last answered a call over the line in use, of the monotonic clock."""
        return self._lines[-1].heard_at

    @property
    def stub(self) -> GatewayAsyncStub:
        """The bare calls, over the line in use."""
        return self._line.stub

    @property
    def _line(self) -> Line:
        """The line in use; another one when it was given up."""
        if self._lines[-1].given_up.is_set():
            self._lines = [line for line in self._lines if line.in_use]
            self._lines.append(Line(self._options))
        return self._lines[-1]

    # ── calls ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def call(
        self,
        method: Method[Request, Answer],
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
            return await self._call(method, request, metadata, timeout_s, wait_for_connection)
        except grpc.aio.AioRpcError as error:
            if not self._wants_new_token(error, metadata):
                raise translate(error) from error
        metadata = await self._metadata()
        try:
            return await self._call(method, request, metadata, timeout_s, wait_for_connection)
        except grpc.aio.AioRpcError as error:
            raise translate(error) from error

    async def _call(
        self, method: Method[Request, Answer], request: Request, metadata: Metadata, timeout_s: float, waits: bool
    ) -> Answer:
        asked_at = time.monotonic()
        async with self._line as line:
            try:
                answer = await method(line.stub)(request, timeout=timeout_s, metadata=metadata, wait_for_ready=waits)
            except grpc.aio.AioRpcError as error:
                if error.code() is Status.DEADLINE_EXCEEDED:
                    line.missed(asked_at, timeout_s)
                elif error.code() not in UNAVAILABLE:
                    line.heard()
                raise
            line.heard()
            return answer

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
    ) -> AsyncIterator[Job | None]:
        """Take up to ``most`` jobs; with ``wait`` the gateway holds the call until there is one, else it answers now.

        Gives None, once and first, when the line hangs: time to ask over another one, and to go on reading here.

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
        async with self._line as line:
            call = line.stub.ActivateJobs(request, timeout=deadline_s, metadata=metadata)
            reading = asyncio.ensure_future(call.read())
            try:
                if not await line.answers(reading):
                    yield None
                answer = await reading
                while answer is not grpc.aio.EOF:
                    line.heard()
                    for raw in cast("pb.ActivateJobsResponse", answer).jobs:
                        yield to_job(raw)
                    answer = await call.read()
                line.heard()
            except grpc.aio.AioRpcError as error:
                self._wants_new_token(error, metadata)
                raise _about_no_job(error) from error
            finally:
                reading.cancel()
                call.cancel()

    @asynccontextmanager
    async def stream(
        self, task_type: str, variables: Sequence[str], options: WorkerOptions
    ) -> AsyncIterator[tuple[Callable[[], Awaitable[Job | None]], asyncio.Event]]:
        """Have new jobs pushed. Gives a function that reads one, and None at the stream's end; and what is set when
        the line hangs and another stream should be opened.

        What is not read stays in the transport's window; then the gateway gives jobs to others.
        """
        request = pb.StreamActivatedJobsRequest(
            type=task_type,
            worker=options.name,
            timeout=_ms(options.job_timeout),
            fetchVariable=variables,
            tenantIds=options.tenant_ids,
        )
        metadata = await self._metadata()
        async with self._line as line:
            call = line.stream_stub.StreamActivatedJobs(request, metadata=metadata)

            async def read() -> Job | None:
                try:
                    raw = await call.read()
                except grpc.aio.AioRpcError as error:
                    self._wants_new_token(error, metadata)
                    raise _about_no_job(error) from error
                return None if raw is grpc.aio.EOF else to_job(cast("pb.ActivatedJob", raw))

            try:
                yield read, line.given_up
            finally:
                call.cancel()

    # ── answering jobs ───────────────────────────────────────────────────────────────────────────────────────────

    async def extend(self, key: int, timeout: timedelta) -> None:
        """Push a job's deadline to ``timeout`` from now. Raises JobGone when it is not active any more."""
        await self.call(
            lambda stub: stub.UpdateJobTimeout,
            pb.UpdateJobTimeoutRequest(jobKey=key, timeout=_ms(timeout)),
            # An answer that is lost must leave time for another try.
            timeout_s=min(CALL_TIMEOUT_S, timeout.total_seconds() / 3),
        )

    async def answer(self, key: int, outcome: Complete | Fail | ThrowError) -> None:
        """Tell the outcome of a job, once. Raises as :meth:`call`."""
        try:
            method, request = _told(key, outcome)
        except (TypeError, ValueError, RecursionError) as error:
            raise Rejected(f"it cannot be written as JSON ({type(error).__name__})") from error
        await self.call(method, request)


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


def _told(key: int, outcome: Complete | Fail | ThrowError) -> tuple[Method[Any, Any], Any]:
    match outcome:
        case Complete(variables):
            return (lambda stub: stub.CompleteJob), pb.CompleteJobRequest(jobKey=key, variables=_json(variables))
        case Fail(message, retries, backoff, variables):
            return (lambda stub: stub.FailJob), pb.FailJobRequest(
                jobKey=key,
                retries=retries,
                errorMessage=_text(message),
                retryBackOff=_ms(backoff),
                variables=_json(variables),
            )
        case ThrowError(code, message, variables):
            return (lambda stub: stub.ThrowError), pb.ThrowErrorRequest(
                jobKey=key, errorCode=_text(code), errorMessage=_text(message), variables=_json(variables)
            )
        case _:
            assert_never(outcome)


def _text(text: str) -> str:
    """Text that can travel: half of a surrogate pair, which hostile mail brings along, cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _json(variables: Mapping[str, Any]) -> str:
    return json.dumps(variables, allow_nan=False) if variables else ""


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
