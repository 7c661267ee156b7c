"""How long after the gateway's return a worker is ready again.

``python -m benchmarks.reconnect [TIMES]``
"""

import contextlib
import statistics
import sys
import time

import httpx

from benchmarks import rig
from zeebe_mail.demo.engine import Broker, free_ports

LIMIT_S = 30.0


def main(times: int) -> None:
    print(rig.machine())
    port = free_ports(1)[0]
    with (
        Broker(writes_start_cache=True) as broker,
        rig.sink() as mails,
        rig.mail_worker(broker.address, mails, ZEEBE_MAIL_HTTP_PORT=str(port)),
    ):
        wait_until(port, ready=True)
        waits = []
        for _ in range(times):
            broker.kill()
            wait_until(port, ready=False)
            broker.start()
            began = time.perf_counter()
            wait_until(port, ready=True)
            waits.append(time.perf_counter() - began)
    print(f"ready again: median {statistics.median(waits):.2f} s of {times}, slowest {max(waits):.2f} s")


def wait_until(port: int, *, ready: bool) -> None:
    deadline = time.monotonic() + LIMIT_S
    while is_ready(port) is not ready:
        if time.monotonic() > deadline:
            raise TimeoutError(f"ready is still {not ready} after {LIMIT_S} s")
        time.sleep(0.01)


def is_ready(port: int) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
