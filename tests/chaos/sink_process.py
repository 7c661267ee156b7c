"""The sink as the process that it is."""

import asyncio
import contextlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.acceptance.worker import TESTS, mail
from tests.chaos import sink
from zeebe_mail.demo.engine import free_ports


class SinkProcess:
    """The mail server, which is started again when it dies."""

    task = "mail:smtp-send:1"
    settings: Mapping[str, str] = {}
    has_ledger = True

    def __init__(self, log: Path, seed: str, faults: list[sink.Fault], delays_s: tuple[float, float]) -> None:
        self._log = log
        (self.port,) = free_ports(1)
        self.deaths = 0
        self._arguments = [str(self.port), str(log), seed, *sink.arguments(faults, delays_s)]
        self._ended = False

    async def __aenter__(self) -> Self:
        self._log.touch()
        await self._start()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def _start(self) -> None:
        # Another seed for each life, or it would die of the same mail again and again.
        seed = f"{self._arguments[2]}-{self.deaths}"
        arguments = [*self._arguments[:2], seed, *self._arguments[3:]]
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.sink", *arguments), cwd=TESTS, stdout=asyncio.subprocess.PIPE
        )
        assert self.process.stdout
        await self.process.stdout.readline()

    async def _keep(self) -> None:
        while True:
            await self.process.wait()
            self.deaths += 1
            await self._start()

    def variables(self, number: int, port: int) -> dict[str, Any]:
        """Of a job that sends a mail which says which job it is of."""
        variables = mail(port)
        variables["request"] |= dict.fromkeys(("from", "to"), f"job{number}@x.test")
        return variables

    def done(self) -> Counter[int]:
        """How many mails of each job it has."""
        return Counter(number_of(line["accepted"][0]) for line in self._lines() if "accepted" in line)

    @property
    def message_ids(self) -> dict[int, set[str]]:
        """Those of the mails of each job."""
        found: dict[int, set[str]] = defaultdict(set)
        for line in self._lines():
            if "accepted" in line:
                found[number_of(line["accepted"][0])].add(line["message_id"])
        return found

    @property
    def faults(self) -> list[dict[str, Any]]:
        """Those that it dealt."""
        return [line for line in self._lines() if "fault" in line]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


def number_of(address: str) -> int:
    return int(address.removeprefix("job").partition("@")[0])
