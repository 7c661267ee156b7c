"""The reader: real child processes, killed and broken in every way that a message could break them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.unit.message.hostile import HOSTILE
from zeebe_mail.message.parse import parse
from zeebe_mail.message.reader import Reader, ReadingLimits

MAIL = (
    b"From: a@example.org\r\nSubject: hello\r\nMessage-ID: <1@example.org>\r\nDate: Mon, 5 Jan 2026 10:00:00 +0100\r\n"
    b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nHi\r\n--m\r\nContent-Type: application/pdf;"
    b" name=a.pdf\r\n\r\n%PDF\r\n--m\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner\r\n--m--\r\n"
)


def children() -> list[psutil.Process]:
    """The children that read messages."""
    return [one for one in psutil.Process().children() if "zeebe_mail.message.reading" in _command(one)]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


Readers = Callable[..., Reader]


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    """Makes readers, and sees that nothing is left of them."""
    made: list[Reader] = []

    def make(**arguments: Any) -> Reader:
        made.append(Reader(**arguments))
        return made[-1]

    yield make
    for reader in made:
        await reader.aclose()
    assert children() == []


async def test_a_child_says_what_the_parser_says(readers: Readers) -> None:
    reader = readers()
    received = datetime(2026, 1, 5, 9, 0, 3, tzinfo=UTC)
    found = await reader.read(MAIL, received)
    await reader.aclose()
    assert found == parse(MAIL, received)
    assert found.raw is MAIL
    assert found.as_json() == parse(MAIL, received).as_json()
    assert found.content(found.attachments[0]) == b"%PDF"


async def test_children_start_when_needed_are_used_again_and_end(readers: Readers) -> None:
    reader = readers(children=2)
    assert children() == []
    await reader.read(MAIL)
    (child,) = children()
    for _ in range(5):
        await reader.read(MAIL)
    assert [one.pid for one in children()] == [child.pid]
    await asyncio.gather(*(reader.read(MAIL) for _ in range(10)))
    assert len(children()) == 2
    await reader.aclose()
    assert children() == []
    with pytest.raises(RuntimeError, match="closed"):
        await reader.read(MAIL)


async def test_a_child_has_nothing_of_the_environment(readers: Readers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_PASSWORD", "hunter2")
    reader = readers()
    await reader.read(MAIL)
    environment = children()[-1].environ()
    await reader.aclose()
    assert "hunter2" not in str(environment)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_a_child_that_died_while_idle_is_replaced(readers: Readers, sent: signal.Signals) -> None:
    reader = readers(children=1)
    await reader.read(MAIL)
    child = children()[-1]
    child.send_signal(sent)
    # The event loop may not have heard of it yet: then the message is told to have broken it, and the next one is read.
    outcomes = [(await reader.read(MAIL)).parse_error for _ in range(2)]
    await reader.aclose()
    assert outcomes[-1] is None


async def test_a_child_killed_at_work_costs_that_message_its_body(readers: Readers) -> None:
    reader = readers(children=1)
    await reader.read(MAIL)
    child = children()[-1]
    child.suspend()
    reading = asyncio.create_task(reader.read(MAIL))
    await asyncio.sleep(0)
    child.kill()
    found = await reading
    assert found.parse_error == "The process that reads messages broke on this one (status -9)."
    assert (found.subject, found.message_id, found.text, found.raw) == ("hello", "<1@example.org>", None, MAIL)
    assert (await reader.read(MAIL)).parse_error is None
    await reader.aclose()


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (ReadingLimits(cpu=timedelta(milliseconds=100)), "more than 0.1 seconds of CPU"),
        (ReadingLimits(wall=timedelta(milliseconds=100)), "within 0.1 seconds"),
        (ReadingLimits(memory_bytes=120 * 2**20), "more than 120 MB of memory"),
        (ReadingLimits(answer_bytes=1000), "an answer that cannot be used"),
    ],
)
async def test_what_needs_too_much_is_stopped_and_the_next_is_read(
    readers: Readers, limits: ReadingLimits, said: str
) -> None:
    reader = readers(children=1, limits=limits)
    found = await reader.read(b"Subject: big\r\n" + HOSTILE["text of 29 MB of empty lines"]())
    assert said in (found.parse_error or "")
    assert found.subject == "big"
    await reader.aclose()
    generous = readers(children=1)
    assert (await generous.read(MAIL)).parse_error is None
    await generous.aclose()


async def test_reading_can_be_cancelled_at_any_moment(readers: Readers) -> None:
    """The child of a cancelled message is not used again: its answer would be taken for the next one's."""
    reader = readers(children=1)
    other = MAIL.replace(b"hello", b"other")
    for ticks in range(40):
        reading = asyncio.create_task(reader.read(MAIL))
        for _ in range(ticks):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
    assert (await reader.read(other)).subject == "other"
    await reader.aclose()
    assert children() == []


async def test_closing_lets_a_message_finish(readers: Readers) -> None:
    reader = readers(children=1)
    await reader.read(MAIL)
    reading = asyncio.create_task(reader.read(MAIL))
    await asyncio.sleep(0)
    await reader.aclose()
    assert (await reading).subject == "hello"
    assert not [child for child in children() if "reading" in " ".join(child.cmdline())]


async def test_a_child_ends_with_its_parent() -> None:
    """A worker that is killed leaves nothing behind."""
    program = (
        "import asyncio, os\n"
        "from zeebe_mail.message.reader import Reader\n"
        "async def main():\n"
        "    await Reader().read(b'x')\n"
        "    print(os.getpid(), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert parent.stdout is not None
    await parent.stdout.readline()
    (child,) = psutil.Process(parent.pid).children()
    parent.kill()
    await parent.wait()
    await asyncio.to_thread(psutil.wait_procs, [child], timeout=60)
    assert not child.is_running()


async def test_a_child_loads_neither_grpc_nor_pydantic(readers: Readers) -> None:
    reader = readers(children=1)
    await reader.read(MAIL)
    loaded = {Path(one.path).name for one in children()[-1].memory_maps()}
    await reader.aclose()
    assert not [name for name in loaded if "cygrpc" in name or "pydantic" in name]
