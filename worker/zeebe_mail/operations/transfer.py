"""Putting messages into another mailbox (IMAP): what `move`, `copy` and `delete` to the trash have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from zeebe_mail.errors import Misbehaved, OutcomeUnknown, Unreachable
from zeebe_mail.mail.imap import ImapSession, Selected
from zeebe_mail.message.message_id import bare_or_none
from zeebe_mail.operations.base import Attempt
from zeebe_mail.operations.bulk import Change, Status, Worked, worked
from zeebe_mail.operations.selection import Choice, Chosen, uids_with


class Transfer(Change):
    """A message that was put into another mailbox: where it is there, and the UID it had before."""

    source_uid: int | None


async def move_all(
    imap: ImapSession, source: Selected, choice: Choice, path: str | None, attempt: Attempt
) -> list[Transfer]:
    """Move messages of the selected mailbox; what became of each. Without ``path`` there is no such mailbox yet.

    A message that is not in the source and is in the target was moved before. With MOVE (RFC 6851) a message is at any
    time in one of the two, so the job may be stopped and repeated at any time. Without, the copy is the point of no
    return: nobody interrupts between it and the expunging, and a try after a lost connection finds the copies.
    """
    if path is None:
        return [_left(one, source, Worked()) for one in choice.messages]
    if path == source.path:
        return [
            _left(one, source, Worked())
            if one.uid is None
            else _put(one, "already", source.path, source.uid_validity, one.uid)
            for one in choice.messages
        ]
    result = await _move(imap, choice, path, attempt)
    gone = [one for one in choice.messages if one.message_id and result.outcome(one)["status"] == "missing"]
    there = await _uids_there(imap, path, [*gone, *_untold(choice, result)])
    validity = (await imap.directory.status(path)).uid_validity
    transfers = []
    for one in choice.messages:
        if one.uid in result.done:
            uid = result.done[one.uid] or there.get(one.message_id)
            transfers.append(_put(one, "done", path, validity, uid))
        elif one in gone and one.message_id in there:
            transfers.append(_put(one, "already", path, validity, there[one.message_id]))
        else:
            transfers.append(_left(one, source, result))
    return transfers


async def _move(imap: ImapSession, choice: Choice, path: str, attempt: Attempt) -> Worked[int]:
    if not choice.uids or "MOVE" in imap.capabilities:
        return await worked(partial(imap.filing.move, path=path), choice.uids)
    await attempt.commit()
    with _in_doubt_without_message_id(choice, path):
        return await worked(partial(imap.filing.move, path=path), choice.uids)


async def copy_all(imap: ImapSession, source: Selected, choice: Choice, path: str, attempt: Attempt) -> list[Transfer]:
    """Copy messages of the selected mailbox; what became of each.

    What the target has a copy of is not copied again: same Message-ID, same size, received at the same moment. So a
    job that is tried again makes no second copies.

    Point of no return: COPY. After a lost connection copies are looked for by Message-ID.

    Raises:
        OutcomeUnknown: the connection was lost, and a message has no Message-ID.
    """
    copied = await imap.filing.copied_earlier(choice.uids, path) if choice.uids else {}
    uids = [uid for uid in choice.uids if uid not in copied]
    if uids:
        await attempt.commit()
    with _in_doubt_without_message_id(choice, path):
        result = await worked(partial(imap.filing.copy, path=path), uids)
    there = await _uids_there(imap, path, _untold(choice, result))
    validity = (await imap.directory.status(path)).uid_validity
    transfers = []
    for one in choice.messages:
        if one.uid in copied:
            transfers.append(_put(one, "already", path, validity, copied[one.uid]))
        elif one.uid in result.done:
            uid = result.done[one.uid] or there.get(one.message_id)
            transfers.append(_put(one, "done", path, validity, uid))
        else:
            transfers.append(_left(one, source, result))
    return transfers


@contextmanager
def _in_doubt_without_message_id(choice: Choice, path: str) -> Iterator[None]:
    """A lost connection while messages are copied is in doubt when no later try could find one of the copies."""
    try:
        yield
    except (Unreachable, Misbehaved) as error:
        nameless = [one.uid for one in choice.messages if one.uid is not None and not bare_or_none(one.message_id)]
        if not nameless:
            raise
        raise OutcomeUnknown(
            f'The connection was lost while messages were copied to mailbox "{path}", and {len(nameless)} of them have '
            f"no Message-ID by which their copies could be found: {error.message}",
            next_step="Look whether they are there.",
            details=error.details | {"mailbox": path, "uids": nameless[:100]},
        ) from error


def _untold(choice: Choice, result: Worked[int]) -> list[Chosen]:
    """Those of which the server did not say which UID they got (it has no UIDPLUS, RFC 4315)."""
    return [one for one in choice.messages if one.message_id and result.done.get(one.uid or 0) == 0]


async def _uids_there(imap: ImapSession, path: str, sought: Iterable[Chosen]) -> dict[str | None, int | None]:
    """Those that are in a mailbox, by Message-ID; without UID where several there have that."""
    names = {one.message_id for one in sought} - {None}
    if not names:
        return {}
    await imap.mailboxes.select(path)
    found = {name: await uids_with(imap, name) for name in names}
    return {name: uids[0] if len(uids) == 1 else None for name, uids in found.items() if uids}


def _put(one: Chosen, status: Status, path: str, validity: int, uid: int | None) -> Transfer:
    return Transfer(
        message_id=one.message_id,
        mailbox=path,
        uid_validity=validity,
        uid=uid,
        source_uid=one.uid,
        status=status,
        error=None,
    )


def _left(one: Chosen, source: Selected, result: Worked[int]) -> Transfer:
    """A message that is where it was, or nowhere."""
    return Transfer(
        message_id=one.message_id,
        mailbox=source.path,
        uid_validity=source.uid_validity,
        uid=one.uid,
        source_uid=one.uid,
        **result.outcome(one),
    )
