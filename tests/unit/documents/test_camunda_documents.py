"""Uploading to the document store and reading from it, against a server that speaks its REST API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.servers.document_store import DocumentStore
from tests.unit.documents.reading import content
from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import (
    DocumentChanged,
    DocumentNotFound,
    DocumentNotStored,
    DocumentStoreMissing,
    DocumentStoreUnavailable,
    Retry,
)


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


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def read(url: str, reference: dict[str, Any], deadline_s: float = 10) -> bytes:
    documents = CamundaDocuments(url, headers=authorised, read_deadline_s=deadline_s)
    try:
        return await content(documents.open(DocumentReference.of(reference)))
    finally:
        await documents.aclose()


async def test_a_document_is_read_with_store_hash_and_authorisation(store: DocumentStore) -> None:
    reference = store.give(b"\0\xff" * 300_000, name="a.bin")
    assert await read(store.url, reference) == b"\0\xff" * 300_000
    asked = store.asked[0]
    assert (asked["path"], asked["auth"]) == (f"/v2/documents/{reference['documentId']}", "Bearer t")
    assert asked["query"] == {"storeId": "in-memory", "contentHash": reference["contentHash"]}


async def test_a_documents_id_stays_one_step_of_the_path(store: DocumentStore) -> None:
    with pytest.raises(DocumentNotFound):
        await read(store.url, {"documentId": "a/../../topology?x#y"})
    assert store.asked[0]["path"] == "/v2/documents/a%2F..%2F..%2Ftopology%3Fx%23y"


async def test_a_document_that_is_gone_is_never_asked_for_again(store: DocumentStore) -> None:
    reference = store.give(b"x")
    store.forget(reference)
    reference["metadata"]["expiresAt"] = "2026-01-31T08:30:00Z"
    with pytest.raises(DocumentNotFound, match=r"HTTP 404 .*no such document.*until 2026-01-31T08:30:00Z") as caught:
        await read(store.url, reference)
    assert caught.value.retry is Retry.NEVER


async def test_another_hash_or_size_is_refused(store: DocumentStore) -> None:
    reference = store.give(b"12345")
    with pytest.raises(DocumentChanged, match="hash"):
        await read(store.url, {**reference, "contentHash": "0" * 64})
    for size in (4, 6):
        with pytest.raises(DocumentChanged, match="bytes"):
            await read(store.url, {**reference, "metadata": {"size": size}})


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_store_that_fails_is_asked_again(store: DocumentStore, status: int) -> None:
    store.read_status = status
    with pytest.raises(DocumentStoreUnavailable, match=f"HTTP {status} .*not now") as caught:
        await read(store.url, store.give(b"x"))
    assert caught.value.retry is Retry.LATER


@pytest.mark.parametrize("status", [401, 403])
async def test_a_store_that_does_not_let_us_read_names_the_setting(store: DocumentStore, status: int) -> None:
    store.read_status = status
    with pytest.raises(DocumentStoreUnavailable, match="ZEEBE_CLIENT_ID"):
        await read(store.url, store.give(b"x"))


async def test_a_store_that_is_away_is_asked_again() -> None:
    with pytest.raises(DocumentStoreUnavailable, match="cannot be reached"):
        await read("http://127.0.0.1:1", {"documentId": "a"})


async def test_a_store_that_stands_still_is_given_up(store: DocumentStore) -> None:
    store.stalls = True
    with pytest.raises(DocumentStoreUnavailable, match=r"not read within 0\.2 s"):
        await read(store.url, store.give(b"12345"), deadline_s=0.2)


async def test_without_a_token_nothing_is_asked(store: DocumentStore) -> None:
    async def refused() -> dict[str, str]:
        raise DocumentNotStored("There is no token for the document store: invalid_client.")

    with pytest.raises(DocumentStoreUnavailable, match="invalid_client"):
        await content(CamundaDocuments(store.url, headers=refused).open(DocumentReference.of(store.give(b"x"))))
    assert not store.asked


async def test_a_document_may_have_no_name(store: DocumentStore) -> None:
    documents = CamundaDocuments(store.url, headers=authorised)
    reference = await documents.create(b"%PDF", name=None, content_type="application/pdf")
    await documents.aclose()
    assert "fileName" not in reference["metadata"]
    assert b"filename" not in store.taken[0]["parts"]["metadata"].content


async def test_a_link_is_made_for_as_long_as_is_asked(store: DocumentStore) -> None:
    documents = CamundaDocuments(store.url, headers=authorised)
    reference = DocumentReference.of(store.give(b"a"))
    url = await documents.link(reference, valid_for=timedelta(hours=1))
    assert url.startswith("https://files.x.test/g1?storeId=in-memory&contentHash=")
    await documents.link(reference, valid_for=None)
    assert store.linked == [{"timeToLive": 3_600_000}, {}]
    with pytest.raises(DocumentNotFound):
        await documents.link(DocumentReference("gone"), valid_for=None)
    store.status = 405
    with pytest.raises(DocumentStoreUnavailable, match="HTTP 405"):
        await documents.link(reference, valid_for=None)
    await documents.aclose()
    with pytest.raises(DocumentStoreMissing):
        await NoStore().link(reference, valid_for=None)
