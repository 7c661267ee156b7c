"""The worker on each engine that this machine can run: the broker, the 8.8 engine in memory, a cluster in Docker."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.live.host import Scripted, host, until, zeebe
from tests.servers.broker import Gateway
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome, ThrowError
from zeebe_mail.operations.base import Attempt

pytestmark = pytest.mark.live


@pytest.mark.parametrize("streaming", [True, False])
async def test_jobs_are_done(every_engine: Gateway, streaming: bool) -> None:
    name = f"done-{streaming}".lower()
    async with zeebe(every_engine.address) as cluster:
        await cluster.deploy_task(name)
        async with host(every_engine.address, Scripted(name), streaming=streaming) as running:
            await cluster.start_many(name, 10)
            await until(lambda: running.count("completed") == 10)


async def test_results_reach_the_process(every_engine: Gateway) -> None:
    async def answer(job: Job, attempt: Attempt) -> Outcome:
        return Complete({"mail": {"messageId": "<1@x.test>", "accepted": ["a@x.test"]}})

    async with zeebe(every_engine.address) as cluster:
        await cluster.deploy_task("results")
        async with host(every_engine.address, Scripted("results", script=answer)):
            variables = await cluster.start_and_wait("results", {}, timeout_s=20)
    assert variables["mail"] == {"messageId": "<1@x.test>", "accepted": ["a@x.test"]}


async def test_a_failed_job_comes_back_with_one_retry_less_and_a_heartbeat_keeps_it(every_engine: Gateway) -> None:
    seen: list[int] = []

    async def answer(job: Job, attempt: Attempt) -> Outcome:
        seen.append(job.retries)
        if len(seen) == 1:
            return Fail("BUSY: later", retries=job.retries - 1, backoff=timedelta(milliseconds=200))
        await asyncio.sleep(3)  # longer than the job's time-out: only the heartbeat keeps it
        await attempt.commit()
        return Complete()

    async with zeebe(every_engine.address) as cluster:
        await cluster.deploy_task("retried")
        handler = Scripted("retried", script=answer)
        async with host(every_engine.address, handler, job_timeout=timedelta(seconds=2)) as running:
            await cluster.start("retried", {})
            await until(lambda: running.count("completed") == 1)
    assert seen == [3, 2]


async def test_an_error_that_nobody_catches_and_a_cancelled_job_are_no_trouble(every_engine: Gateway) -> None:
    async def answer(job: Job, attempt: Attempt) -> Any:
        return ThrowError("NOBODY", "catches this")

    async with zeebe(every_engine.address) as cluster:
        await cluster.deploy_task("thrown")
        async with host(every_engine.address, Scripted("thrown", script=answer)) as running:
            instance = await cluster.start("thrown", {})
            await until(lambda: running.count("bpmn_error") == 1)
            await cluster.cancel(instance)
