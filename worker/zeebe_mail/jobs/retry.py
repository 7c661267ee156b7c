"""When a failed job is tried again: retries left and back-off."""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta

from zeebe_mail.errors import InputError, Retry, WorkerError

ISO_8601_DURATION = re.compile(
    r"P(?!$)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d{1,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
LONGEST_BACKOFF = timedelta(days=365)


def parse_duration(text: str, *, name: str) -> timedelta:
    """An ISO-8601 duration of weeks, days and time (``PT30S``, ``P1D``, ``PT1H30M``).

    Raises:
        InputError: the text is something else, or longer than a year; ``name`` says where it stood.
    """
    match = ISO_8601_DURATION.fullmatch(text)
    if match:
        parts = {unit: float(value) for unit, value in match.groupdict().items() if value}
        try:
            duration = timedelta(**parts)
        except OverflowError:
            duration = timedelta.max
        if duration <= LONGEST_BACKOFF:
            return duration
    raise InputError(
        f'{name} must be an ISO-8601 duration of at most a year, for example PT30S or PT5M, but is "{text[:80]}".',
        next_step="Correct it in the task's properties.",
        details={"field": name},
    )


@dataclass(frozen=True, slots=True)
class Backoff:
    """Growing waits between attempts: ``first``, then ``factor`` times as long each time, at most ``longest``."""

    first: timedelta = timedelta(seconds=5)
    longest: timedelta = timedelta(minutes=5)
    factor: float = 2.0
    jitter: float = 0.2
    """Part of the wait by which it may be shorter, so that jobs that failed together do not come back together."""

    def after(self, failures: int) -> timedelta:
        """The wait after the so-many-th failure in a row."""
        grown = self.first * min(self.factor ** min(failures - 1, 64), self.longest / self.first)
        return grown * random.uniform(1 - self.jitter, 1.0)  # noqa: S311 - jitter, not a secret


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """When a job may run again: its retries at activation, how often it failed here, and what the task says."""

    retries: int
    failures: int
    policy: Backoff
    fixed: timedelta | None = None

    def with_wait(self, fixed: timedelta) -> RetryPlan:
        """The plan of a task that says itself how long to wait."""
        return replace(self, fixed=fixed)

    def after(self, error: WorkerError, cost: Retry | None = None) -> tuple[int, timedelta]:
        """Retries left and back-off after an error that costs what its class says, or what is given here.

        The server's own wait wins when it is longer.
        """
        asked = error.retry_after or timedelta()
        match cost or error.retry:
            case Retry.NEVER:
                return 0, timedelta()
            case Retry.LATER:
                own = self.policy.after(self.failures + 1) if self.fixed is None else self.fixed
                return max(self.retries - 1, 0), max(own, asked)
            case Retry.FREE:
                return self.retries, asked


class AttemptLog:
    """How often a job failed here, and how often it began here without coming to an end.

    Zeebe counts failures only: a job whose activation always times out would go round for ever. The log is this
    process's own and forgets the jobs that it has not seen for longest.
    """

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._unfinished: OrderedDict[int, int] = OrderedDict()
        self._failures: OrderedDict[int, int] = OrderedDict()

    def begin(self, job_key: int) -> tuple[int, int]:
        """Note a start; gives the earlier starts without an end, and the failures."""
        unfinished, failures = self._unfinished.get(job_key, 0), self._failures.get(job_key, 0)
        self._note(self._unfinished, job_key, unfinished + 1)
        return unfinished, failures

    def end(self, job_key: int, *, failed: bool) -> None:
        """Note that a job came to an end: for good, or with a failure after which it comes back."""
        self._unfinished.pop(job_key, None)
        failures = self._failures.pop(job_key, 0)
        if failed:
            self._note(self._failures, job_key, failures + 1)

    def _note(self, counts: OrderedDict[int, int], job_key: int, count: int) -> None:
        counts[job_key] = count
        counts.move_to_end(job_key)
        if len(counts) > self._size:
            counts.popitem(last=False)
