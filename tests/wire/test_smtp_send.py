"""Sending, phase by phase: what is said, and what each refusal or break means."""

from __future__ import annotations

import asyncio

import pytest

from tests.wire.conftest import PATIENT, SHORT, Sender, a_mail
from tests.wire.conversation import ScriptedServer, until
from zeebe_mail import errors
from zeebe_mail.mail.smtp import SmtpTimeouts

HELLO = """
S: 220 mail.test ready
C: EHLO [127.0.0.1]
S: 250 mail.test
"""
PIPELINING = """
S: 220 mail.test ready
C: EHLO [127.0.0.1]
S: 250-mail.test
S: 250 PIPELINING
"""
ENVELOPE = """
C: MAIL FROM:<jane@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<bob@example.org>
S: 250 2.1.5 Ok
C: DATA
S: 354 go ahead
"""
PIPELINED = """
C: MAIL FROM:<jane@example.org>
C: RCPT TO:<bob@example.org>
C: DATA
S: 250 2.1.0 Ok
S: 250 2.1.5 Ok
S: 354 go ahead
"""
TAKEN = "C: <mail>\nS: 250 2.0.0 Ok: queued as 4711\n"


async def test_a_mail_goes_out_step_by_step(sender: Sender) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + "C: QUIT"]) as server:
        receipt = await sender.send(server)

    assert receipt.accepted == ("bob@example.org",)
    assert receipt.rejected == ()
    assert receipt.response == "250 2.0.0 Ok: queued as 4711"
    assert server.mails == [bytes(a_mail().data)]
    assert sender.commits == 1


async def test_with_pipelining_one_recipient_costs_one_round_trip_before_the_mail(sender: Sender) -> None:
    """The script answers only after all three commands have come."""
    async with ScriptedServer([PIPELINING + PIPELINED + TAKEN]) as server:
        receipt = await sender.send(server)

    assert receipt.accepted == ("bob@example.org",)
    assert server.mails == [bytes(a_mail().data)]


async def test_replies_in_one_packet_or_byte_by_byte_are_the_same(sender: Sender) -> None:
    reply = "250-one\\r\\n250 two\\r\\n250 ok\\r\\n354 go\\r\\n"
    pieces = [reply[at : at + 1] for at in range(len(reply))]
    byte_by_byte = "\n".join(f"R: {piece}" for piece in reply.replace("\\r\\n", "¶"))
    byte_by_byte = byte_by_byte.replace("R: ¶", "R: \\r\\n").replace("R:  ", "R: \\x20")
    assert pieces
    commands = "C: MAIL FROM\nC: RCPT TO\nC: DATA\n"
    scripts = [PIPELINING + commands + f"R: {reply}\n" + TAKEN, PIPELINING + commands + byte_by_byte + "\n" + TAKEN]
    async with ScriptedServer(scripts) as server:
        first = await sender.send(server)
        second = await sender.send(server)

    assert first == second


async def test_dots_are_doubled_and_lone_line_ends_never_reach_the_wire(sender: Sender) -> None:
    data = b"Subject: x\n\r\n.\r\n..two\r.\r\n.\nend\r"
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN]) as server:
        await sender.send(server, a_mail(data=data))

    assert server.mails == [b"Subject: x\r\n\r\n..\r\n...two\r\n..\r\n..\r\nend\r\n"]


async def test_several_recipients_that_must_all_be_accepted_keep_data_back(sender: Sender) -> None:
    script = """
    C: MAIL FROM:<jane@example.org>
    C: RCPT TO:<bob@example.org>
    C: RCPT TO:<eve@example.org>
    S: 250 ok
    S: 250 ok
    S: 550 5.1.1 no such user
    C: RSET
    S: 250 ok
    C: QUIT
    """
    async with ScriptedServer([PIPELINING + script]) as server:
        with pytest.raises(errors.RecipientsRefused) as caught:
            await sender.send(server, a_mail("bob@example.org", "eve@example.org"))

    assert sender.commits == 0
    assert caught.value.details["rejected"] == [
        {"address": "eve@example.org", "code": 550, "enhanced": "5.1.1", "text": "no such user"}
    ]
    assert "eve@example.org (server: 550 5.1.1 no such user)" in caught.value.message


