"""List the messages of a mailbox (IMAP SORT, RFC 5256, and FETCH)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.listing import ListOutput, ListRequest, list_messages


class ListInput(ImapInput):
    """Where, as whom, and what to list."""

    request: Annotated[ListRequest, Prompt("Messages", group="mailbox")] = ListRequest()
    """Which mailbox, and how much of it."""


@operation(title="List messages", keywords=("imap", "inbox", "newest", "emails"))
async def list_(given: ListInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> ListOutput:
    """List the messages of a mailbox, the newest first. Changes nothing and marks nothing as read."""
    return await list_messages(imap, given.request, None, desk)
