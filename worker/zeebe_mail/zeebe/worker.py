"""The host: takes jobs while there is capacity, keeps them ours, and tells Zeebe what became of them."""

from __future__ import annotations

import asyncio
import random
import time
from asyncio import FIRST_COMPLETED
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, assert_never

import structlog

from zeebe_mail.errors import (
    FREE_CODES,
    AnswerRefused,
    InputError,
    JobLost,
    OutcomeUnknown,
    WorkerError,
    WorkerStopping,
)
from zeebe_mail.jobs.handler import internal_error
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Drop, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import Backoff, RetryPlan
from zeebe_mail.operations.base import Attempt
from zeebe_mail.zeebe.budget import Budget
from zeebe_mail.zeebe.gateway import Gateway, GatewayUnavailable, JobGone, Rejected
from zeebe_mail.zeebe.options import WorkerOptions
from zeebe_mail.zeebe.running import RunningJob
from zeebe_mail.zeebe.sources import Poll, Source, Stream

log = structlog.get_logger(__name__)

LONGEST_WATCH_INTERVAL_S = 1.0
SOURCE_GRACE_S = 2.0  # how long streams may take to empty
LONGEST_TELLING_S = 3.0
CLOSING_S = 0.1  # how long gateway and broker may take to notice that a stream is closed
DOUBTFUL_TRIES = 3  # an answer that hits an error inside the gateway is told so many times
FIRST_ANSWER_PAUSE_S, LONGEST_ANSWER_PAUSE_S = 0.05, 2.0


class Served(Protocol):
    """What can be done under one task type."""

    @property
    def task_type(self) -> str:
        """Its name."""
        ...

    @property
    def fetch_variables(self) -> list[str]:
        """The process variables that it needs."""
        ...


class Handler(Protocol):
    """Runs jobs; :class:`~zeebe_mail.jobs.handler.JobHandler` is the one."""

    @property
    def operations(self) -> Mapping[str, Served]:
        """What it can do, by task type."""
        ...

    async def handle(self, job: Job, attempt: Attempt) -> Outcome:
        """Run one job and say what must be told to Zeebe."""
        ...

    def answered(self, job: Job, outcome: Outcome) -> None:
        """Zeebe knows what became of a job; Drop: it does not, or knew before."""
        ...


class Telemetry(Protocol):
    """What the host reports about itself."""

    def source_alive(self, source: str) -> None:
        """The gateway answered this source, for example ``poll mail:smtp-send:1``."""
        ...

    def source_failed(self, source: str, reason: str) -> None:
        """It did not."""
        ...

    def source_waits(self, source: str) -> None:
        """This poll waits for a slot: until it asks, the gateway owes it nothing."""
        ...

    def source_asks(self, source: str) -> None:
        """This poll has room for a job, and the gateway owes it an answer."""
        ...

    def job_started(self, task_type: str, *, late_s: float) -> None:
        """A job starts, so long after the broker handed it out."""
        ...

    def job_answered(self, task_type: str, outcome: str, *, took_s: float) -> None:
        """A job came to its end: completed, failed, incident, handed_back, bpmn_error or dropped."""
        ...

    def loop_turned(self, *, in_flight: int, waiting: int, heard_at: float) -> None:
        """The event loop is alive, and the gateway last answered then; said every second."""
        ...


