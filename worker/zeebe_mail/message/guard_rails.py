"""What the worker's operator lets processes send, to whom and as whom: the last word before a mail is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from zeebe_mail.errors import (
    MessageTooLarge,
    NoRecipientLeft,
    RecipientNotAllowed,
    SenderNotAllowed,
    TooManyRecipients,
)
from zeebe_mail.message.address import AddressError, Mailbox, envelope, mailbox, mailboxes
from zeebe_mail.message.address_patterns import NO_ADDRESSES, AddressPatterns, folded
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.suppression_list import SuppressionList

ORIGINAL = "X-Original-"
"""Begins the headers that name the recipients of a mail before it was redirected: ``X-Original-To`` and so on."""

SENDER_HEADERS = frozenset({"sender", "resent-from", "resent-sender"})
"""Headers in which a mail says whom it is from, beside From."""

REPORT_HEADERS = frozenset(
    {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to", "errors-to", "return-path"}
    | {"resent-to", "resent-cc"}
)
"""Headers at whose addresses other programs may send something: reports, or the mail once more."""

_ROUTING = frozenset("%!@")
_NOBODYS = Mailbox("", "")  # stands for what cannot be read: no list has it
_WHERE = {"from": "From", "sender": "Sender"}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A mail that may be sent, and those of its recipients who must not get it."""

    draft: Draft
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardRails:
    """What is allowed. Without any setting that is everything."""

    allowed_recipients: AddressPatterns = NO_ADDRESSES
    """The only ones; empty: all."""
    denied_recipients: AddressPatterns = NO_ADDRESSES
    """Go before the allowed ones."""
    suppressed: SuppressionList | None = None
    """More of these, in a file that changes."""
    max_recipients: int | None = None
    max_message_bytes: int | None = None
    allowed_senders: Mapping[str, AddressPatterns] = field(default_factory=dict)
    """By pattern for user names; a user has the addresses of all patterns that match him. Empty: all have all."""
    redirect_to: tuple[Mailbox, ...] = ()
    """Who gets every mail instead of its recipients; they need not be allowed."""

    def admit(self, draft: Draft, *, user: str, required: Literal["all", "any"]) -> Admitted:
        """The mail as it may be sent by a user; an empty one is nobody in particular.

        The recipients are judged as the process gave them, and redirected afterwards: so a test stage refuses what
        production refuses. Who gets reports about the mail (bounces, receipts) is judged like its recipients, unless
        the mail is from him. Reply-To is not: what comes there a person has written, as at From.

        Raises:
            SenderNotAllowed: the user must not send as one of its senders.
            RecipientNotAllowed: a recipient must not get it, and all are required; or somebody must get no report.
            NoRecipientLeft: none may get it.
            SuppressionListUnreadable: it cannot be told who must not get it.
            TooManyRecipients: more than allowed may get it.
        """
        self._check_senders(draft, user)
        denied = self._denied()
        self._check_reports(draft, user, denied)
        admitted = self._without_forbidden(draft, required, denied)
        recipients = len(_recipients(admitted.draft))
        if self.max_recipients is not None and recipients > self.max_recipients:
            raise TooManyRecipients(
                f"The mail has {recipients} recipients; this worker sends to at most {self.max_recipients} at once.",
                details={"recipients": recipients, "limit": self.max_recipients},
            )
        return replace(admitted, draft=self._redirected(admitted.draft, user)) if self.redirect_to else admitted

    def check_size(self, size_bytes: int) -> None:
        """Pass when a finished message is not too large.

        Raises:
            MessageTooLarge: it is.
        """
        limit = self.max_message_bytes
        if limit is not None and size_bytes > limit:
            raise MessageTooLarge(
                f"The mail has {size_bytes} bytes; this worker sends at most {limit}.",
                next_step="Send less, or a link; or let the operator raise ZEEBE_MAIL_MAX_MESSAGE_BYTES.",
                details={"sizeBytes": size_bytes, "limitBytes": limit},
            )

    def _check_senders(self, draft: Draft, user: str) -> None:
        if not self.allowed_senders:
            return
        mine = [
            patterns
            for pattern, patterns in self.allowed_senders.items()
            if fnmatchcase(user.casefold(), pattern.casefold())
        ]
        for name, one in _senders(draft):
            if not any(patterns.match(one) for patterns in mine):
                where = _WHERE.get(name, f"`request.{name}`")
                raise SenderNotAllowed(
                    f"This account must not send with the domain {one.domain or '(none)'} in {where}.",
                    details={"field": name, "address": one.address},
                )

    def _denied(self) -> list[AddressPatterns]:
        return [self.denied_recipients, *([self.suppressed.current()] if self.suppressed else [])]

    def _check_reports(self, draft: Draft, user: str, denied: list[AddressPatterns]) -> None:
        own = {one.address for one in (*draft.authors, draft.sender) if one} | {_address(user)}
        for name, one in _reported_to(draft):
            if one.address not in own and not self._may_get_mail(one, denied):
                raise RecipientNotAllowed(
                    f"Reports about the mail must not go to {one.address}, as `request.{name}` says.",
                    next_step="Leave the field out, or name somebody who may get mail from this worker.",
                    details={"field": name, "address": one.address},
                )

    def _without_forbidden(
        self, draft: Draft, required: Literal["all", "any"], denied: list[AddressPatterns]
    ) -> Admitted:
        everybody = (*draft.to, *draft.cc, *draft.bcc)
        forbidden = {one.address for one in everybody if not self._may_get_mail(one, denied)}
        if not forbidden:
            return Admitted(draft)
        named = tuple(address for address in _recipients(draft) if address in forbidden)
        details = {"rejected": [{"address": address} for address in named]}
        which = named[0] if len(named) == 1 else f"{len(named)} recipients, among them {named[0]}"
        if required == "all":
            raise RecipientNotAllowed(f"This worker must not send mail to {which}.", details=details)
        rest = {
            name: tuple(one for one in group if one.address not in forbidden)
            for name, group in (("to", draft.to), ("cc", draft.cc), ("bcc", draft.bcc))
        }
        if not any(rest.values()):
            raise NoRecipientLeft(f"This worker must not send mail to {which}, and there is no other.", details=details)
        return Admitted(replace(draft, to=rest["to"], cc=rest["cc"], bcc=rest["bcc"]), named)

    def _may_get_mail(self, one: Mailbox, denied: list[AddressPatterns]) -> bool:
        if self._is_target(one) or not (self.allowed_recipients or self.denied_recipients or self.suppressed):
            return True
        # A mail server may read a bare name, and what stands before a routing character, as another address.
        if not one.domain or _ROUTING.intersection(folded(one.local)):
            return False
        if any(patterns.match(one) for patterns in denied):
            return False
        if self.allowed_recipients:
            return self.allowed_recipients.match(one)
        return not one.domain.startswith("[")  # the server at an IP address may be that of any domain

    def _is_target(self, one: Mailbox) -> bool:
        return one.address in {target.address for target in self.redirect_to}

    def _redirected(self, draft: Draft, user: str) -> Draft:
        """The same for the testers, who are the only ones to hear of it: nobody gets a receipt."""
        if not _recipients(draft):
            return draft
        originals = {
            f"{ORIGINAL}{name}": ", ".join(envelope(group))
            for name, group in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc))
            if not all(map(self._is_target, group))
        }
        others = tuple(
            (name, value)
            for name, value in draft.headers
            if not (name.title().startswith(ORIGINAL) or name.lower() in REPORT_HEADERS)
        )
        return replace(
            draft,
            to=self.redirect_to,
            cc=(),
            bcc=(),
            envelope_sender=self._return_path(draft.envelope_sender, user),
            marks=replace(draft.marks, receipt_to=None),
            headers=(*others, *originals.items()),
        )

    def _return_path(self, wanted: str | None, user: str) -> str:
        """Who gets the bounces of a redirected mail: nobody or a tester, where that was asked for, or the account."""
        testers = envelope(self.redirect_to)
        return wanted if wanted in ("", *testers) else _address(user) or testers[0]


