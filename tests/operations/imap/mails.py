"""Messages for the tests of the IMAP operations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tests.tasks import Tasks

MULTIPART = (
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@x.test>\r\nTo: reader@x.test\r\nSubject: Two files\r\n"
    b"Message-ID: <files@x.test>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    b"--c\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n"
    b"--c\r\nContent-Type: text/html\r\n\r\n<p onclick=steal()>See <b>below</b>.</p><script>bad()</script>\r\n--c--\r\n"
    b"--b\r\nContent-Type: text/csv; name=data.csv\r\nContent-Disposition: attachment; filename=data.csv\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nYTtiDQoxOzINCg==\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF-1.4\r\n--b--\r\n"
)


def mail(name: str, *, sender: str = "jane@x.test", body: str = "Hello", date: str = "", extra: str = "") -> bytes:
    """A message with the subject `name` and the Message-ID `<name@x.test>`."""
    sent = f"Date: {date}\r\n" if date else ""
    return (
        f"From: {sender}\r\nTo: reader@x.test\r\nSubject: {name}\r\n{sent}{extra}Message-ID: <{name}@x.test>\r\n"
        f"\r\n{body}\r\n"
    ).encode()


def put(account: Tasks, *messages: bytes, mailbox: str = "INBOX", flags: Iterable[str] = ()) -> None:
    """Put messages into a mailbox, as another client does."""
    account.server.deliver(account.user, *messages, mailbox=mailbox, flags=flags)


def put_at(account: Tasks, message: bytes, received: datetime) -> None:
    """Put a message into the inbox that was received at this time."""
    with account.server.client(account.user) as client:
        client.append("INBOX", message, (), received)


def seen(account: Tasks, mailbox: str = "INBOX") -> dict[str, set[str]]:
    """Subject → flags of the messages in a mailbox, told by a bare client."""
    with account.server.client(account.user) as client:
        client.select_folder(mailbox, readonly=True)
        uids = client.search()
        found = client.fetch(uids, ["ENVELOPE", "FLAGS"]) if uids else {}
    return {
        data[b"ENVELOPE"].subject.decode(): {flag.decode() for flag in data[b"FLAGS"]} - {"\\Recent"}
        for data in found.values()
    }


def subjects(result: dict[str, object]) -> list[str]:
    """The subjects of the messages in a result, in their order."""
    messages = result["messages"]
    assert isinstance(messages, list)
    return [str(one.get("subject") or one["messageId"]).strip("<>").removesuffix("@x.test") for one in messages]
