"""Prometheus metrics, and the state that the probes look at."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache, partial

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

log = structlog.get_logger(__name__)

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


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
            "zeebe_mail_last_poll_age_seconds", "Since the gateway last answered", registry=self.registry
        )
        self._poll_age.set_function(lambda: time.monotonic() - self.gateway_seen_at)
        self._sessions = Gauge("zeebe_mail_sessions", "Mail sessions by state", ["state"], registry=self.registry)
        for state in pool():
            self._sessions.labels(state).set_function(partial(_count_of, pool, state))
        self._count = lru_cache(maxsize=None)(self._jobs.labels)
        self._time = lru_cache(maxsize=None)(self._took.labels)
        self.loop_seen_at = self.gateway_seen_at = time.monotonic()
        self.connected = False
        self.stopping = False
        self._failing: dict[str, str] = {}

    def source_alive(self, task_type: str) -> None:
        """The gateway answered a call for jobs of this type."""
        self.gateway_seen_at = time.monotonic()
        self.connected = True
        if self._failing.pop(task_type, ""):
            log.info("gateway answers again", action="gateway_back", task_type=task_type)

    def source_failed(self, task_type: str, reason: str) -> None:
        """It did not. Said once for each task type and each outage."""
        self.connected = False
        if task_type not in self._failing:
            self._failing[task_type] = reason
            log.warning("gateway does not answer", action="gateway_lost", task_type=task_type, reason=reason)

    def job_started(self, task_type: str, *, late_s: float) -> None:
        """A job starts, so long after the broker handed it out."""
        self._late.observe(late_s)

    def job_answered(self, task_type: str, outcome: str, *, took_s: float) -> None:
        """A job came to its end."""
        self._count(task_type, outcome).inc()
        self._time(task_type).observe(took_s)

    def loop_turned(self, *, in_flight: int, waiting: int) -> None:
        """The event loop is alive; said every second."""
        self.loop_seen_at = time.monotonic()
        self._in_flight.set(in_flight)
        self._waiting.set(waiting)


def _count_of(pool: Callable[[], dict[str, int]], state: str) -> float:
    return pool()[state]
