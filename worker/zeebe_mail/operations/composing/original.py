"""The stored mail that another is about: one that is answered, passed on, or finished and sent."""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator, model_validator

from zeebe_mail.errors import MessageTooLarge
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession, Selected, Summary
from zeebe_mail.message.parse import MESSAGE_LIMIT
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.references import MessageReference, ReferenceFields
from zeebe_mail.operations.after_sending import Lease, NotDone, done
from zeebe_mail.operations.base import Desk, Request
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import Chosen, check_validity, named_by, not_found, the_message


class StoredMail(ReferenceFields, Request):
    """A message of a mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="Default INBOX")] = "INBOX"
    """The mailbox (IMAP folder) it is in."""

    @property
    def reference(self) -> MessageReference:
        """What names it in the mailbox."""
        return MessageReference(message_id=self.message_id, uid=self.uid, uid_validity=self.uid_validity)


class OriginalMail(StoredMail):
    """A message of a mailbox, or the message itself."""

    message_base64: Annotated[
        str | None, Prompt("Message in base64", group="message", hint="Where there is no IMAP")
    ] = None
    """The whole message in base64, as in an .eml file: for mail that is in no mailbox of the account."""

    @model_validator(mode="after")
    def _is_one(self) -> OriginalMail:
        if (self.message_id or self.uid or self.message_base64) is None:
            raise ValueError("`messageId`, `uid` with `uidValidity`, or `messageBase64` must be given")
        if self.message_base64 is not None:
            try:
                b64decode("".join(self.message_base64.split()), validate=True)
            except (binascii.Error, ValueError):
                raise ValueError("`messageBase64` is not base64") from None
        return self

    @property
    def is_stored(self) -> bool:
        """Whether it must be fetched."""
        return self.message_base64 is None


Original = Annotated[OriginalMail, BeforeValidator(named_by)]
"""A message as any task gives it, a Message-ID, a UID, or the message itself."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message was found."""

    mailbox: str
    uid: int
    uid_validity: int


@dataclass(frozen=True, slots=True)
class Found:
    """A mail that was read, and where it is."""

    message: ParsedMessage
    flags: frozenset[str] = frozenset()
    place: Place | None = None


async def located(asked: StoredMail, imap: ImapSession) -> tuple[Place, frozenset[str]] | None:
    """Where a stored mail is, and its flags; None where it is not there.

    Raises:
        MessageAmbiguous, UidValidityChanged, MailboxNotFound: nobody knows which it is.
    """
    selected, _, summary = await _found(asked, imap)
    return (Place(selected.path, summary.uid, selected.uid_validity), summary.flags) if summary else None


async def fetched(asked: StoredMail, imap: ImapSession) -> tuple[bytes, frozenset[str], Place]:
    """The bytes of a stored mail, its flags, and where it is.

    Raises:
        MessageNotFound, MessageAmbiguous, UidValidityChanged, MailboxNotFound: it is not there, or nobody knows which.
        MessageTooLarge: it has more bytes than are read.
    """
    selected, chosen, summary = await _found(asked, imap)
    raw = await imap.fetch.message(summary.uid, limit=MESSAGE_LIMIT) if summary else None
    if summary is None or raw is None:
        raise not_found(selected, (chosen,))
    return raw, summary.flags, Place(selected.path, summary.uid, selected.uid_validity)


async def _found(asked: StoredMail, imap: ImapSession) -> tuple[Selected, Chosen, Summary | None]:
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    chosen = await the_message(imap, selected, asked.reference)
    found = await imap.fetch.summaries([chosen.uid], attachments=False) if chosen.uid else []
    return selected, chosen, found[0] if found else None


async def original(asked: OriginalMail, lease: Lease, desk: Desk) -> Found:
    """The mail that is answered or passed on. The session is given back before the mail is parsed.

    Raises:
        WorkerError: see ``fetched``; MessageTooLarge also for one that is given.
    """
    if asked.is_stored:
        async with lease() as imap:
            raw, flags, place = await fetched(asked, imap)
        return Found(await desk.reader.read(raw), flags, place)
    raw = b64decode("".join((asked.message_base64 or "").split()))
    if len(raw) > MESSAGE_LIMIT:
        raise MessageTooLarge(
            f"The message in `messageBase64` has {len(raw)} bytes, and {MESSAGE_LIMIT} are read.",
            details={"sizeBytes": len(raw), "limitBytes": MESSAGE_LIMIT},
        )
    return Found(await desk.reader.read(raw))


# ── what becomes of it ───────────────────────────────────────────────────────────────────────────────────────────


class OriginalOutcome(MessagePlace):
    """The mail that was answered or passed on. ``marked`` is null where nothing was to be marked."""

    marked: bool | None
    """Whether it has its flag: Answered or $Forwarded."""
    reason: str | None
    """Why it could not be marked."""


async def marked(found: Found, flag: str, lease: Lease, *, wanted: bool) -> OriginalOutcome:
    """Mark the mail, which the job must not fail for."""
    place, done_, reason = found.place, None, None
    if place and wanted:
        try:
            done_ = await done(lease, lambda imap: _flagged(imap, place, flag))
            reason = None if done_ else "MESSAGE_NOT_FOUND: It is not in the mailbox any more."
        except NotDone as trouble:
            done_, reason = False, str(trouble)
    return OriginalOutcome(
        message_id=found.message.message_id,
        mailbox=place and place.mailbox,
        uid=place and place.uid,
        uid_validity=place and place.uid_validity,
        marked=done_,
        reason=reason,
    )


async def _flagged(imap: ImapSession, place: Place, flag: str) -> bool:
    await still(imap, place)
    now = await imap.filing.store_flags([place.uid], FlagChange.ADD, (flag,))
    return any(one.lower() == flag.lower() for one in now.get(place.uid, ()))


async def still(imap: ImapSession, place: Place) -> Selected:
    """Open the mailbox for changes, if its UIDs still mean what they meant.

    Raises:
        UidValidityChanged: they do not.
    """
    selected = await imap.mailboxes.select(place.mailbox, writable=True)
    check_validity(selected, (MessageReference(uid=place.uid, uid_validity=place.uid_validity),))
    return selected
