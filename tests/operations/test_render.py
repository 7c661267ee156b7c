"""Showing a mail: all of it, byte for byte what is sent, and no server."""

from __future__ import annotations

from base64 import b64decode
from email import message_from_bytes, policy
from typing import Any

import pytest

from tests.desks import OneSession, desk
from tests.operations.smtp.test_send import FakeAttempt, FakeSession
from tests.unit.message.test_renderer import ORDER, TEMPLATES
from zeebe_mail import errors
from zeebe_mail.app import TrialAttempt, mailroom, task_types
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome
from zeebe_mail.message.renderer import Renderer
from zeebe_mail.operations.render import RenderInput, render
from zeebe_mail.operations.smtp.send import SendInput, send
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import Settings

ADDRESSES = ("To", "Cc", "Reply-To")  # which parsers put differently
REQUESTS: dict[str, dict[str, Any]] = {
    "text": {"text": "Grüße\r\n.\r\n", "to": "Jörg <joerg@example.org>", "bcc": "eve@example.org"},
    "HTML": {"html": "<style>p{color:red}</style><p>Hi", "cc": "bob@example.org", "importance": "high"},
    "template": {"template": {"name": "order", "variables": ORDER, "locale": "de-AT"}, "headers": {"X-A": ["1", "2"]}},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_it_is_byte_for_byte_what_is_sent(request_: dict[str, Any]) -> None:
    """Message-ID and boundaries come from the job; with one token for both, only the date differs."""
    request = {"from": "Shop <shop@example.org>", "subject": "Grüße", "to": "bob@example.org", **request_}
    renderer = Renderer(TEMPLATES, children=1)
    session, at_desk = FakeSession(), desk(renderer=renderer)

    shown = await render.run(RenderInput.model_validate({"request": request}), FakeAttempt(), at_desk)
    given = SendInput.model_validate(
        {"server": {"host": "smtp.example.org"}, "auth": {"type": "none"}, "request": request}
    )
    sent = await send.run(given, OneSession(session), FakeAttempt(), at_desk)
    await renderer.aclose()

    ((mail, _),) = session.mails
    rendered = b64decode(shown.content or "")
    assert _without_date(rendered) == _without_date(bytes(mail.data))
    assert shown.size_bytes == len(rendered)
    assert shown.message_id == sent.message_id
    parsed = message_from_bytes(rendered, policy=policy.default)
    assert shown.subject == parsed["Subject"]
    for kind, said in (("plain", shown.text), ("html", shown.html)):
        part = parsed.get_body((kind,))
        assert said is None or (part and part.get_content().splitlines() == said.splitlines())
    told = [(one.key, one.value.replace('"', "")) for one in shown.headers if one.key not in ADDRESSES]
    assert told == [(key, str(value).replace('"', "")) for key, value in parsed.items() if key not in ADDRESSES]
    assert [one.key for one in shown.headers] == parsed.keys()


def _without_date(data: bytes) -> bytes:
    head, _, rest = data.partition(b"\r\n")
    assert head.startswith(b"Date: ")
    return rest


async def shown(request: dict[str, Any], **settings: Any) -> Outcome:
    """The outcome of a job, by the worker's own parts."""
    made = Settings(templates_dir=TEMPLATES, **settings)
    job = Job(
        key=1,
        type="mail:render:1",
        variables={"request": {"from": "shop@example.org", **request}},
        headers={"resultVariable": "mail"},
        retries=3,
        deadline_ms=0,
    )
    async with mailroom(made, Redactor(), task_types(made)) as room:
        outcome = await room.handler.handle(job, TrialAttempt())
        assert room.pool.leased == room.pool.idle == 0
    return outcome


async def test_a_job_gets_all_of_the_mail() -> None:
    outcome = await shown(
        {"template": {"name": "order", "variables": ORDER}, "bcc": "eve@example.org", "deliver": "none"}
    )
    assert isinstance(outcome, Complete)
    mail = outcome.variables["mail"]
    assert mail["subject"] == "Your order A_4711_b"
    assert mail["to"] == [{"name": "Doe & <b>Sons</b>, *Inc*", "address": "jane@example.org"}]
    assert mail["bcc"] == [{"name": None, "address": "eve@example.org"}]
    assert mail["text"].startswith("Thank you")
    assert "<h1" in mail["html"]
    assert {"key": "Subject", "value": "Your order A_4711_b"} in mail["headers"]
    assert not [one for one in mail["headers"] if one["key"] == "Bcc"]
    assert (mail["content"], mail["document"]) == (None, None)


async def test_who_would_send_it_is_known_by_name_alone() -> None:
    """The author is the account's user, as when it is sent, and the operator's rules for senders hold."""
    rules = {"allowed_senders": {"shop@*": ("@example.org",)}}
    mail = {"from": None, "to": "bob@example.org", "text": "Hi", "deliver": "none"}
    own = await shown({**mail, "username": "shop@example.org"}, **rules)
    assert isinstance(own, Complete), own
    assert own.variables["mail"]["from"] == [{"name": None, "address": "shop@example.org"}]
    other = await shown({**mail, "username": "eve@example.org"}, **rules)
    assert isinstance(other, Fail)
    assert other.code == "SENDER_NOT_ALLOWED"
    unnamed = await shown({**mail, "from": "eve@example.com"}, **rules)
    assert isinstance(unnamed, Complete), "without an account there is nobody to judge"


async def test_a_secret_in_a_template_stays_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_PASSWORD", "hunter2")
    template = {"text": "{{ a }} {% raw %}{{secrets.PASSWORD}}{% endraw %}", "variables": {"a": "secrets.PASSWORD"}}
    outcome = await shown({"to": "bob@example.org", "template": template, "deliver": "none"})
    assert isinstance(outcome, Complete), outcome
    assert outcome.variables["mail"]["text"] == "secrets.PASSWORD {{secrets.PASSWORD}}"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"template": {"name": "oder"}}, "TEMPLATE_NOT_FOUND"),
        ({"template": {"text": "{{ a b }}"}}, "TEMPLATE_INVALID"),
        ({"template": {"text": "{{ nmae }}", "variables": {"name": 1}}}, "TEMPLATE_VARIABLE_UNKNOWN"),
        ({"template": {"text": "{{ ''.__class__ }}"}}, "TEMPLATE_FAILED"),
        ({"template": {"text": "{{ 'a' * 3000000000 }}"}}, "TEMPLATE_LIMIT"),
        ({"text": "a", "deliver": "document"}, "DOCUMENT_STORE_MISSING"),
        ({"text": "a", "to": None}, "INVALID_INPUT"),
    ],
)
async def test_each_problem_is_an_incident_with_its_code(request_: dict[str, Any], code: str) -> None:
    outcome = await shown({"to": "bob@example.org", **request_})
    assert isinstance(outcome, Fail)
    assert (outcome.code, outcome.retries) == (code, 0)
    assert issubclass({error.code: error for error in errors.every_error()}[code], errors.WorkerError)


IN_A_MAILBOX = {"mailbox": "INBOX", "uid": 1, "uidValidity": 1}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"text": "a", "attachments": [{"text": "a"}, {**IN_A_MAILBOX, "part": "2"}]}, "`attachments[1]`"),
        ({"textFrom": IN_A_MAILBOX}, "`textFrom`"),
        ({"htmlFrom": IN_A_MAILBOX}, "`htmlFrom`"),
    ],
)
async def test_what_is_in_a_mailbox_is_not_shown(request_: dict[str, Any], field: str) -> None:
    outcome = await shown({"to": "bob@example.org", **request_})
    assert isinstance(outcome, Fail)
    assert (outcome.code, outcome.retries) == ("INVALID_INPUT", 0)
    assert f"has {field} in a mailbox, which is not opened to show a mail" in outcome.message
