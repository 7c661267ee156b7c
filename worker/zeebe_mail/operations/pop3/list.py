"""List the messages of a mailbox (POP3 LIST, UIDL and TOP, RFC 1939)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.pop3 import Pop3Session
from zeebe_mail.operations.base import Attempt, OperationOutput, operation
from zeebe_mail.operations.maildrop import (
    NumberRanges,
    OrderField,
    Shown,
    ShowsMessages,
    SortBy,
    SortField,
    in_order,
    in_range,
    shown,
)
from zeebe_mail.operations.pop3 import Pop3Input


class ListRequest(ShowsMessages):
    """How many messages, in what order."""

    ties_ascending: ClassVar[bool] = False
    """Whether equal messages come by arrival even where the order is descending."""

    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="reading")] = 50
    """How many messages; which are left out depends on the order."""
    sort_by: SortField = SortBy.ARRIVAL
    """ARRIVAL: as the server numbers them. RECEIVED_DATE, SENT_DATE: by header, for which all are looked at. SIZE.
    BODY_SIZE: without the header, for which all are looked at too."""
    sort_order: OrderField = "DESC"
    """DESC: newest or largest first. ASC: oldest or smallest first."""
    numbers: NumberRanges = None
    """Only these of the mailbox as it is now, 1 being the oldest; ``*`` is the newest."""


class ListInput(Pop3Input):
    """Where, as whom, and what to list."""

    request: Annotated[ListRequest, Prompt("Messages", group="message")] = ListRequest()
    """How much of the mailbox."""


class ListOutput(OperationOutput):
    """Messages in the order asked for."""

    messages: list[Shown]
    total: int
    """How many there are, listed or not."""
    truncated: bool
    """Whether that are more than are listed."""


@operation(title="List messages", keywords=("pop3", "inbox", "newest", "emails"))
async def list_(given: ListInput, pop3: Pop3Session, attempt: Attempt) -> ListOutput:
    """List the messages of a mailbox, the newest first. Deletes nothing.

    By arrival only what is listed is asked for. By date all headers are looked at, each once in the worker's life.
    """
    asked = given.request
    messages = in_range(await pop3.listing(), asked.numbers)
    ordered = await in_order(pop3, messages, asked.sort_by, asked.sort_order, ties_ascending=asked.ties_ascending)
    first = ordered[: asked.limit]
    return ListOutput(
        messages=await shown(pop3, first, asked), total=len(messages), truncated=len(messages) > len(first)
    )
