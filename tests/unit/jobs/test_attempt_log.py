"""Jobs that begin and never end are counted where Zeebe does not count."""

from __future__ import annotations

from zeebe_mail.jobs.retry import AttemptLog


def test_starts_without_an_end_add_up() -> None:
    log = AttemptLog()
    assert [log.begin(7)[0] for _ in range(3)] == [0, 1, 2]


def test_an_end_clears_the_starts_and_failures_add_up() -> None:
    log = AttemptLog()
    for expected in (0, 1, 2):
        assert log.begin(7) == (0, expected)
        log.end(7, failed=True)


def test_an_end_for_good_forgets_the_job() -> None:
    log = AttemptLog()
    log.begin(7)
    log.end(7, failed=True)
    log.begin(7)
    log.end(7, failed=False)
    assert log.begin(7) == (0, 0)


def test_memory_is_bounded_and_the_oldest_is_forgotten_first() -> None:
    log = AttemptLog(size=2)
    for key in (1, 2, 1, 3):
        log.begin(key)
    assert log.begin(1)[0] == 2
    assert log.begin(2)[0] == 0
