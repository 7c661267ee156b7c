"""Well-formed mail of many kinds: what a process gets, exactly."""

from base64 import b64encode, encodebytes
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from quopri import encodestring

import pytest

from zeebe_mail.message import charsets
from zeebe_mail.message.parse import parse, parse_header
from zeebe_mail.message.parsed import ParsedMessage

HEAD = "From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


def message(*lines: str, head: str = HEAD) -> ParsedMessage:
    """A message of a header and more lines."""
    return parse((head + "\r\n".join(lines) + "\r\n").encode("latin-1"))


def names(found: ParsedMessage) -> list[str | None]:
    return [part.file_name for part in found.attachments]


def test_a_plain_message_has_all_that_its_header_says() -> None:
    raw = (
        b"Return-Path: <a@example.org>\r\n"
        b"Received: from x by y with ESMTP; Mon, 5 Jan 2026 10:00:02 +0100 (CET)\r\n"
        b"Received: from w by x; Mon, 5 Jan 2026 10:00:01 +0100\r\n"
        b"Message-ID: <1.2@example.org>\r\nDate: Mon, 05 Jan 2026 10:00:00 +0100\r\n"
        b'From: "Doe, Jane" <jane@example.org>\r\nSender: office@example.org\r\nReply-To: reply@example.org\r\n'
        b"To: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>,\r\n bob@example.org\r\n"
        b"Cc: team: c@example.org, d@example.org;\r\n"
        b"In-Reply-To: <0@example.org>\r\nReferences: <r1@example.org>\r\n <0@example.org>\r\n"
        b"Subject: =?utf-8?B?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=\r\nImportance: High\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    )
    found = parse(raw).as_json()
    headers = found.pop("headers")
    assert headers[1] == {
        "key": "Received",
        "value": "from x by y with ESMTP; Mon, 5 Jan 2026 10:00:02 +0100 (CET)",
    }
    assert [one["key"] for one in headers].count("Received") == 2
    assert found == {
        "messageId": "<1.2@example.org>",
        "fromAddress": "jane@example.org",
        "subject": "Grüße aus Köln",
        "size": len(raw),
        "plainTextBody": "Grüße\n",
        "textSource": "plain",
        "newestReply": "Grüße",
        "htmlBody": None,
        "safeHtml": None,
        "attachments": [],
        "inlineParts": [],
        "messages": [],
        "from": [{"name": "Doe, Jane", "address": "jane@example.org"}],
        "sender": [{"name": None, "address": "office@example.org"}],
        "to": [{"name": "Jörg", "address": "joerg@example.org"}, {"name": None, "address": "bob@example.org"}],
        "cc": [{"name": None, "address": "c@example.org"}, {"name": None, "address": "d@example.org"}],
        "bcc": [],
        "replyTo": [{"name": None, "address": "reply@example.org"}],
        "sentDate": "2026-01-05T09:00:00Z",
        "receivedDateTime": "2026-01-05T09:00:02Z",
        "inReplyTo": ["<0@example.org>"],
        "references": ["<r1@example.org>", "<0@example.org>"],
        "importance": "high",
        "calendar": None,
        "bounce": None,
        "autoReply": False,
        "autoReplyReason": None,
        "authenticationResults": None,
        "errors": [],
        "parseError": None,
    }


def test_the_time_that_the_server_knows_is_better_than_the_headers() -> None:
    received = datetime(2026, 1, 5, 9, 0, 3, tzinfo=UTC)
    assert parse(b"Received: x; Mon, 5 Jan 2026 10:00:02 +0100\n\n", received).received == received


def test_an_empty_message_has_nothing() -> None:
    found = parse(b"")
    assert found == ParsedMessage(size=0, text="", text_source="plain", newest_reply="", leaves=found.leaves)
    assert [(one.part, one.content_type, one.size) for one in found.leaves] == [("1", "text/plain", 0)]


def test_a_thousand_recipients_are_read() -> None:
    addresses = [f"some.body.number.{number}@department.example.org" for number in range(1000)]
    found = parse(f"To: {(',' + chr(10) + ' ').join(addresses)}\n\nHi\n".encode())
    assert [one.address for one in found.to] == addresses
    assert found.parse_error is None


def test_a_header_alone_is_read_without_a_body() -> None:
    """As after a POP3 TOP."""
    found = parse_header(b"Subject: x\r\nFrom: a@example.org\r\n\r\n")
    assert (found.subject, found.from_address, found.text) == ("x", "a@example.org", None)


def test_text_and_html_are_alternatives() -> None:
    found = message(
        'Content-Type: multipart/alternative; boundary="a"',
        "",
        "--a",
        "Content-Type: text/plain",
        "",
        "Hello",
        "--a",
        "Content-Type: text/html",
        "",
        "<p>Hello <b>you</b></p>",
        "--a--",
    )
    assert (found.text, found.text_source, found.safe_html) == ("Hello", "plain", "<p>Hello <b>you</b></p>")
    assert found.attachments == found.inline_parts == ()


def test_html_alone_gives_its_text() -> None:
    found = message("Content-Type: text/html", "", "<p>Hello</p><ul><li>one<li>two</ul>")
    assert (found.text, found.text_source) == ("Hello\n\n- one\n- two", "html")


def test_a_blank_text_beside_html_is_no_text() -> None:
    found = message(
        *("Content-Type: multipart/alternative; boundary=a", "", "--a", "", " ", "--a"),
        *("Content-Type: text/html", "", "Hi", "--a--"),
    )
    assert (found.text, found.text_source) == ("Hi", "html")


def test_original_html_comes_with_its_sanitised_copy() -> None:
    found = message("Content-Type: text/html", "", "<p onclick='x()'>Hi</p>")
    assert found.as_json()["htmlBody"] == "<p>Hi</p>\n"
    both = found.as_json(original_html=True)
    assert (both["htmlBody"], both["safeHtml"]) == ("<p onclick='x()'>Hi</p>\n", "<p>Hi</p>\n")


def test_outlook_mail_with_an_image_in_it_and_a_file() -> None:
    """mixed( related( alternative(plain, html), image ), file ): numbers as IMAP counts them."""
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "Content-Type: multipart/related;"),
        *("\tboundary=r", "", "--r", "Content-Type: multipart/alternative; boundary=a", "", "--a"),
        *("Content-Type: text/plain", "", "see [cid:image001.png@01D]", "--a", "Content-Type: text/html", ""),
        *('<img src="cid:image001.png@01D">', "--a--", "--r", 'Content-Type: image/png; name="image001.png"'),
        *("Content-ID: <image001.png@01D>", "Content-Transfer-Encoding: base64", "", "iVBORw==", "--r--", "--m"),
        *("Content-Type: application/pdf; name=a.pdf", "Content-Disposition: attachment; filename=a.pdf"),
        *("Content-Transfer-Encoding: base64", "", "JVBERi0=", "--m--"),
    )
    (image,), (file,) = found.inline_parts, found.attachments
    assert (image.part, image.content_id, image.file_name, image.size) == ("1.2", "image001.png@01D", "image001.png", 4)
    assert (file.part, file.file_name, file.content_type, file.disposition) == (
        *("2", "a.pdf", "application/pdf"),
        "attachment",
    )
    assert found.content(image) == b"\x89PNG"
    assert found.content(file) == b"%PDF-"
    assert found.safe_html == '<img src="cid:image001.png@01D">'
    assert found.text == "see [cid:image001.png@01D]"


