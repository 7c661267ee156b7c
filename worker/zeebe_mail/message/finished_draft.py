"""From a stored draft to the mail that is sent: the same bytes but for what RFC 5322 wants changed.

A mail of somebody's own program is never written anew. What changes are single header fields: Date becomes the moment
of sending (3.6.1), a missing Message-ID is added (3.6.4), Bcc goes (3.6.3), and so do notes that programs leave in
their drafts for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from types import MappingProxyType

from zeebe_mail.message.address import envelope
from zeebe_mail.message.compose import NO_DOMAIN, Draft, Message, has_long_line
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.message.headers import address_list, header
from zeebe_mail.message.message_id import message_id_of
from zeebe_mail.message.payload import Payload

_LINE_END = re.compile(rb"\r\n|\r|\n")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_HIDDEN = (b"bcc", b"resent-bcc")
_NOTES = re.compile(rb"fcc|x-unsent|x-mozilla-.*|x-identity-key|x-account-key|x-uniform-type-identifier|x-apple-.*")


class DraftError(ValueError):
    """A draft that cannot be sent; the message says why."""


def readdressed(draft: Draft) -> dict[bytes, bytes]:
    """The header fields that say whom a mail is for now, and its additional ones, by name in lower case."""
    fields = {b"to": address_list("To", draft.to) if draft.to else b"", b"cc": b""}
    if draft.cc:
        fields[b"cc"] = address_list("Cc", draft.cc)
    return fields | {name.lower().encode("ascii"): header(name, value) for name, value in draft.headers}


def finished(
    raw: bytes,
    *,
    addressed: Draft,
    token: str,
    date: datetime,
    replaced: Mapping[bytes, bytes] = MappingProxyType({}),
) -> Message:
    """The mail that a draft becomes. ``addressed`` is whom it goes from and to; ``replaced`` are header fields by name
    (lower case) that take the place of the draft's own.

    Raises:
        DraftError: it is no message, or cannot be sent over SMTP.
    """
    author = (addressed.sender or addressed.authors[0]).address
    sender = author if addressed.envelope_sender is None else addressed.envelope_sender
    recipients = envelope(addressed.to, addressed.cc, addressed.bcc)
    if b"\0" in raw:
        raise DraftError("it has the character NUL")
    whole = _LINE_END.sub(b"\r\n", raw)
    if has_long_line(whole):
        raise DraftError("it has a line of more than 998 characters")
    head, _, body = whole.partition(b"\r\n\r\n")
    fields = _fields(head)
    _require_one_reading(raw, fields)
    gone = {*_HIDDEN, b"date", *replaced}
    kept = [whole for name, whole in fields if name not in gone and not _NOTES.fullmatch(name)]
    kept += replaced.values()
    message_id = message_id_of(read_header(head, 0, len(head)))
    if message_id is None:
        domain = sender.rpartition("@")[2] or NO_DOMAIN
        message_id = f"<zm-{token}@{domain}>"
        kept.insert(0, f"Message-ID: {message_id}\r\n".encode())
    new_head = b"".join((f"Date: {format_datetime(date)}\r\n".encode("ascii"), *kept))
    if read_header(new_head, 0, len(new_head)).all("bcc"):
        raise DraftError("its header cannot be read without doubt")
    end = b"" if body.endswith(b"\r\n") or not body else b"\r\n"
    return Message(
        draft=addressed,
        message_id=message_id,
        date=date,
        sender=sender,
        recipients=recipients,
        data=Payload(new_head, b"\r\n", body, end),
        without_8bit=None,
        needs_smtputf8=not (new_head.isascii() and all(map(str.isascii, (sender, *recipients)))),
        hidden=b"".join(whole for name, whole in fields if name in _HIDDEN),
    )


def _require_one_reading(raw: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    """Pass when a lenient reader, as the guard rails have it, finds the very fields that are sent.

    Raises:
        DraftError: it finds others, or there is a second author: servers and readers would differ in whom they believe.
    """
    read = read_header(raw, 0, len(raw))
    names = [name.decode("ascii") for name, _ in fields]
    if read.exceeded or [one.name.lower() for one in read.fields] != names:
        raise DraftError("its header can be read in more than one way")
    if names.count("from") > 1:
        raise DraftError("it has more than one From")


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """The header's fields by name (lower case), each with its CRLF.

    Raises:
        DraftError: a line of it is no header.
    """
    fields: list[tuple[bytes, list[bytes]]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
        elif field := _FIELD.match(line):
            fields.append((field[1].lower(), [line]))
        else:
            raise DraftError("its header has a line that is no header")
    return [(name, b"\r\n".join((*lines, b""))) for name, lines in fields]
