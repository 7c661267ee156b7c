"""A worker in the test's own process, with a handler that does what the test says."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
import structlog

from tests.servers.processes import one_task
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Outcome
from zeebe_mail.operations.base import Attempt, Operation
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.zeebe.client import Client, connect
from zeebe_mail.zeebe.gateway import Gateway, pb
from zeebe_mail.zeebe.options import GatewayOptions, WorkerOptions
from zeebe_mail.zeebe.running import RunningJob
from zeebe_mail.zeebe.worker import Worker

Script = Callable[[Job, Attempt], Awaitable[Outcome]]


async def until(condition: Callable[[], object], *, limit_s: float = 30.0, what: str = "") -> None:
    """Wait for a condition, with a deadline that a healthy run never comes near."""
    ends_at = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ends_at, f"not within {limit_s} s: {what or 'the condition'}"
        await asyncio.sleep(0.01)


async def done(job: Job, attempt: Attempt) -> Outcome:
    return Complete()


@dataclass(frozen=True)
class Task:
    """As much of an operation as the host looks at."""

    task_type: str
    fetch_variables: list[str] = field(default_factory=lambda: ["n"])


class Scripted:
    """A handler: runs `script`, notes every run, and knows how many run now."""

    def __init__(self, *task_types: str, script: Script = done) -> None:
        self.operations = cast("Mapping[str, Operation]", {one: Task(one) for one in task_types})
        self.script = script
        self.started: list[Job] = []
        self.running = 0
        self.most_running = 0

    async def handle(self, job: Job, attempt: Attempt) -> Outcome:
        self.started.append(job)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self.script(job, attempt)
        finally:
            self.running -= 1

    def answered(self, job: Job, outcome: Outcome) -> None:
        """Nothing is kept."""

    @property
    def keys(self) -> list[int]:
        return [job.key for job in self.started]


@dataclass
class Host:
    worker: Worker
    metrics: Metrics
    task: asyncio.Task[None]

    def count(self, outcome: str) -> float:
        """Jobs that ended so, as the metrics say."""
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "zeebe_mail_jobs_total" and sample.labels["outcome"] == outcome
        )

    async def stop(self) -> None:
        self.worker.stop()
        await self.task


@contextlib.asynccontextmanager
async def host(
    address: str | GatewayOptions, handler: Any, *, cluster: str = "", **options: Any
) -> AsyncIterator[Host]:
    """A running worker; it is stopped at the end of the block."""
    where = address if isinstance(address, GatewayOptions) else GatewayOptions(address=address)
    options = {"shutdown_grace": timedelta(seconds=5), **options}
    metrics = Metrics(dict)
    async with Gateway(where) as gateway:
        worker = Worker(gateway, handler, WorkerOptions(**options), metrics, cluster=cluster)
        running = Host(worker, metrics, asyncio.create_task(worker.run()))
        try:
            yield running
        finally:
            await running.stop()


def never_extend(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process had been frozen or the network gone: the broker hears nothing about running jobs."""
    monkeypatch.setattr(RunningJob, "wants_extension", property(lambda job: False))


class Zeebe(Client):
    """What a test asks of the cluster."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self.stub = gateway.stub

    async def deploy_task(self, name: str, *, retries: int = 3, headers: dict[str, str] | None = None) -> None:
        """A process `name` with one task of type `name`."""
        bpmn = one_task(name, name, retries=retries, headers=headers)
        resource = pb.Resource(name=f"{name}.bpmn", content=bpmn)
        await self.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))

    async def start_many(self, name: str, count: int, variables: Mapping[str, Any] | None = None) -> list[int]:
        """Instances one by one, a few at a time; gives their keys."""
        at_once = asyncio.Semaphore(25)

        async def one(number: int) -> int:
            async with at_once:
                return await self.start(name, {"n": number, **(variables or {})})

        return list(await asyncio.gather(*(one(number) for number in range(count))))

    async def cancel(self, instance: int) -> None:
        request = pb.CancelProcessInstanceRequest(processInstanceKey=instance)
        await self.stub.CancelProcessInstance(request)

    async def activate(self, name: str, *, most: int = 1, timeout_ms: int = 60_000) -> list[pb.ActivatedJob]:
        """Take jobs as some other worker would, without waiting for any."""
        request = pb.ActivateJobsRequest(
            type=name, worker="test", timeout=timeout_ms, maxJobsToActivate=most, requestTimeout=-1
        )
        return [job async for answer in self.stub.ActivateJobs(request) for job in answer.jobs]


@contextlib.asynccontextmanager
async def zeebe(address: str) -> AsyncIterator[Zeebe]:
    async with Gateway(GatewayOptions(address=address)) as gateway:
        yield Zeebe(gateway)


@contextlib.contextmanager
def log_lines() -> Iterator[list[dict[str, Any]]]:
    """Log lines of the block, as event dictionaries; works whatever logger was bound before."""
    with structlog.testing.capture_logs() as lines:
        yield cast("list[dict[str, Any]]", lines)


def problems(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["log_level"] in ("error", "critical")]


def text(lines: list[dict[str, Any]]) -> str:
    return json.dumps(lines, default=str)


__all__ = [
    "Host",
    "Scripted",
    "Task",
    "Zeebe",
    "connect",
    "done",
    "host",
    "log_lines",
    "never_extend",
    "problems",
    "until",
    "zeebe",
]
