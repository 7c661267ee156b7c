"""Mail to a healthy server while jobs for a dead one are in flight, against the same mail alone.

The dead server takes connections and never says a word. ``python -m benchmarks.bulkhead [MAILS] [DEAD …]``
"""

import contextlib
import socket
import sys
from collections.abc import Iterator
from typing import Any

from benchmarks import rig


@contextlib.contextmanager
def dead_server() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as server:
        yield server.getsockname()[1]


def main(count: int, dead_counts: list[int]) -> None:
    print(rig.machine())
    with rig.broker() as address, rig.sink() as mails, dead_server() as dead_port:
        rig.deploy(address, "bench-mail", rig.TASK_TYPE)
        rate(address, mails, count // 2)  # warms the broker up
        alone = rate(address, mails, count)
        print(f"alone: {alone:.0f} mails/s")
        for dead in dead_counts:
            beside = rate(address, mails, count, dead=dead, dead_port=dead_port)
            print(f"beside {dead} jobs for a dead server: {beside:.0f} mails/s = {beside / alone:.0%}")


def rate(address: str, mails: rig.Sink, count: int, *, dead: int = 0, dead_port: int = 0) -> float:
    """Healthy mails a second out of a backlog in which the jobs for the dead server come first."""
    variables = mails.variables()
    hopeless: dict[str, Any] = variables | {"server": variables["server"] | {"port": dead_port}}
    if dead:
        rig.start(address, "bench-mail", hopeless, dead)
    rig.start(address, "bench-mail", variables, count)
    with rig.mail_worker(address, mails):
        _, first, last = rig.wait_for_mails(mails, count, limit_s=300)
    return (count - 1) / (last - first)


if __name__ == "__main__":
    arguments = [int(one) for one in sys.argv[1:]] or [3_000, 50, 500]
    main(arguments[0], arguments[1:])
