"""Search the messages of a mailbox (POP3: the server cannot, so it is done here)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import Pop3Session
from zeebe_mail.operations.base import Attempt, Desk, OperationOutput, operation
from zeebe_mail.operations.maildrop import (
    OrderField,
    RequiredPop3Criteria,
    Shown,
    ShowsMessages,
    SortBy,
    SortField,
    in_order,
    shown,
)
from zeebe_mail.operations.pop3 import Pop3Input
from zeebe_mail.operations.scan import MaxBytes, MaxScan, scan


class SearchRequest(ShowsMessages):
    """What to look for, and how far to go for it."""

    criteria: Annotated[
        RequiredPop3Criteria,
        Prompt("Criteria", group="message", hint='{from: "jane@example.org", since: "2026-01-31"}', feel="required"),
    ]
    """What the messages must have; see docs/operations.md."""
    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="reading")] = 50
    """How many messages; which are left out depends on the order."""
    sort_by: SortField = SortBy.ARRIVAL
    """ARRIVAL: as the server numbers them. RECEIVED_DATE, SENT_DATE: by header. SIZE, BODY_SIZE."""
    sort_order: OrderField = "DESC"
    """DESC: newest or largest first. ASC: oldest or smallest first."""
    max_scan: MaxScan = 10_000
    """How many messages are looked at, from the newest on."""
    max_bytes: MaxBytes = 100 * 1024 * 1024
    """How many bytes are read where BODY or TEXT is searched: the whole message each time."""


class SearchInput(Pop3Input):
    """Where, as whom, and what to search for."""

    request: Annotated[SearchRequest, Prompt("Search", group="message")]
    """The search."""


class SearchOutput(OperationOutput):
    """Messages in the order asked for."""

    messages: list[Shown]
    total: int
    """How many were found, listed or not."""
    truncated: bool
    """Whether that are more than are listed."""
    scanned: int
    """How many messages were looked at."""
    skipped: int
    """How many of them were too large for their body to be searched, or beyond ``maxBytes``."""
    complete: bool
    """Whether all messages of the mailbox were looked at and none was skipped: what is not found is not there."""


@operation(title="Search messages", keywords=("pop3", "find", "filter", "criteria"))
async def search(given: SearchInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> SearchOutput:
    """Search the messages of a mailbox, from the newest to the oldest. Deletes nothing.

    Headers are looked at once in the worker's life, bodies each time.
    """
    asked = given.request
    result = await scan(pop3, asked.criteria, desk.reader, max_scan=asked.max_scan, max_bytes=asked.max_bytes)
    first = (await in_order(pop3, result.found, asked.sort_by, asked.sort_order))[: asked.limit]
    return SearchOutput(
        messages=await shown(pop3, first, asked),
        total=len(result.found),
        truncated=len(result.found) > len(first),
        scanned=result.scanned,
        skipped=result.skipped,
        complete=result.complete,
    )
