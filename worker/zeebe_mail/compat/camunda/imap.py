"""IMAP, as Camunda's connector is asked for it: list, search, read, delete and move on our operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field, SkipValidation

from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.camunda.criteria import criterion, sender_has
from zeebe_mail.compat.camunda.envelope import as_seen
from zeebe_mail.compat.camunda.mailbox import MOST, NOT_DELETED, MailboxProtocol, Sort, identity, not_found
from zeebe_mail.compat.camunda.reading import AsWritten, imap_response
from zeebe_mail.compat.errors import folder_missing
from zeebe_mail.mail.imap import Selected, Summary
from zeebe_mail.mail.server import ImapServer
from zeebe_mail.message.criteria import Criterion
from zeebe_mail.operations.base import Errand, OperationOutput
from zeebe_mail.operations.imap.delete import DeleteInput, DeleteOutput, DeleteRequest, delete
from zeebe_mail.operations.imap.list import ListInput, list_
from zeebe_mail.operations.imap.move import MoveInput, MoveOutput, MoveRequest, move
from zeebe_mail.operations.imap.read import ReadInput, ReadOutput, ReadRequest, read
from zeebe_mail.operations.imap.search import SearchInput, SearchRequest, search
from zeebe_mail.operations.listing import ListOutput, ListRequest
from zeebe_mail.operations.message_result import ImapMessageSummary
from zeebe_mail.operations.selection import SeenMessage

SORT_FIELDS = ("RECEIVED_DATE", "SENT_DATE", "SIZE")


class FirstMessage(SeenMessage):
    """Of several messages with the same Message-ID, the first."""

    first_of_several = True


class Listing(ListRequest):
    """A list of any length, equal messages in the order of the folder."""

    ties_ascending: ClassVar[bool] = True
    limit: Annotated[int, Field(ge=1)] = MOST

    def summary(self, one: Summary, selected: Selected) -> ImapMessageSummary:
        """A message as Java's mail library sees its header."""
        return as_seen(super().summary(one, selected), one.header, unfolded=True)


class Found(SearchRequest):
    """All messages that match."""

    limit: Annotated[int, Field(ge=1)] = MOST
    criteria: SkipValidation[Criterion]

    def summary(self, one: Summary, selected: Selected) -> ImapMessageSummary:
        """A message as Java's mail library sees its header."""
        return as_seen(super().summary(one, selected), one.header, unfolded=True)


class Reading(AsWritten, ReadRequest):
    """One message as it was written; of several, the first."""

    first_of_several = True


class List:
    """``listEmailsImap``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._folder = binding.text(action.get("listEmailsFolder"))
        self._sort = Sort.of(action, rules, SORT_FIELDS, "data.imapAction")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """The first so many messages of a folder."""
        first = self._sort.first
        asked = {
            "mailbox": folder(self._folder),
            "limit": max(first, 1),
            "sortBy": self._sort.by,
            "sortOrder": self._sort.order,
        }
        given = ours(lambda: ListInput(**place, request=Listing.model_validate(asked)))
        return Errand(list_, given, lambda output: [_listed(one) for one in _messages(output)[:first]])


class Search:
    """``searchEmailsImap``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._folder = binding.text(action.get("searchEmailFolder"))
        self._criteria = action.get("criteria")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """All messages of a folder that match, in its order."""
        asked = {"mailbox": folder(self._folder), "criteria": criterion(self._criteria, sender_has)}
        given = ours(lambda: SearchInput(**place, request=Found.model_validate(asked)))
        return Errand(search, given, _found)


class Read:
    """``readEmailImap``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._folder = binding.text(action.get("readEmailFolder"))
        self._message_id = binding.text(action.get("messageId"))
        rules.demand(self._message_id, "data.imapAction.messageId")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """One message; it stays unread."""
        missing = "Could not find an email ID"
        asked = {
            "mailbox": folder(self._folder),
            "messageId": identity(self._message_id or "", missing),
            "ifMissing": "result",
        }
        given = ours(lambda: ReadInput(**place, request=Reading.model_validate(asked)))

        def response(output: OperationOutput) -> Any:
            if not cast("ReadOutput", output).found:
                raise not_found(missing)
            return imap_response(output)

        return Errand(read, given, response)


class Delete:
    """``deleteEmailImap``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._folder = binding.text(action.get("deleteEmailFolder"))
        self._message_id = binding.text(action.get("messageId"))
        rules.demand(self._message_id, "data.imapAction.messageId")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """Delete one message for good, and no other."""
        asked = {
            "mailbox": folder(self._folder),
            "messages": _first(self._message_id, NOT_DELETED),
            "mode": "permanent",
        }
        given = ours(lambda: DeleteInput(**place, request=DeleteRequest.model_validate(asked)))

        def response(output: OperationOutput) -> Any:
            if not cast("DeleteOutput", output).deleted:
                raise not_found(NOT_DELETED)
            return {"messageId": self._message_id, "deleted": True}

        return Errand(delete, given, response)


class Move:
    """``moveEmailImap``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._message_id = binding.text(action.get("messageId"))
        self._source = binding.text(action.get("fromFolder"))
        self._target = binding.text(action.get("toFolder"))
        rules.demand(self._message_id, "data.imapAction.messageId")
        rules.demand(self._source, "data.imapAction.fromFolder")
        rules.demand(self._target, "data.imapAction.toFolder")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """Move one message into another folder, which is made where it is missing."""
        missing = f"Email with messageId {self._message_id} does not exist"
        if not self._target:
            raise folder_missing("")  # no folder to move to is not the INBOX
        asked = {
            "mailbox": folder(self._source),
            "messages": _first(self._message_id, missing),
            "target": folder(self._target),
        }
        given = ours(lambda: MoveInput(**place, request=MoveRequest.model_validate(asked)))

        def response(output: OperationOutput) -> Any:
            moved = cast("MoveOutput", output)
            if not moved.done + moved.already:
                raise not_found(missing)
            return {"messageId": self._message_id, "from": self._source, "to": self._target}

        return Errand(move, given, response)


IMAP = MailboxProtocol(
    "imap",
    ImapServer,
    {
        "listEmailsImap": List,
        "searchEmailsImap": Search,
        "readEmailImap": Read,
        "deleteEmailImap": Delete,
        "moveEmailImap": Move,
    },
)
"""What can be done over IMAP."""


def folder(name: str | None) -> str:
    """The name of a folder; none, or an empty one, is INBOX.

    Raises:
        MailboxNotFound: it is blank.
    """
    if name and not name.strip():
        raise folder_missing(name)
    return name or "INBOX"


def _first(message_id: str | None, missing: str) -> tuple[FirstMessage]:
    return (FirstMessage(message_id=identity(message_id or "", missing)),)


def _messages(output: OperationOutput) -> list[ImapMessageSummary]:
    return cast("list[ImapMessageSummary]", cast("ListOutput", output).messages)


def _listed(one: ImapMessageSummary) -> dict[str, Any]:
    return {
        "messageId": one.message_id,
        "fromAddress": one.from_address,
        "subject": one.subject,
        "size": one.size,
    }


def _found(output: OperationOutput) -> list[dict[str, Any]]:
    in_order = sorted(_messages(output), key=lambda one: one.uid or 0)
    return [{"messageId": one.message_id, "subject": one.subject} for one in in_order]
