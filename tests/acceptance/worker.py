"""The worker as people run it: `python -m zeebe_mail run` in a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import zeebe_mail
from tests.live.host import until
from zeebe_mail.demo.engine import free_ports

SOURCES = Path(zeebe_mail.__file__).parents[1]
TESTS = Path(__file__).parents[2]


class WorkerProcess:
    """One worker; `log` is what it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process, log_file: Path, probes: int) -> None:
        self.process = process
        self.pid = process.pid
        self._log_file = log_file
        self.probes = probes

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace")

    def lines(self, action: str = "") -> list[dict[str, Any]]:
        """Its log lines, each JSON, of one action or all."""
        whole = self.log.rpartition("\n")[0]
        lines = [json.loads(line) for line in whole.split("\n") if line]
        return [line for line in lines if action in ("", line.get("action"))]

    async def get(self, path: str) -> str:
        def fetch() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.probes}{path}", timeout=5) as answer:
                return str(answer.read().decode())

        return await asyncio.to_thread(fetch)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def ends(self, limit_s: float = 20.0) -> int:
        return await asyncio.wait_for(self.process.wait(), limit_s)


@contextlib.asynccontextmanager
async def worker(
    address: str, directory: Path, module: str = "zeebe_mail", **settings: str
) -> AsyncIterator[WorkerProcess]:
    """A running worker; one that still runs at the end of the block is killed. `module` is what is run instead."""
    (port,) = free_ports(1)
    log_file = directory / f"worker-{port}.log"
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{SOURCES}:{TESTS}",
        "ZEEBE_ADDRESS": address,
        "ZEEBE_MAIL_HTTP_PORT": str(port),
        "ZEEBE_MAIL_LOG_LEVEL": "debug",
        "ZEEBE_MAIL_LEDGER": str(directory / "ledger.db"),
        **settings,
    }
    with log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, "run"), env=environment, stdout=log, stderr=log
        )
    running = WorkerProcess(process, log_file, port)
    try:
        await until(lambda: running.lines("worker_started") or process.returncode is not None)
        yield running
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def mail(port: int, **more: Any) -> dict[str, Any]:
    """Variables of a task that sends a mail to a server on this machine, without encryption and login."""
    return {
        "server": {"host": "127.0.0.1", "port": port, "security": "NONE"},
        "auth": {"type": "none"},
        "request": {"from": "a@x.test", "to": "b@x.test", "subject": "s", "text": "t"},
        **more,
    }
