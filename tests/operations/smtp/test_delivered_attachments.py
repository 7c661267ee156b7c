"""What arrives of attachments: through a real Postfix into a real Dovecot, read by two parsers that are not ours."""

from __future__ import annotations

import asyncio
import contextvars
import os
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.operations.imap.mails import MULTIPART
from tests.operations.smtp.correspondence import Correspondent, People
from tests.parsers import File, PostalMime, Seen, seen
from tests.servers.document_store import DocumentStore
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.servers.web_server import WebServer
from tests.tasks import TaskFailed, tasks
from zeebe_mail.documents.budget import LIMIT
from zeebe_mail.message.file_name import safe_filename

pytestmark = pytest.mark.live

PNG = b"\x89PNG\r\n\x1a\n\0\0\xff"
NAMES = [
    "Übersicht 2026 – €.pdf",
    "📎 Rechnung 🧾.pdf",
    "report (final), v2; copy's.pdf",
    "größe " * 20 + ".pdf",
    "日本語の添付ファイル.pdf",
    "percent%20 and * and '.pdf",
]


@pytest.fixture(scope="module")
def postal_mime() -> Iterator[PostalMime]:
    with PostalMime() as parser:
        yield parser


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as web:
        yield web


@pytest.fixture
async def worker(
    dovecot: Dovecot, relay: Postfix, store: DocumentStore, web: WebServer, tmp_path: Path
) -> AsyncIterator[Correspondent]:
    """Somebody whose worker may use a document store, a web server and a folder."""
    allowed = {"urls": f"{web.url}/files/*", "url_private_hosts": "127.0.0.1", "files_dirs": str(tmp_path)}
    async with tasks(dovecot, "nobody", CAMUNDA_REST_ADDRESS=store.url, **allowed) as room:
        yield People(room, dovecot, relay).new()


async def arrived(at: Correspondent, postal_mime: PostalMime, **request: Any) -> Seen:
    """What both parsers see of a mail that somebody sends to himself."""
    await at.run("smtp-send", to=at.address, subject="With files", **{"text": "See below.", **request})
    await at.receives()
    (raw,) = at.raw()
    found = seen(raw)
    other = postal_mime.seen(raw)
    assert [replace(one, content_id="") for one in other.files] == [replace(one, content_id="") for one in found.files]
    assert (other.text, other.html, other.subject) == (found.text, found.html, found.subject)
    return found


async def test_names_arrive_as_they_are(me: Correspondent, postal_mime: PostalMime) -> None:
    files = [{"name": name, "content": b64encode(name.encode()).decode()} for name in NAMES]
    mail = await arrived(me, postal_mime, attachments=files)
    assert [one.content.decode() for one in mail.files] == NAMES
    assert [one.name for one in mail.files] == [safe_filename(name) for name in NAMES]
    assert [len(name.encode()) <= 150 for name in NAMES].count(False) == 1, "the others come as they are"
    assert {(one.content_type, one.disposition) for one in mail.files} == {("application/pdf", "attachment")}


async def test_names_that_are_not_safe_arrive_safe(me: Correspondent, postal_mime: PostalMime) -> None:
    names = ["../../etc/passwd", 'a"b.txt', "a\r\nX-Injected: yes.txt", "a" * 200 + ".txt", "", "..."]
    mail = await arrived(me, postal_mime, attachments=[{"name": name, "content": "AAEC"} for name in names])
    assert [one.name for one in mail.files] == [
        "passwd", "a_b.txt", "a_X-Injected_ yes.txt", "a" * 146 + ".txt", "attachment-5.bin", "attachment-6.bin",
    ]  # fmt: skip
    assert "x-injected" not in mail.header_names


async def test_a_picture_is_shown_in_the_html(me: Correspondent, postal_mime: PostalMime) -> None:
    logo = {"name": "logo.png", "content": b64encode(PNG).decode(), "contentId": "logo"}
    mail = await arrived(me, postal_mime, html='<p>Hi <img src="cid:logo"></p>', attachments=[logo])
    assert mail.files == (File("logo.png", "image/png", "inline", "<logo>", PNG),)
    assert mail.html == '<p>Hi <img src="cid:logo"></p>'


async def test_a_mail_is_an_attachment(me: Correspondent, postal_mime: PostalMime) -> None:
    source = "From: a@x.test\nSubject: =?utf-8?q?gr=C3=BCn?=\n\nInner text"
    mail = await arrived(me, postal_mime, attachments={"message": source, "name": "grün.eml"})
    assert mail.files == (File("grün.eml", "message/rfc822", "attachment", "", source.encode()),)


