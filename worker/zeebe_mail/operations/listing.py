"""Listing the messages of a mailbox, all or those that match (IMAP)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession, Selected, SortBy, Summary
from zeebe_mail.message.criteria import Criterion
from zeebe_mail.message.matching import client_side, server_side
from zeebe_mail.operations.base import OperationOutput, Request
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.matching import decides_alone, matching
from zeebe_mail.operations.message_result import ImapMessageSummary, MessagePlace, imap_summary, message_id_in

AT_A_TIME = 2
"""Messages that are made ready without a break: each takes 0.1 to 0.5 ms of the event loop."""


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class ListRequest(Request):
    """Which mailbox, how many messages, in what order, and how much of each."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="Default INBOX")] = "INBOX"
    """The mailbox (IMAP folder)."""
    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="mailbox", hint="Default 50")] = 50
    """How many messages; which are left out depends on the order."""
    sort_by: Annotated[SortBy, BeforeValidator(_upper), Prompt("Sort by", group="mailbox", feel="static")] = (
        SortBy.RECEIVED
    )
    """When the server received them, when they were sent (the Date header), or their size."""
    sort_order: Annotated[
        Literal["ASC", "DESC"], BeforeValidator(_upper), Prompt("Order", group="mailbox", feel="static")
    ] = "DESC"
    """DESC: newest or largest first. ASC: oldest or smallest first."""
    fields: Annotated[
        Literal["ids", "summary"],
        Prompt("Of each message", group="mailbox", hint="ids: only what it is found by again", feel="static"),
    ] = "summary"
    """ids: messageId, uid, uidValidity and mailbox. summary: addresses, subject, dates, flags and sizes too."""


class ListOutput(OperationOutput):
    """Messages in the order asked for."""

    messages: list[ImapMessageSummary | MessagePlace]
    total: int
    """How many there are, listed or not."""
    truncated: bool
    """Whether that are more than are listed."""
    mailbox: str
    uid_validity: int


async def list_messages(imap: ImapSession, asked: ListRequest, criterion: Criterion | None) -> ListOutput:
    """List messages without marking any as read.

    Raises:
        MailboxNotFound: there is no such mailbox.
        Unsupported: the server does not know what is searched for.
    """
    selected = await imap.select(await imap.resolve(asked.mailbox))
    uids, total = await _first(imap, selected, asked, criterion)
    summaries = await imap.summaries(uids, attachments=asked.fields == "summary")
    messages = []
    for start in range(0, len(summaries), AT_A_TIME):
        messages += [_listed(one, selected, asked) for one in summaries[start : start + AT_A_TIME]]
        await asyncio.sleep(0)  # other jobs have their turn
    return ListOutput(
        messages=messages,
        total=total,
        truncated=total > len(uids),
        mailbox=selected.path,
        uid_validity=selected.uid_validity,
    )


def _listed(one: Summary, selected: Selected, asked: ListRequest) -> ImapMessageSummary | MessagePlace:
    if asked.fields == "summary":
        return imap_summary(one, selected)
    return MessagePlace(
        message_id=message_id_in(one.header), uid=one.uid, uid_validity=selected.uid_validity, mailbox=selected.path
    )


async def _first(
    imap: ImapSession, selected: Selected, asked: ListRequest, criterion: Criterion | None
) -> tuple[list[int], int]:
    """The UIDs that are listed, and how many there are to list."""
    descending = asked.sort_order == "DESC"
    if criterion is not None and not decides_alone(criterion):
        everything = max(selected.exists, 1)
        ordered = await imap.sorted(
            asked.sort_by, descending=descending, limit=everything, criterion=server_side(criterion)
        )
        uids = await matching(imap, ordered, client_side(criterion))
        return uids[: asked.limit], len(uids)
    uids = await imap.sorted(asked.sort_by, descending=descending, limit=asked.limit, criterion=criterion)
    if criterion is None:
        return uids, selected.exists
    return uids, len(uids) if len(uids) < asked.limit else await imap.count(criterion)
