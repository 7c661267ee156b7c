"""Infosys' SMTP connector through a real Postfix into a real Dovecot, with the values that its template produces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from tests.operations.infosys.connectors import Connectors
from tests.operations.smtp.correspondence import parse
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed, tasks

pytestmark = pytest.mark.live

PATIENCE_S = 20
REQUIRED = {
    "smtpEmailToRecipients": ["jane@x.test"],
    "smtpEmailSubject": "Hi",
    "smtpEmailContentType": "Text",
    "smtpEmailContent": "Hello",
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


@pytest.fixture(scope="module")
def relay(dovecot: Dovecot) -> Iterator[Postfix]:
    with Postfix(dovecot, extra="virtual_mailbox_maps = static:all") as postfix:
        yield postfix


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "Body ü.html").write_text("<p>Grüße</p>\n<p>Zweite Zeile</p>\n", encoding="utf-8")
    (folder / "Banner.png").write_bytes(PNG)
    (folder / "Notice.txt").write_text("Notice\n")
    return folder


class Sender:
    """An account that writes to itself."""

    def __init__(self, mine: Connectors, relay: Postfix) -> None:
        self.mine = mine
        self.relay = relay

    async def send(self, **mail: Any) -> Any:
        """With what every mail needs, as the template has it before anything is chosen."""
        usual = REQUIRED | {
            "smtpEmailMailBoxName": self.mine.address,
            "smtpEmailToRecipients": [self.mine.address],
            "smtpEmailImportance": "${false}",
            "smtpEmailReadReceipt": "${false}",
            "smtpEmailSensitivity": "Normal",
        }
        return await self.mine.send(self.relay.submission, **(usual | mail))

    async def gets(self, **mail: Any) -> EmailMessage:
        """The mail as it comes."""
        message_id = (await self.send(**mail))["messageId"]
        async with asyncio.timeout(PATIENCE_S):
            while not (found := await asyncio.to_thread(self._inbox, message_id)):  # noqa: ASYNC110 (others deliver)
                await asyncio.sleep(0.05)
        return found[0]

    def _inbox(self, message_id: str) -> list[EmailMessage]:
        """Mails of this id; beside them there may be reports of addresses that nobody has."""
        with self.mine.tasks.server.client(self.mine.tasks.user) as client:
            client.select_folder("INBOX", readonly=True)
            uids = client.search(["HEADER", "Message-ID", message_id])
            fetched = client.fetch(uids, ["BODY.PEEK[]"]) if uids else {}
        return [parse(data[b"BODY[]"]) for data in fetched.values()]


@pytest.fixture
async def me(dovecot: Dovecot, relay: Postfix, files: Path) -> AsyncIterator[Sender]:
    async with tasks(dovecot, dovecot.new_account(), compat="infosys", files_dirs=str(files)) as account:
        yield Sender(Connectors(account), relay)


def body(mail: EmailMessage) -> tuple[str, str]:
    (part,) = [one for one in mail.walk() if one.get_content_maintype() == "text" and not one.get_filename()]
    return part.get_content_type(), part.get_content().replace("\r\n", "\n")


async def test_the_least_that_the_template_produces(me: Sender) -> None:
    blanks = {"Cc": "", "Bcc": [], "Attachments": "", "FollowUp": "", "DirectReplyTo": [], "Sensitivity": ""}
    names = {"Cc": "CcRecipients", "Bcc": "BccRecipients"}
    mail = await me.gets(**{f"smtpEmail{names.get(name, name)}": value for name, value in blanks.items()})
    assert (mail["From"], mail["To"], mail["Subject"]) == (me.mine.address, me.mine.address, "Hi")
    assert body(mail) == ("text/plain", "Hello\n")
    assert not mail.is_multipart()
    marks = ("Cc", "Bcc", "Reply-To", "Importance", "X-Priority", "Sensitivity", "Disposition-Notification-To")
    assert [name for name in (*marks, "X-Message-Flag", "Reply-By", "Auto-Submitted") if mail[name]] == []


async def test_the_response(me: Sender) -> None:
    result = await me.send()
    assert set(result) == {"response", "messageId"}
    assert result["response"] == "Mail sent successfully"


@pytest.mark.parametrize("word", ["Text", "text", "TXT"])
async def test_text_is_sent_as_text_with_its_escapes(me: Sender, word: str) -> None:
    content = "Hi <b>there</b>,\\n\\tHow are you?\nFine."
    mail = await me.gets(smtpEmailContentType=word, smtpEmailContent=content)
    assert body(mail) == ("text/plain", "Hi <b>there</b>,\n\tHow are you?\nFine.\n")


@pytest.mark.parametrize(("word", "form"), [("HTML", "{path}"), ("html", "{uri}"), ("htm", "{path}")])
async def test_html_comes_from_a_file(me: Sender, files: Path, word: str, form: str) -> None:
    file = files / "Body ü.html"
    content = form.format(path=file, uri=file.as_uri())
    mail = await me.gets(smtpEmailContentType=word, smtpEmailContent=content)
    assert body(mail) == ("text/html", "<p>Grüße</p>\n<p>Zweite Zeile</p>\n")


async def test_what_looks_like_markup_is_the_html(me: Sender) -> None:
    mail = await me.gets(smtpEmailContentType="HTML", smtpEmailContent="<h1>Hi</h1>")
    assert body(mail) == ("text/html", "<h1>Hi</h1>\n")


async def test_attachments_are_paths_and_uris(me: Sender, files: Path) -> None:
    mail = await me.gets(smtpEmailAttachments=[str(files / "Banner.png"), (files / "Notice.txt").as_uri()])
    assert mail.get_content_type() == "multipart/mixed"
    attached = {one.get_filename(): (one.get_content_type(), one.get_content()) for one in mail.iter_attachments()}
    assert attached == {"Banner.png": ("image/png", PNG), "Notice.txt": ("text/plain", "Notice\n")}


async def test_recipients(me: Sender) -> None:
    mail = await me.gets(
        smtpEmailToRecipients=["Jane <jane@x.test>", None, ""],
        smtpEmailCcRecipients=["joe@x.test", "jim@x.test"],
        smtpEmailBccRecipients=[me.mine.address],
        smtpEmailDirectReplyTo=["Desk <desk@x.test>", "boss@x.test"],
    )
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("Jane <jane@x.test>", "joe@x.test, jim@x.test", None)
    assert mail["Reply-To"] == "Desk <desk@x.test>, boss@x.test"


@pytest.mark.parametrize("value", [True, "true", "True", "${true}", "${ true }"])
async def test_importance_and_read_receipt_in_every_form_of_true(me: Sender, value: Any) -> None:
    mail = await me.gets(smtpEmailImportance=value, smtpEmailReadReceipt=value)
    assert (mail["Importance"], mail["X-Priority"]) == ("high", "1 (Highest)")
    assert mail["Disposition-Notification-To"] == me.mine.address


@pytest.mark.parametrize("value", [False, "false", "${false}", "", None])
async def test_importance_and_read_receipt_in_every_form_of_false(me: Sender, value: Any) -> None:
    mail = await me.gets(smtpEmailImportance=value, smtpEmailReadReceipt=value)
    assert (mail["Importance"], mail["X-Priority"], mail["Disposition-Notification-To"]) == (None, None, None)


@pytest.mark.parametrize(("word", "days"), [("today", 0), ("Tomorrow", 1)])
async def test_follow_up(me: Sender, word: str, days: int) -> None:
    before = datetime.now(UTC).date()
    mail = await me.gets(smtpEmailFollowUp=word)
    assert mail["X-Message-Flag"] == "Follow up"
    due = parsedate_to_datetime(mail["Reply-By"]).date()
    assert before <= due - timedelta(days) <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("word", "header"),
    [
        ("Normal", None),
        ("Personal", "Personal"),
        ("Private", "Private"),
        ("Confidential", "Company-Confidential"),
        ("", None),
    ],
)
async def test_sensitivity(me: Sender, word: str, header: str | None) -> None:
    assert (await me.gets(smtpEmailSensitivity=word))["Sensitivity"] == header


@pytest.mark.parametrize(
    ("mail", "message"),
    [
        ({"smtpEmailContentType": "HTML", "smtpEmailContent": "/etc/passwd"}, "Invalid html file path in content"),
        (
            {"smtpEmailContentType": "HTML", "smtpEmailContent": "{files}/none.html"},
            "Invalid html file path in content",
        ),
        (
            {"smtpEmailContentType": "HTML", "smtpEmailContent": "C:/Email/Body.html"},
            "Invalid html file path in content",
        ),
        ({"smtpEmailAttachments": ["/etc/passwd"]}, "InvalidAttachments : system could not find attachment"),
        ({"smtpEmailAttachments": ["{files}/../secret"]}, "InvalidAttachments : system could not find attachment"),
        ({"smtpEmailAttachments": ["D:/Dump/Banner.bmp"]}, "InvalidAttachments : system could not find attachment"),
        ({"smtpEmailAttachments": ["{files}/none"]}, "InvalidAttachments : system could not find attachment"),
    ],
)
async def test_files_elsewhere_are_not_read(me: Sender, files: Path, mail: dict[str, Any], message: str) -> None:
    def placed(value: Any) -> Any:
        return [placed(one) for one in value] if isinstance(value, list) else value.replace("{files}", str(files))

    with pytest.raises(TaskFailed) as caught:
        await me.send(**{name: placed(value) for name, value in mail.items()})
    assert caught.value.error["message"].startswith(message)
    assert caught.value.error["type"] == "java.lang.RuntimeException"


async def test_a_wrong_password_is_told_in_the_words_of_the_java_library(me: Sender) -> None:
    mail = {**REQUIRED, "smtpEmailMailBoxName": me.mine.address}
    with pytest.raises(TaskFailed) as caught:
        await me.mine.send(me.relay.submission, password="wrong", **mail)
    assert caught.value.error["message"].startswith("jakarta.mail.AuthenticationFailedException: 535")
    assert caught.value.retries == 2


async def test_nothing_is_sent_without_encryption(me: Sender, dovecot: Dovecot) -> None:
    """Port `smtp` of this Postfix has no TLS."""
    bare = Postfix(dovecot, extra="smtpd_tls_security_level = none\nsmtpd_tls_cert_file =")
    with bare, pytest.raises(TaskFailed) as caught:
        await me.mine.send(bare.smtp, **REQUIRED, smtpEmailMailBoxName=me.mine.address)
    assert "STARTTLS" in caught.value.error["message"]
