"""Camunda's variables → our send, and our output → Camunda's response."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zeebe_mail.auth.models import NoAuth, PasswordAuth
from zeebe_mail.compat.camunda.face import CamundaFace
from zeebe_mail.errors import ContractError, InputError
from zeebe_mail.mail.server import Security
from zeebe_mail.operations.base import Errand
from zeebe_mail.operations.smtp.send import SendOutput, SentEnvelope

FACE = CamundaFace(secret_fields=("authentication", "data"), codes=False, own_retries=False)
RULES = "jakarta.validation.ValidationException: Found constraints violated while validating input: "


def variables(
    action: dict[str, Any] | None = None, config: dict[str, Any] | None = None, **others: Any
) -> dict[str, Any]:
    return {
        "authentication": {"type": "simple", "username": "jane", "password": "open-up"},
        "protocol": "smtp",
        "data": {
            "smtpConfig": {"smtpHost": "mail.test", "smtpPort": 2525, "smtpCryptographicProtocol": "NONE"}
            | (config or {}),
            "smtpActionDiscriminator": "sendEmailSmtp",
            "smtpAction": {"from": "a@x.test", "to": "b@x.test", "subject": "Hi", "contentType": "PLAIN", "body": "B"}
            | (action or {}),
        },
    } | others


def errand(action: dict[str, Any] | None = None, config: dict[str, Any] | None = None, **others: Any) -> Errand:
    return FACE.errand(variables(action, config, **others))


def message(action: dict[str, Any] | None = None, config: dict[str, Any] | None = None, **others: Any) -> str:
    with pytest.raises(ContractError) as caught:
        errand(action, config, **others)
    return caught.value.message


# ── what comes out ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_send_of_theirs_is_a_send_of_ours() -> None:
    asked = errand({"cc": ["c@x.test", "Jane <d@x.test>"], "bcc": None})
    given = asked.given
    assert asked.operation.task_type == "mail:smtp-send:1"
    assert (given.server.host, given.server.port, given.server.security) == ("mail.test", 2525, Security.NONE)
    assert isinstance(given.auth, PasswordAuth)
    assert [one.address for one in given.request.cc] == ["c@x.test", "d@x.test"]
    assert (given.request.text, given.request.html, given.request.subject) == ("B", None, "Hi")


def test_the_response_has_exactly_their_keys() -> None:
    output = SendOutput(
        message_id="<1@x.test>",
        accepted=["b@x.test"],
        rejected=[],
        response="250 ok",
        envelope=SentEnvelope(from_="a@x.test", to=["b@x.test"]),
        size_bytes=100,
        date=datetime(2026, 11, 29, tzinfo=UTC),
        dsn_requested=False,
        mt_priority_requested=False,
    )
    asked = errand({"subject": "two\r\nlines"})
    assert asked.given.request.subject == "two lines"
    assert asked.response(output) == {"subject": "two\r\nlines", "sent": True, "messageId": "<1@x.test>"}


@pytest.mark.parametrize(
    ("theirs", "ours"), [("TLS", Security.STARTTLS), ("ssl", Security.SSL_TLS), ("None", Security.NONE)]
)
def test_encryption_is_never_a_matter_of_what_is_offered(theirs: str, ours: Security) -> None:
    assert errand(config={"smtpCryptographicProtocol": theirs}).given.server.security is ours


@pytest.mark.parametrize(
    ("kind", "text", "html"),
    [
        ("PLAIN", "B", None),
        ("html", None, "<p>B</p>"),
        ("MULTIPART", "B", "<p>B</p>"),
        ("MARKDOWN", "B", None),
        (None, "B", None),
    ],
)
def test_the_content_type_chooses_the_bodies(kind: str | None, text: str | None, html: str | None) -> None:
    request = errand({"contentType": kind, "htmlBody": "<p>B</p>"}).given.request
    assert (request.text, request.html) == (text, html)


def test_scalars_and_lists_of_one_are_taken_for_text() -> None:
    asked = FACE.errand(
        variables({"subject": 42, "body": [12.5], "from": ["a@x.test"], "to": ["b@x.test", 5]}, {"smtpPort": "2525"})
        | {"data": [variables({"subject": True})["data"]]}
    )
    assert asked.given.request.subject == "true"
    request = errand({"subject": 42, "body": [12.5], "to": ["b@x.test", 5]}, {"smtpPort": ["2525"]}).given.request
    assert (request.subject, request.text, [one.address for one in request.to]) == ("42", "12.5", ["b@x.test", "5"])


def test_keys_of_newer_templates_do_not_matter() -> None:
    errand({"data_smtpAction_attachments_documentMode": "none", "attachments": None}, {"x": 1}, orderId=1)


def test_headers_that_the_mail_has_anyway_are_left_out() -> None:
    request = errand(
        {
            "headers": {
                "Message-ID": "<mine@x.test>",
                "Content-Type": "text/html",
                "MIME-Version": "2.0",
                "Subject": "other",
                "X-Null": None,
                "X-Ümlaut": "v",
                "X Blank": "v",
                "X-One": ["a"],
                "X-Folded": "a\r\n b",
                "Sender": "s@x.test",
                "Content-Language": "de",
                "Reply-To": "Jane <r@x.test>",
                "Date": "Mon, 01 Jan 2024 00:00:00 +0000",
            }
        }
    ).given.request
    assert request.headers == {
        "X-One": ("a",),
        "X-Folded": ("a b",),
        "Sender": ("s@x.test",),
        "Content-Language": ("de",),
    }
    assert [one.address for one in request.reply_to] == ["r@x.test"]
    assert request.draft(request.from_).date.year == 2024


@pytest.mark.parametrize("authentication", [{"type": "noAuth"}, [{"type": "noAuth"}]])
def test_no_authentication_is_no_login(authentication: Any) -> None:
    assert isinstance(errand(authentication=authentication).given.auth, NoAuth)


def test_authentication_without_a_type_is_simple() -> None:
    assert isinstance(errand(authentication={"username": "u", "password": "p"}).given.auth, PasswordAuth)


# ── accounts of release 8.10 ─────────────────────────────────────────────────────────────────────────────────────

ACCOUNT = {"username": "u", "password": "p", "smtpHost": "account.test"}


def test_an_account_stands_for_login_and_server() -> None:
    data = {name: value for name, value in variables()["data"].items() if name != "smtpConfig"}
    given = FACE.errand({"protocol": "smtp", "data": data, "emailAccountConfiguration": ACCOUNT}).given
    assert (given.server.host, given.server.port, given.server.security) == ("account.test", 587, Security.STARTTLS)
    assert given.auth.username == "u"


def test_secrets_are_bound_to_the_host_that_is_really_used() -> None:
    """Whoever names an allowed host in one place and another in the other gets the other one checked."""
    assert FACE.hosts(variables(), "authentication") == ["mail.test"]
    assert FACE.hosts(variables(emailAccountConfiguration=ACCOUNT), "authentication") == ["account.test"]
    assert FACE.hosts(variables(config={"smtpHost": ["mail.test"]}), "authentication") == ["mail.test"]
    assert FACE.hosts({"protocol": "smtp", "data": [variables()["data"]]}, "authentication") == ["mail.test"]
    assert FACE.hosts({"protocol": "imap", "data": variables()["data"]}, "authentication") == [""]
    assert FACE.hosts({}, "authentication") == [""]


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("action", "config", "path", "rule"),
    [
        ({"from": None}, {}, "data.smtpAction.from", "must not be null"),
        ({"to": None}, {}, "data.smtpAction.to", "must not be null"),
        ({"subject": None}, {}, "data.smtpAction.subject", "must not be null"),
        ({"body": None}, {}, "data.smtpAction.emailMessageValid", "Please provide a proper message body"),
        ({"contentType": "HTML"}, {}, "data.smtpAction.emailMessageValid", "Please provide a proper message body"),
        ({}, {"smtpHost": None}, "data.smtpConfig.smtpHost", "must not be null"),
        ({}, {"smtpPort": ""}, "data.smtpConfig.smtpPort", "must not be null"),
        ({}, {"smtpCryptographicProtocol": None}, "data.smtpConfig.smtpCryptographicProtocol", "must not be null"),
    ],
)
def test_a_missing_value_is_said_in_their_words(
    action: dict[str, Any], config: dict[str, Any], path: str, rule: str
) -> None:
    said = message(action, config)
    assert said == f"{RULES}\n - Property: {path}: Validation failed. Original message: {rule}"


def test_all_that_is_missing_is_said_at_once() -> None:
    said = message({"from": None, "subject": None}, {"smtpHost": None}, authentication={"type": "simple"})
    assert said.count("\n - Property: ") == 5
    assert "authentication.password: Validation failed. Original message: must not be blank" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Property: authentication: Validation failed. Original message: must not be null"),
        ({}, "Property: data: Validation failed. Original message: must not be null"),
        ({"protocol": "smtp"}, "Missing property 'data' for external type id 'protocol'"),
        ({"data": {}}, "Missing external type id property 'protocol'"),
        ({"data": {}, "protocol": 7}, "Unexpected Error, Further investigation is needed"),
        ({"data": None, "protocol": "smtp"}, "Property: data: Validation failed"),
        ({"data": {}, "protocol": "smtp"}, "Property: data.smtpAction: Validation failed"),
        (
            {"data": {"smtpActionDiscriminator": "sendEmailSmtp"}, "protocol": "smtp"},
            "Missing property 'smtpAction' for external type id 'smtpActionDiscriminator'",
        ),
        ({"data": {"smtpAction": {}}, "protocol": "smtp"}, "Missing external type id property"),
        ({"data": {"smtpAction": "x"}, "protocol": "smtp"}, "Cannot construct instance of `SmtpSendEmail`"),
        ({"data": {}, "protocol": "imap"}, "Property: data.imapAction: Validation failed"),
        (
            {"data": {"pop3Action": {}}, "protocol": "pop3"},
            "Missing external type id property 'pop3ActionDiscriminator'",
        ),
    ],
)
def test_the_shape_is_checked_as_theirs_is(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=re.escape(said)):
        FACE.errand(given)


@pytest.mark.parametrize(
    ("action", "config", "said"),
    [
        ({}, {"smtpPort": "abc"}, "Json object contains an invalid field: smtpConfig, smtpPort. It Must be `Integer`"),
        ({}, {"smtpPort": 70_000}, "port"),
        ({}, {"smtpCryptographicProtocol": "STARTTLS"}, "It Must be `CryptographicProtocol`"),
        ({}, {"smtpHost": ""}, "host"),
        ({"subject": {"a": 1}}, {}, "Cannot deserialize value of type `java.lang.String` from Object value"),
        ({"subject": ["a", "b"]}, {}, "it contains 2 values"),
        ({"headers": 3}, {}, "LinkedHashMap"),
        ({"to": 5}, {}, "List or String was expected"),
        ({"to": ["b@x.test", None]}, {}, "Unexpected value in the list to"),
        ({"to": ""}, {}, "No recipient addresses"),
        ({"to": "a@b@x.test"}, {}, "jakarta.mail.internet.AddressException: to"),
        ({"from": "a@x.test, b@x.test"}, {}, "must be exactly one address"),
        ({"headers": {"X-A": "v\r\nX-Injected: yes"}}, {}, "line breaks"),
        ({"headers": {"X-A: v\r\nX-Injected": "yes"}}, {}, "line breaks"),
        ({"headers": {"bcc": "evil@x.test"}}, {}, "Use the field bcc"),
        ({"headers": {"Reply-To": "r@x.test\r\nBcc: evil@x.test"}}, {}, "AddressException"),
        ({"attachments": [{"camunda.document.type": "camunda"}]}, {}, "documentId"),
        ({"attachments": "report.pdf"}, {}, "no document reference"),
        ({"attachments": [{"url": "https://files.test/a.pdf"}]}, {}, "no document reference"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(
    action: dict[str, Any], config: dict[str, Any], said: str
) -> None:
    assert said in message(action, config)


def test_no_message_repeats_a_value() -> None:
    for broken in ({"subject": {"sesame": 1}}, {"to": "se same"}, {"body": {"a": "sesame"}}, {"headers": "sesame"}):
        assert "same" not in message(broken)


# ── retryBackoff ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0S", 0),
        ("PT5S", 5),
        ("pt5s", 5),
        ("PT1.5S", 1.5),
        ("P1DT1H", 90_000),
        ("-PT5S", 0),
        ("PT-5S", 0),
        ("+PT5S", 5),
    ],
)
def test_a_back_off_is_a_java_duration(text: str, seconds: float) -> None:
    assert FACE.manners.wait(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["P1D1S", "five", "  ", " PT5S ", "=PT5S", "P", "PT", "P1W", "P1Y", "PT99999999999999S"]
)
def test_any_other_text_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InputError) as caught:
        FACE.manners.wait(text)
    assert caught.value.message == (
        f"Failed to parse retry backoff header. Expected ISO-8601 duration, e.g. PT5M, got: {text}"
    )
