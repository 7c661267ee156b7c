"""What a mail says."""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from zeebe_mail.form import Prompt
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.template import MailTemplate
from zeebe_mail.operations.fields import BodyText, HeaderText


class Content(MailPart):
    """Subject, texts, and what comes with them."""

    template: Annotated[MailTemplate | None, Prompt("Mail template", group="template", feel="required")] = None
    """A mail template and its variables; the fields given beside it go before what it says."""
    subject: Annotated[HeaderText | None, Prompt("Subject", group="message")] = None
    """One line of text."""
    text: Annotated[BodyText | None, Prompt("Text", group="message", hint="Beside HTML: for those who see none")] = None
    """The mail as plain text."""
    html: Annotated[BodyText | None, Prompt("HTML", group="message")] = None
    """The mail as HTML."""
    markdown: Annotated[BodyText | None, Prompt("Markdown", group="message", hint="Instead of HTML")] = None
    """The mail as Markdown (CommonMark with tables), which becomes HTML; HTML in it stays text."""
    preheader: Annotated[
        HeaderText | None, Prompt("Preview line", group="message", hint="Shown beside the subject in lists of mails")
    ] = None
    """Text that mail programs show beside the subject, and that is not seen in the mail itself; only in HTML."""
    text_from_html: Annotated[bool, Prompt("Make a text of the HTML", group="message", feel="static")] = True
    """Whether HTML without text gets one that is made from it, for those who see no HTML."""
    inline_styles: Annotated[bool, Prompt("Inline styles", group="message", feel="static")] = True
    """Whether rules in `<style>` are written into the elements they are for, since many mail programs know no others.
    HTML without `<style>` stays as it is."""

    @model_validator(mode="after")
    def _has_one_source_of_html(self) -> Content:
        if self.html is not None and self.markdown is not None:
            raise ValueError("must have `html` or `markdown`, not both")
        return self
