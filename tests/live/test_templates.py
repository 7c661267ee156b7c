"""Mail templates through Postfix into Dovecot, read back with two parsers, and what was shown of the mail before."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.parsers import PostalMime, seen
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, Tasks, tasks
from tests.unit.message.test_renderer import ORDER, TEMPLATES
from zeebe_mail.app import TrialAttempt
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete

pytestmark = pytest.mark.live

BOB = {**ORDER, "customer": {"name": "Bob, the <b>buyer</b>", "email": "bob@x.test"}}
PATIENCE_S = 20


@pytest.fixture
async def alice(dovecot: Dovecot, postfix: Postfix) -> AsyncIterator[Tasks]:
    """Her tasks send through Postfix."""
    async with tasks(dovecot, "alice", templates_dir=TEMPLATES) as mine:
        yield mine.at({"host": "localhost", "port": postfix.submission, "security": "STARTTLS"})


async def shown(alice: Tasks, request: dict[str, Any]) -> bytes:
    """The message that `render` makes of it."""
    job = Job(
        key=1,
        type="mail:render:1",
        variables={"request": request},
        headers={"resultVariable": "mail"},
        retries=3,
        deadline_ms=0,
    )
    outcome = await alice.room.handler.handle(job, TrialAttempt())
    assert isinstance(outcome, Complete)
    return b64decode(outcome.variables["mail"]["content"])


async def delivered(dovecot: Dovecot, message_id: str) -> bytes:
    """The message as it came into Bob's inbox."""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await asyncio.to_thread(_found, dovecot, message_id)):  # noqa: ASYNC110 (Postfix delivers)
            await asyncio.sleep(0.05)
    return found


def _found(dovecot: Dovecot, message_id: str) -> bytes | None:
    with dovecot.client("bob") as client:
        client.select_folder("INBOX", readonly=True)
        uids = client.search(["HEADER", "Message-ID", message_id])
        return bytes(client.fetch(uids, ["BODY.PEEK[]"])[uids[0]][b"BODY[]"]) if uids else None


def without_what_differs(data: bytes) -> bytes:
    """A message without what servers add in front, and without Date, Message-ID and boundaries."""
    data = data[data.index(b"Date: ") :]
    data = re.sub(rb"\A(Date|Message-ID): [^\r]*\r\n", b"", data)
    data = re.sub(rb"\r\n(Date|Message-ID): [^\r]*", b"", data)
    boundary = re.search(rb'boundary="([^"]+)"', data)
    assert boundary
    return data.replace(boundary[1], b"boundary")


@pytest.mark.parametrize("locale", [None, "de-AT"])
async def test_b27_b28_b29_a_template_arrives_as_it_was_shown(
    alice: Tasks, dovecot: Dovecot, postal_mime: PostalMime, locale: str | None
) -> None:
    template = {"name": "order", "variables": BOB, "locale": locale}
    request = {"from": "Shop <alice@x.test>", "template": template}
    preview = await shown(alice, request)
    sent = await alice.run("smtp-send", **request)
    arrived = await delivered(dovecot, sent["messageId"])

    assert sent["accepted"] == ["bob@x.test"]
    assert without_what_differs(arrived) == without_what_differs(preview)
    mail = seen(arrived)
    assert mail == postal_mime.seen(arrived)
    assert mail.to == (("Bob, the <b>buyer</b>", "bob@x.test"),)
    assert mail.reply_to == (("Service", "service@example.org"), ("Boss, the", "boss@example.org"))
    assert mail.subject.startswith("Ihre Bestellung" if locale else "Your order")
    assert "Bob, the <b>buyer</b>" in (mail.text or "")
    assert "Bob, the &lt;b&gt;buyer&lt;/b&gt;" in (mail.html or "")
    assert '<h1 style="color: #036;">' in (mail.html or "")


async def test_markdown_and_html_arrive_with_a_text(alice: Tasks, dovecot: Dovecot, postal_mime: PostalMime) -> None:
    request = {"from": "alice@x.test", "to": "bob@x.test", "subject": "Grüße"}
    for body in ({"markdown": "**Grüße**", "preheader": "Bald"}, {"html": "<p><b>Grüße</b></p>"}):
        sent = await alice.run("smtp-send", **request, **body)
        mail = seen(await delivered(dovecot, sent["messageId"]))
        assert mail == postal_mime.seen(await delivered(dovecot, sent["messageId"]))
        assert (mail.text or "").strip() == "Grüße"
        assert ("Bald" in (mail.html or "")) == ("preheader" in body)


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ({"name": "oder"}, "TEMPLATE_NOT_FOUND"),
        ({"text": "{{ a b }}"}, "TEMPLATE_INVALID"),
        ({"text": "{{ nmae }}", "variables": {"name": 1}}, "TEMPLATE_VARIABLE_UNKNOWN"),
        ({"text": "x", "subject": "{{ s }}", "variables": {"s": "a\r\nBcc: eve@x.test"}}, "TEMPLATE_FAILED"),
        ({"text": "{{ 'a' * 3000000000 }}"}, "TEMPLATE_LIMIT"),
    ],
)
async def test_nothing_is_sent_where_there_is_no_mail(
    alice: Tasks, postfix: Postfix, template: dict[str, Any], code: str
) -> None:
    before = postfix.log().count(": connect from")
    with pytest.raises(TaskFailed) as caught:
        await alice.run("smtp-send", **{"from": "alice@x.test"}, to="bob@x.test", template=template)
    assert (caught.value.code, caught.value.retries) == (code, 0)
    assert postfix.log().count(": connect from") == before


