"""How many messages a mailbox has (IMAP STATUS, RFC 9051, 6.3.11)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, operation
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.mailbox_result import Counts, OneMailbox


class MailboxStatusInput(ImapInput):
    """Where, as whom, and which mailbox."""

    request: Annotated[OneMailbox, Prompt("Mailbox", group="mailbox")] = OneMailbox()
    """The mailbox."""


class MailboxStatusOutput(Counts):
    """The mailbox and its numbers."""

    mailbox: str


@operation(title="Status of a mailbox", keywords=("imap", "folder", "unread", "count"))
async def mailbox_status(given: MailboxStatusInput, imap: ImapSession, attempt: Attempt) -> MailboxStatusOutput:
    """Count the messages of a mailbox without opening it. Changes nothing."""
    path = await imap.directory.resolve(given.request.mailbox)
    return MailboxStatusOutput(mailbox=path, **Counts.of(await imap.directory.status(path)).model_dump())
