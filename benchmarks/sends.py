"""Mails a second out of a backlog, through the real broker to a sink with TLS and AUTH.

Beside it, in the same run: a worker that does nothing (the most this broker gives), and stock pyzeebe with a
connection a mail. ``python -m benchmarks.sends [BACKLOG …]``
"""

import subprocess
import sys

from benchmarks import rig

STOCK_BACKLOG = 200  # the stock worker needs minutes for more


def main(backlogs: list[int]) -> None:
    print(rig.machine())
    with rig.broker() as address, rig.sink() as mails:
        rig.deploy(address, "bench-mail", rig.TASK_TYPE)
        rig.deploy(address, "bench-noop", "bench:noop")
        for backlog in backlogs:
            noop_rate = noop(address, mails, backlog)
            rate, cpu_ms, rss_mb = ours(address, mails, backlog)
            print(
                f"backlog {backlog:6}: {rate:5.0f} mails/s = {rate / noop_rate:4.0%} of a no-op worker "
                f"({noop_rate:.0f} jobs/s), {cpu_ms:.2f} ms CPU a mail, {rss_mb:.0f} MB resident afterwards"
            )
        stock_rate = stock(address, mails, STOCK_BACKLOG)
        print(
            f"stock pyzeebe, a connection a mail: {stock_rate:.1f} mails/s; "
            f"zeebe-mail is {rate / stock_rate:.0f} times as fast"
        )


def noop(address: str, mails: rig.Sink, backlog: int) -> float:
    rig.start(address, "bench-noop", mails.variables(), backlog)
    command = [sys.executable, "-m", "benchmarks.noop_worker", address, "bench:noop", str(backlog)]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def ours(address: str, mails: rig.Sink, backlog: int) -> tuple[float, float, float]:
    rig.start(address, "bench-mail", mails.variables(), backlog)
    with rig.mail_worker(address, mails) as worker:
        taken, first, _ = rig.wait_for_mails(mails, 1, limit_s=30)
        begun = rig.usage(worker)  # start-up does not count
        rest, _, last = rig.wait_for_mails(mails, backlog - taken, limit_s=backlog / 20)
        used = rig.usage(worker)
    return (backlog - 1) / (last - first), (used.cpu_s - begun.cpu_s) / rest * 1000, used.rss_mb


def stock(address: str, mails: rig.Sink, backlog: int) -> float:
    rig.start(address, "bench-mail", mails.variables(), backlog)
    command = [sys.executable, "-m", "benchmarks.stock_worker", address, str(mails.ca_file)]
    with rig.running(command, stderr=subprocess.DEVNULL):
        _, first, last = rig.wait_for_mails(mails, backlog, limit_s=300)
    return (backlog - 1) / (last - first)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [2_000, 10_000])
