"""The way of one job, from activated to outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypedDict

import structlog

from zeebe_mail.errors import FREE_CODES, InternalError, JobLost, OutcomeUnknown, TooManyAttempts, WorkerError
from zeebe_mail.jobs.expressions import TakesLonger
from zeebe_mail.jobs.face import Face
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Drop, Fail, Outcome, ThrowError
from zeebe_mail.jobs.recorded import RESOLUTIONS, Bookkeeping, RecordedAttempt, again, how_to_resolve, stored, unknown
from zeebe_mail.jobs.retry import AttemptLog, Backoff, RetryPlan
from zeebe_mail.jobs.settle import Settled, Settlement, SettlementRules
from zeebe_mail.jobs.validate import secret_values
from zeebe_mail.ledger.entry import Task
from zeebe_mail.ledger.ledger import Claim, Delivered, Doubt, Handover, Stored
from zeebe_mail.ledger.states import InDoubt, Resolution
from zeebe_mail.ledger.store.store import as_text
from zeebe_mail.operations.base import Attempt, Desk, Errand, OperationOutput, Sessions
from zeebe_mail.operations.sent_copy import is_among_sent
from zeebe_mail.operations.smtp import SmtpInput
from zeebe_mail.secrets import SHORTEST_MASKED_INSIDE_TEXT, Redactor, SecretResolver

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Turns:
    """The sessions of one job."""

    sessions: Sessions
    errand: Errand

    def lease(self) -> AbstractAsyncContextManager[Any]:
        given: Any = self.errand.given
        session_type = self.errand.operation.session
        assert session_type, self.errand.operation.task_type
        return self.sessions.lease(session_type, given.server, given.auth)

    @property
    def has_room(self) -> bool:
        given: Any = self.errand.given
        return self.sessions.has_room(given.server)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of one job."""

    face: Face
    job: Job
    attempt: Attempt
    redactor: Redactor
    settlement: Settlement

    def masked(self, value: Any) -> Any:
        """The same data as the ledger may have it. Most has no secret, and one look at all of it is quick."""
        text = as_text(value)
        return value if self.redactor.text(text) == text else self.settlement.masked(value)