def _recipients(draft: Draft) -> tuple[str, ...]:
    return envelope(draft.to, draft.cc, draft.bcc)


def _address(user: str) -> str | None:
    """The address of an account, where its user name is one."""
    try:
        return mailbox(user).address
    except AddressError:
        return None


def _senders(draft: Draft) -> Iterator[tuple[str, Mailbox]]:
    """All whom a mail says it is from, with the field that says it. Nobody (``<>``) may always get the bounces."""
    yield from (("from", one) for one in draft.authors)
    if draft.sender:
        yield "sender", draft.sender
    yield from (("envelopeFrom", one) for one in mailboxes(draft.envelope_sender))
    yield from _in_headers(draft, SENDER_HEADERS)
    if draft.calendar:
        yield "invitation.organizer", draft.calendar.organizer


def _reported_to(draft: Draft) -> Iterator[tuple[str, Mailbox]]:
    """All who may hear of a mail without being its recipients, with the field that names them."""
    yield from (("envelopeFrom", one) for one in mailboxes(draft.envelope_sender))
    if draft.marks.receipt_to:
        yield "readReceipt", draft.marks.receipt_to
    yield from _in_headers(draft, REPORT_HEADERS)


def _in_headers(draft: Draft, names: frozenset[str]) -> Iterator[tuple[str, Mailbox]]:
    for name, value in draft.headers:
        if name.lower() in names:
            yield from ((f"headers.{name}", one) for one in _addresses(value))


def _addresses(value: str) -> tuple[Mailbox, ...]:
    try:
        return mailboxes(value.strip().removeprefix("<>"))
    except AddressError:
        return (_NOBODYS,)
