"""A worker that kills itself, with a signal that nobody can catch, at the point that FAIL_POINT names.

It does so the first time that it comes there, or the FAIL_AT-th.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from zeebe_mail.__main__ import main
from zeebe_mail.jobs.recorded import RecordedAttempt
from zeebe_mail.ledger.ledger import Claim, Delivered, Handover, Ledger
from zeebe_mail.mail.smtp.session import SmtpSession
from zeebe_mail.zeebe.gateway import Gateway

Step = Callable[..., Awaitable[Any]]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str, last_act: Step | None = None) -> None:
    """Die in the place of a step, or in the middle of it, which is `last_act`."""
    whole: Step = getattr(owner, name)
    passes = count(1)

    async def may_die(*given: Any, **named: Any) -> Any:
        if next(passes) == fatal_pass():
            if last_act:
                await last_act(*given)
            die()
        return await whole(*given, **named)

    setattr(owner, name, may_die)


def after(owner: type, name: str) -> None:
    whole: Step = getattr(owner, name)
    passes = count(1)

    async def may_die_then(*given: Any, **named: Any) -> Any:
        result = await whole(*given, **named)
        if next(passes) == fatal_pass():
            die()
        return result

    setattr(owner, name, may_die_then)


def fatal_pass() -> int:
    return int(os.environ.get("FAIL_AT", "1"))


async def write_the_dot(session: Any) -> None:
    session._connection.transport.write(b".\r\n")
    await asyncio.sleep(0.1)  # the server has it; its answer stays unread


POINTS: dict[str, Callable[[], None]] = {
    "claimed": lambda: after(Ledger, "claim"),
    "before data": lambda: before(Claim, "data"),
    "after data": lambda: after(RecordedAttempt, "commit"),
    "after dot": lambda: before(SmtpSession, "_finish", write_the_dot),
    "before sent": lambda: before(Handover, "sent"),
    "after sent": lambda: after(Delivered, "told"),
    "before complete": lambda: before(Gateway, "answer"),
}

if __name__ == "__main__":
    POINTS[os.environ["FAIL_POINT"]]()
    main()
