"""Invitations to an appointment, and what takes them back (iTIP, RFC 5546, in mail by RFC 6047)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

from zeebe_mail.message.address import Mailbox
from zeebe_mail.message.content import Calendar
from zeebe_mail.message.time_zone import Observance, observances

if TYPE_CHECKING:
    import icalendar

Method = Literal["request", "cancel"]
Role = Literal["required", "optional", "chair", "informed"]
Status = Literal["confirmed", "tentative"]

PRODUCT = "-//zeebe-mail//zeebe-mail//EN"

_ROLES: dict[Role, str] = {
    "required": "REQ-PARTICIPANT",
    "optional": "OPT-PARTICIPANT",
    "chair": "CHAIR",
    "informed": "NON-PARTICIPANT",
}
_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu", "GMT"})
_SPECIAL = re.compile(r"\r\n|[\r\n\\;,]")
_ESCAPED = dict.fromkeys(("\r\n", "\r", "\n"), r"\n")
_MAILTO = "@!$&'*+-./=^_`{|}~:[]"  # what stands for itself in the address of a `mailto:` here


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who is invited."""

    mailbox: Mailbox
    role: Role = "required"
    rsvp: bool = True
    """Whether he is asked for an answer."""


@dataclass(frozen=True, slots=True)
class Period:
    """When an appointment is: from a day to a day, both included, or from a time to a time."""

    start: date | datetime
    end: date | datetime

    @property
    def is_whole_days(self) -> bool:
        """Whether it has no times."""
        return not isinstance(self.start, datetime)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An appointment as its guests are to know it. One with a known UID and a higher sequence changes the former."""

    method: Method
    uid: str
    sequence: int
    summary: str
    organizer: Mailbox
    guests: tuple[Guest, ...]
    period: Period | None = None
    """May be left out by what takes an invitation back."""
    recurrence: str | None = None
    """A recurrence rule in its normal form."""
    location: str | None = None
    description: str | None = None
    url: str | None = None
    reminder: timedelta | None = None
    """How long before the start a guest's calendar reminds him."""
    status: Status = "confirmed"


def written(invitation: Invitation, now: datetime) -> Calendar:
    """The invitation as calendars read it (RFC 5545): UTF-8, CRLF, lines of at most 75 octets."""
    import icalendar  # here, because most mail has no invitation and it takes longer to load than a mail to write

    calendar = icalendar.Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", invitation.method.upper())
    for zone, year in _zones(invitation.period):
        calendar.add_component(_timezone(zone, year))
    calendar.add_component(_event(invitation, now))
    return Calendar(
        method=invitation.method.upper(),
        data=calendar.to_ical(sorted=False),
        uid=invitation.uid,
        sequence=invitation.sequence,
        organizer=invitation.organizer,
    )


def in_words(invitation: Invitation) -> str:
    """The invitation as plain text: for those whose program shows no calendar."""
    cancelled = "Cancelled: " if invitation.method == "cancel" else ""
    facts = {
        "When": invitation.period and _when(invitation.period),
        "Repeats": invitation.recurrence,
        "Where": invitation.location,
        "Link": invitation.url,
        "Organizer": _who(invitation.organizer),
        "Guests": ", ".join(_who(one.mailbox) for one in invitation.guests),
    }
    lines = [f"{cancelled}{invitation.summary}", "", *(f"{name}: {fact}" for name, fact in facts.items() if fact)]
    if invitation.description:
        lines += ["", invitation.description]
    return "\n".join(lines) + "\n"


def _event(invitation: Invitation, now: datetime) -> icalendar.Event:
    import icalendar

    event = icalendar.Event()
    event.add("UID", invitation.uid)
    event.add("SEQUENCE", invitation.sequence)
    event.add("DTSTAMP", now.astimezone(UTC).replace(microsecond=0))
    event.add("STATUS", "CANCELLED" if invitation.method == "cancel" else invitation.status.upper())
    event.add("SUMMARY", _text(invitation.summary), encode=False)
    event.add("ORGANIZER", _address(invitation.organizer))
    for guest in invitation.guests:
        event.add("ATTENDEE", _attendee(guest, invitation.method))
    if invitation.period:
        start, end = invitation.period.start, invitation.period.end
        is_series = invitation.recurrence is not None
        event.add("DTSTART", _moment(start, is_series=is_series))
        # DTEND is the day after the last one (RFC 5545, 3.6.1).
        if invitation.period.is_whole_days:
            event.add("DTEND", end + timedelta(days=1))
        else:
            event.add("DTEND", _moment(end, is_series=is_series))
    if invitation.recurrence:
        event.add("RRULE", icalendar.vRecur.from_ical(invitation.recurrence))
    for name, text in (("LOCATION", invitation.location), ("DESCRIPTION", invitation.description)):
        if text:
            event.add(name, _text(text), encode=False)
    if invitation.url:
        event.add("URL", icalendar.vUri(invitation.url))
    event.add("TRANSP", "TRANSPARENT" if invitation.period and invitation.period.is_whole_days else "OPAQUE")
    if invitation.reminder is not None and invitation.method == "request":
        event.add_component(_alarm(invitation.reminder, invitation.summary))
    return event