def test_apple_mail_with_text_around_a_file() -> None:
    """mixed(plain, pdf, plain): both texts are there."""
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "Content-Type: text/plain", "", "before", "--m"),
        *("Content-Type: application/pdf; name=a.pdf", "Content-Disposition: inline; filename=a.pdf", "", "%PDF"),
        *("--m", "Content-Type: text/plain", "", "after", "--m--"),
    )
    assert found.text == "before\n\nafter"
    assert names(found) == ["a.pdf"]


def test_a_footer_that_a_list_added_is_there() -> None:
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "Content-Type: multipart/alternative; boundary=a"),
        *("", "--a", "Content-Type: text/plain", "", "Hi", "--a", "Content-Type: text/html", "", "<p>Hi</p>", "--a--"),
        *("--m", "Content-Type: text/plain", "Content-Disposition: inline", "", "____", "list footer", "--m--"),
    )
    assert found.text == "Hi\n\n____\nlist footer"
    assert found.safe_html == "<p>Hi</p>"


def test_text_attachments_are_no_text_of_the_message() -> None:
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "", "Hi", "--m", "Content-Type: text/plain"),
        *("Content-Disposition: attachment; filename=notes.txt", "", "notes", "--m--"),
    )
    assert (found.text, names(found)) == ("Hi", ["notes.txt"])


