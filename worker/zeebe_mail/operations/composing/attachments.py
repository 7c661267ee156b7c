"""From where a mail's attachments are said to be to their bytes."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from zeebe_mail.documents.opened import Opened
from zeebe_mail.documents.sources import Limits
from zeebe_mail.errors import AttachmentTooLarge, DocumentChanged, TextNotReadable
from zeebe_mail.message.charsets import codec, printable
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.media_type import MAIL, UNKNOWN, MediaType, by_name, extension, media_type
from zeebe_mail.operations.after_sending import Lease
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.sources import Reach, Source

_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")  # the beginning of a header field (RFC 5322, 3.6.8 and 4.5)


@dataclass(frozen=True, slots=True)
class _Room:
    """How many bytes one source may have, and which setting says so."""

    size: int
    setting: str

    @classmethod
    def left(cls, limits: Limits, used: int) -> _Room:
        """For one more when so many bytes are there already."""
        rest = max(limits.together - used, 0)
        if limits.one <= rest:
            return cls(limits.one, f"ZEEBE_MAIL_ATTACHMENT_LIMIT_BYTES ({limits.one})")
        return cls(rest, f"ZEEBE_MAIL_ATTACHMENTS_LIMIT_BYTES ({limits.together}, for all together)")

    def require(self, size: int, what: str) -> None:
        """Pass when so many bytes may come.

        Raises:
            AttachmentTooLarge: names what it is and the setting.
        """
        if size > self.size:
            raise AttachmentTooLarge(
                f"{what} is larger than {self.setting} allows.", details={"limitBytes": self.size, "sizeBytes": size}
            )


@dataclass(slots=True)
class _Awaited:
    """A source, how many bytes are expected of it, and how it is being read where only that could tell."""

    source: Source
    number: int
    size: int
    reading: AsyncExitStack
    opened: Opened | None = None

    @classmethod
    async def of(cls, source: Source, number: int, reach: Reach, reading: AsyncExitStack) -> _Awaited:
        """Find out the size without reading the bytes; what nobody tells has as many as are allowed."""
        opened = None
        size = await source.measured(reach)
        if size is None:
            opened = await reading.enter_async_context(source.open(reach))
            size = opened.size
        return cls(source, number, reach.limit if size is None else min(size, reach.limit), reading, opened)


@asynccontextmanager
async def loaded(
    sources: Sequence[Source], desk: Desk, mailboxes: Lease | None = None
) -> AsyncIterator[tuple[Attachment, ...]]:
    """The attachments with their bytes, for which there is room in memory until the end of the block.

    Raises:
        AttachmentTooLarge: one of them, or all together; found before it is read where its size is known.
        BytesInFlightExceeded: other mails hold too many bytes.
        WorkerError: one cannot be had.
    """
    if not sources:
        yield ()
        return
    limits, budget = desk.sources.limits, desk.sources.budget
    _check_expected(sources, limits)
    async with AsyncExitStack() as until_the_end:
        awaited = []
        for number, source in enumerate(sources, 1):
            reading = await until_the_end.enter_async_context(AsyncExitStack())
            awaited.append(await _Awaited.of(source, number, Reach(desk, mailboxes, limits.one), reading))
        rest = sum(one.size for one in awaited)
        share = await until_the_end.enter_async_context(budget.hold(min(rest, limits.together)))
        parts: list[Attachment] = []
        used = held = 0
        for one in awaited:
            room = _Room.left(limits, used)
            part = await _loaded(one, Reach(desk, mailboxes, room.size), room)
            parts.append(part)
            used += len(part.data)
            rest -= one.size
            held += min(len(part.data), one.size)
            if len(part.data) > one.size:  # a file that grew, or a server that says sizes only roughly
                await until_the_end.enter_async_context(budget.hold(len(part.data) - one.size))
            share.shrink(held + rest)
        yield tuple(parts)


async def text_of(source: Source, what: str, desk: Desk, mailboxes: Lease | None) -> str:
    """A text that stands somewhere else, in its charset or in UTF-8; ``what`` is its name in messages.

    Raises:
        TextNotReadable: it is in another charset.
        WorkerError: as with attachments.
    """
    async with loaded((source,), desk, mailboxes) as (part,):
        label = part.charset or "utf-8"
        try:
            return part.data.decode(codec(label) or label).removeprefix("\ufeff")
        except UnicodeError as error:
            raise TextNotReadable(f'`{what}` ("{part.name}") is not in the charset {label}.') from error


def _check_expected(sources: Sequence[Source], limits: Limits) -> None:
    """Pass when what the task says of sizes is not too much already.

    Raises:
        AttachmentTooLarge: it is.
    """
    known = 0
    for number, source in enumerate(sources, 1):
        if source.expected_size is not None:
            _Room.left(limits, known).require(source.expected_size, _title(number, source.label))
            known += source.expected_size


async def _loaded(one: _Awaited, reach: Reach, room: _Room) -> Attachment:
    source = one.source
    async with one.reading:
        opened = one.opened
        if opened is None:
            opened = await one.reading.enter_async_context(source.open(reach))
        name = safe_filename(source.name) or safe_filename(opened.name)
        content = await _read(opened, room, _title(one.number, name))
    kind = _kind(source, opened, name, content)
    return Attachment(
        name=name or f"attachment-{one.number}{extension(kind.value)}",
        content_type=kind.value,
        data=content,
        charset=source.charset or kind.charset,
        content_id=source.content_id,
        inline=source.inline,
    )


async def _read(opened: Opened, room: _Room, title: str) -> bytes:
    """All bytes, held once.

    Raises:
        AttachmentTooLarge: there are more than may be.
        DocumentChanged: there are more or fewer than the source said.
    """
    room.require(opened.size or 0, title)
    buffer = io.BytesIO()
    async for chunk in opened.chunks:
        room.require(buffer.tell() + len(chunk), title)
        buffer.write(chunk)
    if opened.size is not None and opened.size != buffer.tell():
        raise DocumentChanged(f"{title} changed while it was read.", next_step="Try again once it is finished.")
    return buffer.getvalue()


def _kind(source: Source, opened: Opened, name: str | None, content: bytes) -> MediaType:
    """What the task says, else what the source says, else what the name tells.

    What is no mail is not called one: readers would find nothing in it.
    """
    told = source.content_type or _told(opened.content_type)
    kind = told if told and (source.content_type or told.value != UNKNOWN) else MediaType(by_name(name))
    if kind.value == MAIL and not _HEADER.match(content):
        return MediaType(UNKNOWN)
    return kind


def _told(content_type: str | None) -> MediaType | None:
    try:
        return media_type(content_type) if content_type else None
    except ValueError:
        return None


def _title(number: int, name: str | None) -> str:
    return f'Attachment {number} ("{printable(name)}")' if name else f"Attachment {number}"
