"""What became of each of many messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, get_args

from zeebe_mail.errors import MailboxNotFound, MailboxReadOnly, Refused, WorkerError
from zeebe_mail.operations.base import OperationOutput
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import Choice, Chosen

Status = Literal["done", "already", "missing", "failed"]
"""Done now; done before, most likely by an earlier try of the same job; not there; or refused, as ``error`` says."""

Result = TypeVar("Result")


class Problem(OperationOutput):
    """Why nothing was done to a message, as an error of the whole task would say it."""

    code: str
    message: str


class Change(MessagePlace):
    """What became of a message, and where it is now."""

    status: Status
    error: Problem | None


class Changes(MessagePlace):
    """What became of messages. The members of :class:`MessagePlace` are those of the only one, null with several."""

    done: int
    already: int
    missing: int
    failed: int
    total: int
    """How many there were to choose from."""
    truncated: bool
    """Whether that were more than `limit`."""


@dataclass(slots=True)
class Worked(Generic[Result]):
    """What a server did, by UID. Who is in neither has vanished meanwhile."""

    done: dict[int, Result] = field(default_factory=dict)
    failed: dict[int, Refused] = field(default_factory=dict)

    def outcome(self, one: Chosen) -> dict[str, Any]:
        """``status`` and ``error`` of a message."""
        error: WorkerError | None = one.trouble or (self.failed.get(one.uid) if one.uid else None)
        if error:
            return {"status": "failed", "error": Problem(code=error.code, message=error.message)}
        return {"status": "done" if one.uid in self.done else "missing", "error": None}


async def worked(act: Callable[[list[int]], Awaitable[Mapping[int, Result]]], uids: list[int]) -> Worked[Result]:
    """Do it to all at once; where the server refuses that, to one after the other.

    Raises:
        Refused: the server refuses all of them, or the mailbox.
    """
    result: Worked[Result] = Worked()
    if not uids:
        return result
    try:
        result.done.update(await act(uids))
        return result
    except (MailboxNotFound, MailboxReadOnly):
        raise
    except Refused as refused:
        if len(uids) == 1:
            raise
        first = refused
    for uid in uids:
        try:
            result.done.update(await act([uid]))
        except Refused as refused:
            result.failed[uid] = refused
    if not result.done:
        raise first
    return result


def summed_up(
    changes: Sequence[Change], choice: Choice, *, mailbox: str, uid_validity: int | None = None
) -> dict[str, Any]:
    """The members of :class:`Changes`; of :class:`MessagePlace` those given hold where there is not exactly one."""
    one = changes[0] if len(changes) == 1 else None
    return {
        "message_id": one and one.message_id,
        "uid": one and one.uid,
        "uid_validity": one.uid_validity if one else uid_validity,
        "mailbox": one.mailbox if one else mailbox,
        **{status: sum(change.status == status for change in changes) for status in get_args(Status)},
        "total": choice.total,
        "truncated": choice.total > len(choice.messages),
    }
