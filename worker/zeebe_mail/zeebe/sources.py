"""Where jobs come from: a poll for the backlog and a stream for new ones, both only while there is capacity."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol

from zeebe_mail.jobs.job import Job
from zeebe_mail.zeebe.budget import Budget
from zeebe_mail.zeebe.gateway import Gateway, GatewayUnavailable, Rejected
from zeebe_mail.zeebe.options import WorkerOptions

LONG_POLL = timedelta(seconds=10)
FIRST_PAUSE_S = 0.1  # between failed calls; doubled by each, up to what the failure's kind allows:
LONGEST_PAUSE_S = 0.5  # with the channel's own half this is well within two seconds of the gateway's return
OVERLOADED_PAUSE_S = 5.0
LOCKED_OUT_PAUSE_S = 10.0
REFUSED_PAUSE_S = 30.0
GATHER_S = 0.01  # how long a poll waits for more free slots when only few are
STREAM_LIFETIME_S = 3600.0  # a new stream now and then keeps gateways evenly used
STREAM_LOOK_S = 10.0  # how often a quiet stream looks whether it has lived long enough
STREAM_SHORTEST_S = 1.0  # one that ends sooner is not opened again at once
STREAM_DRAIN_S = 0.05  # a stream from which nothing came for so long has nothing buffered
STREAM_DRAIN_LIMIT_S = 1.0  # what comes later was pushed later, and would never end on a busy cluster


class Accept(Protocol):
    """Takes responsibility for a job."""

    async def __call__(self, job: Job, *, has_slot: bool) -> None:
        """Start the job. Waits for a slot of the budget unless its source has taken one for it."""
        ...


class Heartbeat(Protocol):
    """Told each time a source talked to the gateway."""

    def source_alive(self, source: str) -> None:
        """The gateway answered this source, for example ``poll mail:smtp-send:1``."""
        ...

    def source_failed(self, source: str, reason: str) -> None:
        """It did not."""
        ...

    def source_waits(self, source: str) -> None:
        """This poll waits for a slot: until it asks, the gateway owes it nothing."""
        ...

    def source_asks(self, source: str) -> None:
        """This poll has room for a job, and the gateway owes it an answer."""
        ...


class Pause:
    """Growing waits with jitter between failures."""

    def __init__(self) -> None:
        self._next_s = FIRST_PAUSE_S

    def reset(self) -> None:
        """A call succeeded."""
        self._next_s = FIRST_PAUSE_S

    async def after(self, error: GatewayUnavailable | Rejected, *, unless: asyncio.Event) -> None:
        """Wait for as long as this failure asks for, or until the event."""
        wait_s = min(self._next_s, _longest_pause_s(error))
        self._next_s *= 2
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s * random.uniform(0.7, 1.0)):  # noqa: S311 - jitter, not a secret
                await unless.wait()


def _longest_pause_s(error: GatewayUnavailable | Rejected) -> float:
    match error:
        case Rejected(final=True):
            return REFUSED_PAUSE_S
        case GatewayUnavailable(overloaded=True) | Rejected():
            return OVERLOADED_PAUSE_S
        case GatewayUnavailable(locked_out=True):
            return LOCKED_OUT_PAUSE_S
        case _:
            return LONGEST_PAUSE_S


class Source:
    """What poll and stream of one task type share."""

    def __init__(
        self,
        gateway: Gateway,
        options: WorkerOptions,
        budget: Budget,
        *,
        task_type: str,
        variables: list[str],
        accept: Accept,
        heartbeat: Heartbeat,
        stopped: asyncio.Event,
    ) -> None:
        self._gateway = gateway
        self._options = options
        self._budget = budget
        self.task_type = task_type
        self.name = f"{type(self).__name__.lower()} {task_type}"
        self._variables = variables
        self._accept = accept
        self._heartbeat = heartbeat
        self._stopped = stopped
        self._pause = Pause()

    async def run(self) -> None:
        """Take jobs until stopped, through every outage of the gateway."""
        while not self._stopped.is_set():
            try:
                await self.once()
            except (GatewayUnavailable, Rejected) as error:
                self._heartbeat.source_failed(self.name, str(error))
                await self._pause.after(error, unless=self._stopped)
            else:
                self._pause.reset()

    async def once(self) -> None:
        """One turn of the loop."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether the source may be cancelled without losing a job that is on its way."""
        return False

    def alive(self) -> None:
        """The gateway answered."""
        self._heartbeat.source_alive(self.name)


