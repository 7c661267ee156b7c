"""Header fields as bytes: encoded words (RFC 2047), folding (RFC 5322, 2.2.3), and which names may be given.

Text for people goes into encoded words where it must; what programs read never does.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from zeebe_mail.message.address import AddressError, Mailbox, mailboxes

NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
"""The header names that we write: a safe part of what RFC 5322, 2.2 allows."""

ANY_NAME = re.compile(r"[!-9;-~]{1,70}")
"""All header names that RFC 5322, 2.2 allows, up to a bearable length."""

WRITTEN = frozenset(
    {"from", "to", "cc", "bcc", "resent-bcc", "reply-to", "date", "message-id", "subject", "mime-version"}
    | {"content-type", "content-transfer-encoding"}
)
"""Headers that a message has from its own fields, or never has because they name hidden recipients."""

RESERVED = WRITTEN | {
    "sender", "received", "return-path", "delivered-to", "x-original-to", "envelope-to", "apparently-to",
    "authentication-results", "received-spf",
}  # fmt: skip
"""These, and headers that belong to mail servers: by some of them they know a mail that goes in circles."""

FIELDS = {
    "from": "from", "sender": "sender", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "replyTo",
    "subject": "subject", "message-id": "messageId", "return-path": "envelopeFrom", "resent-bcc": "bcc",
    "content-language": "language",
}  # fmt: skip
"""The inputs that say what some of the reserved headers say."""

STRUCTURED = frozenset(
    {"in-reply-to", "references", "original-message-id", "supersedes", "obsoletes", "auto-submitted", "importance"}
    | {"priority", "x-priority", "x-msmail-priority", "sensitivity", "precedence", "expires", "reply-by"}
    | {"content-language", "accept-language", "list-id", "list-help", "list-post", "list-owner", "list-archive"}
    | {"list-subscribe", "list-unsubscribe", "list-unsubscribe-post", "x-auto-response-suppress", "feedback-id"}
    | {"tls-required"}
)
"""Headers that programs read word by word."""

ADDRESSES = frozenset(
    {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to", "errors-to", "mail-reply-to"}
    | {"mail-followup-to", "sender"}
)
"""Headers that hold addresses, beside those that a message has from its own fields."""

RESERVED_PREFIXES = ("content-", "dkim-", "arc-", "resent-")
"""Beginnings of header names that describe or sign the message."""

_LINE_LIMIT = 998  # octets without CRLF (RFC 5322, 2.1.1)
_LINE = 76  # characters without CRLF: of a line with an encoded word (RFC 2047, 2); others may have 78
_ENCODED_WORD = 75
_SHELL = len("=?utf-8?q??=")

_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,100}")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")

# What may stand for itself in a Q-encoded word anywhere, a display name included (RFC 2047, 5 (3)).
_AS_IS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_LEGIBLE = _AS_IS + b" "
_Q = {code: chr(code) if code in _AS_IS else "_" if code == 32 else f"={code:02X}" for code in range(256)}


class HeaderError(ValueError):
    """A header that must not be written; the message says why and does not repeat its value."""


def custom_name(name: str) -> str:
    """A header name that a process may choose.

    Raises:
        HeaderError: it is not a header name, or the header is ours or the servers' to write.
    """
    if not NAME.fullmatch(name):
        raise HeaderError("a header name has 1 to 70 letters, digits and hyphens")
    if name.lower() in RESERVED or name.lower().startswith(RESERVED_PREFIXES):
        if field := FIELDS.get(name.lower()):
            raise HeaderError(f"cannot be given as an additional header; use the field `{field}`")
        raise HeaderError("this header is written by the worker or by mail servers; it cannot be given")
    return name


def free_name(name: str) -> str:
    """A header name that does not clash with those that a message has anyway.

    Raises:
        HeaderError: it is not a header name (RFC 5322, 2.2), or the header is ours to write.
    """
    if not ANY_NAME.fullmatch(name):
        raise HeaderError("a header name has 1 to 70 printable ASCII characters, no blank and no colon")
    if name.lower() in WRITTEN:
        raise HeaderError("this header is written by the worker; it cannot be given")
    return name


def text_value(value: str) -> str:
    """A header value without anything that could end the header.

    Raises:
        HeaderError: it has a line break or another control character.
    """
    if _BREAKS.search(value):
        raise HeaderError("must not contain line breaks or other control characters")
    return value


def header(name: str, value: str) -> bytes:
    """An additional header, written as its name wants it.

    Raises:
        HeaderError: it must not be written so; see ``text_value``, ``structured`` and ``mailboxes``.
    """
    kind = name.lower()
    if kind in STRUCTURED:
        return structured(name, value)
    if kind in ADDRESSES:
        try:
            return address_list(name, mailboxes(text_value(value)))
        except AddressError as error:
            raise HeaderError(str(error)) from None
    return unstructured(name, value)


def structured(name: str, value: str) -> bytes:
    """A header for programs, such as References: folded between its words, never in encoded words.

    Raises:
        HeaderError: it has other characters than ASCII's, or a word that no line has room for.
    """
    if _PLAIN.fullmatch(value) and len(name) + len(value) + 2 <= _LINE:
        return f"{name}: {value}\r\n".encode("ascii")
    words = text_value(value).split()
    if not value.isascii():
        raise HeaderError("must have no other characters than ASCII's")
    if words and max(map(len, words)) + len(name) + 2 > _LINE_LIMIT:
        raise HeaderError(f"must have a space at least every {_LINE_LIMIT - len(name) - 2} characters")
    return _folded(f"{name}:", words or [""])


def mime_token(value: str) -> str:
    """A word of MIME (RFC 2045, 5.1), which ends nothing and begins nothing.

    Raises:
        HeaderError: it is none.
    """
    if not _TOKEN.fullmatch(value):
        raise HeaderError("must have only letters, digits and a few signs")
    return value


def unstructured(name: str, value: str) -> bytes:
    """A header of free text, such as Subject: as it is where it can be, in encoded words where it must.

    Raises:
        HeaderError: see ``text_value``.
    """
    text_value(value)
    if "=?" not in value and (not value or _PLAIN.fullmatch(value)):
        if len(name) + len(value) + 2 <= _LINE:
            return f"{name}: {value}\r\n".encode("ascii")
        words = value.split(" ")
        if max(map(len, words)) < _LINE:
            return _folded(f"{name}:", words)
    return _folded(f"{name}:", _encoded_words(value, _LINE - len(name) - 2))


def address_list(name: str, mailboxes: Iterable[Mailbox]) -> bytes:
    """A header of addresses, such as To; one that does not fit is folded between its parts."""
    words: list[str] = []
    room = _LINE - len(name) - 2
    for one in mailboxes:
        if words:
            words[-1] += ","
        words += _mailbox_words(one, room)
        room = _LINE - 1
    line = f"{name}: {' '.join(words)}"
    if len(line) <= _LINE:
        return f"{line}\r\n".encode()
    return _folded(f"{name}:", words)


def parameter(name: str, value: str) -> str:
    """A MIME parameter on a line of its own, as ``; name="value"``: what is not plain as RFC 2231 says.

    Raises:
        HeaderError: see ``text_value``.
    """
    if _is_plain_parameter(name, value):
        return f';\r\n {name}="{_escaped(value)}"'
    whole = f"; {name}*=utf-8''{quote(value, safe='')}"
    if len(whole) <= _LINE:
        return f";\r\n{whole[1:]}"
    pieces: list[str] = []
    piece = "utf-8''"
    for char in value:
        encoded = quote(char, safe="")
        if len(f" {name}*{len(pieces)}*={piece}{encoded};") > _LINE:
            pieces.append(piece)
            piece = ""
        piece += encoded
    return "".join(f";\r\n {name}*{number}*={piece}" for number, piece in enumerate((*pieces, piece)))


def legacy_parameter(name: str, value: str) -> str:
    """The same for programs that know no RFC 2231: encoded words in quotation marks, which RFC 2047 does not foresee.

    Raises:
        HeaderError: see ``text_value``.
    """
    if _is_plain_parameter(name, value):
        return parameter(name, value)
    words = "\r\n ".join(_b_words(value.encode(), _LINE - len(name) - len(' =""')))
    return f';\r\n {name}="{words}"'


def _is_plain_parameter(name: str, value: str) -> bool:
    plain = _PLAIN.fullmatch(text_value(value)) is not None and "=?" not in value
    return plain and len(f' {name}="{_escaped(value)}";') <= _LINE_LIMIT


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _mailbox_words(one: Mailbox, room: int) -> list[str]:
    address, name = one.address, one.name
    if not name:
        return [address]
    if name.isascii() and "=?" not in name:
        words = name.split(" ") if _PHRASE.fullmatch(name) else [f'"{_escaped(name)}"']
        if len(words[0]) <= room and max(map(len, words)) < _LINE:
            return [*words, f"<{address}>"]
    return [*_encoded_words(name, room), f"<{address}>"]


def _folded(start: str, words: Iterable[str]) -> bytes:
    """Words, one space apart, a new line before each that does not fit any more."""
    lines, line = [], start
    for word in words:
        if len(line) + 1 + len(word) > _LINE and line is not start:
            lines.append(line)
            line = ""
        line = f"{line} {word}"
    return "\r\n".join((*lines, line, "")).encode()


def _encoded_words(text: str, room: int) -> Iterator[str]:
    """Text in encoded words, of which the first has so much room; legible where most of it is plain."""
    data = text.encode()
    if 3 * len(data.translate(None, delete=_LEGIBLE)) <= len(data):
        return _q_words(text, room)
    return _b_words(data, room)


def _b_words(data: bytes, room: int) -> Iterator[str]:
    start = 0
    while start < len(data):
        end = min(start + max(min(room, _ENCODED_WORD) - _SHELL, 8) // 4 * 3, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        yield f"=?utf-8?b?{b64encode(data[start:end]).decode('ascii')}?="
        start, room = end, _ENCODED_WORD


def _q_words(text: str, room: int) -> Iterator[str]:
    whole = "".join(map(_Q.__getitem__, text.encode()))
    start, budget = 0, max(min(room, _ENCODED_WORD) - _SHELL, 12)
    while start < len(whole):
        end = start + budget
        if end < len(whole):
            end -= 1 if whole[end - 1] == "=" else 2 if whole[end - 2] == "=" else 0
            while whole[end] == "=" and whole[end + 1] in "89AB":  # it goes on with the character before
                end -= 3
        yield f"=?utf-8?q?{whole[start:end]}?="
        start, budget = end, _ENCODED_WORD - _SHELL
