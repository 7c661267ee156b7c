"""The mailbox that messages are put into (IMAP)."""

from __future__ import annotations

from zeebe_mail.errors import MailboxNotFound
from zeebe_mail.mail.imap import ImapSession


async def existing(imap: ImapSession, name: str) -> str | None:
    """The path of a mailbox, or None when there is none."""
    try:
        return await imap.directory.resolve(name)
    except MailboxNotFound:
        return None


async def made(imap: ImapSession, name: str, *, create: bool) -> str:
    """The path of a mailbox, which is made where that is asked for; one that is named by its use is never made.

    Raises:
        MailboxNotFound: there is none.
    """
    try:
        return await imap.directory.resolve(name)
    except MailboxNotFound:
        if not create or name.startswith("\\"):
            raise
    path = await imap.directory.path_for(name)
    await imap.mailboxes.create(path)
    return path
