"""The header of a message or a part: from bytes to fields (RFC 5322, 2.2), broken ones included.

A blank before the colon, a forgotten indent, a line that is no header, a missing empty line before the body: what mail
has in it is read as a person would, in one pass, within limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

BLOCK_LIMIT = 256 * 1024
FIELD_LIMIT = 32 * 1024
RECIPIENTS_LIMIT = 100 * 1024
"""Lists of recipients may be longer than other headers: servers that take mail allow them so much."""

_RECIPIENTS = (b"to", b"cc", b"bcc")
_BLOCK_EXCEEDED = f"The header has more than {BLOCK_LIMIT // 1024} KB; the rest of it was not read."
_LOOK_AHEAD = 10  # lines
_BOM = b"\xef\xbb\xbf"

_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_EMPTY_LINE = re.compile(rb"\r*\n\r*\n")
_MBOX = re.compile(rb">?From [^\r\n:]*[ \t@]")
_LOOSE_PARAMETER = re.compile(rb"[a-zA-Z*0-9-]{1,40}=")
# Names by which a header is told from a body that happens to begin with "word:".
_KNOWN = re.compile(
    rb"(?:from|to|cc|bcc|subject|date|sender|reply-to|message-id|references|in-reply-to|received|return-path|"
    rb"mime-version|content-[a-z-]+|delivered-to|dkim-signature|x-[a-z0-9-]+|list-[a-z-]+|status|importance|precedence|"
    rb"user-agent|organization|thread-[a-z]+|authentication-results|auto-submitted|resent-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RawField:
    """A header as it came: the name in ASCII, the value with its line breaks."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The fields in order, where the body begins, and which limits were passed."""

    fields: tuple[RawField, ...]
    body: int
    exceeded: tuple[str, ...] = ()
    _by_name: dict[str, list[bytes]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for one in self.fields:
            self._by_name.setdefault(one.name.lower(), []).append(one.value)

    def all(self, name: str) -> list[bytes]:
        """The values of all fields of a name (lower case), topmost first."""
        return self._by_name.get(name, [])

    def first(self, name: str) -> bytes | None:
        """The value of the topmost field of a name (lower case)."""
        return next(iter(self.all(name)), None)


def read_header(data: bytes, start: int, end: int) -> Header:
    """The header that begins at ``start`` of a message or part that stops at ``end``."""
    fields: list[tuple[bytes, list[bytes]]] = []
    for at, line in _lines(data, start, end):
        after = at + len(line)
        if after - start > BLOCK_LIMIT:
            _take(fields, line[: RECIPIENTS_LIMIT * 2], first=at == start)
            beyond = _EMPTY_LINE.search(data, at, end)
            return _header(fields, beyond.end() if beyond else end, _BLOCK_EXCEEDED)
        if not line.strip():
            if line.strip(b"\r\n") and _goes_on(data, after, end):
                continue
            return _header(fields, after)
        if not _take(fields, line.rstrip(b"\r\n"), first=at == start) and not _goes_on(data, after, end):
            return _header(fields, at)
    return _header(fields, end)


def _take(fields: list[tuple[bytes, list[bytes]]], line: bytes, *, first: bool) -> bool:
    """Whether a line is of the header; what it says is added to the fields."""
    if first and _MBOX.match(line):
        return True
    if first:
        line = line.lstrip(b" \t")
    if name := _NAME.match(line):
        fields.append((name[1], [line[name.end() :]]))
        return True
    if fields and (line[:1] in (b" ", b"\t") or _belongs(fields[-1][1], line)):
        fields[-1][1].append(line)
        return True
    return False


def _header(fields: list[tuple[bytes, list[bytes]]], body: int, *exceeded: str) -> Header:
    whole = []
    limits = dict.fromkeys(exceeded)
    for name, lines in fields:
        value = b"\n".join(lines)
        limit = RECIPIENTS_LIMIT if name.lower() in _RECIPIENTS else FIELD_LIMIT
        if len(value) > limit:
            value = value[:limit]
            limits[f"A header has more than {limit // 1024} KB; the rest of it was not read."] = None
        whole.append(RawField(name.decode("ascii"), value))
    return Header(tuple(whole), body, tuple(limits))


def _lines(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    while start < end:
        newline = data.find(b"\n", start, end)
        stop = end if newline < 0 else newline + 1
        yield start, data[start:stop]
        start = stop


def message_start(data: bytes, start: int, end: int) -> int:
    """Where the header of a message begins: behind a byte order mark and blank lines, which end that of a part."""
    start += len(_BOM) * data.startswith(_BOM, start, end)
    at = start
    while at < end and data[at : at + 1] in (b"\r", b"\n"):
        at += 1
    return at if at > start and _KNOWN.match(data, at, end) else start


def _goes_on(data: bytes, at: int, end: int) -> bool:
    """Whether what begins at ``at`` is surely still the header: indented or blank lines and then a header."""
    for start, line in islice(_lines(data, at, end), _LOOK_AHEAD):
        if line[:1] not in (b" ", b"\t"):
            return _KNOWN.match(data, start, end) is not None
    return False


def _belongs(value: list[bytes], line: bytes) -> bool:
    """Whether a line is the rest of a value whose indent was forgotten: a parameter after a semicolon."""
    return value[-1].rstrip().endswith(b";") and _LOOSE_PARAMETER.match(line) is not None
