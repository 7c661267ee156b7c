"""Connections to the gateway that hang: nothing arrives, nothing ends, and a new one would work.

gRPC's pings find out after a minute. These tests wait half of that at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from tests.live.host import Host, Scripted, host, log_lines, until
from tests.servers.fake_gateway import FakeGateway
from tests.servers.tcp_proxy import TcpProxy
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Outcome
from zeebe_mail.operations.base import Attempt

LIMIT_S = 30.0


@dataclass
class Bench:
    gateway: FakeGateway
    proxy: TcpProxy
    host: Host


@asynccontextmanager
async def bench(handler: Scripted, **options: Any) -> AsyncIterator[Bench]:
    """A worker that has done a job, with a proxy between it and its gateway."""
    async with (
        FakeGateway() as gateway,
        TcpProxy(int(gateway.address.rpartition(":")[2])) as proxy,
        host(f"127.0.0.1:{proxy.port}", handler, **options) as running,
    ):
        gateway.job(1)
        await until(lambda: running.count("completed") == 1)
        yield Bench(gateway, proxy, running)


async def test_a_committed_job_is_told_over_another_connection() -> None:
    finish = asyncio.Event()

    async def hand_over(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        if job.key == 2:
            await finish.wait()
        return Complete()

    handler = Scripted("t", script=hand_over)
    async with bench(handler) as on:
        on.gateway.job(2)
        await until(lambda: 2 in handler.keys)
        on.proxy.strand()
        finish.set()
        await until(lambda: on.host.count("completed") == 2, limit_s=LIMIT_S)
    assert on.gateway.count("CompleteJob") == 2
    assert handler.keys == [1, 2]


@pytest.mark.parametrize("max_jobs", [100, 1])
async def test_jobs_are_found_over_another_connection_and_streams_open_on_it(max_jobs: int) -> None:
    with log_lines() as lines:
        async with bench(Scripted("t"), max_jobs=max_jobs) as on:
            await until(lambda: on.gateway.streams == 1)
            on.proxy.strand()
            asked = on.gateway.count("ActivateJobs")
            await until(lambda: on.gateway.count("ActivateJobs") > asked, limit_s=LIMIT_S)
            on.gateway.job(2)
            await until(lambda: on.host.count("completed") == 2, limit_s=LIMIT_S)
            await until(lambda: on.gateway.streams == 2)
            assert on.host.metrics.connected
    assert sum(line.get("action") == "line_given_up" for line in lines) == 1


async def test_a_job_on_the_connection_that_hung_is_done_when_it_comes_after_all() -> None:
    async with bench(Scripted("t"), streaming=False) as on:
        asked = on.gateway.count("ActivateJobs")
        await until(lambda: on.gateway.count("ActivateJobs") > asked)
        stranded = on.proxy.strand()
        on.gateway.job(2)
        await until(lambda: 2 in on.gateway.active)
        await until(lambda: on.proxy.accepted == 2, limit_s=LIMIT_S)
        stranded.set()
        await until(lambda: on.host.count("completed") == 2)
        await until(lambda: on.proxy.open_connections == 1, what="the old connection is closed after its last call")


async def test_a_deadline_of_the_gateways_own_says_nothing_of_the_connection() -> None:
    """So it reports a broker that does not answer it."""
    with log_lines() as lines:
        async with bench(Scripted("t"), streaming=False) as on:
            on.gateway.fails("CompleteJob", grpc.StatusCode.DEADLINE_EXCEEDED, times=3)
            on.gateway.job(2)
            await until(lambda: on.host.count("completed") == 2)
            assert on.proxy.accepted == 1
    assert not any(line.get("action") == "line_given_up" for line in lines)
