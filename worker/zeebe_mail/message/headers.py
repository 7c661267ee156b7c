"""Header fields as bytes: encoded words (RFC 2047), folding (RFC 5322, 2.2.3), and which names may be given."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator

from zeebe_mail.message.address import Mailbox

NAME = re.compile(r"[A-Za-z0-9-]{1,70}")
"""The header names that we write: a safe part of what RFC 5322, 2.2 allows."""

RESERVED = frozenset(
    {"from", "to", "cc", "bcc", "sender", "reply-to", "date", "message-id", "subject", "mime-version", "received"}
    | {"return-path"}
)
"""Headers that have their own fields or belong to mail servers."""

RESERVED_PREFIXES = ("content-", "dkim-", "arc-", "resent-")
"""Beginnings of header names that describe or sign the message."""

_LINE = 76  # characters without CRLF: of a line with an encoded word (RFC 2047, 2); others may have 78
_ENCODED_WORD = 75
_SHELL = len("=?utf-8?q??=")

_BREAKS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")

# What may stand for itself in a Q-encoded word anywhere, a display name included (RFC 2047, 5 (3)).
_AS_IS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
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
        raise HeaderError("this header is written by the worker or by mail servers; it cannot be given")
    return name


def text_value(value: str) -> str:
    """A header value without anything that could end the header.

    Raises:
        HeaderError: it has a line break or another control character.
    """
    if _BREAKS.search(value):
        raise HeaderError("must not contain line breaks or other control characters")
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


def _mailbox_words(one: Mailbox, room: int) -> list[str]:
    address, name = one.address, one.name
    if not name:
        return [address]
    if not name.isascii() or "=?" in name:
        return [*_encoded_words(name, room), f"<{address}>"]
    if _PHRASE.fullmatch(name):
        return [*name.split(" "), f"<{address}>"]
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{escaped}"', f"<{address}>"]


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
    plain = len(data.translate(None, delete=bytes(set(range(256)) - set(_AS_IS) - {32})))
    if 3 * (len(data) - plain) <= len(data):
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
    word: list[str] = []
    budget, used = max(min(room, _ENCODED_WORD) - _SHELL, 12), 0
    for char in text:
        encoded = "".join(map(_Q.__getitem__, char.encode()))
        if used + len(encoded) > budget:
            yield f"=?utf-8?q?{''.join(word)}?="
            budget, used, word = _ENCODED_WORD - _SHELL, 0, []
        word.append(encoded)
        used += len(encoded)
    if word:
        yield f"=?utf-8?q?{''.join(word)}?="
