"""What a process gets for a message, over IMAP and POP3 alike: Camunda's keys, and more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from zeebe_mail.documents.store import DocumentStore, Reference
from zeebe_mail.errors import DocumentStoreMissing
from zeebe_mail.mail.imap import Selected, Summary
from zeebe_mail.message.envelope import Envelope, read_envelope
from zeebe_mail.message.file_name import unnamed
from zeebe_mail.message.message_id import message_id_in
from zeebe_mail.message.parsed import Correspondent, ParsedMessage
from zeebe_mail.operations.base import OperationOutput

SOURCE_TYPE = "message/rfc822"


class NamedAddress(OperationOutput):
    """An address of a header; ``name`` is the decoded display name."""

    name: str | None
    address: str


class MessagePlace(OperationOutput):
    """What a message can be found by again (IMAP); a member is null where it is not known, or is not of one message."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    uid: int | None
    uid_validity: int | None
    mailbox: str | None


# ── in a list ────────────────────────────────────────────────────────────────────────────────────────────────────


class MessageSummary(OperationOutput):
    """A message without its body. Dates are UTC, and null where the message has none that can be read."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    from_address: str | None
    """The first author's address."""
    subject: str | None
    """Decoded."""
    size: int | None
    """Bytes."""
    from_: Annotated[list[NamedAddress], Field(alias="from")]
    to: list[NamedAddress]
    cc: list[NamedAddress]
    sent_date: datetime | None
    """The Date header."""
    received_date_time: datetime | None
    """When the server took it; POP3 does not tell."""
    flags: list[str]
    attachments_count: int | None
    """Null where the server was not asked or does not tell."""


class ImapMessageSummary(MessageSummary, MessagePlace):
    """A message in an IMAP mailbox without its body."""


def imap_summary(one: Summary, selected: Selected) -> ImapMessageSummary:
    """A message of the selected mailbox as lists show it."""
    return ImapMessageSummary(
        **said_by(read_envelope(one.header)),
        size=one.size,
        received_date_time=one.received.astimezone(UTC),
        flags=sorted(one.flags),
        attachments_count=one.attachments,
        uid=one.uid,
        uid_validity=selected.uid_validity,
        mailbox=selected.path,
    )


def said_by(envelope: Envelope) -> dict[str, Any]:
    """The members of :class:`MessageSummary` that an envelope tells."""
    return {
        "message_id": envelope.message_id,
        "from_address": envelope.from_address,
        "subject": envelope.subject,
        "from_": _addresses(envelope.from_),
        "to": _addresses(envelope.to),
        "cc": _addresses(envelope.cc),
        "sent_date": envelope.sent,
    }


def imap_place(one: Summary, selected: Selected) -> MessagePlace:
    """Where a message of the selected mailbox is."""
    return MessagePlace(
        message_id=message_id_in(one.header), uid=one.uid, uid_validity=selected.uid_validity, mailbox=selected.path
    )


def _addresses(correspondents: tuple[Correspondent, ...]) -> list[NamedAddress]:
    return [NamedAddress(name=one.name, address=one.address) for one in correspondents]


# ── read ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class HeaderField(OperationOutput):
    """A header, its value unfolded and decoded."""

    key: str
    value: str


class Attachment(OperationOutput):
    """A part that is kept aside from the text. ``document`` refers to its bytes where they were kept."""

    file_name: str | None
    content_type: str
    size: int
    """Bytes, decoded."""
    part: str
    """Its section number, such as 1.2."""
    content_id: str | None
    disposition: str | None
    document: Reference | None


class Attendee(OperationOutput):
    """Somebody invited, and the answer: NEEDS-ACTION, ACCEPTED, DECLINED, TENTATIVE … (RFC 5545)."""

    name: str | None
    address: str
    status: str | None


class CalendarEvent(OperationOutput):
    """The event of an invitation or of the answer to one (RFC 6047). Times are UTC; a whole day is a plain date."""

    method: str | None
    uid: str | None
    sequence: int | None
    status: str | None
    summary: str | None
    location: str | None
    start: str | None
    end: str | None
    organizer: Attendee | None
    attendees: list[Attendee]


class BouncedRecipient(OperationOutput):
    """What a report says of one recipient (RFC 3464)."""

    address: str
    action: str | None
    status: str | None
    diagnostic: str | None


