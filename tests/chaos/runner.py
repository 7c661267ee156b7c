"""Plays rows: jobs flow, faults are dealt, everything settles, the referee looks."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.chaos.mailbox import Mailbox
from tests.chaos.referee import Fate, Post, Truth, truth
from tests.chaos.rows import ROWS, Row
from tests.chaos.sink_process import SinkProcess
from tests.chaos.stage import Stage, stage
from tests.servers.records import Records
from zeebe_mail.demo.engine import Broker

JOBS_PER_S = 25


@dataclass(frozen=True)
class Report:
    """One line of the table."""

    row: Row
    truth: Truth | None = None
    faults: int = 0
    recovery_s: float = 0.0
    lapses: int = 0
    """Jobs that the broker forgot to retry until it was restarted (camunda/camunda#16884)."""
    broken: tuple[str, ...] = ()
    """What should hold and does not."""
    skipped: str = ""

    def cells(self) -> list[str]:
        name = [str(self.row.number), self.row.fault, self.row.hypothesis]
        if self.truth is None:
            return [*name, f"skipped: {self.skipped}", *[""] * 11]
        found = self.truth
        held = f"{len(found.of(Fate.HELD))} ({len(found.held_but_sent)})"
        return [
            *name,
            *map(str, (len(found.fates), self.faults, len(found.accepted), len(found.of(Fate.FAILED)))),
            *map(str, (len(found.lost), len(found.doubled), held, len(found.of(Fate.STUCK)), found.reactivations)),
            f"{found.percentile_s(50):.2f} / {found.percentile_s(99):.2f}",
            f"{self.recovery_s:.0f}",
            str(self.lapses),
        ]


HEADINGS = (
    "row", "fault", "holds", "jobs", "faults", "sent", "failed", "lost", "twice",
    "held (of these sent)", "stuck", "came again", "p50 / p99 s", "recovery s", "forgotten by the broker",
)  # fmt: skip


def shares(rows: Iterable[Row], jobs: int) -> list[tuple[Row, int]]:
    rows = list(rows)
    weight = sum(row.weight for row in rows)
    return [(row, max(jobs * row.weight // weight, 1)) for row in rows]


@asynccontextmanager
async def recorded_broker() -> AsyncIterator[tuple[Broker, Records]]:
    with Records() as records:
        broker = Broker(records.options())
        await asyncio.to_thread(broker.start)
        try:
            yield broker, records
        finally:
            await asyncio.to_thread(broker.close)


async def play_all(plan: list[tuple[Row, int]], *, seed: int, lanes: int) -> list[Report]:
    """Play rows, some at once; each lane has a broker of its own. The rows with most to wait for go first."""
    waiting = sorted(plan, key=lambda part: -part[1])
    reports: list[Report] = []

    async def lane() -> None:
        async with recorded_broker() as (broker, records):
            while waiting:
                row, jobs = waiting.pop(0)
                reports.append(await play(row, jobs, broker, records, seed=seed))
                print("\t".join([*reports[-1].cells(), *reports[-1].broken[:5]]), flush=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(lanes, len(plan))):
            group.create_task(lane())
    order = [row for row, _ in plan]
    return sorted(reports, key=lambda report: order.index(report.row))


async def play(row: Row, jobs: int, broker: Broker, records: Records, *, seed: int) -> Report:
    if reason := row.missing():
        return Report(row, skipped=reason)
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{row.number}-"))
    with row.around(folder):
        report = await _play(row, jobs, broker, records, folder, f"{seed}-{ROWS.index(row)}")
    if report.broken:
        (folder / "records.jsonl").write_text(records.text())
        return replace(report, broken=(*report.broken, f"logs, ledger and records are in {folder}"))
    shutil.rmtree(folder)
    return report


async def _play(row: Row, jobs: int, broker: Broker, records: Records, folder: Path, seed: str) -> Report:
    records.forget()
    settings = {key: value.format(folder=folder) for key, value in row.settings.items()}
    async with stage(
        broker, records, folder, post=_post(row, jobs, folder, seed), dice=random.Random(seed), settings=settings
    ) as scene:
        await scene.deploy(row.headers)
        await row.before(scene)
        if row.backlog:
            await scene.start_jobs(jobs, **row.request)
        await asyncio.gather(*(slot.start() for slot in scene.slots))
        async with asyncio.TaskGroup() as group:
            if not row.backlog:
                group.create_task(scene.start_jobs(jobs, over_s=max(row.lasts_s, jobs / JOBS_PER_S), **row.request))
            group.create_task(row.disturb(scene))
        recovery_s = await scene.settled()
        await scene.written()
        found = await asyncio.to_thread(truth, records, scene.jobs, scene.post, scene.ledger)
        faults = sum(scene.faults.values()) + len(found.faults)
        return Report(row, found, faults, recovery_s, scene.lapses, tuple(_broken(row, found, scene)))


def _post(row: Row, jobs: int, folder: Path, seed: str) -> Post:
    if row.mailbox_task:
        return Mailbox(row.mailbox_task, jobs)
    return SinkProcess(folder / "sink.log", seed, list(row.mail_server), row.delays_s)


def _broken(row: Row, found: Truth, scene: Stage) -> list[str]:
    held, most = len(found.of(Fate.HELD)), row.held_at_most(scene)
    return [
        *found.contradictions,
        *([f"lost: {sorted(found.lost)}"] if found.lost else []),
        *([f"sent twice: {sorted(found.doubled)}"] if found.doubled and not row.may_double else []),
        *([f"stuck: {sorted(found.of(Fate.STUCK))}"] if found.of(Fate.STUCK) else []),
        *([f"held: {held}, and at most {most:.0f} can be"] if held > most else []),
        *row.holds(found, scene),
    ]
