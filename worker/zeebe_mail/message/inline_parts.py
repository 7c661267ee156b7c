"""Which parts of a mail its HTML shows: ``<img src="cid:logo">`` is ``Content-ID: <logo>`` (RFC 2392)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

from zeebe_mail.message.content import Attachment

_IN_STYLE = re.compile(r"""url\(\s*["']?\s*cid:([^"')\s]+)""", re.IGNORECASE)
_IN_SET = re.compile(r"(?:^|,)\s*cid:([^\s,]+)", re.IGNORECASE)
_SOLE = re.compile(r"\s*cid:(\S+)\s*", re.IGNORECASE)
_CONTENT_ID = re.compile(r"[!#-;=?-~]{1,200}")
_MARKUP = re.compile(r"""<style\b.*?</style\b|<[a-z](?:[^>"']|"[^"]*+"|'[^']*+')*+>""", re.IGNORECASE | re.DOTALL)
_REFERENCE = re.compile(r"""\bcid:([^\s"'<>()]+)""", re.IGNORECASE)
_SHOWING = frozenset({"src", "background", "poster", "data", "href", "xlink:href"})


class _References(HTMLParser):
    """Collects what ``cid:`` names, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, None] = {}
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        for name, value in attrs:
            if not value:
                continue
            if name == "style":
                self._take(_IN_STYLE.findall(value))
            elif name == "srcset":
                self._take(_IN_SET.findall(value))
            elif name in _SHOWING and (sole := _SOLE.fullmatch(value)):
                self._take([sole[1]])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._in_style = False

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._take(_IN_STYLE.findall(data))

    def handle_comment(self, data: str) -> None:
        """What only Outlook reads stands in comments."""
        if data.startswith("[if"):
            self.found |= dict.fromkeys(references(data.partition("]>")[2]))

    def _take(self, names: Iterable[str]) -> None:
        self.found |= dict.fromkeys(unquote(name) for name in names)


def references(html: str) -> tuple[str, ...]:
    """The parts that HTML shows, each once."""
    if "cid:" not in html.lower():
        return ()
    parser = _References()
    parser.feed(html)
    parser.close()
    return tuple(parser.found)


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
