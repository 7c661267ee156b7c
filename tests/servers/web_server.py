"""A web server that gives what a test put there: files, redirects, refusals, and answers that never end."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from zeebe_mail.demo.pki import Certificate


@dataclass(frozen=True)
class Answer:
    """What one path gives. Without `length` the size is not told; `body` may be endless."""

    body: bytes | Iterator[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    tells_length: bool = True


class WebServer:
    """Answers by path; `asked` has the path and Host of every request. With a certificate it speaks TLS."""

    def __init__(self, certificate: Certificate | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        self.stalls: set[str] = set()
        """Paths whose answer stops after its headers, until the server is closed."""
        self._closed = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                web.asked.append((self.path, self.headers["Host"]))
                answer = web.answers.get(path, Answer(status=404))
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                whole = answer.body if isinstance(answer.body, bytes) else None
                if whole is not None and answer.tells_length:
                    self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                if path in web.stalls:
                    web._closed.wait()
                    return
                try:
                    for piece in [whole] if whole is not None else answer.body:
                        self.wfile.write(piece)
                except OSError:
                    pass  # the client had enough

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = self._server.server_port
        self.url = f"{'https' if certificate else 'http'}://{'localhost' if certificate else host}:{self.port}"

    def give(self, path: str, body: bytes | Iterator[bytes] = b"", status: int = 200, **headers: str) -> str:
        """Answer a path so; its URL. Underscores in the names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = Answer(body, status, named)
        return self.url + path

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """Send who asks for a path somewhere else; the path's URL."""
        return self.give(path, status=status, Location=location)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
