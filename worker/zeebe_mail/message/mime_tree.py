"""The tree of parts in a message (RFC 2046), found without the standard library's parser and within limits.

What is beyond a limit stays undivided, so that everything before it is still there; boundaries that are missing, wrong
or never closed are worked around. Parts are stretches of the message, not copies of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from zeebe_mail.message import encoded_words, parameters
from zeebe_mail.message.header_fields import Header, message_start, read_header
from zeebe_mail.message.parsed import Slice
from zeebe_mail.message.transfer_encoding import TransferEncoding, base64_bytes, decode, named

PART_LIMIT = 1000
DEPTH_LIMIT = 50

_SAMPLE = 2000  # bytes

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
_LIKE_BASE64 = re.compile(rb"\s*+[A-Za-z0-9+/]{4}[A-Za-z0-9+/=\r\n \t]*+\s*\Z")
_PROSE_BEHIND = re.compile(rb"(?:=|\n)[ \t]*+\r?\n(?=[^\r\n]*?(?:[^A-Za-z0-9+/=\s]|\S[ \t]++\S))")
_HEADER_LINE = re.compile(rb"[!-9;-~]{1,70}[ \t]*:")
_GUESSED_BOUNDARY = re.compile(
    rb"^--(?!\r?\n)([^\r\n]{1,250})\r?\n(?=content-[a-z-]{2,30}[ \t]*:)", re.IGNORECASE | re.MULTILINE
)


@dataclass(slots=True)
class Entity:
    """A message or a part of one (RFC 2045, 2.4): its header, what its body is, and what it consists of."""

    header: Header
    section: str
    """Its section number (RFC 3501, 6.4.5); of a message in a message, that of the part that holds it."""
    content_type: str
    parameters: dict[str, str]
    disposition: str | None
    disposition_parameters: dict[str, str]
    size: int
    """Of header and body as they stand, in bytes."""
    data: bytes = field(repr=False)
    path: tuple[Slice, ...]
    """Where its body stands; the last slice lies in ``data``."""
    tail: bytes = field(default=b"", repr=False)
    """Plain text that somebody put behind an encoded one, such as the footer of a mailing list."""
    children: list[Entity] = field(default_factory=list)
    """The parts of a multipart; of a message/rfc822, the message in it."""

    @property
    def is_multipart(self) -> bool:
        """Whether it was divided into parts."""
        return self.content_type.startswith("multipart/") and bool(self.children)

    @property
    def is_message(self) -> bool:
        """Whether it is a message that was opened."""
        return self.content_type in _MESSAGES and bool(self.children)

    @property
    def encoding(self) -> TransferEncoding:
        """How the body is encoded."""
        return self.path[-1].encoding

    @property
    def content_id(self) -> str | None:
        """Without the angle brackets."""
        value = self.header.first("content-id")
        return (encoded_words.header_text(value).strip("<> \t") or None) if value else None

    @property
    def file_name(self) -> str | None:
        """As the sender wrote it: not yet safe."""
        for given in (self.disposition_parameters.get("filename"), self.parameters.get("name")):
            if given and given.strip():
                return given
        return None

    def content(self) -> bytes:
        """The decoded body."""
        at = self.path[-1]
        return bytes(decode(memoryview(self.data)[at.start : at.end], at.encoding))

    @property
    def content_size(self) -> int:
        """Of the decoded body in bytes."""
        at = self.path[-1]
        return len(decode(memoryview(self.data)[at.start : at.end], at.encoding))


@dataclass(slots=True)
class Findings:
    """What could not be read as it stands, and which limits were passed."""

    errors: list[str] = field(default_factory=list)
    exceeded: list[str] = field(default_factory=list)
    is_shortened: bool = False
    """Whether some text was too long to be taken as a whole."""

    def shortened(self, what: str) -> None:
        """A text was cut."""
        self.errors.append(what)
        self.is_shortened = True


@dataclass(slots=True)
class _Plan:
    """What a whole message has in common while it is divided."""

    findings: Findings
    parts: int = 0

    def has_room(self) -> bool:
        if self.parts < PART_LIMIT:
            self.parts += 1
            return True
        self.exceeded(f"The message has more than {PART_LIMIT} parts; the rest of them was not read.")
        return False

    def too_deep(self) -> None:
        self.exceeded(f"The parts are nested more than {DEPTH_LIMIT} levels deep; what is deeper was not opened.")

    def exceeded(self, what: str) -> None:
        """A limit was passed."""
        if what not in self.findings.exceeded:
            self.findings.exceeded.append(what)


def read_tree(data: bytes, findings: Findings) -> Entity:
    """Divide a message into its parts."""
    return _entity(data, message_start(data, 0, len(data)), len(data), (), "", 0, "text/plain", _Plan(findings))


def _entity(
    data: bytes, start: int, end: int, before: tuple[Slice, ...], section: str, depth: int, default: str, plan: _Plan
) -> Entity:
    """Read the entity in ``data[start:end]``; ``before`` leads to ``data``."""
    header = read_header(data, start, end)
    for what in (*header.exceeded, *_long_fields(header)):
        plan.exceeded(what)
    typed = _parametrised(header, "content-type")
    content_type = typed.value if _TYPE.fullmatch(typed.value) else _loose_type(typed.value) or default
    disposed = _parametrised(header, "content-disposition")
    encodings = [named(encoded_words.raw_text(value)[:200]) for value in header.all("content-transfer-encoding")]
    encoding: TransferEncoding = next((one for one in encodings if one != "identity"), "identity")
    body = min(header.body, end)
    if encoding == "base64" and _is_prose(data, body, end):
        encoding = "identity"
    prose = _PROSE_BEHIND.search(data, body, end) if encoding == "base64" and content_type.startswith("text/") else None
    stop = prose.end() if prose else end
    entity = Entity(
        header=header,
        section=section,
        content_type=content_type,
        parameters=typed.parameters,
        disposition=disposed.value or None,
        disposition_parameters=disposed.parameters,
        size=end - start,
        data=data,
        path=(*before, Slice(body, stop, encoding)),
        tail=data[stop:end],
    )
    if content_type.startswith("multipart/"):
        _divide(entity, depth, plan)
    elif content_type in _MESSAGES:
        _open(entity, depth, plan)
    return entity


def _long_fields(header: Header) -> Iterator[str]:
    for name in ("content-type", "content-disposition"):
        if any(len(value) > parameters.LIMIT for value in header.all(name)):
            yield f"A {name.title()} has more than {parameters.LIMIT // 1024} KB; the rest of it was not read."


def _is_prose(data: bytes, start: int, end: int) -> bool:
    """Whether a body that claims to be base64 is words: most of its first lines have blanks in them."""
    lines = [line for line in data[start : min(end, start + _SAMPLE)].splitlines() if line.strip()]
    return sum(b" " in line.strip() for line in lines) * 2 > len(lines)


def _parametrised(header: Header, name: str) -> parameters.Parametrised:
    """The first field of a name that says something: some mail has it twice."""
    found = parameters.Parametrised("", {})
    for value in header.all(name)[:5]:
        one = parameters.parse(encoded_words.raw_text(value[: parameters.LIMIT]))
        if not found.value:
            found = parameters.Parametrised(one.value, {**one.parameters, **found.parameters})
    return found


def _loose_type(value: str) -> str | None:
    """What a Content-Type means that is not one: `text` for example."""
    if value in {"text", "plain", "text/"}:
        return "text/plain"
    if value == "html":
        return "text/html"
    if value in {"multipart", "multipart/"}:
        return "multipart/mixed"
    kind = _TYPE.match(value)
    if kind:
        return kind[0]
    return "application/octet-stream" if "/" in value else None


def _divide(entity: Entity, depth: int, plan: _Plan) -> None:
    """Find the parts of a multipart; where there are none, it stays undivided."""
    if depth >= DEPTH_LIMIT:
        plan.too_deep()
        return
    at = entity.path[-1]
    identity = Slice(at.start, at.end, "identity")
    spans = _spans(entity, identity.start, identity.end)
    if not spans and entity.encoding != "identity":
        # Encoding a multipart is forbidden (RFC 2045, 6.4), and done.
        decoded = entity.content()
        entity.data, entity.path = decoded, (*entity.path, Slice(0, len(decoded), "identity"))
        spans = _spans(entity, 0, len(decoded))
    elif spans:
        entity.path = (*entity.path[:-1], identity)
    default = "message/rfc822" if entity.content_type == "multipart/digest" else "text/plain"
    prefix = f"{entity.section}." if entity.section else ""
    for number, (start, end) in enumerate(spans, 1):
        if not plan.has_room():
            last = spans[-1][1]
            entity.children.append(_undivided(entity, start, last, f"{prefix}{number}"))
            return
        child = _entity(entity.data, start, end, entity.path[:-1], f"{prefix}{number}", depth + 1, default, plan)
        entity.children.append(child)


def _undivided(entity: Entity, start: int, end: int, section: str) -> Entity:
    header = Header((), start)
    path = (*entity.path[:-1], Slice(start, end, "identity"))
    return Entity(header, section, "application/octet-stream", {}, "attachment", {}, end - start, entity.data, path)


def _spans(entity: Entity, start: int, end: int) -> list[tuple[int, int]]:
    """Where the parts of a multipart stand."""
    boundary = entity.parameters.get("boundary", "").strip()
    for label in _labels(entity, boundary):
        spans = _between(entity.data, start, end, b"--" + label, exact=True)
        spans = spans or _between(entity.data, start, end, b"--" + label, exact=False)
        if spans:
            return spans
    guessed = _GUESSED_BOUNDARY.search(entity.data, start, end)
    if guessed:
        return _between(entity.data, start, end, b"--" + guessed[1].rstrip(), exact=True)
    return []


def _labels(entity: Entity, boundary: str) -> Iterator[bytes]:
    """What a boundary may mean: as in the header, where it may have been other than ASCII, or without ``'``."""
    if not boundary:
        return
    raw = entity.header.first("content-type") or b""
    if boundary.isascii():
        yield boundary.encode()
    elif found := re.search(rb"boundary\s*=\s*\"([^\"\r\n]+)\"", raw, re.IGNORECASE):
        yield found[1].strip()
    else:
        yield boundary.encode("utf-8", "replace")
    if len(boundary) > 2 and boundary[0] == boundary[-1] == "'":
        yield boundary[1:-1].encode("utf-8", "replace")


