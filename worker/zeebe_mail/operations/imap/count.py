"""Count the messages of a mailbox (IMAP SEARCH COUNT, RFC 4731)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.criteria import Criteria
from zeebe_mail.operations.base import Attempt, OperationOutput, Request, operation
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.matching import decides_alone, found


class CountRequest(Request):
    """Which mailbox, and which of its messages."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder)."""
    criteria: Annotated[
        Criteria, Prompt("Criteria", group="mailbox", hint="{seen: false}; blank: all", feel="required")
    ] = None
    """What the messages must have; without it all are counted."""


class CountInput(ImapInput):
    """Where, as whom, and what to count."""

    request: Annotated[CountRequest, Prompt("Messages", group="mailbox")] = CountRequest()
    """Which messages."""


class CountOutput(OperationOutput):
    """How many messages there are."""

    count: int
    mailbox: str
    uid_validity: int


@operation(title="Count messages", keywords=("imap", "number", "unread"))
async def count(given: CountInput, imap: ImapSession, attempt: Attempt) -> CountOutput:
    """Count the messages of a mailbox, or those that match. Changes nothing."""
    asked = given.request
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    if asked.criteria is None:
        number = selected.exists
    elif decides_alone(asked.criteria):
        number = await imap.search.count(asked.criteria)
    else:
        number = len(await found(imap, asked.criteria))
    return CountOutput(count=number, mailbox=selected.path, uid_validity=selected.uid_validity)