async def test_any_sends_to_those_who_are_accepted_in_one_round_trip(sender: Sender) -> None:
    script = """
    C: MAIL FROM:<jane@example.org>
    C: RCPT TO:<bob@example.org>
    C: RCPT TO:<eve@example.org>
    C: DATA
    S: 250 ok
    S: 450 4.2.0 greylisted
    S: 250 ok
    S: 354 go ahead
    """
    async with ScriptedServer([PIPELINING + script + TAKEN]) as server:
        receipt = await sender.send(server, a_mail("bob@example.org", "eve@example.org"), required="any")

    assert receipt.accepted == ("eve@example.org",)
    assert [(one.address, one.code, one.enhanced, one.text) for one in receipt.rejected] == [
        ("bob@example.org", 450, "4.2.0", "greylisted")
    ]


async def test_go_ahead_after_all_recipients_were_refused_is_answered_by_hanging_up(sender: Sender) -> None:
    """Even an empty mail with only a dot would be a mail to somebody on such a server."""
    script = """
    C: MAIL FROM
    C: RCPT TO
    C: DATA
    S: 250 ok
    S: 550 5.1.1 no such user
    S: 354 go ahead
    ! eof
    """
    async with ScriptedServer([PIPELINING + script]) as server:
        with pytest.raises(errors.RecipientsRefused):
            await sender.send(server)

    assert server.mails == []
    assert sender.commits == 0


async def test_data_refused_after_its_recipients_leaves_a_session_that_can_go_on(sender: Sender) -> None:
    refused = """
    C: MAIL FROM
    C: RCPT TO
    C: DATA
    S: 250 ok
    S: 550 5.1.1 no such user
    S: 554 5.5.1 no valid recipients
    C: RSET
    S: 250 ok
    """
    async with ScriptedServer([PIPELINING + refused + PIPELINED + TAKEN]) as server:
        session = await sender.open(server)
        with pytest.raises(errors.RecipientsRefused):
            await session.send(a_mail(), required="all", commit=sender.commit)
        assert session.is_usable
        receipt = await session.send(a_mail(), required="all", commit=sender.commit)
        session.close()

    assert receipt.accepted == ("bob@example.org",)


TROUBLE = {
    "greeting": "{}",
    "EHLO": "S: 220 hi\nC: EHLO\n{}",
    "MAIL": HELLO + "C: MAIL\n{}",
    "RCPT": HELLO + "C: MAIL\nS: 250 ok\nC: RCPT\n{}",
    "DATA": HELLO + "C: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: DATA\n{}",
    "dot": HELLO + ENVELOPE + "C: <mail>\n{}",
}

ENVELOPE_STEPS = ("MAIL", "RCPT", "DATA")

