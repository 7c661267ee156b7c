"""`createDocument` in expressions."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import Busy, DocumentNotStored, DocumentStoreMissing, OutcomeUnknown
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome, ThrowError
from zeebe_mail.jobs.retry import Backoff, RetryPlan
from zeebe_mail.jobs.settle import Settlement, SettlementRules
from zeebe_mail.secrets import Redactor

RESPONSE = {"messageId": "<zm-1@x.test>", "raw": base64.b64encode(b"hello").decode()}


class MemoryStore:
    """Keeps documents in a list."""

    def __init__(self) -> None:
        self.kept: list[tuple[bytes, str, str]] = []

    async def create(self, content: bytes, *, name: str, content_type: str) -> dict[str, Any]:
        self.kept.append((content, name, content_type))
        return {"camunda.document.type": "camunda", "documentId": f"d{len(self.kept)}"}


class BrokenStore:
    """Keeps nothing."""

    async def create(self, content: bytes, *, name: str, content_type: str) -> dict[str, Any]:
        raise DocumentNotStored("The store is down.")


async def settled(headers: dict[str, str], store: Any, *, limit: int = 10_000, response: Any = RESPONSE) -> Outcome:
    rules = SettlementRules(Redactor(), result_limit_bytes=limit, documents=store)
    made = Settlement(Job(1, "t", {}, headers, 3, 0), rules, RetryPlan(3, 0, Backoff()))
    made.prepare()
    outcome = made.of_result(response) if response else made.of_error(Busy("Later."))
    return await made.with_documents(outcome)


async def test_the_value_becomes_the_documents_reference() -> None:
    store = MemoryStore()
    expression = '={mail: {copy: createDocument({content: raw, name: "a.txt", contentType: "text/plain"})}}'
    outcome = await settled({"resultExpression": expression}, store)
    assert outcome == Complete({"mail": {"copy": {"camunda.document.type": "camunda", "documentId": "d1"}}})
    assert store.kept == [(b"hello", "a.txt", "text/plain")]


async def test_base64_text_alone_is_a_document_too_and_lists_are_looked_through() -> None:
    store = MemoryStore()
    outcome = await settled({"resultExpression": "={all: [createDocument(raw), createDocument(raw)]}"}, store)
    assert isinstance(outcome, Complete)
    assert [one["documentId"] for one in outcome.variables["all"]] == ["d1", "d2"]


async def test_a_documents_content_does_not_count_against_the_results_limit() -> None:
    large = {**RESPONSE, "raw": base64.b64encode(b"x" * 50_000).decode()}
    outcome = await settled({"resultExpression": "={copy: createDocument(raw)}"}, MemoryStore(), response=large)
    assert isinstance(outcome, Complete)


async def test_without_a_store_the_job_fails_before_any_mail_moves() -> None:
    with pytest.raises(DocumentStoreMissing):
        await settled({"resultExpression": "={copy: createDocument(raw)}"}, NoStore())


async def test_a_text_that_only_mentions_the_function_needs_no_store() -> None:
    expression = '={note: "see createDocument(…)", createDocument: 1}'
    outcome = await settled({"resultExpression": expression}, NoStore())
    assert outcome == Complete({"note": "see createDocument(…)", "createDocument": 1})


async def test_the_record_of_a_settlement_names_the_document_instead_of_holding_it() -> None:
    headers = {"resultExpression": '={all: [createDocument({content: raw, name: "a.txt"})]}'}
    rules = SettlementRules(Redactor(), result_limit_bytes=10_000, documents=MemoryStore())
    made = Settlement(Job(1, "t", {}, headers, 3, 0), rules, RetryPlan(3, 0, Backoff()))
    made.prepare()
    record = made.settled(await made.with_documents(made.of_result(RESPONSE)))
    document = {"createDocument": {"name": "a.txt", "contentType": "application/octet-stream"}}
    assert record.result_mapping == {"all": [document]}
    assert isinstance(record.outcome, Complete)
    assert record.outcome.variables["all"][0]["documentId"] == "d1"


async def test_an_error_expression_may_create_one_too() -> None:
    store = MemoryStore()
    expression = '=bpmnError("X", "y", {log: createDocument("aGVsbG8=")})'
    outcome = await settled({"errorExpression": expression}, store, response=None)
    assert isinstance(outcome, ThrowError)
    assert outcome.variables["log"]["documentId"] == "d1"


@pytest.mark.parametrize(
    ("expression", "store", "code"),
    [
        ("={copy: createDocument(raw)}", BrokenStore(), "DOCUMENT_NOT_STORED"),
        ('={copy: createDocument("no base64!")}', MemoryStore(), "EXPRESSION_FAILED"),
        ("={copy: createDocument({name: raw, content: 5})}", MemoryStore(), "EXPRESSION_FAILED"),
        ("=createDocument(raw)", MemoryStore(), "EXPRESSION_FAILED"),
        ("={copy: createDocument(5)}", MemoryStore(), "EXPRESSION_FAILED"),
        (
            '={copy: createDocument({content: raw, contentType: "a/b\\r\\nX: 1"})}',
            MemoryStore(),
            "EXPRESSION_FAILED",
        ),
        (
            '={a: context put({}, get entries(createDocument(raw))[1].key, "x")}',
            MemoryStore(),
            "EXPRESSION_FAILED",
        ),
    ],
)
async def test_a_document_that_cannot_be_kept_is_an_incident_and_the_mail_is_not_sent_again(
    expression: str, store: Any, code: str
) -> None:
    outcome = await settled({"resultExpression": expression}, store)
    assert isinstance(outcome, Fail)
    assert (outcome.code, outcome.retries) == (code, 0)
    assert "<zm-1@x.test>" in outcome.message


async def test_a_document_that_is_not_kept_does_not_hide_that_a_mail_is_in_doubt() -> None:
    headers = {"errorExpression": '=bpmnError("X", "y", {log: createDocument("aGVsbG8=")})'}
    rules = SettlementRules(Redactor(), result_limit_bytes=10_000, documents=BrokenStore())
    made = Settlement(Job(1, "t", {}, headers, 3, 0), rules, RetryPlan(3, 0, Backoff()))
    made.prepare()
    outcome = await made.with_documents(made.of_error(OutcomeUnknown("Lost after <zm-1@x.test>.")))
    assert isinstance(outcome, Fail)
    assert (outcome.code, outcome.retries) == ("OUTCOME_UNKNOWN", 0)
    assert "<zm-1@x.test>" in outcome.message
    assert "DOCUMENT_NOT_STORED" in outcome.message
