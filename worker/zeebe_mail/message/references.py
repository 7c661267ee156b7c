"""Which message is meant."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from zeebe_mail.form import Answer, Part, Prompt, Question
from zeebe_mail.message.message_id import bare_message_id

MAX_NUMBER = 2**32 - 1
"""UIDs and UIDVALIDITY values are 32-bit numbers above zero (RFC 9051, 9)."""

Uid = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
UidValidity = Annotated[int, Field(ge=1, le=MAX_NUMBER)]


BY_ID_OR_UID = {
    "messageId": Answer("The one with this Message-ID", needs=("messageId",)),
    "uid": Answer("The one with this UID", needs=("uid",), takes=("uidValidity",)),
}
"""How the Modeler asks for one message."""

MessageId = Annotated[str, AfterValidator(bare_message_id)]


class ReferenceFields(Part):
    """What a message can be named by."""

    first_of_several: ClassVar[bool] = False
    """Whether of several messages with the Message-ID the first is meant; else it is not clear which."""

    message_id: Annotated[MessageId | None, Prompt("Message-ID", group="message", hint="<a1b2@example.org>")] = None
    """The exact Message-ID. Senders choose it, so two messages may share one; then nothing is done."""
    uid: Annotated[Uid | None, Prompt("UID", group="message")] = None
    """The number the mailbox gave the message."""
    uid_validity: Annotated[UidValidity | None, Prompt("UIDVALIDITY", group="message")] = None
    """The mailbox's UIDVALIDITY when the UID was learnt; when it has changed, nothing is done."""


class MessageReference(ReferenceFields):
    """One message: its Message-ID, or its UID together with the UIDVALIDITY of the mailbox."""

    questions: ClassVar = {"which": Question("Which message", "message", BY_ID_OR_UID)}

    @model_validator(mode="after")
    def _names_a_message(self) -> MessageReference:
        if self.message_id is None and self.uid is None:
            raise ValueError("`messageId`, or `uid` with `uidValidity`, must be given")
        return self
