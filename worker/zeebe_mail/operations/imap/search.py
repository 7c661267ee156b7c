"""Search the messages of a mailbox (IMAP SEARCH, RFC 9051, 6.4.4)."""

from __future__ import annotations

from typing import Annotated

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.message.criteria import RequiredCriteria
from zeebe_mail.operations.base import Attempt, Desk, operation
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.listing import ListOutput, ListRequest, list_messages


class SearchRequest(ListRequest):
    """What to search for, where, and how much of what is found."""

    criteria: Annotated[
        RequiredCriteria,
        Prompt("Criteria", group="mailbox", hint='{from: "jane@example.org", seen: false}', feel="required"),
    ]
    """What the messages must have; see docs/operations.md."""


class SearchInput(ImapInput):
    """Where, as whom, and what to search for."""

    request: Annotated[SearchRequest, Prompt("Search", group="mailbox")]
    """What to search for."""


@operation(title="Search messages", keywords=("imap", "find", "filter", "query"))
async def search(given: SearchInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> ListOutput:
    """Find messages of a mailbox. Changes nothing and marks nothing as read."""
    return await list_messages(imap, given.request, given.request.criteria, desk)
