"""What a mail carries: every form in which a task may say it, and all that must stop the mail."""

from __future__ import annotations

import asyncio
import contextvars
import email
import email.policy
import os
import tracemalloc
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.desks import OneSession, desk
from tests.operations.smtp.test_send import FakeAttempt, FakeSession, variables
from tests.servers.document_store import DocumentStore
from tests.servers.web_server import Answer, WebServer
from zeebe_mail.documents.budget import ByteBudget
from zeebe_mail.documents.camunda import CamundaDocuments
from zeebe_mail.documents.downloads import Downloads, UrlPattern
from zeebe_mail.documents.files import Files
from zeebe_mail.documents.memory import MemoryDocuments
from zeebe_mail.documents.opened import Opened
from zeebe_mail.documents.sources import Limits, Sources
from zeebe_mail.egress import EgressPolicy
from zeebe_mail.errors import InputError, WorkerError
from zeebe_mail.jobs.validate import validate
from zeebe_mail.message.content import Attachment
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.attachments import loaded
from zeebe_mail.operations.smtp.send import SendInput, send

PNG = b"\x89PNG\r\n\x1a\n\0\0\xff"
MAIL = "From: a@x.test\r\nSubject: inner\r\n\r\ninner body\r\n"


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as web:
        yield web


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    with DocumentStore() as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return tmp_path / "files"


@asynccontextmanager
async def worker(web: WebServer, store: DocumentStore, folder: Path, deadline_s: float) -> AsyncIterator[Desk]:
    async def nobody() -> dict[str, str]:
        return {}

    documents = CamundaDocuments(store.url, headers=nobody, read_deadline_s=deadline_s)
    allowed = Downloads([UrlPattern.of(f"{web.url}/files/*")], egress=EgressPolicy(), deadline_s=deadline_s)
    yield desk(documents=documents, sources=Sources(Files([folder]), allowed))
    await documents.aclose()


@pytest.fixture
async def here(web: WebServer, store: DocumentStore, folder: Path) -> AsyncIterator[Desk]:
    """A worker that may use one folder, one web server and one document store."""
    async with worker(web, store, folder, 30) as here:
        yield here


@pytest.fixture
async def impatient(web: WebServer, store: DocumentStore, folder: Path) -> AsyncIterator[Desk]:
    """The same, which does not wait."""
    async with worker(web, store, folder, 0.3) as impatient:
        yield impatient


def limited(to: Desk, one: int, together: int) -> Desk:
    return replace(to, sources=replace(to.sources, limits=Limits(one, together)))


async def sent(at: Desk, **request: Any) -> EmailMessage:
    """The mail as its server gets it."""
    session = FakeSession()
    await send.perform(validate(SendInput, variables(**request)), OneSession(session), FakeAttempt(), at)
    ((mail, _),) = session.mails
    return email.message_from_bytes(bytes(mail.data), policy=email.policy.SMTP)


async def refused(at: Desk, **request: Any) -> WorkerError:
    """Why nothing is sent."""
    session = FakeSession()
    with pytest.raises(WorkerError) as caught:
        await send.perform(validate(SendInput, variables(**request)), OneSession(session), FakeAttempt(), at)
    assert not session.mails
    assert at.sources.budget.held == 0
    return caught.value


async def parts(at: Desk, *attachments: Any) -> list[Attachment]:
    given = validate(SendInput, variables(attachments=list(attachments)))
    async with loaded(given.request.attachments, at) as found:
        return list(found)


def seen(part: Attachment) -> tuple[str, str, bytes]:
    return part.name, part.content_type, part.data


