"""Recurrence rules: what calendars may be given, and how a wrong one is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from zeebe_mail.message.recurrence import RecurrenceError, recurrence

START = datetime(2026, 1, 31, 8, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("rrule:freq=weekly;byday=mo,we;count=10", "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10"),
        (" COUNT=3; FREQ=MONTHLY ;BYDAY=-1FR;", "FREQ=MONTHLY;COUNT=3;BYDAY=-1FR"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;WKST=SU", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;WKST=SU"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;INTERVAL=2", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;INTERVAL=2"),
        # UNTIL of a start with a time is in UTC (RFC 5545, 3.3.10)
        ("FREQ=DAILY;UNTIL=20260701T083000", "FREQ=DAILY;UNTIL=20260701T063000Z"),
        ("FREQ=DAILY;UNTIL=20260701T083000Z", "FREQ=DAILY;UNTIL=20260701T083000Z"),
        ("FREQ=DAILY;UNTIL=20260201", "FREQ=DAILY;UNTIL=20260201T225959Z"),
    ],
)
def test_a_rule_gets_its_normal_form(text: str, expected: str) -> None:
    assert recurrence(text, START) == expected


def test_a_series_of_days_ends_with_a_day() -> None:
    assert recurrence("FREQ=DAILY;UNTIL=20260201T120000Z", date(2026, 1, 31)) == "FREQ=DAILY;UNTIL=20260201"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has a part that no rule has"),
        ("every Monday", "has a part that no rule has"),
        ("COUNT=3", "FREQ"),
        ("FREQ=FORTNIGHTLY", "FREQ must be one of YEARLY"),
        ("FREQ=DAILY;FREQ=WEEKLY", "has FREQ twice"),
        ("FREQ=DAILY;COUNT=0", "COUNT must be a number from 1"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL must be a number from 1"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "both UNTIL and COUNT"),
        ("FREQ=DAILY;UNTIL=tomorrow", "UNTIL must be a day or moment"),
        ("FREQ=DAILY;UNTIL=20261301", "UNTIL is no day or moment"),
        ("FREQ=DAILY;UNTIL=20260101", "UNTIL must not be before the start"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY must be weekdays"),
        ("FREQ=MONTHLY;BYDAY=99MO", "BYDAY must be weekdays"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY may have numbers only with"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH must be numbers from 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH must be numbers from 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY must be numbers from 1 to 31, or"),
        ("FREQ=MONTHLY;BYWEEKNO=5", "BYWEEKNO needs FREQ=YEARLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=5", "BYMONTHDAY cannot be"),
        ("FREQ=DAILY;BYYEARDAY=5", "BYYEARDAY cannot be"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another BY part"),
        ("FREQ=DAILY;WKST=5", "WKST must be a weekday"),
        ("FREQ=DAILY;X-CANARY=canary", "has a part that no rule has"),
        ("FREQ=DAILY\r\nATTENDEE:mailto:eve@evil.test", "FREQ must be one of"),
        ("FREQ=DAILY;COUNT=٣", "COUNT must be a number"),
    ],
)
def test_what_is_wrong_is_named_by_its_part(text: str, said: str) -> None:
    with pytest.raises(RecurrenceError) as wrong:
        recurrence(text, START)
    assert said in str(wrong.value)
    assert "canary" not in str(wrong.value).lower()


def test_until_is_compared_as_a_moment() -> None:
    start = datetime(2026, 1, 31, 8, 30, tzinfo=UTC)
    assert recurrence("FREQ=DAILY;UNTIL=20260131T083000Z", start).endswith("T083000Z")
    with pytest.raises(RecurrenceError):
        recurrence("FREQ=DAILY;UNTIL=20260131T082959Z", start)
