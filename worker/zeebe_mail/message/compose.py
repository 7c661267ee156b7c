"""From what a process wants to say to the bytes of a message (RFC 5322, MIME).

Written by hand rather than with the standard library's generator, which is several times slower and has folded
addresses and encoded words into other ones more than once. The parts are functions from their input to pieces: a new
kind of part is a new function and a line in ``_body``.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import encodebytes
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from zeebe_mail.message.address import Mailbox, envelope
from zeebe_mail.message.content import Attachment, Calendar
from zeebe_mail.message.headers import (
    HeaderError,
    address_list,
    free_name,
    header,
    legacy_parameter,
    mime_token,
    parameter,
    unstructured,
)
from zeebe_mail.message.marks import Marks
from zeebe_mail.message.payload import Base64, Payload, Piece
from zeebe_mail.message.thread import in_reply_to, references

CALENDAR_FILE = "application/ics"
"""What an invitation is as a file: programs that know no text/calendar among texts know this."""

NO_DOMAIN = "localhost"
"""What stands in a Message-ID where the sender is a bare name."""

_LINE_LIMIT = 998  # octets without CRLF; RFC 5322, 2.1.1
_NOT_ASCII = bytes(range(128))
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,900}")


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
    """Additional ones, in order; a name may come more than once. What a mark says under the same name gives way."""
    marks: Marks = field(default_factory=Marks)
    message_id: str | None = None
    """With angle brackets; by default made from the token."""
    in_reply_to: tuple[str, ...] = ()
    """Message-IDs with their angle brackets. What others wrote and nobody could read back is left out."""
    references: tuple[str, ...] = ()
    """The thread up to here; those in ``in_reply_to`` need not be repeated, and a long one is cut in the middle."""
    says_undisclosed: bool = True
    """Whether a mail that shows no recipient says so in To. Some filters take one that does not for spam."""
    date: datetime | None = None
    """When it was written, if not now."""


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message: CRLF lines of at most 998 octets."""

    draft: Draft
    """What it says."""
    message_id: str
    date: datetime
    sender: str
    recipients: tuple[str, ...]
    data: Payload
    """ASCII, but for addresses that need SMTPUTF8 and for mails inside that need 8BITMIME."""
    without_8bit: Payload | None
    """The same for servers without 8BITMIME, where it has to differ: mails inside are files then."""
    needs_smtputf8: bool
    hidden: bytes = b""
    """The header Bcc, which no recipient gets to see."""
    left_out: tuple[str, ...] = ()
    """Recipients that it was asked to go to and must not, by our own guard rails."""

    @property
    def sender_copy(self) -> Payload:
        """The message as its sender keeps it: with Bcc."""
        return self.data.behind(self.hidden) if self.hidden else self.data


def compose(draft: Draft, *, token: str, date: datetime) -> Message:
    """Write a message. ``token`` makes its Message-ID and boundaries: the same for each attempt at the same mail.

    The people in Bcc are in the envelope and nowhere in the message (RFC 5322, 3.6.3).

    Raises:
        HeaderError: a header must not be written so.
    """
    sender = draft.sender or draft.authors[0]
    date = draft.date or date
    message_id = draft.message_id or f"<zm-{token}@{sender.domain or NO_DOMAIN}>"
    head = b"".join(_head(draft, message_id, date))
    envelope_sender = sender.address if draft.envelope_sender is None else draft.envelope_sender
    recipients = envelope(draft.to, draft.cc, draft.bcc)
    writer = _Writer(token)
    body = writer.body(draft)
    return Message(
        draft=draft,
        message_id=message_id,
        date=date,
        sender=envelope_sender,
        recipients=recipients,
        data=_whole(head, body),
        without_8bit=_whole(head, _Writer(token, eight_bit=False).body(draft)) if writer.used_8bit else None,
        # Whatever is no address goes into encoded words, so a header has no other letters than those of addresses.
        needs_smtputf8=not (head.isascii() and all(map(str.isascii, (envelope_sender, *recipients)))),
        hidden=address_list("Bcc", draft.bcc) if draft.bcc else b"",
    )


def _whole(head: bytes, body: list[Piece]) -> Payload:
    last = body[-1]
    return Payload(head, *body) if isinstance(last, Base64) or last.endswith(b"\r\n") else Payload(head, *body, b"\r\n")


