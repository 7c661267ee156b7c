"""Which messages a list of Infosys' has, in which order, and what it tells of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zeebe_mail.compat.errors import RUNTIME
from zeebe_mail.compat.infosys import field_names as names
from zeebe_mail.compat.infosys import ids, values
from zeebe_mail.compat.infosys.field_names import FieldName, is_named
from zeebe_mail.errors import ContractError, ResultTooLarge
from zeebe_mail.operations.base import OperationOutput, as_json

MOST = 10_000
"""Messages that one task lists, or looks at to sort them."""
USUAL = 1000

_PLAIN_NAME = re.compile(r"[\w !#$%&'*+/=?^`{|}~-]+")

Key = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Order:
    """By what messages are sorted."""

    sort_by: str = "ARRIVAL"
    """As our lists sort."""
    descending: bool = False
    key: Key | None = None
    """What they are sorted by here, where our lists cannot."""


def _sender(message: Mapping[str, Any]) -> str:
    return next((_written(one) for one in message["from"]), "")


_FIELDS: tuple[tuple[FieldName, str, Key | None], ...] = (
    (names.SIZE, "SIZE", None),
    (names.FROM, "ARRIVAL", _sender),
    (names.SUBJECT, "ARRIVAL", lambda message: message["subject"] or ""),
    (names.NUMBER, "ARRIVAL", None),
    (names.SENT, "SENT_DATE", None),
    (names.MESSAGE_ID, "ARRIVAL", ids.shown),
    (names.RECEIVED, "RECEIVED_DATE", None),
)
"""The fields, how our lists sort by them, and where they cannot, by what; the first that a name fits is meant."""


def order(sort_by: Mapping[str, Any]) -> Order:
    """The order of ``{sortOn, order}``; by number, the oldest first, where one of the two is missing.

    Raises:
        ContractError: there is no such order.
    """
    field, direction = (values.text(sort_by, name) for name in ("sortOn", "order"))
    if field is None or direction is None:
        return Order()
    way = direction.lower()
    if "asc" not in way and "desc" not in way:
        raise ContractError(
            "SortException: Sorted order error. It should be - ascending or descending.", foreign_type=RUNTIME
        )
    for name, ours, key in _FIELDS:
        if is_named(field, name):
            return Order(ours, "asc" not in way, key)
    raise ContractError(
        "Unable to sort message. You can sort message on size, from, subject, message number, messageID, sent date and "
        "received date.",
        foreign_type=RUNTIME,
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is asked for."""

    order: Order
    limit: int
    members: tuple[str, ...]
    """What it tells of each message; nothing means that it is a list of ids."""

    @property
    def request(self) -> dict[str, Any]:
        """As our lists and searches take it."""
        return {
            "sortBy": self.order.sort_by,
            "sortOrder": "DESC" if self.order.descending and not self.order.key else "ASC",
            "limit": MOST if self.order.key else max(self.limit, 1),
            "fields": "summary" if self.members or self.order.key else "ids",
        }

    def response(self, output: OperationOutput) -> dict[str, Any]:
        """What the process gets.

        Raises:
            ResultTooLarge: there are more messages than can be sorted or listed.
        """
        found = as_json(output)
        messages = found["messages"]
        if found["truncated"] and (self.order.key or self.limit == MOST):
            raise ResultTooLarge(
                f"There are {found['total']} messages, and a task lists or sorts {MOST} at most.",
                next_step="Narrow the filters, or sort by size, message number, sent or received date.",
                details={"total": found["total"], "limit": MOST},
            )
        if key := self.order.key:
            messages = sorted((one for one in messages if key(one)), key=key, reverse=self.order.descending) + [
                one for one in messages if not key(one)
            ]
        return {"response": [self._told(one) for one in messages[: self.limit]]}

    def _told(self, message: Mapping[str, Any]) -> Any:
        if not self.members:
            return ids.shown(message)
        return {name: _MEMBERS[name](message) for name in self.members}


_MEMBERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "MessageID": ids.shown,
    "From": lambda message: _sender(message) or None,
    "Subject": lambda message: message["subject"],
    "Size": lambda message: message["size"],
    "ReceivedDate": lambda message: message["receivedDateTime"],
}
LISTED = ("MessageID", "From", "Subject", "Size", "ReceivedDate")
FOUND = ("MessageID", "ReceivedDate", "From", "Subject")


def of_list(data: Mapping[str, Any]) -> Listing:
    """The list that `list-emails` asks for.

    Raises:
        ContractError: the input breaks the contract.
    """
    most = values.whole(data, "maxResults")
    if most is None or most < 0:
        most = USUAL
    if most > MOST:
        raise ContractError(f"maxResults must be at most {MOST}")
    return Listing(order(values.context(data, "sortBy")), most, _members(data, LISTED))


def of_search(data: Mapping[str, Any]) -> Listing:
    """The list that `search-emails` asks for: all that is found, by number.

    Raises:
        ContractError: the input breaks the contract.
    """
    return Listing(Order(), MOST, _members(data, FOUND))


def _members(data: Mapping[str, Any], details: tuple[str, ...]) -> tuple[str, ...]:
    kind = (values.text(data, "outputType") or "messageIds").strip().lower()
    if kind not in ("messageids", "headerdetails"):
        raise ContractError("outputType should be messageIds or headerDetails", foreign_type=RUNTIME)
    return details if kind == "headerdetails" else ()


def _written(correspondent: Mapping[str, Any]) -> str:
    """An address with its name, as a header has it."""
    name, address = correspondent["name"], correspondent["address"]
    if not name:
        return str(address)
    if not _PLAIN_NAME.fullmatch(name):
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        name = f'"{escaped}"'
    return f"{name} <{address}>"
