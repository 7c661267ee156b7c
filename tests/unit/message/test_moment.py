"""Moments as processes write them, FEEL's included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from zeebe_mail.message.criteria import Clock, Dated, Relation, criterion
from zeebe_mail.message.moment import read_moment
from zeebe_mail.operations.imap.append import AppendRequest

BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T08:30:00Z", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        ("2026-01-31T08:30:00", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        # as Zeebe hands over `now()`, and `date and time(…)` with an offset, with a zone and with neither
        ("2026-01-31T08:30:48.912Z[Etc/UTC]", datetime(2026, 1, 31, 8, 30, 48, 912000, tzinfo=UTC)),
        ("2026-01-31T08:30:48.912345678Z[GMT]", datetime(2026, 1, 31, 8, 30, 48, 912345, tzinfo=UTC)),
        ("2026-01-31T08:30+01:00", datetime(2026, 1, 31, 8, 30, tzinfo=BERLIN)),
        ("2026-01-31T08:30+01:00[Europe/Berlin]", datetime(2026, 1, 31, 8, 30, tzinfo=BERLIN)),
        ("2026-01-31T08:30", datetime(2026, 1, 31, 8, 30, tzinfo=UTC)),
        # `string(now())`
        ("2026-01-31T08:30:00@Europe/Berlin", datetime(2026, 1, 31, 8, 30, tzinfo=BERLIN)),
        ("2026-07-31T08:30:00@Europe/Berlin", datetime(2026, 7, 31, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_of_feel_is_understood(text: str, expected: datetime) -> None:
    assert read_moment(text) == expected
    assert criterion({"since": text}) == Dated(Clock.RECEIVED, Relation.SINCE, expected)
    source = {"mailbox": "INBOX", "message": "From: a@x.test\n\nx"}
    assert AppendRequest.model_validate({**source, "received": text}).received == expected


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-02-30T08:30", "2026-01-31T08:30@Nowhere/City", "2026-01-31T08:30@../../etc/passwd", "[UTC]"],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_moment(text)
