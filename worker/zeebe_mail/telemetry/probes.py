"""The port that Kubernetes and Prometheus look at: ``/live``, ``/ready`` and ``/metrics``.

It is served by a thread of its own, so that a blocked event loop is seen and not waited for.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from zeebe_mail.telemetry.metrics import Metrics

LOOP_STALLED_S = 15.0
GATEWAY_SILENT_S = 45.0  # a poll is held for 10 s; more than four of them without an answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A scraper that hangs up early is not worth a traceback."""


class Probes:
    """Says whether the worker is alive (else restart it) and ready (else wait for it)."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def live(self) -> tuple[bool, dict[str, object]]:
        """Alive while the event loop turns; a gateway that is away is no reason for a restart."""
        age_s = time.monotonic() - self._metrics.loop_seen_at
        return age_s < LOOP_STALLED_S, {"loopSeenSecondsAgo": round(age_s, 1)}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Ready while alive, not stopping, answered by the gateway lately, and able to record what is sent."""
        metrics = self._metrics
        live, facts = self.live()
        age_s = metrics.gateway_silent_s
        facts |= {
            "gatewaySeenSecondsAgo": round(age_s, 1),
            "gatewayConnected": metrics.connected,
            "stopping": metrics.stopping,
        }
        fault = metrics.ledger.fault if metrics.ledger else ""
        if metrics.ledger:
            facts["ledger"] = fault or "ok"
        connected = metrics.connected and age_s < GATEWAY_SILENT_S
        return live and connected and not metrics.stopping and not fault, facts

    def serve(self, host: str, port: int) -> ThreadingHTTPServer:
        """Begin to answer; close with ``shutdown()``. Port 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        server = _Server((host, port), self._handler())
        threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
        return server

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        probes = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                match self.path.partition("?")[0]:
                    case "/live":
                        self._facts(*probes.live())
                    case "/ready":
                        self._facts(*probes.ready())
                    case "/metrics":
                        self._send(200, CONTENT_TYPE_LATEST, generate_latest(probes._metrics.registry))
                    case _:
                        self._send(404, "text/plain", b"/live /ready /metrics\n")

            def _facts(self, good: bool, facts: dict[str, object]) -> None:
                body = json.dumps({"status": "up" if good else "down", **facts}).encode()
                self._send(200 if good else 503, "application/json", body)

            def _send(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class named it
                """Probes come every few seconds; they are not worth a line."""

        return Handler
