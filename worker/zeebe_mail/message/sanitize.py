"""HTML of strangers made safe to show (nh3): the only place that decides what may stay in it.

Structure and inline looks stay, and images that are in the mail itself. What runs, loads something from outside (which
tells the sender that the mail was read), covers the page or asks for input goes.
"""

from __future__ import annotations

import re

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
_BARE = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=_CONTENT_TOO - {"head"},
    attributes={"a": {"href"}, "img": {"alt"}},
    strip_comments=True,
    link_rel=None,
    url_schemes={"http", "https", "mailto"},
)


def sanitize(html: str) -> str:
    """HTML that may be shown as part of a page, and loads nothing."""
    return _CLEANER.clean(html)


def bare_structure(html: str) -> str:
    """Well-formed HTML of nothing but tags, link targets and the words for images: to make text of."""
    return _BARE.clean(html)
