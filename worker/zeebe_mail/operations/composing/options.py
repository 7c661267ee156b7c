"""What a mail says about itself, and how it is handed over."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from zeebe_mail.form import Prompt
from zeebe_mail.mail.smtp import DsnRequest
from zeebe_mail.mail.smtp.dsn import ENVELOPE_ID_LIMIT
from zeebe_mail.message.address import Mailbox, mailbox
from zeebe_mail.message.headers import text_value
from zeebe_mail.message.marks import AutoSubmitted, Importance, Marks, Priority, Sensitivity, Unsubscribe
from zeebe_mail.message.message_id import bare_message_id
from zeebe_mail.message.thread import message_id
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.follow_up import FollowUpOptions
from zeebe_mail.operations.fields import CustomHeaders

_LANGUAGES = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*(?: *, *[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)*")
_URL = re.compile(r"https?://[!#-;=?-\[\]_a-z~%]+", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:[!#-;=?-\[\]_a-z~%]+", re.IGNORECASE)
_PRINTABLE = re.compile(r"[ -~]+")
_URL_LIMIT = 900  # characters: no line has room for more (RFC 5322, 2.1.1)
_LANGUAGES_LIMIT = 200
_EVENTS = ("success", "failure", "delay")


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _truth(value: Any) -> Any:
    """A boolean, as such or as text; what is neither stays."""
    return {"true": True, "false": False}.get(_lower(value), value) if isinstance(value, str) else value


def _importance(value: Any) -> Any:
    # Other connectors ask "important?": true is high, and false does not mean low.
    answer = _truth(value)
    return _lower(answer) if not isinstance(answer, bool) else "high" if answer else "normal"


def _receipt(value: Any) -> Any:
    answer = _truth(value)
    return answer if isinstance(answer, bool) else mailbox(answer)


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number from -9 to 9")
    return value


def _language(value: str) -> str:
    if len(value) > _LANGUAGES_LIMIT or not _LANGUAGES.fullmatch(value):
        raise ValueError("must be a language such as de or de-AT, or several with commas between them")
    return value


def _url(value: str) -> str:
    if len(value) > _URL_LIMIT:
        raise ValueError(f"must have at most {_URL_LIMIT} characters")
    if not _URL.fullmatch(value):
        raise ValueError("must be an http or https address without spaces and angle brackets")
    return value


def _mailto(value: str) -> str:
    if value.lower().startswith("mailto:"):
        if len(value) > _URL_LIMIT or not _MAILTO.fullmatch(value):
            raise ValueError("must be a mail address, or a mailto: address without spaces and angle brackets")
        return value
    return f"mailto:{quote(mailbox(value).address, safe='@')}"


def _message_ids(value: Any) -> Any:
    return text_value(value).replace(",", " ").split() if isinstance(value, str) else value


def _bracketed(value: str) -> str:
    bare = bare_message_id(value)
    if not bare.isascii():
        raise ValueError("must be a Message-ID of ASCII characters")
    return f"<{bare}>"


def _envelope_id(value: str) -> str:
    if not _PRINTABLE.fullmatch(value) or len(value) > ENVELOPE_ID_LIMIT:
        raise ValueError(f"must have 1 to {ENVELOPE_ID_LIMIT} printable ASCII characters")
    return value


def _events(value: Any) -> Any:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(one, str) for one in words):
        return value
    named = [_lower(one) for one in words if one]
    if named == ["never"]:
        return ()
    if not named:
        raise ValueError("must name success, failure or delay, or be never")
    return tuple(dict.fromkeys(named))


MessageIds = Annotated[tuple[Annotated[str, AfterValidator(_bracketed)], ...], BeforeValidator(_message_ids)]
"""Message-IDs: text with spaces or commas between them, or a list."""


class ListUnsubscribe(MailPart):
    """How to leave the list that this mail belongs to."""

    url: Annotated[
        str | None,
        AfterValidator(lambda url: url and _url(url)),
        Prompt("Unsubscribe page", group="marks", hint="https://example.org/unsubscribe"),
    ] = None
    """A web address (RFC 2369)."""
    mailto: Annotated[
        str | None,
        AfterValidator(lambda to: to and _mailto(to)),
        Prompt("Unsubscribe by mail to", group="marks", hint="leave@example.org"),
    ] = None
    """A mail address, or a whole `mailto:` address with subject."""
    one_click: Annotated[bool, Prompt("One click unsubscribes", group="marks", feel="static")] = False
    """Whether a POST to `url` unsubscribes without a question (RFC 8058). Gmail and Yahoo want that of bulk mail."""

    @model_validator(mode="after")
    def _has_a_way(self) -> ListUnsubscribe:
        if self.url is None and self.mailto is None:
            raise ValueError("`url` or `mailto` must be given")
        if self.one_click and not (self.url and self.url.lower().startswith("https://")):
            raise ValueError("`oneClick` needs an https `url` (RFC 8058)")
        return self

    def mark(self) -> Unsubscribe:
        """The ways, the better one first."""
        return Unsubscribe(tuple(way for way in (self.url, self.mailto) if way), self.one_click)


class Dsn(MailPart):
    """Reports of the servers on the way (RFC 3461); whether the mail was read is another question: `readReceipt`."""

    notify: Annotated[
        tuple[Literal["success", "failure", "delay"], ...] | None,
        BeforeValidator(_events),
        Prompt("Delivery reports", group="delivery", hint="success, failure, delay; or never"),
    ] = None
    """What is reported to the envelope sender. Without it: failures, and what the servers think fit."""
    return_: Annotated[
        Literal["full", "headers"] | None,
        Field(alias="return"),
        BeforeValidator(_lower),
        Prompt(
            "Reports bring back",
            group="delivery",
            feel="static",
            choices={"full": "The whole mail", "headers": "Its headers"},
        ),
    ] = None
    """How much of the mail a report of failure brings back."""
    envelope_id: Annotated[
        str | None,
        AfterValidator(lambda value: value and _envelope_id(value)),
        Prompt("Reports call the mail", group="delivery", hint="Blank: by its Message-ID"),
    ] = None
    """What reports call this mail (Original-Envelope-Id)."""


SentBy = Annotated[
    AutoSubmitted,
    BeforeValidator(_lower),
    Prompt(
        "Sent by a machine",
        group="marks",
        feel="static",
        choices={
            "auto-generated": "Yes: nobody shall answer automatically",
            "auto-replied": "Yes: it answers another mail",
            "no": "No: it stands for a person's",
        },
    ),
]
"""Who wrote a mail (RFC 3834)."""


class MarkOptions(MailPart):
    """What a mail says about itself."""

    importance: Annotated[
        Importance, BeforeValidator(_importance), Prompt("Importance", group="marks", hint="normal; or high, low")
    ] = "normal"
    """How urgent it looks in the recipient's list; true is `high`, false is `normal`."""
    priority: Annotated[
        Priority | None, BeforeValidator(_lower), Prompt("Priority", group="marks", hint="urgent, normal or non-urgent")
    ] = None
    """How urgently servers shall carry it (RFC 2156); few do anything about it."""
    sensitivity: Annotated[
        Sensitivity,
        BeforeValidator(_lower),
        Prompt("Sensitivity", group="marks", hint="normal; or personal, private, confidential"),
    ] = "normal"
    """What the recipient is asked to do with it. Nothing is enforced: only encryption keeps a mail secret."""
    read_receipt: Annotated[
        bool | Mailbox,
        BeforeValidator(_receipt),
        WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string"}, {"type": "object"}]}),
        Prompt("Read receipt", group="marks", hint="As an expression: the address that gets it"),
    ] = False
    """Whether the recipient's program is asked to say that the mail was shown (RFC 8098). People may decline."""
    legacy_receipts: Annotated[bool, Prompt("Ask old programs too", group="marks", feel="static")] = False
    """Whether `readReceipt` is asked for with Return-Receipt-To and X-Confirm-Reading-To as well."""
    follow_up: Annotated[FollowUpOptions | None, Prompt("Flag it for follow-up", group="marks")] = None
    """A flag with a date, which Outlook shows: the date as text, or an object with `due`, `text` and more."""
    auto_submitted: SentBy = "auto-generated"
    """Keeps out-of-office notes from answering (RFC 3834); `no` for a mail that stands for a person's."""
    list_unsubscribe: Annotated[ListUnsubscribe | None, Prompt("Unsubscribe", group="marks")] = None
    """Ways to get no more such mails."""
    tls_optional: Annotated[
        bool, Prompt("Rather unencrypted than not at all", group="delivery", hint="TLS-Required: No", feel="static")
    ] = False
    """Whether servers shall deliver it even where TLS cannot be had or trusted, against the policy of the receiving
    domain (`TLS-Required: No`, RFC 8689): for mail about just such trouble. `requireTls` goes before it."""
    language: Annotated[
        str | None, AfterValidator(lambda tag: tag and _language(tag)), Prompt("Language", group="marks", hint="de-AT")
    ] = None
    """The language of its texts (Content-Language)."""
    message_id: Annotated[
        str | None,
        AfterValidator(lambda value: value and message_id(value)),
        Prompt("Message-ID", group="thread", hint="Blank: made from the job"),
    ] = None
    """What this mail is known by everywhere. Whoever gives one must give each mail another."""
    in_reply_to: Annotated[MessageIds, Prompt("In reply to", group="thread", hint="<a1b2@example.org>")] = ()
    """The Message-IDs of the mails that this one answers."""
    references: Annotated[MessageIds, Prompt("References", group="thread", hint="<a1b2@example.org> …")] = ()
    """The Message-IDs of the thread, the first mail first; those in `inReplyTo` join by themselves."""
    headers: Annotated[
        CustomHeaders, Prompt("Additional headers", group="thread", hint='{"X-Order": "4711"}', feel="required")
    ] = Field(default_factory=dict)
    """Additional headers: an object with a text or a list of texts for each name, or a list of `{name, value}`. What
    says where a mail comes from, whom it is for and how it is built cannot be given."""

    def marks(self, author: Mailbox, now: datetime) -> Marks:
        """What is said, for a mail that is written now."""
        asked = self.read_receipt
        return Marks(
            importance=self.importance,
            sensitivity=self.sensitivity,
            priority=self.priority,
            receipt_to=asked if isinstance(asked, Mailbox) else author if asked else None,
            legacy_receipt=self.legacy_receipts,
            follow_up=self.follow_up.mark(now) if self.follow_up else None,
            auto_submitted=self.auto_submitted,
            unsubscribe=self.list_unsubscribe.mark() if self.list_unsubscribe else None,
            language=self.language,
            tls_optional=self.tls_optional,
        )


