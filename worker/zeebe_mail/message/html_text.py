"""Text from HTML: paragraphs, lists, tables, quotes and links as people write them in plain mail. One pass."""

from __future__ import annotations

import re
from html import unescape

from zeebe_mail.message.charsets import repair

_TOKEN = re.compile(r'<(/?)([a-zA-Z][a-zA-Z0-9]*+)((?:[^>"]|"[^"]*+")*+)>')
_ATTRIBUTE = re.compile(r'(href|alt)="([^"]*+)"')
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_PARAGRAPHS = frozenset(
    {"p", "blockquote", "ul", "ol", "dl", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "figure"}
)
_LINES = frozenset(
    {"div", "tr", "li", "dt", "dd", "br", "hr", "center", "section", "article", "header", "footer", "main", "nav"}
    | {"address", "aside", "caption", "details", "summary", "figcaption", "hgroup", "tbody", "thead", "tfoot"}
)
_QUOTE_LIMIT = 20
_INVISIBLE = re.compile(r"<(script|style|title)\b", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[!/?a-zA-Z][^>]*+>?")


class _Page:
    """Text as it grows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quotes = 0
        self.verbatim = 0
        self.links: list[tuple[str, int]] = []

    def words(self, text: str) -> None:
        if self.verbatim:
            first, *rest = text.split("\n")
            self.line.append(first)
            for line in rest:
                self.end_line(even_if_empty=True)
                self.line.append(line)
            return
        text = _BLANKS.sub(" ", text)
        if text.startswith(" ") and (not self.line or self.line[-1].endswith((" ", "\t"))):
            text = text[1:]
        if text:
            self.line.append(text)

    def end_line(self, *, even_if_empty: bool = False) -> None:
        text = "".join(self.line).rstrip()
        self.line.clear()
        if text or even_if_empty:
            self.lines.append(">" * min(self.quotes, _QUOTE_LIMIT) + " " * bool(self.quotes) + text)

    def paragraph(self) -> None:
        self.end_line()
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append("> "[: 2 * bool(self.quotes)].strip() * min(self.quotes, _QUOTE_LIMIT))


def html_text(clean: str) -> str:
    """The text of sanitised HTML, in lines; links have their target behind them where it says something new."""
    page = _Page()
    at = 0
    for token in _TOKEN.finditer(clean):
        if token.start() > at:
            page.words(unescape(clean[at : token.start()]))
        _tag(page, token[2].lower(), token[3], closes=bool(token[1]))
        at = token.end()
    page.words(unescape(clean[at:]))
    page.end_line()
    return "\n".join(page.lines).strip("\n").replace("\xa0", " ")


def text_without_structure(html: str) -> str:
    """The text of HTML that cannot be parsed: what is left without tags, scripts and styles."""
    kept: list[str] = []
    at = 0
    for opened in _INVISIBLE.finditer(html):
        if opened.start() < at:
            continue
        kept.append(html[at : opened.start()])
        closed = html.find("</" + opened[1], opened.end())
        if closed < 0:
            at = opened.start()
            break
        at = closed
    kept.append(html[at:])
    lines = _ANY_TAG.sub("\n", "".join(kept)).split("\n")
    return repair("\n".join(text for line in lines if (text := _BLANKS.sub(" ", unescape(line)).strip())))


def _tag(page: _Page, name: str, attributes: str, *, closes: bool) -> None:
    if name == "a":
        _link(page, attributes, closes=closes)
    elif name == "img":
        alt = _value(attributes, "alt")
        page.words(alt)
    elif name == "br":
        page.end_line(even_if_empty=True)
    elif name in {"td", "th"} and closes:
        page.words(" ") if not page.line else page.line.append("\t")
    elif name in _PARAGRAPHS:
        if name == "blockquote" and closes:
            page.end_line()
            page.quotes = max(0, page.quotes - 1)
        page.paragraph()
        if name == "blockquote" and not closes:
            page.quotes += 1
        if name == "pre":
            page.verbatim = max(0, page.verbatim + (-1 if closes else 1))
    elif name in _LINES:
        page.end_line()
        if name == "li" and not closes:
            page.line.append("- ")
        if name == "hr":
            page.lines.append("---")


def _link(page: _Page, attributes: str, *, closes: bool) -> None:
    if not closes:
        page.links.append((_value(attributes, "href"), len(page.line)))
    elif page.links:
        target, since = page.links.pop()
        shown = "".join(page.line[since:]).strip()
        bare = target.removeprefix("mailto:").rstrip("/")
        if target and shown and bare.partition("://")[2] not in shown and bare not in shown:
            page.line.append(f" <{target}>")


def _value(attributes: str, name: str) -> str:
    return next((unescape(found[2]) for found in _ATTRIBUTE.finditer(attributes) if found[1] == name), "")
