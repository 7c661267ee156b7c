"""What stands for a text, with a document store that speaks Camunda's REST API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.desks import desk
from tests.servers.document_store import DocumentStore
from zeebe_mail.compat.camunda.intrinsic import MOST_FUNCTIONS, filled_in
from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.errors import ContractError, DocumentNotFound
from zeebe_mail.operations.base import Desk

JSON = b'{"order": {"id": 4711, "name": "Desk"}}'


async def nobody() -> dict[str, str]:
    return {}


@pytest.fixture
async def store() -> AsyncIterator[DocumentStore]:
    with DocumentStore() as store:
        yield store


@pytest.fixture
async def at_desk(store: DocumentStore) -> AsyncIterator[Desk]:
    documents = CamundaDocuments(store.url, headers=nobody)
    yield desk(documents=documents)
    await documents.aclose()


def call(name: Any, *params: Any) -> dict[str, Any]:
    return {"camunda.function.type": name, "params": list(params)}


async def text(value: Any, at_desk: Desk) -> Any:
    filled: Any = await filled_in({"data": {"smtpAction": {"body": [value]}}}, at_desk)
    return filled["data"]["smtpAction"]["body"][0]


async def test_a_document_in_the_place_of_a_text_is_its_base64(store: DocumentStore, at_desk: Desk) -> None:
    assert await text(store.give(b"hello", name="a.txt"), at_desk) == "aGVsbG8="
    inline = {"camunda.document.type": "inline", "content": {"a": 1}, "name": None, "contentType": None}
    assert await text(inline, at_desk) == "eyJhIjoxfQ=="


async def test_functions_give_texts(store: DocumentStore, at_desk: Desk) -> None:
    order, latin = store.give(JSON), store.give("Grüße".encode("latin-1"))
    assert await text(call("base64", "hello"), at_desk) == "aGVsbG8="
    assert await text(call("base64", store.give(b"hello")), at_desk) == "aGVsbG8="
    assert await text(call("getText", latin, "iso-8859-1"), at_desk) == "Grüße"
    assert await text(call("getText", order), at_desk) == JSON.decode()
    assert await text(call("getJson", order, "order.name"), at_desk) == "Desk"
    assert await text(call("getJson", order), at_desk) == {"order": {"id": 4711, "name": "Desk"}}
    assert (await text(call("createLink", order, "PT1H"), at_desk)).startswith("https://files.x.test/")
    assert store.linked == [{"timeToLive": 3_600_000}]


async def test_a_parameter_may_be_a_function(store: DocumentStore, at_desk: Desk) -> None:
    assert await text(call("base64", call("getText", store.give(b"hello"))), at_desk) == "aGVsbG8="


async def test_attachments_are_not_looked_into(store: DocumentStore, at_desk: Desk) -> None:
    gone = store.give(b"x")
    store.forget(gone)
    action = {"attachments": [gone], "data_smtpAction_attachments_single_camundaReference": gone, "body": "x"}
    assert await filled_in({"data": {"smtpAction": action}}, at_desk) == {"data": {"smtpAction": action}}
    with pytest.raises(DocumentNotFound):
        await text(gone, at_desk)


async def test_a_job_has_ten_functions_at_most(at_desk: Desk) -> None:
    calls = {str(number): call("base64", "x") for number in range(MOST_FUNCTIONS)}
    await filled_in(calls, at_desk)
    with pytest.raises(ContractError, match="More than 10 intrinsic functions"):
        await filled_in({**calls, "one more": call("base64", "x")}, at_desk)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (call("nope"), "No intrinsic function found with name: nope"),
        (call(["base64"]), "No intrinsic function found"),
        (call("base64"), "Parameter at index 0 is required"),
        (call("base64", 5), "base64 needs a document"),
        (call("getText", "text"), "getText needs a document"),
        ({"camunda.function.type": "base64", "params": "x"}, "must be a list"),
        (
            call("getText", {"camunda.document.type": "inline", "content": "x"}, "klingon"),
            "there is no charset klingon",
        ),
        (call("getText", {"camunda.document.type": "inline", "content": "x"}, 8), "must be text"),
        (call("getText", {"camunda.document.type": "inline"}), "has no `content`"),
        (call("getJson", {"camunda.document.type": "inline", "content": "[1]"}), "it is no object"),
        (call("getJson", {"camunda.document.type": "inline", "content": "{"}), "Failed to parse document as JSON"),
        (call("getJson", {"camunda.document.type": "inline", "content": {}}, "1 +"), "Intrinsic function getJson"),
        (call("createLink", {"camunda.document.type": "inline", "content": "x"}), "document of the document store"),
        (call("createLink", {"camunda.document.type": "camunda"}), "must have a `documentId`"),
        (call("createLink", {"camunda.document.type": "camunda", "documentId": "d"}, "soon"), "soon is no duration"),
    ],
)
async def test_what_cannot_be_computed_is_an_error_of_the_input(value: Any, said: str, at_desk: Desk) -> None:
    with pytest.raises(ContractError, match=re.escape(said)):
        await text(value, at_desk)
