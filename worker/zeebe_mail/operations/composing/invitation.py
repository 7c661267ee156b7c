"""An appointment that the recipients of a mail are invited to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from zeebe_mail.errors import InputError
from zeebe_mail.form import Prompt
from zeebe_mail.message.address import Mailbox, mailbox, mailboxes
from zeebe_mail.message.compose import NO_DOMAIN
from zeebe_mail.message.invitation import Guest, Invitation, Method, Period, Role, Status
from zeebe_mail.message.moment import NoTimeZone, read_appointment
from zeebe_mail.message.recurrence import recurrence
from zeebe_mail.message.time_zone import TimeZoneError, time_zone
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import Address, BodyText, HeaderText

_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_UID_LIMIT = 255  # octets; RFC 7986, 5.3
_FOUR_WEEKS = 40_320  # minutes
_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,3})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,4})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,6})S)?)?",
    re.ASCII,
)
_LINK = re.compile(r"https?://[!-~]{1,2000}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _appointment(value: str) -> str:
    try:
        found = read_appointment(value, ZoneInfo("UTC"))
        if _FIRST_YEAR <= found.year <= _LAST_YEAR:
            return value
    except TimeZoneError:
        raise
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a day such as 2026-01-31, or a time such as 2026-01-31T08:30:00@Europe/Berlin")


def _duration(value: Any) -> timedelta:
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    parts = {name: int(number) for name, number in found.groupdict().items() if number} if found else {}
    if not any(parts.values()):
        raise ValueError("must be days and time that are more than nothing, for example PT1H30M or P1D")
    return timedelta(**parts)


def _uid(value: str) -> str:
    if len(value.encode()) > _UID_LIMIT:
        raise ValueError(f"must have {_UID_LIMIT} bytes at most")
    return value


def _link(value: str) -> str:
    if not _LINK.fullmatch(value):
        raise ValueError("must be a URL that begins with https:// or http://, without blanks")
    return value


def _without_controls(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters other than line breaks and tabs")
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _guests(value: Any) -> Any:
    """Text with addresses, an object, or a list of both, as a list of objects."""
    if isinstance(value, str):
        return [{"address": one} for one in mailboxes(value)]
    if isinstance(value, Mapping):
        return [value]
    if isinstance(value, list | tuple):
        return [one for given in value for one in (_guests(given) if isinstance(given, str) else [given])]
    return value


class Attendee(MailPart):
    """Somebody who is invited."""

    address: Annotated[Address, Prompt("Address", group="invitation")]
    """Mail address."""
    name: Annotated[HeaderText | None, Prompt("Name", group="invitation")] = None
    """What he is called."""
    role: Annotated[Annotated[Role, BeforeValidator(_lower)], Prompt("Role", group="invitation")] = "required"
    """Whether he must come (`required`), may (`optional`), leads (`chair`), or is only told (`informed`)."""
    rsvp: Annotated[bool, Prompt("Asked for an answer", group="invitation")] = True
    """Whether he is asked for an answer."""

    @property
    def guest(self) -> Guest:
        """As the invitation has him."""
        return Guest(
            mailbox({"name": self.name, "address": self.address.address}) if self.name else self.address,
            self.role,
            self.rsvp,
        )

    @model_validator(mode="after")
    def _has_a_usable_name(self) -> Attendee:
        _ = self.guest
        return self


class InvitationRequest(MailPart):
    """An appointment (RFC 5545, RFC 5546)."""

    method: Annotated[
        Annotated[Method, BeforeValidator(_lower)],
        Prompt(
            "Kind",
            group="invitation",
            feel="static",
            choices={"request": "Invite, or change", "cancel": "Take back"},
        ),
    ] = "request"
    """`request` invites, or changes an earlier invitation with the same `uid`; `cancel` takes it back."""
    summary: Annotated[HeaderText | None, Prompt("Title", group="invitation", hint="Blank: the subject")] = None
    """What the appointment is called; default: the mail's subject."""
    time_zone: Annotated[str | None, Prompt("Time zone", group="invitation", hint="Europe/Berlin")] = None
    """The zone (IANA name) that times are told in, where they do not name one themselves. A series in a zone keeps its
    time when the clocks change."""
    start: Annotated[
        Annotated[str, AfterValidator(_appointment)] | None,
        Prompt("Start", group="invitation", hint="2026-01-31T08:30:00@Europe/Berlin"),
    ] = None
    """When it begins: a time with its zone or offset, or a day. Only a cancellation may be without."""
    end: Annotated[
        Annotated[str, AfterValidator(_appointment)] | None,
        Prompt("End", group="invitation", hint="2026-01-31T09:30:00@Europe/Berlin"),
    ] = None
    """When it ends; of whole days the last one. Whole days need neither this nor `duration` when it is one day."""
    duration: Annotated[
        Annotated[timedelta, BeforeValidator(_duration)] | None,
        Prompt("Duration", group="invitation", hint="PT1H30M, instead of the end"),
    ] = None
    """How long it takes, instead of `end`: an ISO 8601 duration of weeks, days, hours, minutes and seconds."""
    all_day: Annotated[bool, Prompt("Whole days", group="invitation", feel="static")] = False
    """Whether it takes whole days although the start has a time; a start without time always does."""
    location: Annotated[HeaderText | None, Prompt("Place", group="invitation")] = None
    """Where it is."""
    description: Annotated[
        Annotated[BodyText, AfterValidator(_without_controls)] | None,
        Prompt("Description", group="invitation", multiline=True),
    ] = None
    """What it is about."""
    organizer: Annotated[Address | None, Prompt("Organizer", group="invitation", hint="Blank: the author")] = None
    """Who invites, and gets the answers; default: the author of the mail."""
    attendees: Annotated[
        tuple[Attendee, ...],
        BeforeValidator(_guests),
        Prompt(
            "Attendees", group="invitation", hint='[{address: "jane@example.org", role: "optional"}]; blank: To and Cc'
        ),
    ] = ()
    """Who is invited: addresses as in `to`, or a list of `{address, name, role, rsvp}`. Default: `to`, who must come,
    and `cc`, who may. The mail goes to its recipients only."""
    recurrence: Annotated[str | None, Prompt("Repeats", group="invitation", hint="FREQ=WEEKLY;BYDAY=MO;COUNT=10")] = (
        None
    )
    """How often it comes again: a recurrence rule (RFC 5545, 3.3.10)."""
    reminder_minutes: Annotated[
        Annotated[int, Field(ge=0, le=_FOUR_WEEKS)] | None,
        Prompt("Reminder", group="invitation", hint="Minutes before"),
    ] = None
    """How many minutes before the start the attendees' calendars remind them."""
    url: Annotated[
        Annotated[str, AfterValidator(_link)] | None, Prompt("Link", group="invitation", hint="https://…")
    ] = None
    """A page about the appointment, or that of a video call."""
    status: Annotated[
        Annotated[Status, BeforeValidator(_lower)],
        Prompt(
            "Status",
            group="invitation",
            feel="static",
            choices={"confirmed": "Confirmed", "tentative": "May still change"},
        ),
    ] = "confirmed"
    """`confirmed`, or `tentative` where it may still change; a cancellation is always `cancelled`."""
    uid: Annotated[
        Annotated[HeaderText, AfterValidator(_uid)] | None,
        Prompt("UID", group="invitation", hint="To change or cancel: that of the invitation"),
    ] = None
    """What the appointment is known by; default: made from the job, the same for each of its attempts. The result has
    it, and a change or cancellation needs it."""
    sequence: Annotated[
        Annotated[int, Field(ge=0, le=2**31 - 1)] | None,
        Prompt("Sequence", group="invitation", hint="Higher than the last one"),
    ] = None
    """The version of the appointment; default 0. A change or cancellation needs a higher one than the last."""

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str | None) -> str | None:
        if value is not None:
            time_zone(value)
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> InvitationRequest:
        if self.method == "cancel":
            missing = [f"`{name}`" for name in ("uid", "sequence") if getattr(self, name) is None]
            if missing:
                raise ValueError(
                    f"{' and '.join(missing)} must be given to cancel: the invitation's own `uid`, and a higher "
                    "`sequence`"
                )
        elif self.start is None:
            raise ValueError("`start` must be given")
        period = self.period
        if self.recurrence is not None:
            if period is None:
                raise ValueError("`recurrence` needs `start`")
            try:
                recurrence(self.recurrence, period.start)
            except ValueError as error:
                raise ValueError(f"`recurrence` {error}") from None
        return self

    @property
    def period(self) -> Period | None:
        """When it is.

        Raises:
            ValueError: start and end do not go together; names the fields.
        """
        if self.start is None:
            if self.end is not None or self.duration is not None:
                raise ValueError("`start` must be given where `end` or `duration` is")
            return None
        if self.end is not None and self.duration is not None:
            raise ValueError("`end` and `duration` must not both be given")
        zone = time_zone(self.time_zone) if self.time_zone else None
        start = self._moment("start", self.start, zone)
        if self.end is not None:
            end = self._moment("end", self.end, zone or _zone(start))
        elif self.duration is not None:
            end = _later(start, self.duration)
        elif isinstance(start, datetime):
            raise ValueError("`end` or `duration` must be given")
        else:
            end = start
        if isinstance(start, datetime) is not isinstance(end, datetime):
            raise ValueError("`start` and `end` must both be days, or both have a time")
        if end < start or (end == start and isinstance(start, datetime)):
            raise ValueError("`end` must be after `start`")
        return Period(start, end)

    def _moment(self, name: str, text: str, zone: ZoneInfo | None) -> date | datetime:
        try:
            found = read_appointment(text, zone or (ZoneInfo("UTC") if self.all_day else None))
        except NoTimeZone:
            raise ValueError(f"`{name}` has no time zone: give `timeZone`, or an offset or zone behind it") from None
        return found.date() if self.all_day and isinstance(found, datetime) else found

    def invitation(
        self, *, subject: str | None, author: Mailbox, to: tuple[Mailbox, ...], cc: tuple[Mailbox, ...], token: str
    ) -> Invitation:
        """The invitation with what it takes from the mail. ``token`` makes its UID, where none is given.

        Raises:
            InputError: there is nobody to invite, or the appointment has no title.
        """
        invited = (*(Guest(one) for one in to), *(Guest(one, "optional") for one in cc))
        guests = tuple(one.guest for one in self.attendees) or invited
        summary = self.summary or subject
        if not guests:
            raise InputError(
                "`request.invitation.attendees` must be given, because `request.to` and `request.cc` are empty."
            )
        if not summary:
            raise InputError("`request.invitation.summary` must be given, because the mail has no subject.")
        period = self.period
        return Invitation(
            method=self.method,
            uid=self.uid or f"zm-{token}@{author.domain or NO_DOMAIN}",
            sequence=self.sequence or 0,
            summary=summary,
            organizer=self.organizer or author,
            guests=guests,
            period=period,
            recurrence=recurrence(self.recurrence, period.start) if self.recurrence and period else None,
            location=self.location,
            description=self.description,
            url=self.url,
            reminder=None if self.reminder_minutes is None else timedelta(minutes=self.reminder_minutes),
            status=self.status,
        )


def _zone(moment: date | datetime) -> ZoneInfo | None:
    return moment.tzinfo if isinstance(moment, datetime) and isinstance(moment.tzinfo, ZoneInfo) else None


def _later(start: date | datetime, duration: timedelta) -> date | datetime:
    """The end: days by the calendar, what is less by the clock (RFC 5545, 3.3.6); of whole days the last one."""
    days = timedelta(days=duration.days)
    if isinstance(start, datetime):
        return ((start + days).astimezone(UTC) + (duration - days)).astimezone(start.tzinfo)
    if duration != days:
        raise ValueError("`duration` must be whole days, because `start` is a day")
    return start + days - timedelta(days=1)
