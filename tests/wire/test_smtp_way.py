"""How servers shall carry a mail on: before others (MT-PRIORITY, RFC 6710), over TLS only (REQUIRETLS, RFC 8689)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.wire.conftest import Certificates, Sender, a_mail, serving
from tests.wire.conversation import ScriptedServer
from tests.wire.test_smtp_payload import ENVELOPE, TAKEN, hello
from zeebe_mail import errors
from zeebe_mail.mail.server import Security

URGENT = replace(a_mail(), mt_priority=-4)
TLS_ONLY = replace(a_mail(), require_tls=True)


@pytest.mark.parametrize("offer", ["MT-PRIORITY", "MT-PRIORITY MIXER"])
@pytest.mark.parametrize("priority", [-9, 0, 9])
async def test_a_priority_is_told_where_the_server_knows_it(sender: Sender, offer: str, priority: int) -> None:
    async with ScriptedServer([hello(offer) + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server, replace(a_mail(), mt_priority=priority))

    assert server.heard[1] == f"MAIL FROM:<jane@example.org> MT-PRIORITY={priority}"
    assert receipt.mt_priority_requested


async def test_a_server_without_priorities_is_told_none_and_the_receipt_says_so(sender: Sender) -> None:
    async with ScriptedServer([hello("SIZE") + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server, URGENT)

    assert "MT-PRIORITY" not in server.heard[1]
    assert not receipt.mt_priority_requested


async def test_a_mail_that_is_like_others_says_nothing_of_it(sender: Sender) -> None:
    async with ScriptedServer([hello("MT-PRIORITY", "REQUIRETLS") + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server)

    assert server.heard[1] == "MAIL FROM:<jane@example.org>"
    assert not receipt.mt_priority_requested


async def test_a_priority_that_the_server_refuses_is_a_refusal(sender: Sender) -> None:
    async with ScriptedServer(
        [hello("MT-PRIORITY") + "C: MAIL\nS: 550 5.7.0 not for you\nC: RSET\nS: 250 ok\n"]
    ) as server:
        with pytest.raises(errors.SenderRefused, match="not for you"):
            await sender.send(server, URGENT)
    assert sender.commits == 0


@pytest.fixture
def encrypted(sender: Sender) -> Sender:
    sender.security = Security.SSL_TLS
    return sender


async def test_tls_all_the_way_is_wanted_of_a_server_that_offers_it(
    encrypted: Sender, certificates: Certificates
) -> None:
    script = hello("SIZE", "REQUIRETLS") + ENVELOPE + TAKEN
    async with ScriptedServer([script], tls=serving(certificates.good), encrypts_at_once=True) as server:
        await encrypted.send(server, TLS_ONLY)

    assert server.heard[1] == f"MAIL FROM:<jane@example.org> REQUIRETLS SIZE={len(TLS_ONLY.data)}"


async def test_an_offer_from_before_tls_does_not_count(sender: Sender, certificates: Certificates) -> None:
    sender.security = Security.STARTTLS
    script = hello("STARTTLS", "REQUIRETLS") + "C: STARTTLS\nS: 220 go\n! tls\nC: EHLO\nS: 250 mail.test\n! eof"
    async with ScriptedServer([script], tls=serving(certificates.good)) as server:
        with pytest.raises(errors.Unsupported, match="REQUIRETLS"):
            await sender.send(server, TLS_ONLY)


async def test_without_the_promise_nothing_is_said_of_the_mail(encrypted: Sender, certificates: Certificates) -> None:
    """The session is as good as before: the next mail goes over it."""
    script = hello("SIZE") + ENVELOPE + TAKEN + "C: QUIT"
    async with ScriptedServer([script], tls=serving(certificates.good), encrypts_at_once=True) as server:
        session = await encrypted.open(server)
        with pytest.raises(errors.Unsupported) as caught:
            await session.send(TLS_ONLY, required="all", commit=encrypted.commit)
        assert encrypted.commits == 0
        assert session.is_usable
        await session.send(a_mail(), required="all", commit=encrypted.commit)
        session.close()

    assert caught.value.code == "UNSUPPORTED_BY_SERVER"
    assert "does not offer REQUIRETLS" in caught.value.message
    assert "leave out `requireTls`" in caught.value.next_step
    assert [line.split()[0] for line in server.heard] == ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]


async def test_an_offer_without_encryption_is_worth_nothing(sender: Sender) -> None:
    async with ScriptedServer([hello("REQUIRETLS") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="is not encrypted") as caught:
            await sender.send(server, TLS_ONLY)

    assert "server.security" in caught.value.next_step
    assert len(server.heard) == 1