class Poll(Source):
    """Asks for jobs.

    While there is a backlog it asks for as many as can start now, and does not wait. When there was none it waits at
    the gateway for a single job, so that the idle task types do not sit on the slots of the busy one.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._backlog = True
        self._waits_for_a_job = False
        self._late: set[asyncio.Task[None]] = set()

    @property
    def idle(self) -> bool:
        """A poll that waits for a first job has none on its way."""
        return self._waits_for_a_job

    async def run(self) -> None:
        """As every source; what is still read from lines that hung ends with it."""
        try:
            await super().run()
        finally:
            for reading in self._late:
                reading.cancel()
            await asyncio.gather(*self._late, return_exceptions=True)

    async def once(self) -> None:
        """Ask once."""
        if not self._budget.free:
            self._heartbeat.source_waits(self.name)
            await self._budget.some_free()
        self._heartbeat.source_asks(self.name)
        if not self._backlog:
            self._backlog = await self._wait_for_one()
            return
        if self._budget.free < self._budget.size // 4:
            await asyncio.sleep(GATHER_S)
        most = self._budget.take_free()
        if most:
            self._backlog = await self._take(most) > 0

    async def _wait_for_one(self) -> bool:
        found = False
        self._waits_for_a_job = True
        jobs = self._gateway.activate(self.task_type, self._variables, self._options, most=1, wait=LONG_POLL)
        try:
            async for job in jobs:
                if job is None:
                    raise self._hung(jobs)
                found, self._waits_for_a_job = True, False
                self.alive()
                await self._take_on(job)
        finally:
            self._waits_for_a_job = False
        self.alive()
        return found

    async def _take(self, most: int) -> int:
        taken = 0
        jobs = self._gateway.activate(self.task_type, self._variables, self._options, most=most, wait=None)
        try:
            async for job in jobs:
                if job is None:
                    raise self._hung(jobs)
                taken += 1
                await self._accept(job, has_slot=True)
        finally:
            self._budget.give_back(most - taken)
        self.alive()
        return taken

    async def _take_on(self, job: Job) -> None:
        self._heartbeat.source_waits(self.name)
        await self._accept(job, has_slot=False)

    def _hung(self, jobs: AsyncIterator[Job | None]) -> GatewayUnavailable:
        """Nothing came over this line. Jobs that come all the same are ours, and are read beside the next call."""
        reading = asyncio.create_task(self._read_late(jobs), name=f"late {self.name}")
        self._late.add(reading)
        reading.add_done_callback(self._late.discard)
        return GatewayUnavailable("the connection hangs")

    async def _read_late(self, jobs: AsyncIterator[Job | None]) -> None:
        with contextlib.suppress(GatewayUnavailable, Rejected):
            async for job in jobs:
                if job is not None:
                    await self._accept(job, has_slot=False)


class Stream(Source):
    """Has new jobs pushed, and reads one only when it can start.

    A job that arrives while the last slot goes to somebody else waits here, one per stream at most; more of them stay
    in the transport's small window, and then with the gateway.
    """

    async def once(self) -> None:
        """Hold one stream until it ends, has lived long enough, or its line hangs, or the worker stops."""
        opened_at = time.monotonic()
        renew_at = opened_at + STREAM_LIFETIME_S * random.uniform(0.8, 1.2)  # noqa: S311
        async with self._gateway.stream(self.task_type, self._variables, self._options) as (read, hangs):
            ends: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait()) for event in (self._stopped, hangs)]
            reading: asyncio.Future[Job | None] = asyncio.ensure_future(read())
            try:
                while not any(end.done() for end in ends) and time.monotonic() < renew_at:
                    await self._budget.some_free()
                    await asyncio.wait([reading, *ends], timeout=STREAM_LOOK_S, return_when=FIRST_COMPLETED)
                    if not reading.done():
                        continue
                    if (job := reading.result()) is None:
                        if time.monotonic() - opened_at < STREAM_SHORTEST_S:
                            raise GatewayUnavailable("the gateway ended the stream at once")
                        return
                    reading = asyncio.ensure_future(read())
                    self.alive()
                    await self._accept(job, has_slot=False)
                reading = await self._empty(reading, read)
            finally:
                for end in (*ends, reading):
                    end.cancel()
                await asyncio.wait([reading])

    async def _empty(
        self, reading: asyncio.Future[Job | None], read: Callable[[], Awaitable[Job | None]]
    ) -> asyncio.Future[Job | None]:
        """Read what was pushed already, so that nothing idles until its time-out."""
        ends_at = time.monotonic() + STREAM_DRAIN_LIMIT_S
        while time.monotonic() < ends_at:
            await asyncio.wait([reading], timeout=STREAM_DRAIN_S)
            if not reading.done() or (job := reading.result()) is None:
                break
            reading = asyncio.ensure_future(read())
            await self._accept(job, has_slot=False)
        return reading
