"""From starting the process to the first mail, and memory at rest and after many mails.

``python -m benchmarks.startup [MAILS] [STARTS]``
"""

import statistics
import sys
import time

from benchmarks import rig

REST_S = 5.0


def main(count: int, starts: int) -> None:
    print(rig.machine())
    with rig.broker() as address, rig.sink() as mails:
        rig.deploy(address, "bench-mail", rig.TASK_TYPE)
        times = [first_mail(address, mails) for _ in range(starts)]
        print(f"start to first mail: median {statistics.median(times):.2f} s of {starts}, slowest {max(times):.2f} s")
        with rig.mail_worker(address, mails) as worker:
            time.sleep(REST_S)
            idle = rig.usage(worker)
            time.sleep(REST_S)
            cpu = (rig.usage(worker).cpu_s - idle.cpu_s) / REST_S
            print(f"at rest: {idle.rss_mb:.0f} MB resident, {cpu:.1%} of a core")
            rig.start(address, "bench-mail", mails.variables(), count)
            rig.wait_for_mails(mails, count, limit_s=count / 20)
            print(f"after {count} mails: {rig.usage(worker).rss_mb:.0f} MB resident")


def first_mail(address: str, mails: rig.Sink) -> float:
    rig.start(address, "bench-mail", mails.variables(), 1)
    began = time.time()
    with rig.mail_worker(address, mails):
        _, first, _ = rig.wait_for_mails(mails, 1, limit_s=60)
    return first - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5)
