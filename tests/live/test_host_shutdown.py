"""Stopping: what was not handed over goes back at once, what was is finished, and nothing idles."""

import asyncio
from datetime import timedelta

import pytest

from tests.live.conftest import Recorded
from tests.live.host import Scripted, host, log_lines, problems, until, zeebe
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Outcome
from zeebe_mail.operations.base import Attempt
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.zeebe.gateway import Gateway
from zeebe_mail.zeebe.options import GatewayOptions, WorkerOptions
from zeebe_mail.zeebe.sources import Poll
from zeebe_mail.zeebe.worker import Worker

pytestmark = pytest.mark.live


async def test_what_is_not_handed_over_goes_back_with_the_same_retries_and_another_worker_takes_it(
    recorded: Recorded,
) -> None:
    async def wait_for_ever(job: Job, attempt: Attempt) -> Outcome:
        await asyncio.Event().wait()
        return Complete()

    first, second = Scripted("back", script=wait_for_ever), Scripted("back")
    async with zeebe(recorded.address) as engine:
        await engine.deploy_task("back", retries=2)
        async with host(recorded.address, first):
            await engine.start_many("back", 5)
            await until(lambda: first.running == 5)
        async with host(recorded.address, second):
            await until(lambda: len(recorded.records.all("JOB", "COMPLETED", type="back")) == 5)
    assert [job.retries for job in second.started] == [2] * 5
    assert all(record["value"]["retries"] == 2 for record in recorded.records.all("JOB", "FAILED", type="back"))
    assert recorded.records.all("INCIDENT", bpmnProcessId="back") == []


async def test_what_is_handed_over_is_finished(recorded: Recorded) -> None:
    go_on = asyncio.Event()

    async def commit_and_wait(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        await go_on.wait()
        return Complete({"sent": True})

    handler = Scripted("finished", script=commit_and_wait)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler) as running:
        await engine.deploy_task("finished")
        await engine.start_many("finished", 5)
        await until(lambda: handler.running == 5)
        running.worker.stop()
        await asyncio.sleep(0.1)
        assert handler.running == 5
        go_on.set()
        await running.task
    await until(lambda: len(recorded.records.all("JOB", "COMPLETED", type="finished")) == 5)
    assert recorded.records.all("JOB", "FAILED", type="finished") == []


async def test_a_mail_without_an_answer_within_the_grace_becomes_an_incident_and_is_not_sent_again(
    recorded: Recorded,
) -> None:
    async def commit_and_hang(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        await asyncio.Event().wait()
        return Complete()

    handler = Scripted("hangs", script=commit_and_hang)
    with log_lines() as lines:
        async with zeebe(recorded.address) as engine:
            await engine.deploy_task("hangs")
            async with host(recorded.address, handler, shutdown_grace=timedelta(seconds=2)):
                await engine.start("hangs", {})
                await until(lambda: handler.running)
            incident = await asyncio.to_thread(recorded.records.wait_for, "INCIDENT", "CREATED", bpmnProcessId="hangs")
            assert await engine.activate("hangs") == []
    assert "OUTCOME_UNKNOWN" in incident["value"]["errorMessage"]
    assert problems(lines) == []
    assert handler.running == 0


async def test_jobs_that_were_pushed_and_not_read_go_back_too(recorded: Recorded) -> None:
    """One slot, taken; a hundred jobs pushed meanwhile. None of them may idle until its time-out of a minute."""

    async def wait_for_ever(job: Job, attempt: Attempt) -> Outcome:
        await asyncio.Event().wait()
        return Complete()

    full, free = Scripted("pushed", script=wait_for_ever), Scripted("pushed")
    async with zeebe(recorded.address) as engine:
        await engine.deploy_task("pushed")
        async with host(recorded.address, full, max_jobs=1):
            await engine.start("pushed", {})
            await until(lambda: full.running)
            await engine.start_many("pushed", 100)
        async with host(recorded.address, free):
            await until(lambda: len(free.started) == 101)
    assert recorded.records.all("JOB", "TIMED_OUT", type="pushed") == []


async def test_a_poll_that_hands_over_a_job_while_the_worker_stops_strands_nobody(recorded: Recorded) -> None:
    """The job has come, its slot has not: the only slot is with a job of another type."""

    async def wait_for_ever(job: Job, attempt: Attempt) -> Outcome:
        await asyncio.Event().wait()
        return Complete()

    handler, second = Scripted("slot", "no-slot", script=wait_for_ever), Scripted("slot", "no-slot")
    async with zeebe(recorded.address) as engine:
        await engine.deploy_task("slot")
        await engine.deploy_task("no-slot")
        async with host(recorded.address, handler, max_jobs=1, streaming=False) as running:
            await asyncio.sleep(0.5)  # until every poll waits at the gateway
            await engine.start("slot", {})
            await until(lambda: handler.running)
            await engine.start("no-slot", {})
            await until(lambda: running.worker.in_flight == 2)
            await asyncio.wait_for(running.stop(), 20)
        async with host(recorded.address, second):
            await until(lambda: len(second.started) == 2)


async def test_a_worker_whose_gateway_is_down_stops_without_waiting_for_it() -> None:
    with log_lines() as lines:
        async with host("127.0.0.1:1", Scripted("nobody"), shutdown_grace=timedelta(hours=1)) as running:
            await until(lambda: any(line.get("action") == "gateway_lost" for line in lines))
            await asyncio.wait_for(running.stop(), 30)


async def test_a_source_that_dies_of_a_bug_ends_the_worker(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stumble(poll: Poll) -> None:
        raise LookupError("a bug")

    monkeypatch.setattr(Poll, "once", stumble)
    async with Gateway(GatewayOptions(address=recorded.address)) as gateway:
        worker = Worker(gateway, Scripted("bugged"), WorkerOptions(), Metrics(dict))
        with pytest.raises(LookupError):
            await asyncio.wait_for(worker.run(), 5)
