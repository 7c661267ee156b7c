"""The wire of IMAP: responses however they are cut, and the loop's other tasks meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from zeebe_mail.mail.imap.connection import ImapConnection, Literal, Reply, Response, Take

ANSWER = (
    b'* 1 FETCH (UID 7 BODY[] {5}\r\na\r\n)b X "}" FLAGS ())\r\n'
    b"* OK see {3}\r\n* SEARCH 1 2\r\nz1 OK [X y] done {4}\r\n"
)
FETCHED = Response(b'* 1 FETCH (UID 7 BODY[] {5}\r\n X "}" FLAGS ())\r\n', (b"a\r\n)b",))


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def greeted(turn: asyncio.Lock | None = None) -> tuple[ImapConnection, Wire]:
    wire = Wire()
    connection = ImapConnection(asyncio.get_running_loop(), turn or asyncio.Lock(), 60)
    connection.connection_made(wire)
    connection.data_received(b"* OK hello\r\n")
    await connection.greeting(asyncio.get_running_loop().time() + 10)
    return connection, wire


async def asking(
    connection: ImapConnection, wire: Wire, *pieces: bytes, take: Take | None = None
) -> asyncio.Task[Reply]:
    until = asyncio.get_running_loop().time() + 60
    task = asyncio.create_task(connection.ask(*(pieces or (b"NOOP",)), until=until, allowance=2**24, take=take))
    while not wire.written:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_responses_are_whole_however_they_are_cut(size: int) -> None:
    connection, wire = await greeted()
    task = await asking(connection, wire)
    for start in range(0, len(ANSWER), size):
        connection.data_received(ANSWER[start : start + size])
        await asyncio.sleep(0)
    reply = await task
    assert reply.untagged == [FETCHED, Response(b"* OK see {3}\r\n"), Response(b"* SEARCH 1 2\r\n")]
    assert (reply.status.code, reply.status.argument, reply.status.text) == ("X", b"y", "done {4}")
    assert connection.is_open


async def test_a_command_is_one_write() -> None:
    connection, wire = await greeted()
    connection.literal_plus = 100
    task = await asking(connection, wire, b"APPEND x ", Literal(b"a\r\nb"))
    assert wire.written == [b"z1 APPEND x {4+}\r\na\r\nb\r\n"]
    connection.data_received(b"z1 OK\r\n")
    await task


@pytest.mark.parametrize("piece", [b"A\r\nz2 DELETE x", b"A\nB", b"A\0", b"A\x7f", Literal(b"a\0b")])
async def test_what_would_end_a_command_is_not_written(piece: bytes) -> None:
    connection, wire = await greeted()
    with pytest.raises(ValueError, match=r"NUL|control"):
        await connection.ask(piece, until=asyncio.get_running_loop().time() + 10)
    assert wire.written == []


async def test_many_that_read_at_once_leave_the_loop_to_others_after_each_slice() -> None:
    turn = asyncio.Lock()
    took: list[int] = []
    rounds: list[set[int]] = []
    tasks = []

    def takes(who: int) -> Take:
        def take(_: Response) -> None:
            took.append(who)
            sum(range(2000))

        return take

    for who in range(3):
        connection, wire = await greeted(turn)
        tasks.append(await asking(connection, wire, take=takes(who)))
        connection.data_received(b"* 1 FETCH (UID 1)\r\n" * 3000 + b"z1 OK\r\n")
    while not all(task.done() for task in tasks):
        took.clear()
        await asyncio.sleep(0)
        rounds.append(set(took))
    assert max(map(len, rounds)) == 1
    assert len(list(filter(None, rounds))) > 10