def test_a_text_with_a_name_in_between_is_both() -> None:
    """It is shown where it stands, and somebody may want the file."""
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "", "Hi", "--m", "Content-Type: text/plain"),
        *("Content-Disposition: inline; filename=notes.txt", "", "notes", "--m--"),
    )
    assert (found.text, names(found)) == ("Hi\n\nnotes", ["notes.txt"])


def test_without_a_text_the_best_part_is_read() -> None:
    found = message("Content-Type: text/plain; name=a.txt", "Content-Disposition: attachment", "", "only this")
    assert (found.text, found.text_source, names(found)) == ("only this\n", "part", ["a.txt"])


def test_a_file_alone_is_an_attachment_and_no_text() -> None:
    found = message("Content-Type: application/pdf", "Content-Transfer-Encoding: base64", "", "JVBERi0=")
    assert (found.text, [part.part for part in found.attachments]) == (None, ["1"])


def test_a_forwarded_message_is_a_message_with_its_own_parts() -> None:
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "", "FYI", "--m", "Content-Type: message/rfc822"),
        *("Content-Disposition: attachment; filename=mail.eml", "", "From: c@example.org", "Subject: inner"),
        *("Content-Type: multipart/mixed; boundary=i", "", "--i", "", "inner text", "--i"),
        *("Content-Type: image/png; name=a.png", "Content-Transfer-Encoding: base64", "", "iVBORw==", "--i--", "--m--"),
    )
    (inner,) = found.messages
    assert (found.text, names(found)) == ("FYI", ["mail.eml"])
    assert (inner.subject, inner.text, names(inner)) == ("inner", "inner text", ["a.png"])
    assert inner.attachments[0].part == "2.2"
    assert [part.part for part in found.parts()] == ["2", "2.2"]
    assert found.content(inner.attachments[0]) == b"\x89PNG"
    assert found.content(found.attachments[0]).startswith(b"From: c@example.org")


def test_an_encoded_message_in_a_message_is_opened() -> None:
    inner = "From: c@example.org\r\nSubject: inner\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF"
    body = encodebytes(inner.encode()).decode()
    found = message("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", body)
    assert (found.messages[0].subject, found.content(found.messages[0].attachments[0])) == ("inner", b"%PDF")


def test_a_digest_is_messages() -> None:
    found = message(
        *("Content-Type: multipart/digest; boundary=d", "", "--d", "", "Subject: one", "", "1", "--d", ""),
        *("Subject: two", "", "2", "--d--"),
    )
    assert [(one.subject, one.text) for one in found.messages] == [("one", "1"), ("two", "2")]
    assert (found.text, found.text_source) == ("1", "part")


def test_winmail_dat_stays_an_attachment() -> None:
    found = message(
        *("Content-Type: multipart/mixed; boundary=m", "", "--m", "", "Hi", "--m"),
        *('Content-Type: application/ms-tnef; name="winmail.dat"', "Content-Transfer-Encoding: base64", ""),
        *("eJ8+IgA=", "--m--"),
    )
    assert [(one.file_name, one.content_type) for one in found.attachments] == [("winmail.dat", "application/ms-tnef")]


