"""A draft is claimed before it is sent, so that it goes out once, however many jobs there are for it.

The claim is the keyword ``$SubmitPending`` (RFC 5550), which one of several gets. Where the server cannot do that, it
is a note beside the draft: the server gives each message a UID of its own, and the first note is the claim.
"""

from __future__ import annotations

import secrets

from zeebe_mail.errors import Busy, MessageNotFound, Unsupported
from zeebe_mail.mail.imap import FlagChange, ImapSession, Summary
from zeebe_mail.operations.composing.original import Place, opened
from zeebe_mail.operations.drafts import removed
from zeebe_mail.operations.selection import uids_with

PENDING = "$SubmitPending"


async def claimed(imap: ImapSession, place: Place) -> bool:
    """Claim a draft; false where it is claimed already.

    Raises:
        MessageNotFound: it is not there any more.
        UidValidityChanged: the mailbox was made anew.
    """
    await opened(imap, place, writable=True)
    try:
        was_first = await imap.filing.set_first(place.uid, PENDING)
    except Unsupported:
        was_first = await _noted(imap, place)
    if was_first is None:
        raise MessageNotFound(
            f'The draft with UID {place.uid} is not in mailbox "{place.mailbox}" any more.',
            details={"mailbox": place.mailbox, "uid": place.uid, "uidValidity": place.uid_validity},
        )
    return was_first


async def released(imap: ImapSession, place: Place) -> None:
    """Give up the claim to a draft that was not sent."""
    await opened(imap, place, writable=True)
    if notes := await _notes(imap, place):
        await _removed(imap, place, notes)
    else:
        await imap.filing.store_flags([place.uid], FlagChange.REMOVE, (PENDING,))


async def settled(imap: ImapSession, place: Place) -> bool:
    r"""Remove a draft that was sent, and then what claimed it; false where it can only be marked as deleted."""
    gone = await removed(imap, place)
    await _removed(imap, place, await _notes(imap, place))
    return gone


# ── notes ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _noted(imap: ImapSession, place: Place) -> bool | None:
    if await _notes(imap, place):
        return False
    own = secrets.token_hex(16)
    await imap.filing.append(place.mailbox, _note(place, own), flags=(r"\Seen",))
    await imap.mailboxes.leave(place.mailbox)  # of one that stays open, Courier does not show what others have added
    await opened(imap, place, writable=True)
    notes = await _notes(imap, place)
    ours = [one for one in notes if own.encode() in one.header]
    if not ours:
        raise Busy("The note that claims the draft is not in the mailbox yet, or somebody removed it.")
    if ours[0].uid != min(one.uid for one in notes):
        await _removed(imap, place, ours)
        return False
    if not _remaining(await imap.fetch.summaries([place.uid], attachments=False)):
        await _removed(imap, place, ours)
        return None
    return True


def _note_id(place: Place) -> str:
    return f"<claim-{place.uid_validity}-{place.uid}@zeebe-mail.invalid>"


def _note(place: Place, own: str) -> bytes:
    return (
        "From: zeebe-mail <claim@zeebe-mail.invalid>\r\nSubject: A draft is being sent\r\n"
        f"Message-ID: {_note_id(place)}\r\nReferences: <{own}@zeebe-mail.invalid>\r\n\r\n"
        f"The draft with UID {place.uid} is being sent, or was when a worker died.\r\n"
        "It is not sent again while this note is here.\r\n"
    ).encode()


async def _notes(imap: ImapSession, place: Place) -> list[Summary]:
    uids = await uids_with(imap, _note_id(place))
    return _remaining(await imap.fetch.summaries(uids, attachments=False)) if uids else []


def _remaining(messages: list[Summary]) -> list[Summary]:
    r"""Those that are not marked as deleted."""
    return [one for one in messages if not any(flag.lower() == r"\deleted" for flag in one.flags)]


async def _removed(imap: ImapSession, place: Place, notes: list[Summary]) -> None:
    for note in notes:
        await removed(imap, Place(place.mailbox, note.uid, place.uid_validity, note.flags, note.size))
