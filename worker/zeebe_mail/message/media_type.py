"""What kind of content something is (RFC 2045, 5.1; RFC 6838): read strictly, or told by a file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import PurePosixPath

from zeebe_mail.message.charsets import codec
from zeebe_mail.message.parameters import parse

UNKNOWN = "application/octet-stream"  # RFC 2046, 4.5.1
MAIL = "message/rfc822"

_NAME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")  # RFC 6838, 4.2

# What Python's own table does not have in all versions. The machine's tables are not read: a mail must be the same
# wherever it is sent.
_MORE = {
    ".7z": "application/x-7z-compressed",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eml": MAIL,
    ".epub": "application/epub+zip",
    ".gz": "application/gzip",
    ".heic": "image/heic",
    ".ics": "text/calendar",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".msg": "application/vnd.ms-outlook",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".p7m": "application/pkcs7-mime",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rar": "application/vnd.rar",
    ".rtf": "application/rtf",
    ".vcf": "text/vcard",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".zip": "application/zip",
}
_EXTENSIONS = {
    UNKNOWN: ".bin",
    "application/xml": ".xml",
    "image/jpeg": ".jpg",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/xml": ".xml",
}
_TABLE = MimeTypes()
for _extension, _type in _MORE.items():
    _TABLE.add_type(_type, _extension)


@dataclass(frozen=True, slots=True)
class MediaType:
    """A type, lower case, and the charset that was given with it."""

    value: str
    charset: str | None = None


def media_type(text: str) -> MediaType:
    """Read ``type/subtype``, with or without ``; charset=…``; other parameters do not matter.

    Raises:
        ValueError: it is none, or none that one part of a mail can have.
    """
    value = text.partition(";")[0].strip(" ").lower()
    if not _NAME.fullmatch(value) or any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise ValueError("must be a type such as application/pdf or text/csv; charset=utf-8")
    kind = value.partition("/")[0]
    if kind == "multipart" or (kind == "message" and value != MAIL):
        raise ValueError(f"must not be {value}, which a single file cannot be")
    charset = parse(text).parameters.get("charset")
    return MediaType(value, charset if codec(charset) else None)


def by_name(name: str | None) -> str:
    """The type that a file's extension tells; ``application/octet-stream`` where it tells none."""
    return _TABLE.types_map[True].get(PurePosixPath(name or "").suffix.lower()) or UNKNOWN


def extension(content_type: str) -> str:
    """The usual extension for a type, with its dot; ``.bin`` where there is none."""
    usual = _EXTENSIONS.get(content_type) or next((end for end, kind in _MORE.items() if kind == content_type), None)
    return usual or _TABLE.guess_extension(content_type) or ".bin"