def test_a_signed_message_has_its_signature_as_attachment() -> None:
    found = message(
        *("Content-Type: multipart/signed; boundary=s; micalg=sha-256", "", "--s", "", "Hi", "--s"),
        *("Content-Type: application/pkcs7-signature; name=smime.p7s", "Content-Transfer-Encoding: base64", ""),
        *("MIIB", "--s--"),
    )
    assert (found.text, names(found)) == ("Hi", ["smime.p7s"])


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("utf-8", "utf-8", "Grüße 🙂 日本語"),
        ("iso-8859-1", "latin-1", "Grüße"),
        ("iso-8859-1", "cp1252", "„Grüße“ – 5 €"),
        ("windows-1252", "cp1252", "„Grüße“ – 5 €"),
        ("iso-8859-2", "iso8859-2", "Příliš žluťoučký"),
        ("iso-8859-15", "iso8859-15", "5 €"),
        ("windows-1250", "cp1250", "Zażółć gęślą"),
        ("windows-1251", "cp1251", "Привет, мир"),
        ("koi8-r", "koi8-r", "Привет, мир"),
        ("KOI8-U", "koi8-u", "Привіт, їжак"),
        ("windows-1253", "cp1253", "Γειά σου"),
        ("windows-1254", "cp1254", "Günaydın şehir"),
        ("iso-8859-9", "cp1254", "Günaydın şehir"),
        ("windows-1255", "cp1255", "שלום עולם"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("windows-1256", "cp1256", "مرحبا"),
        ("windows-1257", "cp1257", "Ačiū už žinią"),
        ("windows-1258", "cp1258", "đường"[:1]),
        ("tis-620", "cp874", "สวัสดี"),
        ("iso-2022-jp", "iso2022-jp", "こんにちは世界"),
        ("shift_jis", "cp932", "こんにちは①世界"),
        ("euc-jp", "euc-jp", "こんにちは世界"),
        ("gb2312", "gb18030", "你好，世界"),
        ("gbk", "gbk", "你好，世界"),
        ("gb18030", "gb18030", "你好，世界🙂"),
        ("big5", "big5hkscs", "你好，世界"),
        ("euc-kr", "cp949", "안녕하세요 세계"),
        ("ks_c_5601-1987", "cp949", "안녕하세요 뷁"),
        ("iso-2022-kr", "iso2022-kr", "안녕하세요"),
        ("hz-gb-2312", "hz", "你好"),
        ("utf-7", "utf-7", "Grüße"),
        ("utf-16", "utf-16", "Grüße 日本"),
        ("utf-16le", "utf-16-le", "Grüße 日本"),
        ("utf-16be", "utf-16-be", "Grüße 日本"),
        ("utf-32", "utf-32", "Grüße"),
        ("macintosh", "mac-roman", "Grüße"),
        ("cp437", "cp437", "Grüße"),
        ("cp850", "cp850", "Grüße"),
        ("ibm866", "cp866", "Привет"),
    ],
)
def test_each_charset_is_read_in_body_subject_name_and_file_name(charset: str, codec: str, text: str) -> None:
    data = text.encode(codec)
    word = f"=?{charset}?B?{b64encode(data).decode()}?="
    percent = "".join(f"%{byte:02X}" for byte in data)
    found = message(
        *(f"Content-Type: text/plain; charset={charset}; name*={charset}''{percent}.txt",),
        *("Content-Transfer-Encoding: base64", "", b64encode(data).decode()),
        head=f"Subject: {word}\r\nFrom: {word} <a@example.org>\r\n",
    )
    assert (found.subject, found.text, found.from_[0].name) == (text, text, text)
    assert found.errors == ()


@pytest.mark.parametrize(
    "charset", ["rot13", "idna", "zip", "hex", "punycode", "unicode_escape", "undefined", "x-user"]
)
def test_a_charset_not_on_the_list_is_not_looked_up(charset: str) -> None:
    found = message(f"Content-Type: text/plain; charset={charset}", "", "Hello \\u00e4 \xe4")
    assert found.text == "Hello \\u00e4 ä\n"
    assert found.errors == (f'The charset "{charset}" is not known; the text was read without it.',)


@pytest.mark.parametrize("label", ["us-ascii", "", "x-unknown", "utf-8"])
def test_bytes_against_their_label_are_read_as_what_they_are(label: str) -> None:
    content_type = b"Content-Type: text/plain; charset=" + label.encode() if label else b"X-None: x"
    assert parse(content_type + b"\n\nGr\xc3\xbc\xc3\x9fe").text == "Grüße"
    assert parse(content_type + b"\n\nGr\xfc\xdfe").text == "Grüße"


CYRILLIC = "Привет! Встреча завтра в десять часов, приходи."


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        *((codec, CYRILLIC) for codec in ("koi8-r", "cp1251", "cp866", "iso8859-5")),
        ("cp1251", CYRILLIC.upper()),
        ("gb18030", "你好，我们明天上午十点开会讨论项目进展。谢谢"),
        ("big5", "您好，我們明天上午十點開會討論專案進度。謝謝"),
        ("euc-kr", "안녕하세요 내일 오전 열시에 회의가 있습니다"),
        ("shift_jis", "こんにちは。明日の会議は十時からです。"),
        ("euc-jp", "こんにちは。明日の会議は十時からです。"),
        ("cp1253", "Καλημέρα, η συνάντηση είναι αύριο"),
        ("cp1255", "שלום, הפגישה מחר בעשר"),
        ("cp1252", "Größe: äöü ÄÖÜ, à l'été, ¿dónde?"),
        ("utf-16-le", "Nothing says that this is wide."),
    ],
)
def test_text_without_a_charset_is_read_by_its_letters(codec: str, text: str) -> None:
    found = parse(b"Subject: " + text.encode(codec) * ("utf" not in codec) + b"\n\n" + text.encode(codec))
    assert found.text == text
    assert found.subject == text * ("utf" not in codec)


