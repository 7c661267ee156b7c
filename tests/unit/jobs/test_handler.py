"""A job's way when something on it breaks: what the process is told, and how often the operation runs."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from tests.desks import desk
from tests.live.host import log_lines
from zeebe_mail.app import TrialAttempt
from zeebe_mail.errors import Busy, WorkerError
from zeebe_mail.form import Part
from zeebe_mail.jobs.face import NativeFace
from zeebe_mail.jobs.handler import JobHandler
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import Backoff
from zeebe_mail.jobs.settle import SettlementRules
from zeebe_mail.operations.base import Attempt, Operation, OperationInput, OperationOutput
from zeebe_mail.secrets import Redactor, SecretResolver


class Nothing(Part):
    """An empty part."""


class Auth(Part):
    """A login."""

    password: SecretStr = SecretStr("long enough")


class Input(OperationInput):
    """What this operation needs."""

    server: Nothing = Nothing()
    auth: Auth = Auth()


class Output(OperationOutput):
    """What it gives."""

    message_id: str = "<zm-1@x.test>"


class BrokenStore:
    """A document store with a bug."""

    async def create(self, content: bytes, *, name: str, content_type: str) -> dict[str, Any]:
        raise RuntimeError("a bug")


class Mail:
    """An operation that hands over a mail each time it runs, or raises."""

    def __init__(self, error: WorkerError | None = None) -> None:
        self.sent = 0
        self.error = error
        operation = Operation("t", "T", (), Input, object, Output, self.run)
        self.handler = JobHandler(
            operations={"t": NativeFace(operation)},
            desk=desk(sessions=self),
            secrets=SecretResolver([]),
            rules=SettlementRules(Redactor(), result_limit_bytes=100_000, documents=BrokenStore()),
            backoff=Backoff(),
            max_attempts=3,
        )

    @asynccontextmanager
    async def lease(self, session_type: type[Any], server: Any, auth: Any) -> AsyncIterator[None]:
        yield None

    def has_room(self, server: Any) -> bool:
        return True

    async def run(self, given: Any, session: Any, attempt: Attempt) -> Output:
        await attempt.commit()
        if self.error:
            raise self.error
        self.sent += 1
        return Output()

    async def handle(self, headers: Mapping[str, str], *, retries: int = 3, key: int = 1) -> Outcome:
        return await self.handler.handle(Job(key, "t", {}, headers, retries, 0), TrialAttempt())


ORDINARY = "=if error != null then jobError(error.message, {}, job.retries - 1) else null"


async def test_a_bug_while_settling_is_an_incident_with_the_mails_id_whatever_the_error_expression_says() -> None:
    mail = Mail()
    headers = {"resultExpression": '={d: createDocument("aGk=")}', "errorExpression": ORDINARY}
    outcome = await mail.handle(headers)
    assert isinstance(outcome, Fail)
    assert (outcome.code, outcome.retries, mail.sent) == ("INTERNAL_ERROR", 0, 1)
    assert "<zm-1@x.test>" in outcome.message
    assert outcome.variables["response"] == {"messageId": "<zm-1@x.test>"}


async def test_a_job_can_be_explained_and_what_became_null_is_told() -> None:
    headers = {"resultExpression": "={a: mesageId}", "errorExpression": '=bpmnError("X", "y")'}
    settled = await Mail().handler.explain(Job(1, "t", {}, headers, 3, 0), TrialAttempt())
    assert settled.outcome == ThrowError("X", "y", {})
    assert settled.result_mapping == {"a": None}
    assert settled.error_mapping["errorCode"] == "X"
    assert "mesageId" in settled.warnings[0]


async def test_a_slow_expression_is_evaluated_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    settle = JobHandler._settled

    async def watched(*args: Any, **more: Any) -> Outcome:
        outcome = await settle(*args, **more)
        seen.extend(thread.name for thread in threading.enumerate() if thread.name.startswith("expressions"))
        return outcome

    monkeypatch.setattr(JobHandler, "_settled", watched)
    mail = Mail()
    outcome = await mail.handle({"resultExpression": "={n: count(for i in 1..100000 return i)}"})
    assert outcome == Complete({"n": 100_000})
    assert len(seen) == 1


async def test_a_failure_that_costs_no_retry_ends_as_an_incident() -> None:
    mail = Mail(Busy("Later."))
    headers = {"errorExpression": '=jobError("again", {}, 3)'}
    outcomes = [await mail.handle(headers) for _ in range(4)]
    assert [outcome.retries for outcome in outcomes if isinstance(outcome, Fail)] == [3, 3, 3, 0]
    assert isinstance(last := outcomes[-1], Fail)
    assert last.code == "TOO_MANY_ATTEMPTS"


async def test_a_failure_that_costs_a_retry_may_come_as_often_as_it_has_retries() -> None:
    mail = Mail(Busy("Later."))
    outcomes = [await mail.handle({}, retries=retries) for retries in (6, 5, 4, 3, 2, 1)]
    assert [outcome.retries for outcome in outcomes if isinstance(outcome, Fail)] == [5, 4, 3, 2, 1, 0]


async def test_a_job_that_was_incident_and_is_resolved_begins_anew() -> None:
    mail = Mail(Busy("Later."))
    for _ in range(10):
        outcome = await mail.handle({}, retries=1)
        assert isinstance(outcome, Fail)
        assert outcome.code == "SERVER_BUSY"


async def test_a_credential_too_short_to_be_masked_is_warned_of_once() -> None:
    mail = Mail()
    with log_lines() as lines:
        await mail.handle({})
        assert lines == []
        for key in (1, 2):
            await mail.handler.handle(Job(key, "t", {"auth": {"password": "abc"}}, {}, 3, 0), TrialAttempt())
    assert [line["action"] for line in lines if line["log_level"] == "warning"] == ["credential_too_short"]
    assert "abc" not in str(lines)