def _head(draft: Draft, message_id: str, date: datetime) -> Iterator[bytes]:
    yield f"Date: {format_datetime(date)}\r\n".encode("ascii")
    yield address_list("From", draft.authors)
    sender = draft.sender or draft.authors[0]
    if len(draft.authors) > 1 or sender.address != draft.authors[0].address:
        yield address_list("Sender", (sender,))
    yield from _correspondents(draft)
    if draft.subject is not None:
        yield unstructured("Subject", draft.subject)
    yield f"Message-ID: {message_id}\r\n".encode("ascii")
    yield b"MIME-Version: 1.0\r\n"
    taken = {name.lower() for name, _ in draft.headers}
    for name, whole in (*_thread(draft), *draft.marks.headers()):
        if not taken or name.lower() not in taken:
            yield whole
    for name, value in draft.headers:
        yield header(free_name(name), value)


def _correspondents(draft: Draft) -> Iterator[bytes]:
    if draft.to:
        yield address_list("To", draft.to)
    elif draft.says_undisclosed and not draft.cc:
        yield b"To: undisclosed-recipients:;\r\n"
    if draft.cc:
        yield address_list("Cc", draft.cc)
    if draft.reply_to:
        yield address_list("Reply-To", draft.reply_to)


def _thread(draft: Draft) -> Iterator[tuple[str, bytes]]:
    if draft.in_reply_to or draft.references:
        yield "In-Reply-To", in_reply_to(draft.in_reply_to)
        yield "References", references(draft.references, draft.in_reply_to)


class _Writer:
    """Writes a body. A part is a list of pieces that begins with its own headers.

    The tree is mixed( related( alternative(plain, html, calendar), inline… ), file…, invite.ics ), without the
    containers that would have one child.
    """

    def __init__(self, token: str, *, eight_bit: bool = True) -> None:
        self._token = token
        self._eight_bit = eight_bit
        self._containers = 0
        self.used_8bit = False

    def body(self, draft: Draft) -> list[Piece]:
        """The body's own headers, an empty line, and its content."""
        texts = [
            _text_part(f"text/{kind}; charset=utf-8", content.encode())
            for kind, content in (("plain", draft.text), ("html", draft.html))
            if content is not None
        ]
        if draft.calendar:
            texts.append(_text_part(_calendar_type(draft.calendar), draft.calendar.data))
        shown = [one for one in draft.attachments if one.inline and draft.html is not None]
        beside = [one for one in draft.attachments if not (one.inline and draft.html is not None)]
        if not draft.attachments and not draft.calendar:
            return self._container("alternative", texts)
        related = [self._container("alternative", texts), *map(self._file, shown)]
        mixed = [self._container("related", related), *map(self._file, beside)]
        if draft.calendar:
            mixed.append(self._file(Attachment(draft.calendar.name, CALENDAR_FILE, draft.calendar.data)))
        return self._container("mixed", mixed)

    def _container(self, kind: str, parts: list[list[Piece]]) -> list[Piece]:
        """The parts in a multipart; one part stays as it is. Alternatives come the richest last (RFC 2046, 5.1.4)."""
        if len(parts) == 1:
            return parts[0]
        boundary = self._boundary(parts)
        # RFC 2387, 3.1: what is related says what its root is.
        root = f'; type="{_media_type(parts[0])}"' if kind == "related" else ""
        delimiter = f"\r\n--{boundary}".encode("ascii")
        pieces: list[Piece] = [f'Content-Type: multipart/{kind}{root};\r\n boundary="{boundary}"\r\n'.encode("ascii")]
        for part in parts:
            pieces += (delimiter, b"\r\n", *part)
        return [*pieces, delimiter, b"--\r\n"]

    def _boundary(self, parts: list[list[Piece]]) -> str:
        """A boundary that none of the parts has in it. In quoted-printable and base64 it cannot be."""
        self._containers += 1
        for attempt in range(1000):
            seed = f"{self._token} {self._containers} {attempt}".encode()
            boundary = f"=_{hashlib.sha256(seed).hexdigest()[:24]}"
            sought = boundary.encode("ascii")
            if not any(isinstance(piece, bytes) and sought in piece for part in parts for piece in part):
                return boundary
        raise HeaderError("holds every boundary that could be used")

    def _file(self, one: Attachment) -> list[Piece]:
        if one.content_type == "message/rfc822":
            return self._mail(one)
        kind = one.content_type
        # Neither may be in base64 (RFC 2045, 6.4; RFC 2046, 5.2), and no other encoding keeps every byte.
        if kind.startswith(("multipart/", "message/")):
            kind = "application/octet-stream"
        return [_file_head(one, kind, one.name, "base64"), Base64(one.data)]

    def _mail(self, one: Attachment) -> list[Piece]:
        """A mail in the mail, with every byte it has; where that cannot be, a file (RFC 2046, 5.2.1)."""
        lines = _with_crlf(one.data)
        is_8bit = not one.data.isascii()
        if lines is None or (is_8bit and not (self._eight_bit and lines.partition(b"\r\n\r\n")[0].isascii())):
            name = one.name if one.name.lower().endswith(".eml") else f"{one.name}.eml"
            return [_file_head(one, "application/octet-stream", name, "base64"), Base64(one.data)]
        self.used_8bit |= is_8bit
        return [_file_head(one, one.content_type, one.name, "8bit" if is_8bit else "7bit"), lines]


