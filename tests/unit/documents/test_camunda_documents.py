"""Uploading to the document store, against a server that speaks its REST API."""

from __future__ import annotations

import email
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.documents.store import NoStore
from zeebe_mail.errors import DocumentNotStored, DocumentStoreMissing


class Store:
    """Takes uploads as `POST /v2/documents` of Camunda 8.8 does."""

    def __init__(self) -> None:
        self.status = 201
        self.taken: list[dict[str, Any]] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
                parts = email.message_from_bytes(head + body).get_payload()
                assert isinstance(parts, list)
                store.taken.append({"path": self.path, "auth": self.headers["Authorization"], "parts": parts})
                reference = {"camunda.document.type": "camunda", "documentId": "d1", "storeId": "in-memory"}
                answer = json.dumps(reference if store.status == 201 else {"detail": "too large"}).encode()
                self.send_response(store.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store()
    thread = threading.Thread(target=store.server.serve_forever, args=(0.01,))
    thread.start()
    yield store
    store.server.shutdown()
    thread.join()
    store.server.server_close()


async def authorised() -> dict[str, str]:
    return {"Authorization": "Bearer t"}


async def upload(url: str) -> dict[str, Any]:
    documents = CamundaDocuments(url, headers=authorised)
    try:
        return await documents.create(b"a;b\r\n", name="größe.csv", content_type="text/csv")
    finally:
        await documents.aclose()


async def test_a_document_is_uploaded_with_its_name_type_and_authorisation(store: Store) -> None:
    assert (await upload(store.url + "/"))["documentId"] == "d1"
    taken = store.taken[0]
    assert (taken["path"], taken["auth"]) == ("/v2/documents", "Bearer t")
    parts = {part.get_param("name", header="content-disposition"): part for part in taken["parts"]}
    assert parts["file"].get_payload(decode=True) == b"a;b\r\n"
    assert parts["file"].get_content_type() == "text/csv"
    assert json.loads(parts["metadata"].get_payload(decode=True)) == {
        "fileName": "größe.csv",
        "contentType": "text/csv",
    }


async def test_a_refusal_is_told_with_the_stores_answer(store: Store) -> None:
    store.status = 413
    with pytest.raises(DocumentNotStored, match=r"HTTP 413 .*too large"):
        await upload(store.url)


async def test_a_store_that_is_away_is_told() -> None:
    with pytest.raises(DocumentNotStored, match="cannot be reached"):
        await upload("http://127.0.0.1:1")


async def test_without_a_store_the_setting_is_named() -> None:
    with pytest.raises(DocumentStoreMissing, match="CAMUNDA_REST_ADDRESS"):
        await NoStore().create(b"", name="a", content_type="text/plain")
