"""The worker of the demo: `zeebe-mail run` as a process of its own, as an operator starts it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from zeebe_mail.demo.engine import LOOPBACK, free_ports
from zeebe_mail.demo.error import DemoError
from zeebe_mail.demo.signals import dies_with_us

START_LIMIT_S = 30.0
LOOK_INTERVAL_S = 0.5
STOP_LIMIT_S = 35.0  # above the worker's own grace, ZEEBE_MAIL_SHUTDOWN_GRACE


class WorkerProcess:
    """A running worker. Its log goes to a file, of which errors show the end."""

    def __init__(self, environment: Mapping[str, str], log_file: Path) -> None:
        """
        Args:
            environment: The whole of the worker's environment; its probe port is added.
        """
        (self._port,) = free_ports(1)
        self._environment = dict(environment) | {
            "ZEEBE_MAIL_HTTP_HOST": LOOPBACK,
            "ZEEBE_MAIL_HTTP_PORT": str(self._port),
        }
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and return when the worker says that it is ready for jobs.

        Raises:
            DemoError: it ended, or did not get ready in time.
        """
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - does not wait; must be stoppable from here on
                [*dies_with_us(signal.SIGTERM), sys.executable, "-m", "zeebe_mail", "run"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops its worker in good order.
            )
        await self._wait_until_ready(self._process)

    def stop(self) -> None:
        """End the worker as an orchestrator does: SIGTERM, and time to finish."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    async def ended(self) -> None:
        """Return when the worker has ended by itself."""
        while self._process is not None and self._process.poll() is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(LOOK_INTERVAL_S)

    def last_words(self) -> str:
        """The end of the worker's log."""
        return "\n".join(self._log_file.read_text(errors="replace").splitlines()[-8:])

    async def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + START_LIMIT_S
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while not await _is_ready(client, f"http://{LOOPBACK}:{self._port}/ready"):
                if process.poll() is not None:
                    raise DemoError("The worker ended while it started.", f"Its last words:\n{self.last_words()}")
                if time.monotonic() > until:
                    happened = f"The worker was not ready within {START_LIMIT_S:.0f} s."
                    raise DemoError(happened, f"Its last words:\n{self.last_words()}")
                await asyncio.sleep(0.02)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def worker_environment(own: Mapping[str, str], *, foreign_cluster: bool) -> dict[str, str]:
    """The environment a worker gets: the caller's without worker settings, then `own`.

    Args:
        foreign_cluster: Keep the caller's ZEEBE_… and CAMUNDA_… variables: they say how to reach the cluster.
    """
    dropped = ("ZEEBE_MAIL_",) if foreign_cluster else ("ZEEBE_", "CAMUNDA_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)} | dict(own)
