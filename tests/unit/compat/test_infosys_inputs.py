"""Infosys' variables → our operations, where no server is needed to see it."""

from __future__ import annotations

from typing import Any

import pytest

from zeebe_mail import errors
from zeebe_mail.app import task_types
from zeebe_mail.compat.infosys.face import InfosysFace, faces
from zeebe_mail.compat.infosys.ids import reference, shown
from zeebe_mail.compat.infosys.listing import MOST, of_list, of_search
from zeebe_mail.errors import ContractError, ResultTooLarge, WorkerError
from zeebe_mail.mail.server import Security
from zeebe_mail.operations.base import Errand
from zeebe_mail.operations.pop3.list import ListOutput
from zeebe_mail.settings import load

TYPE = "com.infosys.camundaconnectors.email:{}:1"
RULES = "jakarta.validation.ValidationException: Found constraints violated while validating input: "


def face(protocol: str, *, codes: bool = False) -> InfosysFace:
    known = {
        one.task_type: one for one in faces(secret_fields=("authentication", "data"), codes=codes, own_retries=False)
    }
    return known[TYPE.format(protocol)]


def sending(**more: Any) -> dict[str, Any]:
    login = {"hostname": "mail.test", "port": "587", "username": "jane", "password": "open-up"}
    return {
        "authentication": login | more.pop("authentication", {}),
        "smtpEmailMailBoxName": "a@x.test",
        "smtpEmailToRecipients": ["b@x.test"],
        "smtpEmailSubject": "Hi",
        "smtpEmailContentType": "Text",
        "smtpEmailContent": "Hello",
    } | more


def of_mailbox(protocol: str, operation: str | None, data: Any = None, **login: Any) -> dict[str, Any]:
    authentication = {
        "hostname": "mail.test",
        "portNumber": "993",
        "username": "jane",
        "password": "open-up",
        "domainName": "x.test",
        "folderPath": "Inbox",
    }
    return {"authentication": authentication | login, "operation": operation, "data": data}


def errand(protocol: str, variables: dict[str, Any]) -> Errand:
    return face(protocol).errand(variables)


def message(protocol: str, variables: dict[str, Any]) -> str:
    with pytest.raises(ContractError) as caught:
        errand(protocol, variables)
    return caught.value.message


def test_the_task_types_are_served_only_where_they_are_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    types = {TYPE.format(protocol) for protocol in ("smtp", "imap", "pop3")}
    assert not types & set(task_types(load()))
    monkeypatch.setenv("ZEEBE_MAIL_COMPAT", "camunda,infosys")
    assert types | {"io.camunda:email:1"} <= set(task_types(load()))


def test_the_variables_that_are_asked_for_are_those_of_the_templates() -> None:
    assert face("imap").fetch_variables == face("pop3").fetch_variables == ["authentication", "operation", "data"]
    assert len(face("smtp").fetch_variables) == 14
    assert all(name == "authentication" or name.startswith("smtpEmail") for name in face("smtp").fetch_variables)
    assert face("smtp").hosts(sending(), "authentication") == ["mail.test"]
    assert face("smtp").hosts({"authentication": "x"}, "authentication") == [""]


# ── login ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("port", "security"),
    [("25", Security.STARTTLS), ("587", Security.STARTTLS), (2525, Security.STARTTLS), ("465", Security.SSL_TLS)],
)
def test_sending_is_always_encrypted(port: Any, security: Security) -> None:
    server = errand("smtp", sending(authentication={"port": port})).given.server
    assert (server.port, server.security) == (int(port), security)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
@pytest.mark.parametrize(
    ("username", "domain", "expected"),
    [
        ("jane", "x.test", "jane@x.test"),
        ("jane", "@x.test", "jane@x.test"),
        ("jane@x.test", "x.test", "jane@x.test"),
        ("jane@y.test", "x.test", "jane@y.test@x.test"),
    ],
)
def test_the_domain_is_added_where_it_is_missing(protocol: str, username: str, domain: str, expected: str) -> None:
    given = errand(protocol, of_mailbox(protocol, None, username=username, domainName=domain)).given
    assert given.auth.username == expected
    assert (given.server.host, given.server.port, given.server.security) == ("mail.test", 993, Security.SSL_TLS)


