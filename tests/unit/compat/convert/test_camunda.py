"""Tasks of Camunda's connector become ours, whichever version of its template wrote them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.servers.foreign_models import VERSIONS, camunda_inputs, camunda_model, number
from tests.unit.compat.convert.reading import VARIABLES, headers_of, inputs_of, job_variables
from zeebe_mail.compat.convert import Conversion, convert
from zeebe_mail.compat.convert.camunda import TARGETS
from zeebe_mail.operations.catalogue import catalogue

MAIL = {"from": "shop@x.test", "to": "=customer", "subject": "Order", "body": '="No. " + number'}
ACTIONS: Mapping[str, Mapping[str, str]] = {
    "sendEmailSmtp": MAIL,
    "listEmailsImap": {"sortField": "SENT_DATE", "sortOrder": "DESC", "listEmailsFolder": "Orders.2026"},
    "searchEmailsImap": {"criteria": '={field: "FROM", value: customer}', "searchEmailFolder": "=folder"},
    "readEmailImap": {"messageId": "=mail.messageId", "readEmailFolder": ""},
    "deleteEmailImap": {"messageId": "=mail.messageId", "deleteEmailFolder": "Orders"},
    "moveEmailImap": {"messageId": "=mail.messageId", "fromFolder": "INBOX", "toFolder": "Orders.2026"},
    "listEmailsPop3": {"sortField": "SENT_DATE", "sortOrder": "ASC"},
    "searchEmailsPop3": {"criteria": '={field: "SUBJECT", value: "order"}'},
    "readEmailPop3": {"messageId": "=mail.messageId"},
    "deleteEmailPop3": {"messageId": "<a@x.test>"},
}
SERVER = {"host": "mail.x.test", "username": "shop@x.test", "password": "{{secrets.PASSWORD}}"}


def converted(
    version: int, operation: str, action: Mapping[str, str], headers: Mapping[str, str] | None = None, **server: str
) -> Conversion:
    place = {**SERVER, "port": number(version, 993), **server}
    return convert(camunda_model("p", version, camunda_inputs(version, operation, action, place), headers))


def action_of(version: int, operation: str) -> dict[str, str]:
    more = {"maxToBeRead": number(version, 25)} if operation.startswith("list") else {}
    return {**ACTIONS[operation], **more}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", ACTIONS)
def test_each_operation_of_each_version_becomes_a_task_that_we_take(version: int, operation: str) -> None:
    conversion = converted(version, operation, action_of(version, operation))
    (task,) = conversion.tasks
    assert (task.remarks, conversion.complete) == ((), True)
    given: Any = catalogue()[task.becomes or ""].input.model_validate(job_variables(conversion.model))
    assert given.server.host == "mail.x.test"
    assert given.auth.password.get_secret_value() == "{{secrets.PASSWORD}}"


def test_a_mail_says_what_it_said() -> None:
    job = job_variables(converted(6, "sendEmailSmtp", MAIL).model)
    assert job["request"] == {"from": "shop@x.test", "to": "ada@x.test", "subject": "Order", "text": "No. 4711"}
    assert job["server"] == {"host": "mail.x.test", "port": 993, "security": "STARTTLS"}


@pytest.mark.parametrize(
    ("kind", "bodies"),
    [("PLAIN", {"text"}), ("HTML", {"html"}), ("MULTIPART", {"text", "html"}), ("multipart", {"text", "html"})],
)
def test_the_content_type_says_which_of_the_bodies_counts(kind: str, bodies: set[str]) -> None:
    mail = MAIL | {"contentType": kind, "htmlBody": "<p>Hello</p>"}
    request = job_variables(converted(4, "sendEmailSmtp", mail).model)["request"]
    assert request.keys() & {"text", "html"} == bodies


@pytest.mark.parametrize(
    ("fields", "attachments"),
    [
        ({"documentMode": "none"}, None),
        ({"documentMode": "multiple", "multiple_expression": "=[mail, mail]"}, [{"messageId": "<a@x.test>"}] * 2),
        (
            {"documentMode": "single", "single_documentSource": "camunda", "single_camundaReference": "=mail"},
            {"messageId": "<a@x.test>"},
        ),
        (
            {
                "documentMode": "single",
                "single_documentSource": "inline",
                "single_inline_content": 'Say "hello"',
                "single_inline_fileName": '=number + ".txt"',
                "single_inline_contentType": "text/plain",
            },
            {
                "camunda.document.type": "inline",
                "content": 'Say "hello"',
                "name": "4711.txt",
                "contentType": "text/plain",
            },
        ),
        (
            {"documentMode": "single", "single_documentSource": "external", "single_external_url": "https://x.test/a"},
            {"camunda.document.type": "external", "url": "https://x.test/a"},
        ),
    ],
)
def test_attachments_are_those_that_were_chosen(fields: dict[str, str], attachments: Any) -> None:
    chosen = {f"data_smtpAction_attachments_{name}": value for name, value in fields.items()}
    assert (
        job_variables(converted(6, "sendEmailSmtp", MAIL | chosen).model)["request"].get("attachments") == attachments
    )


def test_attachments_of_earlier_versions_stay_a_list() -> None:
    model = converted(4, "sendEmailSmtp", MAIL | {"attachments": "=[mail]"}).model
    assert inputs_of(model)["request.attachments"] == "=[mail]"


def test_an_expression_for_the_encryption_is_asked_when_the_process_runs() -> None:
    model = converted(3, "sendEmailSmtp", MAIL, encryption='="tls"').model
    assert job_variables(model)["server"]["security"] == "STARTTLS"


def test_a_reusable_account_is_opened_where_its_parts_are_needed() -> None:
    account = {"username": "u", "password": "{{secrets.P}}", "imapHost": "imap.x.test"}
    action = action_of(8, "listEmailsImap")
    model = converted(8, "listEmailsImap", action, account="=camunda.vars.env.shop").model
    job = job_variables(model, {**VARIABLES, "camunda": {"vars": {"env": {"shop": account}}}})
    assert job["server"] == {"host": "imap.x.test", "port": 993, "security": "SSL_TLS"}
    assert job["auth"] == {"type": "password", "username": "u", "password": "{{secrets.P}}"}


def test_no_login_has_no_user() -> None:
    inputs = camunda_inputs(4, "sendEmailSmtp", MAIL, SERVER | {"port": "=25"}) | {"authentication.type": "noAuth"}
    assert job_variables(convert(camunda_model("p", 4, inputs)).model)["auth"] == {"type": "none"}


def test_the_template_is_gone_and_headers_stay() -> None:
    model = converted(6, "deleteEmailPop3", ACTIONS["deleteEmailPop3"], {"resultVariable": "gone"}).model
    assert headers_of(model) == {"resultVariable": "gone", "retryBackoff": "PT0S"}
    assert b"modelerTemplate" not in model


def test_everything_else_stays_to_the_byte() -> None:
    place = SERVER | {"port": "=993"}
    before = camunda_model("p", 6, camunda_inputs(6, "sendEmailSmtp", MAIL, place), {"resultExpression": "={a:\n1}"})
    after = convert(before).model
    without_template = re.sub(rb' zeebe:modelerTemplate\w*="[^"]*"', b"", before)
    assert [one for one in after.splitlines() if b"<zeebe:" not in one] == [
        one for one in without_template.splitlines() if b"<zeebe:" not in one
    ]
    assert b'value="={a:&#10;1}"' in after


def test_a_model_without_such_tasks_is_the_same_to_the_byte() -> None:
    model = camunda_model("p", 6, {}).replace(b"io.camunda:email:1", b"io.camunda:http-json:1").replace(b"\n", b"\r\n")
    assert convert(model) == Conversion(model, ())


@pytest.mark.parametrize(
    ("operation", "headers", "after"),
    [
        ("listEmailsImap", {"resultVariable": "mails"}, {"resultExpression": "={mails: messages}"}),
        (
            "searchEmailsImap",
            {"resultExpression": "={first: response[1].messageId, n: count(response)}"},
            {"resultExpression": "={first: messages[1].messageId, n: count(messages)}"},
        ),
        ("sendEmailSmtp", {"resultExpression": "={ok: sent}"}, {"resultExpression": "={ok: true}"}),
        (
            "readEmailImap",
            {"resultExpression": "={file: attachments[1]}"},
            {"resultExpression": "={file: attachments.document[1]}"},
        ),
    ],
)
def test_results_are_what_they_were(operation: str, headers: dict[str, str], after: dict[str, str]) -> None:
    conversion = converted(6, operation, action_of(6, operation), headers)
    assert conversion.complete
    assert headers_of(conversion.model).items() >= after.items()
    assert "resultVariable" not in headers_of(conversion.model)


EDITED: list[tuple[str, dict[str, str], dict[str, str], str]] = [
    ("sendEmailSmtp", {"protocol": "=p"}, {}, "The protocol (protocol) is an expression"),
    ("sendEmailSmtp", {"data.smtpActionDiscriminator": "listEmailsImap"}, {}, "is none of smtp"),
    ("sendEmailSmtp", {"data.smtpAction.contentType": "=kind"}, {}, "gateway"),
    ("sendEmailSmtp", {"data.smtpConfig.smtpHost": ""}, {}, "no input data.smtpConfig.smtpHost"),
    ("sendEmailSmtp", {"data.smtpConfig.smtpCryptographicProtocol": "QUIC"}, {}, "known are TLS, SSL, NONE"),
    ("sendEmailSmtp", {"data.smtpAction.headers": '={"Reply-To": customer}'}, {}, "request.replyTo"),
    ("sendEmailSmtp", {"data.smtpAction.headers": '={"To": customer}'}, {}, "Its headers have To"),
    ("sendEmailSmtp", {"data": "=everything"}, {}, "given as a whole"),
    ("sendEmailSmtp", {"data.smtpAction.priority": "1"}, {}, "no input of this connector"),
    ("sendEmailSmtp", {"request": "=1"}, {}, "one of our inputs"),
    ("sendEmailSmtp", {"data.smtpConfig.smtpHost": "=auth.host"}, {}, "uses the variable auth"),
    ("sendEmailSmtp", {"data.smtpAction.to": "=from"}, {}, "uses the variable from"),
    ("sendEmailSmtp", {}, {"resultExpression": "={s: subject}"}, "uses `subject`"),
    ("sendEmailSmtp", {}, {"resultExpression": "={s: response.sent}"}, "uses `sent`"),
    ("sendEmailSmtp", {}, {"resultExpression": "={"}, "no FEEL"),
    ("sendEmailSmtp", {}, {"errorExpression": '=if error.type = "x" then {} else null'}, "error.type"),
    ("sendEmailSmtp", {}, {"errorExpression": '=if contains(error.message, "5") then {} else null'}, "error.message"),
    ("sendEmailSmtp", {}, {"errorExpression": "=if error.code != null then {} else null"}, "error.code"),
    ("listEmailsImap", {"data.imapAction.maxToBeRead": "=0"}, {}, "1 to 10000"),
    ("listEmailsImap", {"authentication.type": "noAuth"}, {}, "without a login"),
    ("listEmailsImap", {}, {"resultVariable": "a", "resultExpression": "={b: response}"}, "set both"),
]


@pytest.mark.parametrize(("operation", "edited", "headers", "reason"), EDITED)
def test_a_task_that_cannot_be_rewritten_stays_as_it_is(
    operation: str, edited: dict[str, str], headers: dict[str, str], reason: str
) -> None:
    inputs = camunda_inputs(6, operation, action_of(6, operation), SERVER | {"port": "=993"}) | edited
    model = camunda_model("p", 6, inputs, headers)
    conversion = convert(model)
    (task,) = conversion.tasks
    assert conversion.model == model
    assert task.becomes is None
    assert reason in task.remarks[0]


def test_a_result_that_the_model_uses_elsewhere_is_found() -> None:
    headers = {"resultVariable": "mail"}
    model = camunda_model("p", 6, camunda_inputs(6, "sendEmailSmtp", MAIL, SERVER | {"port": "=25"}), headers)
    assert convert(model).complete
    used = model.replace(b'name="Gr', b'documentation="=mail.sent" name="Gr')
    assert "mail.sent" in convert(used).tasks[0].remarks[0]


def test_what_can_only_be_seen_when_the_process_runs_is_to_be_looked_at() -> None:
    conversion = converted(6, "sendEmailSmtp", MAIL | {"headers": "=mail.headers"}, host="{{secrets.HOST}}")
    (task,) = conversion.tasks
    assert task.becomes == "mail:smtp-send:1"
    assert not conversion.complete
    assert ["Reply-To" in one or "ZEEBE_MAIL_SECRETS_FIELDS" in one for one in task.remarks] == [True, True]


def test_an_event_that_waits_for_mail_stays_and_is_told() -> None:
    properties = b'<zeebe:properties><zeebe:property name="inbound.type" value="%s" /></zeebe:properties>'
    model = camunda_model("p", 6, {}).replace(
        b'<zeebe:taskDefinition type="io.camunda:email:1" retries="1" />',
        properties % b"io.camunda:connector-email-inbound:1",
    )
    conversion = convert(model)
    (event,) = conversion.tasks
    assert (conversion.model, event.becomes, event.id) == (model, None, "task")
    assert "mail:imap-wait:1" in event.remarks[0]


def test_an_address_is_looked_for_as_a_whole_over_pop3() -> None:
    (task,) = converted(6, "searchEmailsPop3", {"criteria": '={field: "FROM", value: customer}'}).tasks
    assert "exact" in task.remarks[0]


def test_inputs_of_ones_own_stay() -> None:
    inputs = camunda_inputs(6, "sendEmailSmtp", MAIL, SERVER | {"port": "=25"})
    model = convert(camunda_model("p", 6, {"greeting": "Hello"} | inputs | {"orderId": "=number"})).model
    assert inputs_of(model).items() >= {"greeting": "Hello", "orderId": "=number"}.items()


def test_no_target_of_the_connector_is_left() -> None:
    for operation in ACTIONS:
        assert not inputs_of(converted(6, operation, action_of(6, operation)).model).keys() & TARGETS
