"""Camunda's tasks on mailboxes → our operations: what is asked for, and what cannot be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from zeebe_mail.compat.camunda.face import CamundaFace
from zeebe_mail.errors import ContractError, MailboxNotFound, MessageNotFound
from zeebe_mail.mail.server import Security
from zeebe_mail.message.criteria import And, Contains, HeaderIs, Or, Place
from zeebe_mail.operations.base import Errand
from zeebe_mail.operations.imap.delete import DeleteOutput
from zeebe_mail.operations.maildrop import SortBy

FACE = CamundaFace(secret_fields=("authentication", "data"), codes=False, own_retries=False)
LIST: dict[str, Any] = {"maxToBeRead": 5, "sortField": "SIZE", "sortOrder": "DESC"}
SUBJECT = {"field": "SUBJECT", "value": "x"}


def errand(discriminator: str, action: dict[str, Any], **others: Any) -> Errand:
    protocol = discriminator[-4:].lower()
    config = {f"{protocol}Host": " mail.test ", f"{protocol}Port": "2143", f"{protocol}CryptographicProtocol": "NONE"}
    given = {
        "authentication": {"type": "simple", "username": "jane", "password": "open-up"},
        "protocol": protocol,
        "data": {
            f"{protocol}Config": config | others.pop("config", {}),
            f"{protocol}ActionDiscriminator": discriminator,
            f"{protocol}Action": action,
        },
    }
    return FACE.errand(given | others)


@pytest.mark.parametrize(
    ("discriminator", "action", "task"),
    [
        ("listEmailsImap", LIST, "mail:imap-list:1"),
        ("searchEmailsImap", {"criteria": SUBJECT}, "mail:imap-search:1"),
        ("readEmailImap", {"messageId": "a@x"}, "mail:imap-read:1"),
        ("deleteEmailImap", {"messageId": "a@x"}, "mail:imap-delete:1"),
        ("moveEmailImap", {"messageId": "a@x", "fromFolder": "", "toFolder": "Done"}, "mail:imap-move:1"),
        ("listEmailsPop3", LIST, "mail:pop3-list:1"),
        ("searchEmailsPop3", {"criteria": SUBJECT}, "mail:pop3-search:1"),
        ("readEmailPop3", {"messageId": "<a@x>"}, "mail:pop3-read:1"),
        ("deleteEmailPop3", {"messageId": ["<a@x>"]}, "mail:pop3-delete:1"),
    ],
)
def test_behind_each_of_their_tasks_stands_one_of_ours(discriminator: str, action: dict[str, Any], task: str) -> None:
    asked = errand(discriminator, action)
    assert asked.operation.task_type == task
    assert (asked.given.server.host, asked.given.server.port) == ("mail.test", 2143)
    assert asked.given.auth.username == "jane"


@pytest.mark.parametrize(("word", "security"), [("TLS", Security.SSL_TLS), ("ssl", Security.SSL_TLS)])
def test_tls_is_encrypted_from_the_first_byte(word: str, security: Security) -> None:
    given = errand("listEmailsImap", LIST, config={"imapCryptographicProtocol": word, "imapPort": 143}).given
    assert given.server.security is security


@pytest.mark.parametrize(
    ("folder", "mailbox"), [(None, "INBOX"), ("", "INBOX"), ("inbox", "inbox"), ("A.b/c", "A.b/c"), (7, "7")]
)
def test_no_folder_is_the_inbox(folder: Any, mailbox: str) -> None:
    assert errand("listEmailsImap", LIST | {"listEmailsFolder": folder}).given.request.mailbox == mailbox


def test_a_folder_whose_name_is_blank_does_not_exist() -> None:
    with pytest.raises(MailboxNotFound):
        errand("listEmailsImap", LIST | {"listEmailsFolder": "  "})


def test_a_mail_is_not_moved_to_nowhere() -> None:
    with pytest.raises(MailboxNotFound):
        errand("moveEmailImap", {"messageId": "a@x", "fromFolder": "", "toFolder": ""})


def test_of_several_messages_with_a_message_id_the_first_is_meant() -> None:
    assert errand("readEmailImap", {"messageId": "<a@x>"}).given.request.first_of_several
    assert errand("readEmailPop3", {"messageId": "<a@x>"}).given.request.first_of_several
    for discriminator in ("deleteEmailImap", "deleteEmailPop3"):
        (reference,) = errand(discriminator, {"messageId": "<a@x>"}).given.request.references
        assert reference.first_of_several


def test_what_is_deleted_is_gone_for_good() -> None:
    assert errand("deleteEmailImap", {"messageId": "a@x"}).given.request.mode == "permanent"


@pytest.mark.parametrize("message_id", ["", " <a@x> ", "<a@x> <b@x>", "a\r\nb", "<>"])
def test_an_id_that_no_message_has_is_not_found(message_id: str) -> None:
    with pytest.raises(MessageNotFound, match="No emails have been found with this ID"):
        errand("deleteEmailImap", {"messageId": message_id})
    with pytest.raises(MessageNotFound, match="Could not find an email ID"):
        errand("readEmailImap", {"messageId": message_id})
    with pytest.raises(MessageNotFound, match="does not exist"):
        errand("moveEmailImap", {"messageId": message_id, "fromFolder": "A", "toFolder": "B"})


def test_what_was_not_there_was_not_deleted() -> None:
    output = DeleteOutput(
        deleted=False, mode="permanent", messages=[], done=0, already=0, missing=1, failed=0, total=1, truncated=False,
        message_id="<a@x>", uid=None, uid_validity=1, mailbox="INBOX",
    )  # fmt: skip
    asked = errand("deleteEmailImap", {"messageId": "a@x"})
    with pytest.raises(MessageNotFound, match="No emails have been found with this ID"):
        asked.response(output)
    assert asked.response(output.model_copy(update={"deleted": True})) == {"messageId": "a@x", "deleted": True}


def test_sizes_over_pop3_are_those_of_bodies() -> None:
    assert errand("listEmailsPop3", LIST).given.request.sort_by is SortBy.BODY_SIZE


@pytest.mark.parametrize(("limit", "asked"), [(0, 1), ("7", 7), (2**31 - 1, 2**31 - 1)])
def test_a_list_may_have_any_length(limit: Any, asked: int) -> None:
    assert errand("listEmailsImap", LIST | {"maxToBeRead": limit}).given.request.limit == asked
    assert errand("listEmailsPop3", LIST | {"maxToBeRead": limit}).given.request.limit == asked


# ── criteria ─────────────────────────────────────────────────────────────────────────────────────────────────────


def criteria(discriminator: str, given: Any) -> Any:
    return errand(discriminator, {"criteria": given}).given.request.criteria


def test_criteria_are_theirs() -> None:
    given = {"operator": "OR", "field": "x", "criteria": [{"operator": "AND", "criteria": [SUBJECT]}, SUBJECT]}
    subject = Contains(Place.SUBJECT, "x")
    assert criteria("searchEmailsImap", given) == Or((And((subject,)), subject))
    assert criteria("searchEmailsImap", {"field": "BODY", "value": 4711}) == Contains(Place.BODY, "4711")
    assert criteria("searchEmailsImap", {"field": "SUBJECT", "value": ""}) == Contains(Place.SUBJECT, "")


def test_from_is_a_part_of_the_header_over_imap_and_the_whole_address_over_pop3() -> None:
    jane = {"field": "FROM", "value": "Jane <jane@x.test>"}
    assert criteria("searchEmailsImap", jane) == Contains(Place.FROM, "Jane <jane@x.test>")
    assert criteria("searchEmailsPop3", jane) == HeaderIs("From", "jane@x.test")
    assert criteria("searchEmailsImap", {"field": "FROM", "value": "jane"}) == Contains(Place.FROM, "jane")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "must be an object"),
        ('{"field": "SUBJECT"}', "must be an object"),
        ([SUBJECT], "must be an object"),
        ({}, "neither operator nor field"),
        ({"operator": None, "field": "SUBJECT"}, "neither operator nor field"),
        ({"field": "TO", "value": "x"}, "SearchCriteria.TO"),
        ({"field": "subject", "value": "x"}, "SearchCriteria.subject"),
        ({"operator": "NOT", "criteria": [SUBJECT]}, "SearchOperator.NOT"),
        ({"operator": "AND"}, "needs a list of criteria"),
        ({"operator": "AND", "criteria": []}, "needs a list of criteria"),
        ({"field": "SUBJECT"}, "needs a value"),
        ({"field": "SUBJECT", "value": ["x"]}, "needs a value"),
        ({"field": "FROM", "value": ""}, "AddressException: FROM"),
        ({"field": "FROM", "value": "a b"}, "AddressException: FROM"),
        ({"field": "FROM", "value": "a@x.test, b@x.test"}, "exactly one address"),
        ({"operator": "AND", "criteria": [SUBJECT] * 600}, "more than 500 conditions"),
    ],
)
def test_criteria_that_say_nothing_are_refused(given: Any, said: str) -> None:
    for discriminator in ("searchEmailsImap", "searchEmailsPop3"):
        with pytest.raises(ContractError, match=re.escape(said)):
            criteria(discriminator, given)


# ── what breaks the contract ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("discriminator", "action", "others", "said"),
    [
        (
            "listEmailsImap",
            {},
            {},
            "data.imapAction.maxToBeRead: Validation failed. Original message: must not be null",
        ),
        ("listEmailsImap", LIST | {"sortOrder": None}, {}, "data.imapAction.sortOrder: Validation failed"),
        ("listEmailsImap", LIST | {"sortField": "NAME"}, {}, "sortField. It Must be `SortFieldImap`"),
        ("listEmailsPop3", LIST | {"sortField": "RECEIVED_DATE"}, {}, "sortField. It Must be `SortFieldPop3`"),
        ("listEmailsPop3", LIST | {"maxToBeRead": "many"}, {}, "maxToBeRead. It Must be `Integer`"),
        ("listEmailsPop3", LIST | {"maxToBeRead": 2**31}, {}, "maxToBeRead. It Must be `Integer`"),
        ("listEmailsPop3", LIST | {"maxToBeRead": -1}, {}, "must not be negative"),
        ("moveEmailImap", {"messageId": "a@x"}, {}, "data.imapAction.fromFolder: Validation failed"),
        ("readEmailImap", {"messageId": None}, {}, "data.imapAction.messageId: Validation failed"),
        ("readEmailImap", {"messageId": "a@x", "readEmailFolder": "a\nb"}, {}, "control characters"),
        ("readEmailImap", {"messageId": "a@x"}, {"config": {"imapPort": None}}, "data.imapConfig.imapPort"),
        ("readEmailImap", {"messageId": "a@x"}, {"config": {"imapHost": ""}}, "host"),
        ("readEmailImap", {"messageId": "a@x"}, {"authentication": {"type": "noAuth"}}, "noAuth is for smtp only"),
        ("readEmailImap", {"messageId": "a@x"}, {"authentication": {"username": "u"}}, "authentication.password"),
    ],
)
def test_the_contract_is_checked(discriminator: str, action: dict[str, Any], others: dict[str, Any], said: str) -> None:
    with pytest.raises(ContractError, match=re.escape(said)):
        errand(discriminator, action, **others)


@pytest.mark.parametrize("shape", [{"protocol": "imap"}, {"smtpHost": "", "pop3Host": "pop.test"}])
def test_a_reusable_account_stands_for_server_and_login(shape: dict[str, Any]) -> None:
    account = {"username": "a", "password": "p", "imapHost": "imap.test", **shape}
    variables = {
        "protocol": "imap",
        "data": {"imapActionDiscriminator": "readEmailImap", "imapAction": {"messageId": "a@x"}},
        "emailAccountConfiguration": account,
    }
    given = FACE.errand(variables).given
    assert (given.server.host, given.server.port, given.server.security) == ("imap.test", 993, Security.SSL_TLS)
    assert given.auth.username == "a"
    assert FACE.hosts(variables, "data") == ["imap.test"]
