"""A job while it is with us: whether it is still ours, and whether its point of no return has passed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from datetime import timedelta
from typing import Protocol

from zeebe_mail.errors import JobLost, WorkerStopping
from zeebe_mail.jobs.job import Job
from zeebe_mail.operations.base import OperationOutput
from zeebe_mail.zeebe.gateway import GatewayUnavailable, JobGone, Rejected

CLOCK_TOLERANCE = 0.1
"""How far the broker's clock may be ahead of ours, as a share of the time-out, before it is not believed."""


class Extends(Protocol):
    """Asks the broker for more time."""

    async def extend(self, key: int, timeout: timedelta) -> None:
        """Push the deadline of a job; raises JobGone or GatewayUnavailable."""
        ...


class RunningJob:
    """One activation of a job. It is the :class:`~zeebe_mail.operations.base.Attempt` that the operation sees."""

    def __init__(self, job: Job, gateway: Extends, *, timeout: timedelta, cluster: str) -> None:
        self.job = job
        self.arrived = time.monotonic()
        self.committed = False
        self.lost = ""
        self.stopping = False
        self.answering = False
        self.has_slot = False
        self.extending = False
        self.entered = False
        self.given_up = False
        self.task: asyncio.Task[None] | None = None
        self.last_run: asyncio.Task[None] | None = None
        self.was_here = False
        self._was_near_deadline = False
        self._gateway = gateway
        self._timeout_s = timeout.total_seconds()
        self._cluster = cluster
        # The broker's clock says how much of the time-out the job has spent on its way to us. Clocks differ, so this
        # may only shorten our own reckoning. A deadline further away than it can be says that our clock is slow, and
        # then nothing is known. The price of a wrong clock is one question to the broker.
        left_s = job.deadline_ms / 1000 - time.time()
        believable = 0 < left_s <= self._timeout_s * (1 + CLOCK_TOLERANCE)
        left_s = min(left_s, self._timeout_s) if believable else 0.0
        self._ours_until = self.arrived + left_s
        self._spent_on_the_way_s = self._timeout_s - left_s

    @property
    def token(self) -> str:
        """Twenty characters that stand for this job and what it is to do, whatever the attempt.

        Keys begin anew in every new cluster, so the variables count too: another mail is not taken for this one.
        """
        job = self.job
        task = json.dumps([self._cluster, job.tenant_id, job.process_instance_key, job.key, job.variables], default=str)
        return hashlib.sha256(task.encode()).hexdigest()[:20]

    @property
    def deadline_passed(self) -> bool:
        """Whether the broker may have given the job to somebody else."""
        return time.monotonic() >= self._ours_until

    @property
    def may_come_again(self) -> bool:
        """Whether the broker may have handed the job out again, perhaps to us, while it was here."""
        return self._was_near_deadline or self._near_deadline

    @property
    def _near_deadline(self) -> bool:
        return self._ours_until - time.monotonic() < self._timeout_s * CLOCK_TOLERANCE

    @property
    def wants_extension(self) -> bool:
        """Whether a third of the time-out has passed since the deadline was last pushed."""
        return self._ours_until - time.monotonic() < self._timeout_s * 2 / 3

    @property
    def late_s(self) -> float:
        """Seconds from the broker's handing out to now."""
        return self._spent_on_the_way_s + time.monotonic() - self.arrived

    def abort(self) -> None:
        """Stop the run where it is, unless the mail is handed over or the run is over already."""
        if self.task and self.entered and not self.committed and not self.answering:
            self.task.cancel()

    def give_up(self) -> None:
        """Stop waiting for a mail server that has the mail and does not answer."""
        if self.task and self.committed and not self.answering:
            self.given_up = True
            self.task.cancel()

    async def extend(self) -> None:
        """Push the deadline.

        Raises:
            JobLost: the job is not ours any more.
            GatewayUnavailable, Rejected: nobody can say.
        """
        asked = time.monotonic()
        try:
            await self._gateway.extend(self.job.key, timedelta(seconds=self._timeout_s))
        except JobGone as gone:
            self.lost = f"job {self.job.key} is no longer ours ({gone})"
            raise JobLost(self.lost) from gone
        self._was_near_deadline |= self._near_deadline
        self._ours_until = asked + self._timeout_s

    async def make_sure(self, *, ask: bool = False) -> None:
        """Ask the broker whether the job is ours, where half of its time-out has gone by without an answer.

        With ``ask`` in any case.

        Raises:
            JobLost: it is not, or nobody can say and its deadline has passed.
        """
        if self.lost:
            raise JobLost(self.lost)
        if not ask and self._ours_until - time.monotonic() > self._timeout_s / 2:
            return
        try:
            await self.extend()
        except (GatewayUnavailable, Rejected) as error:
            if self.deadline_passed:
                self.lost = f"the deadline of job {self.job.key} has passed and the gateway does not answer ({error})"
                raise JobLost(self.lost) from error

    async def commit(self, expected: OperationOutput | None = None) -> None:
        """Pass the point of no return; see :class:`~zeebe_mail.operations.base.Attempt`."""
        await self.make_sure()
        if self.stopping:
            raise WorkerStopping("The worker is shutting down; the mail was not handed over.")
        self.committed = True

    async def sent(self, output: OperationOutput) -> None:
        """Nothing is recorded here."""
