"""The mailbox that messages are put into (IMAP)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from zeebe_mail.errors import MailboxNotFound
from zeebe_mail.mail.imap import ImapSession, Selected

Result = TypeVar("Result")


async def existing(imap: ImapSession, name: str, *, or_level: bool = False) -> str | None:
    """The path of a mailbox (``or_level``: or of what only has some below it), or None when there is none."""
    try:
        return await imap.directory.resolve(name, or_level=or_level)
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
    path = await existing(imap, name, or_level=True) or await imap.directory.path_for(name)
    await imap.mailboxes.create(path)
    return path


async def put_into(
    imap: ImapSession, path: str, put: Callable[[], Awaitable[Result]], *, create: bool, source: Selected | None = None
) -> Result:
    """Put messages into a mailbox that was there a moment ago; when it has gone, it is made once more.

    ``source`` is the mailbox that has to be selected for it.

    Raises:
        MailboxNotFound: it has gone, and is not to be made.
    """
    try:
        return await put()
    except MailboxNotFound:  # [TRYCREATE] (RFC 9051, 7.1)
        if not create:
            raise
        await imap.mailboxes.create(path)
    if source is not None:
        await imap.mailboxes.again(source, writable=not source.read_only)
    return await put()
