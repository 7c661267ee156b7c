"""How variables are written into the texts of a mail template: as text, never as mark-up or as another address.

``Markup`` is what a template's author has declared safe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from zeebe_mail.message.address import AddressError, mailbox

_MARKDOWN = re.compile(r"([\\`*_\[\]<>&|~])|^(?:(\d+)([.)])|([-+#=]))", re.MULTILINE)
_INDENT = re.compile(r"^[^\S\n]+", re.MULTILINE)
_ADDRESS = re.compile(r'[()<>\[\]:;@\\,"]')


def in_text(value: Any) -> Any:
    """As JSON has it, but null is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value


def in_markdown(value: Any) -> Markup:
    """With a backslash before what would be mark-up (CommonMark 0.31, 2.4), and no indent that would be code."""
    if isinstance(value, Markup):
        return value
    text = _INDENT.sub(" ", str(in_text(value)).replace("\r", "\n"))
    return Markup(_MARKDOWN.sub(_escaped, text))  # noqa: S704 - it was escaped


def in_addresses(value: Any) -> Markup:
    """One address, a list of them, or a part of one: then a name, in quotes where it needs them (RFC 5322, 3.2.4)."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, list | tuple):
        return Markup(", ").join(filter(None, map(in_addresses, value)))
    if isinstance(value, Mapping):
        name, address = in_addresses(value.get("name")), in_addresses(value.get("address"))
        return Markup(f"{name} <{address}>") if name else address  # noqa: S704 - both were quoted
    return Markup(_one_address(str(in_text(value))))  # noqa: S704 - it was quoted


def _escaped(found: re.Match[str]) -> str:
    inline, number, dot, start = found.groups()
    return f"{number}\\{dot}" if number else f"\\{inline or start}"


def _one_address(text: str) -> str:
    if not _ADDRESS.search(text):
        return text
    try:
        mailbox(text)
    except AddressError:
        inside = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{inside}"'
    return text
