"""From what a process wants to say to the bytes of a message (RFC 5322, MIME).

Written by hand rather than with the standard library's generator, which is several times slower and has folded
addresses and encoded words into other ones more than once. The parts are functions from their input to bytes: a new
kind of part is a new function and a line in ``_body``.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from zeebe_mail.message.address import Mailbox, envelope
from zeebe_mail.message.content import Attachment, Calendar
from zeebe_mail.message.headers import address_list, free_name, unstructured
from zeebe_mail.message.marks import Marks

NO_DOMAIN = "localhost"
"""What stands in a Message-ID where the sender is a bare name."""

_LINE_LIMIT = 998  # octets without CRLF; RFC 5322, 2.1.1
_NOT_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said, and by whom to whom. At least one of ``text``, ``html`` and ``calendar`` is given."""

    authors: tuple[Mailbox, ...]
    """From: at least one. Several make Sender necessary (RFC 5322, 3.6.2): the first of them where none is given."""
    to: tuple[Mailbox, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    bcc: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()
    sender: Mailbox | None = None
    """Who sends for the authors."""
    envelope_sender: str | None = None
    """Who gets bounces, if not the sender; empty: nobody (RFC 5321, 4.5.5)."""
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    calendar: Calendar | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Additional ones, in order; a name may come more than once."""
    marks: Marks = field(default_factory=Marks)
    message_id: str | None = None
    """With angle brackets; by default made from the token."""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    says_undisclosed: bool = True
    """Whether a mail that shows no recipient says so in To. Some filters take one that does not for spam."""
    date: datetime | None = None
    """When it was written, if not now."""


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message: CRLF lines of at most 998 octets, ASCII but for addresses that need SMTPUTF8."""

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    data: bytes
    needs_smtputf8: bool
    calendar: Calendar | None = None
    left_out: tuple[str, ...] = ()
    """Recipients that it was asked to go to and must not, by our own guard rails."""


def compose(draft: Draft, *, token: str, date: datetime) -> Message:
    """Write a message. ``token`` makes its Message-ID: the same for each attempt at the same mail.

    The people in Bcc are in the envelope and nowhere in the message (RFC 5322, 3.6.3).

    Raises:
        HeaderError: a header must not be written so.
    """
    sender = draft.sender or draft.authors[0]
    message_id = draft.message_id or f"<zm-{token}@{sender.domain or NO_DOMAIN}>"
    head = [
        f"Date: {format_datetime(draft.date or date)}\r\n".encode("ascii"),
        address_list("From", draft.authors),
        *_correspondents(draft),
        *([] if draft.subject is None else [unstructured("Subject", draft.subject)]),
        f"Message-ID: {message_id}\r\n".encode("ascii"),
        b"MIME-Version: 1.0\r\n",
        *(unstructured(free_name(name), value) for name, value in draft.headers),
    ]
    content = _body(draft)
    if not content[-1].endswith(b"\r\n"):
        content.append(b"\r\n")
    everybody = (*draft.authors, sender, *draft.to, *draft.cc, *draft.bcc, *draft.reply_to)
    return Message(
        message_id=message_id,
        sender=sender.address if draft.envelope_sender is None else draft.envelope_sender,
        recipients=envelope(draft.to, draft.cc, draft.bcc),
        data=b"".join((*head, *content)),
        needs_smtputf8=any(one.needs_smtputf8 for one in everybody),
        calendar=draft.calendar,
    )


def _correspondents(draft: Draft) -> Iterator[bytes]:
    if draft.to:
        yield address_list("To", draft.to)
    elif draft.says_undisclosed and not draft.cc:
        yield b"To: undisclosed-recipients:;\r\n"
    if draft.cc:
        yield address_list("Cc", draft.cc)
    if draft.reply_to:
        yield address_list("Reply-To", draft.reply_to)


def _body(draft: Draft) -> list[bytes]:
    """The body's own headers, an empty line, and its content."""
    alternatives = [
        _text_part(kind, content)
        for kind, content in (("plain", draft.text), ("html", draft.html))
        if content is not None
    ]
    if len(alternatives) == 1:
        return alternatives[0]
    return _multipart("alternative", alternatives)


def _multipart(kind: str, parts: list[list[bytes]]) -> list[bytes]:
    """Parts, the richest last (RFC 2046, 5.1.4). No line of an encoded part can be the boundary."""
    boundary = f"=_{secrets.token_hex(12)}"
    delimiter = f"\r\n--{boundary}".encode("ascii")
    pieces = [f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode("ascii")]
    for part in parts:
        pieces += (delimiter, b"\r\n", *part)
    return [*pieces, delimiter, b"--\r\n"]


def _text_part(kind: str, content: str) -> list[bytes]:
    encoding, body = _transfer_encoded(content.replace("\r\n", "\n").replace("\r", "\n").encode())
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return [head.encode("ascii"), body]


def _transfer_encoded(lines: bytes) -> tuple[str, bytes]:
    """Text with LF line ends as it may travel everywhere (RFC 2045, 6): as it is, quoted-printable or base64."""
    if lines.isascii() and b"\0" not in lines and len(max(lines.split(b"\n"), key=len)) <= _LINE_LIMIT:
        return "7bit", lines.replace(b"\n", b"\r\n")
    if 3 * len(lines.translate(None, delete=_NOT_ASCII)) > len(lines):
        return "base64", encodebytes(lines.replace(b"\n", b"\r\n")).replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(lines).replace(b"\n", b"\r\n")
