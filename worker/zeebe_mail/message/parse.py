"""From hostile bytes to what a process gets of a mail. Pure, and never an error: what could not be read is said.

Nothing here trusts the standard library's parser, of which some inputs take minutes or gigabytes. The bytes are divided
within limits (``mime_tree``), each header and body is decoded by itself, and one that fails leaves the others.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath
from typing import TypeVar

from zeebe_mail.message import charsets, encoded_words
from zeebe_mail.message.auth_results import read_authentication_results
from zeebe_mail.message.auto_reply import auto_reply_reason
from zeebe_mail.message.body import read_body, text_of
from zeebe_mail.message.bounce import read_bounce
from zeebe_mail.message.calendar_reply import CalendarError, read_calendar
from zeebe_mail.message.envelope import IDENTIFIER, addresses_of, envelope_of
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.message.header_fields import Header, message_start, read_header
from zeebe_mail.message.mime_tree import Entity, Findings, leaf_section, read_tree
from zeebe_mail.message.parsed import Calendar, Field, Importance, ParsedMessage, Part
from zeebe_mail.message.quoted_reply import newest_reply

MESSAGE_LIMIT = 30 * 1024 * 1024
"""Bytes of a message that is read."""

_ERRORS = 50
_IDENTIFIERS = 1000

_Result = TypeVar("_Result")


def parse(raw: bytes, received: datetime | None = None) -> ParsedMessage:
    """Read a message.

    Args:
        raw: RFC 5322, or whatever a server gave for it.
        received: when the server got it, if it says so; else the topmost Received header tells.

    Returns:
        as much as could be read, never an exception but MemoryError: ``parse_error`` says why if it is not all,
        ``errors`` what had to be repaired. ``raw`` is kept in it by reference.
    """
    if len(raw) > MESSAGE_LIMIT:
        return parse_header(raw, received, too_large(len(raw)))
    # Lines of old Macs end in CR alone; one byte stays one byte, so that sections stay where they are.
    data = raw.replace(b"\r", b"\n") if b"\n" not in raw and b"\r" in raw else raw
    try:
        findings = Findings()
        tree = read_tree(data, findings)
        message = _message(tree, len(raw), findings)
    except MemoryError:
        raise
    except Exception as error:  # a bug of ours must not cost anybody his mail
        return parse_header(raw, received, f"The message could not be read: {_where(error)}.")
    return replace(message, raw=raw, received=received or message.received)


def parse_header(raw: bytes, received: datetime | None = None, parse_error: str | None = None) -> ParsedMessage:
    """Read only the header of a message, as of a POP3 TOP or an IMAP BODY[HEADER]; never an exception."""
    findings = Findings()
    try:
        header = read_header(raw, message_start(raw, 0, len(raw)), len(raw))
        findings.exceeded += header.exceeded
        message = _with_header(header, len(raw), findings)
    except Exception as error:
        message = ParsedMessage(size=len(raw), parse_error=f"The header could not be read: {_where(error)}.")
    return replace(
        message,
        raw=raw,
        received=received or message.received,
        parse_error=parse_error or message.parse_error,
    )


def too_large(size: int) -> str:
    """What ``parse_error`` says of a message that is not read because of its size."""
    return f"The message has {size} bytes; more than {MESSAGE_LIMIT} are not read."


def _where(error: Exception) -> str:
    """Which kind of error and where: nothing of what was in the message."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {PurePath(frame.filename).name}, line {frame.lineno}"


def _message(root: Entity, size: int, findings: Findings, *, in_another: bool = False) -> ParsedMessage:
    """The message whose tree this is; messages in it are read the same way."""
    known = _with_header(_legible(root), size, findings)
    body = read_body(root, findings, borrow=not in_another)
    leaves = {} if in_another else {id(one): _part(one) for one in _leaves(root)}
    text = body.text
    return replace(
        known,
        text=text,
        text_source=body.source,
        newest_reply=_attempt(lambda: newest_reply(text), "newest reply", findings) if text is not None else None,
        html=body.html,
        safe_html=body.safe_html,
        attachments=tuple(leaves.get(id(one)) or _part(one) for one in body.attachments),
        inline_parts=tuple(leaves.get(id(one)) or _part(one) for one in body.inline),
        messages=tuple(_nested(one) for one in _messages(root)),
        leaves=tuple(leaves.values()),
        calendar=_calendar(root, findings),
        bounce=_attempt(lambda: read_bounce(root, text), "report", findings),
        errors=tuple(dict.fromkeys(findings.errors))[:_ERRORS],
        parse_error=" ".join(findings.exceeded) or None,
        is_shortened=findings.is_shortened,
    )


