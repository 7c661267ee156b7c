"""Which messages of an IMAP mailbox an operation is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from zeebe_mail.errors import InputError, MessageAmbiguous, MessageNotFound, UidValidityChanged, WorkerError
from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.mail.imap import ImapSession, Selected
from zeebe_mail.message.criteria import Criteria
from zeebe_mail.message.message_id import bare_or_none, message_id_in
from zeebe_mail.message.references import BY_ID_OR_UID, MessageReference, ReferenceFields
from zeebe_mail.operations.base import Request
from zeebe_mail.operations.fields import IF_MISSING, MAY_BE_MISSING, IfMissing, MailboxName, UidRanges
from zeebe_mail.operations.matching import found
from zeebe_mail.operations.message_result import ImapMessageContent, ImapMessageSummary

_REFERENCE = frozenset({"messageId", "uid", "uidValidity", "mailbox"})
_KNOWN = frozenset(
    str(field.alias) for kind in (ImapMessageSummary, ImapMessageContent) for field in kind.model_fields.values()
) | {
    "found",
    "source",
    "status",
    "error",
    "sourceUid",
    "appended",
    "exists",
    "count",
    "saved",
    "replaced",
    "invitation",
}
"""The members of a message as tasks give it: listed, read, moved, put into a mailbox."""


# ── what is asked for ────────────────────────────────────────────────────────────────────────────────────────────


def named_by(value: Any) -> Any:
    """What names a message: a bare text is a Message-ID, a bare number a UID. What else tasks tell is left out."""
    if isinstance(value, str):
        return {"messageId": value}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"uid": value}
    if isinstance(value, Mapping):
        named = {name: item for name, item in value.items() if name in _REFERENCE or name not in _KNOWN}
        if named.get("uid") is not None and bare_or_none(named.get("messageId")) is None:
            named.pop("messageId", None)  # a sender may write anything there, and the UID is enough
        return named
    return value


def _reference(value: Any) -> Any:
    """The same for one of many, which are looked for together."""
    named = named_by(value)
    if isinstance(named, dict) and named.get("uid") is None:
        named.pop("mailbox", None)  # where it is not any more, or never was
    return named


def _one_or_many(value: Any) -> Any:
    return list(value) if isinstance(value, list | tuple) else [value]


class SeenMessage(MessageReference):
    """A message, with the mailbox that its UID belongs to where that is known."""

    mailbox: Annotated[MailboxName | None, Prompt("Mailbox", group="message")] = None
    """The mailbox (IMAP folder) it was seen in."""


Reference = Annotated[SeenMessage, BeforeValidator(_reference)]


class OneMessage(MessageReference, Request):
    """One message of a mailbox."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder) the message is in."""


class SomeMessages(ReferenceFields, Request):
    """Messages of a mailbox: one, a list, a range of UIDs, or those that match criteria."""

    questions: ClassVar = {
        "which": Question(
            "Which messages",
            "message",
            {
                "messages": Answer("Those that an earlier task found", needs=("messages",)),
                "criteria": Answer("All that match", needs=("criteria",), takes=("limit",)),
                **BY_ID_OR_UID,
                "uids": Answer("Those with UIDs in a range", needs=("uids",), takes=("uidValidity", "limit")),
            },
        )
    }

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="mailbox", hint="INBOX")] = "INBOX"
    """The mailbox (IMAP folder) the messages are in."""
    messages: Annotated[
        tuple[Reference, ...] | None,
        Field(max_length=10_000),
        BeforeValidator(_one_or_many),
        Prompt("Messages", group="message", hint="found.messages", feel="required"),
    ] = None
    """Message-IDs, UIDs, or messages as other tasks give them. An empty list is none."""
    uids: Annotated[UidRanges | None, Prompt("UIDs", group="message", hint="1,2,4:6 or 7:*")] = None
    """UIDs and ranges of them; those that do not exist are not looked for."""
    criteria: Annotated[
        Criteria, Prompt("Criteria", group="message", hint='{from: "jane@example.org", seen: false}', feel="required")
    ] = None
    """All that match."""
    limit: Annotated[int, Field(ge=1, le=10_000), Prompt("At most", group="message")] = 1000
    """How many messages of `uids` or `criteria` are taken, the oldest first."""
    if_missing: Annotated[
        IfMissing,
        Prompt("If there is no such message", group="error", feel="static", choices=IF_MISSING),
    ] = "result"
    """error: nothing is done when one of the messages that are named is not there. result: the result tells."""

    @model_validator(mode="before")
    @classmethod
    def _are_where_they_were_seen(cls, given: Any) -> Any:
        """Without `mailbox`, messages out of a list are looked for where that list found them."""
        if not isinstance(given, Mapping) or given.get("mailbox") or not given.get("messages"):
            return given
        seen = [_reference(one) for one in _one_or_many(given["messages"])]
        places = {str(one["mailbox"]) for one in seen if isinstance(one, Mapping) and one.get("mailbox")}
        return {**given, "mailbox": places.pop()} if len(places) == 1 else given

    @model_validator(mode="after")
    def _names_messages_in_one_way(self) -> SomeMessages:
        ways = {
            "`messageId` or `uid`": self.message_id or self.uid,
            "`messages`": self.messages is not None,
            "`uids`": self.uids,
            "`criteria`": self.criteria is not None,
        }
        given = [way for way, value in ways.items() if value]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none of them is"
            raise ValueError(f"exactly one of {', '.join(ways)} must be given, {found}")
        return self

    @property
    def references(self) -> tuple[MessageReference, ...] | None:
        """The messages that are named one by one, if they are."""
        if self.message_id is not None or self.uid is not None:
            named = self.message_id and f"<{self.message_id}>"
            return (MessageReference(message_id=named, uid=self.uid, uid_validity=self.uid_validity),)
        return self.messages


