"""The newest 10 of 10,000 messages over POP3, the first time and later, beside bare poplib with the same server.

``python -m benchmarks.pop3 [MESSAGES]``
"""

import asyncio
import poplib
import re
import ssl
import sys
import tempfile
from email.parser import BytesHeaderParser
from pathlib import Path

from tests.servers.dovecot import Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.tasks import tasks

from benchmarks import mailboxes, rig
from benchmarks.mailboxes import USER, compare
from zeebe_mail.demo.pki import Authority

NEWEST = 10
ROUNDS = 7


def main(count: int) -> None:
    print(rig.machine(), f"{count} messages", sep=", ")
    with tempfile.TemporaryDirectory() as folder, mailboxes.dovecot(Authority(Path(folder)), count) as server:
        asyncio.run(beside_poplib(server))


async def beside_poplib(server: Dovecot) -> None:
    tls = ssl.create_default_context(cafile=str(server.ca_file))

    async def first_time() -> None:
        async with tasks(server, USER) as ours:
            await ours.run("pop3-list", limit=NEWEST)

    print(f"newest {NEWEST}, first time:  {await compare(first_time, lambda: bare(server, tls), ROUNDS)}")
    async with tasks(server, USER) as ours:
        await ours.run("pop3-list", limit=NEWEST)
        before = await settled(server)
        later = await compare(lambda: ours.run("pop3-list", limit=NEWEST), lambda: bare(server, tls), ROUNDS)
        asked = await settled(server) - before - NEWEST * (ROUNDS + 1)  # without those of poplib
    print(f"newest {NEWEST}, later times: {later}; {asked / (ROUNDS + 1):.0f} TOP each")


def bare(server: Dovecot, tls: ssl.SSLContext) -> None:
    """What poplib takes for the same: numbers, ids and sizes of all, the headers of the newest."""
    client = poplib.POP3_SSL("localhost", server.pop3s, context=tls)
    client.user(USER)
    client.pass_(PASSWORD)
    count, _ = client.stat()
    client.uidl()
    client.list()
    for number in range(count, count - NEWEST, -1):
        _, lines, _ = client.top(number, 0)
        BytesHeaderParser().parsebytes(b"\r\n".join(lines))
    client.quit()


def tops(server: Dovecot) -> int:
    """How many TOP commands the server has answered in sessions that are over."""
    return sum(int(count) for count in re.findall(r" top=(\d+)/", server.log()))


async def settled(server: Dovecot) -> int:
    """The same, once the log does not grow any more: a session is told of a moment after its end."""
    before = -1
    while before != (now := tops(server)):
        before = now
        await asyncio.sleep(0.5)
    return now


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
