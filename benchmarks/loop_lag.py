"""Twenty mailboxes worked on at once: how late the event loop is, beside the same loop with nothing to do; memory.

``python -m benchmarks.loop_lag [MAILBOXES] [MESSAGES]``
"""

import asyncio
import contextlib
import gc
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import ACCOUNTS
from tests.tasks import Tasks, tasks

from benchmarks import mailboxes, rig
from benchmarks.mailboxes import message_id
from zeebe_mail.demo.pki import Authority

SECONDS = 12
INTERVAL_S = 0.002


def main(count: int, size: int) -> None:
    print(rig.machine(), f"{count} mailboxes of {size} messages", sep=", ")
    with (
        tempfile.TemporaryDirectory() as folder,
        mailboxes.dovecot(Authority(Path(folder)), size, users=count) as server,
    ):
        asyncio.run(measure(server, count, size))


async def measure(server: Dovecot, count: int, size: int) -> None:
    users = list(itertools.islice(ACCOUNTS, count))
    async with lags() as idle:
        await asyncio.sleep(SECONDS / 3)
    async with tasks(server, users[0], connections_per_server=count) as one:
        everybody = [replace(one, user=user) for user in users]
        await asyncio.gather(*(once(each, 0) for each in everybody))  # caches of the server
        gc.collect()
        gc.freeze()  # as the worker does when it starts
        async with lags() as busy:
            until = time.monotonic() + SECONDS
            done = sum(await asyncio.gather(*(work(each, size, until) for each in everybody)))
        resident_mb = psutil.Process().memory_info().rss / 1e6
    for name, late in (("late by", busy.late_ms), ("of its own work", busy.own_ms)):
        print(f"event loop: {name} p50 {p(late, 50):.1f} ms, p99 {p(late, 99):.1f} ms, at most {max(late):.1f} ms")
    print(
        f"{p(busy.late_ms, 99) / p(idle.late_ms, 99):.0f} times the p99 of an idle one ({p(idle.late_ms, 99):.2f} ms)"
    )
    print(f"{done / SECONDS:.0f} tasks/s; {resident_mb:.0f} MB resident")


async def work(mailbox: Tasks, size: int, until: float) -> int:
    """List, search and read in turns; how many tasks were done."""
    for number in itertools.count():
        if time.monotonic() > until:
            return 3 * number
        await once(mailbox, number * 37 % size)
    raise AssertionError


async def once(mailbox: Tasks, number: int) -> None:
    await mailbox.run("imap-list", limit=10)
    await mailbox.run("imap-search", criteria={"subject": f"order {number} "})
    await mailbox.run("imap-read", messageId=message_id(number))


@dataclass
class Lags:
    """What a timer in the loop sees each time: by how much it is late, and the CPU time that the loop used meanwhile.

    On a busy machine the loop is also late because others have the processor; that is not its own doing.
    """

    late_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, used = loop.time() + INTERVAL_S, time.thread_time()
            await asyncio.sleep(INTERVAL_S)
            self.late_ms.append((loop.time() - due) * 1000)
            self.own_ms.append((time.thread_time() - used) * 1000)


@contextlib.asynccontextmanager
async def lags() -> AsyncIterator[Lags]:
    """The loop's lags while the block runs."""
    seen = Lags()
    watcher = asyncio.create_task(seen.watch())
    try:
        yield seen
    finally:
        watcher.cancel()


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 2_500)
