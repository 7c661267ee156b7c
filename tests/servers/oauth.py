"""An OAuth 2.0 server: grants for client credentials and refresh tokens (RFC 6749), introspection (RFC 7662)."""

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

CLIENT = ("worker", "s3cret")
RESOURCE_SERVER = ("dovecot", "dcpw")
GRANTS = ("client_credentials", "refresh_token")


@dataclass(frozen=True)
class Asked:
    """One request to the server."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


class OAuthServer:
    """`token_url` gives tokens to `CLIENT`, `introspection_url` tells `RESOURCE_SERVER` whose they are.

    The form field `username` of a token request says for whom; `issue` makes one without any request, `revoke` ends it.
    """

    def __init__(self, *, lifetime_s: int = 3600) -> None:
        self.lifetime_s = lifetime_s
        self.asked: list[Asked] = []
        """All requests so far."""
        self._tokens: dict[str, dict[str, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def token_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/token"

    @property
    def introspection_url(self) -> str:
        user, password = RESOURCE_SERVER
        return f"http://{user}:{password}@127.0.0.1:{self._server.server_port}/introspect"

    def issue(self, user: str, *, lifetime_s: int | None = None) -> str:
        """A token for this user; a negative lifetime makes one that has expired."""
        token = secrets.token_urlsafe(24)
        ends = int(time.time()) + (self.lifetime_s if lifetime_s is None else lifetime_s)
        self._tokens[token] = {"username": user, "scope": "mail", "exp": ends, "token_type": "Bearer"}
        return token

    def revoke(self, token: str) -> None:
        del self._tokens[token]

    def answer(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        """Status and JSON for a request."""
        return self._introspect(asked) if asked.path == "/introspect" else self._grant(asked)

    def _grant(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        client = _basic(asked) or (asked.form.get("client_id"), asked.form.get("client_secret"))
        if client != CLIENT:
            return 401, {"error": "invalid_client"}
        if asked.form.get("grant_type") not in GRANTS:
            return 400, {"error": "unsupported_grant_type"}
        token = self.issue(asked.form.get("username", "alice"))
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s}

    def _introspect(self, asked: Asked) -> tuple[int, dict[str, Any]]:
        if _basic(asked) != RESOURCE_SERVER:
            return 401, {"error": "invalid_client"}
        known = self._tokens.get(asked.form.get("token", ""))
        if known is None or known["exp"] < time.time():
            return 200, {"active": False}
        return 200, {"active": True, **known}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = Asked(self.path, dict(self.headers), dict(parse_qsl(body.decode())))
                server.asked.append(asked)
                status, answer = server.answer(asked)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _basic(asked: Asked) -> tuple[str, ...] | None:
    scheme, _, blob = asked.headers.get("Authorization", "").partition(" ")
    return tuple(base64.b64decode(blob).decode().split(":", 1)) if scheme == "Basic" else None
