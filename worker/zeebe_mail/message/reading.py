"""The child process in which hostile mail is read: ``python -m zeebe_mail.message.reading`` (see ``reader``).

The question is a message, the answer is the parsed message as JSON.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from zeebe_mail.message.parse import parse
from zeebe_mail.message.parsed import ParsedMessage
from zeebe_mail.message.serving import serve


def _answer(raw: bytes) -> bytes:
    return json.dumps(_plain(parse(raw)), ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Dataclasses as objects, but for the message itself, which the other side has."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, ParsedMessage) or dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value) if one.name != "raw"]
        return {name: _plain(getattr(value, name)) for name in names}
    return value.isoformat() if hasattr(value, "isoformat") else value


if __name__ == "__main__":
    serve(_answer)
