"""How a message's bytes reach the server: in chunks, in a form it can take, and never as two messages."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.parsers import parsed
from tests.wire.conftest import Sender, a_mail
from tests.wire.conversation import ScriptedServer
from zeebe_mail import errors
from zeebe_mail.mail.smtp import DsnRequest, Outgoing
from zeebe_mail.mail.smtp.protocol import wire_form
from zeebe_mail.message.address import mailboxes
from zeebe_mail.message.compose import Draft, Message, compose
from zeebe_mail.message.content import Attachment
from zeebe_mail.message.payload import Base64, Payload

ENVELOPE = "C: MAIL FROM\nS: 250 ok\nC: RCPT TO\nS: 250 ok\nC: DATA\nS: 354 go\n"
TAKEN = "C: <mail>\nS: 250 ok\n"
END_OF_DATA = [
    "\n.\n",
    "\n.\r\n",
    "\r.\r",
    "\r.\r\n",
    "\r\n.\r",
    "\r\n.\n",
    "\r\n\0.\r\n",
    "\n\n.\r\n",
    "\r\r\n.\r\r\n",
    "\r\n.\r\n",
]
"""What some server or other has taken for the end of a mail (CVE-2023-51764 and its like)."""


def hello(*extensions: str) -> str:
    *lines, last = ("mail.test", *extensions)
    return "\n".join(("S: 220 hi", "C: EHLO", *(f"S: 250-{line}" for line in lines), f"S: 250 {last}", ""))


def outgoing(message: Message) -> Outgoing:
    return Outgoing(
        message.sender, message.recipients, message.data, message.message_id, without_8bit=message.without_8bit
    )


def composed(**draft: Any) -> Message:
    given_draft = {"authors": mailboxes("jane@x.test"), "to": mailboxes("bob@x.test"), "text": "Hi\n", **draft}
    return compose(Draft(**given_draft), token="4711-1", date=datetime.now(UTC))


# ── one mail stays one mail ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("end", END_OF_DATA, ids=ascii)
@pytest.mark.parametrize("part", ["text", "html", "raw", "mail"])
async def test_nothing_in_a_mail_ends_it(sender: Sender, end: str, part: str) -> None:
    evil = f"x{end}MAIL FROM:<evil@x.test>\r\nRCPT TO:<bob@x.test>\r\nDATA\r\nSubject: evil\r\n\r\nevil{end}"
    if part == "raw":
        mail = a_mail(data=b"Subject: x\r\n\r\n" + evil.encode())
    elif part == "mail":
        inner = Attachment("a.eml", "message/rfc822", b"Subject: x\r\n\r\n" + evil.encode())
        mail = outgoing(composed(attachments=(inner,)))
    else:
        mail = outgoing(composed(**{part: evil}))
    async with ScriptedServer([hello("8BITMIME") + ENVELOPE + TAKEN + "C: QUIT"]) as server:
        await sender.send(server, mail)

    (wire,) = server.mails
    assert wire.count(b"\r") == wire.count(b"\n") == wire.count(b"\r\n")
    assert not [line for line in wire.split(b"\r\n") if line.startswith(b".") and not line.startswith(b"..")]


@given(st.lists(st.text("\r\n.x", max_size=6).map(str.encode), max_size=8))
def test_where_a_message_is_cut_makes_no_difference(chunks: list[bytes]) -> None:
    assert b"".join(wire_form(chunks)) == b"".join(wire_form([b"".join(chunks)]))


async def test_what_is_right_already_goes_out_as_it_is(sender: Sender) -> None:
    message = composed(attachments=(Attachment("a.bin", "application/octet-stream", bytes(range(256)) * 4000),))
    async with ScriptedServer([hello("SIZE") + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server, outgoing(message))

    assert server.mails == [bytes(message.data)]
    assert f"SIZE={len(message.data)}" in server.heard[1]
    assert receipt.size == len(message.data)


async def test_a_large_file_is_encoded_while_the_server_takes_it(sender: Sender) -> None:
    """A server that takes nothing: what waits for it is what the transport holds, and not the mail."""
    stuck = hello() + ENVELOPE + "! stuck"
    payload = Payload(b"Subject: x\r\n\r\n", Base64(bytes(25_000_000)))
    async with ScriptedServer([stuck]) as server:
        tracemalloc.start()
        try:
            impatient = replace(sender, timeouts=replace(sender.timeouts, command_s=0.5))
            with pytest.raises(errors.ServerTimeout):
                await impatient.send(server, replace(a_mail(), data=payload))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        server.abandon()

    assert peak < 5_000_000


# ── mails with 8 bits ────────────────────────────────────────────────────────────────────────────────────────────

INNER = "Subject: x\r\n\r\nGrüße\r\n".encode()


@pytest.mark.parametrize(
    ("extensions", "kind"), [(["8BITMIME"], "message/rfc822"), (["PIPELINING"], "application/octet-stream")]
)
async def test_a_mail_inside_goes_out_as_the_server_can_take_it(
    sender: Sender, extensions: list[str], kind: str
) -> None:
    message = composed(attachments=(Attachment("a.eml", "message/rfc822", INNER),))
    pipelined = "C: MAIL FROM\nC: RCPT TO\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
    script = hello(*extensions) + (pipelined if "PIPELINING" in extensions else ENVELOPE) + TAKEN
    async with ScriptedServer([script]) as server:
        receipt = await sender.send(server, outgoing(message))

    (wire,) = server.mails
    _, part = parsed(wire).iter_parts()
    assert part.get_content_type() == kind
    assert ("BODY=8BITMIME" in server.heard[1]) is ("8BITMIME" in extensions)
    assert receipt.size == len(wire)


# ── delivery reports ─────────────────────────────────────────────────────────────────────────────────────────────

EVERYTHING = DsnRequest(("success", "failure"), "headers", "order 4711+1=e")


def with_dsn(dsn: DsnRequest, *recipients: str) -> Outgoing:
    return replace(a_mail(*recipients), dsn=dsn)


async def test_reports_are_asked_for_where_the_server_offers_them(sender: Sender) -> None:
    async with ScriptedServer([hello("DSN") + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server, with_dsn(EVERYTHING, "bob+x=1@example.org"))

    assert receipt.dsn_requested
    assert server.heard[1:3] == [
        "MAIL FROM:<jane@example.org> RET=HDRS ENVID=order+204711+2B1+3De",
        "RCPT TO:<bob+x=1@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob+2Bx+3D1@example.org",
    ]


@pytest.mark.parametrize(
    ("dsn", "mail", "recipient"),
    [
        (DsnRequest(()), "", "NOTIFY=NEVER ORCPT=rfc822;bob@example.org"),
        (DsnRequest(returns="full"), " RET=FULL", "ORCPT=rfc822;bob@example.org"),
        (DsnRequest(("delay",)), "", "NOTIFY=DELAY ORCPT=rfc822;bob@example.org"),
    ],
)
async def test_only_what_was_asked_is_said(sender: Sender, dsn: DsnRequest, mail: str, recipient: str) -> None:
    async with ScriptedServer([hello("DSN") + ENVELOPE + TAKEN]) as server:
        await sender.send(server, with_dsn(dsn))

    assert server.heard[1:3] == [f"MAIL FROM:<jane@example.org>{mail}", f"RCPT TO:<bob@example.org> {recipient}"]


async def test_a_server_without_reports_is_not_asked_and_the_receipt_says_so(sender: Sender) -> None:
    async with ScriptedServer([hello("SIZE") + ENVELOPE + TAKEN]) as server:
        receipt = await sender.send(server, with_dsn(EVERYTHING))

    assert not receipt.dsn_requested
    assert not [line for line in server.heard if "NOTIFY" in line or "RET" in line or "ORCPT" in line]


async def test_an_international_recipient_is_named_in_its_own_letters(sender: Sender) -> None:
    async with ScriptedServer([hello("DSN", "SMTPUTF8", "8BITMIME") + ENVELOPE + TAKEN]) as server:
        await sender.send(server, with_dsn(EVERYTHING, "bøb+1@example.org"))

    assert server.heard[2].endswith(r"ORCPT=utf-8;bøb\x{2B}1@example.org")


@pytest.mark.parametrize("bad", ["a\r\nRCPT TO:<x@x>", "a\nb", "a\0b", "a\x7f"])
async def test_no_separator_gets_into_a_command(sender: Sender, bad: str) -> None:
    """An envelope id is encoded whatever it holds, and so is a recipient in ORCPT; RCPT itself refuses."""
    async with ScriptedServer([hello("DSN") + ENVELOPE + TAKEN]) as server:
        await sender.send(server, with_dsn(DsnRequest(envelope_id=bad)))
        assert len(server.heard) == 4
        assert "\n" not in "".join(server.heard)