def _calendar_type(calendar: Calendar) -> str:
    return f"text/calendar; charset=utf-8; method={mime_token(calendar.method)}"


def _media_type(part: list[Piece]) -> str:
    head = part[0]
    assert isinstance(head, bytes)
    return head[len(b"Content-Type: ") :].partition(b";")[0].decode("ascii")


def _file_head(one: Attachment, kind: str, name: str, encoding: str) -> bytes:
    main, _, sub = kind.partition("/")
    charset = f"; charset={mime_token(one.charset)}" if one.charset and main == "text" else ""
    disposition = "inline" if one.inline else "attachment"
    lines = [
        f"Content-Type: {mime_token(main)}/{mime_token(sub)}{charset}{legacy_parameter('name', name)}",
        f"Content-Transfer-Encoding: {encoding}",
        f"Content-Disposition: {disposition}{parameter('filename', name)}",
    ]
    if one.content_id is not None:
        if not _CONTENT_ID.fullmatch(one.content_id):
            raise HeaderError("a Content-ID has printable ASCII characters without space and angle brackets")
        lines.append(f"Content-ID: <{one.content_id}>")
    return "\r\n".join((*lines, "", "")).encode("ascii")


def _text_part(kind: str, content: bytes) -> list[Piece]:
    encoding, body = _transfer_encoded(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    return [f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii"), body]


def _with_crlf(mail: bytes) -> bytes | None:
    """A mail as it may stand in another: not where its line ends are mixed or its lines too long."""
    feeds, returns = mail.count(b"\n"), mail.count(b"\r")
    if b"\0" in mail or (returns and not feeds == returns == mail.count(b"\r\n")):
        return None
    lines = mail if returns else mail.replace(b"\n", b"\r\n")
    return None if has_long_line(lines) else lines


def has_long_line(lines: bytes) -> bool:
    """Whether a line, each of which ends in CRLF, has more than 998 octets (RFC 5322, 2.1.1)."""
    start = 0
    while (end := lines.find(b"\r\n", start)) >= 0:  # a list of all lines would be larger than the mail
        if end - start > _LINE_LIMIT:
            return True
        start = end + 2
    return len(lines) - start > _LINE_LIMIT


def _transfer_encoded(lines: bytes) -> tuple[str, bytes]:
    """Text with LF line ends as it may travel everywhere (RFC 2045, 6): as it is, quoted-printable or base64."""
    if lines.isascii() and b"\0" not in lines and len(max(lines.split(b"\n"), key=len)) <= _LINE_LIMIT:
        return "7bit", lines.replace(b"\n", b"\r\n")
    if 3 * len(lines.translate(None, delete=_NOT_ASCII)) > len(lines):
        return "base64", encodebytes(lines.replace(b"\n", b"\r\n")).replace(b"\n", b"\r\n")
    return "quoted-printable", binascii.b2a_qp(lines).replace(b"\n", b"\r\n")
