"""Letters outside ASCII before the @ through a real Postfix, with SMTPUTF8 and without, and what is kept of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.operations.smtp.correspondence import Correspondent, imap_at
from tests.parsers import PostalMime, Seen, seen
from tests.servers.dovecot import Dovecot
from tests.servers.postfix import Postfix
from tests.tasks import TaskFailed

pytestmark = pytest.mark.live

JOERG = "jörg@x.test"
FROM_JOERG = f"From: Jörg <{JOERG}>\r\nTo: me@x.test\r\nSubject: Grüße\r\nMessage-ID: <q@x.test>\r\n\r\nHi\r\n".encode()


@pytest.fixture(scope="module")
def ascii_relay(dovecot: Dovecot) -> Iterator[Postfix]:
    with Postfix(dovecot, extra="virtual_mailbox_maps = static:all\nsmtputf8_enable = no") as postfix:
        yield postfix


@pytest.fixture
def hindered(me: Correspondent, ascii_relay: Postfix) -> Correspondent:
    """The same person, whose server has no SMTPUTF8."""
    at = me.tasks.at({"host": "localhost", "port": ascii_relay.submissions, "security": "SSL_TLS"})
    return Correspondent(at, me.user)


def kept(at: Correspondent, postal_mime: PostalMime, mailbox: str) -> Seen:
    """The one mail in a mailbox, as both parsers see it."""
    (raw,) = at.raw(mailbox)
    found = seen(raw)
    assert postal_mime.seen(raw) == found
    return found


async def saved_draft(me: Correspondent) -> dict[str, object]:
    author = me.tasks.at(imap_at(me.tasks.server)).with_inputs()
    mail = {"from": me.address, "to": f"Jörg <{JOERG}>", "subject": "Grüße", "text": "Hi"}
    draft: dict[str, object] = await author.run("imap-draft-save", **mail)
    return draft


async def test_a_mail_its_copy_and_an_answer(me: Correspondent, postal_mime: PostalMime) -> None:
    sent = await me.run("smtp-send", to=JOERG, bcc="zoë@x.test", text="Hi", saveToSent=True)
    assert sent["accepted"] == [JOERG, "zoë@x.test"]
    copy = kept(me, postal_mime, "Sent")
    assert (copy.to, copy.bcc) == ((("", JOERG),), (("", "zoë@x.test"),))

    me.put(FROM_JOERG)
    answer = await me.run(
        "smtp-reply", original={"messageId": "<q@x.test>"}, text="Fine", saveToSent={"mailbox": "Drafts"}
    )
    assert answer["accepted"] == [JOERG]
    assert kept(me, postal_mime, "Drafts").to == (("Jörg", JOERG),)


async def test_a_draft(me: Correspondent, postal_mime: PostalMime) -> None:
    draft = await saved_draft(me)
    assert kept(me, postal_mime, "Drafts").to == (("Jörg", JOERG),)
    assert (await me.run("smtp-draft-send", draft=draft))["accepted"] == [JOERG]


async def test_without_smtputf8_nothing_is_sent_and_nothing_is_lost(hindered: Correspondent) -> None:
    draft = await saved_draft(hindered)
    hindered.put(FROM_JOERG)
    for task, request in (
        ("smtp-send", {"to": JOERG, "text": "Hi", "saveToSent": True}),
        ("smtp-reply", {"original": {"messageId": "<q@x.test>"}, "text": "Fine", "saveToSent": True}),
        ("smtp-forward", {"original": {"messageId": "<q@x.test>"}, "to": JOERG, "saveToSent": True}),
        ("smtp-draft-send", {"draft": draft, "saveToSent": True}),
    ):
        with pytest.raises(TaskFailed, match=r"UNSUPPORTED_BY_SERVER.*Use addresses with ASCII letters before the @"):
            await hindered.run(task, **request)
    assert (len(hindered.raw("Drafts")), hindered.raw("Sent")) == (1, {})
    assert hindered.flags() == [set()]