class BounceReport(OperationOutput):
    """A report on a mail that was sent before (RFC 3464, RFC 8098, RFC 5965)."""

    kind: str
    """bounce, delay, delivered, read or complaint."""
    action: str | None
    status: str | None
    diagnostic: str | None
    recipients: list[BouncedRecipient]
    original_message_id: str | None


class AuthenticationResult(OperationOutput):
    """One method's verdict, such as dkim and pass (RFC 8601)."""

    method: str
    result: str
    reason: str | None
    properties: dict[str, str]


class AuthenticationResults(OperationOutput):
    """What the server ``authserv_id`` found out about the sender."""

    authserv_id: str
    results: list[AuthenticationResult]


class MessageContent(OperationOutput):
    """A message that was read. Dates are UTC; what a message does not have is null or an empty list."""

    message_id: str | None
    """As the header has it, with its angle brackets."""
    from_address: str | None
    """The first author's address."""
    headers: list[HeaderField]
    """All, in their order."""
    subject: str | None
    size: int | None
    """Bytes."""
    plain_text_body: str | None
    """The text; derived from the HTML when there is no other."""
    text_source: str | None
    """Where the text is from: plain, html, part or raw."""
    newest_reply: str | None
    """The text without quoted history and signature."""
    html_body: str | None
    """Sanitised; with `originalHtml` as the author wrote it, which is never to be shown."""
    safe_html: str | None
    """The sanitised HTML where `htmlBody` is the original."""
    attachments: list[Attachment]
    inline_parts: list[Attachment]
    """Images of the HTML and the like."""
    messages: list[HeldMessage]
    """Messages that this one holds, for example forwarded ones."""
    from_: Annotated[list[NamedAddress], Field(alias="from")]
    sender: list[NamedAddress]
    to: list[NamedAddress]
    cc: list[NamedAddress]
    bcc: list[NamedAddress]
    reply_to: list[NamedAddress]
    sent_date: datetime | None
    """The Date header."""
    received_date_time: datetime | None
    in_reply_to: list[str]
    references: list[str]
    importance: Literal["high", "normal", "low"]
    calendar: CalendarEvent | None
    bounce: BounceReport | None
    auto_reply: bool
    """Whether no person wrote it, as far as its headers tell."""
    auto_reply_reason: str | None
    authentication_results: AuthenticationResults | None
    errors: list[str]
    """What could not be done."""
    parse_error: str | None
    """Why this is not all of the message, if it is not."""


class HeldMessage(MessageContent):
    """A message in a message. ``document`` refers to its bytes where they were kept."""

    part: str
    """The section number of the part that holds it, such as 2; `download` gives it as a file."""
    document: Reference | None


MessageContent.model_rebuild()  # now that there is a HeldMessage


class ImapMessageContent(MessageContent, MessagePlace):
    """A message in an IMAP mailbox that was read."""

    flags: list[str]


def imap_content(content: Mapping[str, Any], one: Summary, selected: Selected) -> ImapMessageContent:
    """A message of the selected mailbox; ``content`` has the members of :class:`MessageContent`."""
    place = {"uid": one.uid, "uidValidity": selected.uid_validity, "mailbox": selected.path}
    return ImapMessageContent.model_validate({**content, **place, "size": one.size, "flags": sorted(one.flags)})


NOTHING = {**ParsedMessage(size=0).as_json(), "size": None}
"""The members of :class:`MessageContent` where there is no message."""


async def with_documents(
    message: ParsedMessage,
    documents: DocumentStore,
    *,
    attachments: Literal["documents", "metadata", "none"] = "documents",
    original_html: bool = False,
) -> dict[str, Any]:
    """The members of :class:`MessageContent`, the attachments kept as documents where that is asked for.

    Where there is no store, ``errors`` says so.

    Raises:
        DocumentNotStored: the store does not keep one.
    """
    kept: dict[str, Reference] = {}
    troubles = []
    if attachments == "documents":
        try:
            for part in message.parts():
                kept[part.part] = await documents.create(
                    message.content(part),
                    name=part.file_name or unnamed(part.part, part.content_type),
                    content_type=part.content_type,
                )
        except DocumentStoreMissing:
            troubles.append("The attachments were not kept, because this worker knows no document store.")
    content = message.as_json(kept, original_html=original_html)
    if attachments == "none":
        content = _without_attachments(content)
    return {**content, "errors": [*content["errors"], *troubles]}


def _without_attachments(content: Mapping[str, Any]) -> dict[str, Any]:
    inner = [_without_attachments(one) for one in content["messages"]]
    return {**content, "attachments": [], "inlineParts": [], "messages": inner}