@pytest.mark.parametrize(
    "start", ["Content-Type: {}", "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: {}"]
)
@pytest.mark.parametrize(
    ("codec", "text"), [("cp1250", "Příští týden"), ("cp1254", "Günaydın, şimdi"), ("big5", "會議")]
)
def test_raw_headers_are_in_the_charset_of_the_text(start: str, codec: str, text: str) -> None:
    head = b"Subject: " + text.encode(codec) + b"\nFrom: " + text[:3].encode(codec) + b" <a@example.org>\n"
    found = parse(head + start.format(f"text/plain; charset={codec}").encode() + b"\n\nHi\n")
    assert found.subject == text
    assert found.from_[0].name == text[:3]


def test_characters_of_windows_are_read_in_iso_2022_jp() -> None:
    wide = b"\x1b$B-!-j|b\x1b(B"
    found = parse(b"Subject: " + wide + b"\nContent-Type: text/plain; charset=iso-2022-jp\n\nno. " + wide + b" ok")
    assert (found.subject, found.text) == ("①㈱髙", "no. ①㈱髙 ok")


@pytest.mark.parametrize("stranger", [b" ", b"\x80", b"\xff", b"\x7f"])
def test_bytes_of_no_character_cost_only_themselves_in_iso_2022_jp(stranger: bytes) -> None:
    text = charsets.decode(b"\x1b$B0!" + stranger + b"0!\x1b(B, \x1b$B-!\x1b(B", "iso-2022-jp").text
    assert text == "亜亜, ①"


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le", "utf-16"])
def test_wide_characters_need_no_byte_order_mark(codec: str) -> None:
    body = b64encode("Größe".encode(codec))
    raw = b"Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n" + body
    assert parse(raw).text == "Größe"


def test_windows_1252_copied_into_utf_8_is_read() -> None:
    found = parse(b"Content-Type: text/plain; charset=utf-8\n\nAtenci\xc3\xb3n: n\xe3o, voc\xea, informa\xe7\xf5es")
    assert found.text == "Atención: não, você, informações"


def test_halves_of_characters_and_nul_are_replaced_and_said() -> None:
    found = parse(b"Content-Type: text/plain; charset=utf-7\n\na+2AA-b\0c")
    assert found.text == "a\ufffdb\ufffdc"
    assert found.errors == ("NUL or broken characters in the text were replaced.",)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("7bit", "Hello you\r\n"),
        ("quoted-printable", encodestring(b"Hello you\r\n").decode()),
        ("QUOTED-PRINTABLE", "Hello=20=\r\nyou\r\n"),
        ("quoted-printable", "Hello =  \r\nyou\r\n"),
        ("base64", encodebytes(b"Hello you\r\n").decode()),
        ("base64", "SGVs\r\nbG8geW91DQo"),
        ("base64", "SGVsbG8g!!eW91DQo="),
        ("base64", b64encode(b"Hello ").decode() + "\r\n" + b64encode(b"you\r\n").decode()),
        ("base64", b64encode(b"Hell").decode() + "\r\n" + b64encode(b"o you\r\n").decode()),
        ("base64", "Hello you\r\n"),
        ("x-uuencode", "begin 644 a\r\n+2&5L;&\\@>6]U#0H\r\n`\r\nend\r\n"),
        ("8-bit", "Hello you\r\n"),
        ("nonsense", "Hello you\r\n"),
    ],
)
def test_each_transfer_encoding_is_undone(encoding: str, body: str) -> None:
    found = message("Content-Type: text/plain", f"Content-Transfer-Encoding: {encoding}", "", body)
    assert (found.text or "").rstrip() == "Hello you"


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ('filename="a b.pdf"', "a b.pdf"),
        ("filename=a b.pdf", "a b.pdf"),
        ("filename*=utf-8''f%C3%BCr%20dich.pdf", "für dich.pdf"),
        ("filename*=iso-8859-1'de'f%FCr.pdf", "für.pdf"),
        ("filename*0=long;\r\n filename*1=-name;\r\n filename*2=.pdf", "long-name.pdf"),
        ("filename*0*=utf-8''f%C3;\r\n filename*1*=%BCr;\r\n filename*2=.pdf", "für.pdf"),
        ("filename*1=b.pdf; filename*0=a", "ab.pdf"),
        ('filename="=?utf-8?B?ZsO8ci5wZGY=?="', "für.pdf"),
        ('filename="=?utf-8?Q?f=C3=BC?=\r\n =?utf-8?Q?r.pdf?="', "für.pdf"),
        ('filename="f\xc3\xbcr.pdf"', "für.pdf"),
        ('filename="f\xfcr.pdf"', "für.pdf"),
        ('filename="a\\"b.pdf"', "a_b.pdf"),
        ('filename="C:\\Users\\me\\a.pdf"', "a.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        ("filename*=utf-8''..%2F..%2Fetc%2Fpasswd%00%0D%0AX:%20y", "passwd\ufffd X_ y"),
        ('filename="inv\xe2\x80\xaefdp.exe"', "inv_fdp.exe"),
        ('filename="CON.txt"', "_CON.txt"),
        ('filename=""; x=y', None),
        ("filename*=nonsense''a%FFb.pdf", "aÿb.pdf"),
        ("filename=a.pdf; filename*=utf-8''%C3%BC.pdf", "ü.pdf"),
    ],
)
def test_file_names_are_read_as_they_are_sent_and_safe(parameters: str, expected: str | None) -> None:
    found = message("Content-Type: application/pdf", f"Content-Disposition: attachment; {parameters}", "", "x")
    assert names(found) == [expected]