async def test_documents_files_and_urls_arrive_byte_for_byte(
    worker: Correspondent, postal_mime: PostalMime, store: DocumentStore, web: WebServer, tmp_path: Path
) -> None:
    data = os.urandom(300_001)
    (tmp_path / "größe.bin").write_bytes(data)
    attachments = [
        store.give(data, name="Dokument.bin", content_type="application/x-own"),
        web.give("/files/a.bin", data),
        f"{tmp_path}/größe.bin",
    ]
    mail = await arrived(worker, postal_mime, attachments=attachments)
    assert [(one.name, one.content_type) for one in mail.files] == [
        ("Dokument.bin", "application/x-own"),
        ("a.bin", "application/octet-stream"),
        ("größe.bin", "application/octet-stream"),
    ]
    assert all(one.content == data for one in mail.files)


async def test_a_text_may_come_from_a_file(worker: Correspondent, postal_mime: PostalMime, tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes("<p>Größe €</p>".encode("cp1252"))
    mail = await arrived(worker, postal_mime, htmlFrom={"file": f"{tmp_path}/mail.html", "charset": "windows-1252"})
    assert mail.html == "<p>Größe €</p>"


async def test_what_a_task_has_read_is_attached_again(
    worker: Correspondent, postal_mime: PostalMime, store: DocumentStore
) -> None:
    """The attachments of a mail as `imap-read` gives them are attachments as they are."""
    worker.put(MULTIPART)
    (mail,) = await worker.stored()
    at = worker.tasks.at(worker.tasks.beside["imap"]["server"]).with_inputs()
    read = await at.run("imap-read", uid=mail["uid"], uidValidity=mail["uidValidity"])
    await worker.run("smtp-send", to=worker.address, text="Again.", attachments=read["attachments"])
    await worker.receives(2)
    (raw,) = [one for one in worker.raw() if b"Again." in one]
    assert [(one.name, one.content) for one in seen(raw).files] == [
        ("data.csv", b"a;b\n1;2"),
        ("part-3.pdf", b"%PDF-1.4"),
    ]


async def test_a_stored_mail_and_a_part_of_it_are_attached(me: Correspondent, people: People) -> None:
    bob = people.new()
    me.put(MULTIPART)
    (mail,) = await me.stored()
    place = {name: mail[name] for name in ("mailbox", "uid", "uidValidity")}
    attachments = [{**place, "part": "2"}, place, {**place, "part": "2", "name": "own.csv"}, mail]
    await me.run("smtp-send", to=bob.address, text="x", attachments=attachments)
    await bob.receives()
    (raw,) = bob.raw()
    files = seen(raw).files
    assert [(one.name, one.content_type) for one in files] == [
        ("data.csv", "text/csv"),
        (f"message-{mail['uid']}.eml", "message/rfc822"),
        ("own.csv", "text/csv"),
        (f"message-{mail['uid']}.eml", "message/rfc822"),
    ]
    assert files[0].content == files[2].content == b"a;b\n1;2"
    assert raw.count(MULTIPART.rstrip(b"\r\n")) == 2
    assert me.flags() == [set()], "nothing was marked as read"


async def test_a_stored_mail_that_cannot_be_had_stops_the_mail(me: Correspondent) -> None:
    me.put(MULTIPART)
    (mail,) = await me.stored()
    place = {name: mail[name] for name in ("mailbox", "uid", "uidValidity")}
    for attachment, code in (
        ({**place, "uid": 999}, "MESSAGE_NOT_FOUND"),
        ({**place, "part": "9"}, "MESSAGE_NOT_FOUND"),
        ({**place, "uidValidity": 1}, "UIDVALIDITY_CHANGED"),
        ({**place, "mailbox": "None"}, "MAILBOX_NOT_FOUND"),
        ({"mailbox": "INBOX"}, "INVALID_INPUT"),
    ):
        with pytest.raises(TaskFailed) as failed:
            await me.run("smtp-send", to=me.address, text="x", attachments=attachment)
        assert (attachment, failed.value.code) == (attachment, code)
    with pytest.raises(TaskFailed, match="`imap` must be given"):
        await replace(me, tasks=me.tasks.with_inputs()).run("smtp-send", to=me.address, text="x", attachments=place)
    assert len(me.raw()) == 1


@pytest.mark.parametrize("part", [None, "2"])
async def test_a_stored_attachment_takes_as_much_room_as_it_needs(
    me: Correspondent, people: People, part: str | None
) -> None:
    """While others hold nearly all the room there is: of the mail, and of its parts, the server tells the size."""
    me.put(MULTIPART)
    budget = people.room.room.handler._desk.sources.budget
    async with budget.hold(LIMIT - 2000):
        sending = me.run(
            "smtp-send", to=me.address, text="x", attachments=[{"mailbox": "INBOX", "uid": 1, "part": part}]
        )
        sent = await asyncio.get_running_loop().create_task(sending, context=contextvars.Context())
    assert sent["accepted"] == [me.address]
    assert budget.held == 0
