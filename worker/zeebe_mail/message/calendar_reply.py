"""Invitations and the answers to them (iTIP, RFC 5546, in mail by RFC 6047)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from zeebe_mail.message import charsets
from zeebe_mail.message.parsed import Attendee, Calendar

_LIMIT = 256 * 1024
_ATTENDEES = 500
_END = "\nEND:VCALENDAR"


class CalendarError(ValueError):
    """Not a calendar that can be read."""


def read_calendar(text: str, method: str | None = None) -> Calendar | None:
    """The first event (or task) of a calendar, None if it has none.

    Args:
        text: an iCalendar; what a mailing list wrote behind it is left out.
        method: that of the part it came in (RFC 6047, 2.4), for a calendar that does not say it.

    Raises:
        CalendarError: it is no iCalendar (RFC 5545), or larger than anybody's invitation.
    """
    import icalendar  # here, because most mail has no calendar and it takes longer to load than a message to read

    if len(text) > _LIMIT:
        raise CalendarError(f"The calendar has more than {_LIMIT // 1024} KB; it was not read.")
    text, end, _ = text.partition(_END)
    try:
        calendar = icalendar.Calendar.from_ical(text + end)
        event = next((one for one in calendar.walk() if one.name in {"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"}), None)
        return _event(calendar, event, method) if event is not None else None
    except MemoryError:
        raise
    except Exception as error:  # whatever a library makes of hostile text
        raise CalendarError(f"The calendar could not be read ({type(error).__name__}).") from error


def _event(calendar: Any, event: Any, method: str | None) -> Calendar:
    organizer = event.get("ORGANIZER")
    given = event.get("ATTENDEE") or []
    attendees = given if isinstance(given, list) else [given]
    sequence = event.get("SEQUENCE")
    return Calendar(
        method=_text(calendar.get("METHOD")) or (method.upper() if method else None),
        uid=_text(event.get("UID")),
        sequence=int(sequence) if sequence is not None else None,
        status=_text(event.get("STATUS")),
        summary=_text(event.get("SUMMARY")),
        location=_text(event.get("LOCATION")),
        start=_moment(event.get("DTSTART")),
        end=_moment(event.get("DTEND") or event.get("DUE")) or _end(event),
        organizer=_attendee(organizer[0] if isinstance(organizer, list) else organizer) if organizer else None,
        attendees=tuple(_attendee(one) for one in attendees[:_ATTENDEES]),
    )


def _attendee(value: Any) -> Attendee:
    parameters = getattr(value, "params", {})
    address = str(value)
    if address[:7].lower() == "mailto:":
        address = _decoded(address[7:])
    return Attendee(_text(parameters.get("CN")), charsets.repair(address), _text(parameters.get("PARTSTAT")))


def _decoded(address: str) -> str:
    """Without the percent signs of a URI (RFC 6068, 2), unless they hide something else than an address."""
    decoded = unquote(address)
    return decoded if decoded.isprintable() else address


def _text(value: Any) -> str | None:
    return charsets.repair(str(value)) if value is not None else None


def _end(event: Any) -> str | None:
    """Of an event that says how long it takes."""
    start, duration = getattr(event.get("DTSTART"), "dt", None), getattr(event.get("DURATION"), "dt", None)
    if not isinstance(start, date) or not isinstance(duration, timedelta):
        return None
    return _iso8601(start + duration)


def _moment(value: Any) -> str | None:
    """In UTC where the zone is known, as it stands where it is not, a plain date for a whole day."""
    return _iso8601(getattr(value, "dt", None))


def _iso8601(moment: Any) -> str | None:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            return moment.isoformat()
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return moment.isoformat() if isinstance(moment, date) else None
