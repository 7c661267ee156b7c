"""Which parts of a mail its HTML shows: ``<img src="cid:logo">`` is ``Content-ID: <logo>`` (RFC 2392)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import unescape
from urllib.parse import unquote

from zeebe_mail.message.content import Attachment

_IN_STYLE = re.compile(r"""url\(\s*["']?\s*cid:([^"')\s]+)""", re.IGNORECASE)
_IN_SET = re.compile(r"(?:^|,)\s*cid:([^\s,]+)", re.IGNORECASE)
_SOLE = re.compile(r"\s*cid:(\S+)\s*", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[!#-;=?-~]{1,200}")
_MARKUP = re.compile(r"""<style\b.*?</style\b|<[a-z](?:[^>"']|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE | re.DOTALL)
_REFERENCE = re.compile(r"""\bcid:([^\s"'<>()]+)""", re.IGNORECASE)
_OPENING = re.compile(r"<(?:!--|([a-zA-Z][^\s/>]*))")
_ATTRIBUTE = re.compile(
    r"""[\s/]*+(?:(?P<end>>)|(?P<name>[^\s/>][^\s/>=]*+)"""
    r"""(?:\s*+=\s*+(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<open>["'])|(?P<bare>[^\s>"'][^\s>]*+)?))?)"""
)
_RAW = {tag: re.compile(rf"</{tag}\b", re.IGNORECASE) for tag in ("style", "script")}
_SHOWING = frozenset({"src", "background", "poster", "data", "href", "xlink:href"})


class _References:
    """Collects what ``cid:`` names, in order, in one pass as browsers make it (HTML, 13.2.5).

    Each character is looked at once, whatever is left open: what the file ends in the middle of is no tag.
    """

    def __init__(self) -> None:
        self.found: dict[str, None] = {}

    def read(self, html: str) -> None:
        """Take what a text shows."""
        at = 0
        while opening := _OPENING.search(html, at):
            if opening[1] is None:
                at = self._comment(html, opening.start())
            else:
                at = self._tag(html, opening.end())
                if (tag := opening[1].lower()) in _RAW:
                    at = self._raw(html, at, tag)

    def _comment(self, html: str, start: int) -> int:
        """What only Outlook reads stands in comments."""
        end = html.find("-->", start + 2)
        if end < 0:
            return len(html)
        inside = html[start + 4 : end]
        if inside.startswith("[if"):
            self.read(inside.partition("]>")[2])
        return end + 3

    def _tag(self, html: str, at: int) -> int:
        shows: list[tuple[str, str]] = []
        while (attribute := _ATTRIBUTE.match(html, at)) and not attribute["open"]:
            at = attribute.end()
            if attribute["end"]:
                for name, value in shows:
                    self._attribute(name, value)
                return at
            if value := attribute["double"] or attribute["single"] or attribute["bare"]:
                shows.append((attribute["name"].lower(), unescape(value)))
        return len(html)

    def _attribute(self, name: str, value: str) -> None:
        if name == "style":
            self._take(_IN_STYLE.findall(value))
        elif name == "srcset":
            self._take(_IN_SET.findall(value))
        elif name in _SHOWING and (sole := _SOLE.fullmatch(value)):
            self._take([sole[1]])

    def _raw(self, html: str, at: int, tag: str) -> int:
        """The text of an element that has no tags inside."""
        end = _RAW[tag].search(html, at)
        stop = end.start() if end else len(html)
        if tag == "style":
            self._take(_IN_STYLE.findall(html[at:stop]))
        return stop

    def _take(self, names: Iterable[str]) -> None:
        self.found |= dict.fromkeys(unquote(name) for name in names)


def references(html: str) -> tuple[str, ...]:
    """The parts that HTML shows, each once."""
    if "cid:" not in html.lower():
        return ()
    seen = _References()
    seen.read(html)
    return tuple(seen.found)


def shown(html: str | None, attachments: tuple[Attachment, ...]) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """The attachments, those inline that the HTML shows, and what it shows and is not there.

    A part without a Content-ID is found by its file name, where that can be one, and then becomes it.
    """
    named = references(html or "")
    by_id = {part.content_id: at for at, part in enumerate(attachments) if part.content_id}
    by_name = {
        part.name: at
        for at, part in reversed([*enumerate(attachments)])
        if not part.content_id and _CONTENT_ID.fullmatch(part.name)
    }
    place = by_name | by_id
    found = {place[name]: name for name in named if name in place}
    parts = tuple(
        replace(part, inline=True, content_id=found[at]) if at in found else part for at, part in enumerate(attachments)
    )
    return parts, tuple(name for name in named if name not in place)


def with_urls(html: str, urls: Mapping[str, str]) -> str:
    """HTML that shows its parts from these URLs, each by its Content-ID, where there is no mail around it."""

    def url(reference: re.Match[str]) -> str:
        return urls.get(unquote(unescape(reference[1].rstrip(","))), reference[0])

    return _MARKUP.sub(lambda markup: _REFERENCE.sub(url, markup[0]), html)