class Worker:
    """Runs the jobs of a handler's task types on one gateway."""

    def __init__(
        self, gateway: Gateway, handler: Handler, options: WorkerOptions, telemetry: Telemetry, *, cluster: str = ""
    ) -> None:
        self._gateway = gateway
        self._handler = handler
        self._options = options
        self._telemetry = telemetry
        self._cluster = cluster
        self._budget = Budget(options.max_jobs)
        self._stopped = asyncio.Event()
        self._sources_closed = asyncio.Event()
        self._jobs: dict[int, RunningJob] = {}
        self._may_come_again: dict[int, float] = {}
        self._extensions: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Jobs that are with us, running or waiting for their slot."""
        return len(self._jobs)

    def stop(self) -> None:
        """Begin to shut down: take no more jobs, hand back what was not handed over, finish the rest."""
        self._stopped.set()

    async def run(self) -> None:
        """Work until :meth:`stop`, then drain within the grace period.

        Raises:
            Exception: a bug in a source; the process should end and be restarted.
        """
        sources = self._sources()
        loops = [asyncio.create_task(source.run(), name=source.name) for source in sources]
        watch = asyncio.create_task(self._watch(), name="watch")
        stopped = asyncio.create_task(self._stopped.wait(), name="stopped")
        try:
            await asyncio.wait([*loops, watch, stopped], return_when=FIRST_COMPLETED)
            self._stopped.set()
            await self._drain(sources, loops)
            for loop in (*loops, watch):
                if loop.done() and not loop.cancelled():
                    loop.result()
        finally:
            for task in (*loops, watch, stopped, *self._extensions):
                task.cancel()
            await asyncio.gather(*loops, watch, stopped, *self._extensions, return_exceptions=True)

    def _sources(self) -> list[Source]:
        kinds: list[type[Source]] = [Poll, Stream] if self._options.streaming else [Poll]
        return [
            kind(
                self._gateway,
                self._options,
                self._budget,
                task_type=operation.task_type,
                variables=operation.fetch_variables,
                accept=self.accept,
                heartbeat=self._telemetry,
                stopped=self._stopped,
            )
            for operation in self._handler.operations.values()
            for kind in kinds
        ]

    # ── one job ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def accept(self, job: Job, *, has_slot: bool) -> None:
        """Take responsibility for a job and start it as soon as it has a slot.

        A job that is with us already (it timed out here and came back) is left to the run that has it. One that comes
        while its last run is being answered was most likely failed by that answer, which is faster on its way to a
        stream than to us: it waits for the answer's end, and then asks whether there is something left to do. So does
        one that came while it ran and was read only afterwards, because no slot was free.
        """
        last = self._jobs.get(job.key)
        if last is not None and not last.answering:
            log.warning("job came again while it runs", action="job_repeated", job_key=job.key, task_type=job.type)
            if has_slot:
                self._budget.give_back()
            return
        running = RunningJob(job, self._gateway, timeout=self._options.job_timeout, cluster=self._cluster)
        running.last_run = last.task if last else None
        running.was_here = last is not None or job.key in self._may_come_again
        self._jobs[job.key] = running
        try:
            running.has_slot = has_slot or await self._budget.take()
        finally:
            # Also when the source is cancelled here, which happens only at the end: the job is then handed back.
            running.stopping = self._stopped.is_set()
            running.task = asyncio.create_task(self._run(running), name=f"job {job.key}")

    async def _run(self, running: RunningJob) -> None:
        job = running.job
        running.entered = True
        try:
            outcome = await self._outcome(running)
            running.answering = True
            outcome = await self._answer(running, outcome)
            self._handler.answered(job, outcome)
            self._telemetry.job_answered(job.type, _name(outcome), took_s=time.monotonic() - running.arrived)
            log.info("job answered", **_log_fields(running, outcome))
        except Exception as bug:
            log.error("job stays unanswered", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
        finally:
            if self._jobs.get(job.key) is running:
                del self._jobs[job.key]
            if running.may_come_again:
                self._may_come_again[job.key] = time.monotonic()
            if running.has_slot:
                self._budget.give_back()

    async def _outcome(self, running: RunningJob) -> Outcome:
        job = running.job
        try:
            if running.last_run:
                await asyncio.wait([running.last_run])
            await running.make_sure(ask=running.was_here)
            if running.stopping:
                return _handed_back(running)
            self._telemetry.job_started(job.type, late_s=running.late_s)
            if job.fault:
                return _failed(job, InputError(job.fault))
            return await self._handler.handle(job, running)
        except JobLost as lost:
            return Drop(str(lost))
        except asyncio.CancelledError:
            if running.lost:
                return Drop(running.lost)
            if running.stopping and not running.committed:
                return _handed_back(running)
            if running.given_up:
                return _in_doubt(running)
            raise
        except Exception as bug:
            log.error("job hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
            return _failed(job, internal_error(committed=running.committed), repeatable=not running.committed)

    async def _answer(self, running: RunningJob, outcome: Outcome) -> Outcome:
        """Tell Zeebe, again and again while that means something; gives what Zeebe knows in the end.

        What became of a mail that was handed over is worth telling however late, because nobody may hand it over
        again; any other failure only while the job is ours, because later it would hit the run of somebody else.
        """
        if isinstance(outcome, Drop):
            return outcome
        if isinstance(outcome, Fail) and outcome.retries and self._stopped.is_set():
            # What is handed back while our streams are open is pushed to us again.
            await self._sources_closed.wait()
        job, pause_s, tries = running.job, FIRST_ANSWER_PAUSE_S, 0
        told: Complete | Fail | ThrowError = outcome
        while True:
            tries += 1
            try:
                await self._gateway.answer(job.key, told)
            except JobGone as gone:
                # After a try whose answer was lost, this is most likely our own first try.
                return told if tries > 1 else Drop(f"the job was settled elsewhere ({gone})")
            except Rejected as error:
                if error.final or tries >= DOUBTFUL_TRIES:
                    log.error("answer was refused", action="answer_refused", job_key=job.key, reason=str(error))
                    if isinstance(told, Fail) and told.code == AnswerRefused.code:
                        return Drop(f"the gateway refuses every answer ({error})")
                    told, tries = _refused(running, told, error), 0
                    continue
            except GatewayUnavailable as error:
                handed_over = running.committed and not (isinstance(told, Fail) and told.retries)
                if running.deadline_passed and not handed_over:
                    return Drop(f"the failure could not be told before the job's deadline ({error})")
            else:
                return told
            await asyncio.sleep(pause_s * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, not a secret
            pause_s = min(pause_s * 2, LONGEST_ANSWER_PAUSE_S)

    # ── keeping jobs ours ────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        interval_s = min(LONGEST_WATCH_INTERVAL_S, self._options.job_timeout.total_seconds() / 6)
        while True:
            waiting = sum(not running.has_slot for running in self._jobs.values())
            self._telemetry.loop_turned(in_flight=len(self._jobs), waiting=waiting, heard_at=self._gateway.heard_at)
            for running in self._jobs.values():
                if running.wants_extension and not running.extending:
                    running.extending = True
                    extension = asyncio.create_task(self._extend(running))
                    self._extensions.add(extension)
                    extension.add_done_callback(self._extensions.discard)
            self._forget()
            await asyncio.sleep(interval_s)

    def _forget(self) -> None:
        """What was handed out so long ago is asked for anyway when it comes."""
        since = time.monotonic() - self._options.job_timeout.total_seconds()
        self._may_come_again = {key: at for key, at in self._may_come_again.items() if at > since}

    async def _extend(self, running: RunningJob) -> None:
        try:
            await running.extend()
        except (GatewayUnavailable, Rejected) as error:
            log.warning("deadline not extended", action="extend_failed", job_key=running.job.key, reason=str(error))
        except JobLost:
            running.abort()
        finally:
            running.extending = False

    # ── shutting down ────────────────────────────────────────────────────────────────────────────────────────────

    async def _drain(self, sources: list[Source], loops: list[asyncio.Task[None]]) -> None:
        """Hand back what was not handed over, let the rest end within the grace period."""
        grace_s = self._options.shutdown_grace.total_seconds()
        ends_at = time.monotonic() + grace_s
        log.info("shutting down", action="worker_stopping", in_flight=len(self._jobs), grace_s=grace_s)
        self._budget.close()
        for source, loop in zip(sources, loops, strict=True):
            if source.idle:
                loop.cancel()
        for running in self._jobs.values():
            running.stopping = True
            running.abort()
        await asyncio.wait(loops, timeout=min(SOURCE_GRACE_S, grace_s))
        for loop in loops:
            loop.cancel()
        if loops_left := [loop for loop in loops if not loop.done()]:
            await asyncio.wait(loops_left, timeout=SOURCE_GRACE_S)
        await asyncio.sleep(min(CLOSING_S, grace_s))
        self._sources_closed.set()
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=max(ends_at - _telling_s(grace_s) - time.monotonic(), 0.0))
        for running in self._jobs.values():
            running.give_up()
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=max(ends_at - time.monotonic(), 0.0))
        for running in self._jobs.values():
            log.error(
                "job left unfinished",
                action="job_unfinished",
                job_key=running.job.key,
                task_type=running.job.type,
                handed_over=running.committed,
                answering=running.answering,
            )
        if tasks := self._tasks():
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [running.task for running in self._jobs.values() if running.task]


def _name(outcome: Outcome) -> str:
    match outcome:
        case Complete():
            return "completed"
        case ThrowError():
            return "bpmn_error"
        case Fail(retries=0):
            return "incident"
        case Fail(code=code) if code in FREE_CODES:
            return "handed_back"
        case Fail():
            return "failed"
        case Drop():
            return "dropped"
        case _:
            assert_never(outcome)


def _log_fields(running: RunningJob, outcome: Outcome) -> dict[str, Any]:
    job = running.job
    fields: dict[str, Any] = {
        "action": f"job_{_name(outcome)}",
        "job_key": job.key,
        "task_type": job.type,
        "process": job.bpmn_process_id,
        "element": job.element_id,
        "process_instance_key": job.process_instance_key,
        "took_ms": round((time.monotonic() - running.arrived) * 1000, 1),
    }
    if isinstance(outcome, Drop):
        fields["reason"] = outcome.reason
    elif isinstance(outcome, Fail):
        fields |= {"code": outcome.code, "reason": outcome.message, "retries_left": outcome.retries}
    return fields


def _failed(job: Job, error: WorkerError, *, repeatable: bool = True) -> Fail:
    retries, backoff = (
        RetryPlan(job.retries, failures=0, policy=Backoff()).after(error) if repeatable else (0, timedelta())
    )
    return Fail(str(error), retries=retries, backoff=backoff, code=error.code)


def _handed_back(running: RunningJob) -> Fail:
    return _failed(running.job, WorkerStopping("The worker is shutting down; the job was handed back untouched."))


def _in_doubt(running: RunningJob) -> Fail:
    """The grace period ends before the mail server's answer: an incident, so that no other worker sends it again."""
    doubt = OutcomeUnknown(
        "The worker had to stop after the point of no return and before the mail server's answer came. "
        + _message_id(running)
    )
    return _failed(running.job, doubt)


def _message_id(running: RunningJob) -> str:
    return f"The Message-ID of a mail that the worker sent begins with zm-{running.token}."


def _telling_s(grace_s: float) -> float:
    """The part of the grace period that is kept for telling Zeebe."""
    return min(LONGEST_TELLING_S, grace_s / 4)


def _refused(running: RunningJob, told: Outcome, error: Rejected) -> Fail:
    """The gateway does not take our answer: an incident, because repeating the job could repeat the mail."""
    done = f"The mail was handed over. {_message_id(running)} " if running.committed else ""
    refused = AnswerRefused(f"{done}The gateway refused the answer to this job ({type(told).__name__}): {error}.")
    return Fail(str(refused), retries=0, code=refused.code)
