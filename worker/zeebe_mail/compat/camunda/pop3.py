"""POP3, as Camunda's connector is asked for it: list, search, read and delete on our operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, cast

from pydantic import Field, SkipValidation

from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.camunda.criteria import criterion, sender_is
from zeebe_mail.compat.camunda.envelope import as_seen
from zeebe_mail.compat.camunda.mailbox import MOST, NOT_DELETED, MailboxProtocol, Sort, identity, not_found
from zeebe_mail.compat.camunda.reading import AsWritten, pop3_response
from zeebe_mail.mail.pop3 import Listed
from zeebe_mail.mail.server import Pop3Server
from zeebe_mail.message.criteria import Criterion
from zeebe_mail.operations.base import Errand, OperationOutput
from zeebe_mail.operations.maildrop import MaildropReference, OrderField, Pop3MessageSummary, SortBy
from zeebe_mail.operations.pop3.delete import DeleteInput, DeleteOutput, DeleteRequest, delete
from zeebe_mail.operations.pop3.list import ListInput, ListOutput, ListRequest, list_
from zeebe_mail.operations.pop3.read import ReadInput, ReadOutput, ReadRequest, read
from zeebe_mail.operations.pop3.search import SearchInput, SearchOutput, SearchRequest, search

SORT_FIELDS: Mapping[str, SortBy] = {"SENT_DATE": SortBy.SENT, "SIZE": SortBy.BODY_SIZE}


class FirstMessage(MaildropReference):
    """Of several messages with the same Message-ID, the first."""

    first_of_several: ClassVar[bool] = True


class Listing(ListRequest):
    """A list of any length, equal messages in the order of the mailbox."""

    ties_ascending: ClassVar[bool] = True
    limit: Annotated[int, Field(ge=1)] = MOST

    def summary(self, one: Listed, header: bytes) -> Pop3MessageSummary:
        """A message as Java's mail library sees its header."""
        return as_seen(super().summary(one, header), header, unfolded=False)


class Found(SearchRequest):
    """All messages that match, in the order of the mailbox."""

    limit: Annotated[int, Field(ge=1)] = MOST
    criteria: SkipValidation[Criterion]
    sort_order: OrderField = "ASC"
    max_scan: int = 1_000_000
    max_bytes: int = 2**40

    def summary(self, one: Listed, header: bytes) -> Pop3MessageSummary:
        """A message as Java's mail library sees its header."""
        return as_seen(super().summary(one, header), header, unfolded=False)


class Reading(AsWritten, ReadRequest):
    """One message as it was written; of several, the first."""

    first_of_several: ClassVar[bool] = True
    unfolded: ClassVar[bool] = False


class List:
    """``listEmailsPop3``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._sort = Sort.of(action, rules, tuple(SORT_FIELDS), "data.pop3Action")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """The first so many messages of the mailbox."""
        first = self._sort.first
        asked = {
            "limit": max(first, 1),
            "sortBy": SORT_FIELDS[self._sort.by or "SIZE"],
            "sortOrder": self._sort.order,
        }
        given = ours(lambda: ListInput(**place, request=Listing.model_validate(asked)))
        return Errand(list_, given, lambda output: [_listed(one) for one in _messages(output)[:first]])


class Search:
    """``searchEmailsPop3``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._criteria = action.get("criteria")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """All messages of the mailbox that match."""
        asked = {"criteria": criterion(self._criteria, sender_is)}
        given = ours(lambda: SearchInput(**place, request=Found.model_validate(asked)))
        return Errand(search, given, _found)


class Read:
    """``readEmailPop3``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._message_id = binding.text(action.get("messageId"))
        rules.demand(self._message_id, "data.pop3Action.messageId")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """One message; it stays in the mailbox."""
        asked = {"messageId": identity(self._message_id or "", NOT_DELETED), "ifMissing": "result"}
        given = ours(lambda: ReadInput(**place, request=Reading.model_validate(asked)))

        def response(output: OperationOutput) -> Any:
            if not cast("ReadOutput", output).found:
                raise not_found(NOT_DELETED)
            return pop3_response(output)

        return Errand(read, given, response)


class Delete:
    """``deleteEmailPop3``."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self._message_id = binding.text(action.get("messageId"))
        rules.demand(self._message_id, "data.pop3Action.messageId")

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """Delete one message."""
        asked = {"messages": (FirstMessage(message_id=identity(self._message_id or "", NOT_DELETED)),)}
        given = ours(lambda: DeleteInput(**place, request=DeleteRequest.model_validate(asked)))

        def response(output: OperationOutput) -> Any:
            if not cast("DeleteOutput", output).deleted:
                raise not_found(NOT_DELETED)
            return {"messageId": self._message_id, "deleted": True}

        return Errand(delete, given, response)


POP3 = MailboxProtocol(
    "pop3",
    Pop3Server,
    {"listEmailsPop3": List, "searchEmailsPop3": Search, "readEmailPop3": Read, "deleteEmailPop3": Delete},
)
"""What can be done over POP3."""


def _messages(output: OperationOutput) -> list[Pop3MessageSummary]:
    return cast("list[Pop3MessageSummary]", cast("ListOutput | SearchOutput", output).messages)


def _listed(one: Pop3MessageSummary) -> dict[str, Any]:
    return {
        "messageId": one.message_id,
        "fromAddress": one.from_address,
        "subject": one.subject,
        "size": one.body_size,
    }


def _found(output: OperationOutput) -> list[dict[str, Any]]:
    return [{"messageId": one.message_id, "subject": one.subject} for one in _messages(output)]
