"""Tasks of Infosys' connectors become ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.foreign_models import model
from tests.unit.compat.convert.reading import inputs_of, job_variables
from zeebe_mail.compat.convert import convert
from zeebe_mail.operations.catalogue import catalogue

TYPE = "com.infosys.camundaconnectors.email:{}:1"
SMTP = {
    "authentication.hostname": "smtp.x.test",
    "authentication.port": "25",
    "authentication.username": "shop@x.test",
    "authentication.password": "secrets.PASSWORD",
    "smtpEmailMailBoxName": "=customer",
    "smtpEmailToRecipients": "=[customer]",
    "smtpEmailSubject": '="Order " + number',
    "smtpEmailContentType": "Text",
    "smtpEmailContent": "Hello,\\nyour order",
    "smtpEmailImportance": "${true}",
    "smtpEmailReadReceipt": "${false}",
    "smtpEmailFollowUp": "tomorrow",
    "smtpEmailSensitivity": "Personal",
}
MAILBOX = {
    "authentication.hostname": "imap.x.test",
    "authentication.portNumber": "993",
    "authentication.username": "shop",
    "authentication.password": "secrets.PASSWORD",
    "authentication.domainName": "x.test",
}
FOLDER = {"authentication.folderPath": "Orders/2026/"}


def infosys(protocol: str, inputs: dict[str, str], headers: dict[str, str] | None = None) -> bytes:
    return model("p", TYPE.format(protocol), inputs, headers or {})


def given(protocol: str, inputs: dict[str, str]) -> dict[str, Any]:
    """The input of our task, which takes it."""
    conversion = convert(infosys(protocol, inputs))
    (task,) = conversion.tasks
    assert task.becomes, task.remarks
    job = job_variables(conversion.model)
    catalogue()[task.becomes].input.model_validate(job)
    return job | {"task": task.becomes}


def test_a_mail_says_what_it_said() -> None:
    job = given("smtp", SMTP)
    assert job["task"] == "mail:smtp-send:1"
    assert job["server"] == {"host": "smtp.x.test", "port": "25", "security": "TLS"}
    assert job["request"] == {
        "from": "ada@x.test",
        "to": ["ada@x.test"],
        "subject": "Order 4711",
        "text": "Hello,\nyour order",
        "importance": True,
        "readReceipt": False,
        "followUp": "tomorrow",
        "sensitivity": "Personal",
    }


@pytest.mark.parametrize(
    ("content", "field"), [("<p>Hello</p>", "html"), ("/srv/hello.html", "htmlFrom"), ("=file", "htmlFrom")]
)
def test_html_is_a_text_or_the_path_of_a_file(content: str, field: str) -> None:
    request = given("smtp", SMTP | {"smtpEmailContentType": "HTML", "smtpEmailContent": content})["request"]
    assert [name for name in ("html", "htmlFrom") if request.get(name)] == [field]


@pytest.mark.parametrize(
    ("operation", "data", "task", "request_"),
    [
        ("list-emails", {}, "list", {"limit": 1000, "fields": "ids", "sortOrder": "ASC"}),
        (
            "list-emails",
            {"maxResults": "5", "outputType": "headerDetails"},
            "list",
            {"limit": "5", "fields": "summary"},
        ),
        ("search-emails", {"searchContent": "=number"}, "search", {"criteria": {"subject": "4711"}}),
        (
            "search-emails",
            {"searchType": "complete", "searchContent": "=number"},
            "search",
            {"criteria": {"field": "SUBJECT", "value": "4711", "match": "exact"}},
        ),
        ("search-emails", {"searchField": "from", "searchContent": "ada"}, "search", {"criteria": {"from": "ada"}}),
        (
            "search-emails",
            {"searchField": "all", "searchContent": "a"},
            "search",
            {"criteria": {"or": [{"subject": "a"}, {"from": "a"}, {"body": "a"}]}},
        ),
        ("delete-email", {"messageId": "=mail.messageId"}, "delete", {"messageId": "<a@x.test>", "ifMissing": "error"}),
    ],
)
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_the_operations_of_both_protocols(
    protocol: str, operation: str, data: dict[str, str], task: str, request_: dict[str, Any]
) -> None:
    inputs = MAILBOX | {"operation": f"{protocol}.{operation}"} | {f"data.{name}": one for name, one in data.items()}
    job = given(protocol, inputs | (FOLDER if protocol == "imap" else {}))
    assert job["task"] == f"mail:{protocol}-{task}:1"
    assert job["auth"]["username"] == "shop@x.test"
    assert job["request"].items() >= request_.items()
    assert job["request"].get("mailbox") == ("Orders/2026" if protocol == "imap" else None)


@pytest.mark.parametrize(
    ("operation", "data", "request_"),
    [
        ("read-email", {"outputType": "header"}, {"level": "header", "markAsRead": True}),
        (
            "move-email",
            {"targetFolderPath": "Done", "createTargetFolder": "${true}"},
            {"target": "Done", "createTarget": True},
        ),
        ("move-email", {"targetFolderPath": "=folder"}, {"target": "Orders", "createTarget": False}),
    ],
)
def test_the_operations_of_imap(operation: str, data: dict[str, str], request_: dict[str, Any]) -> None:
    inputs = {"operation": f"imap.{operation}", "data.messageId": "a@x.test"}
    job = given("imap", MAILBOX | FOLDER | inputs | {f"data.{name}": one for name, one in data.items()})
    assert job["request"].items() >= {"messageId": "a@x.test", **request_}.items()


@pytest.mark.parametrize(("user", "whole"), [("=mail.messageId", "<a@x.test>@x.test"), ("=customer", "ada@x.test")])
def test_the_domain_is_added_where_the_user_has_none(user: str, whole: str) -> None:
    inputs = MAILBOX | FOLDER | {"authentication.username": user, "operation": "imap.list-emails"}
    assert given("imap", inputs)["auth"]["username"] == whole


@pytest.mark.parametrize(
    ("inputs", "headers", "reason"),
    [
        ({"data.filters": '={filter: "size > 5"}'}, {}, "request.criteria"),
        ({"data.sortBy": '={sortOn: "size", order: "asc"}'}, {}, "request.sortBy"),
        ({"authentication.keyStorePath": "/etc/store.jks"}, {}, "ZEEBE_MAIL_CA_FILE"),
        ({"operation": "imap.download-email"}, {}, "mail:imap-download:1"),
        ({"operation": "imap.read-email", "data.messageId": "a", "data.postReadAction": "unread"}, {}, "flags-remove"),
        (
            {
                "operation": "imap.search-emails",
                "data.searchContent": "a",
                "data.searchType": "complete",
                "data.searchField": "body",
            },
            {},
            "since",
        ),
        ({"operation": "imap.search-emails", "data.searchContent": "a", "data.searchField": "attachment"}, {}, "since"),
        ({}, {"resultExpression": "={ids: response.response}"}, "`messages`"),
    ],
)
def test_a_task_that_cannot_be_rewritten_stays_as_it_is(
    inputs: dict[str, str], headers: dict[str, str], reason: str
) -> None:
    before = infosys("imap", MAILBOX | FOLDER | {"operation": "imap.list-emails"} | inputs, headers)
    conversion = convert(before)
    (task,) = conversion.tasks
    assert (conversion.model, task.becomes) == (before, None)
    assert reason in task.remarks[0]


def test_files_are_to_be_allowed() -> None:
    (task,) = convert(infosys("smtp", SMTP | {"smtpEmailAttachments": '=["/srv/a.pdf"]'})).tasks
    assert "ZEEBE_MAIL_FILES_DIRS" in task.remarks[0]


def test_inputs_keep_their_place() -> None:
    targets = list(inputs_of(convert(infosys("smtp", SMTP)).model))
    assert targets[:3] == ["server.host", "server.port", "auth.username"]
    assert targets[-2:] == ["server.security", "auth.type"]