def test_a_long_name_in_continuations_is_joined_and_cut() -> None:
    """250 characters of UTF-8, as Gmail sends them."""
    name = "ü" * 246 + ".pdf"
    encoded = "".join(f"%{byte:02X}" for byte in name.encode())
    chunks = [encoded[at : at + 60] for at in range(0, len(encoded), 60)]
    lines = ";\r\n ".join(f"filename*{n}*={'utf-8' + chr(39) * 2 if not n else ''}{c}" for n, c in enumerate(chunks))
    found = message("Content-Type: application/pdf", f"Content-Disposition: attachment; {lines}", "", "x")
    (cut,) = names(found)
    assert cut is not None
    assert cut.endswith("ü.pdf")
    assert len(cut.encode()) <= 150


def test_mail_of_the_standard_library_comes_back() -> None:
    """What `email` writes: alternatives, a file with an odd name, a message in it."""
    inner = EmailMessage(policy=SMTP)
    inner["Subject"] = "inner"
    inner.set_content("inner text\n")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = "Jörg Müller <joerg@example.org>"
    mail["To"] = '"Doe, Jane" <jane@example.org>, Bob <bob@example.org>'
    mail["Subject"] = "Ein sehr langer Betreff mit Umlauten, äöüß, der bestimmt umgebrochen wird, weil er so lang ist"
    mail["Date"] = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    mail.set_content("Grüße\n")
    mail.add_alternative("<p>Grüße</p>\n", subtype="html")
    mail.add_attachment(b"\0\1\2" * 100, maintype="application", subtype="octet-stream", filename="Größe 1.bin")
    mail.add_attachment(inner)
    found = parse(mail.as_bytes())
    assert found.subject == mail["Subject"]
    assert [(one.name, one.address) for one in (*found.from_, *found.to)] == [
        ("Jörg Müller", "joerg@example.org"),
        ("Doe, Jane", "jane@example.org"),
        ("Bob", "bob@example.org"),
    ]
    assert (found.text, found.safe_html) == ("Grüße\n", "<p>Grüße</p>\n")
    assert found.attachments[0].file_name == "Größe 1.bin"
    assert found.content(found.attachments[0]) == b"\0\1\2" * 100
    assert (found.messages[0].subject, found.messages[0].text) == ("inner", "inner text\n")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Content-Type: multipart/mixed; boundary=m\n\n--m\n\nHi\n", "Hi\n"),
        (b"Content-Type: multipart/mixed; boundary=m\n\n--m\n\nHi\n--m", "Hi"),
        (b"Content-Type: multipart/mixed\n\n--m\nContent-Type: text/plain\n\nHi\n--m--\n", "Hi"),
        (b"Content-Type: multipart/mixed; boundary=other\n\n--m\nContent-Type: text/plain\n\nHi\n--m--\n", "Hi"),
        (b"Content-Type: multipart/mixed; boundary=m\n\njust text\n", "just text\n"),
        (b'Content-Type: multipart/mixed; boundary="m "\n\n--m \n\nHi\n--m --\n', "Hi"),
        (b"Content-Type: multipart/mixed; boundary=m\n\n--m  \n\nHi\n--m--  \n", "Hi"),
        (b"Content-Type: multipart/mixed; boundary=m\n\n--m\n\nHi\n--m--\n--m\n\nyou\n--m--\n", "Hi\n\nyou"),
        (b"Content-Type: multipart/mixed; boundary=m\n\n--m\n\nHi\n--m-\n", "Hi\n--m-\n"),
        (b"Content-Type: multipart/mixed;\nboundary=m\nSubject: x\n\n--m\n\nHi\n--m--\n", "Hi"),
        (b"Subject: x\n\nno type\n", "no type\n"),
        (b"Subject: x\nContent-Type: nonsense\n\nHi\n", "Hi\n"),
        (b"Subject : x\nContent-Type : text/html\n\n<b>Hi</b>", "Hi"),
        (b"Subject: x\rFrom: a@example.org\r\rHi\r", "Hi\n"),
        (b"From a@example.org Mon Jan  5 10:00:00 2026\nSubject: x\n\nHi\n", "Hi\n"),
        (b"\r\n\r\nSubject: x\r\n\r\nHi\r\n", "Hi\n"),
        (b"Subject: x\nHi there\nhow are you\n", "Hi there\nhow are you\n"),
        (b"Hi there, no header\n", "Hi there, no header\n"),
        (b"Content-Type: multipart/mixed; boundary='m'\n\n--m\n\nHi\n--m--\n", "Hi"),
        (b"Content-Type: multipart/mixed; boundary='m'\n\n--'m'\n\nHi\n--'m'--\n", "Hi"),
    ],
)
def test_broken_structure_loses_no_text(raw: bytes, text: str) -> None:
    assert parse(raw).text == text