# ── what is there ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Chosen:
    """A message that is meant. Without ``uid`` it is not there, or ``trouble`` says why nobody can tell which it is."""

    uid: int | None
    message_id: str | None
    """With its angle brackets."""
    asked: MessageReference | None = None
    """How it was named."""
    trouble: WorkerError | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The messages an operation is about, in the order they were named or, if they were not, by UID."""

    messages: tuple[Chosen, ...]
    total: int
    """How many there were to choose from: more than there are ``messages`` where the limit was reached."""

    @property
    def uids(self) -> list[int]:
        """Of those that are there."""
        return [one.uid for one in self.messages if one.uid is not None]


def check_validity(selected: Selected, references: Iterable[ReferenceFields]) -> None:
    """Make sure that UIDs still mean what they meant.

    Raises:
        UidValidityChanged: a reference comes from an earlier life of the mailbox.
    """
    for reference in references:
        if reference.uid_validity not in (None, selected.uid_validity):
            raise UidValidityChanged(
                f'UIDVALIDITY of mailbox "{selected.path}" is {selected.uid_validity} now, and not '
                f"{reference.uid_validity} as the task says: its UIDs stand for other messages. Nothing was done.",
                details={
                    "mailbox": selected.path,
                    "uidValidity": selected.uid_validity,
                    "asked": reference.uid_validity,
                },
            )


def _check_mailbox(selected: Selected, asked: SomeMessages) -> None:
    for one in asked.messages or ():
        if one.mailbox not in (None, selected.path, asked.mailbox):
            raise InputError(
                f'UID {one.uid} is that of a message in mailbox "{one.mailbox}", and the task is about mailbox '
                f'"{selected.path}". Nothing was done.',
                next_step="Set `mailbox` to where the messages are; one task is about the messages of one mailbox.",
                details={"mailbox": selected.path, "asked": one.mailbox, "uid": one.uid},
            )


async def the_message(imap: ImapSession, selected: Selected, reference: MessageReference) -> Chosen:
    """The one message that is meant; without UID when it is not there.

    Where both are given, the UID says which message it is, and a Message-ID that differs says that it is not there.

    Raises:
        UidValidityChanged: the UID means nothing any more.
        MessageAmbiguous: several have the Message-ID; the candidates are in the details.
    """
    (chosen,) = (await choose_named(imap, selected, (reference,))).messages
    if chosen.trouble:
        raise chosen.trouble
    return chosen


async def choose(imap: ImapSession, selected: Selected, asked: SomeMessages) -> Choice:
    """The messages that are meant, found before anything is done to any.

    Raises:
        InputError: one was seen in another mailbox.
        UidValidityChanged: UIDs mean nothing any more.
        MessageAmbiguous: the only message is named by a Message-ID that several have.
        MessageNotFound: one that is named is not there, and that is to be an error.
    """
    _check_mailbox(selected, asked)
    check_validity(selected, (asked,))
    references = asked.references
    if references is None:
        return await _choose_unnamed(imap, asked)
    choice = await choose_named(imap, selected, references)
    if len(references) == 1 and (trouble := choice.messages[0].trouble):
        raise trouble
    missing = [one for one in choice.messages if one.uid is None and not one.trouble]
    if missing and asked.if_missing == "error":
        raise not_found(selected, missing)
    return choice


async def _choose_unnamed(imap: ImapSession, asked: SomeMessages) -> Choice:
    if asked.criteria is not None:
        uids = await found(imap, asked.criteria)
    else:
        uids = await imap.search.in_range(asked.uids or "")
    taken = uids[: asked.limit]
    known = await message_ids(imap, taken)
    return Choice(tuple(Chosen(uid, known[uid]) for uid in taken if uid in known), len(uids))


async def choose_named(imap: ImapSession, selected: Selected, references: Collection[MessageReference]) -> Choice:
    """Each of the messages that are named; who is named twice counts once."""
    check_validity(selected, references)
    known = await message_ids(imap, sorted({one.uid for one in references if one.uid is not None}))
    chosen: dict[int | str, Chosen] = {}
    for reference in references:
        one = await _choose(imap, selected, reference, known)
        chosen.setdefault(one.uid or f"{reference.uid} {reference.message_id}", one)
    return Choice(tuple(chosen.values()), len(chosen))


async def _choose(
    imap: ImapSession, selected: Selected, reference: MessageReference, known: Mapping[int, str | None]
) -> Chosen:
    named = reference.message_id and f"<{reference.message_id}>"
    if reference.uid is not None:
        is_it = reference.uid in known and reference.message_id in (None, bare_or_none(known[reference.uid]))
        return Chosen(reference.uid, known[reference.uid], reference) if is_it else Chosen(None, named, reference)
    assert reference.message_id is not None
    uids = await imap.search.by_message_id(reference.message_id)
    if len(uids) > 1 and not reference.first_of_several:
        return Chosen(None, named, reference, _ambiguous(selected, reference.message_id, uids))
    return Chosen(uids[0] if uids else None, named, reference)


def _ambiguous(selected: Selected, message_id: str, uids: list[int]) -> MessageAmbiguous:
    candidates = [{"uid": uid, "uidValidity": selected.uid_validity, "mailbox": selected.path} for uid in uids[:100]]
    return MessageAmbiguous(
        f'{len(uids)} messages in mailbox "{selected.path}" have the Message-ID <{message_id}>. Nothing was done.',
        details={"mailbox": selected.path, "messageId": f"<{message_id}>", "candidates": candidates},
    )


async def message_ids(imap: ImapSession, uids: list[int]) -> dict[int, str | None]:
    """The Message-IDs of those that are there, with their angle brackets."""
    if not uids:
        return {}
    return {one.uid: message_id_in(one.header) for one in await imap.fetch.summaries(uids, attachments=False)}


async def uids_with(imap: ImapSession, message_id: str | None) -> list[int]:
    """UIDs of the messages with this Message-ID, as a header has it; of none with none that can be looked for."""
    bare = bare_or_none(message_id)
    return await imap.search.by_message_id(bare) if bare else []


def not_found(
    selected: Selected, missing: Iterable[Chosen], *, part: str | None = None, needed: bool = False
) -> MessageNotFound:
    """The error for messages that are not there, or for a part of one that is. ``needed``: the task has no
    ``ifMissing``."""
    names = [_name(one) for one in missing]
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    what = f"part {part} in the message" if part else "message"
    return MessageNotFound(
        f'There is no {what} {shown} in mailbox "{selected.path}".',
        next_step=None if needed else MAY_BE_MISSING,
        details={"mailbox": selected.path, "uidValidity": selected.uid_validity, "missing": names[:100]},
    )


def _name(one: Chosen) -> str:
    if one.asked is None or one.asked.uid is None:
        return f"{one.message_id}"
    named = f" with the Message-ID <{one.asked.message_id}>" if one.asked.message_id else ""
    return f"UID {one.asked.uid}{named}"
