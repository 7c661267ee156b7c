"""When a failed job is tried again: retries left and back-off."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
    match = ISO_8601_DURATION.fullmatch(text.strip())
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
        details={"field": name},
    )


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What the task says about retrying: retries at activation, and the header ``retryBackoff``."""

    retries: int
    backoff: timedelta

    def after(self, error: WorkerError) -> tuple[int, timedelta]:
        """Retries left and back-off after an error. The server's own wait wins when it is longer."""
        asked = error.retry_after or timedelta()
        match error.retry:
            case Retry.NEVER:
                return 0, timedelta()
            case Retry.LATER:
                return max(self.retries - 1, 0), max(self.backoff, asked)
            case Retry.FREE:
                return self.retries, asked
