"""The messages of a POP3 mailbox (RFC 1939 calls it maildrop): how they are named, found, ordered and shown.

A message is named by its UIDL (RFC 1939, 7), which no other message of the mailbox ever has, or by its Message-ID,
which its sender chose. Its number is different in each session, so it names nothing here.
"""

from __future__ import annotations

import asyncio
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, PlainValidator, WithJsonSchema, model_validator

from zeebe_mail.errors import MessageAmbiguous, MessageNotFound
from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.message.criteria import (
    Criteria,
    Criterion,
    Flagged,
    Numbered,
    Numbering,
    Range,
    RequiredCriteria,
    ServerOnly,
    range_set,
    walk,
)
from zeebe_mail.message.dates import read_date, read_received
from zeebe_mail.message.encoded_words import raw_text
from zeebe_mail.message.envelope import read_envelope
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.matching import in_ranges
from zeebe_mail.message.message_id import bare_or_none, read_message_id
from zeebe_mail.message.references import MessageId
from zeebe_mail.operations.base import OperationOutput, Request
from zeebe_mail.operations.fields import DETAILS, MAY_BE_MISSING, ORDERS, SortOrder, upper
from zeebe_mail.operations.message_result import MessageContent, MessageSummary, said_by

_UIDL = re.compile(r"[!-~]{1,255}")
_MESSAGE_ID = re.compile(rb"^message-id[ \t]*:((?:[^\n]|\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
_AT_ONCE = 2  # headers that are read before other jobs go on: a hostile one takes a tenth of a second
_CANDIDATES = 100  # of an ambiguous name, that the details of the error have


# ── input ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _uidl(value: str) -> str:
    if not _UIDL.fullmatch(value.strip()):
        raise ValueError("is not a UIDL: 1 to 255 printable ASCII characters without a blank")
    return value.strip()


def _pop3_criterion(criterion: Criterion | None) -> Criterion | None:
    for part in walk(criterion) if criterion is not None else ():
        if isinstance(part, Flagged):
            raise ValueError("asks for a flag such as SEEN, and POP3 has no flags")
        if isinstance(part, ServerOnly):
            raise ValueError("asks for what only IMAP servers can tell")
        if isinstance(part, Numbered) and part.numbering is Numbering.UID:
            raise ValueError("asks for a UID, and POP3 has none; a message is named by `uidl`")
    return criterion


Uidl = Annotated[str, AfterValidator(_uidl)]
"""A message's unique id listing (RFC 1939, 7)."""

Pop3Criteria = Annotated[Criteria, AfterValidator(_pop3_criterion)]
"""Search criteria that can be checked without a server's help."""

RequiredPop3Criteria = Annotated[RequiredCriteria, AfterValidator(_pop3_criterion)]
"""The same where they must be given."""


BY_UIDL_OR_ID = {
    "uidl": Answer("The one with this UIDL", needs=("uidl",)),
    "messageId": Answer("The one with this Message-ID", needs=("messageId",)),
}
"""How the Modeler asks for one message."""


class MaildropReference(Request):
    """One message: its UIDL, or its Message-ID. With both, both must be right."""

    questions: ClassVar = {"which": Question("Which message", "message", BY_UIDL_OR_ID)}
    first_of_several: ClassVar[bool] = False
    """Whether of several messages with the Message-ID the first is meant; else it is not clear which."""

    message_id: Annotated[MessageId | None, Prompt("Message-ID", group="message", hint="<a1b2@example.org>")] = None
    """The exact Message-ID. Senders choose it, so two messages may share one; then nothing is done."""
    uidl: Annotated[Uidl | None, Prompt("UIDL", group="message", hint="As listing gives it")] = None
    """The id that the server gave the message, and gives to no other."""

    @model_validator(mode="after")
    def _names_a_message(self) -> MaildropReference:
        if self.message_id is None and self.uidl is None:
            raise ValueError("`messageId` or `uidl` must be given")
        return self

    def __str__(self) -> str:
        return " ".join(
            name for name in (self.uidl and f"UIDL {self.uidl}", self.message_id and f"<{self.message_id}>") if name
        )


class SortBy(enum.StrEnum):
    """What messages are sorted by."""

    ARRIVAL = "ARRIVAL"
    RECEIVED = "RECEIVED_DATE"
    SENT = "SENT_DATE"
    SIZE = "SIZE"
    BODY_SIZE = "BODY_SIZE"


SORTED_BY = {
    "ARRIVAL": "Arrival (fastest)",
    "RECEIVED_DATE": "When it was received",
    "SENT_DATE": "When it was sent",
    "SIZE": "Size",
    "BODY_SIZE": "Size without the header",
}

SortField = Annotated[
    SortBy,
    BeforeValidator(upper),
    Prompt("Sort by", group="reading", feel="static", choices=SORTED_BY),
]
"""The server's own order, the topmost Received header, the Date header, or the size, with the header or without."""


def _ranges(value: Any) -> tuple[Range, ...] | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be text such as 1,2,4:6 or *")
    return range_set(str(value))


NumberRanges = Annotated[
    tuple[Range, ...] | None,
    PlainValidator(_ranges),
    WithJsonSchema({"type": ["string", "null"]}),
    Prompt("Numbers", group="message", hint="1,2,4:6 or * for the newest"),
]
"""Places in the mailbox, with commas between them, and ranges; ``*`` is the last."""

Fields = Literal["ids", "summary"]

FieldsField = Annotated[Fields, Prompt("Of each message", group="reading", feel="static", choices=DETAILS)]
"""ids: messageId, uidl and number. summary: addresses, subject, dates and size too."""

OrderField = Annotated[SortOrder, Prompt("Order", group="reading", feel="static", choices=ORDERS)]


# ── output ───────────────────────────────────────────────────────────────────────────────────────────────────────


class MaildropPlace(OperationOutput):
    """What a message can be found by again; a member is null where it is not known, or is not of one message."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    uidl: str | None
    number: int | None
    """Its place in the mailbox as it was just now; it may be another one's the next time."""


class Pop3MessageSummary(MessageSummary, MaildropPlace):
    """A message in a POP3 mailbox without its body. ``receivedDateTime`` is that of the topmost Received header."""

    body_size: int | None
    """Bytes without the header."""


_REFERENCE = frozenset({"messageId", "uidl"})
_KNOWN = frozenset(
    str(field.alias) for kind in (Pop3MessageSummary, MessageContent) for field in kind.model_fields.values()
) | {"found", "source", "deleted", "status", "error"}
"""The members of a message as tasks give it: listed, read, deleted."""


def _reference(value: Any) -> Any:
    """A bare text is a Message-ID; of a message as a task gives it, what refers to it."""
    if isinstance(value, str):
        return {"messageId": value}
    if isinstance(value, Mapping):
        named = {name: item for name, item in value.items() if name in _REFERENCE or name not in _KNOWN}
        if named.get("uidl") and not bare_or_none(named.get("messageId")):
            named.pop("messageId", None)  # a sender may write anything there, and the UIDL is enough
        return named
    return value


def _one_or_many(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else [value]


MaildropReferences = Annotated[
    tuple[Annotated[MaildropReference, BeforeValidator(_reference)], ...], BeforeValidator(_one_or_many)
]
"""Messages, each by its Message-ID as text, by `uidl`, `messageId` or both, or as lists and searches give them."""


Shown = Pop3MessageSummary | MaildropPlace


def summary(one: Listed, header: bytes) -> Pop3MessageSummary:
    """What a process gets for a message of which the header is known."""
    envelope = read_envelope(header)
    return Pop3MessageSummary(
        **said_by(envelope),
        size=one.size,
        body_size=one.body_size,
        received_date_time=envelope.received,
        flags=[],
        attachments_count=None,
        uidl=one.uidl,
        number=one.number,
    )


def message_id(header: bytes) -> str | None:
    """The Message-ID of a header, bare."""
    found = _MESSAGE_ID.search(header)
    return bare_or_none(read_message_id(found[1])) if found else None


def bracketed(bare: str | None) -> str | None:
    """A Message-ID as headers have it."""
    return None if bare is None else f"<{bare}>"


# ── order ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def in_order(
    pop3: Pop3Session, messages: Sequence[Listed], by: SortBy, order: SortOrder, *, ties_ascending: bool = False
) -> list[Listed]:
    """Messages by date, size or arrival; those without a date at the end whatever the order.

    Equal ones come by arrival, in the same direction or, with ``ties_ascending``, always the first first.
    """
    descending = order == "DESC"
    is_reversed = descending and not (ties_ascending and by is not SortBy.ARRIVAL)
    arrived = sorted(messages, key=lambda one: one.number, reverse=is_reversed)
    if by is SortBy.ARRIVAL:
        return arrived
    if by is SortBy.SIZE:
        return sorted(arrived, key=lambda one: one.size, reverse=descending)
    if by is SortBy.BODY_SIZE:
        sizes = {one.number: one.body_size or 0 async for one, _ in pop3.summaries(messages)}
        return sorted(arrived, key=lambda one: sizes.get(one.number, 0), reverse=descending)
    dates = await _dates(pop3, messages, by)
    dated = sorted(
        (one for one in arrived if dates.get(one.number)), key=lambda one: dates[one.number], reverse=descending
    )
    return dated + [one for one in arrived if not dates.get(one.number)]


async def _dates(pop3: Pop3Session, messages: Sequence[Listed], by: SortBy) -> Mapping[int, datetime]:
    name, read = ("date", read_date) if by is SortBy.SENT else ("received", read_received)
    dates = {}
    done = 0
    async for one, header in pop3.summaries(messages):
        value = read_header(header, 0, len(header)).first(name)
        if value is not None and (date := read(raw_text(value))):
            dates[one.number] = date.astimezone(UTC)
        await _let_others_go_on(done := done + 1)
    return dates


async def _let_others_go_on(done: int) -> None:
    if done % _AT_ONCE == 0:
        await asyncio.sleep(0)


class ShowsMessages(Request):
    """A list of messages: how it shows one."""

    fields: FieldsField = "summary"
    """How much of each."""

    def summary(self, one: Listed, header: bytes) -> Pop3MessageSummary:
        """A message of which the header is known."""
        return summary(one, header)


async def shown(pop3: Pop3Session, messages: Sequence[Listed], asked: ShowsMessages) -> list[Shown]:
    """What a process gets for these messages, in this order; those that have gone are left out."""
    members: list[Shown] = []
    async for one, header in pop3.summaries(messages):
        members.append(asked.summary(one, header) if asked.fields == "summary" else _place(one, header))
        await _let_others_go_on(len(members))
    return members


def _place(one: Listed, header: bytes) -> MaildropPlace:
    return MaildropPlace(message_id=read_envelope(header).message_id, uidl=one.uidl, number=one.number)


def in_range(listing: Sequence[Listed], ranges: Sequence[Range] | None) -> Sequence[Listed]:
    """The messages whose numbers are in one of the ranges, or all. Of an empty mailbox, none."""
    if ranges is None or not listing:
        return listing
    highest = listing[-1].number
    return [one for one in listing if in_ranges(one.number, ranges, highest)]


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference leads to. Without ``listed`` it is not there, or ``trouble`` says why it is not clear which."""

    reference: MaildropReference | None
    """How it was named; None where it was searched for."""
    listed: Listed | None
    message_id: str | None = None
    """Bare."""
    trouble: MessageAmbiguous | None = None


async def find(pop3: Pop3Session, references: Sequence[MaildropReference]) -> list[Found]:
    """The messages that are meant, in the order of the references.

    A UIDL is looked up; for a Message-ID alone all headers are looked at, because a second message may have it too.
    """
    listing = await pop3.listing()
    by_uidl = {one.uidl: one for one in listing if one.uidl is not None}
    named = [by_uidl[uidl] for reference in references if (uidl := reference.uidl) in by_uidl]
    scanned = listing if any(reference.uidl is None for reference in references) else named
    ids: dict[int, str] = {}
    by_id: dict[str, list[Listed]] = {}
    async for one, header in pop3.summaries(scanned):
        if found := message_id(header):
            ids[one.number] = found
            by_id.setdefault(found, []).append(one)
    return [_found(reference, by_uidl, by_id, ids) for reference in references]


def _found(
    reference: MaildropReference,
    by_uidl: Mapping[str, Listed],
    by_id: Mapping[str, list[Listed]],
    ids: Mapping[int, str],
) -> Found:
    wanted = reference.message_id
    if reference.uidl is not None:
        one = by_uidl.get(reference.uidl)
        if one is None or (wanted is not None and ids.get(one.number) != wanted):
            return Found(reference, None, wanted)
        return Found(reference, one, ids.get(one.number))
    several = by_id.get(wanted or "", [])
    if len(several) > 1 and not reference.first_of_several:
        return Found(reference, None, wanted, _ambiguous(wanted, several))
    return Found(reference, several[0] if several else None, wanted)


def _ambiguous(wanted: str | None, several: Sequence[Listed]) -> MessageAmbiguous:
    candidates: list[dict[str, Any]] = [{"uidl": one.uidl, "size": one.size} for one in several[:_CANDIDATES]]
    return MessageAmbiguous(
        f"{len(several)} messages have the Message-ID <{wanted}>. Nothing was done to any.",
        next_step="Use the `uidl` of the one that is meant; the candidates are in the details.",
        details={"messageId": bracketed(wanted), "candidates": candidates},
    )


async def the_message(pop3: Pop3Session, reference: MaildropReference) -> Listed | None:
    """The one message that is meant, or None when it is not there.

    Raises:
        MessageAmbiguous: several have the Message-ID; the candidates are in the details.
    """
    (found,) = await find(pop3, [reference])
    if found.trouble:
        raise found.trouble
    return found.listed


def not_found(references: Sequence[MaildropReference]) -> MessageNotFound:
    """The error for messages that are not there."""
    names = [str(one) for one in references]
    shown_names = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    return MessageNotFound(
        f"There is no message {shown_names} in the mailbox.",
        next_step=MAY_BE_MISSING,
        details={"missing": names[:100]},
    )
