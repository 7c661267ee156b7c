"""What a process gets of an invitation that a mail has: what it needs to change or cancel the appointment."""

from __future__ import annotations

from zeebe_mail.message.content import Calendar
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.operations.base import OperationOutput

_SENT = frozenset({"REQUEST", "CANCEL"})
"""What an organizer sends (RFC 5546, 1.4); other methods are answers, or only for reading."""


class SentInvitation(OperationOutput):
    """What a change or cancellation of the appointment must name: the same UID, and a higher sequence."""

    uid: str
    sequence: int


def written_invitation(calendar: Calendar | None) -> SentInvitation | None:
    """That of a mail that we wrote."""
    return SentInvitation(uid=calendar.uid, sequence=calendar.sequence) if calendar else None


def stored_invitation(message: ParsedMessage) -> SentInvitation | None:
    """That of a mail that was read."""
    found = message.calendar
    if found is None or not found.uid or (found.method or "").upper() not in _SENT:
        return None
    return SentInvitation(uid=found.uid, sequence=found.sequence or 0)
