"""The forms in which a task says where bytes come from: an attachment's, or a text's."""

from __future__ import annotations

import binascii
import codecs
import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from zeebe_mail.documents.downloads import Url
from zeebe_mail.documents.files import local_path
from zeebe_mail.documents.opened import Opened, pieces
from zeebe_mail.documents.reference import TYPE, DocumentReference
from zeebe_mail.errors import AttachmentTooLarge, InputError, MessageTooLarge
from zeebe_mail.form import Part, Prompt
from zeebe_mail.mail.imap import ImapSession, Selected
from zeebe_mail.message.blind_copies import without_blind_copies
from zeebe_mail.message.charsets import codec, printable
from zeebe_mail.message.media_type import MAIL, MediaType, media_type
from zeebe_mail.message.references import MessageReference
from zeebe_mail.operations.after_sending import Lease
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.downloading import File
from zeebe_mail.operations.fields import BodyText, MailboxName, PartNumber
from zeebe_mail.operations.selection import Chosen, named_by, not_found, the_message
from zeebe_mail.operations.stored_file import stored_file

_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+./=?@^_`{|}~-]{1,200}")
_HEADER = re.compile(r"[!-9;-~]+[ \t]*:")  # the beginning of a header field (RFC 5322, 3.6.8 and 4.5)


def _media_type(value: Any) -> MediaType:
    if isinstance(value, MediaType):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    return media_type(value)


def _content_id(value: str) -> str:
    """The name of an inline part, as ``cid:`` in the HTML has it.

    Raises:
        ValueError: it is none.
    """
    bare = value.strip().removeprefix("cid:").removeprefix("<").removesuffix(">")
    if not _CONTENT_ID.fullmatch(bare):
        raise ValueError("must have 1 to 200 letters, digits and signs such as . - _ @, and no spaces")
    return bare


def _charset(value: str) -> str:
    if codec(value) is None:
        raise ValueError(f'"{printable(value[:40])}" is not known as a charset; utf-8 is the usual one')
    return value


def _content(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return b64decode(re.sub(r"\s+", "", value), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("is not base64; plain text goes into `text`") from None
    raise ValueError("must be text in base64")


def _url(value: str) -> str:
    Url.of(value)
    return value


def _reference(value: Any) -> DocumentReference:
    if not isinstance(value, Mapping):
        raise ValueError("must be a document reference")
    kind = value.get(TYPE)
    if kind != "camunda":
        raise ValueError(f"must be a document reference whose `{TYPE}` is camunda")
    return DocumentReference.of(value)


def _mail(value: str) -> str:
    if not _HEADER.match(value):
        raise ValueError("must begin with a header such as `From: jane@example.org`")
    return value


@dataclass(frozen=True, slots=True)
class Reach:
    """Where bytes can be had, and how many one source may have."""

    desk: Desk
    mailboxes: Lease | None
    limit: int


class Source(Part):
    """What holds for bytes from anywhere."""

    name: Annotated[str | None, Prompt("File name", group="message")] = None
    """The file's name; default: what the source says, else attachment-1.pdf and so on."""
    content_type: Annotated[
        Annotated[MediaType, BeforeValidator(_media_type), WithJsonSchema({"type": "string"})] | None,
        Prompt("Content type", group="message", hint="For example application/pdf"),
    ] = None
    """type/subtype; default: what the source says, else by the name's extension."""
    charset: Annotated[
        Annotated[str, AfterValidator(_charset)] | None, Prompt("Charset", group="message", hint="Of a text")
    ] = None
    """The charset of a text; default: what the source says."""
    content_id: Annotated[
        Annotated[str, AfterValidator(_content_id)] | None,
        Prompt("Content ID", group="message", hint="logo, for cid:logo"),
    ] = None
    """The name by which the HTML shows it: `<img src="cid:…">`."""
    inline: Annotated[bool, Prompt("Shown in the mail", group="message", feel="static")] = False
    """Whether it is shown in the mail rather than beside it; what the HTML shows is inline by itself."""

    @property
    def expected_size(self) -> int | None:
        """Bytes that there will be, where the task says so."""
        return None

    @property
    def label(self) -> str | None:
        """The name where the task gives one, or the source tells it without being opened."""
        return self.name

    async def measured(self, reach: Reach) -> int | None:
        """About how many bytes there will be; None where only an open source tells it.

        Raises:
            WorkerError: it cannot be had.
        """
        return self.expected_size

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        """Begin to read it.

        Raises:
            WorkerError: it cannot be had; also while it is read.
        """
        raise NotImplementedError


class ContentSource(Source):
    """Bytes in the task itself."""

    content: Annotated[
        bytes,
        BeforeValidator(_content),
        WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
        Prompt("Content in base64", group="message"),
    ]
    """The bytes, encoded in base64."""

    @property
    def expected_size(self) -> int:
        return len(self.content)

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        return nullcontext(Opened(pieces(self.content), len(self.content)))


class TextSource(Source):
    """Text in the task itself."""

    text: Annotated[BodyText, Prompt("Text", group="message")]
    """The file's text, which is written in `charset`, by default UTF-8."""

    @model_validator(mode="after")
    def _can_be_written(self) -> TextSource:
        try:
            self.encoded()
        except UnicodeEncodeError:
            raise ValueError(f"has characters in `text` that {self.charset} does not have; utf-8 has all") from None
        return self

    def encoded(self) -> bytes:
        """The text as bytes."""
        label = self.charset or "utf-8"
        try:
            return self.text.encode(codecs.lookup(label).name)
        except LookupError:
            return self.text.encode(codec(label) or "utf-8")

    @property
    def expected_size(self) -> int:
        return len(self.encoded())

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        content = self.encoded()
        kind = None if self.label else "text/plain"
        return nullcontext(Opened(pieces(content), len(content), content_type=kind))


class MailSource(Source):
    """A mail that the new one carries as an attachment."""

    message: Annotated[BodyText, AfterValidator(_mail), Prompt("Mail", group="message", hint="Its source, as in .eml")]
    """The source of a mail (RFC 5322); what is not ASCII goes as UTF-8."""

    @property
    def expected_size(self) -> int:
        return len(self.message.encode())

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        content = self.message.encode()
        return nullcontext(Opened(pieces(content), len(content), content_type=MAIL))


class UrlSource(Source):
    """A file that a web server has."""

    url: Annotated[str, AfterValidator(_url), Prompt("URL", group="message", hint="https://files.example.org/a.pdf")]
    """Its URL; the worker's operator says which are allowed."""

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        return reach.desk.sources.downloads.open(self.url)


class FileSource(Source):
    """A file of the worker's machine."""

    file: Annotated[str, AfterValidator(local_path), Prompt("File", group="message", hint="/srv/reports/a.pdf")]
    """Its path or `file:` URI; the worker's operator says which folders are allowed."""

    async def measured(self, reach: Reach) -> int | None:
        async with self.open(reach) as opened:
            return opened.size

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        return reach.desk.sources.files.open(self.file)


class TemplateFile(Source):
    """A file that comes with a mail template; no task can name one."""

    path: str
    """From the directory of templates."""

    async def measured(self, reach: Reach) -> int | None:
        async with self.open(reach) as opened:
            return opened.size

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        return reach.desk.sources.template_files.open(self.path)


class DocumentSource(Source):
    """A document of the document store."""

    document: Annotated[
        DocumentReference,
        BeforeValidator(_reference),
        WithJsonSchema({"type": "object"}),
        Prompt("Document", group="message", feel="required"),
    ]
    """Its reference, as the document store gave it."""

    @property
    def expected_size(self) -> int | None:
        return self.document.size

    @property
    def label(self) -> str | None:
        return self.name or self.document.name

    def open(self, reach: Reach) -> AbstractAsyncContextManager[Opened]:
        return reach.desk.documents.open(self.document)


class StoredSource(Source, MessageReference):
    """A mail of a mailbox, or one of its attachments."""

    mailbox: Annotated[MailboxName, Prompt("Mailbox", group="message")]
    """The mailbox (IMAP folder) it is in."""
    part: Annotated[PartNumber | None, Prompt("Part", group="message", hint="Default: the whole mail")] = None
    """The number of the attachment as `read` gives it; without it the mail itself, but for its Bcc."""

    async def measured(self, reach: Reach) -> int | None:
        async with self._mailboxes(reach) as imap:
            _, _, uid = await self._found(imap)
            size = await imap.fetch.part_size(uid, self.part) if self.part else None
            return await imap.fetch.size(uid) if size is None else size

    @asynccontextmanager
    async def open(self, reach: Reach) -> AsyncIterator[Opened]:
        async with self._mailboxes(reach) as imap:
            file = await self._file(imap, reach.limit)
        yield Opened(pieces(file.content), len(file.content), file.name, file.content_type)

    def _mailboxes(self, reach: Reach) -> AbstractAsyncContextManager[ImapSession]:
        if reach.mailboxes is None:
            raise InputError(f'`imap` must be given, because an attachment is in mailbox "{self.mailbox}".')
        return reach.mailboxes()

    async def _found(self, imap: ImapSession) -> tuple[Selected, Chosen, int]:
        selected = await imap.mailboxes.select(await imap.directory.resolve(self.mailbox))
        chosen = await the_message(imap, selected, self)
        if chosen.uid is None:
            raise not_found(selected, (chosen,))
        return selected, chosen, chosen.uid

    async def _file(self, imap: ImapSession, limit: int) -> File:
        selected, chosen, uid = await self._found(imap)
        try:
            file = await stored_file(imap, uid, self.part, limit=limit)
        except MessageTooLarge as error:
            raise AttachmentTooLarge(error.message, details=error.details) from error
        if file is None:
            raise not_found(selected, (chosen,), part=self.part if chosen.uid else None, needed=True)
        return file if self.part else replace(file, content=without_blind_copies(file.content))


AnySource = ContentSource | TextSource | MailSource | UrlSource | FileSource | DocumentSource | StoredSource

_FORMS: Mapping[str, type[AnySource]] = {
    "content": ContentSource,
    "text": TextSource,
    "message": MailSource,
    "url": UrlSource,
    "file": FileSource,
    "document": DocumentSource,
    "mailbox": StoredSource,
}
"""Each form by the field that it is known by."""

_MAY_BE_EMPTY = ("content", "text")


def source(given: Any) -> Any:
    """A source in whichever form it was given.

    Raises:
        ValueError: it has none of the forms, or several.
    """
    if isinstance(given, Source):
        return given
    if isinstance(given, str):
        return _named(given)
    if not isinstance(given, Mapping):
        raise ValueError("must be a document reference, a path, a URL, or a context with one of " + _words(_FORMS))
    if TYPE in given:
        return _camunda(given)
    said = {
        name: value for name, value in given.items() if value is not None and (value != "" or name in _MAY_BE_EMPTY)
    }
    if "fileName" in given and "name" not in given:
        said = _as_read(said)
    forms = [name for name in _FORMS if name in said]
    if len(forms) != 1:
        raise ValueError(f"has {_words(forms)}; exactly one of {_words(_FORMS)} must be given")
    form = _FORMS[forms[0]]
    return form.model_validate(named_by(said) if form is StoredSource else said)


def _as_read(said: Mapping[str, Any]) -> dict[str, Any]:
    """An attachment as a task that reads mail gives it."""
    rest = {name: value for name, value in said.items() if name not in ("fileName", "size", "disposition", "contentId")}
    if "mailbox" not in said:
        rest.pop("part", None)
    return rest | ({"name": said["fileName"]} if "fileName" in said else {})


def _named(text: str) -> Source:
    place = text.strip()
    if re.match(r"https?:", place, re.IGNORECASE):
        return UrlSource(url=place)
    return FileSource(file=place)


def _camunda(given: Mapping[str, Any]) -> Source:
    """A document as Camunda writes it; members that nobody knows yet do not matter."""
    options = {name: given[name] for name in ("name", "contentType", "contentId", "inline") if given.get(name)}
    match given[TYPE]:
        case "camunda":
            return DocumentSource.model_validate({**options, "document": given})
        case "external":
            return UrlSource.model_validate({**options, "url": given.get("url")})
        case "inline":
            return TextSource.model_validate({**options, "text": _inline(given.get("content"))})
    raise ValueError(f"has an unknown `{TYPE}`; known are camunda, inline and external")


def _inline(content: Any) -> str:
    if content is None:
        raise ValueError("has no `content`")
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _words(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names) or "no source"


AttachmentSource = Annotated[
    AnySource, BeforeValidator(source), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}]})
]
"""Where one attachment, or one text, comes from."""


def _listed(value: Any) -> Any:
    if value is None or value == "":
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


AttachmentSources = Annotated[tuple[AttachmentSource, ...], Field(max_length=200), BeforeValidator(_listed)]
"""Any number of them: one, or a list."""