async def test_an_answer_may_come_from_a_template(alice: Tasks, dovecot: Dovecot) -> None:
    """What it quotes is added to both of its bodies; whom it goes to is still said by the mail that it answers."""
    question = (
        b"From: bob@x.test\r\nTo: alice@x.test\r\nSubject: Tea?\r\nMessage-ID: <tea@x.test>\r\n\r\nGreen or black?\r\n"
    )
    original = {"source": {"content": b64encode(question).decode("ascii"), "name": "tea.eml"}}
    template = {"markdown": "**{{ kind }}**, please", "variables": {"kind": "Green"}}
    sent = await alice.run("smtp-reply", **{"from": "alice@x.test"}, original=original, template=template)
    mail = seen(await delivered(dovecot, sent["messageId"]))
    assert mail.subject == "Re: Tea?"
    assert (mail.text or "").startswith("Green, please")
    assert "> Green or black?" in (mail.text or "")
    assert "<strong>Green</strong>, please" in (mail.html or "")
    assert "Green or black?" in (mail.html or "")


TERMS, LOGO = b"%PDF-1.7 terms", b"\x89PNG\r\n\x1a\n logo"


@pytest.fixture
def furnished(tmp_path: Path) -> Path:
    """A directory whose template brings a picture, which another template has, and terms in two languages."""
    files = {
        "notice/html.html.j2": b'<p>{{ name }}</p><img src="cid:logo.png" alt="Shop">',
        "notice/subject.txt.j2": b"Notice",
        "notice/attachments/terms.pdf": TERMS,
        "notice/de/attachments/terms.pdf": TERMS + b", in German",
        "shared/logo.png": LOGO,
    }
    for name, content in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    (tmp_path / "notice" / "inline").symlink_to("../shared")
    return tmp_path


@pytest.mark.parametrize(("locale", "terms"), [(None, TERMS), ("de-AT", TERMS + b", in German")])
async def test_b14_a_templates_files_arrive_beside_the_tasks_own(
    dovecot: Dovecot, postfix: Postfix, postal_mime: PostalMime, furnished: Path, locale: str | None, terms: bytes
) -> None:
    """Also where both are called alike."""
    own = [{"name": "terms.pdf", "content": b64encode(b"%PDF-1.7 own").decode()}, {"name": "logo.png", "text": "own"}]
    template = {"name": "notice", "variables": {"name": "Bob"}, "locale": locale}
    async with tasks(dovecot, "alice", templates_dir=furnished) as mine:
        alice = mine.at({"host": "localhost", "port": postfix.submission, "security": "STARTTLS"})
        request = {"from": "alice@x.test", "to": "bob@x.test", "template": template, "attachments": own}
        preview = await shown(alice, request)
        sent = await alice.run("smtp-send", **request)
    arrived = await delivered(dovecot, sent["messageId"])

    mail = seen(arrived)
    assert (
        mail
        == postal_mime.seen(arrived)
        == replace(seen(preview), message_id=mail.message_id, header_names=mail.header_names)
    )
    assert {(one.name, one.content_type, one.disposition, one.content_id, one.content) for one in mail.files} == {
        ("logo.png", "image/png", "inline", "<logo.png>", LOGO),
        ("logo.png", "image/png", "attachment", "", b"own"),
        ("terms.pdf", "application/pdf", "attachment", "", b"%PDF-1.7 own"),
        ("terms.pdf", "application/pdf", "attachment", "", terms),
    }


async def test_nothing_is_sent_where_a_file_of_the_template_leads_out(
    dovecot: Dovecot, postfix: Postfix, furnished: Path
) -> None:
    (furnished / "notice" / "attachments" / "passwd").symlink_to("/etc/passwd")
    before = postfix.log().count(": connect from")
    template = {"name": "notice", "variables": {"name": "Bob"}}
    async with tasks(dovecot, "alice", templates_dir=furnished) as mine:
        alice = mine.at({"host": "localhost", "port": postfix.submission, "security": "STARTTLS"})
        with pytest.raises(TaskFailed, match="FILE_NOT_ALLOWED"):
            await alice.run("smtp-send", **{"from": "alice@x.test"}, to="bob@x.test", template=template)
    assert postfix.log().count(": connect from") == before