@pytest.mark.parametrize("port", ["x", "0", "-1", "70000", "٣", "99999999999"])
def test_a_port_is_digits(port: str) -> None:
    rule = "authentication.port: Validation failed. Original message: Port must be a number"
    assert rule in message("smtp", sending(authentication={"port": port}))
    assert "Port must be a number" in message("imap", of_mailbox("imap", None, portNumber=port))


def test_all_that_is_missing_is_said_at_once() -> None:
    told = message("smtp", {"authentication": {"hostname": " "}, "smtpEmailContentType": "PDF"})
    assert told.startswith(RULES)
    for name in ("hostname", "port", "username", "password"):
        assert f"Property: authentication.{name}: Validation failed. Original message: must not be blank" in told
    for name in ("MailBoxName", "Subject", "Content"):
        assert f"Property: smtpEmail{name}: Validation failed. Original message: must not be blank" in told
    assert "'contentType' should be either 'html' or 'text'" in told
    assert "smtpEmailToRecipients: Validation failed. Original message: must not be empty" in told
    told = message("imap", {"authentication": {}})
    for words in ("hostName for email server", "port for", "username for", "password for", "domainName", "folderPath"):
        assert f"Please provide a valid {words}" in told
    assert "authentication: Validation failed. Original message: must not be null" in message("pop3", {})


def test_a_folder_path_has_slashes_between_its_parts() -> None:
    assert errand("imap", of_mailbox("imap", None, folderPath="/Inbox/Orders/")).given.request.mailbox == "Inbox/Orders"


def test_a_certificate_may_stand_for_the_key_store() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
    assert errand("pop3", of_mailbox("pop3", None, keyStorePath=pem)).given.server.tls.ca_certificate == pem
    stored = of_mailbox("pop3", None, keyStorePath="D:/keystore", keyStorePassword="123")
    assert errand("pop3", stored).given.server.tls.ca_certificate is None
    assert "password for email server's keystore" in message("pop3", of_mailbox("pop3", None, keyStorePath="D:/ks"))


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"smtpEmailMailBoxName": "mailBoxName"}, "Invalid mailbox or from email address"),
        ({"smtpEmailMailBoxName": "a@x.test\r\nBcc: c@x.test"}, "Invalid mailbox or from email address"),
        ({"smtpEmailToRecipients": ["no address"]}, "Invalid toEmailAddress"),
        ({"smtpEmailCcRecipients": [5]}, "Invalid CcEmailAddress"),
        ({"smtpEmailBccRecipients": ["@"]}, "Invalid BccEmailAddress"),
        ({"smtpEmailDirectReplyTo": ["x y"]}, "Invalid directReplyTo email address"),
        ({"smtpEmailFollowUp": "next year"}, "InvalidDate : please select valid follow up value"),
        ({"smtpEmailSensitivity": "Secret"}, "InvalidSensitivity"),
        ({"smtpEmailAttachments": ["C:/Dump/Banner.bmp"]}, "InvalidAttachments : system could not find attachment"),
        ({"smtpEmailImportance": "high"}, "smtpEmailImportance: only true or false"),
        ({"smtpEmailContentType": "html", "smtpEmailContent": "Hello"}, "Invalid html file path in content"),
        ({"smtpEmailSubject": "two\r\nlines"}, "subject:"),
        ({"smtpEmailCcRecipients": "[broken"}, "smtpEmailCcRecipients is neither a list or context"),
    ],
)
def test_what_cannot_be_sent(given: dict[str, Any], told: str) -> None:
    assert message("smtp", sending(**given)).startswith(told)


