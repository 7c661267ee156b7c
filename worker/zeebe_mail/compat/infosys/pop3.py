"""The four operations of Infosys' POP3 connector on our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from zeebe_mail.compat.binding import ours
from zeebe_mail.compat.infosys import ids, listing, mailbox, values
from zeebe_mail.compat.infosys.filters import compiled
from zeebe_mail.compat.infosys.login import Login
from zeebe_mail.compat.infosys.mailbox import Saved, needed
from zeebe_mail.compat.infosys.searches import searched
from zeebe_mail.mail.pop3 import Listed, Pop3Session
from zeebe_mail.mail.server import Pop3Server
from zeebe_mail.message.criteria import NONE, And, Criterion, Flagged, Not, Or
from zeebe_mail.message.envelope import read_envelope
from zeebe_mail.operations.base import Attempt, Desk, Errand, OperationOutput
from zeebe_mail.operations.downloading import LARGEST
from zeebe_mail.operations.maildrop import MaildropReference, message_id
from zeebe_mail.operations.pop3.delete import DeleteInput, DeleteOutput, delete
from zeebe_mail.operations.pop3.download import DownloadInput, download
from zeebe_mail.operations.pop3.list import ListInput, list_
from zeebe_mail.operations.pop3.search import SearchInput, search

MOST_SCANNED = 1_000_000
"""Messages that a search looks at."""


@dataclass(frozen=True, slots=True)
class Maildrop:
    """The mailbox of an account."""

    login: Login

    def given(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The input of one of our operations."""
        server = Pop3Server.model_validate({**self.login.address, "security": "SSL_TLS"})
        return {"server": server, "auth": self.login.auth, "request": request}


def _list(place: Maildrop, data: Mapping[str, Any]) -> Errand:
    asked = listing.of_list(data)
    criterion = compiled(values.context(data, "filters"))
    if criterion is None:
        return Errand(list_, ours(lambda: ListInput.model_validate(place.given(asked.request))), asked.response)
    return _found(place, asked, criterion)


def _search(place: Maildrop, data: Mapping[str, Any]) -> Errand:
    return _found(place, listing.of_search(data), searched(data))


def _found(place: Maildrop, asked: listing.Listing, criterion: Criterion) -> Errand:
    request = {**asked.request, "criteria": without_flags(criterion), "maxScan": MOST_SCANNED}
    return Errand(search, ours(lambda: SearchInput.model_validate(place.given(request))), asked.response)


def without_flags(criterion: Criterion) -> Criterion:
    """The same where no message has a flag: POP3 knows none."""
    match criterion:
        case Flagged():
            return NONE
        case And(parts):
            return And(tuple(map(without_flags, parts)))
        case Or(parts):
            return Or(tuple(map(without_flags, parts)))
        case Not(part):
            return Not(without_flags(part))
    return criterion


def _download(place: Maildrop, data: Mapping[str, Any]) -> Errand:
    needed(data, "messageId", "downloadFolderPath")
    folder, named = mailbox.folder(data), mailbox.named(data)
    given = ours(lambda: DownloadInput.model_validate(place.given(named)))

    async def run(given: DownloadInput, pop3: Pop3Session, attempt: Attempt, desk: Desk) -> Saved:
        """Save each of the messages."""
        done = None
        for one in await _all_named(pop3, given.request):
            raw = await pop3.message(one, limit=LARGEST)
            if raw is not None:
                done = await mailbox.save(desk, folder, read_envelope(raw).subject, raw)
        if done is None:
            raise mailbox.not_found()
        return done

    return Errand(replace(download, run=run), given, mailbox.saved)


async def _all_named(pop3: Pop3Session, named: MaildropReference) -> list[Listed]:
    """The message with this UIDL, or all with this Message-ID."""
    listing = await pop3.listing()
    if named.uidl is not None:
        return [one for one in listing if one.uidl == named.uidl]
    return [one async for one, header in pop3.summaries(listing) if message_id(header) == named.message_id]


def _delete(place: Maildrop, data: Mapping[str, Any]) -> Errand:
    request = _all(mailbox.named(data))
    return Errand(delete, ours(lambda: DeleteInput.model_validate(place.given(request))), _deleted)


def _deleted(output: OperationOutput) -> dict[str, Any]:
    deleted = cast("DeleteOutput", output)
    if not deleted.done + deleted.already:
        raise mailbox.not_found()
    return {"response": mailbox.DELETED}


def _all(named: Mapping[str, Any]) -> dict[str, Any]:
    """All messages that are named so."""
    criterion = ids.criterion(named)
    return dict(named) if criterion is None else {"criteria": criterion, "limit": 10_000, "maxScan": MOST_SCANNED}


OPERATIONS: Mapping[str, Callable[[Maildrop, Mapping[str, Any]], Errand]] = {
    "pop3.list-emails": _list,
    "pop3.search-emails": _search,
    "pop3.download-email": _download,
    "pop3.delete-email": _delete,
}
