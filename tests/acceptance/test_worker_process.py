"""What only a process of its own can show: signals, freezing, dying."""

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.acceptance.worker import mail, worker
from tests.live.host import Zeebe, until, zeebe
from tests.servers.broker import Broker, needs_broker
from tests.servers.processes import one_task
from tests.servers.records import Records
from tests.servers.stalling_smtp import StallingSmtp
from zeebe_mail.zeebe.gateway import pb

pytestmark = pytest.mark.live

TASK = "mail:smtp-send:1"
BOUND = 200  # jobs that may idle when a worker dies: what gateway and transport hold for one stream


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as own:
        yield own


@pytest.fixture
def own_broker(records: Records) -> Iterator[Broker]:
    """Its own, because every worker here has the same task type."""
    needs_broker()
    with Broker(records.options()) as broker:
        yield broker


async def deploy(engine: Zeebe, name: str) -> None:
    resource = pb.Resource(name=f"{name}.bpmn", content=one_task(name, TASK, headers={"resultVariable": "mail"}))
    await engine.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))


async def test_sigterm_before_the_handing_over_gives_the_job_back_and_another_worker_sends_it(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    async with StallingSmtp("MAIL") as smtp, zeebe(own_broker.address) as engine, AsyncExitStack() as workers:
        await deploy(engine, "back")
        first = await workers.enter_async_context(worker(own_broker.address, tmp_path))
        await engine.start("back", mail(smtp.port))
        await until(lambda: smtp.waiting == 1)
        first.send(signal.SIGTERM)
        assert await first.ends(5) == 0
        (failed,) = records.wait_until(lambda: records.all("JOB", "FAILED"))
        assert failed["value"]["retries"] == 3
        smtp.release()
        await workers.enter_async_context(worker(own_broker.address, tmp_path))
        await until(lambda: records.all("JOB", "COMPLETED"))
    assert len(smtp.mails) == 1
    assert first.lines("job_handed_back")


async def test_sigterm_after_the_handing_over_waits_for_the_servers_answer(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    async with (
        StallingSmtp(".") as smtp,
        zeebe(own_broker.address) as engine,
        worker(own_broker.address, tmp_path) as first,
    ):
        await deploy(engine, "finish")
        await engine.start("finish", mail(smtp.port))
        await until(lambda: smtp.waiting == 1)
        first.send(signal.SIGTERM)
        await until(lambda: first.lines("worker_stopping"))
        await asyncio.sleep(1)
        assert first.process.returncode is None
        smtp.release()
        assert await first.ends(5) == 0
        await until(lambda: records.all("JOB", "COMPLETED"))
    assert len(smtp.mails) == 1
    assert records.all("JOB", "FAILED") == []


async def test_a_second_signal_ends_the_process_at_once(own_broker: Broker, tmp_path: Path) -> None:
    async with (
        StallingSmtp(".") as smtp,
        zeebe(own_broker.address) as engine,
        worker(own_broker.address, tmp_path) as first,
    ):
        await deploy(engine, "twice")
        await engine.start("twice", mail(smtp.port))
        await until(lambda: smtp.waiting == 1)
        first.send(signal.SIGTERM)
        await until(lambda: first.lines("worker_stopping"))
        first.send(signal.SIGTERM)
        assert await first.ends(2) == -signal.SIGTERM


async def test_a_job_that_times_out_every_time_ends_as_an_incident_that_says_so(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    """Its worker freezes each time it has begun, so Zeebe takes no retry: only the worker's own count ends this."""
    settings = {
        "ZEEBE_MAIL_JOB_TIMEOUT": "2",
        "ZEEBE_MAIL_MAX_ATTEMPTS": "2",
        # The job comes back only when its last run has ended, because the only slot is taken until then.
        "ZEEBE_MAIL_MAX_JOBS": "1",
        "ZEEBE_MAIL_STREAMING": "false",
    }
    async with (
        StallingSmtp("MAIL") as smtp,
        zeebe(own_broker.address) as engine,
        worker(own_broker.address, tmp_path, **settings) as frozen,
    ):
        await deploy(engine, "endless")
        await engine.start("endless", mail(smtp.port))
        for begun in (1, 2):
            await until(lambda begun=begun: smtp.waiting == begun)
            frozen.send(signal.SIGSTOP)
            await until(lambda begun=begun: len(records.all("JOB", "TIMED_OUT")) == begun)
            frozen.send(signal.SIGCONT)
        await until(lambda: records.all("INCIDENT", "CREATED"))

    (failed,) = records.all("JOB", "FAILED")
    assert failed["value"]["retries"] == 0
    (incident,) = records.all("INCIDENT", "CREATED")
    assert incident["value"]["errorMessage"].startswith("TOO_MANY_ATTEMPTS: The job began 2 times")
    assert (smtp.waiting, smtp.mails) == (2, [])


async def test_jobs_pushed_to_a_frozen_process_are_done_when_it_wakes(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    """Frozen for 16 s, longer than any poll lasts; the job time-out is a minute, and no job may wait for it."""
    async with (
        StallingSmtp() as smtp,
        zeebe(own_broker.address) as engine,
        worker(own_broker.address, tmp_path) as frozen,
    ):
        await deploy(engine, "frozen")
        await engine.start("frozen", mail(smtp.port))
        await until(lambda: len(smtp.mails) == 1)
        frozen.send(signal.SIGSTOP)
        began = time.monotonic()
        await engine.start_many("frozen", 300, mail(smtp.port))
        await asyncio.sleep(16 - (time.monotonic() - began))  # the fault itself
        frozen.send(signal.SIGCONT)
        woken = time.monotonic()
        await until(lambda: len(smtp.mails) == 301)
        print(f"301 mails {time.monotonic() - woken:.1f} s after SIGCONT")
        await until(lambda: len({one["key"] for one in records.all("JOB", "COMPLETED")}) == 301)
    assert records.all("JOB", "TIMED_OUT") == []
    assert len(smtp.mails) == 301


async def test_the_jobs_that_idle_when_a_worker_dies_are_few(
    own_broker: Broker, records: Records, tmp_path: Path
) -> None:
    """It is killed while it is busy and 500 jobs were created; a second worker takes all but those it was given."""
    slots = 20
    async with (
        StallingSmtp("MAIL") as one,  # of which the worker lets each have half of its slots
        StallingSmtp("MAIL") as other,
        zeebe(own_broker.address) as engine,
        AsyncExitStack() as workers,
    ):
        settings = {
            "ZEEBE_MAIL_MAX_JOBS": str(slots),
            "ZEEBE_MAIL_CONNECTIONS_PER_SERVER": str(slots),
            "ZEEBE_MAIL_JOB_TIMEOUT": "20",
        }
        first = await workers.enter_async_context(worker(own_broker.address, tmp_path, **settings))
        await deploy(engine, "dies")
        await asyncio.gather(*(engine.start_many("dies", 250, mail(smtp.port)) for smtp in (one, other)))
        await until(lambda: one.waiting + other.waiting == slots)
        first.send(signal.SIGKILL)
        await first.ends()
        one.release()
        other.release()
        await workers.enter_async_context(worker(own_broker.address, tmp_path, **settings))

        def mails() -> int:
            return len(one.mails) + len(other.mails)

        await until(lambda: mails() >= 500 - BOUND)
        quiet_since, last = time.monotonic(), 0
        while time.monotonic() - quiet_since < 2:
            if last != mails():
                quiet_since, last = time.monotonic(), mails()
            await asyncio.sleep(0.05)
        idle = 500 - last
        print(f"{idle} of 500 jobs idle after the kill of a worker with {slots} slots")
        assert idle <= BOUND
        await until(lambda: mails() == 500, limit_s=90)


async def test_a_worker_whose_mail_is_all_redirected_says_so(tmp_path: Path) -> None:
    async with worker("127.0.0.1:1", tmp_path, ZEEBE_MAIL_REDIRECT_ALL_TO="qa@x.test") as redirecting:
        await until(lambda: redirecting.lines("mail_redirected"))
        (line,) = redirecting.lines("mail_redirected")
    assert (line["level"], line["to"]) == ("warning", ["qa@x.test"])
