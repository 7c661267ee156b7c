"""The gateway goes away, comes back, pushes back: the worker waits and loses nothing."""

import asyncio
from datetime import timedelta

import pytest

from tests.conftest import StartBroker
from tests.live.host import Scripted, host, log_lines, problems, until, zeebe
from tests.servers.broker import Broker, BrokerOptions
from tests.servers.records import Records
from zeebe_mail.demo.engine import free_ports
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome
from zeebe_mail.operations.base import Attempt
from zeebe_mail.zeebe.gateway import GatewayUnavailable

pytestmark = pytest.mark.live

FIVE = timedelta(seconds=5)


async def test_a_worker_started_before_its_gateway_works_once_it_is_there(start_broker: StartBroker) -> None:
    broker = start_broker()
    async with zeebe(broker.address) as engine:
        await engine.deploy_task("early")
        await engine.start_many("early", 10)
    await asyncio.to_thread(broker.stop)

    handler = Scripted("early")
    with log_lines() as lines:
        async with host(broker.address, handler) as running:
            await until(lambda: any(line.get("action") == "gateway_lost" for line in lines))
            assert not running.metrics.connected
            await asyncio.to_thread(broker.start)
            await until(lambda: len(handler.started) == 10)
            assert running.metrics.connected
    assert sum(line.get("action") == "gateway_lost" for line in lines) <= 5, "an outage is said, not repeated"


async def test_a_broker_that_is_killed_and_restarted_under_load_costs_no_job(
    start_broker: StartBroker, records: Records
) -> None:
    """Jobs finish while the broker is away: they are told when it is back.

    Jobs that were on their way to us when it ended come again after their time-out, here five seconds.
    """

    async def slowly(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        await asyncio.sleep(0.05)
        return Complete()

    broker = start_broker(records.options())
    handler = Scripted("outage", script=slowly)
    with log_lines() as lines:
        async with (
            zeebe(broker.address) as engine,
            host(broker.address, handler, max_jobs=10, job_timeout=FIVE),
        ):
            await engine.deploy_task("outage")
            await engine.start_many("outage", 200)
            await until(lambda: len(handler.started) > 50)
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
            # The exporter repeats itself after a kill, so keys are counted and not records.
            await until(lambda: len({one["key"] for one in records.all("JOB", "COMPLETED", type="outage")}) == 200)
    assert len(set(handler.keys)) == 200
    assert problems(lines) == []


async def test_a_full_disk_is_waited_for(start_broker: StartBroker) -> None:
    """RESOURCE_EXHAUSTED for every command, also for the completion of a job that runs meanwhile."""
    go_on = asyncio.Event()

    async def hold(job: Job, attempt: Attempt) -> Outcome:
        await go_on.wait()
        return Complete()

    broker = start_broker()
    handler = Scripted("disk", script=hold)
    async with zeebe(broker.address) as engine, host(broker.address, handler) as running:
        await engine.deploy_task("disk")
        await engine.start("disk", {})
        await until(lambda: handler.running)
        await asyncio.to_thread(_restart, broker, BrokerOptions(free_disk_bytes=10**15))
        with pytest.raises(GatewayUnavailable, match="RESOURCE_EXHAUSTED"):
            await engine.start("disk", {})
        go_on.set()
        await until(lambda: not running.metrics.connected)
        assert running.count("completed") == 0

        await asyncio.to_thread(_restart, broker, BrokerOptions())
        await until(lambda: running.count("completed") == 1)
        await engine.start("disk", {})
        await until(lambda: running.count("completed") == 2)


async def test_back_off_and_incident_are_the_brokers_own(start_broker: StartBroker, records: Records) -> None:
    """A failed job stays away for its day of back-off, and comes back when the day is over on the broker's clock."""

    async def fail(job: Job, attempt: Attempt) -> Outcome:
        return Fail("BUSY: later", retries=job.retries - 1, backoff=timedelta(days=1))

    broker = start_broker(records.options())
    handler = Scripted("day", script=fail)
    async with zeebe(broker.address) as engine, host(broker.address, handler):
        await engine.deploy_task("day", retries=2)
        await engine.start("day", {})
        await until(lambda: records.all("JOB", "FAILED", type="day"))
        assert await engine.activate("day") == []
        await asyncio.to_thread(broker.advance, timedelta(hours=23))
        assert await engine.activate("day") == []
        await asyncio.to_thread(broker.advance, timedelta(hours=25))
        await until(lambda: records.all("INCIDENT", "CREATED", bpmnProcessId="day"))
    assert [job.retries for job in handler.started] == [2, 1]
    assert records.all("INCIDENT", "CREATED", bpmnProcessId="day")[0]["value"]["errorMessage"] == "BUSY: later"


async def test_a_broker_whose_clock_is_an_hour_off_still_has_its_jobs_done(
    start_broker: StartBroker, records: Records
) -> None:
    broker = start_broker(records.options())
    handler = Scripted("clock", script=_commit)
    async with zeebe(broker.address) as engine, host(broker.address, handler):
        await engine.deploy_task("clock")
        for shift in (timedelta(hours=1), timedelta(hours=2)):
            await asyncio.to_thread(broker.advance, shift)
            await engine.start_many("clock", 3)
            done = 3 * (shift // timedelta(hours=1))
            await until(lambda done=done: len(records.all("JOB", "COMPLETED", type="clock")) == done)


def _restart(broker: Broker, options: BrokerOptions) -> None:
    """At once: a broker that ends in good order waits 20 s for clients who hold long polls and streams."""
    broker.kill()
    broker.options = options
    broker.start()


async def _commit(job: Job, attempt: Attempt) -> Outcome:
    await attempt.commit()
    return Complete()


async def test_nobody_listens_and_then_somebody_does() -> None:
    """Asking goes on while nobody answers, and the outage is said once."""
    (port,) = free_ports(1)
    knocked = asyncio.Event()

    async def knock(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        knocked.set()
        writer.close()

    with log_lines() as lines:
        async with host(f"127.0.0.1:{port}", Scripted("knock")):
            await until(lambda: any(line.get("action") == "gateway_lost" for line in lines))
            async with await asyncio.start_server(knock, "127.0.0.1", port):
                await until(knocked.is_set)
    assert sum(line.get("action") == "gateway_lost" for line in lines) <= 2
