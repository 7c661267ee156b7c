"""Which parts of a message are its text, which are attachments, and which belong to its HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from urllib.parse import unquote

from zeebe_mail.message import charsets
from zeebe_mail.message.flowed import unflow
from zeebe_mail.message.html_text import html_text, text_without_structure
from zeebe_mail.message.mime_tree import Entity, Findings
from zeebe_mail.message.parsed import TextSource
from zeebe_mail.message.sanitize import HtmlError, sanitize

TEXT_LIMIT = 1_000_000
"""Characters of a text that a process gets."""

_BYTES_LIMIT = 4_000_000
_META = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_CID = re.compile(r"cid:([^\"'\s>)]{1,500})", re.IGNORECASE)
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")


@dataclass(slots=True)
class _Piece:
    """A text part that is shown where it stands."""

    entity: Entity
    source: TextSource
    text: str
    """Plain text, or HTML."""
    safe: str = ""
    """Sanitised HTML."""
    told: bool = False
    """Whether a plain alternative says the same."""


@dataclass(slots=True)
class Body:
    """What a message says."""

    text: str | None
    source: TextSource | None
    html: str | None
    safe_html: str | None
    attachments: list[Entity] = field(default_factory=list)
    inline: list[Entity] = field(default_factory=list)


def read_body(root: Entity, findings: Findings, *, borrow: bool) -> Body:
    """Choose the text of a message, and sort what else it has.

    Without any text of its own, it may ``borrow`` that of a message in it.

    An attachment is what says so, or has a file name and is not shown in the HTML, or is neither text nor shown. The
    text is that of all text parts that are not attachments, one of alternatives.
    """
    pieces = _pieces(root, findings)
    html = "\n".join(piece.text for piece in pieces if piece.source == "html") or None
    safe = "\n".join(piece.safe for piece in pieces if piece.source == "html")
    text, source = _text(root, pieces, findings, borrow=borrow)
    body = Body(
        text=text,
        source=source,
        html=limited(html, "The HTML", findings) if html else None,
        safe_html=_limited_html(safe, findings) if html else None,
    )
    shown = {unquote(found).casefold() for found in _CID.findall(html or "")}
    used = {id(piece.entity) for piece in pieces}
    for number, leaf in enumerate(_leaves(root)):
        if id(leaf) in used and (number == 0 or not leaf.file_name):
            continue
        if is_attachment(leaf, shown):
            body.attachments.append(leaf)
        elif not leaf.is_message:
            body.inline.append(leaf)
    return body


def is_attachment(leaf: Entity, shown: set[str]) -> bool:
    """Whether a part is an attachment; ``shown`` has the content ids (folded) that the HTML shows."""
    if leaf.disposition == "attachment":
        return True
    if (leaf.content_id or "").casefold() in shown:
        return False
    if leaf.file_name:
        return True
    return not leaf.is_message and not leaf.content_type.startswith(("text/", "message/", "multipart/"))


def text_of(leaf: Entity, findings: Findings) -> str:
    """The text of a part, its line ends as ``\\n``."""
    content = leaf.content()
    if len(content) > _BYTES_LIMIT:
        findings.shortened(f"A text has {len(content)} bytes; it was cut after {_BYTES_LIMIT}.")
        content = content[: content.rfind(b"\n", _BYTES_LIMIT // 2, _BYTES_LIMIT) + 1 or _BYTES_LIMIT]
    label = leaf.parameters.get("charset")
    if leaf.content_type == "text/html" and not charsets.codec(label):
        meta = _META.search(content, 0, 4096)
        label = meta[1].decode("ascii") if meta else label
    decoded = charsets.decode(content, label)
    if decoded.problem and decoded.problem not in findings.errors:
        findings.errors.append(decoded.problem)
    text = decoded.text + (f"\n{charsets.decode(leaf.tail, label).text}" if leaf.tail else "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if leaf.content_type == "text/plain" and leaf.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, delete_space=leaf.parameters.get("delsp", "").lower() == "yes")
    return text


def limited(text: str, what: str, findings: Findings, limit: int = TEXT_LIMIT) -> str:
    """As much of a text as a process gets."""
    if len(text) <= limit:
        return text
    findings.shortened(f"{what} has {len(text)} characters; it was cut after {limit}.")
    return text[:limit]


def _leaves(entity: Entity) -> Iterator[Entity]:
    """The parts that hold something, messages as a whole; those of messages in it are theirs."""
    if entity.is_multipart:
        for child in entity.children:
            yield from _leaves(child)
    elif entity.path[-1].start < entity.path[-1].end or entity.file_name:
        yield entity


def _is_text(leaf: Entity) -> bool:
    return leaf.content_type in {"text/plain", "text/html"} and leaf.disposition != "attachment"


def _pieces(entity: Entity, findings: Findings) -> list[_Piece]:
    """The text parts of an entity in order; of alternatives that which is plain, and what it does not say."""
    if entity.is_multipart:
        found = [_pieces(child, findings) for child in entity.children]
        if entity.content_type == "multipart/alternative":
            return _alternative(found)
        return [piece for pieces in found for piece in pieces]
    if entity.content_type.startswith("multipart/") and entity.disposition != "attachment":
        return [_Piece(entity, "raw", text_of(entity, findings))]
    if not _is_text(entity):
        return []
    text = text_of(entity, findings)
    if entity.content_type == "text/html":
        return [_Piece(entity, "html", text, _sanitized(text, findings))]
    return [_Piece(entity, "plain", text)]


def _alternative(found: list[list[_Piece]]) -> list[_Piece]:
    """The pieces of alternatives: HTML is not read for its text where it is there in plain; the same twice is once."""
    different = {
        (one.source, " ".join(one.text.split())): one for pieces in reversed(found) for one in reversed(pieces)
    }
    pieces = list(reversed(different.values()))
    if any(piece.source != "html" and piece.text.strip() for piece in pieces):
        for piece in pieces:
            piece.told = piece.told or piece.source == "html"
    return pieces


def _text(
    root: Entity, pieces: list[_Piece], findings: Findings, *, borrow: bool
) -> tuple[str | None, TextSource | None]:
    said = [(piece.source, text) for piece in pieces if not piece.told and (text := _plain(piece)).strip()]
    if said:
        source = said[0][0]
        text = said[0][1] if len(said) == 1 else "\n\n".join(one.strip("\n") for _, one in said)
        return limited(text, "The text", findings), source
    if readable := _readable(root, findings, borrow=borrow):
        return limited(readable, "The text", findings), "part"
    if raw := _raw(root, findings):
        return limited(raw, "The text", findings), "raw"
    return (pieces[0].text, pieces[0].source) if pieces and pieces[0].source == "plain" else (None, None)


def _raw(root: Entity, findings: Findings) -> str | None:
    """The body as it stands, if it is readable and nothing in it is a part: an empty multipart, or an unnamed file."""
    if any(leaf is not root or leaf.file_name or leaf.disposition == "attachment" for leaf in _leaves(root)):
        return None
    if not root.is_multipart and root.content_type != "application/octet-stream":
        return None
    at = root.path[-1]
    content = root.data[at.start : at.end] if root.is_multipart else root.content()
    try:
        text = content[:_BYTES_LIMIT].decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    if not text.strip() or _UNREADABLE.search(text):
        return None
    if len(content) > _BYTES_LIMIT:
        findings.shortened(f"The body has {len(content)} bytes; it was cut after {_BYTES_LIMIT}.")
    return text


def _plain(piece: _Piece) -> str:
    return html_text(piece.safe) if piece.source == "html" else piece.text


def _sanitized(html: str, findings: Findings) -> str:
    try:
        return sanitize(html)
    except HtmlError as error:
        findings.errors.append(str(error))
        return f"<pre>{escape(text_without_structure(html))}</pre>"


def _limited_html(safe: str, findings: Findings) -> str:
    """As much of sanitised HTML as a process gets; what is cut is mended."""
    return safe if len(safe) <= TEXT_LIMIT else _sanitized(limited(safe, "The HTML", findings), findings)


def _readable(entity: Entity, findings: Findings, *, borrow: bool) -> str | None:
    """The text of the part that is best to read, where no part says that it is the text."""
    leaves = list(_leaves(entity))
    for kind in ("text/plain", "text/html", "text/", "message/"):
        for leaf in leaves:
            if leaf.content_type.startswith(kind) and not leaf.is_message:
                text = text_of(leaf, findings)
                text = html_text(_sanitized(text, findings)) if leaf.content_type == "text/html" else text
                if text.strip() and not _UNREADABLE.search(text[:2000]):
                    return text
    for leaf in leaves:
        if borrow and leaf.is_message and (nested := read_body(leaf.children[0], findings, borrow=True).text):
            return nested
    return None