BREAKS = [
    *((step, "! close", errors.Unreachable) for step in ("greeting", "EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "! reset", errors.Unreachable) for step in ("greeting", "EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "! wait", errors.ServerTimeout) for step in ("greeting", "EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "S: hello there\n! wait", errors.Misbehaved) for step in ("greeting", "EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "R: 250 caf\\xe9 \\x00\\x1b[31m\\r\\n! wait", None) for step in ("MAIL",)),
    *((step, f"S: 250-{'x' * 9000}\n! wait", errors.Misbehaved) for step in ("EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "S: 250-x\n" * 9000 + "! wait", errors.Misbehaved) for step in ("EHLO", "MAIL", "RCPT", "DATA")),
    *((step, "S: 200 what\n! wait", errors.Misbehaved) for step in ("DATA",)),
    ("dot", "! close", errors.OutcomeUnknown),
    ("dot", "! reset", errors.OutcomeUnknown),
    ("dot", "! wait", errors.OutcomeUnknown),
    ("dot", "S: hello there\n! wait", errors.OutcomeUnknown),
    ("dot", f"S: 250-{'x' * 9000}\n! wait", errors.OutcomeUnknown),
    ("dot", "S: 250-x\n" * 9000 + "! wait", errors.OutcomeUnknown),
    ("dot", "S: 354 more\n! wait", errors.OutcomeUnknown),
]
REPLIES = [
    ("greeting", "421 too busy", errors.Busy),
    ("greeting", "554 5.7.1 you are not welcome", errors.Refused),
    ("EHLO", "421 4.3.2 closing", errors.Busy),
    ("EHLO", "450 later", errors.Busy),
    ("EHLO", "550 5.7.1 no", errors.Refused),
    ("MAIL", "421 4.3.2 closing", errors.Busy),
    ("MAIL", "451 4.3.0 later", errors.Busy),
    ("MAIL", "550 5.7.60 not as this sender", errors.SenderRefused),
    ("MAIL", "552 5.3.4 too big", errors.MessageRefused),
    ("MAIL", "530 5.7.0 Authentication required", errors.Refused),
    ("RCPT", "421 4.3.2 closing", errors.Busy),
    ("RCPT", "450 4.2.0 greylisted", errors.RecipientsDeferred),
    ("RCPT", "550 5.1.1 no such user", errors.RecipientsRefused),
    ("DATA", "421 4.3.2 closing", errors.Busy),
    ("DATA", "451 4.3.0 later", errors.Busy),
    ("DATA", "554 5.7.1 no", errors.MessageRefused),
    ("dot", "421 4.3.2 closing", errors.Busy),
    ("dot", "452 4.3.1 disk full", errors.Busy),
    ("dot", "554 5.7.1 looks like spam", errors.MessageRefused),
]


def _after(step: str, reply: str) -> str:
    """What a server hears after it refused: RSET in the middle of an envelope, unless it has said goodbye."""
    return "C: RSET\nS: 250 ok" if step in ENVELOPE_STEPS and not reply.startswith("421") else ""


EVERY_TROUBLE = [(step, what, kind) for step, what, kind in BREAKS if kind] + [
    (step, f"S: {reply}\n{_after(step, reply)}\n! wait", kind) for step, reply, kind in REPLIES
]


def _id(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)[:24]


@pytest.mark.parametrize("pipelined", [False, True], ids=["stepwise", "pipelined"])
@pytest.mark.parametrize(("step", "trouble", "kind"), EVERY_TROUBLE, ids=_id)
async def test_trouble_at_each_step_has_its_meaning(
    sender: Sender, step: str, trouble: str, kind: type[errors.WorkerError], pipelined: bool
) -> None:
    """Exactly that class, the phase in the details, and a point of no return only where there was one."""
    script = TROUBLE[step].format(trouble)
    if pipelined:
        script = script.replace(HELLO, PIPELINING)
        if step in ENVELOPE_STEPS:
            before, after = ENVELOPE_STEPS.index(step), 2 - ENVELOPE_STEPS.index(step)
            script = PIPELINING + "C: MAIL\nC: RCPT\nC: DATA\n" + "S: 250 ok\n" * before + trouble
            script = script.replace("\nC: RSET", "\nS: 503 5.5.1 what for?" * after + "\nC: RSET")
    sender.timeouts = SHORT if trouble == "! wait" else PATIENT
    async with ScriptedServer([script]) as server:
        with pytest.raises(errors.WorkerError) as caught:
            await sender.send(server)
        await server.finished()

    assert type(caught.value) is kind
    assert sender.commits == (1 if step == "dot" else 0)
    assert caught.value.details["host"] == "127.0.0.1"


async def test_a_refusal_counts_even_when_the_connection_breaks_right_after(sender: Sender) -> None:
    script = "C: MAIL\nC: RCPT\nC: DATA\nS: 554 5.7.1 blocked\n! reset"
    async with ScriptedServer([PIPELINING + script]) as server:
        with pytest.raises(errors.SenderRefused) as caught:
            await sender.send(server)

    assert "554 5.7.1 blocked" in caught.value.message


async def test_a_drop_in_the_middle_of_the_mail_sent_nothing(sender: Sender) -> None:
    big = a_mail(data=b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n" * 1 + (b"y" * 70 + b"\r\n") * 200_000)
    async with ScriptedServer([HELLO + ENVELOPE + "C: Subject: x\n! reset"]) as server:
        with pytest.raises(errors.Unreachable) as caught:
            await sender.send(server, big)

    assert sender.commits == 0
    assert caught.value.details["phase"] == "BODY"


async def test_a_refusal_in_the_middle_of_the_mail_is_heard(sender: Sender) -> None:
    """Some servers say 552 and hang up while the mail still comes."""
    big = a_mail(data=b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 200_000)
    async with ScriptedServer([HELLO + ENVELOPE + "C: Subject: x\nS: 552 5.3.4 too big\n! wait"]) as server:
        sender.timeouts = SmtpTimeouts(connect_s=5, command_s=1, final_s=5)
        with pytest.raises(errors.MessageRefused):
            await sender.send(server, big)

    assert sender.commits == 0


async def test_a_server_that_stops_reading_is_left_at_the_deadline(sender: Sender) -> None:
    big = a_mail(data=b"Subject: x\r\n\r\n" + (b"y" * 70 + b"\r\n") * 400_000)
    sender.timeouts = SHORT
    async with ScriptedServer([HELLO + ENVELOPE + "! stuck"]) as server:
        with pytest.raises(errors.ServerTimeout) as caught:
            await sender.send(server, big)

    assert sender.commits == 0
    assert caught.value.details["phase"] == "BODY"


async def test_a_drop_after_the_commit_and_before_the_dot_is_known_to_have_sent_nothing(sender: Sender) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + "C: From\nC: Subject\nC: \nC: hello\n! close"]) as server:
        sender.before_dot = server.finished
        with pytest.raises(errors.Unreachable):
            await sender.send(server)

    assert sender.commits == 1


async def test_a_failed_commit_is_not_taken_for_the_servers_fault(sender: Sender) -> None:
    async def disk_full() -> None:
        raise OSError(28, "No space left on device")

    sender.before_dot = disk_full
    async with ScriptedServer([HELLO + ENVELOPE + "C: From\nC: Subject\nC: \nC: hello\n! eof"]) as server:
        with pytest.raises(OSError, match="No space left"):
            await sender.send(server)

    assert server.mails == []


async def test_a_job_that_is_lost_before_the_dot_sends_nothing(sender: Sender) -> None:
    async def lost() -> None:
        raise errors.JobLost

    sender.before_dot = lost
    async with ScriptedServer([HELLO + ENVELOPE + "C: From\nC: Subject\nC: \nC: hello\n! eof"]) as server:
        session = await sender.open(server)
        with pytest.raises(errors.JobLost):
            await session.send(a_mail(), required="all", commit=sender.commit)
        assert not session.is_usable
        session.close()

    assert server.mails == []


@pytest.mark.parametrize("end", ["! close", "! reset", "C: QUIT\n! wait", "S: 421 bye\n! close"])
async def test_nothing_after_the_250_changes_the_verdict(sender: Sender, end: str) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + end]) as server:
        receipt = await sender.send(server)
        assert receipt.response == "250 2.0.0 Ok: queued as 4711"


