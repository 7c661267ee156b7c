"""How variables are written into the texts of a mail template: as text, never as mark-up or as another address.

``Markup`` is what a template's author has declared safe.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from zeebe_mail.message.address import AddressError, mailbox

_VEIL = 0x10FF00
"""A private area of Unicode that no font uses: a character of ASCII is veiled as the one so far behind it."""

_VEILED = re.compile("[\U0010ff00-\U0010ff7f]")
# All that is mark-up anywhere in CommonMark and its tables, what is so at the beginning of a line, and a dot that
# makes a number one of a list. A line break or a blank would end a paragraph, a row or a link's target.
_MARKDOWN = re.compile(r"""[\s\\`*_\[\]<>&|~(){}!"']|\A[-+#=:.]|\.(?=\s|\Z)""")
_ADDRESS = re.compile(r'[()<>\[\]:;@\\,"]')


def in_text(value: Any) -> Any:
    """As JSON has it, but null is nothing, and a text has no quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)  # `str` of what is not there raises
    return value


def in_markdown(value: Any) -> Markup:
    """With all that could be mark-up veiled (``unveiled``), so that it means nothing wherever it stands.

    A backslash does not do: in code it is one, and a line break has none.
    """
    if isinstance(value, Markup):
        return value
    text = str(in_text(value)).replace("\r\n", "\n").replace("\r", "\n")
    return Markup(_MARKDOWN.sub(_veil, text))  # noqa: S704 - nothing of it is mark-up any more


def unveiled(text: str) -> str:
    """What ``in_markdown`` has veiled as it was, once Markdown has been read."""
    return _VEILED.sub(lambda found: chr(ord(found[0]) - _VEIL), text)


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


def _veil(found: re.Match[str]) -> str:
    return found[0] if ord(found[0]) > 0x7F else chr(_VEIL + ord(found[0]))


def _one_address(text: str) -> str:
    if not _ADDRESS.search(text):
        return text
    try:
        mailbox(text)
    except AddressError:
        inside = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{inside}"'
    return text
