"""A worker that completes jobs and does nothing else: what this broker can give a worker of ours at most.

``python -m benchmarks.noop_worker ADDRESS TASK_TYPE COUNT`` prints jobs a second, from the first to the last job.
"""

import asyncio
import sys
import time

from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Outcome
from zeebe_mail.operations.base import Attempt
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.zeebe.gateway import Gateway
from zeebe_mail.zeebe.options import GatewayOptions, WorkerOptions
from zeebe_mail.zeebe.worker import Worker


class Nothing:
    """The one operation."""

    fetch_variables = ("server", "auth", "request")

    def __init__(self, task_type: str) -> None:
        self.task_type = task_type


class NoopHandler:
    """Completes what it is given."""

    def __init__(self, task_type: str, count: int) -> None:
        self.operations = {task_type: Nothing(task_type)}
        self.missing = count
        self.first = self.last = 0.0
        self.done = asyncio.Event()

    async def handle(self, job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        self.last = time.time()
        self.first = self.first or self.last
        self.missing -= 1
        if not self.missing:
            self.done.set()
        return Complete()


async def main(address: str, task_type: str, count: int) -> None:
    async with Gateway(GatewayOptions(address=address)) as gateway:
        handler = NoopHandler(task_type, count)
        worker = Worker(gateway, handler, WorkerOptions(), Metrics(dict))  # type: ignore[arg-type]
        running = asyncio.create_task(worker.run())
        await handler.done.wait()
        worker.stop()
        await running
    print((count - 1) / (handler.last - handler.first))


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
