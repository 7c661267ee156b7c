"""Give messages exactly these flags (IMAP STORE, RFC 9051, 6.4.6)."""

from __future__ import annotations

from zeebe_mail.mail.imap import FlagChange, ImapSession
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.flagging import FlagsInput, FlagsOutput, change_flags


@operation(title="Replace flags", keywords=("mark", "tag", "keyword"))
async def flags_set(given: FlagsInput, imap: ImapSession, attempt: Attempt) -> FlagsOutput:
    """Give messages exactly these flags; all others are taken from them. May be repeated at any time."""
    return await change_flags(imap, given.request, FlagChange.REPLACE)