def _legible(root: Entity) -> Header:
    """The header in UTF-8: raw bytes in it, which RFC 5322 forbids, are mostly in the charset of the text."""
    label = next((one.parameters["charset"] for one in _texts(root) if "charset" in one.parameters), None)
    fields = tuple(replace(one, value=charsets.utf8(one.value, label)) for one in root.header.fields)
    return Header(fields, root.header.body, root.header.exceeded)


def _texts(entity: Entity) -> Iterable[Entity]:
    if entity.content_type.startswith("text/"):
        yield entity
    elif not entity.is_message:
        for child in entity.children:
            yield from _texts(child)


def _with_header(header: Header, size: int, findings: Findings) -> ParsedMessage:
    """What the header alone says."""
    envelope = envelope_of(header)
    return ParsedMessage(
        size=size,
        message_id=envelope.message_id,
        headers=tuple(Field(one.name, encoded_words.header_text(one.value)) for one in header.fields),
        subject=envelope.subject,
        from_=envelope.from_,
        sender=addresses_of(header.all("sender")),
        to=envelope.to,
        cc=envelope.cc,
        bcc=addresses_of(header.all("bcc")),
        reply_to=addresses_of(header.all("reply-to")),
        sent=envelope.sent,
        received=envelope.received,
        in_reply_to=_identifiers(header.all("in-reply-to")),
        references=_identifiers(header.all("references")),
        importance=_importance(header),
        auto_reply=auto_reply_reason(header),
        authentication_results=read_authentication_results(header.all("authentication-results")),
        parse_error=" ".join(findings.exceeded) or None,
    )


def _identifiers(values: Iterable[bytes]) -> tuple[str, ...]:
    text = " ".join(encoded_words.one_line(encoded_words.raw_text(value)) for value in values)
    return tuple(dict.fromkeys(IDENTIFIER.findall(text)))[:_IDENTIFIERS]


def _importance(header: Header) -> Importance:
    """Importance wins over the others (MS-OXCMAIL, 2.2.3.2.6)."""
    for name in ("importance", "x-msmail-priority", "x-priority", "priority"):
        value = encoded_words.raw_text((header.first(name) or b"")[:100]).lower()
        if value.startswith(("high", "1", "2", "urgent")):
            return "high"
        if value.startswith(("low", "4", "5", "non-urgent")):
            return "low"
        if value:
            return "normal"
    return "normal"


def _leaves(entity: Entity) -> Iterator[Entity]:
    if not entity.is_multipart:
        yield entity
    for child in entity.children if entity.is_multipart else ():
        yield from _leaves(child)


def _part(entity: Entity) -> Part:
    name = entity.file_name
    return Part(
        part=leaf_section(entity),
        file_name=safe_filename(name),
        content_type=entity.content_type,
        size=entity.content_size,
        content_id=entity.content_id,
        disposition=entity.disposition,
        charset=entity.parameters.get("charset"),
        path=entity.path,
    )


def _messages(entity: Entity) -> Iterable[Entity]:
    """The parts with messages that a message holds, not those that these hold."""
    if entity.is_message:
        yield entity
    else:
        for child in entity.children:
            yield from _messages(child)


def _nested(holder: Entity) -> ParsedMessage:
    root = holder.children[0]
    return replace(_message(root, root.size, Findings(), in_another=True), part=_part(holder))


def _calendar(root: Entity, findings: Findings) -> Calendar | None:
    for part in _calendars(root):
        try:
            return read_calendar(text_of(part, findings), part.parameters.get("method"))
        except CalendarError as error:
            findings.errors.append(str(error))
    return None


def _calendars(entity: Entity) -> Iterable[Entity]:
    if entity.content_type in {"text/calendar", "application/ics"} or _is_calendar_file(entity):
        yield entity
    elif not entity.is_message:
        for child in entity.children:
            yield from _calendars(child)


def _is_calendar_file(entity: Entity) -> bool:
    return entity.content_type == "application/octet-stream" and (entity.file_name or "").lower().endswith(".ics")


def _attempt(read: Callable[[], _Result], what: str, findings: Findings) -> _Result | None:
    """Something nice to know, whose failure must not cost the rest."""
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:
        findings.errors.append(f"The {what} could not be read: {_where(error)}.")
        return None