@pytest.mark.parametrize("given", ["b@x.test, c@x.test", ["b@x.test;c@x.test"], '["b@x.test", "c@x.test"]'])
def test_recipients_in_other_forms(given: Any) -> None:
    request = errand("smtp", sending(smtpEmailToRecipients=given)).given.request
    assert [one.address for one in request.to] == ["b@x.test", "c@x.test"]


def test_follow_up_takes_dates_and_durations_too() -> None:
    for due in ("2026-01-31", "P3D", "TODAY"):
        assert errand("smtp", sending(smtpEmailFollowUp=due)).given.request.follow_up.due == due


def test_texts_and_attachments_may_be_documents() -> None:
    document = {"camunda.document.type": "camunda", "documentId": "d1"}
    for kind in ("Text", "HTML"):
        request = errand(
            "smtp",
            sending(smtpEmailContentType=kind, smtpEmailContent=document, smtpEmailAttachments=[document]),
        ).given.request
        body = request.html_from if kind == "HTML" else request.text_from
        assert body.document.document_id == request.attachments[0].document.document_id == "d1"


# ── lists ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("operation", "ours"),
    [
        (None, "mail:imap-list:1"),
        ("imap.list-emails", "mail:imap-list:1"),
        ("imap.search-emails", "mail:imap-search:1"),
        ("imap.read-email", "mail:imap-read:1"),
        ("imap.download-email", "mail:imap-download:1"),
        ("imap.move-email", "mail:imap-move:1"),
        ("imap.delete-email", "mail:imap-delete:1"),
    ],
)
def test_each_operation_is_one_of_ours(operation: str | None, ours: str) -> None:
    data = {"messageId": "1@x.test", "searchContent": "x", "downloadFolderPath": "/srv", "targetFolderPath": "Done"}
    assert errand("imap", of_mailbox("imap", operation, data)).operation.task_type == ours


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("imap.search-emails", "data.searchContent: Validation failed. Original message: must not be blank"),
        ("imap.read-email", "data.messageId: Validation failed. Original message: must not be blank"),
        ("imap.download-email", "data.downloadFolderPath: Validation failed"),
        ("imap.move-email", "data.targetFolderPath: Validation failed"),
        ("imap.delete-email", "data.messageId: Validation failed"),
        ("imap.send-email", "operation is unknown; known are imap.list-emails"),
    ],
)
def test_what_an_operation_needs(operation: str, told: str) -> None:
    assert told in message("imap", of_mailbox("imap", operation, {}))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"outputType": "all"}, "outputType should be messageIds or headerDetails"),
        ({"maxResults": "many"}, "Json object contains an invalid field: data, maxResults. It Must be `Integer`"),
        ({"maxResults": 10_001}, "maxResults must be at most 10000"),
        ({"sortBy": {"sortOn": "size", "order": "up"}}, "SortException: Sorted order error."),
        ({"sortBy": {"sortOn": "colour", "order": "asc"}}, "Unable to sort message. You can sort message on size"),
        ({"sortBy": "size"}, "sortBy is neither a list or context nor the JSON text of one"),
        ({"filters": "subject"}, "filters is neither a list or context nor the JSON text of one"),
    ],
)
def test_what_cannot_be_listed(data: dict[str, Any], told: str) -> None:
    assert message("pop3", of_mailbox("pop3", "pop3.list-emails", data)).startswith(told)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"searchField": "colour", "searchContent": "x"}, "searchField should be one of the following: subject"),
        ({"searchField": "receivedDate", "searchContent": "x"}, "searchContent: Unable to parse date"),
        ({"searchField": "body", "searchContent": "a\nb"}, "searchContent must not contain line breaks"),
        (
            {"searchField": "subject", "searchType": "complete", "searchContent": "a\nb"},
            "searchContent must not contain line breaks",
        ),
    ],
)
def test_what_cannot_be_searched(data: dict[str, Any], told: str) -> None:
    assert message("imap", of_mailbox("imap", "imap.search-emails", data)).startswith(told)


