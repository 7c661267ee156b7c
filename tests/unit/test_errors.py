"""The tree of errors is the documentation: complete, unambiguous, and as drawn."""

import re

from zeebe_mail import errors
from zeebe_mail.errors import JobLost, Retry, WorkerError, every_error


def _all_below(parent: type[WorkerError]) -> list[type[WorkerError]]:
    return [one for child in parent.__subclasses__() for one in (child, *_all_below(child))]


def test_every_code_belongs_to_one_error() -> None:
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))
    assert all(re.fullmatch("[A-Z][A-Z_]+", code) for code in codes)


def test_every_error_says_what_it_means_what_it_costs_and_what_to_do() -> None:
    for error in every_error():
        assert error.__doc__, error
        assert error.retry in Retry
        assert error.advice.endswith("."), error


def test_the_drawing_shows_every_class_and_no_other() -> None:
    drawing = (errors.__doc__ or "").partition("::")[2].partition("A message says")[0]
    drawn = set(re.findall(r"(?<=[*x+·-] )[A-Z][A-Za-z]+", drawing))
    assert drawn == {one.__name__ for one in (WorkerError, JobLost, *_all_below(WorkerError))}


def test_only_what_is_handed_back_is_free() -> None:
    assert {error.__name__ for error in every_error() if error.retry is Retry.FREE} == {
        "BytesInFlightExceeded",
        "EndpointSaturated",
        "JobClaimed",
        "LedgerUnavailable",
        "WorkerStopping",
    }
