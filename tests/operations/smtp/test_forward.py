"""Passing mail on: shown in a new one with its files, or attached with every byte it has."""

from __future__ import annotations

import pytest

from tests.operations.imap.mails import MULTIPART
from tests.operations.smtp.correspondence import Correspondent, Meanwhile, People, parse

pytestmark = pytest.mark.live

ODD = (
    b"From: Jane <jane@x.test>\r\nto:me@x.test\r\nSubject: Odd\r\nX-Folded: a\r\n   b\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe  \r\n.\r\n\r\n"
)


async def test_inline_shows_the_original_and_brings_its_files(me: Correspondent, people: People) -> None:
    bob = people.new()
    me.put(MULTIPART)
    (mail,) = await me.stored()

    sent = await me.run("smtp-forward", original=mail, to=bob.address, text="Please look.")

    assert (sent["original"]["marked"], me.flags()) == (True, [{"$Forwarded"}])
    (passed,) = await bob.receives()
    assert passed["Subject"] == "Fwd: Two files"
    assert passed["References"] == "<files@x.test>"
    assert passed.get_body(("plain",)).get_content().splitlines() == [
        "Please look.",
        "",
        "---------- Forwarded message ----------",
        "From: Jörg <joerg@x.test>",
        "Subject: Two files",
        "To: reader@x.test",
        "",
        "See below.",
    ]
    html = passed.get_body(("html",)).get_content()
    assert "Please look." in html
    assert "<p>See <b>below</b>.</p>" in html
    assert "bad()" not in html
    assert "onclick" not in html
    files = [(one.get_filename(), one.get_content_type(), one.get_content()) for one in passed.iter_attachments()]
    assert files == [
        ("data.csv", "text/csv", "a;b\r\n1;2\r\n"),
        ("part-3.pdf", "application/pdf", b"%PDF-1.4"),
    ]


