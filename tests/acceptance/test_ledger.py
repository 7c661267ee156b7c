"""No mail twice, none lost: workers that are killed at each step of a send, a real broker, a real mail server."""

import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.worker import WorkerProcess, mail, worker
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

    async def start(self, **headers: str) -> None:
        task = one_task("ledger", TASK, headers={"resultVariable": "mail", **headers})
        resource = pb.Resource(name="ledger.bpmn", content=task)
        await self.engine.stub.DeployResource(pb.DeployResourceRequest(resources=[resource]))
        self.instance = await self.engine.start("ledger", mail(self.smtp.port))

    async def worker(self, fails_at: str = "", **settings: str) -> WorkerProcess:
        module = "tests.acceptance.failing" if fails_at else "zeebe_mail"
        settings = {"FAIL_POINT": fails_at, **JOB_TIMEOUT, **settings}
        started = worker(self.broker.address, self.folder, module, **settings)
        return await self.workers.enter_async_context(started)

    def of_mine(self, value_type: str, intent: str) -> list[dict[str, Any]]:
        return self.records.all(value_type, intent, processInstanceKey=self.instance)

    async def completed(self) -> dict[str, Any]:
        """The result that the process got."""
        await until(lambda: self.of_mine("JOB", "COMPLETED"))
        (done,) = self.of_mine("JOB", "COMPLETED")
        return dict(done["value"]["variables"]["mail"])

    async def incident(self) -> dict[str, Any]:
        await until(lambda: self.of_mine("INCIDENT", "CREATED"))
        return self.of_mine("INCIDENT", "CREATED")[-1]

    def entry(self) -> Entry:
        with (store := Store.of(self.folder / "ledger.db")).transaction() as transaction:
            (entry,) = transaction.latest()
        store.close()
        return entry


@pytest.fixture
def scene(own_broker: Broker, records: Records, tmp_path: Path) -> Callable[..., Any]:
    @asynccontextmanager
    async def made(stalls: str = "") -> AsyncIterator[Scene]:
        async with StallingSmtp(stalls) as smtp, zeebe(own_broker.address) as engine, AsyncExitStack() as workers:
            yield Scene(engine, own_broker, records, smtp, tmp_path, workers)

    return made


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
