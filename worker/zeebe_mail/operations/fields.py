"""Parts that the inputs of several operations share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from zeebe_mail.errors import MessageNotFound
from zeebe_mail.mail.imap.flags import flag_by_word
from zeebe_mail.message.address import Mailbox, mailbox, mailboxes
from zeebe_mail.message.criteria import range_set
from zeebe_mail.message.headers import HeaderError, custom_name, header, text_value
from zeebe_mail.message.moment import read_moment

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PART = re.compile(r"[1-9]\d{0,3}(?:\.[1-9]\d{0,3}){0,31}", re.ASCII)
_HALF = re.compile(r"[\ud800-\udfff]")

_OBJECT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "address": {"type": "string"}},
    "required": ["address"],
    "additionalProperties": False,
}
_ONE = {"anyOf": [{"type": "string"}, _OBJECT]}


def _headers(value: Any) -> Any:
    """Texts by name; a name of which there are several has a list."""
    if value is None or value == "":
        return {}
    if isinstance(value, Mapping):
        return {name: _texts(texts) for name, texts in value.items() if texts is not None}
    if not isinstance(value, list | tuple):
        return value
    found: dict[Any, list[Any]] = {}
    for position, one in enumerate(value, 1):
        if not isinstance(one, Mapping) or set(one) != {"name", "value"} or not isinstance(one["name"], str):
            raise ValueError(f"entry {position} must be an object with `name` and `value`")
        found.setdefault(one["name"], []).extend(_texts(one["value"]))
    return found


def _texts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _writable(headers: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    for name, values in headers.items():
        for value in values:
            try:
                header(name, value)
            except HeaderError as error:
                raise ValueError(f"{name}: {error}") from None
    return headers


def _whole_text(value: str) -> str:
    if _HALF.search(value):
        raise ValueError("contains half a character (an unpaired surrogate)")
    return value


def _mailbox_name(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters such as line breaks")
    return value


def upper(value: object) -> object:
    """A word in upper case, as it is compared; what is no text stays."""
    return value.upper() if isinstance(value, str) else value


def _one_or_many(value: Any) -> Any:
    return [word for part in value.split(",") if (word := part.strip())] if isinstance(value, str) else value


def _number_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _envelope_sender(value: Any) -> str:
    return "" if value == "<>" else mailbox(value).address


def _part_number(value: str) -> str:
    if not _PART.fullmatch(value):
        raise ValueError("must be the number of a part such as 2 or 1.2")
    return value


def _ranges(value: str) -> str:
    range_set(value)
    return value.replace(" ", "")


def _moment(value: Any) -> datetime:
    try:
        if isinstance(value, str):
            return read_moment(value)
    except ValueError:
        pass
    raise ValueError("must be a moment such as 2026-01-31T08:30:00Z")


MailboxName = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_mailbox_name)]
"""An IMAP folder: ``INBOX``, a path with ``/`` or ``.`` between the levels, or ``\\Sent`` … for its use."""

Flag = Annotated[str, AfterValidator(flag_by_word)]
"""``\\Seen``, ``\\Answered``, ``\\Flagged``, ``\\Deleted``, ``\\Draft``, with or without backslash; or a keyword."""

Flags = Annotated[tuple[Flag, ...], BeforeValidator(_one_or_many)]
"""A list of flags, or text with commas between them."""

PartNumber = Annotated[str, AfterValidator(_part_number), BeforeValidator(_number_text)]
"""A part of a message (RFC 9051, 6.4.5): ``2`` or ``1.2``."""

UidRanges = Annotated[str, AfterValidator(_ranges), BeforeValidator(_number_text)]
"""UIDs with commas between them, and ranges: ``1,2,4:6``, ``7:*``; ``*`` is the last message."""

Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment with its offset: ISO 8601, or FEEL's date and time; without an offset it is UTC."""

IfMissing = Literal["error", "result"]
IF_MISSING = {"error": "That is an error", "result": "The result tells"}
"""What the Modeler calls them."""
"""Whether something that is not there is an error or a result."""

MAY_BE_MISSING = f"{MessageNotFound.advice.rstrip('.')}, or set `ifMissing` to `result` where that is no error."
"""What to do about a message that is not there, in a task that may do without."""

SortOrder = Annotated[Literal["ASC", "DESC"], BeforeValidator(upper)]
ORDERS = {"DESC": "Newest or largest first", "ASC": "Oldest or smallest first"}
DETAILS = {"ids": "Only what it is found by", "summary": "Addresses, subject, dates, size"}
"""``DESC``: newest or largest first; ``ASC``: oldest or smallest first."""

Address = Annotated[Mailbox, BeforeValidator(mailbox), WithJsonSchema(_ONE)]
"""One mail address: ``jane@example.org``, ``Jane Doe <jane@example.org>`` or ``{name, address}``."""

EnvelopeSender = Annotated[str, BeforeValidator(_envelope_sender)]
"""The address in MAIL FROM; ``<>`` is nobody, and becomes an empty text (RFC 5321, 4.5.5)."""

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

CustomHeaders = Annotated[
    dict[Annotated[str, AfterValidator(custom_name)], tuple[HeaderText, ...]],
    BeforeValidator(_headers),
    AfterValidator(_writable),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}),
]
"""Additional headers by name: one text or several, as an object or as a list of ``{name, value}``."""