async def test_a_dripping_reply_is_cut_off_by_the_overall_deadline(sender: Sender) -> None:
    """Each byte resets nothing: the limit is for the whole reply and for all of them together."""
    sender.timeouts = SmtpTimeouts(connect_s=5, command_s=0.2, final_s=5)
    async with ScriptedServer(["S: 220 hi\nC: EHLO\n! drip"]) as server:
        with pytest.raises(errors.ServerTimeout):
            await sender.open(server)


async def test_the_deadline_bounds_the_sum_of_slow_steps(sender: Sender) -> None:
    """Each step stays within its own limit; together they do not."""
    sender.deadline_s = 1
    rcpts = "C: RCPT\nS: 250 ok\n" * 8
    async with ScriptedServer([HELLO + "! slow\nC: MAIL\nS: 250 ok\n" + rcpts]) as server:
        with pytest.raises(errors.ServerTimeout):
            await sender.send(server, a_mail(*(f"b{number}@example.org" for number in range(9))))
        server.abandon()

    assert sender.commits == 0


async def test_bytes_nobody_asked_for_are_not_taken_for_the_next_reply(sender: Sender) -> None:
    """A reply too many would otherwise make every later answer the answer to the command before it."""
    async with ScriptedServer([HELLO + "C: MAIL\nR: 250 ok\\r\\n250 one too many\\r\\n\n! eof"]) as server:
        with pytest.raises(errors.Misbehaved):
            await sender.send(server)

    assert sender.commits == 0


async def test_a_mail_that_is_too_large_is_refused_before_it_is_sent(sender: Sender) -> None:
    hello = "S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250 SIZE 20\nC: QUIT"
    async with ScriptedServer([hello]) as server:
        with pytest.raises(errors.MessageRefused) as caught:
            await sender.send(server)

    assert caught.value.details["phase"] == "MAIL"
    assert caught.value.details["sizeBytes"] == len(a_mail().data)
    assert caught.value.details["limitBytes"] == 20


async def test_size_is_announced_where_the_server_wants_to_know(sender: Sender) -> None:
    hello = "S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250 SIZE 2000\n"
    async with ScriptedServer([hello + ENVELOPE + TAKEN]) as server:
        await sender.send(server)

    assert f"MAIL FROM:<jane@example.org> SIZE={len(a_mail().data)}" in server.heard


async def test_an_international_address_needs_a_server_that_can(sender: Sender) -> None:
    async with ScriptedServer([HELLO + "C: QUIT"]) as server:
        with pytest.raises(errors.Unsupported, match="SMTPUTF8"):
            await sender.send(server, a_mail("bøb@example.org"))


async def test_an_international_address_goes_out_as_utf8(sender: Sender) -> None:
    hello = "S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250-8BITMIME\nS: 250 SMTPUTF8\n"
    script = """
    C: MAIL FROM:<jane@example.org> SMTPUTF8 BODY=8BITMIME
    S: 250 ok
    C: RCPT TO:<bøb@example.org>
    S: 250 ok
    C: DATA
    S: 354 go
    """
    async with ScriptedServer([hello + script + TAKEN]) as server:
        await sender.send(server, a_mail("bøb@example.org", data="To: bøb@example.org\r\n\r\nx\r\n".encode()))


