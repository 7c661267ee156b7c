"""The searches of `search-emails`: a field, a text, and whether that is all of the field or a part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from zeebe_mail.compat.errors import NOT_BLANK, RUNTIME, violations
from zeebe_mail.compat.infosys import values
from zeebe_mail.compat.infosys.dates import after, read_date
from zeebe_mail.compat.infosys.filters import DATE_EXAMPLE
from zeebe_mail.errors import ContractError
from zeebe_mail.message.address import AddressError, mailbox
from zeebe_mail.message.criteria import (
    NONE,
    And,
    Attached,
    BodyIs,
    Clock,
    CriteriaError,
    Criterion,
    Dated,
    HeaderContains,
    HeaderIs,
    Or,
    Relation,
    criterion,
)

ATTACHED = And((HeaderContains("Content-Type", "multipart/mixed"), Attached()))
"""As they know attachments, but for mails that only look like it: one part in a multipart/mixed."""


def searched(data: Mapping[str, Any]) -> Criterion:
    """What is searched for.

    Raises:
        ContractError: the input breaks the contract.
    """
    content = values.text(data, "searchContent")
    if content is None:
        raise violations([("data.searchContent", NOT_BLANK)])
    field = (values.text(data, "searchField") or "subject").strip().lower()
    complete = (values.text(data, "searchType") or "").strip().lower() in ("complete", "exact")
    search = (_COMPLETE if complete else _PARTIAL).get(field)
    if search is None:
        raise ContractError(
            "searchField should be one of the following: subject, sender, from, body, content, receivedDate, "
            "attachment, or all (to search in subject/from/body)",
            foreign_type=RUNTIME,
        )
    try:
        return search(content)
    except CriteriaError as error:
        raise ContractError(f"searchContent {error.problem}", foreign_type=RUNTIME) from None


def _part_of(*fields: str) -> Callable[[str], Criterion]:
    def search(content: str) -> Criterion:
        parts = tuple(criterion({field: content}) for field in fields)
        return parts[0] if len(parts) == 1 else Or(parts)

    return search


def _subject_is(content: str) -> Criterion:
    return criterion({"field": "SUBJECT", "value": content.strip(), "match": "exact"})


def _from_is(content: str) -> Criterion:
    try:
        return HeaderIs("From", mailbox(content.strip()).address)
    except AddressError:
        return NONE


def _received(content: str) -> Criterion:
    try:
        when = read_date(content)
    except ValueError:
        raise ContractError(
            f"searchContent: Unable to parse date, please provide datetime in format: {DATE_EXAMPLE}",
            foreign_type=RUNTIME,
        ) from None
    return Dated(Clock.RECEIVED, Relation.SINCE, after(when) if isinstance(when, datetime) else when)


_ANYHOW: Mapping[str, Callable[[str], Criterion]] = {
    **dict.fromkeys(("receiveddate", "receivedtime"), _received),
    "attachment": lambda _: ATTACHED,
}
_PARTIAL: Mapping[str, Callable[[str], Criterion]] = {
    **_ANYHOW,
    "subject": _part_of("subject"),
    **dict.fromkeys(("from", "sender"), _part_of("from")),
    **dict.fromkeys(("body", "content"), _part_of("body")),
    "all": _part_of("subject", "from", "body"),
}
_COMPLETE: Mapping[str, Callable[[str], Criterion]] = {
    **_ANYHOW,
    "subject": _subject_is,
    **dict.fromkeys(("from", "sender"), _from_is),
    **dict.fromkeys(("body", "content"), BodyIs),
    "all": lambda content: Or((_subject_is(content), _from_is(content), BodyIs(content))),
}
"""By the field's name."""