def inner(mail: EmailMessage) -> list[tuple[str | None, str, str | None]]:
    return [(part.get_filename(), part.get_content_type(), part.get_content_disposition()) for part in mail.walk()]


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_form_is_carried(here: Desk, web: WebServer, store: DocumentStore, folder: Path) -> None:
    (folder / "größe.csv").write_bytes(b"a;b")
    web.give("/files/r", b"%PDF", Content_Type="application/pdf", Content_Disposition='inline; filename="r.pdf"')
    document = store.give(b"doc", name="Übersicht – €.docx", content_type="application/msword")
    assert [seen(part) for part in await parts(
        here,
        document,
        {"document": document, "name": "own.doc", "contentType": "application/x-own"},
        {"camunda.document.type": "inline", "content": {"a": "ä"}, "name": "a.json", "contentType": None},
        {"camunda.document.type": "inline", "content": "aGk=", "name": None},
        {"camunda.document.type": "external", "url": f"{web.url}/files/r", "name": "ext.pdf"},
        {"name": "logo.png", "contentType": "image/png", "content": b64encode(PNG).decode()},
        {"name": "hello.txt", "text": "grün", "charset": "iso-8859-1"},
        {"url": f"{web.url}/files/r"},
        f"{web.url}/files/r",
        {"file": f"{folder}/größe.csv"},
        f"file://{folder}/gr%C3%B6%C3%9Fe.csv",
        str(folder / "größe.csv"),
        {"message": MAIL},
    )] == [
        ("Übersicht – €.docx", "application/msword", b"doc"),
        ("own.doc", "application/x-own", b"doc"),
        ("a.json", "application/json", '{"a":"ä"}'.encode()),
        ("attachment-4.txt", "text/plain", b"aGk="),
        ("ext.pdf", "application/pdf", b"%PDF"),
        ("logo.png", "image/png", PNG),
        ("hello.txt", "text/plain", "grün".encode("iso-8859-1")),
        *[("r.pdf", "application/pdf", b"%PDF")] * 2,
        *[("größe.csv", "text/csv", b"a;b")] * 3,
        ("attachment-13.eml", "message/rfc822", MAIL.encode()),
    ]  # fmt: skip


@pytest.mark.parametrize("none", [None, "", []])
async def test_nothing_is_no_attachment(none: Any) -> None:
    assert (await sent(desk(), attachments=none)).get_content_type() == "text/plain"


async def test_one_need_not_be_a_list() -> None:
    mail = await sent(desk(), attachments={"name": "a.txt", "text": "x"})
    assert inner(mail)[-1] == ("a.txt", "text/plain", "attachment")


async def test_an_empty_file_is_a_file() -> None:
    for empty in ({"name": "a.bin", "content": ""}, {"name": "a.bin", "text": ""}):
        assert [seen(part) for part in await parts(desk(), empty)] == [("a.bin", "application/octet-stream", b"")]


async def test_the_same_name_twice_is_two_files() -> None:
    two = await parts(desk(), {"name": "a.txt", "text": "1"}, {"name": "a.txt", "text": "2"})
    assert [part.data for part in two] == [b"1", b"2"]


async def test_documents_of_every_store_are_alike() -> None:
    memory = MemoryDocuments()
    reference = await memory.create(b"x", name="a.pdf", content_type="application/pdf")
    assert [seen(one) for one in await parts(desk(documents=memory), reference)] == [("a.pdf", "application/pdf", b"x")]


# ── names and types ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\r\nX-Injected: yes.txt", "a_X-Injected_ yes.txt"),
        ("a\0b.txt", "a_b.txt"),
        ("photo\u202egpj.exe", "photo_gpj.exe"),
        ("con.txt", "_con.txt"),
        ('a"b.txt', "a_b.txt"),
        ("...", "attachment-1.bin"),
        ("é" * 200 + ".pdf", "é" * 73 + ".pdf"),
    ],
)
async def test_a_file_name_is_made_safe(name: str, safe: str) -> None:
    (part,) = await parts(desk(), {"name": name, "content": ""})
    assert part.name == safe


