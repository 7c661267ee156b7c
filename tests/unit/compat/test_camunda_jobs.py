"""A job of `io.camunda:email:1` on its whole way through the handler, but for the mail server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import structlog

from tests.desks import desk
from tests.unit.compat.test_camunda_face import variables
from zeebe_mail.app import TrialAttempt, secret_resolver, selected, settlement_rules, task_types
from zeebe_mail.compat.camunda.face import TASK_TYPE
from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import Busy, CredentialsError, RecipientsRefused, Unsupported, WorkerError
from zeebe_mail.jobs.handler import JobHandler
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import Backoff
from zeebe_mail.mail.smtp import Outgoing, Receipt
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

REFUSED = RecipientsRefused(
    "Nobody got it.",
    details={"phase": "RCPT", "rejected": [{"code": 550, "enhanced": "5.1.1", "text": "No such user"}]},
)


@dataclass
class Office:
    """A handler on a mail server that takes everything, or raises."""

    fault: WorkerError | None = None
    sent: list[Outgoing] = field(default_factory=list)
    redactor: Redactor = field(default_factory=Redactor)

    async def send(self, mail: Outgoing, **_: Any) -> Receipt:
        if self.fault:
            raise self.fault
        self.sent.append(mail)
        return Receipt(mail.recipients, (), "250 ok", len(mail.data), False)

    @asynccontextmanager
    async def lease(self, *_: Any) -> AsyncIterator[Office]:
        yield self

    def has_room(self, *_: Any) -> bool:
        return True

    async def does(
        self, given: Mapping[str, Any], headers: Mapping[str, str] | None = None, *, retries: int = 3
    ) -> Outcome:
        settings = load()
        handler = JobHandler(
            operations=selected(task_types(settings), [TASK_TYPE], []),
            desk=desk(sessions=self),
            secrets=secret_resolver(settings),
            rules=settlement_rules(settings, self.redactor, NoStore()),
            backoff=Backoff(),
            max_attempts=3,
        )
        job = Job(1, TASK_TYPE, given, headers or {"resultVariable": "mail"}, retries=retries, deadline_ms=0)
        return await handler.handle(job, TrialAttempt())


@pytest.fixture(autouse=True)
def switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT", "camunda")


def test_the_task_type_is_served_only_where_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TASK_TYPE in task_types(load())
    monkeypatch.delenv("ZEEBE_MAIL_COMPAT")
    assert TASK_TYPE not in task_types(load())


async def test_the_response_becomes_the_result_variable() -> None:
    office = Office()
    outcome = await office.does(variables())
    assert isinstance(outcome, Complete)
    assert set(outcome.variables["mail"]) == {"subject", "sent", "messageId"}
    assert outcome.variables["mail"]["messageId"] == office.sent[0].message_id


async def test_a_refusal_costs_one_retry_and_no_wait() -> None:
    outcome = await Office(REFUSED).does(variables())
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.backoff) == (2, timedelta())
    assert outcome.message.startswith("jakarta.mail.SendFailedException: Invalid Addresses;")
    assert set(outcome.variables["error"]) == {"type", "message"}


async def test_the_header_says_how_long_to_wait() -> None:
    outcome = await Office(REFUSED).does(variables(), {"retryBackoff": "PT30S"})
    assert isinstance(outcome, Fail)
    assert outcome.backoff == timedelta(seconds=30)


async def test_an_error_expression_sees_no_code() -> None:
    asks = {"errorExpression": '=if error.code != null then bpmnError("CODE", "x") else bpmnError("NONE", error.type)'}
    outcome = await Office(REFUSED).does(variables(), asks)
    assert outcome == ThrowError("NONE", "java.lang.RuntimeException", {})


@pytest.mark.parametrize("expression", ['=bpmnError("", "x")', '={errorType: "bpmnError"}'])
async def test_a_bpmn_error_without_a_code_is_passed_over_as_recorded_but_not_in_silence(expression: str) -> None:
    with structlog.testing.capture_logs() as lines:
        sent = await Office().does(variables(), {"errorExpression": expression})
        failed = await Office(REFUSED).does(variables(), {"errorExpression": expression})
    assert sent == Complete({})
    assert isinstance(failed, Fail)
    assert failed.retries == 2
    warned = [line for line in lines if line["log_level"] == "warning"]
    assert len(warned) == 2
    assert all("without a code" in line["warning"] for line in warned)


async def test_a_bpmn_error_in_the_result_expression_sets_variables_as_recorded_but_not_in_silence() -> None:
    with structlog.testing.capture_logs() as lines:
        outcome = await Office().does(variables(), {"resultExpression": '=bpmnError("X", "y")'})
    assert outcome == Complete({"errorType": "bpmnError", "errorCode": "X", "errorMessage": "y"})
    assert ["Write it in the errorExpression" in line["warning"] for line in lines if "warning" in line] == [True]


# ── retries by our own rules ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fault", [CredentialsError("535 no."), REFUSED, Unsupported("No STARTTLS.")])
async def test_what_is_for_good_is_tried_once_where_the_operator_wants_so(
    monkeypatch: pytest.MonkeyPatch, fault: WorkerError
) -> None:
    by_default = await Office(fault).does(variables())
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT_OWN_RETRIES", "true")
    by_our_rules = await Office(fault).does(variables())
    assert [one.retries for one in (by_default, by_our_rules) if isinstance(one, Fail)] == [2, 0]


async def test_by_our_rules_a_job_waits_before_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT_OWN_RETRIES", "true")
    outcome = await Office(Busy("421 later.")).does(variables())
    told = await Office(Busy("421 later.")).does(variables(), {"retryBackoff": "PT30S"})
    assert isinstance(outcome, Fail)
    assert isinstance(told, Fail)
    assert (outcome.retries, told.retries, told.backoff) == (2, 2, timedelta(seconds=30))
    assert timedelta(seconds=4) <= outcome.backoff <= timedelta(seconds=5)


async def test_an_expression_that_fails_after_sending_is_an_incident_with_the_response() -> None:
    office = Office()
    outcome = await office.does(variables(), {"resultExpression": "=5"})
    assert isinstance(outcome, Fail)
    assert outcome.retries == 0
    assert set(outcome.variables) == {"error"}
    response = outcome.variables["error"]["variables"]["response"]
    assert response["messageId"] == office.sent[0].message_id
    assert office.sent[0].message_id in outcome.message


async def test_an_expression_that_is_no_feel_sends_nothing() -> None:
    office = Office()
    outcome = await office.does(variables(), {"resultExpression": "={a: "})
    assert isinstance(outcome, Fail)
    assert (outcome.retries, office.sent) == (0, [])


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("{{secrets.WORD}}", b"sesame"),
        ("say {{ secrets.WORD }}!", b"say sesame!"),
        ("{{{secrets.WORD}}}", b"{sesame}"),
        ("secrets.WORD", b"sesame"),
        ("our secrets.management", b"our secrets.management"),
        ("{{SECRETS.WORD}}", b"{{SECRETS.WORD}}"),
        ("{{secrets.NESTED}}", b"{{secrets.WORD}}"),
    ],
)
async def test_references_count_in_the_whole_mail(monkeypatch: pytest.MonkeyPatch, body: str, written: bytes) -> None:
    monkeypatch.setenv("SECRET_WORD", "sesame")
    monkeypatch.setenv("SECRET_NESTED", "{{secrets.WORD}}")
    office = Office()
    await office.does(variables({"body": body}))
    assert bytes(office.sent[0].data).endswith(b"\r\n\r\n" + written + b"\r\n")


async def test_a_missing_secret_costs_all_retries() -> None:
    outcome = await Office().does(variables({"body": "{{secrets.NOWHERE}}"}))
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.message) == (0, "Secret with name 'NOWHERE' is not available")


async def test_an_operator_keeps_secrets_out_of_mails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_WORD", "sesame")
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT_SECRETS_FIELDS", "authentication, data.smtpConfig")
    office = Office()
    await office.does(variables({"body": "{{secrets.WORD}}"}))
    assert bytes(office.sent[0].data).endswith(b"{{secrets.WORD}}\r\n")


@pytest.mark.parametrize(("host", "allowed"), [("mail.test", True), ("{{secrets.HOST}}", True), ("evil.test", False)])
async def test_a_secret_goes_only_to_the_host_it_is_bound_to(
    monkeypatch: pytest.MonkeyPatch, host: str, allowed: bool
) -> None:
    monkeypatch.setenv("SECRET_HOST", "mail.test")
    monkeypatch.setenv("SECRET_WORD", "sesame")
    monkeypatch.setenv("ZEEBE_MAIL_SECRETS_BINDINGS", '{"WORD": {"hosts": ["mail.test"]}}')
    login = {"type": "simple", "username": "jane", "password": "{{secrets.WORD}}"}
    outcome = await Office().does(variables(config={"smtpHost": host}, authentication=login))
    assert isinstance(outcome, Complete) is allowed


async def test_a_secret_is_masked_for_its_own_job_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a secret in one process may be a plain word in another; logs hide it for both."""
    monkeypatch.setenv("SECRET_WORD", "sesame")
    office = Office()
    own = await office.does(variables({"subject": "{{secrets.WORD}}"}))
    other = await office.does(variables({"subject": "open sesame"}))
    assert isinstance(own, Complete)
    assert isinstance(other, Complete)
    assert own.variables["mail"]["subject"] == "***"
    assert other.variables["mail"]["subject"] == "open sesame"
    assert office.redactor.text("open sesame") == "open ***"
