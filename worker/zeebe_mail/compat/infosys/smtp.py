"""Sending, as Infosys' SMTP connector is asked to: its variables → our input, our output → its response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from pydantic import ValidationError

from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.errors import NOT_BLANK, RUNTIME
from zeebe_mail.compat.infosys import login, values
from zeebe_mail.compat.infosys.errors import HTML_FIELD, NO_ATTACHMENT, NO_HTML_FILE
from zeebe_mail.compat.infosys.login import Login
from zeebe_mail.documents.opened import Opened
from zeebe_mail.errors import ContractError, FileMissing, FileNotAllowed
from zeebe_mail.mail.server import SmtpServer
from zeebe_mail.message.address import AddressError, Mailbox, mailbox, mailboxes
from zeebe_mail.operations.base import Errand, OperationOutput
from zeebe_mail.operations.composing.follow_up import FollowUpOptions
from zeebe_mail.operations.composing.sources import AnySource, FileSource, Reach, source
from zeebe_mail.operations.smtp.send import SendInput, SendOutput, SendRequest, send

VARIABLES = (
    "authentication",
    "smtpEmailMailBoxName",
    "smtpEmailToRecipients",
    "smtpEmailCcRecipients",
    "smtpEmailBccRecipients",
    "smtpEmailSubject",
    "smtpEmailContentType",
    "smtpEmailContent",
    "smtpEmailAttachments",
    "smtpEmailImportance",
    "smtpEmailReadReceipt",
    "smtpEmailFollowUp",
    "smtpEmailDirectReplyTo",
    "smtpEmailSensitivity",
)
SENT = "Mail sent successfully"
KINDS = {"text": "text", "txt": "text", "html": "html", "htm": "html"}
NO_KIND = "'contentType' should be either 'html' or 'text'"
SENSITIVITIES = ("normal", "personal", "private", "confidential", "company-confidential")
ADDRESSES = {
    "smtpEmailToRecipients": ("to", "Invalid toEmailAddress"),
    "smtpEmailCcRecipients": ("cc", "Invalid CcEmailAddress"),
    "smtpEmailBccRecipients": ("bcc", "Invalid BccEmailAddress"),
    "smtpEmailDirectReplyTo": ("replyTo", "Invalid directReplyTo email address"),
}
"""Our field for each of theirs with addresses, and what they say of one that is none."""


class Mail(SendRequest):
    """A mail in the words of its task alone. Its HTML may show pictures that are not there, as it always could."""

    needs_inline_parts = False


class HtmlFile(FileSource):
    """The file that `smtpEmailContent` names; its errors say so."""

    @asynccontextmanager
    async def open(self, reach: Reach) -> AsyncIterator[Opened]:
        try:
            async with super().open(reach) as opened:
                yield opened
        except (FileMissing, FileNotAllowed) as error:
            error.details["field"] = HTML_FIELD
            raise


def errand(variables: Mapping[str, Any]) -> Errand:
    """The send that is asked for.

    Raises:
        ContractError: the input breaks the contract.
    """
    rules = Rules()
    account = login.of_sender(variables, rules)
    sender, subject = (_needed(variables, name, rules) for name in ("smtpEmailMailBoxName", "smtpEmailSubject"))
    kind = KINDS.get(_needed(variables, "smtpEmailContentType", rules, default="Text").strip().lower())
    if kind is None:
        rules.broken("smtpEmailContentType", NO_KIND)
    content = variables.get("smtpEmailContent")
    if not isinstance(content, Mapping):
        content = _needed(variables, "smtpEmailContent", rules)
    if not values.listed(variables, "smtpEmailToRecipients"):
        rules.broken("smtpEmailToRecipients", "must not be empty")
    rules.check()
    assert account
    assert kind
    request = {
        "from": (_sender(sender),),
        **{ours_: _addresses(variables, theirs, words) for theirs, (ours_, words) in ADDRESSES.items()},
        "subject": subject,
        **_body(kind, content),
        "attachments": [_attachment(one) for one in values.listed(variables, "smtpEmailAttachments")],
        "importance": values.truth(variables, "smtpEmailImportance"),
        "readReceipt": values.truth(variables, "smtpEmailReadReceipt"),
        "followUp": _follow_up(variables),
        "sensitivity": _sensitivity(variables),
        "autoSubmitted": "no",
        "textFromHtml": False,
        "inlineStyles": False,
    }
    return Errand(send, ours(lambda: _input(account, request)), _response)


def _input(account: Login, request: Mapping[str, Any]) -> SendInput:
    server = SmtpServer.model_validate({**account.address, "security": "TLS"})
    return SendInput(server=server, auth=account.auth, request=Mail.model_validate(request))


def _response(output: OperationOutput) -> dict[str, Any]:
    return {"response": SENT, "messageId": cast("SendOutput", output).message_id}


def _needed(variables: Mapping[str, Any], name: str, rules: Rules, *, default: str | None = None) -> str:
    value = values.text(variables, name) or default
    if value is None:
        rules.broken(name, NOT_BLANK)
    return value or ""


def _sender(written: str) -> Mailbox:
    try:
        return mailbox(written)
    except AddressError as error:
        raise ContractError(f"Invalid mailbox or from email address: it {error}", foreign_type=RUNTIME) from error


def _addresses(variables: Mapping[str, Any], name: str, words: str) -> tuple[Mailbox, ...]:
    try:
        return tuple(one for written in values.listed(variables, name) for one in mailboxes(written))
    except (AddressError, ValueError) as error:
        raise ContractError(f"{words}: {name} {error}", foreign_type=RUNTIME) from error


def _body(kind: str, content: str | Mapping[str, Any]) -> dict[str, Any]:
    """Text with their escapes written out; HTML itself, or where it is. A document can be either."""
    if isinstance(content, Mapping):
        return {f"{kind}From": _source(content, f"{HTML_FIELD} is no document")}
    if kind == "text":
        return {"text": content.replace("\\n", "\n").replace("\\t", "\t")}
    if "<" in content:
        return {"html": content}
    found = _source(content, NO_HTML_FILE)
    return {"htmlFrom": HtmlFile(file=found.file) if isinstance(found, FileSource) else found}


def _attachment(given: Any) -> AnySource:
    return _source(given, NO_ATTACHMENT)


def _source(given: Any, words: str) -> AnySource:
    try:
        return cast("AnySource", source(given))
    except ValidationError as error:
        problem = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors(include_url=False))
    except ValueError as error:
        problem = str(error)
    raise ContractError(f"{words}: it {problem}", foreign_type=RUNTIME)


def _follow_up(variables: Mapping[str, Any]) -> FollowUpOptions | None:
    written = values.text(variables, "smtpEmailFollowUp")
    if written is None:
        return None
    try:
        return FollowUpOptions.model_validate(written.strip())
    except ValidationError:
        raise ContractError("InvalidDate : please select valid follow up value", foreign_type=RUNTIME) from None


def _sensitivity(variables: Mapping[str, Any]) -> str:
    word = (values.text(variables, "smtpEmailSensitivity") or "normal").strip().lower()
    if word not in SENSITIVITIES:
        raise ContractError("InvalidSensitivity : it should be Normal, Personal, Private or Confidential")
    return word.removeprefix("company-")
