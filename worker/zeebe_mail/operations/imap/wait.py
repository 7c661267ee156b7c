"""Wait for a mail (IMAP IDLE, RFC 2177; else looking again and again)."""

from __future__ import annotations

import asyncio
from typing import Annotated

import structlog
from pydantic import BeforeValidator, Field

from zeebe_mail.errors import Busy, EndpointSaturated, MessageNotFound, Misbehaved, Unreachable
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.mail.server import seconds
from zeebe_mail.operations.base import Attempt, Desk, Turns, operation
from zeebe_mail.operations.fields import IF_MISSING, IfMissing
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.imap.search import SearchRequest
from zeebe_mail.operations.listing import ListOutput, list_messages

log = structlog.get_logger(__name__)

TURN_S = 20.0
"""How long a session is held while the server tells by itself what is new."""
PAUSE_S = 5.0
"""How long a look is put off where no session may be held, or there is none."""


class WaitRequest(SearchRequest):
    """What to wait for, where, and how long."""

    timeout_seconds: Annotated[
        float,
        Field(ge=0, le=86_400),
        BeforeValidator(seconds),
        Prompt("Wait at most", group="mailbox", hint="600 seconds; or a duration such as PT1H"),
    ] = 600
    """How long to wait: seconds, or an ISO-8601 duration; 0 looks once."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If no mail comes", group="error", feel="static", choices=IF_MISSING),
    ] = "result"
    """Whether the end of the time is an error, or a result with `found` false."""


class WaitInput(ImapInput):
    """Where, as whom, and what to wait for."""

    request: Annotated[WaitRequest, Prompt("Mail", group="mailbox")]
    """What to wait for."""


class WaitOutput(ListOutput):
    """The messages that match. ``found`` is false when there was none at the end of the time."""

    found: bool


@operation(title="Wait for a mail", keywords=("imap", "receive", "idle", "poll", "answer"))
async def wait(given: WaitInput, turns: Turns[ImapSession], attempt: Attempt, desk: Desk) -> WaitOutput:
    """Wait until a message matches: one that is there already does, so nothing is missed when the job is repeated.

    Changes nothing. While it waits, the job is one of the worker's jobs, and its time-out is extended. A session is
    held only while half of the server's share of connections is free; else it looks every few seconds with a session
    that others use in between. A connection that is lost is made anew, within the time. When the worker stops, the job
    is handed back, and the time begins anew with the next worker.
    """
    asked = given.request
    clock = asyncio.get_running_loop().time
    ends_at = clock() + asked.timeout_seconds
    was_there = False
    failures = 0
    while True:
        left_s = ends_at - clock()
        pause_s = PAUSE_S
        try:
            async with turns.lease() as imap:
                was_there = True
                seen = await list_messages(imap, asked, asked.criteria, desk)
                failures = 0
                if seen.messages or left_s <= 0:
                    return _output(asked, seen)
                if turns.has_room:
                    await imap.mailboxes.wait_for_change(min(TURN_S, left_s))
                    continue
        except (EndpointSaturated, Busy, Misbehaved, Unreachable) as error:
            if left_s <= 0 or not (was_there or isinstance(error, EndpointSaturated)):
                raise
            failures += not isinstance(error, EndpointSaturated)
            if failures == 2:  # once is a connection that was lost, and no news
                log.warning(
                    "mail server is away, waiting goes on",
                    action="wait_held_up",
                    mailbox=asked.mailbox,
                    code=error.code,
                    reason=error.message,
                )
            pause_s = max(pause_s, error.retry_after.total_seconds() if error.retry_after else 0)
        await asyncio.sleep(min(pause_s, left_s))


def _output(asked: WaitRequest, seen: ListOutput) -> WaitOutput:
    if not seen.messages and asked.if_missing == "error":
        raise MessageNotFound(
            f'No mail that matches was in mailbox "{seen.mailbox}" for {asked.timeout_seconds:g} seconds.',
            next_step="Wait longer, or set `ifMissing` to `result` where that is no error.",
            details={"mailbox": seen.mailbox, "uidValidity": seen.uid_validity},
        )
    return WaitOutput(found=bool(seen.messages), **dict(seen))
