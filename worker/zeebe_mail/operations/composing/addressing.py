"""Who a mail is from and for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeebe_mail.form import Prompt
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.fields import Address, Addresses, EnvelopeSender


class Authorship(MailPart):
    """Who a mail is from."""

    from_: Annotated[
        Addresses,
        Field(alias="from"),
        Prompt("From", group="recipients", hint="Jane Doe <jane@example.org>"),
    ] = ()
    """The author; default: the user of the account, where that is an address. Most servers accept only addresses of the
    account. Several authors need a sender (RFC 5322, 3.6.2): the first of them, unless `sender` is given."""
    sender: Annotated[Address | None, Prompt("Sender", group="delivery", hint="assistant@example.org")] = None
    """Who sends the mail for its author."""
    envelope_from: Annotated[
        EnvelopeSender | None, Prompt("Bounces to", group="delivery", hint="Blank: the sender; <> for nobody")
    ] = None
    """Who is told when the mail cannot be delivered (MAIL FROM, later Return-Path); `<>` is nobody."""


class Recipients(MailPart):
    """Who a new mail is for."""

    to: Annotated[Addresses, Prompt("To", group="recipients", hint="jane@example.org, bob@example.org")] = ()
    """The recipients, visible to all."""
    cc: Annotated[Addresses, Prompt("Cc", group="recipients", hint="Copies, seen by all")] = ()
    """More recipients, visible to all."""
    bcc: Annotated[Addresses, Prompt("Bcc", group="recipients", hint="Copies that the others do not see")] = ()
    """Recipients that the others do not see."""
    reply_to: Annotated[Addresses, Prompt("Reply to", group="recipients", hint="Blank: the author")] = ()
    """Where answers go when not to the author."""
    undisclosed_recipients: Annotated[bool, Prompt("Only hidden recipients", group="delivery", feel="static")] = False
    """Whether the mail may go to `bcc` alone; else a mail without `to` and `cc` is taken for a mistake."""
