"""The preview line of a mail: text that is shown beside the subject, and not seen in the HTML that holds it."""

from __future__ import annotations

import re
from html import escape

_PREHEADER = (
    '<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;'
    'mso-hide:all">{text}{blanks}</div>'
)
# They keep what follows out of the preview line.
_BLANKS = "&#847;&zwnj;&nbsp;" * 80

_ATTRIBUTES = r"""(?:[^>"']|"[^"]*+"|'[^']*+')*+"""
_HEAD = re.compile(rf"<body\b{_ATTRIBUTES}>|</head\s*>|<html\b{_ATTRIBUTES}>|<!doctype\b[^>]*>", re.IGNORECASE)
_HEAD_LIMIT = 1_000_000  # characters; further down no body begins


def with_preheader(html: str, preheader: str) -> str:
    """HTML whose first text is this one: not seen in it, but beside the subject in a list of mails."""
    preheader = preheader.strip()
    if not preheader:
        return html
    at = 0
    for found in _HEAD.finditer(html, 0, _HEAD_LIMIT):
        at = found.end()
        if found[0].lower().startswith("<body"):
            break
    return html[:at] + _PREHEADER.format(text=escape(preheader), blanks=_BLANKS) + html[at:]
