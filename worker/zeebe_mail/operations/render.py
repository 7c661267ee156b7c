"""Show a mail as sending it would make it, and send nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from zeebe_mail.auth.models import Auth, NoAuth, PasswordAuth
from zeebe_mail.documents.store import NoStore, Reference
from zeebe_mail.errors import DocumentStoreMissing
from zeebe_mail.form import Prompt
from zeebe_mail.message import encoded_words
from zeebe_mail.message.address import Mailbox
from zeebe_mail.message.compose import CALENDAR_FILE, Draft
from zeebe_mail.message.header_fields import read_header
from zeebe_mail.operations.base import Attempt, Desk, OperationInput, OperationOutput, operation
from zeebe_mail.operations.composing.letter import LetterRequest, letter
from zeebe_mail.operations.composing.sources import StoredSource
from zeebe_mail.operations.message_result import SOURCE_TYPE, HeaderField, NamedAddress
from zeebe_mail.operations.smtp.send import Handover

FILE_NAME = "mail.eml"


class RenderRequest(Handover, LetterRequest):
    """The mail as it would be sent."""

    username: Annotated[str | None, Prompt("User name", group="message", hint="Of the account that would send it")] = (
        None
    )
    """The user of the account that would send it: the author where `from` is not given, and whom the operator's rules
    for senders know."""
    deliver: Annotated[
        Literal["base64", "document", "none"],
        Prompt(
            "Hand over the message",
            group="reading",
            feel="static",
            choices={
                "base64": "In the result, up to 700 kB",
                "document": "In the document store, as .eml",
                "none": "Not at all",
            },
        ),
    ] = "base64"
    """What becomes of the message as a file (.eml). base64: in the result. document: kept in the document store."""

    @model_validator(mode="after")
    def _needs_no_server(self) -> RenderRequest:
        if stored := list(self._in_a_mailbox()):
            raise ValueError(
                f"has {' and '.join(stored)} in a mailbox, which is not opened to show a mail; give the file itself "
                "(`content`, or a `document`) or leave it out"
            )
        return self

    def _in_a_mailbox(self) -> Iterator[str]:
        sources = {"textFrom": self.text_from, "htmlFrom": self.html_from}
        sources |= {f"attachments[{at}]": source for at, source in enumerate(self.attachments)}
        return (f"`{name}`" for name, source in sources.items() if isinstance(source, StoredSource))


class RenderInput(OperationInput):
    """What to show."""

    secret_fields: ClassVar[tuple[str, ...]] = ()

    request: Annotated[RenderRequest, Prompt("Mail", group="message")]
    """The mail."""


class RenderedFile(OperationOutput):
    """A file that the mail carries."""

    name: str
    content_type: str
    size_bytes: int
    inline: bool
    """Whether the HTML shows it."""


class RenderOutput(OperationOutput):
    """A mail that was not sent."""

    message_id: str
    """Another one than that of the mail that is sent."""
    from_: Annotated[list[NamedAddress], Field(alias="from")]
    to: list[NamedAddress]
    cc: list[NamedAddress]
    bcc: list[NamedAddress]
    reply_to: list[NamedAddress]
    subject: str | None
    text: str | None
    html: str | None
    attachments: list[RenderedFile]
    """Those of the task and of its mail template, and an invitation's."""
    headers: list[HeaderField]
    """As they stand in the message, decoded."""
    size_bytes: int
    content: str | None
    """The message in base64, where that was asked for."""
    document: Reference | None
    """The message in the document store, where that was asked for."""


@operation(title="Show a mail without sending it", keywords=("preview", "template", "dry run", "eml"))
async def render(given: RenderInput, attempt: Attempt, desk: Desk) -> RenderOutput:
    """Make a mail, from its mail template where it has one, and give all of it to the process. No server is used.

    But for Message-ID, Date and the boundaries between parts, the message is byte for byte the one that is sent.
    """
    asked = given.request
    if asked.deliver == "document" and isinstance(desk.documents, NoStore):
        raise DocumentStoreMissing("A document is asked for, and this worker knows no document store.")
    account: Auth = NoAuth()
    if asked.username:  # which is all that is known of the account: nobody logs in
        account = PasswordAuth.model_construct(username=asked.username, password=SecretStr(""))
    else:  # there is no account whose senders could be judged
        desk = replace(desk, rails=replace(desk.rails, allowed_senders={}))
    async with letter(asked, account, desk, token=attempt.token, required=asked.required_recipients) as message:
        data, draft = bytes(message.data), message.draft
        return RenderOutput(
            message_id=message.message_id,
            from_=_named(draft.authors),
            to=_named(draft.to),
            cc=_named(draft.cc),
            bcc=_named(draft.bcc),
            reply_to=_named(draft.reply_to),
            subject=draft.subject,
            text=draft.text,
            html=draft.html,
            attachments=list(_files(draft)),
            headers=_headers(data),
            size_bytes=len(data),
            content=b64encode(data).decode("ascii") if asked.deliver == "base64" else None,
            document=await desk.documents.create(data, name=FILE_NAME, content_type=SOURCE_TYPE)
            if asked.deliver == "document"
            else None,
        )


def _named(mailboxes: Iterable[Mailbox]) -> list[NamedAddress]:
    return [NamedAddress(name=one.name or None, address=one.address) for one in mailboxes]


def _files(draft: Draft) -> Iterator[RenderedFile]:
    for one in draft.attachments:
        yield RenderedFile(name=one.name, content_type=one.content_type, size_bytes=len(one.data), inline=one.inline)
    if calendar := draft.calendar:
        yield RenderedFile(name=calendar.name, content_type=CALENDAR_FILE, size_bytes=len(calendar.data), inline=False)


def _headers(data: bytes) -> list[HeaderField]:
    fields = read_header(data, 0, len(data)).fields
    return [HeaderField(key=one.name, value=encoded_words.header_text(one.value)) for one in fields]
