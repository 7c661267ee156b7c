"""Take flags from messages (IMAP STORE, RFC 9051, 6.4.6)."""

from __future__ import annotations

from zeebe_mail.mail.imap import FlagChange, ImapSession
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.flagging import FlagsInput, FlagsOutput, change_flags


@operation(title="Remove flags", keywords=("unmark", "untag", "keyword"))
async def flags_remove(given: FlagsInput, imap: ImapSession, attempt: Attempt) -> FlagsOutput:
    """Take flags from messages; those they do not have are no error. May be repeated at any time."""
    return await change_flags(imap, given.request, FlagChange.REMOVE)
