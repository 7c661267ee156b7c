"""What is known of a mail that was read: the model that ``parse`` makes and a process gets as JSON.

All text is valid UTF-8 without NUL; what had to be repaired is named in ``errors``. The bytes of attachments are not in
here: each part knows where it stands in the message, and ``ParsedMessage.content`` decodes it when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from zeebe_mail.message.transfer_encoding import TransferEncoding, decode

TextSource = Literal["plain", "html", "part", "raw"]
"""Where the text comes from: text/plain, derived from the HTML, the best readable part, or the undivided body."""

Importance = Literal["high", "normal", "low"]


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A mailbox as a header names it; ``address`` is empty where the header has only a name."""

    name: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Field:
    """A header, its value unfolded and decoded."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of bytes and how it is encoded."""

    start: int
    end: int
    encoding: TransferEncoding


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the message that is kept aside from the text: an attachment, or an image in the HTML."""

    part: str
    """Its section number (RFC 3501, 6.4.5), such as ``1.2``."""
    file_name: str | None
    content_type: str
    size: int
    """Of the decoded content in bytes."""
    content_id: str | None
    """Without the angle brackets."""
    disposition: str | None
    charset: str | None
    """Of a text, as its header names it."""
    path: tuple[Slice, ...]
    """Where it stands: each slice in what the one before it decodes to."""


@dataclass(frozen=True, slots=True)
class Attendee:
    """Somebody invited, with his answer: ``NEEDS-ACTION``, ``ACCEPTED``, ``DECLINED``, ``TENTATIVE`` … (RFC 5545)."""

    name: str | None
    address: str
    status: str | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """The first event of a calendar part (RFC 5546, RFC 6047). Times with a zone are in UTC; a day is a plain date."""

    method: str | None
    uid: str | None
    sequence: int | None
    status: str | None
    summary: str | None
    location: str | None
    start: str | None
    end: str | None
    organizer: Attendee | None
    attendees: tuple[Attendee, ...]


@dataclass(frozen=True, slots=True)
class BouncedRecipient:
    """What a report says of one recipient (RFC 3464, 2.3)."""

    address: str
    action: str | None
    status: str | None
    diagnostic: str | None


BounceKind = Literal["bounce", "delay", "delivered", "read", "complaint"]


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report on a mail that was sent before (RFC 3464, RFC 8098, RFC 5965, or as old servers write it)."""

    kind: BounceKind
    action: str | None
    """Of the first recipient: ``failed``, ``delayed``, ``delivered``, ``relayed``, ``expanded``; ``displayed`` …"""
    status: str | None
    """Of the first recipient, such as ``5.1.1`` (RFC 3463)."""
    diagnostic: str | None
    recipients: tuple[BouncedRecipient, ...]
    original_message_id: str | None


