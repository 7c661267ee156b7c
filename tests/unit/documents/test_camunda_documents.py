"""Uploading to the document store, against a server that speaks its REST API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.servers.document_store import DocumentStore
from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import DocumentNotStored, DocumentStoreMissing


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    with DocumentStore() as store:
        yield store


async def authorised() -> dict[str, str]:
    return {"Authorization": "Bearer t"}


async def upload(url: str) -> dict[str, Any]:
    documents = CamundaDocuments(url, headers=authorised)
    try:
        return await documents.create(b"a;b\r\n", name="größe.csv", content_type="text/csv")
    finally:
        await documents.aclose()


async def test_a_document_is_uploaded_with_its_name_type_and_authorisation(store: DocumentStore) -> None:
    assert (await upload(store.url + "/"))["documentId"] == "d1"
    taken = store.taken[0]
    assert (taken["path"], taken["auth"]) == ("/v2/documents", "Bearer t")
    parts = taken["parts"]
    assert parts["file"].content == b"a;b\r\n"
    assert parts["file"].content_type == "text/csv"
    assert json.loads(parts["metadata"].content) == {
        "fileName": "größe.csv",
        "contentType": "text/csv",
    }


async def test_a_refusal_is_told_with_the_stores_answer(store: DocumentStore) -> None:
    store.status = 413
    with pytest.raises(DocumentNotStored, match=r"HTTP 413 .*too large"):
        await upload(store.url)


async def test_a_store_that_is_away_is_told() -> None:
    with pytest.raises(DocumentNotStored, match="cannot be reached"):
        await upload("http://127.0.0.1:1")


async def test_without_a_store_the_setting_is_named() -> None:
    with pytest.raises(DocumentStoreMissing, match="CAMUNDA_REST_ADDRESS"):
        await NoStore().create(b"", name="a", content_type="text/plain")
