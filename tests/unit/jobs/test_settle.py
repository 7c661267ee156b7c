"""From result or error to the outcome that Zeebe is told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from zeebe_mail.errors import Busy, CredentialsError, ExpressionError, InputError
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import MESSAGE_LIMIT, Complete, Fail
from zeebe_mail.jobs.settle import DEFAULT_BACKOFF, NoExpressions, Settlement
from zeebe_mail.secrets import Redactor


def settlement(headers: dict[str, str] | None = None, *, limit: int = 1000, secret: str = "") -> Settlement:
    redactor = Redactor()
    redactor.add(secret)
    job = Job(1, "t", {}, headers or {}, retries=3, deadline_ms=0)
    made = Settlement(job, NoExpressions(), redactor, result_limit_bytes=limit)
    made.prepare()
    return made


def fail(outcome: object) -> Fail:
    assert isinstance(outcome, Fail)
    return outcome


def test_the_result_goes_into_the_named_variable() -> None:
    assert settlement({"resultVariable": " mail "}).of_result({"a": 1}) == Complete({"mail": {"a": 1}})


@pytest.mark.parametrize("headers", [{}, {"resultVariable": " "}])
def test_without_a_name_nothing_is_told(headers: dict[str, str]) -> None:
    assert settlement(headers).of_result({"a": 1}) == Complete({})


def test_the_header_sets_the_back_off_and_the_server_may_ask_for_more() -> None:
    made = settlement({"retryBackoff": "PT2M"})
    assert fail(made.of_error(Busy("later"))).backoff == timedelta(minutes=2)
    assert fail(made.of_error(Busy("later", retry_after=timedelta(hours=1)))).backoff == timedelta(hours=1)
    assert fail(settlement().of_error(Busy("later"))).backoff == DEFAULT_BACKOFF


@pytest.mark.parametrize("header", ["resultExpression", "errorExpression"])
def test_an_expression_is_refused_before_any_mail_moves(header: str) -> None:
    with pytest.raises(ExpressionError, match=f'header "{header}"'):
        settlement({header: "= {a: 1}"})
    settlement({header: "  "})


def test_a_back_off_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError, match="retryBackoff"):
        settlement({"retryBackoff": "P1D1S"})


def test_an_error_is_told_with_code_message_advice_and_details() -> None:
    told = fail(settlement().of_error(CredentialsError("alice is not known", details={"user": "alice"})))
    assert told.message == f"AUTHENTICATION_FAILED: alice is not known {CredentialsError.advice}"
    description = {"code": "AUTHENTICATION_FAILED", "message": "alice is not known", "details": {"user": "alice"}}
    assert told.variables == {"error": description}
    assert (told.retries, told.code) == (0, "AUTHENTICATION_FAILED")


def test_what_is_not_repeatable_has_no_retries_left() -> None:
    told = fail(settlement().of_error(Busy("later"), repeatable=False))
    assert (told.retries, told.backoff) == (0, timedelta())


def test_no_secret_is_in_result_message_or_details() -> None:
    made = settlement({"resultVariable": "r"}, secret="hunter2")
    assert "hunter2" not in repr(made.of_result({"response": "250 hunter2", "hunter2": ["hunter2"]}))
    assert "hunter2" not in repr(made.of_error(Busy("said hunter2", details={"a": {"hunter2": "x hunter2"}})))


@pytest.mark.parametrize("result", [{"a": "x" * 2000}, {"a": float("nan")}, {"a": float("inf")}, {"a": object()}])
def test_a_result_the_process_cannot_have_is_an_incident(result: dict[str, Any]) -> None:
    told = fail(settlement({"resultVariable": "r"}).of_result(result))
    assert (told.code, told.retries) == ("RESULT_UNUSABLE", 0)


def test_neither_message_nor_details_outgrow_their_limits() -> None:
    told = fail(settlement().of_error(Busy("x" * 50_000, details={"many": ["recipient"] * 10_000})))
    assert len(told.message) == MESSAGE_LIMIT
    assert len(json.dumps(dict(told.variables))) < MESSAGE_LIMIT + 200
    assert told.variables["error"]["details"] == {}