@dataclass(frozen=True, slots=True)
class AuthenticationResult:
    """One method's verdict, such as ``dkim``, ``pass`` (RFC 8601, 2.2); ``properties`` such as ``header.d``."""

    method: str
    result: str
    reason: str | None
    properties: dict[str, str]


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """The topmost Authentication-Results header. It is as trustworthy as the server that ``authserv_id`` names.

    That is empty where the server does not name itself, as Microsoft 365.
    """

    authserv_id: str
    results: tuple[AuthenticationResult, ...]


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """A mail that was read, as far as it could be."""

    size: int
    message_id: str | None = None
    headers: tuple[Field, ...] = ()
    subject: str | None = None
    from_: tuple[Correspondent, ...] = ()
    sender: tuple[Correspondent, ...] = ()
    to: tuple[Correspondent, ...] = ()
    cc: tuple[Correspondent, ...] = ()
    bcc: tuple[Correspondent, ...] = ()
    reply_to: tuple[Correspondent, ...] = ()
    sent: datetime | None = None
    received: datetime | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    importance: Importance = "normal"
    text: str | None = None
    text_source: TextSource | None = None
    newest_reply: str | None = None
    html: str | None = None
    """As the author wrote it; never to be shown."""
    safe_html: str | None = None
    attachments: tuple[Part, ...] = ()
    inline_parts: tuple[Part, ...] = ()
    messages: tuple[ParsedMessage, ...] = ()
    leaves: tuple[Part, ...] = ()
    """All parts as they stand, texts too, in their order; a message in it as a whole. Of nested messages none."""
    calendar: Calendar | None = None
    bounce: Bounce | None = None
    auto_reply: str | None = None
    """Why it was not written by a person, if so: the header that says it."""
    authentication_results: AuthenticationResults | None = None
    errors: tuple[str, ...] = ()
    parse_error: str | None = None
    """Why this is not all of the message, if it is not."""
    is_shortened: bool = False
    """Whether a text of it was too long to be here as a whole; ``errors`` says which."""
    part: Part | None = None
    """Of a message in a message: the part that holds it."""
    raw: bytes = field(default=b"", repr=False, compare=False)
    """The message itself; that of nested messages is with the outermost."""

    @property
    def from_address(self) -> str | None:
        """The first From address, bare."""
        return next((one.address for one in self.from_ if one.address), None)

    @property
    def all_text(self) -> str:
        """Its text, and that of the messages it holds."""
        return "\n".join(filter(None, (self.text, *(message.all_text for message in self.messages))))

    def parts(self) -> Iterator[Part]:
        """All attachments, inline parts and messages in the message, and what these have themselves; each once."""
        yield from self.own_parts()
        for message in self.messages:
            yield from message.parts()

    def own_parts(self) -> Iterator[Part]:
        """All attachments, inline parts and messages in the message, these as a whole; each once."""
        yield from self.attachments
        yield from self.inline_parts
        attached = {one.part for one in self.attachments}
        yield from (one.part for one in self.messages if one.part is not None and one.part.part not in attached)

    def content(self, part: Part) -> bytes:
        """The decoded bytes of one of ``parts()``; nothing of it is kept here."""
        content: bytes | memoryview = self.raw
        for at in part.path:
            content = decode(memoryview(content)[at.start : at.end], at.encoding)
        return bytes(content)

    def with_received(self, received: datetime) -> ParsedMessage:
        """The same with the time that the server knows, which is better than that of the headers."""
        return replace(self, received=received)

    def as_json(self, documents: Mapping[str, Any] | None = None, *, original_html: bool = False) -> dict[str, Any]:
        """What a process gets.

        Args:
            documents: document references by section number (``Part.part``), of those parts that were kept.
            original_html: ``htmlBody`` is as the author wrote it, and ``safeHtml`` the sanitised copy.
        """
        kept = documents or {}
        return {
            "messageId": self.message_id,
            "fromAddress": self.from_address,
            "headers": [{"key": one.key, "value": one.value} for one in self.headers],
            "subject": self.subject,
            "size": self.size,
            "plainTextBody": self.text,
            "textSource": self.text_source,
            "newestReply": self.newest_reply,
            "htmlBody": self.html if original_html else self.safe_html,
            "safeHtml": self.safe_html if original_html else None,
            "attachments": [_part(one, kept) for one in self.attachments],
            "inlineParts": [_part(one, kept) for one in self.inline_parts],
            "messages": [
                {
                    **one.as_json(kept, original_html=original_html),
                    "part": one.part and one.part.part,
                    "document": one.part and kept.get(one.part.part),
                }
                for one in self.messages
            ],
            "from": _correspondents(self.from_),
            "sender": _correspondents(self.sender),
            "to": _correspondents(self.to),
            "cc": _correspondents(self.cc),
            "bcc": _correspondents(self.bcc),
            "replyTo": _correspondents(self.reply_to),
            "sentDate": _date(self.sent),
            "receivedDateTime": _date(self.received),
            "inReplyTo": list(self.in_reply_to),
            "references": list(self.references),
            "importance": self.importance,
            "calendar": _calendar(self.calendar),
            "bounce": _bounce(self.bounce),
            "autoReply": self.auto_reply is not None,
            "autoReplyReason": self.auto_reply,
            "authenticationResults": _authentication_results(self.authentication_results),
            "errors": list(self.errors),
            "parseError": self.parse_error,
        }


def _part(part: Part, documents: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fileName": part.file_name,
        "contentType": part.content_type,
        "size": part.size,
        "part": part.part,
        "contentId": part.content_id,
        "disposition": part.disposition,
        "document": documents.get(part.part),
    }


def _correspondents(group: tuple[Correspondent, ...]) -> list[dict[str, Any]]:
    return [{"name": one.name, "address": one.address} for one in group]


def _date(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None


def _attendee(one: Attendee) -> dict[str, Any]:
    return {"name": one.name, "address": one.address, "status": one.status}


def _calendar(calendar: Calendar | None) -> dict[str, Any] | None:
    if calendar is None:
        return None
    return {
        "method": calendar.method,
        "uid": calendar.uid,
        "sequence": calendar.sequence,
        "status": calendar.status,
        "summary": calendar.summary,
        "location": calendar.location,
        "start": calendar.start,
        "end": calendar.end,
        "organizer": calendar.organizer and _attendee(calendar.organizer),
        "attendees": [_attendee(one) for one in calendar.attendees],
    }


def _bounce(bounce: Bounce | None) -> dict[str, Any] | None:
    if bounce is None:
        return None
    return {
        "kind": bounce.kind,
        "action": bounce.action,
        "status": bounce.status,
        "diagnostic": bounce.diagnostic,
        "recipients": [
            {"address": one.address, "action": one.action, "status": one.status, "diagnostic": one.diagnostic}
            for one in bounce.recipients
        ],
        "originalMessageId": bounce.original_message_id,
    }


def _authentication_results(found: AuthenticationResults | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "authservId": found.authserv_id,
        "results": [
            {"method": one.method, "result": one.result, "reason": one.reason, "properties": one.properties}
            for one in found.results
        ],
    }
