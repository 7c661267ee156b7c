"""The six operations of Infosys' IMAP connector on our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, cast

from zeebe_mail.compat.binding import ours
from zeebe_mail.compat.errors import RUNTIME
from zeebe_mail.compat.infosys import ids, listing, mailbox, values
from zeebe_mail.compat.infosys.errors import NO_EMAIL, NO_MATCH
from zeebe_mail.compat.infosys.filters import compiled
from zeebe_mail.compat.infosys.login import Login, folder_path
from zeebe_mail.compat.infosys.mailbox import Saved, needed
from zeebe_mail.compat.infosys.searches import searched
from zeebe_mail.errors import ContractError, MessageAmbiguous, MessageNotFound
from zeebe_mail.form import Prompt
from zeebe_mail.mail.imap import ImapSession
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.message.criteria import Criterion
from zeebe_mail.message.envelope import read_envelope
from zeebe_mail.operations.base import Attempt, Desk, Errand, OperationOutput
from zeebe_mail.operations.downloading import LARGEST
from zeebe_mail.operations.imap import ImapInput
from zeebe_mail.operations.imap.delete import DeleteInput, DeleteOutput, delete
from zeebe_mail.operations.imap.download import download
from zeebe_mail.operations.imap.flags_remove import flags_remove
from zeebe_mail.operations.imap.list import ListInput, list_
from zeebe_mail.operations.imap.move import MoveInput, MoveOutput, move
from zeebe_mail.operations.imap.read import ReadInput, ReadOutput, read
from zeebe_mail.operations.imap.search import SearchInput, search
from zeebe_mail.operations.selection import SomeMessages, choose
from zeebe_mail.operations.stored_file import stored_file

MOST_MATCHES = 10_000
"""Messages with one Message-ID that are deleted, moved or downloaded together."""


class MessagesInput(ImapInput):
    """Where, as whom, and which messages."""

    request: Annotated[SomeMessages, Prompt("Messages", group="message")]
    """The messages."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A folder of an account."""

    login: Login

    def given(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The input of one of our operations."""
        server = ImapServer.model_validate({**self.login.address, "security": "SSL_TLS"})
        return {"server": server, "auth": self.login.auth, "request": {"mailbox": self.login.folder, **request}}


def _list(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    asked = listing.of_list(data)
    criterion = compiled(values.context(data, "filters"))
    if criterion is None:
        return Errand(list_, ours(lambda: ListInput.model_validate(place.given(asked.request))), asked.response)
    return _found(place, asked, criterion)


def _search(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    return _found(place, listing.of_search(data), searched(data))


def _found(place: Mailbox, asked: listing.Listing, criterion: Criterion) -> Errand:
    request = {**asked.request, "criteria": criterion}
    return Errand(search, ours(lambda: SearchInput.model_validate(place.given(request))), asked.response)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _read(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    kind = (values.text(data, "outputType") or "detailedHeader").strip().lower()
    if kind not in ("header", "detailedheader"):
        raise ContractError("outputType should be header or detailedHeader", foreign_type=RUNTIME)
    is_unread = (values.text(data, "postReadAction") or "").strip().lower() == "unread"
    only_latest = values.truth(data, "readLatestResponse")
    request = {
        **mailbox.named(data),
        "level": "full" if kind == "detailedheader" else "header",
        "attachments": "documents" if kind == "detailedheader" else "none",
        "markAsRead": not is_unread,
        "ifMissing": "result",
    }
    given = ours(lambda: ReadInput.model_validate(place.given(request)))
    described = _header if kind == "header" else _latest if only_latest else _detailed
    operation = replace(read, run=_read_as_unread) if is_unread else read
    return Errand(operation, given, lambda output: {"response": described(_there(output))})


async def _read_as_unread(given: ReadInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> ReadOutput:
    """Read a message, then take the flag Seen from it."""
    message = cast("ReadOutput", await read.run(given, imap, attempt, desk))
    if message.uid is not None:
        one = {"mailbox": message.mailbox, "uid": message.uid, "uidValidity": message.uid_validity}
        flags = {"server": given.server, "auth": given.auth, "request": {**one, "flags": "Seen"}}
        await flags_remove.run(flags_remove.input.model_validate(flags), imap, attempt)
    return message


def _there(output: OperationOutput) -> ReadOutput:
    message = cast("ReadOutput", output)
    if not message.found:
        raise MessageNotFound(NO_MATCH)
    return message


def _header(message: ReadOutput) -> dict[str, Any]:
    return {
        "SenderEmailAddress": message.from_address,
        "ToList": [one.address for one in message.to],
        "CcList": [one.address for one in message.cc],
        "BccList": [one.address for one in message.bcc],
        "Subject": message.subject,
        "Size": message.size,
        "ReceivedDate": message.model_dump(mode="json")["receivedDateTime"],
    }


def _detailed(message: ReadOutput) -> dict[str, Any]:
    return {
        **_header(message),
        "PlainContent": message.plain_text_body or "",
        "HtmlContent": message.html_body or "",
        "AttachmentsCount": len(message.attachments),
        "AttachmentDetails": _attachments(message),
    }


def _latest(message: ReadOutput) -> dict[str, Any]:
    return {
        **_detailed(message),
        "PlainContent": message.newest_reply or "",
        "HtmlContent": _before_quotation(message.html_body or ""),
    }


def _before_quotation(html: str) -> str:
    """HTML up to the header of the mail that it answers, as Outlook writes it, or to what it quotes."""
    return min((html.split(mark)[0] for mark in ("From:</b>", "<blockquote")), key=len)


def _attachments(message: ReadOutput) -> dict[str, Any]:
    """Attachments by their names; a second one of a name gets its number beside it."""
    details: dict[str, Any] = {}
    for one in message.attachments:
        name = one.file_name or f"part-{one.part}"
        free = name if name not in details else f"{one.part} {name}"
        details[free] = {"contentType": one.content_type, "size": one.size, "document": one.document}
    return details


# ── files and folders ────────────────────────────────────────────────────────────────────────────────────────────


def _messages(named: Mapping[str, Any]) -> dict[str, Any]:
    """All messages that are named so."""
    criterion = ids.criterion(named)
    which = {"messages": [named]} if criterion is None else {"criteria": criterion}
    return {**which, "limit": MOST_MATCHES}


def _download(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    needed(data, "messageId", "downloadFolderPath")
    folder = mailbox.folder(data)
    given = ours(lambda: MessagesInput.model_validate(place.given(_messages(mailbox.named(data)))))

    async def run(given: MessagesInput, imap: ImapSession, attempt: Attempt, desk: Desk) -> Saved:
        """Save each of the messages."""
        selected = await imap.mailboxes.select(await imap.directory.resolve(given.request.mailbox))
        done = None
        for one in await imap.fetch.summaries((await choose(imap, selected, given.request)).uids, attachments=False):
            file = await stored_file(imap, one.uid, None, limit=LARGEST)
            if file is not None:
                done = await mailbox.save(desk, folder, read_envelope(one.header).subject, file.content)
        if done is None:
            raise mailbox.not_found()
        return done

    return Errand(replace(download, run=run), given, mailbox.saved)


def _move(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    _, written = needed(data, "messageId", "targetFolderPath")
    named = mailbox.named(data)
    create = values.truth(data, "createTargetFolder")

    def moving(which: Mapping[str, Any]) -> MoveInput:
        request = {"target": folder_path(written), "createTarget": create, **which}
        return ours(lambda: MoveInput.model_validate(place.given(request)))

    all_ = moving(_messages(named))

    async def run(given: MoveInput, imap: ImapSession, attempt: Attempt) -> MoveOutput:
        """Move the message that is named, also one that an earlier try has moved; where several are, all of them."""
        try:
            output = await move.run(given, imap, attempt)
        except MessageAmbiguous:
            output = await move.run(all_, imap, attempt)
        return cast("MoveOutput", output)

    def response(output: OperationOutput) -> dict[str, Any]:
        moved = cast("MoveOutput", output)
        _require(moved.done + moved.already, moved.failed, NO_MATCH)
        return {"response": f"Email moved successfully to folder: {written}"}

    return Errand(replace(move, run=run), moving({"messages": [named]}), response)


def _delete(place: Mailbox, data: Mapping[str, Any]) -> Errand:
    request = {**_messages(mailbox.named(data)), "mode": "permanent"}

    def response(output: OperationOutput) -> dict[str, Any]:
        deleted = cast("DeleteOutput", output)
        _require(deleted.done + deleted.already, deleted.failed, f"{NO_EMAIL}.")
        return {"response": mailbox.DELETED}

    return Errand(delete, ours(lambda: DeleteInput.model_validate(place.given(request))), response)


def _require(done: int, failed: int, otherwise: str) -> None:
    """Pass when there were messages and all of them are done."""
    if failed or not done:
        raise MessageNotFound(otherwise if not failed else f"The server refused {failed} of {done + failed} messages.")


OPERATIONS: Mapping[str, Callable[[Mailbox, Mapping[str, Any]], Errand]] = {
    "imap.list-emails": _list,
    "imap.search-emails": _search,
    "imap.read-email": _read,
    "imap.download-email": _download,
    "imap.move-email": _move,
    "imap.delete-email": _delete,
}
