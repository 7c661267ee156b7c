"""Twenty mailboxes worked on at once: how late the event loop is, beside the same loop with nothing to do; memory.

``python -m benchmarks.loop_lag [MAILBOXES] [MESSAGES]``
"""

import asyncio
import contextlib
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import ACCOUNTS
from tests.tasks import Tasks, tasks

from benchmarks import mailboxes, rig
from benchmarks.mailboxes import message_id
from zeebe_mail.demo.pki import Authority

SECONDS = 15
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
    async with tasks(server, users[0]) as one, lags() as idle:
        await asyncio.sleep(SECONDS / 3)
    async with tasks(server, users[0]) as one:
        everybody = [replace(one, user=user) for user in users]
        await asyncio.gather(*(once(each, 0) for each in everybody))  # caches of the server
        async with lags() as busy:
            until = time.monotonic() + SECONDS
            done = sum(await asyncio.gather(*(work(each, size, until) for each in everybody)))
        resident_mb = psutil.Process().memory_info().rss / 1e6
    print(
        f"event loop late by p50 {p(busy, 50):.1f} ms, p99 {p(busy, 99):.1f} ms, at most {max(busy):.1f} ms, "
        f"{p(busy, 99) / p(idle, 99):.0f} times the p99 of an idle one ({p(idle, 99):.2f} ms)"
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
    await mailbox.run("imap-list", limit=50)
    await mailbox.run("imap-search", criteria={"subject": f"order {number} "})
    await mailbox.run("imap-read", messageId=message_id(number))


@contextlib.asynccontextmanager
async def lags() -> AsyncIterator[list[float]]:
    """By how many milliseconds a timer in the same loop is late, over and over, while the block runs."""
    late: list[float] = []

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL_S
            await asyncio.sleep(INTERVAL_S)
            late.append((loop.time() - due) * 1000)

    watcher = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watcher.cancel()


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 2_500)
