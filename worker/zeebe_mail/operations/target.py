"""The mailbox that messages are put into, and what is in it already (IMAP)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zeebe_mail.errors import MailboxNotFound
from zeebe_mail.mail.imap import ImapSession, Summary
from zeebe_mail.message.criteria import HeaderContains, Or
from zeebe_mail.operations.message_result import message_id_in

AT_ONCE = 20
"""Message-IDs in one search."""


async def existing(imap: ImapSession, name: str) -> str | None:
    """The path of a mailbox, or None when there is none."""
    try:
        return await imap.resolve(name)
    except MailboxNotFound:
        return None


async def made(imap: ImapSession, name: str, *, create: bool) -> str:
    """The path of a mailbox, which is made where that is asked for.

    Raises:
        MailboxNotFound: there is none.
    """
    try:
        return await imap.resolve(name)
    except MailboxNotFound:
        if not create or name.startswith("\\"):
            raise
    path = imap.path_for(name)
    await imap.create_mailbox(path)
    return path


async def with_message_id(imap: ImapSession, path: str, message_ids: Iterable[str]) -> dict[str, list[Summary]]:
    """What is in a mailbox under these Message-IDs (with angle brackets). The mailbox is selected afterwards."""
    found: dict[str, list[Summary]] = {message_id: [] for message_id in message_ids}
    if not found:
        return found
    await imap.select(path)
    wanted = list(found)
    for start in range(0, len(wanted), AT_ONCE):
        some = tuple(HeaderContains("Message-ID", message_id) for message_id in wanted[start : start + AT_ONCE])
        hits = await imap.search(Or(some))
        for summary in await imap.summaries(hits, attachments=False) if hits else ():
            if (message_id := message_id_in(summary.header)) in found:
                found[message_id].append(summary)
    return found


async def twins(imap: ImapSession, path: str, originals: Sequence[Summary]) -> dict[int, int]:
    """Of messages of another mailbox, those of which a copy is here: old UID → UID of the copy.

    Senders choose Message-IDs, so only what also has the same size and was received at the same moment is a copy.
    """
    ids = {one.uid: message_id for one in originals if (message_id := message_id_in(one.header))}
    there = await with_message_id(imap, path, ids.values())
    found = {}
    for one in originals:
        copies = there.get(ids.get(one.uid, ""), [])
        copy = next((copy for copy in copies if (copy.size, copy.received) == (one.size, one.received)), None)
        if copy:
            copies.remove(copy)
            found[one.uid] = copy.uid
    return found
