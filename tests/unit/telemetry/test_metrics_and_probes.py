"""What Prometheus and Kubernetes are told."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import structlog

from zeebe_mail.telemetry import probes
from zeebe_mail.telemetry.metrics import Metrics
from zeebe_mail.telemetry.probes import Probes


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(lambda: {"leased": 2, "idle": 1, "waiting": 0})


@pytest.fixture
def url(metrics: Metrics) -> Iterator[str]:
    server = Probes(metrics).serve("127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_worker_is_ready_once_the_gateway_answers_and_not_while_it_stops(metrics: Metrics, url: str) -> None:
    assert get(f"{url}/ready")[0] == 503
    assert get(f"{url}/live")[0] == 200
    metrics.source_alive("poll a")
    assert get(f"{url}/ready")[0] == 200
    metrics.stopping = True
    status, body = get(f"{url}/ready")
    assert status == 503
    assert json.loads(body)["stopping"] is True
    assert get(f"{url}/live")[0] == 200


@dataclass
class WatchedLedger:
    """What metrics see of a ledger."""

    fault: str = ""
    awaiting: dict[str, int] = field(default_factory=lambda: {"held": 2, "in_doubt": 1})
    duplicates_avoided: int = 3


def test_a_worker_that_cannot_record_what_it_sends_is_not_ready(metrics: Metrics, url: str) -> None:
    ledger = WatchedLedger()
    metrics.watch(ledger)
    metrics.source_alive("poll a")
    assert get(f"{url}/ready")[0] == 200
    ledger.fault = "database or disk is full"
    status, body = get(f"{url}/ready")
    assert (status, json.loads(body)["ledger"]) == (503, "database or disk is full")
    told = get(f"{url}/metrics")[1].splitlines()
    assert {
        "zeebe_mail_ledger_up 0.0",
        "zeebe_mail_ledger_held 2.0",
        "zeebe_mail_ledger_in_doubt 1.0",
        "zeebe_mail_duplicates_avoided_total 3.0",
    } <= set(told)


def test_one_source_that_is_refused_does_not_make_the_worker_unready(metrics: Metrics) -> None:
    metrics.source_alive("poll a")
    metrics.source_failed("stream a", "UNIMPLEMENTED")
    assert metrics.connected
    metrics.source_failed("poll a", "UNAVAILABLE")
    assert not metrics.connected


def test_a_silent_gateway_makes_unready_and_a_stalled_loop_makes_dead(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Probes(metrics)
    metrics.source_alive("poll a")
    now = time.monotonic()
    monkeypatch.setattr(probes.time, "monotonic", lambda: now + 20)
    assert not asked.live()[0]
    metrics.loop_seen_at = now + 20
    assert asked.live()[0]
    assert asked.ready()[0]
    metrics.loop_seen_at = now + 50
    monkeypatch.setattr(probes.time, "monotonic", lambda: now + 50)
    assert asked.live()[0]
    assert not asked.ready()[0]


def test_a_silent_gateway_is_no_fault_while_all_polls_wait_for_a_slot_or_calls_are_answered(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(moment: float, heard_at: float) -> bool:
        monkeypatch.setattr(probes.time, "monotonic", lambda: moment)
        metrics.loop_turned(in_flight=1, waiting=0, heard_at=heard_at)
        return asked.ready()[0]

    asked, now = Probes(metrics), time.monotonic()
    metrics.source_asks("poll a")
    metrics.source_alive("poll a")
    assert at(now + 60, heard_at=now + 50)
    assert not at(now + 100, heard_at=now + 50)
    metrics.source_waits("poll a")
    assert at(now + 500, heard_at=now + 50)
    metrics.source_asks("poll a")
    assert at(now + 520, heard_at=now + 50)
    assert not at(now + 550, heard_at=now + 50)


def test_one_hung_poll_of_many_is_seen(metrics: Metrics, monkeypatch: pytest.MonkeyPatch) -> None:
    def age_s() -> float | None:
        return metrics.registry.get_sample_value("zeebe_mail_last_poll_age_seconds")

    now = time.monotonic()
    monkeypatch.setattr(probes.time, "monotonic", lambda: now)
    for poll in ("poll a", "poll b", "poll c"):
        metrics.source_asks(poll)
        metrics.source_alive(poll)
    monkeypatch.setattr(probes.time, "monotonic", lambda: now + 300)
    metrics.source_alive("poll a")
    metrics.source_waits("poll b")
    assert age_s() == 300
    metrics.source_asks("poll c")
    assert age_s() == 300, "to ask once more is no answer"
    metrics.source_alive("poll c")
    assert age_s() == 0
    metrics.source_alive("stream a")
    monkeypatch.setattr(probes.time, "monotonic", lambda: now + 310)
    assert age_s() == 10


def test_an_outage_is_said_once_for_all_who_feel_it_and_its_end_too(metrics: Metrics) -> None:
    sources = [f"{kind} {task}" for kind in ("poll", "stream") for task in "abc"]
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            for source in sources:
                metrics.source_alive(source)
            for _ in range(5):
                for source in sources:
                    metrics.source_failed(source, "UNAVAILABLE")
        metrics.source_alive("poll b")
    assert [line["action"] for line in lines] == ["gateway_lost", "gateway_back", "gateway_lost", "gateway_back"]


def test_the_numbers_are_there(metrics: Metrics, url: str) -> None:
    metrics.job_started("t", late_s=0.02)
    metrics.job_answered("t", "completed", took_s=0.2)
    metrics.loop_turned(in_flight=3, waiting=1, heard_at=0.0)
    status, text = get(f"{url}/metrics")
    assert status == 200
    for line in (
        'zeebe_mail_jobs_total{outcome="completed",task_type="t"} 1.0',
        'zeebe_mail_job_seconds_count{task_type="t"} 1.0',
        "zeebe_mail_job_late_seconds_count 1.0",
        "zeebe_mail_jobs_in_flight 3.0",
        "zeebe_mail_jobs_waiting 1.0",
        'zeebe_mail_sessions{state="leased"} 2.0',
    ):
        assert line in text
    assert "zeebe_mail_last_poll_age_seconds" in text


def test_anything_else_is_not_found(url: str) -> None:
    assert get(f"{url}/")[0] == 404
    assert get(f"{url}/live?verbose")[0] == 200
