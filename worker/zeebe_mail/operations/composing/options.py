"""What a mail says about itself, and how it is handed over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import CustomHeaders


class MarkOptions(MailPart):
    """What a mail says about itself."""

    headers: Annotated[
        CustomHeaders, Prompt("Additional headers", group="message", hint='{"X-Order": "4711"}', feel="required")
    ] = Field(default_factory=dict)
    """Additional headers, name and value; those with a field of their own are refused."""


class DeliveryOptions(MailPart):
    """How a mail is handed over."""

    required_recipients: Annotated[
        Literal["all", "any"],
        Prompt(
            "Recipients the server must accept", group="delivery", hint="all: or nobody gets the mail", feel="static"
        ),
    ] = "all"
    """all: one refused recipient means that nobody gets the mail. any: it goes to those who are accepted."""
