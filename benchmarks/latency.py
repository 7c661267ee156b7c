"""From creating an instance to its end at a gentle rate, in milliseconds, beside a worker that does nothing.

``python -m benchmarks.latency [RATE] [COUNT]``
"""

import asyncio
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import rig
from zeebe_mail.zeebe.client import connect
from zeebe_mail.zeebe.options import GatewayOptions

WARM_UP = 300  # instances, until the broker's compiler has seen its loops


def main(rate: float, count: int) -> None:
    print(rig.machine())
    with rig.broker() as address, rig.sink() as mails:
        rig.deploy(address, "bench-mail", rig.TASK_TYPE)
        rig.deploy(address, "bench-noop", "bench:noop")
        command = [sys.executable, "-m", "benchmarks.noop_worker", address, "bench:noop", str(count + WARM_UP)]
        with rig.running(command, stdout=subprocess.DEVNULL):
            show("no-op worker", asyncio.run(measure(address, "bench-noop", mails.variables(), rate, count)))
        for streaming in ("true", "false"):
            with rig.mail_worker(address, mails, ZEEBE_MAIL_STREAMING=streaming):
                times = asyncio.run(measure(address, "bench-mail", mails.variables(), rate, count))
                show(f"zeebe-mail, {'streaming' if streaming == 'true' else 'polling only'}", times)


async def measure(address: str, process_id: str, variables: dict[str, Any], rate: float, count: int) -> list[float]:
    """One instance after the other at this rate, whatever the earlier ones do."""
    async with connect(GatewayOptions(address=address)) as client:

        async def one() -> float:
            began = time.perf_counter()
            await client.start_and_wait(process_id, variables, timeout_s=30)
            return (time.perf_counter() - began) * 1000

        for _ in range(WARM_UP // 10):
            await asyncio.gather(*(one() for _ in range(10)))
        under_way = []
        for _ in range(count):
            under_way.append(asyncio.create_task(one()))
            await asyncio.sleep(1 / rate)
        return await asyncio.gather(*under_way)


def show(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"{name}: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20, int(sys.argv[2]) if len(sys.argv) > 2 else 400)
