"""Prometheus metrics, and the state that the probes look at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class WatchedLedger(Protocol):
    """What is counted of the send ledger."""

    @property
    def fault(self) -> str:
        """Why nothing may be sent now; empty while all is well."""
        ...

    @property
    def awaiting(self) -> dict[str, int]:
        """How many sends are in doubt and held, by state."""
        ...

    @property
    def duplicates_avoided(self) -> int:
        """Jobs of this process that came back and were not sent again."""
        ...


class Metrics:
    """What the worker counts. One instance a process; every label has a bounded set of values."""

    def __init__(self, pool: Callable[[], dict[str, int]]) -> None:
        self.registry = CollectorRegistry()
        self._jobs = Counter(
            "zeebe_mail_jobs", "Jobs by how they ended", ["task_type", "outcome"], registry=self.registry
        )
        self._took = Histogram(
            "zeebe_mail_job_seconds",
            "From arrival to answer",
            ["task_type"],
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._late = Histogram(
            "zeebe_mail_job_late_seconds",
            "From the broker's handing out to the start: what transports and queues cost",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self._in_flight = Gauge("zeebe_mail_jobs_in_flight", "Jobs with this worker", registry=self.registry)
        self._waiting = Gauge("zeebe_mail_jobs_waiting", "Of these, waiting for their slot", registry=self.registry)
        self._poll_age = Gauge(
            "zeebe_mail_last_poll_age_seconds",
            "Since the gateway answered the poll that it has not answered for longest; 0 for one that waits for a slot",
            registry=self.registry,
        )
        self._poll_age.set_function(self._oldest_poll_s)
        self._sessions = Gauge("zeebe_mail_sessions", "Mail sessions by state", ["state"], registry=self.registry)
        for state in pool():
            self._sessions.labels(state).set_function(partial(_count_of, pool, state))
        self._count = lru_cache(maxsize=None)(self._jobs.labels)
        self._time = lru_cache(maxsize=None)(self._took.labels)
        self.loop_seen_at = self.gateway_seen_at = time.monotonic()
        self.stopping = False
        self.ledger: WatchedLedger | None = None
        self._asked_at: dict[str, float | None] = {}
        self._answering: set[str] = set()
        self._failing: dict[str, str] = {}

    def watch(self, ledger: WatchedLedger) -> None:
        """Count what the ledger knows."""
        self.ledger = ledger
        for name, meaning, value in (
            ("ledger_up", "Whether the send ledger can be written to; else nothing is sent", lambda: not ledger.fault),
            ("ledger_held", "Mails in doubt that wait for a person, in the whole ledger", _awaiting(ledger, "held")),
            ("ledger_in_doubt", "Mails in doubt that nobody has been told of", _awaiting(ledger, "in_doubt")),
        ):
            Gauge(f"zeebe_mail_{name}", meaning, registry=self.registry).set_function(value)
        self.registry.register(_Avoided(ledger))

    @property
    def connected(self) -> bool:
        """Whether any source is answered. One that is refused while others work does not make the worker unready."""
        return bool(self._answering)

    def source_alive(self, source: str) -> None:
        """The gateway answered this source."""
        self.gateway_seen_at = time.monotonic()
        if source in self._asked_at:
            self._asked_at[source] = self.gateway_seen_at
        if not self._answering and self._failing:
            log.info("gateway answers again", action="gateway_back", source=source)
            self._failing.clear()
        self._answering.add(source)
        self._failing.pop(source, None)

    def source_failed(self, source: str, reason: str) -> None:
        """It did not. Said once for each reason and outage, however many sources feel it."""
        self._answering.discard(source)
        if source not in self._failing and reason not in self._failing.values():
            log.warning("gateway does not answer", action="gateway_lost", source=source, reason=reason)
        self._failing.setdefault(source, reason)

    def source_waits(self, source: str) -> None:
        """This poll waits for a slot: until it asks, the gateway owes it nothing."""
        self._asked_at[source] = None

    def source_asks(self, source: str) -> None:
        """This poll has room for a job, and the gateway owes it an answer."""
        if self._asked_at.get(source) is None:
            self._asked_at[source] = time.monotonic()

    @property
    def gateway_silent_s(self) -> float:
        """Seconds without a word of the gateway, while some poll could have had one."""
        return min([time.monotonic() - self.gateway_seen_at, *self._poll_ages()])

    def _oldest_poll_s(self) -> float:
        return max(self._poll_ages(), default=0.0)

    def _poll_ages(self) -> list[float]:
        now = time.monotonic()
        return [0.0 if asked_at is None else now - asked_at for asked_at in list(self._asked_at.values())]

    def job_started(self, task_type: str, *, late_s: float) -> None:
        """A job starts, so long after the broker handed it out."""
        self._late.observe(late_s)

    def job_answered(self, task_type: str, outcome: str, *, took_s: float) -> None:
        """A job came to its end."""
        self._count(task_type, outcome).inc()
        self._time(task_type).observe(took_s)

    def loop_turned(self, *, in_flight: int, waiting: int, heard_at: float) -> None:
        """The event loop is alive, and the gateway last answered then; said every second."""
        self.loop_seen_at = time.monotonic()
        self.gateway_seen_at = max(self.gateway_seen_at, heard_at)
        self._in_flight.set(in_flight)
        self._waiting.set(waiting)


def _awaiting(ledger: WatchedLedger, state: str) -> Callable[[], float]:
    return lambda: ledger.awaiting.get(state, 0)


class _Avoided(Collector):
    def __init__(self, ledger: WatchedLedger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "zeebe_mail_duplicates_avoided",
            "Jobs that came back and whose mail was not sent again",
            value=self._ledger.duplicates_avoided,
        )


def _count_of(pool: Callable[[], dict[str, int]], state: str) -> float:
    return pool()[state]
