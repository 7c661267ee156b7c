"""Letters outside ASCII, international domains and quoted local parts, in every place of a mail that has an address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.parsers import PostalMime, parsed, seen
from tests.tasks import TaskFailed
from tests.wire.conversation import ScriptedServer
from zeebe_mail.app import Mailroom, TrialAttempt, mailroom, task_types
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import Settings

JOERG = "jörg@bücher.example"
JOERG_ON_WIRE = "jörg@xn--bcher-kva.example"
EVENT = {"start": "2026-07-31T09:00:00Z", "duration": "PT1H"}


def original(**headers: str) -> dict[str, Any]:
    fields = {"From": "eve@x.test", "To": "jane@x.test", "Subject": "Well?", "Message-ID": "<q@x.test>", **headers}
    source = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return {"original": {"source": {"message": f"{source}\r\nHi\r\n"}}, "to": None}


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "from": lambda one: {"from": one},
    "second author": lambda one: {"from": ["jane@x.test", one]},
    "sender": lambda one: {"sender": one},
    "envelopeFrom": lambda one: {"envelopeFrom": one},
    "to": lambda one: {"to": one},
    "cc": lambda one: {"cc": [{"name": "Jörg", "address": one}]},
    "bcc": lambda one: {"bcc": f"Jörg <{one}>"},
    "replyTo": lambda one: {"replyTo": one},
    "readReceipt": lambda one: {"readReceipt": one},
    "header with addresses": lambda one: {"headers": {"Errors-To": one}},
    "template": lambda one: {"to": None, "template": {"to": "{{ to }}", "variables": {"to": one}}},
    "author who is answered": lambda one: original(From=one),
    "Reply-To that is answered": lambda one: original(**{"Reply-To": one}),
    "Cc that is answered": lambda one: {"replyAll": True, **original(Cc=one)},
}
"""What puts an address there. Each makes it necessary that the server carries it."""

EHLO = "S: 220 mail.test ready\nC: EHLO\nS: 250-mail.test\n"
WITHOUT = f"{EHLO}S: 250 8BITMIME\n"
WITH = f"{EHLO}S: 250-8BITMIME\nS: 250 SMTPUTF8\n"
QUIT = "C: QUIT"


def taken(recipients: int) -> str:
    accepted = "C: RCPT TO\nS: 250 ok\n" * recipients
    return f"C: MAIL FROM\nS: 250 ok\n{accepted}C: DATA\nS: 354 go\nC: <mail>\nS: 250 ok\n"


@asynccontextmanager
async def worker(**settings: Any) -> AsyncIterator[Mailroom]:
    given = Settings(**settings)
    async with mailroom(given, Redactor(), task_types(given)) as room:
        yield room


async def sent(room: Mailroom, server: ScriptedServer, request: dict[str, Any]) -> Any:
    """The result of the task that sends this.

    Raises:
        TaskFailed: the job failed.
    """
    task = "mail:smtp-reply:1" if "original" in request else "mail:smtp-send:1"
    where = {"host": "127.0.0.1", "port": server.port, "security": "NONE"}
    mail = {"from": "jane@x.test", "to": "bob@x.test", "subject": "Hi", "text": "Hello", **request}
    variables = {"server": where, "auth": {"type": "none"}, "request": mail}
    job = Job(7, task, variables, {"resultVariable": "result"}, 3, 0)
    outcome = await room.handler.handle(job, TrialAttempt())
    if isinstance(outcome, Fail):
        raise TaskFailed(outcome)
    assert isinstance(outcome, Complete), outcome
    return outcome.variables["result"]


def recipients(place: str) -> int:
    return 2 if place in ("cc", "bcc", "Cc that is answered") else 1


@pytest.mark.parametrize("place", PLACES)
async def test_letters_before_the_at_do_not_reach_a_server_that_cannot_carry_them(place: str) -> None:
    async with worker() as room, ScriptedServer([WITHOUT + "! eof"]) as server:
        with pytest.raises(TaskFailed) as refused:
            await sent(room, server, PLACES[place](JOERG))
        room.pool.close()
    assert (refused.value.code, refused.value.retries) == ("UNSUPPORTED_BY_SERVER", 0)
    assert "SMTPUTF8" in refused.value.error["message"]
    assert "Use addresses with ASCII letters before the @" in str(refused.value)
    assert [line.split()[0] for line in server.heard] == ["EHLO"]


@pytest.mark.parametrize("place", PLACES)
async def test_they_go_out_to_a_server_that_can(place: str) -> None:
    async with worker() as room, ScriptedServer([WITH + taken(recipients(place)) + "! eof"]) as server:
        await sent(room, server, PLACES[place](JOERG))
        room.pool.close()
    mail_from, wire = server.heard[1], "\n".join(server.heard) + server.mails[0].decode()
    assert " SMTPUTF8" in mail_from
    assert JOERG_ON_WIRE in wire
    assert "bücher" not in wire


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("given", "on_wire"),
    [
        ("joerg@bücher.example", "joerg@xn--bcher-kva.example"),
        ('"jane, the \\"first\\" @work"@x.example', '"jane, the \\"first\\" @work"@x.example'),
        ('"plain"@x.example', "plain@x.example"),
    ],
)
async def test_international_domains_and_quoted_local_parts_need_no_extension(
    postal_mime: PostalMime, place: str, given: str, on_wire: str
) -> None:
    async with (
        worker() as room,
        ScriptedServer([EHLO + "S: 250 SIZE\n" + taken(recipients(place)) + "! eof"]) as server,
    ):
        await sent(room, server, PLACES[place](given))
        room.pool.close()
    (mail,) = server.mails
    commands, head = server.heard[1:-1], mail.decode("ascii").partition("\r\n\r\n")[0]
    assert any(f"<{on_wire}>" in line for line in commands) or on_wire in head
    assert seen(mail) == postal_mime.seen(mail)
    assert not parsed(mail).defects


@pytest.mark.parametrize(
    "request_", [{"headers": {"X-Author": JOERG}}, {"listUnsubscribe": {"mailto": JOERG}}, {"text": JOERG}]
)
async def test_what_is_no_address_for_servers_needs_no_extension(request_: dict[str, Any]) -> None:
    async with worker() as room, ScriptedServer([EHLO + "S: 250 SIZE\n" + taken(1) + "! eof"]) as server:
        await sent(room, server, request_)
        room.pool.close()
    assert server.mails[0].isascii()


async def test_who_attends_stands_in_the_body(postal_mime: PostalMime) -> None:
    async with worker() as room, ScriptedServer([EHLO + "S: 250 SIZE\n" + taken(1) + "! eof"]) as server:
        await sent(room, server, {"invitation": {**EVENT, "attendees": [JOERG, '"a b"@x.test']}})
        room.pool.close()
    (mail,) = server.mails
    assert mail.isascii()
    invitation = seen(mail).file("invite.ics").content.replace(b"\n ", b"").decode()
    assert "mailto:j%C3%B6rg@xn--bcher-kva.example" in invitation
    assert "mailto:%22a%20b%22@x.test" in invitation


@pytest.mark.parametrize(
    "settings",
    [
        {"allowed_recipients": (JOERG,)},
        {"denied_recipients": ("joerg@bücher.example",)},
        {"allowed_senders": {"*": ("@bücher.example", "@x.test")}},
        {"redirect_all_to": (JOERG,)},
    ],
    ids=str,
)
async def test_the_guard_rails_know_them(settings: dict[str, Any]) -> None:
    async with worker(**settings) as room, ScriptedServer([WITH + taken(1) + "! eof"]) as server:
        told = await sent(room, server, {"to": JOERG_ON_WIRE, "envelopeFrom": JOERG})
        room.pool.close()
    assert told["accepted"] == [JOERG_ON_WIRE]


async def test_the_guard_rails_keep_mail_from_them_in_either_form() -> None:
    async with worker(denied_recipients=(JOERG, '"a b"@x.test')) as room, ScriptedServer([]) as server:
        for address in (JOERG, JOERG_ON_WIRE.upper(), "jo\u0308rg@bücher.example", '"A b"@X.test'):
            with pytest.raises(TaskFailed, match="RECIPIENT_NOT_ALLOWED"):
                await sent(room, server, {"to": address})


async def test_a_mail_of_a_test_stage_names_them_and_needs_no_extension() -> None:
    script = EHLO + "S: 250 SIZE\n" + taken(1) + "! eof"
    async with worker(redirect_all_to=("qa@x.test",)) as room, ScriptedServer([script]) as server:
        await sent(room, server, {"to": JOERG})
        room.pool.close()
    (mail,) = server.mails
    assert mail.isascii()
    assert parsed(mail)["X-Original-To"] == JOERG_ON_WIRE
