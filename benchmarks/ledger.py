"""What the send ledger costs: the send rate with and without it, the look-up of a job that comes back, a million rows.

``python -m benchmarks.ledger [BACKLOG [ROUNDS [ROWS]]]``. The rounds take turns, because the machine is shared, and the
mails go to so many connections that none is ever handed back. With PostgreSQL where it is installed.
"""

import asyncio
import contextlib
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from tests.live.host import until
from tests.servers.postgres import Postgres, programs

from benchmarks import rig
from zeebe_mail.ledger.entry import Key, Task
from zeebe_mail.ledger.ledger import Claim, Ledger, Stored
from zeebe_mail.ledger.store.store import Store

MANY_CONNECTIONS = {"ZEEBE_MAIL_MAX_JOBS": "40", "ZEEBE_MAIL_CONNECTIONS_PER_SERVER": "20"}
RECEIPT = {
    "messageId": "<zm-0123456789abcdef0123@x.test>",
    "accepted": ["you@x.test"],
    "rejected": [],
    "response": "250 2.0.0 Ok: queued as 4711",
    "envelope": {"from": "bench@x.test", "to": ["you@x.test"]},
    "sizeBytes": 1400,
}


def main(backlog: int = 3000, rounds: int = 3, rows: int = 1_000_000) -> None:
    print(rig.machine())
    with database() as url, tempfile.TemporaryDirectory() as folder:
        places = {"off": "off", "SQLite": f"{folder}/ledger.db"} | ({"PostgreSQL": url} if url else {})
        send_rates(places, backlog, rounds)
        for name, place in places.items():
            if place != "off":
                print(f"{name} alone: {asyncio.run(alone(place, first=1 << 60))}")
                fill(place, rows)
                print(f"{name} alone, {rows:,} rows: {asyncio.run(alone(place, first=1 << 61))}")


def send_rates(places: dict[str, str], backlog: int, rounds: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in places}
    with rig.broker() as address, rig.sink() as mails:
        rig.deploy(address, "bench-mail", rig.TASK_TYPE)
        for _ in range(rounds):
            for name, place in places.items():
                found[name].append(rate(address, mails, backlog, place))
    base = statistics.median(rate for rate, _ in found["off"])
    for name, results in found.items():
        median = statistics.median(rate for rate, _ in results)
        cpu_ms = statistics.median(cpu for _, cpu in results)
        print(f"{name:10}: {median:5.0f} mails/s = {median / base:4.0%} of no ledger, {cpu_ms:.2f} ms CPU a mail")


def rate(address: str, mails: rig.Sink, backlog: int, place: str) -> tuple[float, float]:
    """Mails a second and milliseconds of CPU a mail."""
    rig.start(address, "bench-mail", mails.variables(), backlog)
    with rig.mail_worker(address, mails, ZEEBE_MAIL_LEDGER=place, **MANY_CONNECTIONS) as worker:
        taken, first, _ = rig.wait_for_mails(mails, 1, limit_s=60)
        begun = rig.usage(worker)
        rest, _, last = rig.wait_for_mails(mails, backlog - taken, limit_s=backlog / 10)
        used = rig.usage(worker)
    return (backlog - 1) / (last - first), (used.cpu_s - begun.cpu_s) / rest * 1000


def task(job: int) -> Task:
    return Task(Key("bench", "<default>", job), "f" * 64, "t" * 20, rig.TASK_TYPE, "bench-mail", "task", job, job)


async def alone(place: str, first: int, count: int = 3000, at_once: int = 20) -> str:
    """The ledger without any mail: sends a second, CPU of one, and a job that comes back."""
    ledger = Ledger(Store.of(place), claim_lasts=timedelta(seconds=60))
    ledger.start()
    await until(lambda: not ledger.fault)
    jobs = iter(range(first, first + count))

    async def send() -> None:
        for job in jobs:
            claim = await ledger.claim(task(job))
            assert isinstance(claim, Claim)
            handover = await claim.data(message_id=RECEIPT["messageId"], receipt=RECEIPT, result=None)
            await handover.sent(receipt=RECEIPT, result=None)
            ledger.over(claim.task.key)
            ledger.completed(claim.task.key)

    began, cpu = time.perf_counter(), cpu_s()
    await asyncio.gather(*(send() for _ in range(at_once)))
    took, cpu = time.perf_counter() - began, cpu_s() - cpu
    looks = []
    for job in range(first, first + 200):
        began = time.perf_counter()
        assert isinstance(await ledger.claim(task(job)), Stored)
        looks.append((time.perf_counter() - began) * 1000)
    await asyncio.to_thread(ledger.close)
    look = f"look-up of a returned job p50 {statistics.median(looks):.2f} ms, p99 {sorted(looks)[197]:.2f} ms"
    return f"{count / took:.0f} sends/s, {cpu / count * 1e6:.0f} µs CPU each, {look}"


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fill(place: str, rows: int, at_once: int = 20_000) -> None:
    """So many sends that are over."""
    store = Store.of(place)
    for begin in range(0, rows, at_once):
        with store.transaction() as transaction:
            for job in range(begin, min(begin + at_once, rows)):
                transaction.add(task(job), owner="bench", lasts_s=0)
    store.close()


@contextlib.contextmanager
def database() -> Iterator[str | None]:
    """The URL of a PostgreSQL of our own; None where none is installed."""
    found = programs()
    if found is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(found, Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
