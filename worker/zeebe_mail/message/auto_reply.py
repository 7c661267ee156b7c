"""Whether a program wrote a mail: an answer of a holiday service, a report, a bulk sender (RFC 3834)."""

from __future__ import annotations

from zeebe_mail.message import encoded_words
from zeebe_mail.message.header_fields import Header

_PRECEDENCE = frozenset({"auto_reply", "auto-reply", "bulk", "junk"})
_SUPPRESS = frozenset({"all", "oof", "autoreply"})
_MARKS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from")


def auto_reply_reason(header: Header) -> str | None:
    """The header that says so, such as ``Auto-Submitted: auto-replied``; subjects are not looked at."""
    submitted = _value(header, "auto-submitted").partition(";")[0].split("(")[0].strip()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    suppress = _value(header, "x-auto-response-suppress")
    if _SUPPRESS & {one.strip() for one in suppress.split(",")}:
        return f"X-Auto-Response-Suppress: {suppress}"
    precedence = _value(header, "precedence")
    if precedence in _PRECEDENCE:
        return f"Precedence: {precedence}"
    for name in _MARKS:
        if header.first(name) is not None and _value(header, name) not in {"no", "false"}:
            return name.title()
    if "".join(_value(header, "return-path").split()) == "<>":
        return "Return-Path: <>"
    return None


def _value(header: Header, name: str) -> str:
    value = header.first(name)
    return encoded_words.header_text(value[:1000]).lower() if value else ""