def _between(data: bytes, start: int, end: int, delimiter: bytes, *, exact: bool) -> list[tuple[int, int]]:
    """The stretches between lines that are a delimiter (RFC 2046, 5.1.1).

    After the closing one, the parts go on where a delimiter follows: some mail closes too early. An exact delimiter has
    nothing after it but blanks.
    """
    spans: list[tuple[int, int]] = []
    opened: int | None = None
    at = data.find(delimiter, start, end)
    while at >= 0:
        line_end = data.find(b"\n", at, end)
        after = end if line_end < 0 else line_end + 1
        if at == start or data[at - 1] in b"\r\n":
            rest = data[at + len(delimiter) : after].strip(b" \t\r\n")
            closes = rest.startswith(b"--") and (not exact or not rest.strip(b"-"))
            if closes or not rest or not exact:
                if opened is not None:
                    spans.append((opened, _without_line_break(data, opened, at)))
                opened = None if closes else after
        at = data.find(delimiter, max(after, at + 1), end)
        if len(spans) > PART_LIMIT:
            return [*spans, (opened, end)] if opened is not None else spans
    if opened is not None and (data[opened:end].strip() or not spans):
        spans.append((opened, end))
    return spans


def _without_line_break(data: bytes, start: int, end: int) -> int:
    """The line break before a delimiter belongs to the delimiter."""
    if end > start and data[end - 1 : end] == b"\n":
        end -= 1
    if end > start and data[end - 1 : end] == b"\r":
        end -= 1
    return end


