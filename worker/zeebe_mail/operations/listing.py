"""Listing the messages of a mailbox, all or those that match (IMAP)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from zeebe_mail.errors import MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession, Selected, SortBy, Summary
from zeebe_mail.message.criteria import Criterion
from zeebe_mail.message.matching import client_side, server_side
from zeebe_mail.message.parse import MESSAGE_LIMIT, parse_header
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.operations.base import Desk, OperationOutput, Request
from zeebe_mail.operations.fields import DETAILS, ORDERS, MailboxName, SortOrder, upper
from zeebe_mail.operations.matching import decides_alone, matching
from zeebe_mail.operations.message_result import (
    ImapMessageContent,
    ImapMessageSummary,
    MessagePlace,
    imap_content,
    imap_place,
    imap_summary,
)

MOST_READ = 100
"""Messages that are read by one task."""
AT_A_TIME = 2
"""Messages that are made ready without a break: each takes 0.1 to 0.5 ms of the event loop."""


class ListRequest(Request):
    """Which mailbox, how many messages, in what order, and how much of each."""

    ties_ascending: ClassVar[bool] = False
    """Whether equal messages come by UID even where the order is descending."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder)."""
    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="reading")] = 50
    """How many messages; which are left out depends on the order."""
    sort_by: Annotated[
        SortBy,
        BeforeValidator(upper),
        Prompt(
            "Sort by",
            group="reading",
            feel="static",
            choices={
                "ARRIVAL": "Arrival in this mailbox",
                "RECEIVED_DATE": "When it was received",
                "SENT_DATE": "When it was sent",
                "SIZE": "Size",
            },
        ),
    ] = SortBy.RECEIVED
    """When the server received them, when they were sent (the Date header), their size; or ARRIVAL, the order in which
    they came into this mailbox."""
    sort_order: Annotated[SortOrder, Prompt("Order", group="reading", feel="static", choices=ORDERS)] = "DESC"
    """DESC: newest or largest first. ASC: oldest or smallest first."""
    fields: Annotated[
        Literal["ids", "summary", "full"],
        Prompt(
            "Of each message",
            group="reading",
            feel="static",
            choices=DETAILS | {"full": "All of it, as reading gives it"},
        ),
    ] = "summary"
    """ids: messageId, uid, uidValidity and mailbox. summary: addresses, subject, dates, flags and sizes too. full: all
    that reading gives, attachments by name and size; then `limit` is at most 100, lest it be asked for by mistake."""

    def summary(self, one: Summary, selected: Selected) -> ImapMessageSummary:
        """A message as the list shows it."""
        return imap_summary(one, selected)

    @model_validator(mode="after")
    def _is_no_flood(self) -> ListRequest:
        if self.fields == "full" and self.limit > MOST_READ:
            raise ValueError(f"`limit` must be at most {MOST_READ} where `fields` is `full`")
        return self


Listed = ImapMessageSummary | ImapMessageContent | MessagePlace


class ListOutput(OperationOutput):
    """Messages in the order asked for."""

    messages: list[Listed]
    total: int
    """How many there are, listed or not."""
    truncated: bool
    """Whether that are more than are listed."""
    mailbox: str
    uid_validity: int


async def list_messages(imap: ImapSession, asked: ListRequest, criterion: Criterion | None, desk: Desk) -> ListOutput:
    """List messages without marking any as read.

    Raises:
        MailboxNotFound: there is no such mailbox.
        Unsupported: the server does not know what is searched for.
    """
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    uids, total = await _first(imap, selected, asked, criterion, desk)
    summaries = await imap.fetch.summaries(uids, attachments=asked.fields == "summary")
    messages: list[Listed] = []
    for start in range(0, len(summaries), AT_A_TIME):
        some = summaries[start : start + AT_A_TIME]
        messages += [await _listed(imap, one, selected, asked, desk) for one in some]
        await asyncio.sleep(0)  # other jobs have their turn
    return ListOutput(
        messages=messages,
        total=total,
        truncated=total > len(uids),
        mailbox=selected.path,
        uid_validity=selected.uid_validity,
    )


async def _listed(imap: ImapSession, one: Summary, selected: Selected, asked: ListRequest, desk: Desk) -> Listed:
    match asked.fields:
        case "ids":
            return imap_place(one, selected)
        case "summary":
            return asked.summary(one, selected)
        case "full":
            return imap_content((await _read(imap, one, desk)).as_json(), one, selected)


async def _read(imap: ImapSession, one: Summary, desk: Desk) -> ParsedMessage:
    """The whole message; what its header tells, where it is too large or has vanished meanwhile."""
    try:
        raw = await imap.fetch.message(one.uid, limit=MESSAGE_LIMIT)
    except MessageTooLarge as error:
        return parse_header(one.header, one.received, error.message)
    if raw is None:
        return parse_header(one.header, one.received, "The message has gone meanwhile.")
    return await desk.reader.read(raw, one.received)


async def _first(
    imap: ImapSession, selected: Selected, asked: ListRequest, criterion: Criterion | None, desk: Desk
) -> tuple[list[int], int]:
    """The UIDs that are listed, and how many there are to list."""
    ordered = partial(
        imap.search.ordered,
        asked.sort_by,
        descending=asked.sort_order == "DESC",
        ties_ascending=asked.ties_ascending,
    )
    if criterion is not None and not decides_alone(criterion):
        everything = max(selected.exists, 1)
        candidates = await ordered(limit=everything, criterion=server_side(criterion))
        uids = await matching(imap, candidates, client_side(criterion), desk.reader)
        return uids[: asked.limit], len(uids)
    uids = await ordered(limit=asked.limit, criterion=criterion)
    if criterion is None:
        return uids, selected.exists
    return uids, len(uids) if len(uids) < asked.limit else await imap.search.count(criterion)
