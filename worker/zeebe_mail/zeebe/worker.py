"""The host: takes jobs while there is capacity, keeps them ours, and tells Zeebe what became of them."""

from __future__ import annotations

import asyncio
import random
import time
from asyncio import FIRST_COMPLETED
from typing import Any, Protocol, assert_never

import structlog

from zeebe_mail.errors import AnswerRefused, JobLost, Retry, WorkerStopping, every_error
from zeebe_mail.jobs.handler import JobHandler
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Drop, Fail, Outcome, ThrowError
from zeebe_mail.zeebe.budget import Budget
from zeebe_mail.zeebe.gateway import Gateway, GatewayUnavailable, JobGone, Rejected
from zeebe_mail.zeebe.options import WorkerOptions
from zeebe_mail.zeebe.running import RunningJob
from zeebe_mail.zeebe.sources import Poll, Source, Stream

log = structlog.get_logger(__name__)

WATCH_INTERVAL_S = 1.0
SOURCE_GRACE_S = 2.0  # how long streams may take to empty
FREE_CODES = frozenset(error.code for error in every_error() if error.retry is Retry.FREE)
FIRST_ANSWER_PAUSE_S, LONGEST_ANSWER_PAUSE_S = 0.05, 2.0


class Telemetry(Protocol):
    """What the host reports about itself."""

    def source_alive(self, task_type: str) -> None:
        """The gateway answered a call for jobs of this type."""
        ...

    def source_failed(self, task_type: str, reason: str) -> None:
        """It did not."""
        ...

    def job_started(self, task_type: str, *, late_s: float) -> None:
        """A job starts, so long after the broker handed it out."""
        ...

    def job_answered(self, task_type: str, outcome: str, *, took_s: float) -> None:
        """A job came to its end: completed, failed, incident, handed_back, bpmn_error or dropped."""
        ...

    def loop_turned(self, *, in_flight: int, waiting: int) -> None:
        """The event loop is alive; said every second."""
        ...


class Worker:
    """Runs the jobs of a handler's task types on one gateway."""

    def __init__(
        self, gateway: Gateway, handler: JobHandler, options: WorkerOptions, telemetry: Telemetry, *, cluster: str = ""
    ) -> None:
        self._gateway = gateway
        self._handler = handler
        self._options = options
        self._telemetry = telemetry
        self._cluster = cluster
        self._budget = Budget(options.max_jobs)
        self._stopped = asyncio.Event()
        self._jobs: dict[int, RunningJob] = {}
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
        loops = [
            asyncio.create_task(source.run(), name=f"{type(source).__name__} {source.task_type}") for source in sources
        ]
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

        A job that is with us already (it timed out here and came back) is left to the run that has it.
        """
        if job.key in self._jobs:
            log.warning("job came again while it runs", action="job_repeated", job_key=job.key, task_type=job.type)
            if has_slot:
                self._budget.give_back()
            return
        running = RunningJob(job, self._gateway, timeout=self._options.job_timeout, cluster=self._cluster)
        self._jobs[job.key] = running
        running.has_slot = has_slot or await self._budget.take()
        running.stopping = self._stopped.is_set()
        running.task = asyncio.create_task(self._run(running), name=f"job {job.key}")

    async def _run(self, running: RunningJob) -> None:
        job = running.job
        running.entered = True
        try:
            outcome = await self._outcome(running)
            running.answering = True
            await self._answer(running, outcome)
            self._telemetry.job_answered(job.type, _name(outcome), took_s=time.monotonic() - running.arrived)
            log.info("job answered", **_log_fields(running, outcome))
        finally:
            del self._jobs[job.key]
            if running.has_slot:
                self._budget.give_back()

    async def _outcome(self, running: RunningJob) -> Outcome:
        try:
            await running.make_sure()
            if running.stopping:
                return _handed_back(running)
            self._telemetry.job_started(running.job.type, late_s=running.late_s)
            return await self._handler.handle(running.job, running)
        except JobLost as lost:
            return Drop(str(lost))
        except asyncio.CancelledError:
            if running.lost:
                return Drop(running.lost)
            if running.stopping and not running.committed:
                return _handed_back(running)
            raise

    async def _answer(self, running: RunningJob, outcome: Outcome) -> None:
        """Tell Zeebe, again and again while that means something.

        A completion is worth telling however late, because the mail is out; a failure only while the job is ours,
        because later it would hit the run of somebody else.
        """
        job, pause_s = running.job, FIRST_ANSWER_PAUSE_S
        if isinstance(outcome, Drop):
            log.info("job given up", action="job_dropped", job_key=job.key, task_type=job.type, reason=outcome.reason)
            return None
        told: Complete | Fail | ThrowError = outcome
        while True:
            try:
                return await self._gateway.answer(job.key, told)
            except JobGone as gone:
                log.info("job was settled elsewhere", action="job_gone", job_key=job.key, reason=str(gone))
                return None
            except Rejected as error:
                log.error("answer was refused", action="answer_refused", job_key=job.key, reason=str(error))
                if isinstance(told, Fail) and told.code == AnswerRefused.code:
                    return None
                told = _refused(running, told, error)
            except GatewayUnavailable as error:
                if isinstance(told, Fail) and running.deadline_passed:
                    log.warning("failure not told", action="answer_late", job_key=job.key, reason=str(error))
                    return None
                await asyncio.sleep(pause_s * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, not a secret
                pause_s = min(pause_s * 2, LONGEST_ANSWER_PAUSE_S)

    # ── keeping jobs ours ────────────────────────────────────────────────────────────────────────────────────────

    async def _watch(self) -> None:
        while True:
            waiting = sum(not running.has_slot for running in self._jobs.values())
            self._telemetry.loop_turned(in_flight=len(self._jobs), waiting=waiting)
            for running in self._jobs.values():
                if running.wants_extension and not running.extending:
                    running.extending = True
                    extension = asyncio.create_task(self._extend(running))
                    self._extensions.add(extension)
                    extension.add_done_callback(self._extensions.discard)
            await asyncio.sleep(WATCH_INTERVAL_S)

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
        while self._jobs and time.monotonic() < ends_at:
            tasks = [running.task for running in self._jobs.values() if running.task]
            await asyncio.wait(tasks, timeout=max(ends_at - time.monotonic(), 0.0), return_when=FIRST_COMPLETED)
        for running in self._jobs.values():
            log.error(
                "job left unfinished: its mail was handed over and the answer has not come",
                action="job_unfinished",
                job_key=running.job.key,
                task_type=running.job.type,
            )
            if running.task:
                running.task.cancel()


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
    if isinstance(outcome, Fail):
        fields |= {"code": outcome.code, "reason": outcome.message, "retries_left": outcome.retries}
    return fields


def _handed_back(running: RunningJob) -> Fail:
    stopping = WorkerStopping("The worker is shutting down; the job was handed back untouched.")
    return Fail(str(stopping), retries=running.job.retries, code=stopping.code)


def _refused(running: RunningJob, told: Outcome, error: Rejected) -> Fail:
    """The gateway does not take our answer: an incident, because repeating the job could repeat the mail."""
    done = "The mail was handed over. " if running.committed else ""
    refused = AnswerRefused(f"{done}The gateway refused the answer to this job ({type(told).__name__}): {error}.")
    return Fail(f"{refused} {refused.advice}", retries=0, code=refused.code)
