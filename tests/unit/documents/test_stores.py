"""Documents without Camunda: in a folder, and in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.unit.documents.reading import content
from zeebe_mail.app import document_store
from zeebe_mail.documents.folder import FolderDocuments
from zeebe_mail.documents.memory import MemoryDocuments
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.errors import DocumentChanged, DocumentNotFound, DocumentNotStored, DocumentStoreMissing
from zeebe_mail.settings import Settings, SettingsError

Store = FolderDocuments | MemoryDocuments


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return FolderDocuments(tmp_path) if request.param == "folder" else MemoryDocuments()


async def keep(store: Store, data: bytes = b"a;b\r\n") -> dict[str, Any]:
    return await store.create(data, name="größe.csv", content_type="text/csv")


async def test_what_is_kept_is_read_again_by_a_reference_as_camundas(store: Store) -> None:
    data = os.urandom(700_000)
    reference = await keep(store, data)
    assert reference["camunda.document.type"] == "camunda"
    assert reference["metadata"] == {"contentType": "text/csv", "size": 700_000, "fileName": "größe.csv"}
    async with store.open(DocumentReference.of(reference)) as opened:
        assert (opened.name, opened.content_type, opened.size) == ("größe.csv", "text/csv", 700_000)
        assert b"".join([chunk async for chunk in opened.chunks]) == data


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    reference = await keep(store)
    for other in (
        {**reference, "documentId": "0" * 32},
        {**reference, "storeId": "gcp"},
        {**reference, "documentId": "../secret"},
        {**reference, "documentId": "/etc/passwd"},
    ):
        with pytest.raises(DocumentNotFound):
            await content(store.open(DocumentReference.of(other)))


async def test_other_bytes_than_the_reference_stands_for_are_refused(store: Store) -> None:
    reference = await keep(store)
    for changed in (
        {"contentHash": "0" * 64},
        {"metadata": {"size": 4}},
        {"metadata": {"size": 6}},
    ):
        with pytest.raises(DocumentChanged):
            await content(store.open(DocumentReference.of({**reference, **changed})))
    assert await content(store.open(DocumentReference.of({**reference, "contentHash": "etag-1"}))) == b"a;b\r\n"


async def test_memory_is_bounded() -> None:
    store = MemoryDocuments(limit=10)
    await keep(store, b"1234567")
    with pytest.raises(DocumentNotStored, match="10 bytes"):
        await keep(store, b"1234")


async def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    with pytest.raises(DocumentNotStored):
        await keep(FolderDocuments(tmp_path / "none"))


async def test_a_setting_says_where_documents_are_kept(tmp_path: Path) -> None:
    async with document_store(Settings(documents="memory")) as memory:
        assert isinstance(memory, MemoryDocuments)
    async with document_store(Settings(documents=str(tmp_path))) as folder:
        assert await content(folder.open(DocumentReference.of(await keep(folder)))) == b"a;b\r\n"  # type: ignore[arg-type]
    async with document_store(Settings()) as nothing:
        with pytest.raises(DocumentStoreMissing, match="ZEEBE_MAIL_DOCUMENTS"):
            nothing.open(DocumentReference("d1"))
    with pytest.raises(SettingsError, match="CAMUNDA_REST_ADDRESS"):
        async with document_store(Settings(documents="camunda")):
            pass
    with pytest.raises(ValueError, match="path of a folder that exists"):
        Settings(documents=str(tmp_path / "none"))


@pytest.mark.parametrize(
    "given",
    [{}, {"documentId": ""}, {"documentId": 5}, {"documentId": ".."}, {"documentId": "a b"}, {"documentId": "a\r\nb"},
     {"documentId": "a", "storeId": 5}, {"documentId": "a", "metadata": "x"}],
)  # fmt: skip
def test_a_broken_reference_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"has|must"):
        DocumentReference.of(given)


async def test_a_store_without_a_web_server_gives_no_links(tmp_path: Path) -> None:
    for store in (MemoryDocuments(), FolderDocuments(tmp_path)):
        reference = await store.create(b"x", name=None, content_type="text/plain")
        assert "fileName" not in reference["metadata"]
        with pytest.raises(DocumentNotFound, match="no link"):
            await store.link(DocumentReference.of(reference), valid_for=None)
