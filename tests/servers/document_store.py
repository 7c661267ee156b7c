"""A document store that speaks as much of Camunda's REST API as an upload needs."""

from __future__ import annotations

import email
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class DocumentStore:
    """Takes uploads as `POST /v2/documents` of Camunda 8.8 does, and refuses them with another `status` than 201."""

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

    def parts(self, number: int) -> dict[str, Any]:
        """The parts of an upload by name: `file` and `metadata`."""
        return {part.get_param("name", header="content-disposition"): part for part in self.taken[number]["parts"]}

    def kept(self, reference: dict[str, Any]) -> tuple[str, str, bytes]:
        """Name, type and bytes of a document."""
        parts = self.parts(int(reference["documentId"].removeprefix("d")) - 1)
        metadata = json.loads(parts["metadata"].get_payload(decode=True))
        return metadata["fileName"], metadata["contentType"], parts["file"].get_payload(decode=True)
