"""What is particular about sending: its input, and what becomes of it in session and output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from pydantic import ValidationError

from tests.desks import OneSession, desk
from zeebe_mail.errors import InputError
from zeebe_mail.mail.faults import Rejection
from zeebe_mail.mail.smtp import DsnRequest, Outgoing, Receipt
from zeebe_mail.operations.base import Attempt, OperationOutput
from zeebe_mail.operations.catalogue import catalogue
from zeebe_mail.operations.smtp.send import SendInput, send

BREAKS = ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0"]


@dataclass
class FakeAttempt:
    """An attempt that counts its points of no return."""

    token: str = "4711-1"
    commits: int = 0

    @property
    def committed(self) -> bool:
        return self.commits > 0

    async def commit(self, expected: OperationOutput | None = None) -> None:
        self.commits += 1

    async def sent(self, output: OperationOutput) -> None:
        """Nothing is recorded."""


@dataclass
class FakeSession:
    """A session whose server takes everything but what it is told to refuse."""

    refuses: tuple[str, ...] = ()
    mails: list[tuple[Outgoing, str]] = field(default_factory=list)

    async def send(self, mail: Outgoing, *, required: str, commit: Callable[[Receipt], Awaitable[None]]) -> Receipt:
        self.mails.append((mail, required))
        rejected = tuple(Rejection(one, 550, "5.1.1", "no such user") for one in self.refuses)
        accepted = tuple(one for one in mail.recipients if one not in self.refuses)
        expected = Receipt(accepted, rejected, "", len(mail.data), mail.dsn is not None)
        await commit(expected)
        return replace(expected, response="250 2.0.0 Ok: queued as 4711")


def variables(**request: Any) -> dict[str, Any]:
    mail = {"from": "Jane <jane@example.org>", "to": "bob@example.org", "subject": "Hi", "text": "Hello", **request}
    return {
        "server": {"host": "smtp.example.org"},
        "auth": {"type": "password", "username": "jane", "password": "topsecret"},
        "request": {name: value for name, value in mail.items() if value is not ...},
    }


def problems(given: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        SendInput.model_validate(given)
    assert "topsecret" not in str(caught.value)
    return [".".join(map(str, error["loc"])) for error in caught.value.errors()]


async def test_a_mail_is_sent_and_told() -> None:
    session, attempt = FakeSession(), FakeAttempt()
    given = SendInput.model_validate(variables(cc=["carl@example.org"], bcc="bob@example.org; eve@example.org"))

    produced = await send.run(given, OneSession(session), attempt, desk())

    ((mail, required),) = session.mails
    assert required == "all"
    assert mail.recipients == ("bob@example.org", "carl@example.org", "eve@example.org")
    assert b"eve@example.org" not in bytes(mail.data)
    assert attempt.commits == 1
    written = produced.date.isoformat().replace("+00:00", "Z")
    assert produced.model_dump(mode="json") == {
        "messageId": "<zm-4711-1@example.org>",
        "accepted": ["bob@example.org", "carl@example.org", "eve@example.org"],
        "rejected": [],
        "response": "250 2.0.0 Ok: queued as 4711",
        "envelope": {"from": "jane@example.org", "to": ["bob@example.org", "carl@example.org", "eve@example.org"]},
        "sizeBytes": len(mail.data),
        "date": written,
        "dsnRequested": False,
        "mtPriorityRequested": False,
        "invitation": None,
        "sentCopy": None,
    }


async def test_a_provider_knows_the_mail_by_the_header_that_the_operator_names() -> None:
    session = FakeSession()
    given = SendInput.model_validate(variables())
    await send.run(given, OneSession(session), FakeAttempt(), desk(idempotency_header="Resend-Idempotency-Key"))
    assert b"\r\nResend-Idempotency-Key: 4711-1\r\n" in bytes(session.mails[0][0].data)


async def test_who_was_refused_is_told_with_the_servers_answer() -> None:
    session = FakeSession(refuses=("bob@example.org",))
    given = SendInput.model_validate(variables(to="bob@example.org, eve@example.org", requiredRecipients="any"))

    produced = await send.run(given, OneSession(session), FakeAttempt(), desk())

    assert session.mails[0][1] == "any"
    assert produced.model_dump()["rejected"] == [
        {"address": "bob@example.org", "code": 550, "enhanced": "5.1.1", "text": "no such user"}
    ]
    assert produced.model_dump()["accepted"] == ["eve@example.org"]


async def test_reports_are_wanted_under_the_mails_own_name() -> None:
    session = FakeSession()
    given = SendInput.model_validate(variables(dsn={"notify": "success"}))

    produced = await send.run(given, OneSession(session), FakeAttempt(), desk())

    assert session.mails[0][0].dsn == DsnRequest(("success",), None, "zm-4711-1@example.org")
    assert produced.model_dump()["dsnRequested"] is True


def test_an_attempt_is_what_the_operation_is_given() -> None:
    attempt: Attempt = FakeAttempt()
    assert attempt.token


def test_the_catalogue_has_it() -> None:
    found = catalogue()["mail:smtp-send:1"]
    assert found is send
    assert found.fetch_variables == ["server", "auth", "imap", "request"]


@pytest.mark.parametrize(
    "request_",
    [
        {"subject": ...},
        {"subject": ""},
        {"text": ""},
        {"text": ..., "html": "<p>x</p>"},
        {"to": ..., "bcc": "eve@example.org", "undisclosedRecipients": True},
        {"to": "", "cc": [{"name": "Carl", "address": "carl@example.org"}]},
        {"cc": None, "bcc": [], "replyTo": "", "headers": None},
        {"from": {"name": "Jane Doe", "address": "jane@example.org"}},
        {"from": "a@x.test, b@x.test"},
        {"headers": {"X-Order": "4711"}},
    ],
)
def test_what_may_be_left_out(request_: dict[str, Any]) -> None:
    SendInput.model_validate(variables(**request_))


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        ({"to": "nobody"}, ["request.to"]),
        ({"to": 5}, ["request.to"]),
        ({"text": 5}, ["request.text"]),
        ({"text": "half \ud800"}, ["request.text"]),
        ({"subject": ["x"]}, ["request.subject"]),
        ({"headers": {"Bcc": "x"}}, ["request.headers.Bcc.[key]"]),
        ({"headers": {"X-Order": 5}}, ["request.headers.X-Order.0"]),
        ({"requiredRecipients": "most"}, ["request.requiredRecipients"]),
        ({"subjekt": "x"}, ["request.subjekt"]),
        ({"from": "nobody", "to": "@", "subject": "a\nb"}, ["request.from", "request.to", "request.subject"]),
    ],
)
def test_every_problem_is_named_as_the_author_knows_it(request_: dict[str, Any], fields: list[str]) -> None:
    assert problems(variables(**request_)) == fields


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        ({"to": ...}, ["`request.to`, `request.cc` or `request.bcc`"]),
        ({"to": ..., "bcc": "eve@example.org"}, ["`request.undisclosedRecipients`"]),
        ({"text": ...}, ["`request.text` or `request.html`"]),
        ({"to": ..., "text": ...}, ["`request.to`, `request.cc` or `request.bcc`", "`request.text` or `request.html`"]),
        ({"from": ...}, ["`request.from`"]),
        ({"from": ""}, ["`request.from`"]),
        ({"from": None}, ["`request.from`"]),
    ],
)
async def test_what_a_mail_cannot_do_without(request_: dict[str, Any], missing: list[str]) -> None:
    session, attempt = FakeSession(), FakeAttempt()
    given = SendInput.model_validate(variables(**request_))

    with pytest.raises(InputError) as caught:
        await send.run(given, OneSession(session), attempt, desk())

    assert all(name in caught.value.message for name in missing)
    assert (session.mails, attempt.commits) == ([], 0)


async def test_what_no_header_can_say_is_named_and_nothing_is_sent() -> None:
    session = FakeSession()
    unwritable = {"name": "a.bin", "content": "AAEC", "contentType": f"application/{'x' * 101}"}
    given = SendInput.model_validate(variables(attachments=[unwritable]))
    with pytest.raises(InputError, match="must have only letters, digits and a few signs") as refused:
        await send.run(given, OneSession(session), FakeAttempt(), desk())
    assert "xxx" not in refused.value.message
    assert session.mails == []


async def test_a_mail_is_from_the_user_of_the_account_where_that_is_an_address() -> None:
    session, given = FakeSession(), variables(**{"from": ...})
    given["auth"]["username"] = "jane@example.org"

    await send.run(SendInput.model_validate(given), OneSession(session), FakeAttempt(), desk())

    assert session.mails[0][0].sender == "jane@example.org"


@pytest.mark.parametrize("separator", BREAKS)
@pytest.mark.parametrize("place", ["from", "to", "cc", "bcc", "replyTo", "subject", "headers"])
def test_no_separator_gets_into_any_field_that_becomes_a_header(separator: str, place: str) -> None:
    bad: Any = f"Jane{separator}Bcc: eve@evil.test <jane@example.org>"
    if place == "headers":
        bad = {"X-Order": bad}
    found = problems(variables(**{place: bad}))
    assert len(found) == 1
    assert found[0].startswith(f"request.{place}")


@pytest.mark.parametrize("separator", BREAKS)
def test_no_separator_gets_into_host_or_user_name(separator: str) -> None:
    given = variables()
    given["server"]["host"] = f"smtp.example.org{separator}x"
    given["auth"]["username"] = f"ja{separator}ne"
    assert "server.host" in problems(given)


def test_problems_of_all_parts_are_listed_together() -> None:
    given = variables(to="nobody")
    given["server"] = {"host": "smtp://x", "port": 99999}
    given["auth"] = {"type": "password", "username": ""}
    assert problems(given) == [
        "server.host",
        "server.port",
        "auth.password.username",
        "auth.password.password",
        "request.to",
    ]
