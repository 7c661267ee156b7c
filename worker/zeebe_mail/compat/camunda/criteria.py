"""Search criteria as Camunda's connector has them: FROM, SUBJECT and BODY under AND and OR, names in capitals.

``{"operator": "AND" | "OR", "criteria": [...]}`` and ``{"field": "FROM" | "SUBJECT" | "BODY", "value": "…"}``; with
both, ``operator`` counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from zeebe_mail.compat.camunda.addresses import addresses
from zeebe_mail.compat.errors import bad_address
from zeebe_mail.errors import ContractError
from zeebe_mail.message.address import AddressError, Mailbox
from zeebe_mail.message.criteria import MAX_CONDITIONS, MAX_DEPTH, And, Contains, Criterion, HeaderIs, Or, Place

FromCriterion = Callable[[Mailbox], Criterion]
"""What FROM means: IMAP servers look for a part of the header, and over POP3 the whole address is compared."""

Meaning = TypeVar("Meaning")

_PACKAGE = "io.camunda.connector.email.outbound.protocols.actions"
_NODES: Mapping[str, type[And] | type[Or]] = {"AND": And, "OR": Or}


def criterion(given: Any, sender: FromCriterion) -> Criterion:
    """Read criteria.

    Raises:
        ContractError: they are none, or say nothing.
    """
    return _Reading(sender).read(given, 1)


def sender_has(author: Mailbox) -> Criterion:
    """IMAP: the header From has this, name and all, as a part of it."""
    return Contains(Place.FROM, f"{author.name} <{author.address}>" if author.name else author.address)


def sender_is(author: Mailbox) -> Criterion:
    """POP3: one of the addresses of From is this."""
    return HeaderIs("From", author.address)


class _Reading:
    """One reading of criteria; counts conditions."""

    def __init__(self, sender: FromCriterion) -> None:
        self._sender = sender
        self._conditions = 0

    def read(self, given: Any, depth: int) -> Criterion:
        self._conditions += 1
        if depth > MAX_DEPTH or self._conditions > MAX_CONDITIONS:
            raise ContractError(f"The criteria have more than {MAX_CONDITIONS} conditions or {MAX_DEPTH} levels")
        if not isinstance(given, Mapping):
            raise ContractError('The criteria must be an object such as {"field": "FROM", "value": "jane@example.org"}')
        return self._node(given, depth) if "operator" in given else self._leaf(given)

    def _node(self, given: Mapping[str, Any], depth: int) -> Criterion:
        node = _constant(given, "operator", "SearchOperator", _NODES)
        parts = given.get("criteria")
        if not isinstance(parts, list) or not parts:
            raise ContractError(f"The operator {given['operator']} needs a list of criteria that is not empty")
        return node(tuple(self.read(part, depth + 1) for part in parts))

    def _leaf(self, given: Mapping[str, Any]) -> Criterion:
        leaf = _constant(given, "field", "SearchCriteria", {"FROM": self._from, "SUBJECT": _subject, "BODY": _body})
        value = given.get("value")
        if value is None or isinstance(value, list | dict):
            raise ContractError(f"The criterion {given['field']} needs a value that is text")
        return leaf(value if isinstance(value, str) else json.dumps(value))

    def _from(self, text: str) -> Criterion:
        try:
            found = addresses(text)
        except AddressError as error:
            raise bad_address(error, "FROM") from error
        if len(found) != 1:
            raise bad_address("must be exactly one address", "FROM")
        return self._sender(found[0])


def _subject(text: str) -> Criterion:
    return Contains(Place.SUBJECT, text)


def _body(text: str) -> Criterion:
    return Contains(Place.BODY, text)


def _constant(given: Mapping[str, Any], name: str, kind: str, known: Mapping[str, Meaning]) -> Meaning:
    word = given.get(name)
    if word is None:
        raise ContractError(f"The criteria have neither operator nor field: {name} is missing")
    if not isinstance(word, str) or word not in known:
        raise ContractError(f"No enum constant {_PACKAGE}.{kind}.{word}. Known are {', '.join(known)}")
    return known[word]