def _open(entity: Entity, depth: int, plan: _Plan) -> None:
    """Read the message in a message/rfc822, also one that was encoded (RFC 2046, 5.2.1 forbids it)."""
    if depth >= DEPTH_LIMIT:
        plan.too_deep()
        return
    at = entity.path[-1]
    data, before = entity.data, entity.path[:-1]
    start, end = at.start, at.end
    encoded = at.encoding
    if encoded != "identity" and _HEADER_LINE.match(data, start, end):
        encoded = "identity"  # so it says, but it is not
        entity.path = (*before, Slice(start, end, "identity"))
    if (
        encoded == "identity"
        and not _HEADER_LINE.match(data, start, end)
        and _LIKE_BASE64.match(data, start, min(end, start + 400))
    ):
        decoded = base64_bytes(data[start:end])
        if _HEADER_LINE.match(decoded):
            entity.path = (*before, Slice(start, end, "base64"))
            encoded = "base64"
    if encoded != "identity":
        data = entity.content()
        before, start, end = entity.path, 0, len(data)
    if start >= end:
        return
    start = message_start(data, start, end)
    nested = _entity(data, start, end, before, entity.section, depth + 1, "text/plain", plan)
    if not nested.header.fields and not data[nested.header.body : end].strip():
        return
    entity.children.append(nested)


def leaf_section(entity: Entity) -> str:
    """The section number of a part that was not divided; the only part of a message is its part 1."""
    return entity.section or "1"
