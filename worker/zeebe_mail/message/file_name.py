"""File names of attachments, made safe: for those that come in and those that go out alike."""

from __future__ import annotations

import mimetypes
import re
import unicodedata

LIMIT = 150
"""Bytes of a file name in UTF-8."""

# Separators, what Windows refuses, controls, what turns the reading direction or cannot be seen, halves of characters.
_UNSAFE = re.compile(
    r"[/\\:*?\"<>|\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]+"
)
_ENDS = "." + "".join(char for char in map(chr, range(0x3001)) if char.isspace())
"""What nobody sees there, and programs leave out: blanks of any kind, and dots."""

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|\Z)", re.IGNORECASE)
_EXTENSION_LIMIT = 20


def safe_filename(name: str | None) -> str | None:
    """A name that may be used for a file on any system, as much like ``name`` as can be; nothing if nothing is left.

    A path loses its folders, unsafe characters become ``_``, and a name that is too long keeps its extension.
    """
    if not name:
        return None
    last = re.split(r"[/\\]", name.rstrip("/\\ \t\r\n\0"))[-1]
    safe = unicodedata.normalize("NFC", _UNSAFE.sub("_", last)).strip(_ENDS)
    if not safe.strip("_"):
        return None
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    return _cut(safe)


def unnamed(part: str, content_type: str) -> str:
    """The file name of a part that has none."""
    return f"part-{part}{mimetypes.guess_extension(content_type) or ''}"


def _cut(name: str) -> str:
    if len(name.encode()) <= LIMIT:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension.encode()) > _EXTENSION_LIMIT:
        stem, dot, extension = name, "", ""
    room = LIMIT - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(_ENDS) + dot + extension
