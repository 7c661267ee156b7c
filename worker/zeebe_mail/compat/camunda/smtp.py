"""Sending, as Camunda's connector is asked to: its variables → our input, our output → its response."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import structlog

from zeebe_mail.auth.models import Auth
from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.camunda.account import SERVERS, Server, login
from zeebe_mail.compat.camunda.addresses import addresses
from zeebe_mail.compat.camunda.words import as_read
from zeebe_mail.compat.errors import bad_address
from zeebe_mail.errors import ContractError
from zeebe_mail.mail.server import Security, SmtpServer
from zeebe_mail.message.address import AddressError, Mailbox
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.headers import ANY_NAME, WRITTEN, HeaderError, header
from zeebe_mail.message.marks import Marks
from zeebe_mail.operations.base import Errand, OperationOutput
from zeebe_mail.operations.fields import HeaderText
from zeebe_mail.operations.smtp.send import SendInput, SendOutput, SendRequest, send

log = structlog.get_logger(__name__)

BODY_RULE = "Please provide a proper message body"
CONTENT_TYPES = ("PLAIN", "HTML", "MULTIPART")

SECURITY = {"TLS": Security.STARTTLS, "SSL": Security.SSL_TLS, "NONE": Security.NONE}
"""TLS is STARTTLS there too, but "if offered", which gives a middleman the password: here it is required."""

SILENT = Marks(auto_submitted="no")
"""That connector writes none of our marks."""

_BREAKS = re.compile(r"[\r\n]+")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Mail(SendRequest):
    """A mail whose headers are almost free, and that says no more than its task: nothing of itself, of recipients it
    does not show, or in other words than its own.

    Its HTML may show pictures that are not there, as it always could.
    """

    needs_inline_parts = False

    headers: dict[str, tuple[HeaderText, ...]]
    date: datetime | None = None
    text_from_html: bool = False
    inline_styles: bool = False

    def draft(self, authors: tuple[Mailbox, ...]) -> Draft:
        """The mail as it is to be written."""
        return replace(super().draft(authors), says_undisclosed=False, date=self.date, marks=SILENT)


def errand(data: Mapping[str, Any], authentication: Mapping[str, Any] | None) -> Errand:
    """The send that is asked for.

    Raises:
        ContractError: the input breaks the contract.
    """
    action = binding.part(data.get("smtpAction"), "SmtpSendEmail")
    binding.variant(data, "smtpAction", "smtpActionDiscriminator", ("sendEmailSmtp",))
    rules = Rules()
    auth = login(authentication, rules)
    mail = None if action is None else _Mail(action, rules)
    rules.demand(mail, "data.smtpAction")
    server = Server.of(SERVERS["smtp"], data, rules)
    rules.check()
    assert mail
    assert auth
    given = _checked(server, auth, mail)
    return Errand(send, given, lambda output: _response(output, mail.subject or ""))


class _Mail:
    """What the action says, bound and checked."""

    def __init__(self, action: Mapping[str, Any], rules: Rules) -> None:
        self.sender = binding.text(action.get("from"))
        self.recipients = {name: action.get(name) for name in ("to", "cc", "bcc")}
        self.subject = binding.text(action.get("subject"))
        self.headers = binding.texts(action.get("headers")) or {}
        self.body = binding.text(action.get("body"))
        self.html_body = binding.text(action.get("htmlBody"))
        self.attachments = binding.documents(action.get("attachments"))
        kind = binding.single(action.get("contentType"))
        word = kind.strip().upper() if isinstance(kind, str) else ""
        self.kind = word if word in CONTENT_TYPES else "PLAIN"
        rules.demand(self.sender, "data.smtpAction.from")
        rules.demand(self.recipients["to"], "data.smtpAction.to")
        rules.demand(self.subject, "data.smtpAction.subject")
        if not self._has_body:
            rules.broken("data.smtpAction.emailMessageValid", BODY_RULE)

    @property
    def _has_body(self) -> bool:
        needs = {"PLAIN": (self.body,), "HTML": (self.html_body,), "MULTIPART": (self.body, self.html_body)}
        return None not in needs[self.kind]


def _checked(server: Server, auth: Auth, mail: _Mail) -> SendInput:
    to, cc, bcc = (_recipients(name, value) for name, value in mail.recipients.items())
    if not (to or cc or bcc):
        raise ContractError("jakarta.mail.SendFailedException: No recipient addresses")
    headers = Headers(mail.headers)
    request = {
        "from": (_sender(mail.sender or ""),),
        "to": to,
        "cc": cc,
        "bcc": bcc,
        "undisclosedRecipients": True,
        "replyTo": headers.reply_to,
        "subject": _CONTROL.sub("\ufffd", as_read(_BREAKS.sub(" ", mail.subject or ""))),
        "text": mail.body if mail.kind != "HTML" else None,
        "html": mail.html_body if mail.kind != "PLAIN" else None,
        "attachments": mail.attachments,
        "headers": headers.others,
        "date": headers.date,
    }
    place = {"host": server.host, "port": server.port, "security": SECURITY[server.encryption]}
    return ours(
        lambda: SendInput(server=SmtpServer.model_validate(place), auth=auth, request=Mail.model_validate(request))
    )


def _sender(text: str) -> Mailbox:
    try:
        found = addresses(text)
    except AddressError as error:
        raise bad_address(error, "from") from error
    if len(found) != 1:
        raise bad_address("must be exactly one address", "from")
    return found[0]


def _recipients(name: str, value: Any) -> tuple[Mailbox, ...]:
    """Addresses from a text or a list of texts.

    Raises:
        ContractError: it is something else, or something in it is no address.
    """
    if value is None:
        return ()
    if not isinstance(value, str | list):
        raise ContractError(f"Unexpected value in {name}. List or String was expected")
    texts = [value] if isinstance(value, str) else [_entry(name, one) for one in value]
    try:
        return tuple(one for text in texts for one in addresses(text))
    except AddressError as error:
        raise bad_address(error, name) from error


def _entry(name: str, value: Any) -> str:
    text = None if isinstance(value, list | dict) else binding.text(value)
    if text is None:
        raise ContractError(f"Unexpected value in the list {name}. Addresses were expected")
    return text


class Headers:
    """What the additional headers of a mail mean.

    Those that the mail has anyway are left out, as Java's library overwrites them; null means no header. A name that
    no header can have is left out too. Recipients and sender cannot be replaced.
    """

    def __init__(self, given: Mapping[str, str | None]) -> None:
        """Sort them.

        Raises:
            ContractError: a header would change who gets the mail, or break out of its line.
        """
        self.reply_to: tuple[Mailbox, ...] = ()
        self.date: datetime | None = None
        self.others: dict[str, tuple[str, ...]] = {}
        for name, value in given.items():
            if _CONTROL.search(name) or _BREAKS.search(name):
                raise ContractError("The name of a header has line breaks or other control characters")
            if value is not None:
                self._take(name, value)

    def _take(self, name: str, value: str) -> None:
        match name.lower():
            case "from" | "to" | "cc" | "bcc" as field:
                raise ContractError(
                    f"Header {name} is not taken from headers, because it would change who gets the mail or whom it is "
                    f"from. Use the field {field}"
                )
            case "reply-to":
                self.reply_to = _recipients("Reply-To", value)
            case "date":
                self.date = _date(value)
            case known if known in WRITTEN:
                pass
            case known if known.startswith("content-") and known != "content-language":
                pass
            case _ if ANY_NAME.fullmatch(name):
                self.others[name] = (_value(name, value),)
            case _:
                log.warning("header left out: no header can have this name", action="header_left_out")


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except ValueError:
        log.warning("header Date left out: it is no date", action="header_left_out")
        return None


def _value(name: str, value: str) -> str:
    unfolded = as_read(_FOLDED.sub(" ", value).rstrip("\r\n"))
    if _BREAKS.search(unfolded) or _CONTROL.search(unfolded):
        raise ContractError(f"Header {name} has line breaks or other control characters")
    try:
        header(name, unfolded)
    except HeaderError as error:
        raise ContractError(f"Header {name}: {error}") from error
    return unfolded


def _response(output: OperationOutput, subject: str) -> dict[str, Any]:
    return {"subject": subject, "sent": True, "messageId": cast("SendOutput", output).message_id}
