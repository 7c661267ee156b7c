"""All that takes part: a broker, two workers, a mail server, a proxy in front of each, and the jobs of one row."""

import asyncio
import contextlib
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from tests.acceptance.worker import WorkerProcess, worker
from tests.chaos import referee
from tests.chaos.referee import Fate, Post
from tests.live.host import Zeebe, zeebe
from tests.servers.processes import one_task
from tests.servers.records import Records
from tests.servers.tcp_proxy import TcpProxy
from zeebe_mail.demo.engine import Broker
from zeebe_mail.zeebe.gateway import pb

PROCESS = "chaos"
JOB_TIMEOUT_S = 3.0
CONNECTIONS = 4
"""Sessions of each worker: the most of its mails that can be in doubt at once."""
SETTLES_S = 60.0
"""Jobs are stuck when none has settled for so long: three job time-outs, and all that ledger and back-off wait."""
SETTINGS = {
    "ZEEBE_MAIL_JOB_TIMEOUT": str(JOB_TIMEOUT_S),
    "ZEEBE_MAIL_MAX_JOBS": str(2 * CONNECTIONS),
    "ZEEBE_MAIL_CONNECTIONS_PER_SERVER": str(CONNECTIONS),
    "ZEEBE_MAIL_BACKOFF": "1",
    "ZEEBE_MAIL_LONGEST_BACKOFF": "2",
    "ZEEBE_MAIL_LOG_LEVEL": "info",
    "ZEEBE_MAIL_HTTP_PORT": "0",
    "ZEEBE_MAIL_MAX_ATTEMPTS": "50",
}


class Slot:
    """One of the two workers, by whatever process it is played."""

    def __init__(self, stage: "Stage", address: str, settings: Mapping[str, str]) -> None:
        self._stage = stage
        self._address = address
        self._settings = settings
        self._life = AsyncExitStack()
        self.now: WorkerProcess | None = None

    async def start(self, *, fail_point: str = "", fail_at: int = 1) -> None:
        module = "tests.acceptance.failing" if fail_point else "zeebe_mail"
        settings = {
            **SETTINGS,
            **self._stage.post.settings,
            **self._settings,
            "FAIL_POINT": fail_point,
            "FAIL_AT": str(fail_at),
        }
        started = worker(self._address, self._stage.folder, module, **settings)
        self.now = await self._life.enter_async_context(started)

    async def end(self, number: signal.Signals) -> None:
        if self.now and self.now.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.now.send(number)
            await self.now.ends(60)
        await self._life.aclose()
        self.now = None

    def send(self, number: signal.Signals) -> None:
        if self.now and self.now.process.returncode is None:
            self.now.send(number)


@dataclass
class Stage:
    """The scene of one row."""

    broker: Broker
    records: Records
    engine: Zeebe
    folder: Path
    ledger: Path
    dice: random.Random
    post: Post
    to_post: TcpProxy
    to_broker: list[TcpProxy]
    slots: list[Slot] = field(default_factory=list)
    jobs: dict[int, int] = field(default_factory=dict)
    """Process instance key → number."""
    wanted: int = 0
    """Jobs that there are to be."""
    numbers: Iterator[int] = field(default_factory=count)
    faults: Counter[str] = field(default_factory=Counter)
    lapses: int = 0
    """Jobs that the broker forgot to retry until it was restarted."""
    last_fault: float = field(default_factory=time.monotonic)

    def fault(self, name: str) -> None:
        self.faults[name] += 1
        self.last_fault = time.monotonic()

    def unsettled(self) -> int:
        """Jobs that nobody knows the fate of yet, also those that are still to be started."""
        found, _ = referee.fates(self.records, self.jobs)
        return self.wanted - len(found) + sum(fate is Fate.STUCK for fate in found.values())

    @property
    def sent(self) -> int:
        return self.post.done().total()

    async def deploy(self, headers: Mapping[str, str]) -> None:
        bpmn = one_task(PROCESS, self.post.task, retries=20, headers={"resultVariable": "mail", **headers})
        resource = pb.Resource(name=f"{PROCESS}.bpmn", content=bpmn)
        await self.engine.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))

    async def start_jobs(self, many: int, *, over_s: float = 0.0, **request: Any) -> None:
        """Start them, evenly over a time, or as quickly as the broker takes them."""
        at_once = asyncio.Semaphore(20)
        self.wanted += many
        began = time.monotonic()

        async def one(place: int) -> None:
            number, due = next(self.numbers), began + over_s * place / many
            await asyncio.sleep(max(due - time.monotonic(), 0))
            async with at_once:
                variables = self.post.variables(number, self.to_post.port)
                variables["request"] |= request
                self.jobs[await self.engine.start(PROCESS, variables)] = number

        await asyncio.gather(*map(one, range(many)))

    def begin_anew(self) -> None:
        """Forget the jobs, as a broker that is restored from a backup does."""
        self.jobs.clear()
        self.records.forget()
        self.wanted = 0

    async def settled(self) -> float:
        """Wait until every job is settled, or is stuck; gives how long after the last fault."""
        left = self.wanted + 1
        while 0 < (now := self.unsettled()) < left:
            left = now
            await self.comes(partial(self._moves_on, left))
            if 0 < (forgotten := self.unsettled()) == self._overslept():
                self.lapses += forgotten
                await asyncio.to_thread(self.broker.restart)
                await self.comes(lambda: self.unsettled() < forgotten)
        return time.monotonic() - self.last_fault

    def _moves_on(self, left: int) -> bool:
        return self.unsettled() < left or self.unsettled() == self._overslept()

    def _overslept(self) -> int:
        return referee.overslept(self.records, self.jobs)

    async def comes(self, condition: Callable[[], object], *, limit_s: float = SETTLES_S) -> None:
        """Wait for a condition, and no longer than that. It is not looked at often: that costs as the records do."""
        ends_at = time.monotonic() + limit_s
        while not condition() and time.monotonic() < ends_at:  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    async def written(self) -> None:
        """Wait until the ledger has what nobody waits for."""
        await asyncio.sleep(1.5)

    def mended(self) -> None:
        """All is well from now on."""
        self.last_fault = time.monotonic()

    async def pause(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self.dice.uniform(least_s, most_s))


@contextlib.asynccontextmanager
async def stage(
    broker: Broker,
    records: Records,
    folder: Path,
    *,
    post: Post,
    dice: random.Random,
    settings: Mapping[str, str],
) -> AsyncIterator[Stage]:
    gateway = int(broker.address.rpartition(":")[2])
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(post)
        to_post = await parts.enter_async_context(TcpProxy(post.port))
        to_broker = [await parts.enter_async_context(TcpProxy(gateway)) for _ in range(2)]
        engine = await parts.enter_async_context(zeebe(broker.address))
        ledger = Path(settings.get("ZEEBE_MAIL_LEDGER", folder / "ledger.db"))
        made = Stage(broker, records, engine, folder, ledger, dice, post, to_post, to_broker)
        made.slots = [Slot(made, f"127.0.0.1:{proxy.port}", settings) for proxy in to_broker]
        try:
            yield made
        finally:
            for slot in made.slots:
                slot.send(signal.SIGCONT)
                await slot.end(signal.SIGKILL)
