"""Create a mailbox (IMAP CREATE and SUBSCRIBE, RFC 9051, 6.3.4 and 6.3.7)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, OperationOutput, Request, operation
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.target import existing


class MailboxCreateRequest(Request):
    """The mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="Archive/2026")]
    """Its path, with / or . between the levels; levels above it that do not exist are made too."""


class MailboxCreateInput(ImapInput):
    """Where, as whom, and which mailbox."""

    request: Annotated[MailboxCreateRequest, Prompt("Mailbox", group="mailbox")]
    """The mailbox."""


class MailboxCreateOutput(OperationOutput):
    """The mailbox's path as the server has it. ``created`` is false when it existed."""

    mailbox: str
    created: bool


@operation(title="Create a mailbox", keywords=("imap", "folder", "subscribe"))
async def mailbox_create(given: MailboxCreateInput, imap: ImapSession, attempt: Attempt) -> MailboxCreateOutput:
    """Create a mailbox and subscribe to it. One that exists is no error, so it may be repeated."""
    name = given.request.mailbox
    # What is only a level above others exists too, and yet can be created; the server knows.
    path = await existing(imap, name, or_level=True) or await imap.directory.path_for(name)
    return MailboxCreateOutput(mailbox=path, created=await imap.mailboxes.create(path))