def listed(names: list[str | None], *, truncated: bool = False) -> ListOutput:
    messages = [
        {"messageId": f"<{name}>" if name else None, "uidl": f"u{at}", "number": at} for at, name in enumerate(names)
    ]
    return ListOutput.model_validate({"messages": messages, "total": len(messages), "truncated": truncated})


def test_more_than_can_be_looked_at_is_an_error_and_not_a_part_of_it() -> None:
    assert of_list({"maxResults": 5}).response(listed(["1@x"], truncated=True)) == {"response": ["1@x"]}
    for asked in (
        of_search({}),
        of_list({"sortBy": {"sortOn": "messageId", "order": "asc"}}),
        of_list({"maxResults": MOST}),
    ):
        with pytest.raises(ResultTooLarge, match="10000 at most"):
            asked.response(listed(["1@x"], truncated=True))


def test_ids_can_be_in_the_order_of_something_else() -> None:
    sorted_ = of_list({"sortBy": {"sortOn": "messageId", "order": "desc"}})
    assert sorted_.response(listed(["b@x", "c@x", "a@x"])) == {"response": ["c@x", "b@x", "a@x"]}


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message_", "name"),
    [
        ({"messageId": "<1@x>", "uid": 3, "uidValidity": 7}, "1@x"),
        ({"messageId": None, "uid": 3, "uidValidity": 7}, "uid:7:3"),
        ({"messageId": "<a b>", "uid": 3, "uidValidity": 7}, "<a b>"),
        ({"messageId": "a b", "uid": 3, "uidValidity": 7}, "uid:7:3"),
        ({"messageId": "<uid:7:4>", "uid": 3, "uidValidity": 7}, "<uid:7:4>"),
        ({"messageId": None, "uidl": "0001"}, "uidl:0001"),
        ({"messageId": "<uidl:0002>", "uidl": "0001"}, "<uidl:0002>"),
    ],
)
def test_a_message_has_one_name_that_leads_back_to_it(message_: dict[str, Any], name: str) -> None:
    assert shown(message_) == name
    found = reference(name)
    if "messageId" in found:
        assert message_["messageId"] == found["messageId"]
    else:
        assert found == {key: value for key, value in message_.items() if key != "messageId"}


@pytest.mark.parametrize("name", ["<>", "a b", "<a> <b>"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ContractError, match="Please provide a valid message ID"):
        reference(name)


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.CredentialsError("No.", details={"text": "bad"}), "AuthenticationFailed : Please check userName"),
        (errors.MailboxNotFound('There is no mailbox "x".'), 'FolderNotFound: There is no mailbox "x".'),
        (errors.HostNotFound("x"), "ConnectionError: Error Connecting to Mail Server. Please check hostName and"),
        (errors.ServerTimeout("x"), "ConnectionError: "),
        (errors.CertificateRejected("x"), "ConnectionError: "),
        (errors.QuotaExceeded("The mailbox is full."), "MessagingException: The mailbox is full."),
        (errors.FileNotAllowed("Not there."), "DownloadFailed: Failed to download email, Not there."),
        (errors.DocumentNotStored("No space."), "DownloadFailed: Failed to download email, No space."),
    ],
)
def test_errors_of_mailboxes_begin_as_they_always_did(error: WorkerError, told: str) -> None:
    described = face("imap").manners.describe(error)
    assert described["message"].startswith(told)
    assert described["message"].endswith(str(error))
    assert described.keys() == {"type", "message"}
    assert described["type"] == "java.lang.RuntimeException"


def test_our_codes_are_a_switch() -> None:
    described = face("pop3", codes=True).manners.describe(errors.MailboxNotFound("x", details={"mailbox": "x"}))
    assert (described["code"], described["variables"]) == ("MAILBOX_NOT_FOUND", {"mailbox": "x"})
