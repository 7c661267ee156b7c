"""Parts that the inputs of several operations share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from zeebe_mail.message.address import Mailbox, mailbox, mailboxes
from zeebe_mail.message.headers import custom_name, text_value

_HALF = re.compile(r"[\ud800-\udfff]")

_OBJECT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "address": {"type": "string"}},
    "required": ["address"],
    "additionalProperties": False,
}
_ONE = {"anyOf": [{"type": "string"}, _OBJECT]}


def _headers(value: Any) -> Any:
    return {} if value is None or value == "" else value


def _whole_text(value: str) -> str:
    if _HALF.search(value):
        raise ValueError("contains half a character (an unpaired surrogate)")
    return value


Address = Annotated[Mailbox, BeforeValidator(mailbox), WithJsonSchema(_ONE)]
"""One mail address: ``jane@example.org``, ``Jane Doe <jane@example.org>`` or ``{name, address}``."""

Addresses = Annotated[
    tuple[Mailbox, ...],
    BeforeValidator(mailboxes),
    WithJsonSchema({"anyOf": [*_ONE["anyOf"], {"type": "array", "items": _ONE}, {"type": "null"}]}),
]
"""Any number of mail addresses: text with ``,`` or ``;`` between them, one object, or a list of these."""

HeaderText = Annotated[str, AfterValidator(text_value)]
"""Text that becomes a header's value."""

BodyText = Annotated[str, AfterValidator(_whole_text)]
"""Text of any length and with any line ends."""

CustomHeaders = Annotated[dict[Annotated[str, AfterValidator(custom_name)], HeaderText], BeforeValidator(_headers)]
"""Additional headers by name."""
