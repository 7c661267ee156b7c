"""Rename a mailbox (IMAP RENAME, RFC 9051, 6.3.6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeebe_mail.errors import MailboxExists, MailboxNotFound
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, OperationOutput, Request, operation
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.mailbox_result import refuse_special
from zeebe_mail.operations.target import existing


class MailboxRenameRequest(Request):
    """The mailbox and its new path."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox")]
    """The mailbox (IMAP folder) as it is called now."""
    new_name: Annotated[MailboxName, Prompt("New name", group="mailbox", hint="The whole path: Archive/2026")]
    """Its new path; the levels above may be others than before."""


class MailboxRenameInput(ImapInput):
    """Where, as whom, and which mailbox."""

    request: Annotated[MailboxRenameRequest, Prompt("Mailbox", group="mailbox")]
    """The mailbox and its new path."""


class MailboxRenameOutput(OperationOutput):
    """The old and the new path. ``renamed`` is false when only the new one existed, most likely by an earlier try."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    mailbox: str
    renamed: bool


@operation(title="Rename a mailbox", keywords=("imap", "folder", "move"))
async def mailbox_rename(given: MailboxRenameInput, imap: ImapSession, attempt: Attempt) -> MailboxRenameOutput:
    """Rename a mailbox with all below it; subscriptions follow. The inbox and special mailboxes are refused.

    Where there is no such mailbox, but one of the new name, only subscriptions may be left to do: it may be repeated.
    """
    asked = given.request
    there = await existing(imap, asked.new_name, or_level=True)
    try:
        path = await imap.directory.resolve(asked.mailbox, or_level=True)
    except MailboxNotFound:
        if there is None:
            raise
        missing = await imap.directory.path_for(asked.mailbox)
        await imap.mailboxes.finish_renaming(missing, there)
        return MailboxRenameOutput(from_=missing, to=there, mailbox=there, renamed=False)
    if there is not None:
        raise MailboxExists(f'There is a mailbox "{there}" already.', details={"mailbox": there})
    await refuse_special(imap, path, doing="renamed")
    to = await imap.directory.path_for(asked.new_name)
    await imap.mailboxes.rename(path, to)
    return MailboxRenameOutput(from_=path, to=to, mailbox=to, renamed=True)