class DeliveryOptions(MailPart):
    """How a mail is handed over."""

    required_recipients: Annotated[
        Literal["all", "any"],
        Prompt(
            "Recipients the server must accept",
            group="delivery",
            feel="static",
            choices={"all": "All, or nobody gets the mail", "any": "One at least"},
        ),
    ] = "all"
    """all: one refused recipient means that nobody gets the mail. any: it goes to those who are accepted."""
    dsn: Annotated[Dsn | None, Prompt("Delivery reports", group="delivery")] = None
    """Which reports the servers on the way shall send to the envelope sender. Not every server offers that: the result
    says whether it was asked (`dsnRequested`)."""
    mt_priority: Annotated[
        int | None,
        Field(ge=-9, le=9),
        BeforeValidator(_no_truth_value),
        Prompt("Transfer priority", group="delivery", hint="-9 to 9; 0 is usual"),
    ] = None
    """How soon servers shall carry it before or after other mail (MT-PRIORITY, RFC 6710): 9 goes first. Few servers
    offer that, and only to some accounts: the result says whether it was asked for (`mtPriorityRequested`)."""
    require_tls: Annotated[bool, Prompt("Only over TLS", group="delivery", hint="All the way", feel="static")] = False
    """Whether the mail may travel only from server to server over verified TLS, and rather comes back than go another
    way (REQUIRETLS, RFC 8689). A server that cannot promise that gets no mail (`UNSUPPORTED_BY_SERVER`)."""

    def dsn_request(self, message_id: str) -> DsnRequest | None:
        """The reports that are wanted; without an id of its own, a report calls the mail by its Message-ID."""
        if self.dsn is None:
            return None
        bare = message_id.strip("<>")
        name = self.dsn.envelope_id or (bare if len(bare) <= ENVELOPE_ID_LIMIT else None)
        return DsnRequest(self.dsn.notify, self.dsn.return_, name)
