"""What a mail carries beside its texts."""

from __future__ import annotations

from dataclasses import dataclass

from zeebe_mail.message.address import Mailbox


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, or a picture that the HTML shows.

    The bytes are held once and encoded while they are sent, so that a mail costs little more than its files.
    """

    name: str
    """A safe file name, see ``file_name``."""
    content_type: str
    """``type/subtype``, lower case, checked; ``message/rfc822`` for a mail."""
    data: bytes
    charset: str | None = None
    """Of a text, where it is known."""
    content_id: str | None = None
    """Without angle brackets; what ``cid:`` in the HTML names."""
    inline: bool = False
    """Shown inside the mail rather than beside it."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """An invitation as it is put into a mail: the iCalendar text and its method (RFC 6047)."""

    method: str
    data: bytes
    uid: str
    """What the appointment is known by, to its guests and to whoever changes it later."""
    sequence: int
    """Which version of it this is; a higher one replaces a lower one."""
    organizer: Mailbox
    """Whom it is from, and who gets the answers."""
    name: str = "invite.ics"
