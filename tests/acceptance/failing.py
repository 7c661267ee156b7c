"""A worker that kills itself, with a signal that nobody can catch, at the point that FAIL_POINT names."""

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from zeebe_mail.__main__ import main
from zeebe_mail.jobs.recorded import RecordedAttempt
from zeebe_mail.ledger.ledger import Claim, Delivered, Handover, Ledger
from zeebe_mail.zeebe.gateway import Gateway


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str) -> None:
    async def dies(*_: Any, **__: Any) -> None:
        die()

    setattr(owner, name, dies)


def after(owner: type, name: str) -> None:
    whole: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def then_dies(*given: Any, **named: Any) -> None:
        await whole(*given, **named)
        die()

    setattr(owner, name, then_dies)


POINTS: dict[str, Callable[[], None]] = {
    "claimed": lambda: after(Ledger, "claim"),
    "before data": lambda: before(Claim, "data"),
    "after data": lambda: after(RecordedAttempt, "commit"),
    "before sent": lambda: before(Handover, "sent"),
    "after sent": lambda: after(Delivered, "told"),
    "before complete": lambda: before(Gateway, "answer"),
}

if __name__ == "__main__":
    POINTS[os.environ["FAIL_POINT"]]()
    main()
