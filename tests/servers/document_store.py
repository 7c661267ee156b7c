"""A document store that speaks as much of Camunda's REST API as uploads and downloads need."""

from __future__ import annotations

import email
import hashlib
import itertools
import json
import threading
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Part:
    """A part of an upload."""

    content_type: str
    content: bytes


def form(content_type: str, body: bytes) -> dict[str, Part]:
    """The parts of multipart/form-data by their names; whatever is in them stays as it is."""
    outer = Message()
    outer["Content-Type"] = content_type
    parts = {}
    for chunk in body.split(f"--{outer.get_boundary()}".encode())[1:-1]:
        head, _, content = chunk.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n")
        header = email.message_from_bytes(head)
        parts[str(header.get_param("name", header="content-disposition"))] = Part(header.get_content_type(), content)
    return parts


class DocumentStore:
    """Takes uploads as `POST /v2/documents` of Camunda 8.8 does, and refuses them with another `status` than 201.

    Gives links at `POST /v2/documents/{id}/links`, and what it took, or was `given`, at `GET /v2/documents/{id}`, with
    another `read_status` than 200 a refusal.
    """

    def __init__(self) -> None:
        self.status = 201
        self.read_status = 200
        self.taken: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        """Paths, queries and authorisations of all who read."""
        self.linked: list[dict[str, Any]] = []
        """What was asked of links."""
        self.stalls = False
        """Whether reading stops after the first byte, until the store is closed."""
        self._given: dict[str, bytes] = {}
        self._numbers = itertools.count(1)
        self._closed = threading.Event()
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if urlsplit(self.path).path.endswith("/links"):
                    self._link(body)
                    return
                parts = form(str(self.headers["Content-Type"]), body)
                store.taken.append({"path": self.path, "auth": self.headers["Authorization"], "parts": parts})
                name = f"d{len(store.taken)}"
                metadata = json.loads(parts["metadata"].content) | {"size": len(parts["file"].content)}
                reference = {
                    "camunda.document.type": "camunda",
                    "documentId": name,
                    "storeId": "in-memory",
                    "metadata": metadata,
                }
                answer = json.dumps(reference if store.status == 201 else {"detail": "too large"}).encode()
                self.send_response(store.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def _link(self, asked: bytes) -> None:
                url = urlsplit(self.path)
                name = url.path.split("/")[-2]
                if store._content(name) is None:
                    self._answer(404, json.dumps({"title": "NOT_FOUND", "detail": "no such document"}).encode())
                    return
                store.linked.append(json.loads(asked))
                self._answer(store.status, json.dumps({"url": f"https://files.x.test/{name}?{url.query}"}).encode())

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                store.asked.append({"path": url.path, "query": query, "auth": self.headers["Authorization"]})
                content = store._content(url.path.rpartition("/")[2])
                if store.read_status != 200:
                    self._answer(store.read_status, json.dumps({"detail": "not now"}).encode())
                elif content is None:
                    self._answer(404, json.dumps({"title": "NOT_FOUND", "detail": "no such document"}).encode())
                elif query.get("contentHash") not in (None, hashlib.sha256(content).hexdigest()):
                    self._answer(400, json.dumps({"detail": "the content hash does not match"}).encode())
                else:
                    self._answer(200, content)

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if store.stalls:
                    self.wfile.write(body[:1])
                    store._closed.wait()
                    return
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def kept(self, reference: dict[str, Any]) -> tuple[str, str, bytes]:
        """Name, type and bytes of a document."""
        parts = self.taken[int(reference["documentId"].removeprefix("d")) - 1]["parts"]
        metadata = json.loads(parts["metadata"].content)
        return metadata["fileName"], metadata["contentType"], parts["file"].content

    def give(self, content: bytes, *, name: str | None = None, content_type: str | None = None) -> dict[str, Any]:
        """Have a document; its reference as the cluster gives it."""
        document_id = f"g{next(self._numbers)}"
        self._given[document_id] = content
        said = {"fileName": name, "contentType": content_type, "size": len(content)}
        return {
            "camunda.document.type": "camunda",
            "storeId": "in-memory",
            "documentId": document_id,
            "contentHash": hashlib.sha256(content).hexdigest(),
            "metadata": {key: value for key, value in said.items() if value is not None},
        }

    def forget(self, reference: dict[str, Any]) -> None:
        """Have it no longer."""
        del self._given[reference["documentId"]]

    def _content(self, document_id: str) -> bytes | None:
        if document_id in self._given:
            return self._given[document_id]
        number = int(document_id.removeprefix("d") or 0) if document_id.startswith("d") else 0
        return self.taken[number - 1]["parts"]["file"].content if 0 < number <= len(self.taken) else None
