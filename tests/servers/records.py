"""What the broker itself recorded: jobs, incidents, variables. Broker 8.6 has no query for these without a database.

Its Elasticsearch exporter sends every record as JSON over HTTP. `Records` is the other end of that: it takes the
records and keeps them. `start_broker(records.options())` starts a broker that tells.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from zeebe_mail.demo.engine import BrokerOptions

Record = dict[str, Any]

EXPORTER = {
    "ZEEBE_BROKER_EXPORTERS_RECORDS_CLASSNAME": "io.camunda.zeebe.exporter.ElasticsearchExporter",
    "ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_BULK_DELAY": "1",
    "ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_BULK_SIZE": "1",
    "ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_INDEX_JOBBATCH": "true",
    "ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_INDEX_PROCESSINSTANCE": "false",
}


class Records:
    """Takes the records of any number of brokers. Use as a context manager."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def options(self, options: BrokerOptions | None = None) -> BrokerOptions:
        """Options for a broker that exports its records to here."""
        options = options or BrokerOptions()
        url = {"ZEEBE_BROKER_EXPORTERS_RECORDS_ARGS_URL": f"http://127.0.0.1:{self._server.server_port}"}
        return replace(options, environment={**options.environment, **EXPORTER, **url})

    def all(self, value_type: str = "", intent: str = "", **values: object) -> list[Record]:
        """The events of a kind, oldest first, whose value has all of `values`."""
        return [
            record
            for record in list(self._records)
            if record["recordType"] == "EVENT"
            and value_type in ("", record["valueType"])
            and intent in ("", record["intent"])
            and all(record["value"].get(name) == value for name, value in values.items())
        ]

    def forget(self) -> None:
        """Begin anew."""
        self._records.clear()

    def text(self) -> str:
        """Everything the broker recorded, as it came."""
        return "\n".join(json.dumps(record, ensure_ascii=False) for record in list(self._records))

    def wait_for(self, value_type: str, intent: str, *, limit_s: float = 20.0, **values: object) -> Record:
        """The first such event, however long the broker takes to export it. Blocks."""
        return self.wait_until(lambda: self.all(value_type, intent, **values), limit_s=limit_s)[0]

    def wait_until(self, found: Callable[[], list[Record]], *, limit_s: float = 20.0) -> list[Record]:
        until = time.monotonic() + limit_s
        while not (records := found()):
            assert time.monotonic() < until, f"the broker recorded no such thing within {limit_s} s"
            time.sleep(0.02)
        return records

    def _take(self, lines: bytes) -> int:
        documents = [json.loads(line) for line in lines.splitlines() if line]
        self._records += [one for one in documents if "valueType" in one]
        return len(documents) // 2

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        records = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self._body()
                items = records._take(body) if self.path.startswith("/_bulk") else 0
                self._answer({"errors": False, "items": [{"index": {"status": 201}}] * items, "acknowledged": True})

            do_PUT = do_POST

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                chunks = []
                while size := int(self.rfile.readline(), 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def do_GET(self) -> None:
                self._answer({"version": {"number": "8.15.0"}, "tagline": "You Know, for Search"})

            def do_HEAD(self) -> None:
                self._answer({})

            def _answer(self, content: Mapping[str, Any]) -> None:
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler
