"""What is asked of a mailbox by IMAP and POP3 alike: which message, where to save it, and what is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zeebe_mail.compat.errors import NOT_BLANK, RUNTIME, violations
from zeebe_mail.compat.infosys import ids, values
from zeebe_mail.compat.infosys.errors import NO_EMAIL
from zeebe_mail.documents.files import local_path
from zeebe_mail.errors import ContractError, MessageNotFound
from zeebe_mail.message.file_name import safe_filename
from zeebe_mail.operations.base import Desk, OperationOutput

_SLASHES = re.compile(r"[/\\]")
DELETED = "Email deleted successfully"


class Saved(OperationOutput):
    """The file into which a mail was written, the last one where there were several."""

    path: str


def needed(data: Mapping[str, Any], *names: str) -> list[str]:
    """The texts of these fields.

    Raises:
        ContractError: names all that are blank.
    """
    found = {name: values.text(data, name) for name in names}
    blank = [(f"data.{name}", NOT_BLANK) for name, value in found.items() if value is None]
    if blank:
        raise violations(blank)
    return [value for value in found.values() if value is not None]


def named(data: Mapping[str, Any]) -> dict[str, Any]:
    """The message that `messageId` names, as our operations name it.

    Raises:
        ContractError: it names none.
    """
    (name,) = needed(data, "messageId")
    return ids.reference(name)


def folder(data: Mapping[str, Any]) -> str:
    """The folder of this machine that `downloadFolderPath` names.

    Raises:
        ContractError: it is no path of this machine.
    """
    (written,) = needed(data, "downloadFolderPath")
    try:
        return local_path(written.strip())
    except ValueError as error:
        raise ContractError(f"Is not a folder path: {written}; it {error}", foreign_type=RUNTIME) from None


async def save(desk: Desk, folder_: str, subject: str | None, content: bytes) -> Saved:
    """Write a mail into `<subject>.eml`.

    Raises:
        FileNotAllowed: nothing may be written there.
        DocumentNotStored: it cannot be written there.
    """
    title = _SLASHES.sub("_", subject or "").strip(" .") or "message"
    return Saved(path=await desk.folders.save(folder_, safe_filename(f"{title}.eml") or "message.eml", content))


def saved(output: OperationOutput) -> dict[str, Any]:
    """What the process gets for a mail that was saved."""
    assert isinstance(output, Saved)
    return {"response": f"Email downloaded successfully at {output.path}"}


def not_found() -> MessageNotFound:
    """The error where there is no message to download or delete."""
    return MessageNotFound(f"{NO_EMAIL}.")
