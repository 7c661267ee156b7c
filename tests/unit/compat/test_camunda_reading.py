"""A message that was read, as Camunda's connector gives it."""

from __future__ import annotations

from typing import Any

import pytest

from zeebe_mail.compat.camunda.envelope import envelope
from zeebe_mail.compat.camunda.reading import AsWritten, header_of
from zeebe_mail.documents.memory import MemoryDocuments
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.message.parse import parse


async def content(source: str, documents: MemoryDocuments | None = None) -> dict[str, Any]:
    message = parse(source.replace("\n", "\r\n").encode("latin-1"))
    return await AsWritten().content(message, documents or MemoryDocuments())


def multipart(*parts: str, kind: str = "mixed") -> str:
    body = "".join(f"--BB\n{part}\n" for part in parts)
    return f"From: a@x.test\nContent-Type: multipart/{kind}; boundary=BB\n\n{body}--BB--\n"


PLAIN = "Content-Type: text/plain\n\nplain\nlines"
HTML = "Content-Type: text/html\n\n<script>x</script><p>html</p>"
PDF = (
    "Content-Type: application/pdf\nContent-Disposition: {}; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nAAEC"
)


@pytest.mark.parametrize(
    ("source", "plain", "html"),
    [
        ("From: a\n\nbody\n", "body\r\n", None),
        ("From: a\nContent-Type: text/plain; format=flowed\n\nsoft \nbreak\n", "soft \r\nbreak\r\n", None),
        ("From: a\nContent-Type: text/plain; charset=utf-8\n\n\xef\xbb\xbfBOM\n", "\ufeffBOM\r\n", None),
        ("From: a\nContent-Type: text/html\n\n<p>x</p>\n", None, "<p>x</p>\r\n"),
        ("From: a\nContent-Disposition: attachment\n\nalone\n", "alone\r\n", None),
        (multipart(PLAIN, HTML, kind="alternative"), "plain\r\nlines", "<script>x</script><p>html</p>"),
        (multipart(PLAIN, "Content-Type: text/plain\n\nsignature"), "signature", None),
        (multipart(PLAIN, multipart(HTML).partition("\n")[2].replace("BB", "CC")), "plain\r\nlines", HTML[25:]),
        (multipart(HTML), None, HTML[25:]),
        ("From: a\nContent-Type: multipart/mixed; boundary=BB\n\n--BB--\n", "", None),
        ("From: a\nContent-Type: multipart/mixed; boundary=BB\n\nwords\n", "words\r\n", None),
    ],
)
async def test_texts_are_as_they_were_written_and_the_last_counts(source: str, plain: Any, html: Any) -> None:
    read = await content(source)
    assert (read["plainTextBody"], read["htmlBody"]) == (plain, html)


async def kept(source: str) -> list[tuple[str | None, str, bytes]]:
    documents = MemoryDocuments()
    found = []
    for one in (await content(source, documents))["attachments"]:
        reference = DocumentReference.of(one["document"])
        async with documents.open(reference) as opened:
            data = b"".join([chunk async for chunk in opened.chunks])
        found.append((reference.name, one["contentType"], data))
    return found


async def test_what_says_so_is_an_attachment() -> None:
    nameless = PDF.replace("; filename=a.pdf", "")
    assert await kept(multipart(PLAIN, PDF.format("attachment"), nameless.format("attachment"))) == [
        ("a.pdf", "application/pdf", b"\0\1\2"),
        (None, "application/pdf", b"\0\1\2"),
    ]
    report = "Content-Type: message/delivery-status\nContent-Disposition: attachment\n\nx"
    assert await kept(multipart(PLAIN, report)) == [(None, "message/delivery-status", b"x")]


@pytest.mark.parametrize(
    "part",
    [PDF.format("inline"), "Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: inner\n\nx"],
)
async def test_what_the_contract_has_no_place_for_is_left_out(part: str) -> None:
    assert await kept(multipart(PLAIN, part)) == []


async def test_text_attachments_are_kept_in_utf_8() -> None:
    latin = (
        "Content-Type: text/plain; charset=iso-8859-1\nContent-Disposition: attachment; filename=t.txt\n\nGr\xfc\xdfe"
    )
    csv = "Content-Type: text/csv; charset=iso-8859-1\nContent-Disposition: attachment; filename=t.csv\n\na;\xfc"
    assert await kept(multipart(PLAIN, latin, csv)) == [
        ("t.txt", "text/plain", "Grüße".encode()),
        ("t.csv", "text/csv", b"a;\xfc"),
    ]


async def test_a_message_that_is_a_file_has_it_as_an_attachment() -> None:
    """Camunda's connector cannot read it at all."""
    source = f"From: a@x.test\n{PDF.format('inline')}\n"
    assert await kept(source) == [("a.pdf", "application/pdf", b"\0\1\2")]


async def test_headers_keep_their_words_and_line_breaks() -> None:
    read = await content(
        "From x@y.test Mon 08:00:12\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\nX-A:  1\n\t2\nX-A: 3\nX-B:\n\nx\n"
    )
    assert [(one["key"], one["value"]) for one in read["headers"]] == [
        ("From x@y.test Mon 08", "00:12"),
        ("Subject", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="),
        ("X-A", "1\r\n\t2"),
        ("X-A", "3"),
        ("X-B", ""),
    ]
    assert read["subject"] == "Grüße"


@pytest.mark.parametrize(
    ("subject", "unfolded", "over_pop3"),
    [
        ("a\r\n b\r\n\tc", "a b c", "a b\tc"),
        ("=?nobody-knows?Q?abc?= x", "=?nobody-knows?Q?abc?= x", "=?nobody-knows?Q?abc?= x"),
        ("=?utf-8?Q?a?= =?iso-8859-1?Q?=FC?=", "aü", "aü"),
        ("", "", ""),
    ],
)
def test_subjects_are_read_as_their_library_does(subject: str, unfolded: str, over_pop3: str) -> None:
    header = header_of(f"Subject: {subject}\r\n\r\n".encode())
    assert envelope(header, "a@x", "ours", unfolded=True)["subject"] == unfolded
    assert envelope(header, "a@x", "ours", unfolded=False)["subject"] == over_pop3


def test_without_an_author_the_sender_counts() -> None:
    header = header_of(b"Sender: Jane <jane@x.test>\r\nSubject: \xc3\xbc\r\n\r\n")
    assert envelope(header, None, "ü", unfolded=True) == {"fromAddress": "jane@x.test", "subject": "ü"}
    assert envelope(header_of(b"X: y\r\n\r\n"), None, None, unfolded=True) == {"fromAddress": None, "subject": None}
