"""From the bytes of a header value to text: raw 8-bit, encoded words (RFC 2047), and their broken kinds.

Real mail has words that are too long, split in the middle of a character, glued to plain text, with blanks inside or in
a charset nobody knows. All of them are read; a scan goes through the value once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from zeebe_mail.message import charsets
from zeebe_mail.message.transfer_encoding import base64_bytes, quoted_printable_bytes

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\u2028\u2029]+")
_START = re.compile(r"=\?([!#$%&'*+\-^_`{|}~0-9A-Za-z.:()]{0,60})\?([bBqQ])\?")


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    charset: str
    encoding: str
    payload: str


def raw_text(value: bytes) -> str:
    """The characters of a header value, unfolded, encoded words left as they are."""
    text = charsets.decode(value, None).text
    if "\n" in text or "\r" in text:
        text = _FOLD.sub(" ", text)
    return text.strip(" \t\r\n")


def header_text(value: bytes) -> str:
    """A header value as a person reads it: one line, without control characters."""
    return one_line(decode(raw_text(value)))


def one_line(text: str) -> str:
    """Text with each run of control characters and line breaks as one blank."""
    return charsets.repair(_CONTROLS.sub(" ", text))


def decode(text: str) -> str:
    """Replace the encoded words in a text; blanks between two of them go (RFC 2047, 6.2)."""
    if "=?" not in text:
        return text
    decoded: list[str] = []
    pending: list[_Word] = []
    at = 0
    for word in _words(text):
        between = text[at : word.start]
        if between and not (pending and between.isspace()):
            decoded += [_together(pending), between]
            pending = []
        pending.append(word)
        at = word.end
    return "".join((*decoded, _together(pending), text[at:]))


def _words(text: str) -> Iterator[_Word]:
    at = 0
    while start := _START.search(text, at):
        end = text.find("?=", start.end())
        if end < 0:
            # Cut off in the middle: what is there is worth more than nothing, if it looks like a word at all.
            rest = text[start.end() :]
            if rest and "=?" not in rest and not re.search(r"\s", rest):
                yield _Word(start.start(), len(text), start[1], start[2].lower(), rest)
            return
        inner = _START.search(text, start.end(), end + 2)
        if inner:
            at = inner.start()
            continue
        yield _Word(start.start(), end + 2, start[1], start[2].lower(), text[start.end() : end])
        at = end + 2


def _together(words: list[_Word]) -> str:
    """Adjacent words; bytes of the same charset are joined first, for characters that were split between words."""
    texts: list[str] = []
    chunk: list[bytes] = []
    charset = ""
    for word in words:
        if word.charset.lower() != charset and chunk:
            texts.append(charsets.decode(b"".join(chunk), charset).text)
            chunk = []
        charset = word.charset.lower()
        chunk.append(_payload(word))
    if chunk:
        texts.append(charsets.decode(b"".join(chunk), charset).text)
    return "".join(texts)


def _bytes(word: _Word) -> bytes:
    """The payload as it came: raw letters in it, which were decoded with the header, are in the charset of the word."""
    if not word.payload.isascii() and (name := charsets.codec(word.charset)):
        try:
            return word.payload.encode(name)
        except UnicodeError:
            pass
    return word.payload.encode("utf-8", errors="replace")


def _payload(word: _Word) -> bytes:
    data = _bytes(word)
    if word.encoding == "b":
        return base64_bytes(data)
    return quoted_printable_bytes(data.replace(b"_", b" "))
