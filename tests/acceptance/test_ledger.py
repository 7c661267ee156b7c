"""No mail twice, none lost: workers that are killed at each step of a send, a real broker, a real mail server."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.worker import SOURCES, WorkerProcess, mail, worker
from tests.live.host import Zeebe, until, zeebe
from tests.servers.broker import Broker, needs_broker
from tests.servers.processes import one_task
from tests.servers.records import Records
from tests.servers.stalling_smtp import StallingSmtp
from zeebe_mail.ledger.entry import Entry
from zeebe_mail.ledger.store.store import Store
from zeebe_mail.zeebe.gateway import pb

pytestmark = pytest.mark.live

TASK = "mail:smtp-send:1"
JOB_TIMEOUT = {"ZEEBE_MAIL_JOB_TIMEOUT": "2"}


@pytest.fixture(scope="module")
def records() -> Iterator[Records]:
    with Records() as own:
        yield own


@pytest.fixture(scope="module")
def own_broker(records: Records) -> Iterator[Broker]:
    needs_broker()
    with Broker(records.options()) as broker:
        yield broker


@dataclass
class Scene:
    """A broker, a mail server and workers that share a ledger; one process that was started."""

    engine: Zeebe
    broker: Broker
    records: Records
    smtp: StallingSmtp
    folder: Path
    workers: AsyncExitStack
    instance: int = 0

    async def start(self, **headers: str) -> int:
        name = "-".join(["ledger", *headers.values()])
        task = one_task(name, TASK, headers={"resultVariable": "mail", **headers})
        resource = pb.Resource(name=f"{name}.bpmn", content=task)
        await self.engine.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))
        self.instance = await self.engine.start(name, mail(self.smtp.port))
        return self.instance

    async def worker(self, fails_at: str = "", **settings: str) -> WorkerProcess:
        module = "tests.acceptance.failing" if fails_at else "zeebe_mail"
        settings = {"FAIL_POINT": fails_at, **JOB_TIMEOUT, **settings}
        started = worker(self.broker.address, self.folder, module, **settings)
        return await self.workers.enter_async_context(started)

    async def told(self, value_type: str, intent: str, instance: int | None) -> dict[str, Any]:
        """The one record of a kind of an instance, the last that was started unless one is named."""
        about = {"processInstanceKey": instance or self.instance}
        await until(lambda: self.records.all(value_type, intent, **about), limit_s=60)
        (record,) = self.records.all(value_type, intent, **about)
        return record

    async def completed(self, instance: int | None = None) -> dict[str, Any]:
        """The result that the process got."""
        return dict((await self.told("JOB", "COMPLETED", instance))["value"]["variables"]["mail"])

    async def incident(self, instance: int | None = None) -> dict[str, Any]:
        return await self.told("INCIDENT", "CREATED", instance)

    def entries(self) -> list[Entry]:
        with (store := Store.of(self.folder / "ledger.db")).transaction(only_reads=True) as transaction:
            entries = list(transaction.latest())
        store.close()
        return entries

    def entry(self) -> Entry:
        (entry,) = self.entries()
        return entry


@pytest.fixture
def scene(own_broker: Broker, records: Records, tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def made(stalls: str = "") -> AsyncIterator[Scene]:
        async with StallingSmtp(stalls) as smtp, zeebe(own_broker.address) as engine, AsyncExitStack() as workers:
            yield Scene(engine, own_broker, records, smtp, tmp_path, workers)

    return made


async def command(folder: Path, *arguments: object, address: str = "127.0.0.1:1") -> tuple[int, str]:
    """`zeebe-mail …` as a person calls it; its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "zeebe_mail", *map(str, arguments)),
        env={
            "PATH": "",
            "PYTHONPATH": str(SOURCES),
            "ZEEBE_ADDRESS": address,
            "ZEEBE_MAIL_LEDGER": str(folder / "ledger.db"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_mails_in_doubt_go_the_way_that_their_task_or_a_person_says(scene: Callable[..., Any]) -> None:
    """Four mails wait for their server's answer when the worker is killed. The server has taken each of them."""
    async with scene(".") as here:
        first = await here.worker()
        was_sent, was_not, resent = await here.start(), await here.start(), await here.start(inDoubt="resend")
        assumed = await here.start(inDoubt="assumeSent")
        await until(lambda: here.smtp.waiting == 4)
        first.send(signal.SIGKILL)
        await first.ends()
        here.smtp.release()
        await until(lambda: len(here.smtp.mails) == 4)
        await here.worker()

        assert (await here.completed(assumed))["response"] == "unknown; taken as sent: inDoubt: assumeSent"
        assert (await here.completed(resent))["response"] == "250 2.0.0 taken"
        assert len(here.smtp.mails) == 5
        held = {instance: await here.incident(instance) for instance in (was_sent, was_not)}
        ledger = partial(command, here.folder, "ledger", address=here.broker.address)
        jobs = [incident["value"]["jobKey"] for incident in held.values()]

        # The incident is told first.
        await until(lambda: sum(entry.state.value == "held" for entry in here.entries()) == 2)
        listed = (await ledger("list", "--state", "held"))[1]
        assert all(str(job) in listed for job in jobs)
        for instance, decision in ((was_sent, "--sent"), (was_not, "--not-sent")):
            job, incident = held[instance]["value"]["jobKey"], held[instance]["key"]
            before = json.loads((await ledger("show", job))[1])
            assert before["receipt"]["accepted"] == ["b@x.test"]
            code, said = await ledger("resolve", job, decision, "--by", "jane", "--incident", incident)
            assert (code, said) == (0, f"Recorded. Incident {incident} is resolved, and the job goes on.\n")
            result = await here.completed(instance)
            assert result["messageId"] == before["messageId"]
            assert result["response"] == ("250 2.0.0 taken" if instance is was_not else "unknown; taken as sent: jane")
        assert len(here.smtp.mails) == 6
        assert (await ledger("resolve", jobs[0], "--not-sent"))[0] == 1
        assert len((await ledger("export"))[1].splitlines()) == 4
        assert (await ledger("purge", "--job", jobs[0]))[1] == "forgotten: 1\n"
        assert (await ledger("show", jobs[0]))[0] == 1


async def test_a_job_that_ends_its_worker_every_time_becomes_an_incident(scene: Callable[..., Any]) -> None:
    async with scene() as here:
        await here.start()
        for _ in range(2):
            dying = await here.worker("before data", ZEEBE_MAIL_MAX_ATTEMPTS="2")
            assert await dying.ends() == -signal.SIGKILL
        await here.worker(ZEEBE_MAIL_MAX_ATTEMPTS="2")
        incident = await here.incident()
        assert incident["value"]["errorMessage"].startswith("TOO_MANY_ATTEMPTS: The job began 2 times")
        assert here.smtp.mails == []


async def test_a_worker_without_a_place_for_the_ledger_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = await command(tmp_path / "file", "run")
    assert code == 2
    assert said.startswith("zeebe-mail: ZEEBE_MAIL_LEDGER: the send ledger cannot be kept: ")
    assert "`off` sends without a record" in said


@pytest.mark.parametrize("point", ["claimed", "before data"])
async def test_a_worker_killed_before_the_dot_has_sent_nothing_and_the_next_one_sends(
    scene: Callable[..., Any], point: str
) -> None:
    async with scene() as here:
        first = await here.worker(point)
        await here.start()
        assert await first.ends() == -signal.SIGKILL
        await here.worker()
        await here.completed()
        assert len(here.smtp.mails) == 1
        await until(lambda: here.entry().state.value == "completed")
        assert here.entry().attempts == 2


@pytest.mark.parametrize("point", ["after sent", "before complete"])
async def test_a_worker_killed_after_the_answer_was_recorded_leaves_its_result_to_the_next_one(
    scene: Callable[..., Any], point: str
) -> None:
    async with scene() as here:
        first = await here.worker(point)
        await here.start()
        assert await first.ends() == -signal.SIGKILL
        second = await here.worker()
        result = await here.completed()
        assert (len(here.smtp.mails), result["response"]) == (1, "250 2.0.0 taken")
        assert second.lines("duplicate_avoided")
        assert "zeebe_mail_duplicates_avoided_total 1.0" in await second.get("/metrics")


@pytest.mark.parametrize("point", ["after data", "before sent"])
async def test_a_worker_killed_around_the_dot_leaves_a_doubt_that_is_held(
    scene: Callable[..., Any], point: str
) -> None:
    async with scene() as here:
        first = await here.worker(point)
        await here.start()
        assert await first.ends() == -signal.SIGKILL
        sent = len(here.smtp.mails)
        assert sent == (point == "before sent")
        second = await here.worker()
        incident = await here.incident()
        message = incident["value"]["errorMessage"]
        assert message.startswith("OUTCOME_UNKNOWN: A mail was handed over")
        assert f"zeebe-mail ledger resolve {incident['value']['jobKey']} --sent" in message
        await until(lambda: here.entry().state.value == "held")
        assert here.entry().message_id in message
        assert len(here.smtp.mails) == sent
        assert json.loads(await second.get("/ready"))["ledger"] == "ok"
