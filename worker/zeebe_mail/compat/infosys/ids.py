"""What Infosys' connectors call a message: its Message-ID without angle brackets.

A message that has none is called ``uid:<UIDVALIDITY>:<UID>`` (IMAP) or ``uidl:<UIDL>`` (POP3), which their other
operations take as well. A Message-ID that looks like that keeps its brackets, so nobody can name another's mail; one
with blanks keeps them too, because it is none without.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zeebe_mail.compat.errors import RUNTIME
from zeebe_mail.errors import ContractError
from zeebe_mail.message.criteria import HeaderIs
from zeebe_mail.message.message_id import bare_message_id, bare_or_none

_UID = re.compile(r"uid:(?P<uidValidity>\d{1,10}):(?P<uid>\d{1,10})", re.ASCII)
_UIDL = re.compile(r"uidl:(?P<uidl>[!-~]{1,255})", re.ASCII)

NO_ID = "Please provide a valid message ID."


def shown(message: Mapping[str, Any]) -> str:
    """The name of a message that our lists give."""
    bare = bare_or_none(message["messageId"])
    if bare is not None:
        return f"<{bare}>" if " " in bare or _UID.fullmatch(bare) or _UIDL.fullmatch(bare) else bare
    if message.get("uid"):
        return f"uid:{message['uidValidity']}:{message['uid']}"
    return f"uidl:{message['uidl']}"


def reference(name: str) -> dict[str, Any]:
    """What our operations call the message of this name: ``messageId``, ``uid`` and ``uidValidity``, or ``uidl``.

    Raises:
        ContractError: it names no message.
    """
    written = name.strip()
    for form in (_UID, _UIDL):
        if found := form.fullmatch(written):
            return {key: int(value) if form is _UID else value for key, value in found.groupdict().items()}
    bare = bare_or_none(written)
    if bare is None:
        raise ContractError(NO_ID, foreign_type=RUNTIME)
    return {"messageId": f"<{bare}>"}


def criterion(named: Mapping[str, Any]) -> HeaderIs | None:
    """All messages with this Message-ID, where that is how it is named."""
    return HeaderIs("Message-ID", bare_message_id(named["messageId"])) if "messageId" in named else None
