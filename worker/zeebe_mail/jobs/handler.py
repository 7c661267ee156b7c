"""The way of one job, from activated to outcome."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any, Protocol

import structlog

from zeebe_mail.errors import InternalError, JobLost, TooManyAttempts, WorkerError
from zeebe_mail.jobs.face import Face
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Drop, Fail, Outcome
from zeebe_mail.jobs.retry import AttemptLog, Backoff, RetryPlan
from zeebe_mail.jobs.settle import Settlement, SettlementRules
from zeebe_mail.jobs.validate import secret_values
from zeebe_mail.operations.base import Attempt
from zeebe_mail.secrets import Redactor, SecretResolver

log = structlog.get_logger(__name__)


class Sessions(Protocol):
    """Where logged-in sessions are leased."""

    def lease(self, session_type: type[Any], server: Any, auth: Any) -> AbstractAsyncContextManager[Any]:
        """A session for one operation; given back, or thrown away after a fault, when the block ends."""
        ...


class JobHandler:
    """Runs jobs. Knows what a job means and nothing about where it came from."""

    def __init__(
        self,
        *,
        operations: Mapping[str, Face],
        sessions: Sessions,
        secrets: SecretResolver,
        rules: SettlementRules,
        backoff: Backoff,
        max_attempts: int,
    ) -> None:
        self.operations = operations
        self._sessions = sessions
        self._secrets = secrets
        self._rules = rules
        self._backoff = backoff
        self._max_attempts = max_attempts
        self._attempts = AttemptLog()

    async def handle(self, job: Job, attempt: Attempt) -> Outcome:
        """Run one activated job and say what must be told to Zeebe. Raises nothing but cancellation."""
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
        if not isinstance(outcome, Drop):
            self._attempts.end(job.key, failed=isinstance(outcome, Fail) and 0 < outcome.retries < job.retries)
        return outcome

    async def _outcome(
        self, settlement: Settlement, job: Job, attempt: Attempt, unfinished: int, redactor: Redactor
    ) -> Outcome:
        try:
            settlement.prepare()
            if unfinished >= self._max_attempts:
                raise TooManyAttempts(f"The job began {unfinished} times and never came to an end.")
            result = await self._run(self.operations[job.type], job, attempt, redactor)
            return await settlement.with_documents(settlement.of_result(result))
        except WorkerError as error:
            return await settlement.with_documents(settlement.of_error(error))
        except JobLost as lost:
            return Drop(str(lost))
        except Exception as bug:
            # A bug is not an outcome: the traceback goes to the log, a plain sentence to the process.
            log.error("job hit a bug", action="job_bug", job_key=job.key, task_type=job.type, exc_info=bug)
            return settlement.of_error(internal_error(committed=attempt.committed), repeatable=not attempt.committed)

    async def _run(self, face: Face, job: Job, attempt: Attempt, redactor: Redactor) -> Any:
        resolved = self._secrets.resolve(
            job.variables,
            redactor,
            task_type=job.type,
            host=face.host(job.variables),
            fields=face.secret_fields,
            content=face.content_fields,
        )
        errand = face.errand(resolved)
        operation, given = errand.operation, errand.given
        for value in secret_values(given):
            redactor.add(value, is_credential=True)
        async with self._sessions.lease(operation.session, given.server, given.auth) as session:
            produced = await operation.run(given, session, attempt)
        return errand.response(produced)


def internal_error(*, committed: bool) -> InternalError:
    """What a process is told about a bug: no more than what it means for the mail."""
    if committed:
        return InternalError("The worker hit a bug after the mail was handed over; it is not sent again.")
    return InternalError("The worker hit a bug before any mail was handed over.")