class JobHandler:
    """Runs jobs. Knows what a job means and nothing about where it came from."""

    def __init__(
        self,
        *,
        operations: Mapping[str, Face],
        desk: Desk,
        secrets: SecretResolver,
        rules: SettlementRules,
        backoff: Backoff,
        max_attempts: int,
        bookkeeping: Bookkeeping | None = None,
    ) -> None:
        """Without ``bookkeeping`` no send is recorded."""
        self.operations = operations
        self._desk = desk
        self._secrets = secrets
        self._rules = rules
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._attempts = AttemptLog()
        self._bookkeeping = bookkeeping
        self._warned_of_short = False
        # One thread: expressions hold the interpreter, so more of them would only take time from each other.
        self._slow_expressions = ThreadPoolExecutor(1, thread_name_prefix="expressions")

    async def handle(self, job: Job, attempt: Attempt) -> Outcome:
        """Run one activated job and say what must be told to Zeebe. Raises nothing but cancellation."""
        _, outcome = await self._handled(job, attempt)
        return outcome

    async def explain(self, job: Job, attempt: Attempt) -> Settled:
        """The same, and how the outcome came about."""
        settlement, outcome = await self._handled(job, attempt)
        return settlement.settled(outcome)

    def answered(self, job: Job, outcome: Outcome) -> None:
        """Note what Zeebe knows by now."""
        if (
            self._bookkeeping
            and isinstance(outcome, Complete | ThrowError)
            and self.operations[job.type].sends(job.variables)
        ):
            self._bookkeeping.ledger.completed(self._bookkeeping.key(job))

    async def _handled(self, job: Job, attempt: Attempt) -> tuple[Settlement, Outcome]:
        unfinished, failures = self._attempts.begin(job.key)
        # What leaves for this process is masked with the secrets of this job; logs are masked with all of them.
        redactor = Redactor(also=self._rules.redactor)
        face = self.operations[job.type]
        settlement = Settlement(
            job,
            replace(self._rules, redactor=redactor),
            RetryPlan(job.retries, failures, self._backoff),
            face.manners,
        )
        run = _Run(face, job, attempt, redactor, settlement)
        outcome = await self._outcome(run, unfinished)
        for trap in settlement.traps.values():
            log.warning("expression has a trap", action="expression_trap", job_key=job.key, warning=trap)
        for warning in settlement.warnings:
            log.debug("expression warned", action="expression_warning", job_key=job.key, warning=warning)
        self._note(job, outcome)
        return settlement, outcome

    def _note(self, job: Job, outcome: Outcome) -> None:
        end = _end(job, outcome)
        if end["ended"]:
            self._attempts.end(job.key, failed=end["failed"])

    async def _outcome(self, run: _Run, unfinished: int) -> Outcome:
        settlement, job, attempt = run.settlement, run.job, run.attempt
        try:
            settlement.prepare()
            if self._bookkeeping and run.face.sends(job.variables):
                return await self._recorded(run, self._bookkeeping)
            if unfinished >= self._max_attempts:
                raise _too_many(unfinished)
            errand = await self._errand(run)
            result = errand.response(await self._performed(errand, attempt))
        except WorkerError as error:
            return await self._settled(run, partial(settlement.of_error, error))
        except JobLost as lost:
            return Drop(str(lost))
        except Exception as bug:
            return await self._settled_bug(run, bug)
        return await self._settled(run, partial(settlement.of_result, result))

    async def _settled_bug(self, run: _Run, bug: Exception) -> Outcome:
        job, committed = run.job, run.attempt.committed
        log.error("job hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
        told = partial(run.settlement.of_error, internal_error(committed=committed), repeatable=not committed)
        return await self._settled(run, told)

    # ── what the ledger records ──────────────────────────────────────────────────────────────────────────────────

    async def _recorded(self, run: _Run, books: Bookkeeping) -> Outcome:
        """A send: begun, ended or left out as the ledger says."""
        policy = books.policy(run.job)
        task = books.task(run.job, run.face, run.attempt.token)
        found = await self._entered(run, books, task, policy)
        match found:
            case Stored():
                log.warning("mail went out earlier", action="duplicate_avoided", job_key=run.job.key)
                return await self._settled(run, partial(run.settlement.of_result, stored(found, run.job)))
            case Doubt(entry=entry):
                assert entry is not None
                return await self._held(run, found, unknown(entry))
        try:
            return await self._attempted(run, books, found, policy)
        finally:
            books.ledger.over(task.key)

    async def _entered(self, run: _Run, books: Bookkeeping, task: Task, policy: InDoubt) -> Claim | Stored | Doubt:
        """What there is to do; a doubt only where nobody but a person can resolve it."""
        while True:
            found = await books.ledger.claim(task)
            if not isinstance(found, Doubt):
                return found
            message_id = (found.entry and found.entry.message_id) or ""
            if not await self._resolved(run, found, message_id, policy):
                return found

    async def _resolved(self, run: _Run, doubt: Doubt, message_id: str, policy: InDoubt) -> Resolution | None:
        """Resolve a doubt: by a look among the sent mails, else by the task's policy."""
        if await self._is_among_sent(run, doubt.task, message_id):
            await doubt.resolved(Resolution.SENT, by="found among the sent mails")
            return Resolution.SENT
        if resolution := RESOLUTIONS.get(policy):
            await doubt.resolved(resolution, by=f"inDoubt: {policy.value}")
        return resolution

    async def _is_among_sent(self, run: _Run, task: Task, message_id: str) -> bool:
        if task.token not in message_id:
            return False  # an ID that the process chose may be that of an earlier mail
        try:
            given = (await self._errand(run)).given
        except WorkerError:
            return False
        return isinstance(given, SmtpInput) and await is_among_sent(message_id, given, self._desk)

    async def _attempted(self, run: _Run, books: Bookkeeping, claim: Claim, policy: InDoubt) -> Outcome:
        run.settlement.failed_before(claim.failures)
        recorded: RecordedAttempt | None = None
        try:
            if claim.unfinished >= self._max_attempts:
                raise _too_many(claim.unfinished)
            errand = await self._errand(run)
            recorded = RecordedAttempt(run.attempt, claim, errand.response, run.masked)
            result = await recorded.response(await self._performed(errand, recorded))
            if isinstance(recorded.stage, Claim):
                await claim.failed(ended=True, failed=False, reason="There was nothing to send.")
        except asyncio.CancelledError:
            if recorded is None:
                claim.abandoned()
            elif doubt := recorded.cut_off():
                doubt.held()
            raise
        except WorkerError as error:
            return await self._unsuccessful(run, books, recorded, claim, error, policy)
        except JobLost as lost:
            claim.abandoned()
            return Drop(str(lost))
        except Exception as bug:
            outcome = await self._settled_bug(run, bug)
            match recorded and recorded.stage:
                case Handover() as handover:
                    handover.unknown("The worker hit a bug before it knew the mail server's answer.").held()
                case None | Claim():
                    await claim.failed(**_end(run.job, outcome), reason=type(bug).__name__)
            return outcome
        return await self._settled(run, partial(run.settlement.of_result, result))

    async def _unsuccessful(
        self,
        run: _Run,
        books: Bookkeeping,
        recorded: RecordedAttempt | None,
        claim: Claim,
        error: WorkerError,
        policy: InDoubt,
    ) -> Outcome:
        """The outcome of an attempt that raised, once the ledger has what it means for the mail."""
        stage = recorded.stage if recorded else claim
        if recorded and isinstance(stage, Handover) and isinstance(error, OutcomeUnknown):
            doubt = stage.unknown(error.message)
            match await self._resolved(run, doubt, recorded.message_id, policy):
                case Resolution.SENT:
                    found = await books.ledger.claim(doubt.task)
                    if isinstance(found, Stored):
                        return await self._settled(run, partial(run.settlement.of_result, stored(found, run.job)))
                case Resolution.NOT_SENT:
                    return await self._settled(run, partial(run.settlement.of_error, again(error)))
            error.next_step = how_to_resolve(run.job.key)
            return await self._held(run, doubt, error)
        outcome = await self._settled(run, partial(run.settlement.of_error, error))
        match stage:
            case Claim():
                await stage.failed(**_end(run.job, outcome), reason=str(error))
            case Handover():
                await stage.refused(**_end(run.job, outcome), reason=str(error))
            case Delivered():
                pass
        return outcome

    async def _held(self, run: _Run, doubt: Doubt, error: OutcomeUnknown) -> Outcome:
        """The outcome of a doubt; where the process does not deal with it, a person has to."""
        outcome = await self._settled(run, partial(run.settlement.of_error, error))
        if isinstance(outcome, Fail):
            doubt.held()
        return outcome

    # ── running and settling ─────────────────────────────────────────────────────────────────────────────────────

    async def _settled(self, run: _Run, settle: Callable[[], Outcome]) -> Outcome:
        """Settle: here, while that is quick, else in a thread that other jobs do not wait for.

        A bug is not an outcome: the traceback goes to the log, a plain sentence to the process, and no second mail.
        """
        settlement, job = run.settlement, run.job
        try:
            try:
                outcome = settle()
            except TakesLonger:
                settlement.take_time()
                outcome = await asyncio.get_running_loop().run_in_executor(self._slow_expressions, settle)
            return await settlement.with_documents(outcome)
        except Exception as bug:
            log.error("settlement hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
            return settlement.of_failed_settlement(internal_error(committed=run.attempt.committed))

    async def _errand(self, run: _Run) -> Errand:
        """What is to be done, with its secrets."""
        face, job, redactor = run.face, run.job, run.redactor
        resolved = self._secrets.resolve(
            job.variables,
            redactor,
            task_type=job.type,
            hosts=partial(face.hosts, job.variables),
            fields=face.secret_fields,
            content=face.content_fields,
        )
        errand = face.errand(await face.filled_in(resolved, self._desk))
        for value in secret_values(errand.given):
            redactor.add(value, is_credential=True)
            self._warn_if_short(value, job)
        return errand

    async def _performed(self, errand: Errand, attempt: Attempt) -> OperationOutput:
        turns = _Turns(self._desk.sessions, errand)
        output: OperationOutput = await errand.operation.perform(errand.given, turns, attempt, self._desk)
        return output

    def _warn_if_short(self, credential: str, job: Job) -> None:
        """Said once: a very short credential is masked only where it is the whole of a text."""
        if self._warned_of_short or not 0 < len(credential) < SHORTEST_MASKED_INSIDE_TEXT:
            return
        self._warned_of_short = True
        log.warning(
            f"a credential has fewer than {SHORTEST_MASKED_INSIDE_TEXT} characters and is not masked inside texts",
            action="credential_too_short",
            job_key=job.key,
            task_type=job.type,
            process=job.bpmn_process_id,
            element=job.element_id,
        )


def internal_error(*, committed: bool) -> InternalError:
    """What a process is told about a bug: no more than what it means for the mail."""
    if committed:
        return InternalError("The worker hit a bug after the mail was handed over; it is not sent again.")
    return InternalError("The worker hit a bug before any mail was handed over.")


class _End(TypedDict):
    ended: bool
    failed: bool


def _end(job: Job, outcome: Outcome) -> _End:
    """Whether a try came to an end, and failed; a failure that costs no retry is none, or the job would go round."""
    match outcome:
        case Drop():
            return _End(ended=False, failed=False)
        case Fail(retries=retries, code=code) if retries:
            free = code in FREE_CODES
            return _End(ended=retries < job.retries or free, failed=not free)
        case _:
            return _End(ended=True, failed=False)


def _too_many(unfinished: int) -> TooManyAttempts:
    return TooManyAttempts(f"The job began {unfinished} times and never came to an end.")
