"""Whom an answer goes to, what it is called, and how it shows the mail that it answers."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from zeebe_mail.message.address import Mailbox, mailboxes
from zeebe_mail.message.answer import Answered, Ours, forward_subject, reply_subject
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.parse import parse
from zeebe_mail.message.quotation import as_html, carried, passed_on, quoted
from zeebe_mail.message.quoted_reply import newest_reply

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "eml"
NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
ME = Mailbox("me", "x.test")


def answered(**fields: str) -> Answered:
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return Answered(parse(f"{head}\r\nHi\r\n".encode()))


def recipients(*, everybody: bool = False, ours: Any = "me@x.test", **fields: str) -> tuple[list[str], list[str]]:
    to, cc = answered(**fields).recipients(Ours(mailboxes(ours)), everybody=everybody)
    return [one.address for one in to], [one.address for one in cc]


JANE, BOB, CARL, TEAM = "jane@x.test", "bob@x.test", "carl@x.test", "team@lists.test"


# ── to whom ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fields", "to"),
    [
        ({"From": JANE, "To": "me@x.test"}, [JANE]),
        ({"From": JANE, "Reply_To": f"{BOB}, {CARL}"}, [BOB, CARL]),
        ({"From": f"{JANE}, {BOB}"}, [JANE, BOB]),
        ({"From": JANE, "Reply_To": "nonsense"}, [JANE]),
        ({"From": JANE, "Reply_To": TEAM, "List_Post": f"<mailto:{TEAM}>"}, [JANE]),
        ({"From": JANE, "Reply_To": TEAM, "List_Post": "NO"}, [TEAM]),
        ({"From": JANE, "Mail_Followup_To": TEAM}, [JANE]),
        ({"From": "me@x.test", "To": f"{JANE}, me@x.test", "Cc": BOB}, [JANE]),
        ({"From": "me@x.test", "To": "me@x.test"}, ["me@x.test"]),
        ({"From": JANE, "Delivered_To": JANE, "To": BOB}, [BOB]),
        ({"From": "undisclosed:;"}, []),
        ({"To": "me@x.test"}, []),
    ],
)
def test_the_author_is_answered(fields: dict[str, str], to: list[str]) -> None:
    assert recipients(**fields) == (to, [])


@pytest.mark.parametrize(
    ("fields", "to", "cc"),
    [
        ({"From": JANE, "To": f"me@x.test, {BOB}", "Cc": CARL}, [JANE, BOB], [CARL]),
        ({"From": JANE, "To": f"{JANE}, {BOB}", "Cc": f"{BOB.upper()}, {JANE}, {CARL}"}, [JANE, BOB], [CARL]),
        ({"From": JANE, "To": "ME+case7@X.test", "Cc": "me@x.test"}, [JANE], []),
        ({"From": JANE, "To": "alias@x.test", "Delivered_To": "alias@x.test", "Cc": BOB}, [JANE], [BOB]),
        ({"From": JANE, "To": TEAM, "Mail_Followup_To": f"{TEAM}, {BOB}, me@x.test", "Cc": CARL}, [TEAM, BOB], []),
        ({"From": JANE, "To": TEAM, "Reply_To": TEAM, "List_Post": f"<mailto:{TEAM}?subject=x>"}, [JANE, TEAM], []),
        ({"From": "me@x.test", "To": JANE, "Cc": BOB}, [JANE], [BOB]),
        ({"From": "me@x.test", "Cc": BOB}, [], [BOB]),
        (
            {"From": JANE, "To": '"x, y" <a@b>, broken@, <>, undisclosed:;', "Cc": "=?utf-8?q?a=2Cb?= <c@x.test>"},
            [JANE, "a@b"],
            ["c@x.test"],
        ),
    ],
)
def test_everybody_is_answered_but_us(fields: dict[str, str], to: list[str], cc: list[str]) -> None:
    assert recipients(everybody=True, **fields) == (to, cc)


def test_the_address_that_was_written_to_is_ours_as_we_write_it() -> None:
    ours = Ours(mailboxes(["me@x.test", "Our office <office@x.test>"]))
    found = answered(To=f"{JANE}, Stranger's name <OFFICE+7@x.test>").written_to(ours)
    assert found == Mailbox("office", "x.test", "Our office")
    assert answered(To=JANE, Delivered_To="me@x.test").written_to(ours) == Mailbox("me", "x.test")
    assert answered(To=JANE).written_to(ours) is None


# ── what it is called ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("subject", "reply", "forward"),
    [
        ("Order", "Re: Order", "Fwd: Order"),
        ("Re: Order", "Re: Order", "Fwd: Re: Order"),
        ("RE: AW: Re[2]: sv: Antw: Re (3) : Order", "Re: Order", "Fwd: RE: AW: Re[2]: sv: Antw: Re (3) : Order"),
        ("Fwd: WG: Order", "Re: Fwd: WG: Order", "Fwd: Order"),
        ("回复：Order", "Re: Order", "Fwd: 回复：Order"),
        ("Regarding: Order", "Re: Regarding: Order", "Fwd: Regarding: Order"),
        ("Reference", "Re: Reference", "Fwd: Reference"),
        ("Re:", "Re:", "Fwd: Re:"),
        ("", "Re:", "Fwd:"),
        (None, "Re:", "Fwd:"),
        ("a\nBcc: eve@x.test\u2028b", "Re: a Bcc: eve@x.test b", "Fwd: a Bcc: eve@x.test b"),
    ],
)
def test_a_subject_has_its_prefix_once(subject: str | None, reply: str, forward: str) -> None:
    assert (reply_subject(subject), forward_subject(subject)) == (reply, forward)


# ── how it shows the original ────────────────────────────────────────────────────────────────────────────────────


def original(body: str, *, kind: str = "text/plain; charset=utf-8", sender: str = "Jane <jane@x.test>") -> bytes:
    return (
        f"From: {sender}\r\nDate: Mon, 9 Mar 2026 08:00:00 +0000\r\nContent-Type: {kind}\r\n"
        f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}"
    ).encode()


def test_lines_are_quoted_and_what_is_above_is_found_again() -> None:
    shown = quoted(parse(original("One\r\n\r\n> Two\r\n>> Three\r\n")))
    assert shown.text.split("\n")[1:] == ["> One", ">", ">> Two", ">>> Three"]
    draft = shown.joined(Draft((ME,), text="Mine.\n"))
    assert draft.text is not None
    assert newest_reply(draft.text) == "Mine."
    above = shown.joined(Draft((ME,), text="Mine."), above=True)
    assert above.text == f"{shown.text}\n\nMine."


@pytest.mark.parametrize("own", ["<p>Mine</p>", "<html><body class=x><p>Mine</p></BODY></html>", "<p>Mine</html>"])
def test_html_stays_one_document(own: str) -> None:
    shown = quoted(parse(original("<b>Theirs</b>", kind="text/html")))
    for above in (False, True):
        html = shown.joined(Draft((ME,), html=own), above=above).html or ""
        assert (html.index("Theirs") < html.index("Mine")) is above
        assert html.lower().find("</body") == -1 or html.index("Theirs") < html.lower().index("</body")


@pytest.mark.parametrize(
    "bad",
    [
        "<script>steal()</script>",
        "<img src=x onerror=steal()>",
        "<style>@import 'steal'</style>",
        "<svg onload=steal()>",
        "</blockquote></body><script>steal()</script>",
        "<a href='javascript:steal()'>x</a>",
        "<iframe src=//steal>",
    ],
)
def test_what_a_stranger_wrote_does_nothing_in_our_mail(bad: str) -> None:
    hostile = f"Jane<i>{bad}</i>"
    for message in (
        parse(original(hostile, kind="text/html", sender=f'"{bad}" <jane@x.test>')),
        parse(original(hostile, sender=f'"{bad}" <jane@x.test>')),
    ):
        for shown in (quoted(message), passed_on(message)):
            html = shown.html.lower()
            assert not re.search(r"<(?:script|svg|iframe|style|a href=|img[^>]*(?:src|on\w+)=)", html)
            assert html.count("<blockquote") == html.count("</blockquote")


def related(cid: str, shown: str) -> bytes:
    return original(
        f'--r\r\nContent-Type: text/html\r\n\r\n<p>Look: <img src="cid:{shown}"></p>\r\n--r\r\n'
        f"Content-Type: image/png\r\nContent-ID: <{cid}>\r\n\r\nPNG\r\n--r--\r\n",
        kind="multipart/related; boundary=r",
    )


@pytest.mark.parametrize(
    ("cid", "shown", "taken", "own"),
    [
        ("logo@x", "logo@x", [], "logo@x"),
        ("LOGO@x", "logo%40x", [], "LOGO@x"),
        ("logo@x", "logo@x", ["Logo@X"], "quoted.logo@x"),
        ("a(b)", "a(b)", [], "picture1"),
        ("a%25b", "a%2525b", [], "picture1"),
    ],
)
def test_a_picture_has_a_name_of_its_own(cid: str, shown: str, taken: list[str], own: str) -> None:
    quotation = quoted(parse(related(cid, shown)), taken=taken)
    (picture,) = quotation.pictures
    assert (picture.content_id, picture.inline, picture.data) == (own, True, b"PNG")
    assert f'src="cid:{own}"' in quotation.html


def test_a_picture_that_is_not_there_is_not_asked_for() -> None:
    quotation = quoted(parse(related("other", "missing")))
    assert quotation.pictures == ()
    assert "cid:" not in quotation.html


def test_text_as_html_looks_the_same() -> None:
    assert as_html("a <b>\n  c & d") == '<div style="white-space:pre-wrap">a &lt;b&gt;\n  c &amp; d</div>'


def test_parts_are_carried_with_their_bytes_and_harmless_names() -> None:
    message = parse(
        original(
            "--r\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Disposition: attachment; filename=../a\r\n"
            'Content-Transfer-Encoding: base64\r\n\r\nwcI=\r\n--r\r\nContent-Type: text/plain; charset="a\\"b"\r\n'
            "Content-Disposition: attachment\r\n\r\nB\r\n--r--\r\n",
            kind="multipart/mixed; boundary=r",
        )
    )
    assert carried(message, but=()) == (
        Attachment("a", "text/plain", b"\xc1\xc2", "koi8-r"),
        Attachment("part-2.txt", "text/plain", b"B"),
    )


# ── whatever comes ───────────────────────────────────────────────────────────────────────────────────────────────


def written(raw: bytes) -> list[Message]:
    """An answer to everybody, the mail passed on inline, and as an attachment."""
    message = parse(raw)
    source = Answered(message)
    to, cc = source.recipients(Ours([ME]), everybody=True)
    blank = Draft((ME,), to=to or (ME,), cc=cc, text="Mine", html="<p>Mine</p>", references=message.references)
    ids = (message.message_id,) if message.message_id else ()
    answer = quoted(message).joined(Draft(**_fields(blank), subject=reply_subject(message.subject), in_reply_to=ids))
    inline = passed_on(message).joined(Draft(**_fields(blank), subject=forward_subject(message.subject)))
    files = carried(message, but=())
    inline = Draft(**(_fields(inline) | {"attachments": (*inline.attachments, *files)}), subject=inline.subject)
    whole = Draft(**(_fields(blank) | {"attachments": (Attachment("m.eml", "message/rfc822", raw),)}))
    return [compose(one, token="t", date=NOW) for one in (answer, inline, whole)]


def _fields(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in ("authors", "to", "cc", "text", "html", "references", "attachments")}


def check(raw: bytes) -> None:
    for message in written(raw):
        data = bytes(message.data)
        head = data.partition(b"\r\n\r\n")[0]
        assert max(map(len, data.split(b"\r\n"))) <= 998
        assert b"\n" not in data.replace(b"\r\n", b"")
        theirs = email.message_from_bytes(data, policy=email.policy.compat32)
        assert not [one.defects for one in theirs.walk() if one.defects and "Mine" in str(one.get_payload())]
        names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
        assert len(names) == len(set(names))
        assert set(names) <= {
            *(
                b"date",
                b"from",
                b"to",
                b"cc",
                b"subject",
                b"message-id",
                b"mime-version",
                b"in-reply-to",
                b"references",
            ),
            *(b"auto-submitted", b"content-type", b"content-transfer-encoding"),
        }
        ours = parse(data)
        assert "Mine" in (ours.text or "")
    (whole,) = [one for one in parse(bytes(written(raw)[2].data)).parts() if one.file_name == "m.eml"][:1]
    kept = parse(bytes(written(raw)[2].data)).content(whole)
    assert _lines(kept) == _lines(raw)


def _lines(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").rstrip(b"\n")


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the mail corpus is not at ../shared/corpus/eml")
def test_any_mail_of_the_corpus_can_be_answered_and_passed_on() -> None:
    files = sorted(CORPUS.rglob("*.eml"))
    assert len(files) > 200
    for file in files:
        try:
            check(file.read_bytes())
        except Exception as error:
            raise AssertionError(file.name) from error
