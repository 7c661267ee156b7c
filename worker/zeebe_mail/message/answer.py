"""What an answer or a forwarded mail takes from the mail it is about: recipients, subject, thread.

RFC 5322, 3.6.2 to 3.6.5, and what mail programs have agreed on around mailing lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zeebe_mail.message.address import AddressError, Mailbox, mailbox
from zeebe_mail.message.envelope import addresses_of
from zeebe_mail.message.header_fields import message_start, read_header
from zeebe_mail.message.parsed import Correspondent, ParsedMessage

_COUNT = r"\s*(?:\[\d{1,4}\]|\(\d{1,4}\)|\^\d{1,4})?\s*[:：]\s*"
_RE = re.compile(
    rf"(?:(?:re|aw|antw|sv|vs|odp|res|r|rif|ynt|vá|válasz|na|atb|απ|σχετ|回复|回覆|答复|答覆|返信|회신){_COUNT})+",
    re.IGNORECASE,
)
"""What mail programs put before the subject of an answer, in the language of their user."""
_FWD = re.compile(
    rf"(?:(?:fwd?|wg|tr|vb|vl|rv|enc|i|pd|ilt|i̇lt|doorst|továbbítás|πρθ|转发|轉寄|轉發|転送|전달){_COUNT})+",
    re.IGNORECASE,
)
"""What they put before that of a forwarded mail."""
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
_LIST_POST = re.compile(r"<\s*mailto:([^<>?\s]{3,320})")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to")
_SUBJECT_LIMIT = 900  # characters


def reply_subject(subject: str | None) -> str:
    """``Re:`` once, whatever stood before the subject."""
    return _with_prefix("Re:", _RE, subject)


def forward_subject(subject: str | None) -> str:
    """``Fwd:`` once, whatever stood before the subject."""
    return _with_prefix("Fwd:", _FWD, subject)


def _with_prefix(prefix: str, known: re.Pattern[str], subject: str | None) -> str:
    bare = " ".join(_UNWRITABLE.sub(" ", subject or "").split())
    if already := known.match(bare):
        bare = bare[already.end() :]
    return f"{prefix} {bare[:_SUBJECT_LIMIT]}".strip()


class Ours:
    """Addresses that are ourselves. Case does not count, and what follows a ``+`` before the ``@`` neither."""

    def __init__(self, mailboxes: Iterable[Mailbox]) -> None:
        self._by_account = {_account(one): one for one in reversed(tuple(mailboxes))}

    def __contains__(self, one: Mailbox) -> bool:
        return _account(one) in self._by_account

    def and_also(self, mailboxes: Iterable[Mailbox]) -> Ours:
        """These and more."""
        return Ours((*self._by_account.values(), *mailboxes))

    def like(self, one: Mailbox) -> Mailbox | None:
        """Ours that is the same, as we write it ourselves."""
        return self._by_account.get(_account(one))


def _account(one: Mailbox) -> tuple[str, str]:
    local = one.local.lower()
    return local.partition("+")[0] or local, one.domain


class Answered:
    """A mail that is to be answered, as its header sees it."""

    def __init__(self, message: ParsedMessage) -> None:
        raw = message.raw
        self.message = message
        # Read again from the bytes: a list of addresses that was decoded cannot be taken apart any more.
        self._header = read_header(raw, message_start(raw, 0, len(raw)), len(raw))

    def written_to(self, ours: Ours) -> Mailbox | None:
        """The address of ours that the mail was sent to."""
        receivers = (*usable(self.message.to), *usable(self.message.cc), *self._arrived())
        return next((found for one in receivers if (found := ours.like(one))), None)

    def recipients(self, ours: Ours, *, everybody: bool) -> tuple[tuple[Mailbox, ...], tuple[Mailbox, ...]]:
        """To and Cc of the answer, each address once and none of ours; empty where nobody can be answered.

        The author is answered where the mail says (Reply-To), else where it is from. A mailing list that puts itself
        there is passed over: it would get what is meant for the author. With ``everybody`` the other receivers are
        answered too, or those whom the mail names for that (Mail-Followup-To). A mail of our own goes to its
        receivers again, and one to ourselves to us.
        """
        others = ours.and_also(self._arrived()[:1])
        author, to, cc = self._author(), usable(self.message.to), usable(self.message.cc)
        if everybody and (named := self._addresses("mail-followup-to")):
            to, cc = named, ()
        elif not everybody:
            to, cc = author if any(one not in others for one in author) else to, ()
        else:
            to = (*author, *to)
        wanted = distinct(one for one in to if one not in others)
        copies = distinct((one for one in cc if one not in others), but=wanted)
        return wanted or (() if copies else distinct(author)), copies

    def _author(self) -> tuple[Mailbox, ...]:
        sender, reply_to = usable(self.message.from_), usable(self.message.reply_to)
        lists = {
            found.lower()
            for value in self._header.all("list-post")
            for found in _LIST_POST.findall(value.decode("utf-8", "replace"))
        }
        if sender and reply_to and all(one.address.lower() in lists for one in reply_to):
            return sender
        return reply_to or sender

    def _arrived(self) -> tuple[Mailbox, ...]:
        return tuple(one for name in _DELIVERED for one in self._addresses(name))

    def _addresses(self, name: str) -> tuple[Mailbox, ...]:
        return usable(addresses_of(self._header.all(name)))


def usable(correspondents: Iterable[Correspondent]) -> tuple[Mailbox, ...]:
    """Those that a mail can be sent to, in the strict form in which we write them."""
    return tuple(found for one in correspondents if (found := _usable(one)) is not None)


def _usable(one: Correspondent) -> Mailbox | None:
    try:
        bare = mailbox(one.address)
    except AddressError:
        return None
    name = " ".join(_UNWRITABLE.sub(" ", one.name or "").split())
    return Mailbox(bare.local, bare.domain, name[:200])


def distinct(mailboxes: Iterable[Mailbox], *, but: Iterable[Mailbox] = ()) -> tuple[Mailbox, ...]:
    """The first of each address, without those that stand elsewhere."""
    found: dict[tuple[str, str], Mailbox] = {}
    for one in mailboxes:
        found.setdefault(_key(one), one)
    for one in but:
        found.pop(_key(one), None)
    return tuple(found.values())


def _key(one: Mailbox) -> tuple[str, str]:
    return one.local.lower(), one.domain
