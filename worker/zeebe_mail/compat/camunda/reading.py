"""A message that was read, as Camunda's connector gives it: what is in it as it was written.

Of the texts the last plain one and the last HTML one count, in their own line ends; what says that it is an attachment
becomes a document; headers keep their encoded words and line breaks. Where that connector cannot read a message, this
one can.
"""

from __future__ import annotations

import asyncio
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import structlog

from zeebe_mail.compat.camunda.envelope import as_written, envelope
from zeebe_mail.documents.store import DocumentStore
from zeebe_mail.message import charsets
from zeebe_mail.message.header_fields import Header, message_start, read_header
from zeebe_mail.message.parsed import ParsedMessage, Part
from zeebe_mail.operations.base import OperationOutput
from zeebe_mail.operations.imap.read import ReadOutput as ImapReadOutput
from zeebe_mail.operations.pop3.read import ReadOutput as Pop3ReadOutput
from zeebe_mail.operations.reading import ContentRequest

log = structlog.get_logger(__name__)

LARGE = 256 * 1024
"""Bytes of a message from which on its texts are decoded in a thread, so that other jobs go on."""
_BODIES = {"text/plain": "plainTextBody", "text/html": "htmlBody"}
_DECODED = frozenset({"text/plain", "text/html", "text/xml"})
"""Types of which Java's mail library gives the text instead of the bytes."""
_LINE = re.compile(r"\r?\n")
_WORDS = re.compile(r"^(?!--)[ \t]*\S", re.MULTILINE)  # what a multipart without parts has beside delimiters
_MBOX = re.compile(rb"(From [^\r\n:]*):[ \t]*([^\r\n]*)")


class AsWritten(ContentRequest):
    """A message as its author wrote it, its attachments as documents."""

    unfolded: ClassVar[bool] = True
    """Whether the server hands out subjects on one line."""

    async def content(self, message: ParsedMessage, documents: DocumentStore) -> dict[str, Any]:
        """Our members; texts, headers and attachments are theirs.

        Raises:
            DocumentNotStored: the store does not keep an attachment.
            DocumentStoreMissing: there is none, and the message has attachments.
        """
        is_large = len(message.raw) > LARGE
        walk = await asyncio.to_thread(_Walk, message) if is_large else _Walk(message)
        kept = {
            part.part: await documents.create(walk.bytes_of(part), name=part.file_name, content_type=part.content_type)
            for part in walk.attachments
        }
        attachments = [_attachment(part, kept[part.part]) for part in walk.attachments]
        if walk.left_out:
            log.warning("parts left out", action="parts_left_out", types=sorted(walk.left_out))
        return {
            **message.as_json(),
            **envelope(header_of(message.raw), message.from_address, message.subject, unfolded=self.unfolded),
            "headers": _headers(message),
            **walk.bodies,
            "attachments": attachments,
            "inlineParts": [],
            "messages": [],
        }


def imap_response(output: OperationOutput) -> dict[str, Any]:
    """What the connector answers with, over IMAP."""
    message = cast("ImapReadOutput", output)
    return _response(message) | {"receivedDateTime": message.model_dump(mode="json")["receivedDateTime"]}


def pop3_response(output: OperationOutput) -> dict[str, Any]:
    """What the connector answers with, over POP3: the size of the body, and not when it was received."""
    message = cast("Pop3ReadOutput", output)
    return _response(message) | {"size": message.body_size, "receivedDateTime": None}


def _response(message: ImapReadOutput | Pop3ReadOutput) -> dict[str, Any]:
    documents = [*(one.document for one in message.attachments), message.source]
    return {
        "messageId": message.message_id,
        "fromAddress": message.from_address,
        "headers": [{"key": one.key, "value": one.value} for one in message.headers],
        "subject": message.subject,
        "size": message.size,
        "plainTextBody": message.plain_text_body,
        "htmlBody": message.html_body,
        "attachments": [one for one in documents if one],
    }


class _Walk:
    """The parts of a message, told apart."""

    def __init__(self, message: ParsedMessage) -> None:
        self._message = message
        self.bodies: dict[str, str | None] = dict.fromkeys(_BODIES.values())
        self.attachments: list[Part] = []
        self.left_out: set[str] = set()
        """Types of parts that the contract has no place for."""
        alone = len(message.leaves) == 1 and not _is_multipart(message)
        for leaf in message.leaves:
            self._take(leaf, alone=alone)

    def _take(self, leaf: Part, *, alone: bool) -> None:
        kind = leaf.content_type
        if kind.startswith("multipart/"):
            text = self._text(leaf)
            self.bodies[_BODIES["text/plain"]] = text if _WORDS.search(text) else ""
        elif leaf.disposition == "attachment" and not alone and kind != "message/rfc822":
            self.attachments.append(leaf)
        elif kind in _BODIES:
            self.bodies[_BODIES[kind]] = self._text(leaf)
        elif alone:
            self.attachments.append(leaf)
        else:
            self.left_out.add(kind)

    def bytes_of(self, part: Part) -> bytes:
        """What is kept of an attachment: of a text its UTF-8."""
        return self._text(part).encode() if part.content_type in _DECODED else self._message.content(part)

    def _text(self, part: Part) -> str:
        content = self._message.content(part)
        text = charsets.decode(content, part.charset).text
        return f"\ufeff{text}" if content.startswith(BOM_UTF8) and not text.startswith("\ufeff") else text


def _is_multipart(message: ParsedMessage) -> bool:
    given = next((one.value for one in message.headers if one.key.lower() == "content-type"), "")
    return given.lower().startswith("multipart")


def _attachment(part: Part, document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "fileName": part.file_name,
        "contentType": part.content_type,
        "size": part.size,
        "part": part.part,
        "contentId": part.content_id,
        "disposition": part.disposition,
        "document": document,
    }


def _headers(message: ParsedMessage) -> list[dict[str, str]]:
    """All of them; the first line of an mbox counts as one, as there."""
    mbox = _MBOX.match(message.raw)
    first = [{"key": mbox[1].decode("latin-1"), "value": mbox[2].decode("latin-1")}] if mbox else []
    return first + [{"key": one.name, "value": as_written(one.value)} for one in header_of(message.raw).fields]


def header_of(raw: bytes) -> Header:
    """The header of a message."""
    return read_header(raw, message_start(raw, 0, len(raw)), len(raw))