INNER = b"From: inner@x.test\r\nSubject: Inner\r\n\r\nInner text\r\n"
BESIDE = {
    "message/rfc822": (b"", INNER),
    "message/delivery-status": (b"", b"Reporting-MTA: dns; x.test\r\n\r\nFinal-Recipient: rfc822; a@x.test\r\n"),
    "text/rfc822-headers": (b"", b"From: inner@x.test\r\nSubject: Only a header\r\n"),
    "text/calendar": (b"; method=REQUEST", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"),
    "text/csv": (b"", b"a;b\r\n1;2\r\n"),
    "message/partial": (b'; id="p@x.test"; number=1; total=2', b"From: half@x.test\r\n\r\nThe first half\r\n"),
    "message/external-body": (b'; access-type=URL; URL="https://x.test/a"', b"Content-Type: image/png\r\n\r\n"),
    "image/png": (b"", b"not shown\r\n"),
}
"""Parts without a name that no text shows: parameters and content."""


def with_part(kind: str, parameters: bytes, content: bytes) -> bytes:
    return (
        b"From: jane@x.test\r\nSubject: Parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
        b"--b\r\nContent-Type: %s%s\r\nContent-Disposition: inline\r\n\r\n%s\r\n--b--\r\n"
        % (kind.encode(), parameters, content)
    )


@pytest.mark.parametrize("kind", BESIDE)
async def test_inline_brings_whatever_it_does_not_show(me: Correspondent, people: People, kind: str) -> None:
    bob = people.new()
    parameters, content = BESIDE[kind]
    me.put(with_part(kind, parameters, content))
    await me.run("smtp-forward", original=1, to=bob.address)
    ((raw, _),) = bob.raw().items() if await bob.receives() else ()
    (carried,) = parse(raw).iter_attachments()
    if kind == "message/rfc822":
        assert carried.get_content()["Subject"] == "Inner"
    else:
        assert carried.get_payload(decode=True).strip() == content.strip()


async def test_a_picture_that_is_shown_comes_once_and_one_that_is_not_comes_as_a_file(
    me: Correspondent, people: People
) -> None:
    bob = people.new()
    pictures = b"".join(
        b"--r\r\nContent-Type: image/png\r\nContent-ID: <%s>\r\nContent-Disposition: inline\r\n\r\n%s\r\n"
        % (name, name)
        for name in (b"shown", b"other")
    )
    me.put(
        b"From: jane@x.test\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
        b'--r\r\nContent-Type: text/html\r\n\r\n<p>See <img src="cid:shown"> and <img src="cid:shown">.</p>\r\n'
        + pictures
        + b"--r--\r\n"
    )
    await me.run("smtp-forward", original=1, to=bob.address)
    (passed,) = await bob.receives()
    files = [part for part in passed.walk() if part.get_content_type() == "image/png"]
    assert [(one.get_content_disposition(), one.get_content()) for one in files] == [
        ("inline", b"shown"),
        ("attachment", b"other"),
    ]


LONG = {"text/plain": b"A line of words.\r\n" * 80_000, "text/html": b"<p>A line of words.</p>\r\n" * 140_000}


@pytest.mark.parametrize("kind", LONG)
async def test_a_text_that_is_too_long_to_be_shown_comes_with_the_whole_mail(
    me: Correspondent, people: People, kind: str
) -> None:
    bob = people.new()
    source = b"From: jane@x.test\r\nMIME-Version: 1.0\r\nContent-Type: %s\r\n\r\n%s" % (kind.encode(), LONG[kind])
    me.put(source)
    await me.run("smtp-forward", original=1, to=bob.address)
    ((raw, _),) = bob.raw().items() if await bob.receives() else ()
    (whole,) = parse(raw).iter_attachments()
    assert whole.get_content_type() == "message/rfc822"
    assert source.rstrip(b"\r\n") in raw


HIDDEN = b"bCC : Eve\r\n\t<eve@x.test>,\r\n eve2@x.test\r\nResent-Bcc: eve3@x.test\r\n"


async def test_who_got_a_blind_copy_is_not_passed_on(me: Correspondent, people: People) -> None:
    """As from the mailbox for sent mail, which keeps Bcc."""
    bob = people.new()
    before, _, after = ODD.partition(b"Subject:")
    me.put(before + HIDDEN + b"Subject:" + after)
    await me.run("smtp-forward", original=1, to=bob.address, **{"as": "attachment"})
    await me.run("smtp-send", to=bob.address, text="x", attachments=[{"mailbox": "INBOX", "uid": 1}])
    await bob.receives(2)
    for raw in bob.raw():
        assert b"eve" not in raw
        assert ODD.rstrip(b"\r\n") in raw


async def test_its_files_may_stay_behind(me: Correspondent, people: People) -> None:
    bob = people.new()
    me.put(MULTIPART)
    await me.run("smtp-forward", original=1, to=bob.address, keepAttachments=False)
    (passed,) = await bob.receives()
    assert list(passed.iter_attachments()) == []


@pytest.mark.parametrize("source", [MULTIPART, ODD], ids=["multipart", "8bit"])
async def test_as_an_attachment_it_has_every_byte(me: Correspondent, people: People, source: bytes) -> None:
    bob = people.new()
    me.put(source)
    await me.run("smtp-forward", original=1, to=bob.address, subject="For you", text="See it.", **{"as": "attachment"})
    ((raw, _),) = bob.raw().items() if await bob.receives() else ()
    passed = parse(raw)
    assert passed.get_body(("plain",)).get_content().strip() == "See it."
    (whole,) = passed.iter_attachments()
    assert whole.get_content_type() == "message/rfc822"
    assert whole.get_filename().endswith(".eml")
    assert source.rstrip(b"\r\n") in raw


async def test_a_forwarded_mail_is_a_file_that_opens_again(me: Correspondent, people: People) -> None:
    """Mail in mail in mail: what was forwarded as an attachment is passed on inline with it."""
    bob, carl = people.new(), people.new()
    me.put(MULTIPART)
    await me.run("smtp-forward", original=1, to=bob.address, text="First.", **{"as": "attachment"})
    await bob.receives()
    await bob.run("smtp-forward", original=1, to=carl.address, text="Second.")
    (passed,) = await carl.receives()
    (inner,) = passed.iter_attachments()
    assert inner.get_content_type() == "message/rfc822"
    assert inner.get_content()["Message-ID"] == "<files@x.test>"


async def test_a_report_may_be_passed_on(me: Correspondent, people: People) -> None:
    bob = people.new()
    me.put(b"From: x@x.test\r\nSubject: Fwd: WG: away\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n")
    await me.run("smtp-forward", original=1, to=bob.address)
    (passed,) = await bob.receives()
    assert passed["Subject"] == "Fwd: away"


async def test_a_flag_that_cannot_be_set_is_told(me: Correspondent, people: People) -> None:
    """The mail is out: the mailbox has gone meanwhile, and the job completes all the same."""
    bob = people.new()
    me.put(MULTIPART)
    with me.tasks.server.client(me.user) as client:
        client.create_folder("Case")
        client.append("Case", MULTIPART)

    def remove() -> None:
        with me.tasks.server.client(me.user) as client:
            client.delete_folder("Case")

    sent = await me.attempt(Meanwhile(remove), "smtp-forward", original={"mailbox": "Case", "uid": 1}, to=bob.address)
    assert sent["original"]["marked"] is False
    assert sent["original"]["reason"].startswith("MAILBOX_NOT_FOUND: ")
    assert len(await bob.receives()) == 1
