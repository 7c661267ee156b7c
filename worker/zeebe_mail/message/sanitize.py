"""HTML of strangers made safe to show (nh3): the only place that decides what may stay in it.

Structure and inline looks stay, and images that are in the mail itself. What runs, loads something from outside (which
tells the sender that the mail was read), covers the page or asks for input goes.
"""

from __future__ import annotations

import re
from collections import Counter

import nh3

_LOOKS = {"align", "valign", "width", "height", "bgcolor", "color", "dir", "lang", "title", "style"}
_TABLES = {"border", "cellpadding", "cellspacing", "colspan", "rowspan", "scope", "headers", "span", "summary"}

_ATTRIBUTES: dict[str, set[str]] = {
    "*": _LOOKS,
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "font": {"face", "size"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "hr": {"size"},
    "br": {"clear"},
    "blockquote": {"type"},
    "q": set(),
    "time": {"datetime"},
    **dict.fromkeys(("table", "thead", "tbody", "tfoot", "tr", "td", "th", "col", "colgroup"), _TABLES),
}
# No property whose value may be an address: `background`, `list-style-image`, `content`, `cursor` and their like.
_STYLE = {
    "color", "background-color", "direction", "display", "vertical-align", "white-space", "width", "height",
    "max-width", "min-width", "text-align", "text-decoration", "text-indent", "text-transform", "line-height",
    "letter-spacing", "word-break", "word-wrap", "overflow-wrap", "font", "font-family", "font-size", "font-style",
    "font-weight", "font-variant", "border", "border-top", "border-right", "border-bottom", "border-left",
    "border-collapse", "border-color", "border-radius", "border-spacing", "border-style", "border-width",
    "margin", "margin-top", "margin-right", "margin-bottom", "margin-left",
    "padding", "padding-top", "padding-right", "padding-bottom", "padding-left",
}  # fmt: skip
_TAGS = nh3.ALLOWED_TAGS - {"map", "area", "rtc"} | {
    "font",
    "center",
    "big",
    "tt",
    "u",
    "s",
    "strike",
    "main",
    "section",
}
_CONTENT_TOO = {"script", "style", "title", "head", "iframe", "object", "embed", "applet", "noframes", "template"}
_OWN_IMAGE = re.compile(r"cid:[^\s]|data:image/(?:png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE)
_FUNCTION = re.compile(
    r"(?:url|expression|image|src|attr|var|element|cross-fade)(?:-set)?\s*\(|\\|@import|javascript:", re.IGNORECASE
)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _OWN_IMAGE.match(value.strip()) else None
    if name == "href" and value.strip().lower().startswith("data:"):
        return None
    if name == "style" and _FUNCTION.search(value):
        return None
    return value


_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=_CONTENT_TOO - {"head"},
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    strip_comments=True,
    link_rel="noopener noreferrer",
    url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
    filter_style_properties=_STYLE,
)
_META = re.compile(r"<meta\b[^>]*+>?", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})")
_MANY_ATTRIBUTES = re.compile(r"""<[a-zA-Z](?:[^<>"']|"[^"<>]{0,200}"|'[^'<>]{0,200}'){4000}""")
_DEPTH = 512  # as deep as Chrome goes
_WORK = 10_000_000  # sum over all tags of what is open around them
_CLOSED_ANYWAY = frozenset(
    {"p", "li", "dt", "dd", "tr", "td", "th", "tbody", "thead", "tfoot", "option", "colgroup", "body", "html", "head"}
    | {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_REOPENED = frozenset({"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"})


class HtmlError(ValueError):
    """HTML that the sanitiser cannot read."""


def sanitize(html: str) -> str:
    """HTML that may be shown as part of a page, and loads nothing.

    Raises:
        HtmlError: see the class.
    """
    if _is_too_nested(html) or _MANY_ATTRIBUTES.search(html):
        raise HtmlError("The HTML is too convoluted to be read; its text was read without its structure.")
    try:
        # html5ever 0.39 looks for a charset in <meta> and panics on some of them; nobody needs it here.
        return _CLEANER.clean(_META.sub("", html))
    except BaseException as error:  # a panic of Rust is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        raise HtmlError("The HTML could not be read; its text was read without its structure.") from error


def _is_too_nested(html: str) -> bool:
    """Whether it would take time beyond proportion: for each tag, HTML parsers go through what is open (quadratic)."""
    stack: list[str] = []
    reopened: Counter[str] = Counter()
    formats = work = 0
    for tag in _TAG.finditer(html):
        name = tag[2].lower()
        work += len(stack) + formats
        if work > _WORK or len(stack) + formats > _DEPTH:
            return True
        if name in _CLOSED_ANYWAY:
            continue
        if name in _REOPENED:
            step = -1 if tag[1] else 1
            if reopened[name] + step >= 0:
                reopened[name] += step
                formats += step
        elif not tag[1]:
            stack.append(name)
        elif name in stack:
            while stack.pop() != name:
                pass
    return False
