"""What is done in the mailboxes once a mail has gone out: nothing of it may fail the job, which would send it again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from zeebe_mail.errors import Busy, EndpointSaturated, Misbehaved, Unreachable, WorkerError
from zeebe_mail.mail.imap import ImapSession

PATIENCE_S = 30.0
"""How long all tries together may begin: the mail is out, and a worker that stops waits for its jobs."""
TRIES = 3

Result = TypeVar("Result")
Lease = Callable[[], AbstractAsyncContextManager[ImapSession]]


class NotDone(Exception):
    """It could not be done; the message says why, for the result of the task."""


async def done(lease: Lease, act: Callable[[ImapSession], Awaitable[Result]]) -> Result:
    """Do something that may be done twice, again where the server or our share of it was in the way.

    Raises:
        NotDone: it could not be done. Nothing else is raised but cancellation and bugs.
    """
    loop = asyncio.get_running_loop()
    until, lost = loop.time() + PATIENCE_S, 0
    while True:
        try:
            async with lease() as imap:
                return await act(imap)
        except EndpointSaturated as full:
            fault: WorkerError = full
        except (Unreachable, Misbehaved, Busy) as trouble:
            fault, lost = trouble, lost + 1
        except WorkerError as refusal:
            raise NotDone(f"{refusal.code}: {refusal.message}") from refusal
        wait = fault.retry_after.total_seconds() if fault.retry_after else lost * 0.5
        if lost == TRIES or loop.time() + wait > until:
            raise NotDone(f"{fault.code}: {fault.message}") from fault
        await asyncio.sleep(wait)