@pytest.mark.parametrize(
    ("given", "name", "kind", "charset"),
    [
        ({"name": "a.pdf"}, "a.pdf", "application/pdf", None),
        ({"name": "a"}, "a", "application/octet-stream", None),
        ({}, "attachment-1.bin", "application/octet-stream", None),
        ({"contentType": "image/jpeg"}, "attachment-1.jpg", "image/jpeg", None),
        ({"contentType": "Text/CSV; charset=ISO-8859-1"}, "attachment-1.csv", "text/csv", "ISO-8859-1"),
        ({"contentType": "text/csv", "charset": "utf-8"}, "attachment-1.csv", "text/csv", "utf-8"),
        ({"name": "a.eml"}, "a.eml", "application/octet-stream", None),
        ({"name": "a.eml", "contentType": "message/rfc822"}, "a.eml", "application/octet-stream", None),
    ],
)
async def test_type_and_name_complete_each_other(
    given: dict[str, Any], name: str, kind: str, charset: str | None
) -> None:
    (part,) = await parts(desk(), {"content": "eA==", **given})
    assert (part.name, part.content_type, part.charset) == (name, kind, charset)


async def test_what_a_source_says_of_itself_is_not_trusted(here: Desk, web: WebServer, store: DocumentStore) -> None:
    broken = store.give(b"x", name="a.pdf\r\nX: y", content_type="text/html\r\nX-Injected: yes")
    web.give("/files/a.png", PNG, Content_Type="multipart/mixed; boundary=x")
    assert [(one.name, one.content_type) for one in await parts(here, broken, f"{web.url}/files/a.png")] == [
        ("a.pdf_X_ y", "application/octet-stream"),
        ("a.png", "image/png"),
    ]


# ── in the HTML ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_the_html_shows_is_inline() -> None:
    logo = {"name": "logo.png", "content": b64encode(PNG).decode(), "contentId": "<logo>"}
    mail = await sent(desk(), html='<img src="cid:logo">', attachments=[logo, {"name": "a.txt", "text": "x"}])
    assert inner(mail) == [
        (None, "multipart/mixed", None),
        (None, "multipart/related", None),
        (None, "multipart/alternative", None),
        (None, "text/plain", None),
        (None, "text/html", None),
        ("logo.png", "image/png", "inline"),
        ("a.txt", "text/plain", "attachment"),
    ]
    assert [part["Content-ID"] for part in mail.walk() if part["Content-ID"]] == ["<logo>"]


async def test_a_picture_may_be_named_by_its_file_name() -> None:
    mail = await sent(desk(), html='<img src="cid:logo.png">', attachments={"name": "logo.png", "content": "eA=="})
    assert [part["Content-ID"] for part in mail.walk() if part["Content-ID"]] == ["<logo.png>"]


async def test_a_picture_that_is_not_there_stops_the_mail() -> None:
    error = await refused(
        desk(), html='<img src="cid:logo"><img src="cid:a.png">', attachments={"name": "a.png", "content": "eA=="}
    )
    assert error.code == "INLINE_PART_MISSING"
    assert "cid:logo, " in error.message
    assert "cid:a.png" not in error.message
    assert error.details == {"missing": ["logo"]}


# ── texts from somewhere else ────────────────────────────────────────────────────────────────────────────────────


async def test_texts_come_from_documents_files_and_urls(here: Desk, web: WebServer, folder: Path) -> None:
    (folder / "mail.html").write_bytes("\ufeff<p>Größe</p>\r\n".encode())
    web.give("/files/mail.txt", "Größe".encode("iso-8859-1"), Content_Type="text/plain; charset=iso-8859-1")
    mail = await sent(here, text=..., textFrom=f"{web.url}/files/mail.txt", htmlFrom={"file": f"{folder}/mail.html"})
    plain, html = mail.get_payload()
    assert (plain.get_content().rstrip(), html.get_content()) == ("Größe", "<p>Größe</p>\r\n")


async def test_the_html_may_come_from_a_document_and_show_a_picture(here: Desk, store: DocumentStore) -> None:
    document = store.give("<img src='cid:l'>".encode("utf-16"), content_type="text/html")
    picture = {"name": "l.png", "content": "eA==", "contentId": "l"}
    mail = await sent(here, htmlFrom={"document": document, "charset": "utf-16"}, attachments=picture)
    assert ("l.png", "image/png", "inline") in inner(mail)


