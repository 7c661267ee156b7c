"""A document store that speaks as much of Camunda's REST API as an upload needs."""

from __future__ import annotations

import email
import json
import threading
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


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
    """Takes uploads as `POST /v2/documents` of Camunda 8.8 does, and refuses them with another `status` than 201."""

    def __init__(self) -> None:
        self.status = 201
        self.taken: list[dict[str, Any]] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                parts = form(str(self.headers["Content-Type"]), body)
                store.taken.append({"path": self.path, "auth": self.headers["Authorization"], "parts": parts})
                name = f"d{len(store.taken)}"
                reference = {"camunda.document.type": "camunda", "documentId": name, "storeId": "in-memory"}
                answer = json.dumps(reference if store.status == 201 else {"detail": "too large"}).encode()
                self.send_response(store.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def kept(self, reference: dict[str, Any]) -> tuple[str, str, bytes]:
        """Name, type and bytes of a document."""
        parts = self.taken[int(reference["documentId"].removeprefix("d")) - 1]["parts"]
        metadata = json.loads(parts["metadata"].content)
        return metadata["fileName"], metadata["contentType"], parts["file"].content
