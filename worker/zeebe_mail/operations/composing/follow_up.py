"""By when a mail wants to be followed up."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, model_validator

from zeebe_mail.form import Prompt
from zeebe_mail.message.marks import FollowUp
from zeebe_mail.message.moment import read_moment
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import HeaderText

_DAYS_AHEAD = {"today": 0, "tomorrow": 1}
_DURATION = re.compile(r"P(?=[\dT])(?:(\d{1,3})W)?(?:(\d{1,4})D)?(T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?)?", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def due_by(text: str, now: datetime, zone: tzinfo, end_of_day: time) -> datetime:
    """The moment meant by a day, a date, a moment, or an ISO 8601 duration from now.

    What names a day means the end of its working hours; a duration with hours or minutes means exactly that.

    Raises:
        ValueError: it is none of these.
    """
    today = now.astimezone(zone).date()
    if (ahead := _DAYS_AHEAD.get(text.strip().lower())) is not None:
        return datetime.combine(today + timedelta(days=ahead), end_of_day, zone)
    if (duration := _DURATION.fullmatch(text.strip())) is not None:
        weeks, days, exact, hours, minutes = duration.groups()
        ahead = 7 * int(weeks or 0) + int(days or 0)
        if exact:
            return now.astimezone(zone) + timedelta(days=ahead, hours=int(hours or 0), minutes=int(minutes or 0))
        return datetime.combine(today + timedelta(days=ahead), end_of_day, zone)
    if len(text.strip()) == len("2026-01-31"):
        return datetime.combine(date.fromisoformat(text.strip()), end_of_day, zone)
    return read_moment(text)


def _due(text: str) -> str:
    try:
        due_by(text, datetime(2026, 1, 1).astimezone(), ZoneInfo("UTC"), time(17))
    except ValueError:
        raise ValueError("must be today, tomorrow, a date, a moment, or a duration such as P3D or PT4H") from None
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be the name of a time zone such as Europe/Berlin") from None
    return name


def _clock(value: Any) -> str:
    if isinstance(value, str) and _TIME.fullmatch(value[:5]) and value[5:] in ("", ":00"):
        return value[:5]
    raise ValueError("must be a time of day such as 17:00")


class FollowUpOptions(MailPart):
    """A flag for the recipient."""

    due: Annotated[
        str,
        AfterValidator(_due),
        Prompt("Follow up by", group="marks", hint="tomorrow, 2026-01-31, P3D or PT4H"),
    ]
    """By when: `today`, `tomorrow`, a date, a moment, or an ISO 8601 duration from now."""
    text: Annotated[HeaderText, Prompt("Text of the flag", group="marks")] = "Follow up"
    """What the flag says. Outlook shows it to all recipients, those outside included."""
    time_zone: Annotated[str, AfterValidator(_zone), Prompt("Time zone", group="marks", hint="UTC")] = "UTC"
    """In which days begin and end."""
    end_of_day: Annotated[
        str, BeforeValidator(_clock), Prompt("End of the working day", group="marks", hint="17:00")
    ] = "17:00"
    """The time that is meant where only a day is named."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return {"due": given} if isinstance(given, str) else given

    def mark(self, now: datetime) -> FollowUp:
        """The flag, seen from now."""
        end = time.fromisoformat(self.end_of_day)
        return FollowUp(due_by(self.due, now, ZoneInfo(self.time_zone), end), self.text)
