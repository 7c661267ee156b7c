"""The mail template that a task names or brings."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from zeebe_mail.form import Prompt
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import BodyText

Jinja = BodyText
"""Text with `{{ variables }}` (Jinja2)."""

SOURCES = ("to", "cc", "bcc", "reply_to", "subject", "preheader", "text", "markdown", "html")


class MailTemplate(MailPart):
    """A mail template of the operator's directory, by name, or one that the task brings, and what to fill in.

    What the task gives itself goes before what the template says, field by field.
    """

    name: Annotated[str | None, Field(max_length=200), Prompt("Mail template", group="template", hint="welcome")] = None
    """A folder in the operator's directory of templates. Its pictures and attachments go with the mail."""
    variables: Annotated[
        dict[str, Any], Prompt("Variables", group="template", hint="{customer: customer}", feel="required")
    ] = Field(default_factory=dict)
    """What may be filled in; a template sees nothing else of the process."""
    locale: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8}){0,3}$"),
        Prompt("Language", group="template", hint="de-AT"),
    ] = None
    """Language and region (BCP 47)."""
    to: Annotated[Jinja | None, Prompt("To", group="template", hint="{{ customer.email }}")] = None
    """The recipients."""
    cc: Annotated[Jinja | None, Prompt("Cc", group="template")] = None
    """More recipients."""
    bcc: Annotated[Jinja | None, Prompt("Bcc", group="template")] = None
    """Hidden recipients."""
    reply_to: Annotated[Jinja | None, Prompt("Reply to", group="template")] = None
    """Where answers go."""
    subject: Annotated[Jinja | None, Prompt("Subject", group="template", hint="Order {{ order.number }}")] = None
    """One line of text."""
    preheader: Annotated[Jinja | None, Prompt("Preview line", group="template")] = None
    """What mail programs show beside the subject."""
    text: Annotated[
        Jinja | None, Prompt("Text", group="template", hint="Hello {{ customer.name }} …", multiline=True)
    ] = None
    """The mail as plain text."""
    markdown: Annotated[
        Jinja | None, Prompt("Markdown", group="template", hint="Hello **{{ customer.name }}** …", multiline=True)
    ] = None
    """The mail as Markdown."""
    html: Annotated[
        Jinja | None, Prompt("HTML", group="template", hint="<p>Hello {{ customer.name }} …</p>", multiline=True)
    ] = None
    """The mail as HTML, or what is around the Markdown."""

    @property
    def sources(self) -> dict[str, str]:
        """The fields that the task brings, by the names that templates have for them."""
        texts = self.model_dump(include=set(SOURCES), exclude_none=True, by_alias=True)
        return {name: text for name, text in texts.items() if isinstance(text, str)}

    @model_validator(mode="after")
    def _is_one(self) -> MailTemplate:
        if self.name is None and not self.sources:
            raise ValueError("must have a `name`, or at least one of the template's own texts")
        if self.name is not None and self.sources:
            raise ValueError("must have a `name` or texts of its own, not both")
        return self
