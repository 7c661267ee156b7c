"""The stored mail that another is about: one that is answered, passed on, or finished and sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from zeebe_mail.documents.reference import TYPE
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import FlagChange, ImapSession, Selected
from zeebe_mail.message.parse import MESSAGE_LIMIT
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.references import MessageReference, ReferenceFields
from zeebe_mail.operations.after_sending import Lease, NotDone, done
from zeebe_mail.operations.base import Desk, Request
from zeebe_mail.operations.composing.attachments import loaded
from zeebe_mail.operations.composing.sources import AttachmentSource
from zeebe_mail.operations.fields import MailboxName
from zeebe_mail.operations.message_result import MessagePlace
from zeebe_mail.operations.selection import Chosen, check_validity, named_by, not_found, the_message

COPIES = 2
"""How often a mail is in memory: itself, and its parts once they are decoded."""


class StoredMail(MessageReference, Request):
    """A message of a mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder) it is in."""


class OriginalMail(ReferenceFields, Request):
    """A message of a mailbox, or the message itself."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder) it is in."""
    source: Annotated[
        AttachmentSource | None,
        Prompt("Source", group="message", hint="A document, or {content: …} in base64", feel="required"),
    ] = None
    """The whole message, as in an .eml file, where it is in no mailbox of the account: a document reference,
    `{content}` in base64, `{message}` as text, `{url}` or `{file}`."""

    @model_validator(mode="after")
    def _is_one(self) -> OriginalMail:
        if self.message_id is None and self.uid is None and self.source is None:
            raise ValueError("`messageId`, `uid` with `uidValidity`, or `source` must be given")
        return self

    @property
    def stored(self) -> StoredMail | None:
        """The message of a mailbox, if it is one."""
        if self.message_id is None and self.uid is None:
            return None
        names = StoredMail.model_fields
        return StoredMail(**{name: value for name, value in self if name in names and name in self.model_fields_set})


def _original(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return named_by(value)
    if TYPE in value:
        return {"source": value}
    source = value.get("source")
    return named_by(value) | ({} if source is None or source == "" else {"source": source})


Original = Annotated[OriginalMail, BeforeValidator(_original)]
"""A message as any task gives it, a Message-ID, a UID, or the document that holds the message."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message was found."""

    mailbox: str
    uid: int
    uid_validity: int
    flags: frozenset[str]
    size: int


@dataclass(frozen=True, slots=True)
class Found:
    """A mail that was read, and where it is."""

    message: ParsedMessage
    place: Place | None = None


async def located(asked: StoredMail, imap: ImapSession) -> Place | None:
    """Where a stored mail is; None where it is not there.

    Raises:
        MessageAmbiguous, UidValidityChanged, MailboxNotFound: nobody knows which it is.
    """
    _, _, place = await _located(asked, imap)
    return place


async def _located(asked: StoredMail, imap: ImapSession) -> tuple[Selected, Chosen, Place | None]:
    selected = await imap.mailboxes.select(await imap.directory.resolve(asked.mailbox))
    chosen = await the_message(imap, selected, asked)
    found = await imap.fetch.summaries([chosen.uid], attachments=False) if chosen.uid else []
    places = [Place(selected.path, one.uid, selected.uid_validity, one.flags, one.size) for one in found]
    return selected, chosen, next(iter(places), None)


Check = Callable[[ImapSession, Place], Awaitable[None]]
"""Looks at a mail before it is read, and raises where it is not what it should be."""


@asynccontextmanager
async def stored(asked: StoredMail, lease: Lease, desk: Desk, *, check: Check | None = None) -> AsyncIterator[Found]:
    """A stored mail, for which there is room in memory until the end of the block. No session is held meanwhile.

    Raises:
        MessageNotFound, MessageAmbiguous, UidValidityChanged, MailboxNotFound: it is not there, or nobody knows which.
        MessageTooLarge: it has more bytes than are read.
        BytesInFlightExceeded: other mails hold too many bytes.
    """
    async with lease() as imap:
        selected, chosen, place = await _located(asked, imap)
        if place is None:
            raise not_found(selected, (chosen,), needed=True)
        if check is not None:
            await check(imap, place)
    async with desk.sources.budget.hold(min(place.size, MESSAGE_LIMIT) * COPIES):
        async with lease() as imap:
            selected = await opened(imap, place)
            raw = await imap.fetch.message(place.uid, limit=MESSAGE_LIMIT)
        if raw is None:
            raise not_found(selected, (chosen,), needed=True)
        yield Found(await desk.reader.read(raw), place)


@asynccontextmanager
async def original(asked: OriginalMail, lease: Lease | None, desk: Desk) -> AsyncIterator[Found]:
    """The mail that is answered or passed on; without mailboxes, its source.

    Raises:
        WorkerError: see ``stored``, and what attachments can raise.
    """
    if lease is not None and (mail := asked.stored) is not None:
        async with stored(mail, lease, desk) as found:
            yield found
        return
    assert asked.source is not None
    async with loaded((asked.source,), desk, lease) as (part,):
        yield Found(await desk.reader.read(part.data))


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
    await opened(imap, place, writable=True)
    now = await imap.filing.store_flags([place.uid], FlagChange.ADD, (flag,))
    return any(one.lower() == flag.lower() for one in now.get(place.uid, ()))


async def opened(imap: ImapSession, place: Place, *, writable: bool = False) -> Selected:
    """Open the mailbox of a mail, if its UIDs still mean what they meant.

    Raises:
        UidValidityChanged: they do not.
    """
    selected = await imap.mailboxes.select(place.mailbox, writable=writable)
    check_validity(selected, (MessageReference(uid=place.uid, uid_validity=place.uid_validity),))
    return selected
