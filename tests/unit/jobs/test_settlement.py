"""What the process gets back: results and errors through headers and expressions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from zeebe_mail.errors import (
    Busy,
    EndpointSaturated,
    ExpressionInvalid,
    InputError,
    OutcomeUnknown,
    RecipientsRefused,
    Retry,
)
from zeebe_mail.jobs.expressions import TakesLonger
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import MESSAGE_LIMIT, Complete, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import Backoff, RetryPlan
from zeebe_mail.jobs.settle import LARGE, Settlement, SettlementRules
from zeebe_mail.secrets import Redactor

RESPONSE = {"messageId": "<zm-1@x.test>", "accepted": ["a@x.test"], "rejected": [], "sizeBytes": 230}
REFUSED = RecipientsRefused("Nobody got it.", details={"rejected": ["b@x.test"]})


def settlement(
    headers: dict[str, str] | None = None, *, retries: int = 3, failures: int = 0, **rules: Any
) -> Settlement:
    job = Job(key=1, type="mail:smtp-send:1", variables={}, headers=headers or {}, retries=retries, deadline_ms=0)
    given = SettlementRules(**({"redactor": Redactor(), "result_limit_bytes": 100_000} | rules))
    made = Settlement(job, given, RetryPlan(retries, failures, Backoff()))
    made.prepare()
    return made


def of_result(expression: str, **more: str) -> Outcome:
    return settlement({"resultExpression": expression, **more}).of_result(RESPONSE)


def of_error(expression: str, error: Any = REFUSED, **options: Any) -> Outcome:
    return settlement({"errorExpression": expression}, **options).of_error(error)


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_headers_no_variable_is_set() -> None:
    assert settlement().of_result(RESPONSE) == Complete({})


def test_the_result_variable_takes_the_whole_response() -> None:
    assert settlement({"resultVariable": "mail"}).of_result(RESPONSE) == Complete({"mail": RESPONSE})


@pytest.mark.parametrize("expression", ["={id: messageId}", "{id: response.messageId}", "= {id: messageId}"])
def test_a_result_expression_sees_the_response_and_its_keys(expression: str) -> None:
    assert of_result(expression) == Complete({"id": "<zm-1@x.test>"})


def test_the_expression_wins_over_the_variable_on_the_same_name() -> None:
    assert of_result("={mail: 1}", resultVariable="mail") == Complete({"mail": 1})


def test_a_null_result_sets_nothing() -> None:
    assert of_result("=null") == Complete({})


def test_what_became_null_is_told_to_those_who_debug() -> None:
    made = settlement({"resultExpression": "={a: mesageId}"})
    assert made.of_result(RESPONSE) == Complete({"a": None})
    assert "mesageId" in made.warnings[0]


def test_the_record_has_what_each_expression_gave_also_where_the_error_expression_wins() -> None:
    error = "=if sizeBytes = null and id != null then ignoreError({kept: mesageId}) else null"
    made = settlement({"resultExpression": "={id: messageId}", "errorExpression": error})
    settled = made.settled(made.of_result(RESPONSE))
    assert settled.outcome == Complete({"kept": None})
    assert settled.result_mapping == {"id": "<zm-1@x.test>"}
    assert settled.error_mapping == {"errorType": "ignoreError", "variables": {"kept": None}}
    assert [("mesageId" in warning) for warning in settled.warnings].count(True) == 1


def test_the_record_shows_a_value_of_the_wrong_kind_and_null_where_there_is_none() -> None:
    made = settlement({"resultExpression": "=[messageId]", "errorExpression": '=bpmnError("X", "y")'})
    settled = made.settled(made.of_result(RESPONSE))
    assert isinstance(settled.outcome, Fail)
    assert (settled.result_mapping, settled.error_mapping) == (["<zm-1@x.test>"], None)


def test_what_became_null_before_an_expression_failed_is_told_too() -> None:
    made = settlement({"resultExpression": "={a: mesageId, b: assert(a, a != null)}"})
    settled = made.settled(made.of_result(RESPONSE))
    assert isinstance(settled.outcome, Fail)
    assert settled.result_mapping is None
    assert "mesageId" in settled.warnings[0]


def test_the_record_holds_no_secret() -> None:
    redactor = Redactor()
    redactor.add("hunter2-secret", is_credential=True)
    made = settlement({"resultExpression": '={a: "hunter2" + "-secret"}'}, redactor=redactor)
    assert made.settled(made.of_result(RESPONSE)).result_mapping == {"a": "***"}


def test_an_expression_that_is_evaluated_again_warns_once() -> None:
    slow = "=if count(for i in 1..100000 return i) = 0 then null else null"
    made = settlement({"resultExpression": "={a: mesageId}", "errorExpression": slow})
    with pytest.raises(TakesLonger):
        made.of_result(RESPONSE)
    made.take_time()
    assert made.of_result(RESPONSE) == Complete({"a": None})
    assert len(made.warnings) == 1


@pytest.mark.parametrize("kind", ['bpmnError("X", "y")', 'jobError("m")', "ignoreError()"])
def test_a_verdict_in_the_result_expression_only_sets_variables_and_says_so(kind: str) -> None:
    made = settlement({"resultExpression": f"={kind}"})
    settled = made.settled(made.of_result(RESPONSE))
    assert isinstance(settled.outcome, Complete)
    assert settled.outcome.variables["errorType"] == kind.partition("(")[0]
    assert "Write it in the errorExpression" in settled.warnings[0]


def test_a_syntax_error_is_found_before_any_mail_moves_and_shows_the_place() -> None:
    with pytest.raises(ExpressionInvalid, match=r"line 1, column 4"):
        settlement({"resultExpression": "={a: "})


@pytest.mark.parametrize(
    ("expression", "says"), [("=[1, 2]", "a list: [1, 2]"), ('="x"', 'text: "x"'), ("=5", "a number: 5")]
)
def test_a_result_that_is_no_context_is_an_incident_that_never_sends_again(expression: str, says: str) -> None:
    outcome = of_result(expression)
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "EXPRESSION_FAILED")
    assert "<zm-1@x.test>" in outcome.message
    assert says in outcome.message
    assert outcome.variables["response"] == RESPONSE


def test_an_expression_that_fails_after_the_mail_is_an_incident_with_the_result_attached() -> None:
    outcome = of_result('={a: assert(sizeBytes, sizeBytes = 1, "wrong")}')
    assert isinstance(outcome, Fail)
    assert outcome.retries == 0
    assert outcome.message.startswith("The task was carried out (Message-ID <zm-1@x.test>) and is not repeated. ")
    assert outcome.variables["response"] == RESPONSE


def test_an_incident_after_success_names_no_message_where_there_is_none() -> None:
    outcome = settlement({"resultExpression": "=5"}).of_result({"messages": []})
    assert isinstance(outcome, Fail)
    assert outcome.message.startswith("The task was carried out and is not repeated. ")


def test_a_result_that_is_too_large_names_its_size_and_is_not_sent_again() -> None:
    outcome = settlement({"resultVariable": "mail"}, result_limit_bytes=50).of_result(RESPONSE)
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "RESULT_TOO_LARGE")
    assert "at most" in outcome.message
    assert "response" not in outcome.variables


def test_text_that_json_or_a_database_cannot_hold_is_repaired() -> None:
    outcome = settlement({"resultVariable": "mail"}).of_result({"text": "a\x00b\ud800c", "n": float("nan")})
    assert outcome == Complete({"mail": {"text": "a\ufffdb\ufffdc", "n": None}})


def test_secrets_are_masked_in_the_result_and_in_what_expressions_make_of_it() -> None:
    redactor = Redactor()
    redactor.add("hunter2-secret")
    made = settlement({"resultExpression": '={a: "<" + reply + ">"}'}, redactor=redactor)
    assert made.of_result({"reply": "hello hunter2-secret"}) == Complete({"a": "<hello ***>"})


# ── error expressions ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_error_expression_sees_the_error_and_the_retries() -> None:
    expression = '=bpmnError(error.code, error.message + " " + string(job.retries), error.variables)'
    assert of_error(expression) == ThrowError("RECIPIENTS_REFUSED", "Nobody got it. 3", {"rejected": ["b@x.test"]})


def test_the_error_is_also_in_the_response() -> None:
    assert of_error('=bpmnError("X", response.error.type)') == ThrowError("X", "RecipientsRefused", {})


def test_the_error_expression_runs_on_success_too_over_the_mapped_variables() -> None:
    outcome = of_result("={r: 7}", errorExpression='=bpmnError("X", string(r))')
    assert outcome == ThrowError("X", "7", {})


def test_without_mapped_variables_it_sees_the_response() -> None:
    made = settlement({"errorExpression": '=if rejected = [] then null else bpmnError("X", "y")'})
    assert made.of_result(RESPONSE) == Complete({})


def test_arguments_may_be_named() -> None:
    assert of_error('=bpmnError(errorCode: "N", errorMessage: "named")') == ThrowError("N", "named", {})


@pytest.mark.parametrize("expression", ["=null", "={}", '=""'])
def test_nothing_said_means_the_default(expression: str) -> None:
    outcome = of_error(expression)
    assert isinstance(outcome, Fail)
    assert outcome.code == "RECIPIENTS_REFUSED"


NAMELESS = ['=bpmnError("")', '={errorType: "bpmnError"}', '={errorType: "bpmnError", errorCode: null}']


@pytest.mark.parametrize("expression", NAMELESS)
def test_a_bpmn_error_without_a_code_is_an_incident_and_not_passed_over(expression: str) -> None:
    outcome = settlement({"errorExpression": expression}).of_result(RESPONSE)
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "EXPRESSION_FAILED")
    assert outcome.message.startswith("The task was carried out (Message-ID <zm-1@x.test>) and is not repeated. ")
    assert "without a code" in outcome.message
    assert outcome.variables["response"] == RESPONSE


@pytest.mark.parametrize("expression", NAMELESS)
def test_a_bpmn_error_without_a_code_hides_no_error(expression: str) -> None:
    outcome = of_error(expression, Busy("Later."))
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "SERVER_BUSY")
    assert "EXPRESSION_FAILED: The errorExpression gives a bpmnError without a code." in outcome.message


def test_a_job_error_sets_retries_back_off_and_variables() -> None:
    outcome = of_error('=jobError("later", {a: 1}, 2, duration("PT30S"))')
    assert outcome == Fail("later", 2, timedelta(seconds=30), {"a": 1, "error": "later"})


def test_a_job_error_has_no_retries_unless_told_and_never_less_than_none() -> None:
    assert isinstance(first := of_error('=jobError("m")'), Fail)
    assert isinstance(second := of_error('=jobError("m", {}, -3)'), Fail)
    assert (first.retries, second.retries) == (0, 0)


def test_an_ignored_error_completes_the_job() -> None:
    assert of_error("=ignoreError({a: 1})") == Complete({"a": 1})


def test_contexts_written_by_hand_count_like_the_functions() -> None:
    expression = '={errorType: "jobError", message: "raw", retries: 4, retryBackoff: "PT10S"}'
    assert of_error(expression) == Fail("raw", 4, timedelta(seconds=10), {"error": "raw"})


@pytest.mark.parametrize(
    "expression",
    [
        '=bpmnError(404, "x")',
        '=bpmnError("X", null)',
        '=jobError("m", {}, "2")',
        '=jobError("m", {}, 2, "PT30S")',
        "=5",
        "={a: 1}",
        '=[bpmnError("X", "y")]',
    ],
)
def test_a_wrong_type_is_an_incident_that_tells_of_both_errors(expression: str) -> None:
    outcome = of_error(expression, Busy("Later."))
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "SERVER_BUSY")
    assert "Later." in outcome.message
    assert "EXPRESSION_FAILED" in outcome.message
    assert outcome.variables["error"]["code"] == "SERVER_BUSY"


@pytest.mark.parametrize(
    "expression",
    [
        '={errorType: "bpmnError", errorCode: "X", variables: "abc"}',
        '={errorType: "ignoreError", variables: [1, 2]}',
        '={errorType: "bpmnError", errorCode: ["x"]}',
        '={errorType: "jobError", errorMessage: {a: 1}}',
        '={errorType: "bpmnError", errorCode: string join(for i in 1..2000 return "x")}',
    ],
)
def test_a_verdict_that_zeebe_would_refuse_is_an_incident_with_the_result(expression: str) -> None:
    outcome = settlement({"errorExpression": expression}).of_result(RESPONSE)
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.code) == (0, "EXPRESSION_FAILED")
    assert "<zm-1@x.test>" in outcome.message
    assert outcome.variables["response"] == RESPONSE


def test_retries_stay_within_what_zeebe_can_count() -> None:
    outcome = of_error('=jobError("m", {}, 3000000000)')
    assert isinstance(outcome, Fail)
    assert outcome.retries == 2**31 - 1


def test_no_expression_has_a_mail_in_doubt_sent_again() -> None:
    """The most ordinary error expression must not turn a lost answer into a second mail."""
    expression = "=if error != null then jobError(error.message, {}, job.retries - 1) else null"
    outcome = of_error(expression, OutcomeUnknown("Lost after <zm-1@x.test>."))
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.backoff) == (0, timedelta())
    assert "<zm-1@x.test>" in outcome.message


def test_a_servers_text_cannot_break_the_error_expression() -> None:
    outcome = of_error('=bpmnError("X", error.message)', RecipientsRefused("550 camunda.function.type"))
    assert outcome == ThrowError("X", "550 camunda.function.type", {})


def test_what_expressions_make_is_repaired_and_masked_too() -> None:
    redactor = Redactor()
    redactor.add("hunter2-secret", is_credential=True)
    made = settlement({"resultExpression": '={a: "hunter2" + "-secret", b: from base64("AGE=")}'}, redactor=redactor)
    assert made.of_result(RESPONSE) == Complete({"a": "***", "b": "\ufffda"})


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("RECIPENTS_REFUSED", "'RECIPENTS_REFUSED', which is no error code. Did you mean RECIPIENTS_REFUSED?"),
        ("=true", "'=true', which is no error code."),
    ],
)
def test_an_unknown_code_in_the_header_is_refused_before_any_mail_moves(header: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        settlement({"bpmnErrors": header})
    advice = "Correct it in the task's properties: `true`, or error codes with commas between them."
    assert str(caught.value) == f'INVALID_INPUT: Header "bpmnErrors" names {says} {advice}'


def test_an_expression_that_takes_long_is_begun_again_where_nobody_waits() -> None:
    made = settlement({"resultExpression": "={n: count(for i in 1..100000 return i)}"})
    with pytest.raises(TakesLonger):
        made.of_result(RESPONSE)
    made.take_time()
    assert made.of_result(RESPONSE) == Complete({"n": 100_000})


def test_backoff_grows_with_the_attempts_and_stays_below_its_limit() -> None:
    expression = '=jobError("m", {}, 1, backoff({attempt}, duration("PT10S"), 3, duration("PT1M"), 0))'
    waits = [of_error(expression.replace("{attempt}", str(attempt))) for attempt in (1, 2, 3)]
    assert [wait.backoff.total_seconds() for wait in waits if isinstance(wait, Fail)] == [10, 30, 60]


def test_the_error_expression_also_hears_of_a_bad_retry_back_off() -> None:
    made = Settlement(
        Job(1, "t", {}, {"retryBackoff": "five", "errorExpression": '=bpmnError("B", error.code)'}, 3, 0),
        SettlementRules(Redactor(), result_limit_bytes=1000),
        RetryPlan(3, 0, Backoff()),
    )
    with pytest.raises(InputError) as caught:
        made.prepare()
    assert made.of_error(caught.value) == ThrowError("B", "INVALID_INPUT", {})


def test_no_expression_hears_of_a_job_that_is_only_handed_back() -> None:
    outcome = of_error('=bpmnError("X", "y")', EndpointSaturated("Full.", retry_after=timedelta(seconds=3)))
    assert isinstance(outcome, Fail)
    assert (outcome.retries, outcome.backoff) == (3, timedelta(seconds=3))


# ── defaults ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_permanent_error_is_an_incident_at_once() -> None:
    outcome = settlement().of_error(REFUSED)
    assert isinstance(outcome, Fail)
    assert outcome.retries == 0
    assert outcome.message.startswith("RECIPIENTS_REFUSED: Nobody got it.")
    assert outcome.variables["error"]["code"] == "RECIPIENTS_REFUSED"


@pytest.mark.parametrize(("failures", "longest_s"), [(0, 5), (1, 10), (2, 20), (10, 300)])
def test_a_temporary_error_costs_a_retry_and_waits_longer_each_time(failures: int, longest_s: int) -> None:
    outcome = settlement(failures=failures).of_error(Busy("Later."))
    assert isinstance(outcome, Fail)
    assert outcome.retries == 2
    assert longest_s * 0.8 <= outcome.backoff.total_seconds() <= longest_s


def test_the_header_sets_the_wait_and_the_servers_own_wins_when_longer() -> None:
    made = settlement({"retryBackoff": "PT30S"})
    waits = [made.of_error(Busy("Later.", retry_after=after)) for after in (None, timedelta(minutes=2))]
    assert [wait.backoff for wait in waits if isinstance(wait, Fail)] == [timedelta(seconds=30), timedelta(minutes=2)]


@pytest.mark.parametrize("text", ["P1D1S", "five", "  ", " PT5S ", "=PT5S", "P", "PT", "P1Y", "P99999999999D"])
def test_a_back_off_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="ISO-8601") as caught:
        settlement({"retryBackoff": text})
    assert str(caught.value).endswith(" Correct it in the task's properties.")


@pytest.mark.parametrize(
    "header",
    ["true", "True", "RECIPIENTS_REFUSED", "SERVER_BUSY, RECIPIENTS_REFUSED", "SERVER_BUSY;RECIPIENTS_REFUSED"],
)
def test_a_header_turns_codes_into_bpmn_errors_without_an_expression(header: str) -> None:
    outcome = settlement({"bpmnErrors": header}).of_error(REFUSED)
    assert isinstance(outcome, ThrowError)
    assert outcome.code == "RECIPIENTS_REFUSED"
    assert outcome.variables["error"]["variables"] == {"rejected": ["b@x.test"]}


def test_the_header_goes_before_the_workers_setting() -> None:
    assert isinstance(settlement(bpmn_errors=["true"]).of_error(REFUSED), ThrowError)
    assert isinstance(settlement({"bpmnErrors": "false"}, bpmn_errors=["true"]).of_error(REFUSED), Fail)
    assert isinstance(settlement({"bpmnErrors": "SERVER_BUSY"}, bpmn_errors=["true"]).of_error(REFUSED), Fail)


def test_messages_keep_within_the_brokers_limit() -> None:
    outcome = settlement().of_error(RecipientsRefused("x" * 50_000))
    assert isinstance(outcome, Fail)
    assert len(outcome.message) == MESSAGE_LIMIT


def test_what_is_not_repeatable_has_no_retries_left() -> None:
    outcome = settlement().of_error(Busy("Later."), repeatable=False)
    assert Busy.retry is Retry.LATER
    assert isinstance(outcome, Fail)
    assert outcome.retries == 0
    made = settlement({"errorExpression": '=jobError("again", {}, 2)'})
    assert made.of_error(Busy("Later."), repeatable=False) == Fail("again", 0, timedelta(), {"error": "again"})


def test_a_login_that_is_also_the_sender_stays_readable_and_the_password_never_does() -> None:
    redactor = Redactor()
    redactor.add("shop@x.test")
    redactor.add("hunter2-secret", is_credential=True)
    variables = {"request": {"from": "shop@x.test", "text": "hunter2-secret"}}
    job = Job(1, "mail:smtp-send:1", variables, {"resultVariable": "mail"}, 3, 0)
    made = Settlement(job, SettlementRules(redactor, result_limit_bytes=1000), RetryPlan(3, 0, Backoff()))
    made.prepare()
    response = {"envelope": {"from": "shop@x.test"}, "response": "250 hunter2-secret"}
    assert made.of_result(response) == Complete({"mail": {**response, "response": "250 ***"}})


def test_a_login_that_the_process_does_not_know_is_masked() -> None:
    redactor = Redactor()
    redactor.add("shop@x.test")
    made = settlement({"resultVariable": "mail"}, redactor=redactor)
    assert made.of_result({"response": "250 hello shop@x.test"}) == Complete({"mail": {"response": "250 hello ***"}})


def test_a_password_that_is_a_common_word_leaves_our_own_fields_usable() -> None:
    redactor = Redactor()
    redactor.add("test", is_credential=True)
    variables = {
        "server": {"host": "mail.test"},
        "auth": {"username": "test@x.test", "password": "test"},
        "request": {"from": "test@x.test", "to": "b@y.test"},
    }
    job = Job(key=1, type="t", variables=variables, headers={"resultVariable": "mail"}, retries=3, deadline_ms=0)
    made = Settlement(job, SettlementRules(redactor, result_limit_bytes=100_000), RetryPlan(3, 0, Backoff()))
    made.prepare()
    sent = {
        "messageId": "<zm-1@x.test>",
        "accepted": ["b@y.test"],
        "response": "250 queued; your password is test, b@y.test",
        "envelope": {"from": "test@x.test", "to": ["b@y.test"]},
    }
    expected = {**sent, "response": "250 queued; your password is ***, b@y.test"}
    assert made.of_result(sent) == Complete({"mail": expected})


def test_who_lists_a_million_recipients_gets_none() -> None:
    made = settlement(result_limit_bytes=1000)
    outcome = made.of_error(RecipientsRefused("Nobody got it.", details={"rejected": ["a@x.test"] * 10_000}))
    assert isinstance(outcome, Fail)
    assert (outcome.variables["error"]["variables"], outcome.variables["error"]["details"]) == ({}, {})


def test_a_large_result_is_not_settled_while_an_event_loop_waits() -> None:
    large = {"messages": [{"subject": "Hello"}] * LARGE}
    hurried = settlement({"resultVariable": "found"})
    with pytest.raises(TakesLonger):
        hurried.of_result(large)
    hurried.take_time()
    assert hurried.of_result(large) == Complete({"found": large})
