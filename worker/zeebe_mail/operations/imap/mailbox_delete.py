"""Delete a mailbox with all its messages (IMAP DELETE, RFC 9051, 6.3.5)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.errors import InputError, MailboxNotFound
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, OperationOutput, Request, operation
from zeebe_mail.operations.fields import IF_MISSING, IfMissing, MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.mailbox_result import refuse_special


class MailboxDeleteRequest(Request):
    """The mailbox, twice."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox")]
    """The mailbox (IMAP folder) to delete with all its messages."""
    confirm: Annotated[MailboxName, Prompt("The same again", group="mailbox", hint="All its messages are lost")]
    """The same text as in `mailbox`, because nothing brings the messages back."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such mailbox", group="error", feel="static", choices=IF_MISSING),
    ] = "result"
    """Whether a mailbox that is not there is an error or a result."""


class MailboxDeleteInput(ImapInput):
    """Where, as whom, and which mailbox."""

    request: Annotated[MailboxDeleteRequest, Prompt("Mailbox", group="mailbox")]
    """The mailbox."""


class MailboxDeleteOutput(OperationOutput):
    """The mailbox's path. ``deleted`` is false when there was none."""

    mailbox: str
    deleted: bool


@operation(title="Delete a mailbox", keywords=("imap", "folder", "remove"))
async def mailbox_delete(given: MailboxDeleteInput, imap: ImapSession, attempt: Attempt) -> MailboxDeleteOutput:
    """Delete a mailbox and its messages for good. The inbox and special mailboxes are refused.

    One that is not there is no error unless asked for, so it may be repeated.
    """
    asked = given.request
    if asked.confirm != asked.mailbox:
        raise InputError(
            f'Mailbox "{asked.mailbox}" was not deleted, because `confirm` says "{asked.confirm}".',
            next_step="To delete a mailbox with all its messages, put the same text into `mailbox` and `confirm`.",
            details={"mailbox": asked.mailbox},
        )
    try:
        path = await imap.directory.resolve(asked.mailbox)
        await refuse_special(imap, path, doing="deleted")
        await imap.mailboxes.delete(path)
    except MailboxNotFound:
        if asked.if_missing == "error":
            raise
        return MailboxDeleteOutput(mailbox=await imap.directory.path_for(asked.mailbox), deleted=False)
    return MailboxDeleteOutput(mailbox=path, deleted=True)
