"""Settlement: from an operation's result or error to the outcome that Zeebe is told."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, assert_never

from zeebe_mail.documents.store import DocumentStore, NoStore
from zeebe_mail.errors import (
    DocumentError,
    DocumentStoreMissing,
    ExpressionError,
    ExpressionFailed,
    InputError,
    OutcomeUnknown,
    ResultTooLarge,
    Retry,
    TooManyAttempts,
    WorkerError,
    every_error,
)
from zeebe_mail.jobs.created_documents import announced, outlined, stored
from zeebe_mail.jobs.expressions import (
    VERDICTS,
    BpmnError,
    Expressions,
    IgnoreError,
    JobError,
    TakesLonger,
    Verdict,
)
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.json_text import repaired
from zeebe_mail.jobs.manners import NATIVE, Manners
from zeebe_mail.jobs.outcome import Complete, Drop, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import RetryPlan
from zeebe_mail.secrets import Redactor, Words

CODES = frozenset(error.code for error in every_error())


def bpmn_error_codes(text: str, where: str = 'Header "bpmnErrors"') -> frozenset[str]:
    """What ``bpmnErrors`` says, as a header or a setting.

    That is ``true``, ``false``, or error codes with commas, semicolons or blanks between them.

    Raises:
        InputError: a code is unknown.
    """
    words = frozenset(filter(None, re.split(r"[\s,;]+", text)))
    switches = {word for word in words if word.lower() in ("true", "false")}
    for code in words - switches - CODES:
        nearest = get_close_matches(code, CODES, n=1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise InputError(
            f"{where} names {code[:80]!r}, which is no error code.{hint}",
            next_step="Correct it in the task's properties: `true`, or error codes with commas between them.",
        )
    return (words - switches) | {word.lower() for word in switches if word.lower() == "true"}


@dataclass(frozen=True, slots=True)
class SettlementRules:
    """What holds for every task of this worker. A header of the task goes before ``bpmn_errors``."""

    redactor: Redactor
    result_limit_bytes: int
    bpmn_errors: Collection[str] = ()
    """Error codes that become BPMN errors by themselves; ``true`` among them means all."""
    documents: DocumentStore = field(default_factory=NoStore)
    """Where ``createDocument`` keeps documents."""


LARGE = 500
"""Values in a result, from which on looking at all of them takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An outcome and how it came about, without secrets: for those who develop expressions."""

    outcome: Outcome
    result_mapping: Any
    """What the result expression gave; None where there is none, or it has no value, or was not reached."""
    error_mapping: Any
    """The same of the error expression."""
    warnings: list[str]
    """What became null in the expressions and why, and what they say that does not mean what it seems to."""


class Settlement:
    """What one task's headers say about its result and its errors, read before anything is done."""

    def __init__(self, job: Job, rules: SettlementRules, retry: RetryPlan, manners: Manners = NATIVE) -> None:
        self._job = job
        self._rules = rules
        self._retry = retry if manners.waits_by_default else retry.with_wait(timedelta())
        self._manners = manners
        self._expressions = Expressions()
        self._result_variable = ""
        self._bpmn_errors = frozenset(rules.bpmn_errors)
        self._response: Any = None
        self._error: WorkerError | None = None
        self._words = Words(job.variables)
        self.traps: dict[str, str] = {}
        """What an expression says that does not mean what it seems to, by header."""

    def prepare(self) -> None:
        """Read the headers: the error expression first, because it also sees what is wrong with the rest.

        Raises:
            ExpressionInvalid: an expression is not FEEL.
            InputError: ``bpmnErrors`` names an unknown code, or ``retryBackoff`` is not a duration.
            DocumentStoreMissing: an expression creates documents and there is no store.
        """
        headers = self._job.headers
        result, error = headers.get("resultExpression", ""), headers.get("errorExpression", "")
        self._expressions = Expressions(error=error)
        if asked := headers.get("bpmnErrors", "").strip():
            self._bpmn_errors = bpmn_error_codes(asked)
        self._expressions = Expressions(result=result, error=error)
        if isinstance(self._rules.documents, NoStore) and self._expressions.creates_documents:
            raise DocumentStoreMissing("An expression creates a document, and this worker knows no document store.")
        self._result_variable = headers.get("resultVariable", "").strip()
        if asked := headers.get("retryBackoff", ""):
            self._retry = self._retry.with_wait(self._manners.wait(asked))

    def take_time(self) -> None:
        """Let the expressions take as long as they may at all; for settling in a thread."""
        self._expressions.take_time()

    @property
    def warnings(self) -> list[str]:
        """What became null in the expressions, and why."""
        return [warning for one in self._expressions.evaluated.values() for warning in one.warnings]

    def failed_before(self, failures: int) -> None:
        """Count failures of which the plan does not know yet: those of other workers."""
        self._retry = replace(self._retry, failures=max(self._retry.failures, failures))

    def masked(self, value: Any) -> Any:
        """The same data as whoever keeps it may have it."""
        return repaired(self._masked(value))

    def settled(self, outcome: Outcome) -> Settled:
        """The outcome, together with what each expression gave."""
        given = {header: announced(one.value) for header, one in self._expressions.evaluated.items()}
        return Settled(
            outcome,
            result_mapping=self._clean(given.get("resultExpression")),
            error_mapping=self._clean(given.get("errorExpression")),
            warnings=self._clean([*self.traps.values(), *self.warnings]),
        )

    def of_result(self, result: Any) -> Outcome:
        """The outcome of an operation that succeeded.

        From here on nothing may cause the mail to be sent again by itself: what fails is an incident that says so and
        has the result attached.

        Raises:
            TakesLonger: the result is large, or an expression is slow, and there is no time to take.
        """
        if self._expressions.in_a_hurry and _is_large(result):
            raise TakesLonger
        response = self._response = repaired(self._masked(result))
        try:
            variables = {self._clean(self._result_variable): response} if self._result_variable else {}
            variables |= self._clean(self._mapped(response))
            self._check_size(variables)
            verdict = self._verdict(variables or response)
            return self._of_verdict(verdict) if verdict else Complete(variables)
        except (ExpressionError, ResultTooLarge) as error:
            return self._incident_after_success(error, response)

    def of_failed_settlement(self, error: WorkerError) -> Outcome:
        """The outcome where settling itself failed: an incident that tells first what had become of the mail."""
        if self._response is not None:
            return self._incident_after_success(error, self._response)
        return self._both_failed(self._error, error) if self._error else self._fail(error, 0, timedelta())

    def _both_failed(self, error: WorkerError, broken: WorkerError) -> Fail:
        """An operation failed and so did the settling of that: the incident tells of both, the mail's fate first."""
        first, second = self._fail(error, 0, timedelta()), self._fail(broken, 0, timedelta())
        return replace(first, message=f"{first.message} Besides: {second.message}"[: self._manners.message_limit])

    async def with_documents(self, outcome: Outcome) -> Outcome:
        """The outcome with the documents that its expressions create kept in the store."""
        if isinstance(outcome, Drop) or not self._expressions:
            return outcome
        try:
            return replace(outcome, variables=await stored(outcome.variables, self._rules.documents))
        except (ExpressionError, DocumentError) as error:
            return self.of_failed_settlement(error)

    def of_error(self, error: WorkerError, *, repeatable: bool = True) -> Outcome:
        """The outcome of an operation that raised: the error expression's word, else the default of its class.

        What is not ``repeatable``, because its mail is out, has no retries left whatever the class says. A job that is
        only handed back is no failure, and no expression hears of it.
        """
        self._error = error
        cost = self._manners.cost(error)
        repeatable = repeatable and not isinstance(error, OutcomeUnknown)
        retries, backoff = self._retry.after(error, cost) if repeatable else (0, timedelta())
        if cost is Retry.FREE or isinstance(error, TooManyAttempts):
            return self._fail(error, retries, backoff)
        seen = self._description(error)
        try:
            verdict = self._verdict({"error": seen})
            if verdict:
                outcome = self._of_verdict(verdict)
                if isinstance(outcome, Fail) and not repeatable:
                    return replace(outcome, retries=0, backoff=timedelta())
                return outcome
        except (ExpressionError, ResultTooLarge) as broken:
            return self._both_failed(error, broken)
        if error.code in self._bpmn_errors or "true" in self._bpmn_errors:
            return ThrowError(error.code, seen["message"], {"error": seen})
        return self._fail(error, retries, backoff)

    def _mapped(self, response: Any) -> dict[str, Any]:
        """The variables that the result expression makes."""
        variables = self._expressions.result(response)
        kind = variables.get("errorType")
        if kind in VERDICTS:
            self.traps["resultExpression"] = (
                f"The resultExpression gives {kind}, which has no effect there but to set variables such as errorType. "
                "Write it in the errorExpression, which is evaluated after success too."
            )
        return variables

    def _verdict(self, seen: Any) -> Verdict | None:
        """What the error expression says.

        Raises:
            ExpressionFailed: it cannot be evaluated or used; natively also where a BPMN error has no code.
        """
        verdict = self._expressions.verdict(seen, retries=self._job.retries)
        if not isinstance(verdict, BpmnError) or verdict.code:
            return verdict
        problem = "The errorExpression gives a bpmnError without a code."
        if not self._manners.ignores_errors_without_code:
            raise ExpressionFailed(problem, details={"header": "errorExpression"})
        self.traps["errorExpression"] = f"{problem} It is ignored, as Camunda's connector does."
        return None

    def _of_verdict(self, verdict: Verdict) -> Outcome:
        self._check_size(verdict.variables)
        match verdict:
            case BpmnError(code, message, variables):
                return ThrowError(self._told(code), self._told(message), self._clean(variables))
            case JobError(message, variables, retries, backoff):
                text = self._told(message)
                return Fail(text, retries, backoff, {**self._clean(variables), "error": text})
            case IgnoreError(variables):
                return Complete(self._clean(variables))
            case _:
                assert_never(verdict)

    def _description(self, error: WorkerError) -> dict[str, Any]:
        """What a process may know of an error: the ``error`` of expressions and of failed jobs.

        What the error knows is given as far as a process may have so much: who lists a million recipients gets none.
        """
        described = self._manners.describe(error)
        seen: dict[str, Any] = repaired(self._masked(described))
        seen["message"] = self._told(described["message"])
        if "code" in described:
            seen["code"] = described["code"]
        for known in {"variables", "details"} & seen.keys():
            if len(json.dumps(seen[known])) > self._rules.result_limit_bytes // 2:
                seen[known] = {}
        return seen

    def _masked(self, value: Any) -> Any:
        """The same data without secrets, except what the process itself has written in clear."""
        redactor = self._rules.redactor
        return redactor.data(value, redactor.written_in(self._job.variables), self._words)

    def _clean(self, value: Any) -> Any:
        return repaired(self._masked(value))

    def _told(self, message: str) -> str:
        return str(self._clean(message))[: self._manners.message_limit]

    def _fail(self, error: WorkerError, retries: int, backoff: timedelta) -> Fail:
        seen = self._description(error)
        message = self._manners.reason(error, seen["message"])[: self._manners.message_limit]
        return Fail(message, retries, backoff, {"error": seen}, code=error.code)

    def _incident_after_success(self, error: WorkerError, response: Any) -> Fail:
        message_id = response.get("messageId") if isinstance(response, Mapping) else None
        failed = self._fail(error, 0, timedelta())
        variables = failed.variables
        if response is not None and len(json.dumps(response)) <= self._rules.result_limit_bytes:
            variables = self._manners.attach(variables, response)
        named = f" (Message-ID {message_id})" if message_id else ""
        done = f"The task was carried out{named} and is not repeated."
        return Fail(
            f"{done} {failed.message}"[: self._manners.message_limit],
            retries=0,
            variables=variables,
            code=error.code,
        )

    def _check_size(self, variables: Mapping[str, Any]) -> None:
        size, limit = len(json.dumps(outlined(variables))), self._rules.result_limit_bytes
        if size > limit:
            raise ResultTooLarge(
                f"The result has {size} bytes of JSON; a process is given {limit} at most.",
                details={"sizeBytes": size, "limitBytes": limit},
            )


def _is_large(result: Any) -> bool:
    """Whether it takes milliseconds to look at all of a result."""
    left = LARGE
    waiting = [result]
    while waiting and left:
        value = waiting.pop()
        left -= 1
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return bool(waiting)
