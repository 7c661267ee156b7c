"""What a mail says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import AfterValidator, model_validator

from zeebe_mail.form import Answer, Prompt, Question
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.invitation import InvitationRequest
from zeebe_mail.operations.composing.sources import AnySource, AttachmentSource, AttachmentSources
from zeebe_mail.operations.composing.template import MailTemplate
from zeebe_mail.operations.fields import BodyText, HeaderText


def _different_ids(sources: Sequence[AnySource]) -> Sequence[AnySource]:
    positions: dict[str, int] = {}
    for position, one in enumerate(sources):
        if one.content_id and positions.setdefault(one.content_id, position) != position:
            raise ValueError(f"[{positions[one.content_id]}] and [{position}] have the same `contentId`")
    return sources


class Content(MailPart):
    """Subject, texts, and what comes with them."""

    questions: ClassVar = {
        "body": Question(
            "Write it as",
            "content",
            {
                "text": Answer("Plain text", takes=("text",)),
                "html": Answer("HTML", needs=("html",), takes=("text", "preheader", "textFromHtml", "inlineStyles")),
                "markdown": Answer(
                    "Markdown", needs=("markdown",), takes=("text", "preheader", "textFromHtml", "inlineStyles")
                ),
                "template": Answer(
                    "Mail template of the worker",
                    needs=("template.name",),
                    takes=("template.variables", "template.locale", "textFromHtml", "inlineStyles"),
                ),
                "ownTemplate": Answer(
                    "Mail template written here",
                    takes=(
                        *(f"template.{name}" for name in ("to", "cc", "bcc", "replyTo", "subject", "preheader")),
                        *(f"template.{name}" for name in ("text", "html", "markdown", "variables")),
                        "textFromHtml",
                        "inlineStyles",
                    ),
                ),
                "document": Answer(
                    "Documents, files or URLs", takes=("textFrom", "htmlFrom", "textFromHtml", "inlineStyles")
                ),
            },
        )
    }

    subject: Annotated[HeaderText | None, Prompt("Subject", group="content")] = None
    """One line of text."""
    template: Annotated[MailTemplate | None, Prompt("Mail template", group="template")] = None
    """A mail template and its variables; the fields given beside it go before what it says."""
    text: Annotated[BodyText | None, Prompt("Text", group="content", multiline=True)] = None
    """The mail as plain text."""
    text_from: Annotated[
        AttachmentSource | None,
        Prompt("Text from", group="content", hint="{url: …}, {file: …} or a document", feel="required"),
    ] = None
    """The same from a document, file or URL: UTF-8, or its `charset`."""
    html: Annotated[BodyText | None, Prompt("HTML", group="content", hint="<p>Hello …</p>", multiline=True)] = None
    """The mail as HTML."""
    html_from: Annotated[
        AttachmentSource | None,
        Prompt("HTML from", group="content", hint="{url: …}, {file: …} or a document", feel="required"),
    ] = None
    """The same from a document, file or URL: UTF-8, or its `charset`."""
    markdown: Annotated[
        BodyText | None, Prompt("Markdown", group="content", hint="Hello **Jane** …", multiline=True)
    ] = None
    """The mail as Markdown (CommonMark with tables), which becomes HTML; HTML in it stays text."""
    preheader: Annotated[
        HeaderText | None, Prompt("Preview line", group="content", hint="Beside the subject in lists of mails")
    ] = None
    """Text that mail programs show beside the subject, and that is not seen in the mail itself. Only HTML can have
    it: in a mail of text alone it is an error."""
    text_from_html: Annotated[bool, Prompt("Make a text of the HTML", group="content", feel="static")] = True
    """Whether HTML without text gets one that is made from it, for those who see no HTML."""
    inline_styles: Annotated[bool, Prompt("Inline styles", group="content", feel="static")] = True
    """Whether rules in `<style>` are written into the elements they are for, since many mail programs know no others.
    HTML without `<style>` stays as it is."""
    attachments: Annotated[
        AttachmentSources,
        AfterValidator(_different_ids),
        Prompt(
            "Attachments", group="content", hint="invoice, or [invoice, {url: …}, {name: …, text: …}]", feel="required"
        ),
    ] = ()
    """What comes with the mail: document references, `{name, contentType, content}` in base64, `{name, text}`,
    `{url}`, `{file}` or `{message}`, one of them or a list."""
    invitation: Annotated[
        InvitationRequest | None,
        Prompt(
            "Invite to an appointment",
            group="invitation",
        ),
    ] = None
    """An appointment that the recipients are invited to, or that is taken back. A mail without `text` and `html` tells
    it in words."""

    @model_validator(mode="after")
    def _once(self) -> Content:
        for name in ("text", "html"):
            if getattr(self, name) is not None and getattr(self, f"{name}_from") is not None:
                raise ValueError(f"has both `{name}` and `{name}From`; one of them must be left out")
        if self.markdown is not None and not (self.html is None and self.html_from is None):
            raise ValueError("has both `markdown` and `html` or `htmlFrom`; one of them must be left out")
        return self