async def test_a_server_from_before_esmtp_is_greeted_with_helo(sender: Sender) -> None:
    hello = "S: 220 hi\nC: EHLO\nS: 502 what?\nC: HELO [127.0.0.1]\nS: 250 hello\n"
    async with ScriptedServer([hello + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_a_kept_session_takes_the_next_mail(sender: Sender) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + ENVELOPE + TAKEN + "C: QUIT"]) as server:
        session = await sender.open(server)
        await session.send(a_mail(), required="all", commit=sender.commit)
        assert session.is_usable
        await session.send(a_mail(), required="all", commit=sender.commit)
        session.close()

    assert len(server.mails) == 2
    assert server.connections == 1


@pytest.mark.parametrize("stale", ["C: MAIL\n! close", "C: MAIL\nS: 421 4.7.0 enough mails\n! close"])
async def test_a_server_that_had_enough_of_a_kept_session_gets_the_mail_on_a_new_one(
    sender: Sender, stale: str
) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + stale, HELLO + ENVELOPE + TAKEN]) as server:
        session = await sender.open(server)
        await session.send(a_mail(), required="all", commit=sender.commit)
        receipt = await session.send(a_mail(), required="all", commit=sender.commit)
        session.close()

    assert receipt.accepted == ("bob@example.org",)
    assert server.connections == 2
    assert sender.commits == 2


@pytest.mark.parametrize(
    ("stale", "kind"),
    [
        ("C: MAIL\nS: 250 ok\nC: RCPT\n! close", errors.Unreachable),
        (ENVELOPE + "C: <mail>\n! close", errors.OutcomeUnknown),
        (ENVELOPE + "C: <mail>\nS: 421 4.3.2 closing\n! close", errors.Busy),
    ],
)
async def test_a_kept_session_that_breaks_later_is_not_replaced(
    sender: Sender, stale: str, kind: type[errors.WorkerError]
) -> None:
    """From RCPT on the next attempt is the process's to decide, and after the dot it could be the same mail twice."""
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + stale, HELLO + ENVELOPE + TAKEN]) as server:
        session = await sender.open(server)
        await session.send(a_mail(), required="all", commit=sender.commit)
        with pytest.raises(kind):
            await session.send(a_mail(), required="all", commit=sender.commit)
        session.close()

    assert server.connections == 1


async def test_a_new_session_is_not_replaced_by_another_one(sender: Sender) -> None:
    async with ScriptedServer([HELLO + "C: MAIL\n! close", HELLO + ENVELOPE + TAKEN]) as server:
        with pytest.raises(errors.Unreachable):
            await sender.send(server)

    assert server.connections == 1


async def test_a_server_that_said_goodbye_while_idle_makes_the_session_unusable(sender: Sender) -> None:
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN + "S: 421 idle too long\n! close"]) as server:
        session = await sender.open(server)
        await session.send(a_mail(), required="all", commit=sender.commit)
        await server.finished()
        await until(lambda: not session.is_usable)
        session.close()


async def test_a_cancelled_send_leaves_no_usable_session(sender: Sender) -> None:
    sender.timeouts = PATIENT
    async with ScriptedServer([HELLO + ENVELOPE + "C: <mail>\n! wait"]) as server:
        session = await sender.open(server)
        sending = asyncio.create_task(session.send(a_mail(), required="all", commit=sender.commit))
        await until(lambda: bool(server.mails))
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert not session.is_usable
        session.close()


@pytest.mark.parametrize("address", ["a@b>\r\nRSET", "a\0@b", "a@b\n", "a@b\x7f"])
async def test_a_control_character_in_an_address_never_reaches_the_wire(sender: Sender, address: str) -> None:
    async with ScriptedServer([HELLO + "! eof"]) as server:
        with pytest.raises(ValueError, match="control character"):
            await sender.send(server, a_mail(address))


async def test_what_a_server_says_is_harmless_in_a_message(sender: Sender) -> None:
    reply = "R: 550 5.1.1 caf\\xe9 \\x1b[31m \\x00 " + "long " * 200 + "\\r\\n"
    async with ScriptedServer([HELLO + "C: MAIL\n" + reply + "\n! wait"]) as server:
        with pytest.raises(errors.SenderRefused) as caught:
            await sender.send(server)

    assert caught.value.message.isprintable()
    assert "\\x1b[31m" in caught.value.message
    assert len(caught.value.details["text"]) < 600