def test_a_byte_order_mark_costs_no_header() -> None:
    found = parse(b"\xef\xbb\xbfFrom: a@example.org\nSubject: x\n\nHi\n")
    assert (found.from_address, found.subject, found.text) == ("a@example.org", "x", "Hi\n")


def test_a_footer_behind_an_encoded_text_is_read_as_it_stands() -> None:
    """Mailing lists append theirs without a look at the encoding."""
    found = message(
        *("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", ""),
        *(b64encode(b"Hello you, all of you\n").decode(), "", "-- ", "list footer"),
    )
    assert found.text == "Hello you, all of you\n\n-- \nlist footer\n"


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("application/octet-stream", "readable\n", "readable\n"),
        ("application/octet-stream", "not \x00 readable\n", None),
        ("application/octet-stream; name=a.bin", "readable\n", None),
        ("message/partial; id=x; number=1", "readable\n", "readable\n"),
        ("text/markdown", "# readable\n", "# readable\n"),
    ],
)
def test_a_body_of_another_type_is_read_if_it_can_be(content_type: str, body: str, text: str | None) -> None:
    assert parse(f"Content-Type: {content_type}\n\n{body}".encode()).text == text


def test_flowed_text_is_put_together() -> None:
    found = message(
        *("Content-Type: text/plain; format=flowed", "", "a long line that ", "goes on", "", "> quoted "),
        *("> too", " From here", "-- ", "me"),
    )
    assert found.text == "a long line that goes on\n\n> quoted too\nFrom here\n-- \nme\n"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"X-Priority: 1 (Highest)", "high"),
        (b"X-Priority: 5", "low"),
        (b"Priority: urgent", "high"),
        (b"Importance: low\nX-Priority: 1", "low"),
        (b"X-Priority: 3", "normal"),
        (b"X-None: x", "normal"),
    ],
)
def test_importance_is_read(header: bytes, expected: str) -> None:
    assert parse(header + b"\n\n").importance == expected


def test_a_bug_costs_only_the_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the message stands in what is said of the bug."""

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a secret of the message")

    monkeypatch.setattr("zeebe_mail.message.parse.read_body", broken)
    raw = b"Subject: x\n\na secret of the message"
    found = parse(raw)
    assert (found.subject, found.raw) == ("x", raw)
    assert (found.parse_error or "").startswith("The message could not be read: ValueError in test_parse.py, line ")
