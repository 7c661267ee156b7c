"""The way of one job, from activated to outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from zeebe_mail.errors import FREE_CODES, InternalError, JobLost, TooManyAttempts, WorkerError
from zeebe_mail.jobs.expressions import TakesLonger
from zeebe_mail.jobs.face import Face
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Drop, Fail, Outcome
from zeebe_mail.jobs.retry import AttemptLog, Backoff, RetryPlan
from zeebe_mail.jobs.settle import Settled, Settlement, SettlementRules
from zeebe_mail.jobs.validate import secret_values
from zeebe_mail.operations.base import Attempt, Desk, Errand, Sessions
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
    ) -> None:
        self.operations = operations
        self._desk = desk
        self._secrets = secrets
        self._rules = rules
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._attempts = AttemptLog()
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

    async def _handled(self, job: Job, attempt: Attempt) -> tuple[Settlement, Outcome]:
        unfinished, failures = self._attempts.begin(job.key)
        # What leaves for this process is masked with the secrets of this job; logs are masked with all of them.
        redactor = Redactor(also=self._rules.redactor)
        settlement = Settlement(
            job,
            replace(self._rules, redactor=redactor),
            RetryPlan(job.retries, failures, self._backoff),
            self.operations[job.type].manners,
        )
        outcome = await self._outcome(settlement, job, attempt, unfinished, redactor)
        for trap in settlement.traps.values():
            log.warning("expression has a trap", action="expression_trap", job_key=job.key, warning=trap)
        for warning in settlement.warnings:
            log.debug("expression warned", action="expression_warning", job_key=job.key, warning=warning)
        self._note(job, outcome)
        return settlement, outcome

    def _note(self, job: Job, outcome: Outcome) -> None:
        """Note the end of a try; a failure that costs no retry is none, for so the job would go round for ever."""
        if isinstance(outcome, Drop):
            return
        if not isinstance(outcome, Fail) or not outcome.retries:
            self._attempts.end(job.key, failed=False)
        elif outcome.retries < job.retries or outcome.code in FREE_CODES:
            self._attempts.end(job.key, failed=outcome.code not in FREE_CODES)

    async def _outcome(
        self, settlement: Settlement, job: Job, attempt: Attempt, unfinished: int, redactor: Redactor
    ) -> Outcome:
        try:
            settlement.prepare()
            if unfinished >= self._max_attempts:
                raise TooManyAttempts(f"The job began {unfinished} times and never came to an end.")
            result = await self._run(self.operations[job.type], job, attempt, redactor)
        except WorkerError as error:
            return await self._settled(settlement, job, partial(settlement.of_error, error), attempt)
        except JobLost as lost:
            return Drop(str(lost))
        except Exception as bug:
            log.error("job hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
            committed = attempt.committed
            told = partial(settlement.of_error, internal_error(committed=committed), repeatable=not committed)
            return await self._settled(settlement, job, told, attempt)
        return await self._settled(settlement, job, partial(settlement.of_result, result), attempt)

    async def _settled(
        self, settlement: Settlement, job: Job, settle: Callable[[], Outcome], attempt: Attempt
    ) -> Outcome:
        """Settle: here, while that is quick, else in a thread that other jobs do not wait for.

        A bug is not an outcome: the traceback goes to the log, a plain sentence to the process, and no second mail.
        """
        try:
            try:
                outcome = settle()
            except TakesLonger:
                settlement.take_time()
                outcome = await asyncio.get_running_loop().run_in_executor(self._slow_expressions, settle)
            return await settlement.with_documents(outcome)
        except Exception as bug:
            log.error("settlement hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
            return settlement.of_failed_settlement(internal_error(committed=attempt.committed))

    async def _run(self, face: Face, job: Job, attempt: Attempt, redactor: Redactor) -> Any:
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
        turns = _Turns(self._desk.sessions, errand)
        produced = await errand.operation.perform(errand.given, turns, attempt, self._desk)
        return errand.response(produced)

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
