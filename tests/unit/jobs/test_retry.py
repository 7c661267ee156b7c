"""Durations, retries and back-off."""

from datetime import timedelta

import pytest

from zeebe_mail.errors import Busy, CredentialsError, InputError, WorkerStopping
from zeebe_mail.jobs.retry import Backoff, RetryPlan, parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT30S", timedelta(seconds=30)),
        ("pt5m", timedelta(minutes=5)),
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("PT0S", timedelta()),
        ("PT0.25S", timedelta(milliseconds=250)),
        ("P365D", timedelta(days=365)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text, name="x") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "30", "30s", "P", "PT", "P1DT", "P1D1S", "PT-10M", "-PT1S", "P1M", "P1Y", "PT1S2M", "P366D"),
        *("PT1S\nPT2S", "PT" + "9" * 400 + "S", "P99999999999D", "PT\u0661S"),
    ],
)
def test_what_is_no_duration_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InputError, match=r'^INVALID_INPUT: Header "retryBackoff" must be an ISO-8601 duration'):
        parse_duration(text, name='Header "retryBackoff"')


PLAN = RetryPlan(retries=3, failures=0, policy=Backoff()).with_header("PT10S")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CredentialsError("no"), (0, timedelta())),
        (Busy("later"), (2, timedelta(seconds=10))),
        (Busy("later", retry_after=timedelta(minutes=5)), (2, timedelta(minutes=5))),
        (Busy("later", retry_after=timedelta(seconds=1)), (2, timedelta(seconds=10))),
        (WorkerStopping("stop"), (3, timedelta())),
        (WorkerStopping("stop", retry_after=timedelta(seconds=4)), (3, timedelta(seconds=4))),
    ],
)
def test_what_an_error_costs(error: InputError, expected: tuple[int, timedelta]) -> None:
    assert PLAN.after(error) == expected


@pytest.mark.parametrize("retries", [0, 1])
def test_retries_never_fall_below_none(retries: int) -> None:
    assert RetryPlan(retries, failures=0, policy=Backoff()).after(Busy("later"))[0] == 0