async def test_a_text_in_another_charset_stops_the_mail(here: Desk, folder: Path) -> None:
    (folder / "mail.txt").write_bytes("Größe".encode("iso-8859-1"))
    error = await refused(here, text=..., textFrom=str(folder / "mail.txt"))
    assert (error.code, "utf-8" in error.message, "Gr" in error.message) == ("TEXT_NOT_READABLE", True, False)


# ── bad input ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("attachment", "field", "said"),
    [
        (5, "[0]", "must be a document reference, a path, a URL"),
        (["x"], "[0]", "must be a document reference"),
        ({"name": "a"}, "[0]", "has no source; exactly one of"),
        ({"name": "a", "url": "https://x.test/", "file": "/a"}, "[0]", "has `url`, `file`; exactly one of"),
        ({"content": "%%%"}, "[0].content", "is not base64"),
        ({"content": "eA"}, "[0].content", "is not base64"),
        ({"content": 5}, "[0].content", "must be text in base64"),
        ({"text": "x", "charset": "klingon"}, "[0].charset", '"klingon" is not known'),
        ({"text": "€", "charset": "iso-8859-1"}, "[0]", "iso-8859-1 does not have"),
        ({"text": "x", "contentType": "pdf"}, "[0].contentType", "must be a type such as"),
        ({"text": "x", "contentType": 'application/pdf; a\r\nX: y'}, "[0].contentType", "must be a type such as"),
        ({"text": "x", "contentType": "multipart/mixed"}, "[0].contentType", "must not be multipart/mixed"),
        ({"text": "x", "contentId": "a b"}, "[0].contentId", "no spaces"),
        ({"text": "x", "contentId": "a>\r\nX: y"}, "[0].contentId", "no spaces"),
        ({"text": "x", "contenType": "a/b"}, "[0].contenType", 'did you mean "contentType"'),
        ({"file": "reports/a.pdf"}, "[0].file", "must be an absolute path"),
        ({"file": "/srv/../etc/passwd"}, "[0].file", "must not contain `..`"),
        (r"\\host\share\a", "[0].file", "must be an absolute path"),
        ({"url": "ftp://x.test/"}, "[0].url", "must begin with https://"),
        ({"url": "https://u:sesame@x.test/"}, "[0].url", "user or a password"),
        ({"camunda.document.type": "camunda"}, "[0].document", "must have a `documentId`"),
        ({"camunda.document.type": "external"}, "[0].url", "must be text"),
        ({"camunda.document.type": "inline"}, "[0]", "has no `content`"),
        ({"camunda.document.type": "other"}, "[0]", "known are camunda, inline and external"),
        ({"message": "no mail"}, "[0].message", "must begin with a header"),
    ],
)  # fmt: skip
def test_every_broken_form_is_told_with_its_place(attachment: Any, field: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        validate(SendInput, variables(attachments=[attachment]))
    (problem,) = caught.value.details["problems"]
    assert f"request.attachments{field}" in problem["field"]
    assert said in problem["problem"]
    assert "sesame" not in str(caught.value)


def test_the_second_of_two_is_told_as_the_second() -> None:
    with pytest.raises(InputError, match=r"request\.attachments\[1\]\.content\b"):
        validate(SendInput, variables(attachments=[{"text": "x"}, {"content": "%"}]))


def test_two_parts_with_one_content_id_are_refused() -> None:
    two = [{"text": "x", "contentId": "a"}, {"text": "y"}, {"text": "z", "contentId": "<a>"}]
    with pytest.raises(InputError, match=r"\[0\] and \[2\] have the same `contentId`"):
        validate(SendInput, variables(attachments=two))


def test_a_text_is_given_once() -> None:
    with pytest.raises(InputError, match="both `html` and `htmlFrom`"):
        validate(SendInput, variables(html="x", htmlFrom="/a"))


async def test_what_cannot_be_had_stops_the_mail(
    here: Desk, web: WebServer, store: DocumentStore, folder: Path
) -> None:
    gone = store.give(b"x")
    store.forget(gone)
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to("../secret.txt")
    for attachment, code in (
        (gone, "DOCUMENT_NOT_FOUND"),
        ({**store.give(b"x"), "contentHash": "0" * 64}, "DOCUMENT_CHANGED"),
        (str(folder / "none.pdf"), "FILE_NOT_FOUND"),
        (str(folder.parent / "secret.txt"), "FILE_NOT_ALLOWED"),
        ("/etc/passwd", "FILE_NOT_ALLOWED"),
        (str(folder / "link"), "FILE_NOT_ALLOWED"),
        (str(folder / "fifo"), "FILE_NOT_ALLOWED"),
        ("https://files.test/a", "URL_NOT_ALLOWED"),
        ("http://169.254.169.254/files/a", "URL_NOT_ALLOWED"),
        (web.redirect("/files/r", "http://169.254.169.254/files/a"), "URL_NOT_ALLOWED"),
        (f"{web.url}/files/none", "DOWNLOAD_REFUSED"),
        (web.give("/files/busy", status=503), "DOWNLOAD_FAILED"),
    ):
        error = await refused(here, attachments=[{"text": "good"}, attachment])
        assert (attachment, error.code) == (attachment, code)


async def test_a_store_that_is_down_or_slow_stops_the_mail_for_now(impatient: Desk, store: DocumentStore) -> None:
    document = store.give(b"12345")
    store.read_status = 503
    assert (await refused(impatient, attachments=document)).code == "DOCUMENT_STORE_UNAVAILABLE"
    store.read_status, store.stalls = 200, True
    assert (await refused(impatient, attachments=document)).code == "DOCUMENT_STORE_UNAVAILABLE"


async def test_a_server_that_is_slow_stops_the_mail_for_now(impatient: Desk, web: WebServer) -> None:
    web.stalls.add("/files/slow")
    error = await refused(impatient, attachments=web.give("/files/slow", b"x"))
    assert (error.code, "0.3 s" in error.message) == ("DOWNLOAD_FAILED", True)


# ── sizes and memory ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_too_large_stops_the_mail(here: Desk, web: WebServer, store: DocumentStore, folder: Path) -> None:
    (folder / "large").write_bytes(bytes(11))
    small = limited(here, 10, 15)
    for attachment in (
        store.give(bytes(11)),
        {**store.give(bytes(11)), "metadata": {}},
        {"content": b64encode(bytes(11)).decode()},
        {"text": "ä" * 6},
        str(folder / "large"),
        web.give("/files/large", bytes(11)),
    ):
        error = await refused(small, attachments=[{"text": "x"}, attachment])
        assert error.code == "ATTACHMENT_TOO_LARGE"
        assert "ZEEBE_MAIL_ATTACHMENT_LIMIT_BYTES (10)" in error.message
        assert "Attachment 2" in error.message


async def test_together_they_may_be_too_large(here: Desk, web: WebServer) -> None:
    small = limited(here, 10, 15)
    for attachment in ({"content": b64encode(bytes(8)).decode()}, web.give("/files/a", bytes(8))):
        error = await refused(small, attachments=[{"text": "12345678"}, attachment])
        assert "ZEEBE_MAIL_ATTACHMENTS_LIMIT_BYTES (15, for all together)" in error.message


async def test_a_size_that_is_known_is_found_before_anything_is_read(here: Desk, store: DocumentStore) -> None:
    await refused(limited(here, 10, 15), attachments=[store.give(bytes(5)), store.give(bytes(11))])
    assert not store.asked


async def test_a_stream_without_end_is_cut_at_the_limit(here: Desk, web: WebServer) -> None:
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while given < 1_000_000_000:
            given += 100_000
            yield bytes(100_000)

    web.answers["/files/endless"] = Answer(endless())
    at = limited(here, 1_000_000, 1_000_000)
    assert (await refused(at, attachments=f"{web.url}/files/endless")).code == "ATTACHMENT_TOO_LARGE"
    assert given < 100_000_000


async def test_room_is_held_while_the_mail_is_sent_and_no_longer(here: Desk, web: WebServer) -> None:
    web.answers["/files/a"] = Answer(iter([bytes(1000)]))
    held = []

    class Watching(FakeSession):
        async def send(self, mail: Any, **how: Any) -> Any:
            held.append(here.sources.budget.held)
            return await super().send(mail, **how)

    given = validate(SendInput, variables(attachments=[f"{web.url}/files/a", {"text": "12345"}]))
    await send.perform(given, OneSession(Watching()), FakeAttempt(), here)
    assert held == [1005]
    assert here.sources.budget.held == 0


async def test_a_job_that_finds_no_room_is_handed_back() -> None:
    at = desk(sources=Sources(budget=ByteBudget(10, patience_s=0.01)))
    other = asyncio.Event()

    async def hold() -> None:
        async with at.sources.budget.hold(8):
            await other.wait()

    holding = asyncio.create_task(hold())
    await asyncio.sleep(0)
    session = FakeSession()
    given = validate(SendInput, variables(attachments={"text": "123"}))
    with pytest.raises(WorkerError) as caught:
        await send.perform(given, OneSession(session), FakeAttempt(), at)
    assert (caught.value.code, session.mails) == ("BYTES_IN_FLIGHT_EXCEEDED", [])
    other.set()
    await holding


async def test_room_is_taken_for_the_bytes_there_are_and_not_for_those_that_are_allowed(
    here: Desk, web: WebServer, store: DocumentStore, folder: Path
) -> None:
    """What does not say its size in the task is asked for it before there is room, while others hold nearly all."""
    (folder / "small").write_bytes(bytes(30))
    at = replace(here, sources=replace(here.sources, budget=ByteBudget(1000, patience_s=0.01), limits=Limits(900, 900)))
    unsized = {**store.give(bytes(30)), "metadata": {}}
    async with at.sources.budget.hold(900):
        context = contextvars.Context()
        mail = asyncio.get_running_loop().create_task(
            sent(at, attachments=[str(folder / "small"), web.give("/files/small", bytes(30)), unsized]), context=context
        )
        assert len([*(await mail).iter_attachments()]) == 3
    assert at.sources.budget.held == 0


async def test_what_is_larger_than_it_seemed_takes_more_room(here: Desk, folder: Path) -> None:
    class Growing(Files):
        @asynccontextmanager
        async def open(self, path: str) -> AsyncIterator[Opened]:
            async with super().open(path) as opened:
                yield opened
            (folder / "log").write_bytes(bytes(50))

    (folder / "log").write_bytes(bytes(30))
    at = replace(here, sources=replace(here.sources, files=Growing([folder])))
    given = validate(SendInput, variables(attachments=str(folder / "log")))
    async with loaded(given.request.attachments, at) as (part,):
        assert (len(part.data), at.sources.budget.held) == (50, 50)
    assert at.sources.budget.held == 0


async def test_many_jobs_with_more_than_all_the_room_all_come_to_an_end(here: Desk, folder: Path) -> None:
    """Each mail alone is larger than the room, and each has two files of which nobody knows the size."""
    for name in ("a", "b"):
        (folder / name).write_bytes(bytes(600))
    at = replace(here, sources=replace(here.sources, budget=ByteBudget(1000), limits=Limits(1000, 2000)))
    files = [str(folder / "a"), str(folder / "b")]
    mails = await asyncio.gather(*(sent(at, attachments=files) for _ in range(20)))
    assert len(mails) == 20
    assert at.sources.budget.held == 0


async def test_a_large_file_is_held_once(here: Desk, folder: Path) -> None:
    size = 20 * 1024 * 1024
    with (folder / "large").open("wb") as file:
        file.truncate(size)
    given = validate(SendInput, variables(attachments=str(folder / "large")))
    tracemalloc.start()
    try:
        async with loaded(given.request.attachments, here) as (part,):
            held, peak = tracemalloc.get_traced_memory()
            assert len(part.data) == size
    finally:
        tracemalloc.stop()
    assert held < size * 1.05
    assert peak < size * 1.3