def _alarm(before: timedelta, summary: str) -> icalendar.Alarm:
    import icalendar

    alarm = icalendar.Alarm()
    alarm.add("ACTION", "DISPLAY")
    alarm.add("DESCRIPTION", _text(summary), encode=False)
    alarm.add("TRIGGER", -before)
    return alarm


def _text(text: str) -> icalendar.vUnknown:
    r"""Text as it stands in a calendar (RFC 5545, 3.3.11), to be added as it is.

    The library's own text takes the ``\N`` of ``C:\New`` for a line break that somebody has escaped.
    """
    import icalendar

    return icalendar.vUnknown(_SPECIAL.sub(lambda found: _ESCAPED.get(found[0], f"\\{found[0]}"), text))


def _address(mailbox: Mailbox) -> icalendar.vCalAddress:
    import icalendar

    address = icalendar.vCalAddress(f"mailto:{quote(mailbox.address, safe=_MAILTO)}")
    if mailbox.name:
        address.params["CN"] = icalendar.vText(mailbox.name)
    return address


def _attendee(guest: Guest, method: Method) -> icalendar.vCalAddress:
    attendee = _address(guest.mailbox)
    attendee.params["ROLE"] = _ROLES[guest.role]
    if method == "request":
        attendee.params["PARTSTAT"] = "NEEDS-ACTION"
        attendee.params["RSVP"] = "TRUE" if guest.rsvp else "FALSE"
    return attendee


def _is_utc(moment: datetime) -> bool:
    return not isinstance(moment.tzinfo, ZoneInfo) or moment.tzinfo.key in _UTC


def _moment(moment: date | datetime, *, is_series: bool) -> date | datetime:
    """On the clock of its zone; in UTC where that shows the time twice, because calendars differ in which they take."""
    if not isinstance(moment, datetime):
        return moment
    comes_twice = moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()
    return moment.astimezone(UTC) if _is_utc(moment) or (comes_twice and not is_series) else moment


def _zones(period: Period | None) -> Iterator[tuple[ZoneInfo, int]]:
    """The zones that a period is told in, and the first year in which each of them is needed."""
    years: dict[ZoneInfo, int] = {}
    for moment in (period.start, period.end) if period else ():
        if isinstance(moment, datetime) and isinstance(moment.tzinfo, ZoneInfo) and not _is_utc(moment):
            years.setdefault(moment.tzinfo, moment.year)
    yield from years.items()


def _timezone(zone: ZoneInfo, year: int) -> icalendar.Timezone:
    import icalendar

    timezone = icalendar.Timezone()
    timezone.add("TZID", zone.key)
    for one in observances(zone, year):
        timezone.add_component(_observance(one))
    return timezone


def _observance(one: Observance) -> icalendar.TimezoneDaylight | icalendar.TimezoneStandard:
    import icalendar

    component = icalendar.TimezoneDaylight() if one.is_daylight else icalendar.TimezoneStandard()
    component.add("DTSTART", one.starts[0])
    component.add("TZOFFSETFROM", one.before)
    component.add("TZOFFSETTO", one.offset)
    component.add("TZNAME", one.name)
    if one.rule:
        component.add("RRULE", icalendar.vRecur.from_ical(one.rule))
    for start in one.starts[1:]:  # each by itself, because ical.js reads only the first of a list
        component.add("RDATE", start)
    return component


def _when(period: Period) -> str:
    start, end = period.start, period.end
    if not (isinstance(start, datetime) and isinstance(end, datetime)):
        return str(start) if start == end else f"{start} – {end}"
    if start.tzname() == end.tzname() or _zone(start) == _zone(end):
        last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
        return f"{start:%Y-%m-%d %H:%M} – {last} ({_zone(end)})"
    return f"{start:%Y-%m-%d %H:%M} ({_zone(start)}) – {end:%Y-%m-%d %H:%M} ({_zone(end)})"


def _zone(moment: datetime) -> str:
    return moment.tzinfo.key if isinstance(moment.tzinfo, ZoneInfo) else "UTC"


def _who(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address}>" if mailbox.name else mailbox.address
