"""A mail shown inside another: quoted in an answer, or passed on.

What it says comes from the parser, and its HTML sanitised, so nothing of a stranger's runs or loads in our mail.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape, unescape
from urllib.parse import quote, unquote

from zeebe_mail.message.compose import Draft
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.file_name import unnamed
from zeebe_mail.message.parsed import Correspondent, ParsedMessage, Part

_SHOWN = re.compile(r'(\bsrc=")cid:([^"]*)"', re.IGNORECASE)  # as the sanitiser writes it
_IMG = re.compile(r"""<img\b(?:[^>"]|"[^"]*+")*+>""", re.IGNORECASE)
_SRC = re.compile(r'\ssrc="[^"]', re.IGNORECASE)
_ALT = re.compile(r'\salt="([^"]*)"', re.IGNORECASE)
_PLAIN_ID = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.@-]{1,200}")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,99}/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}")
_CHARSET = re.compile(r"[A-Za-z0-9._+-]{1,40}")
_BODY_END = re.compile(r"</(?:body|html)\b", re.IGNORECASE)
_BODY_START = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BREAKS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")

_QUOTE = '<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">'


@dataclass(frozen=True, slots=True)
class Quotation:
    """A mail as another shows it. ``pictures`` belong to its HTML."""

    text: str
    html: str
    pictures: tuple[Attachment, ...] = ()
    shown: frozenset[str] = frozenset()
    """The section numbers of the parts that these pictures are."""

    def joined(self, draft: Draft, *, above: bool = False) -> Draft:
        """The draft with this below or above what it says; in HTML only where the draft has HTML."""
        text = None if draft.text is None else _texts(draft.text, self.text, above=above)
        if draft.html is None:
            return replace(draft, text=text)
        html = _with_html(draft.html, self.html, above=above)
        return replace(draft, text=text, html=html, attachments=(*draft.attachments, *self.pictures))


def quoted(message: ParsedMessage, *, taken: Iterable[str] = ()) -> Quotation:
    """As an answer quotes it: who wrote it and when, each line with ``>``. ``taken`` are content ids in use."""
    html, pictures = _html(message, taken)
    line = attribution(message)
    text = "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in _lines(message.text))
    return Quotation(
        f"{line}\n{text}", f"<div>{escape(line)}</div>{_QUOTE}{html}</blockquote>", tuple(pictures.values())
    )


def passed_on(message: ParsedMessage, *, taken: Iterable[str] = ()) -> Quotation:
    """As a forwarded mail shows it: below the headers that say whose it is."""
    html, pictures = _html(message, taken)
    head = list(_head(message))
    title = "---------- Forwarded message ----------"
    text = "\n".join((title, *(f"{name}: {value}" for name, value in head), "", *_lines(message.text)))
    rows = "<br>".join((escape(title), *(f"<b>{name}:</b> {escape(value)}" for name, value in head)))
    return Quotation(text, f"<div>{rows}</div><br><div>{html}</div>", tuple(pictures.values()), frozenset(pictures))


def attribution(message: ParsedMessage) -> str:
    """The line above a quotation. Its date is one that is read alike everywhere."""
    author = next((_shown(one) for one in message.from_), "")
    when = f"On {message.sent:%Y-%m-%d} at {message.sent:%H:%M} UTC, " if message.sent else ""
    return f"{when}{author or 'somebody'} wrote:"


def carried(message: ParsedMessage, *, but: Collection[str]) -> tuple[Attachment, ...]:
    """What a mail has besides its text, to be attached to another, the bytes as they were: files, mails, reports,
    calendars and whatever else. ``but`` are section numbers of parts that are shown."""
    return tuple(_attachment(message, part) for part in message.own_parts() if part.part not in but)


def as_html(text: str) -> str:
    """Plain text as HTML that looks the same."""
    return f'<div style="white-space:pre-wrap">{escape(text)}</div>'


# ── what it says ─────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(text: str | None) -> list[str]:
    return (text or "").strip("\n").split("\n")


def _head(message: ParsedMessage) -> Iterator[tuple[str, str]]:
    yield "From", ", ".join(map(_shown, message.from_))
    if message.sent:
        yield "Date", f"{message.sent:%Y-%m-%d %H:%M} UTC"
    yield "Subject", _line(message.subject or "")
    yield "To", ", ".join(map(_shown, message.to))
    if message.cc:
        yield "Cc", ", ".join(map(_shown, message.cc))


def _shown(one: Correspondent) -> str:
    name = _line(one.name or "")
    return f"{name} <{_line(one.address)}>" if name and one.address else name or _line(one.address)


def _line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text).split())


# ── its HTML and the pictures in it ──────────────────────────────────────────────────────────────────────────────


def _html(message: ParsedMessage, taken: Iterable[str]) -> tuple[str, dict[str, Attachment]]:
    """The HTML, and by section number the pictures in it."""
    if message.safe_html is None:
        return as_html((message.text or "").strip("\n")), {}
    known = {one.content_id.casefold(): one for one in (*message.inline_parts, *message.attachments) if one.content_id}
    pictures: dict[str, Attachment] = {}
    names = {one.casefold() for one in taken}

    def shown(reference: re.Match[str]) -> str:
        wanted = unquote(unescape(reference[2])).casefold()
        part = known.get(wanted)
        if part is None:
            return ""  # a picture that the mail does not have
        if part.part not in pictures:
            own = _free(part.content_id or "", names)
            names.add(own.casefold())
            pictures[part.part] = replace(_attachment(message, part), content_id=own, inline=True)
        return f'{reference[1]}cid:{escape(quote(pictures[part.part].content_id or "", safe="@!$*+=_.-"))}"'

    return _IMG.sub(_picture, _SHOWN.sub(shown, message.safe_html)), pictures


def _picture(tag: re.Match[str]) -> str:
    """A picture that is there; of one that is not (it was to be loaded, or is lost) its words, and no broken frame."""
    alt = _ALT.search(tag[0])
    return tag[0] if _SRC.search(tag[0]) else escape(unescape(alt[1])) if alt else ""


def _free(content_id: str, names: set[str]) -> str:
    """A content id that can be written and names nothing else."""
    own = content_id if _PLAIN_ID.fullmatch(content_id) else f"picture{len(names) + 1}"
    while own.casefold() in names:
        own = f"quoted.{own}"[-200:]
    return own


def _attachment(message: ParsedMessage, part: Part) -> Attachment:
    kind = part.content_type.lower()
    if not _TYPE.fullmatch(kind) or kind.startswith("multipart/"):
        kind = "application/octet-stream"
    return Attachment(
        name=part.file_name or unnamed(part.part, kind),
        content_type=kind,
        data=message.content(part),
        charset=part.charset if part.charset and _CHARSET.fullmatch(part.charset) else None,
    )


# ── joining ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _texts(own: str, other: str, *, above: bool) -> str:
    first, second = (other, own) if above else (own, other)
    return "\n\n".join(one for one in (first.rstrip("\r\n"), second) if one)


def _with_html(own: str, other: str, *, above: bool) -> str:
    if above:
        start = _BODY_START.search(own)
        at = start.end() if start else 0
        return f"{own[:at]}{other}<br>{own[at:]}"
    ends = [end.start() for end in _BODY_END.finditer(own)]
    at = ends[0] if ends else len(own)
    return f"{own[:at]}<br>{other}{own[at:]}"
