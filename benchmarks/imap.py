"""IMAP tasks in a mailbox of 50,000 messages, beside bare imapclient with the same server, and through the broker.

``python -m benchmarks.imap [MESSAGES]``
"""

import asyncio
import socket
import ssl
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from imapclient import IMAPClient
from tests.servers.dovecot import Dovecot, offering
from tests.servers.mailboxes import PASSWORD
from tests.tasks import tasks

from benchmarks import mailboxes, rig
from benchmarks.mailboxes import USER, compare, message_id
from zeebe_mail.demo.pki import Authority
from zeebe_mail.zeebe.client import connect
from zeebe_mail.zeebe.options import GatewayOptions

ENVELOPE = ["ENVELOPE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE"]
AT_ONCE = 10
WARM_UP = 5
UNSORTED = (
    "LITERAL+",
    "MULTIAPPEND",
    "IDLE",
    "UIDPLUS",
    "MOVE",
    "ESEARCH",
    "NAMESPACE",
    "LIST-EXTENDED",
    "SPECIAL-USE",
    "UNSELECT",
)


class Bare:
    """What imapclient alone takes for the same."""

    def __init__(self, server: Dovecot) -> None:
        self._server = server
        self._tls = ssl.create_default_context(cafile=str(server.ca_file))
        self.client = self._logged_in()

    def _logged_in(self) -> IMAPClient:
        client = IMAPClient("localhost", self._server.imaps, ssl_context=self._tls)
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.login(USER, PASSWORD)
        return client

    def newest(self, count: int, client: IMAPClient | None = None) -> None:
        client = client or self.client
        client.select_folder("INBOX", readonly=True)
        # Not client.sort, which refuses where SORT is not announced.
        _, (uids,) = client._imap.uid("SORT", "(REVERSE ARRIVAL)", "UTF-8", "ALL")
        client.fetch([int(uid) for uid in uids.split()[:count]], ENVELOPE)

    def newest_with_login(self) -> None:
        client = self._logged_in()
        self.newest(10, client)
        client.logout()

    def find(self, number: int) -> int:
        self.client.select_folder("INBOX", readonly=True)
        (uid,) = self.client.search(["HEADER", "Message-ID", message_id(number)])
        self.client.fetch([uid], ENVELOPE)
        return uid

    def read(self, number: int) -> None:
        self.client.select_folder("INBOX", readonly=True)
        (uid,) = self.client.search(["HEADER", "Message-ID", message_id(number)])
        self.client.fetch([uid], ["BODY.PEEK[]", "FLAGS", "INTERNALDATE"])


def main(count: int) -> None:
    print(rig.machine(), f"{count} messages", sep=", ")
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        with mailboxes.dovecot(authority, count) as server:
            asyncio.run(beside_imapclient(server, count))
            with rig.broker() as address:
                through_the_broker(address, server, "with SORT")
                with mailboxes.dovecot(authority, count, **offering(*UNSORTED)) as unsorted:
                    asyncio.run(without_sort(unsorted))
                    through_the_broker(address, unsorted, "without SORT")


async def beside_imapclient(server: Dovecot, count: int) -> None:
    bare, numbers = Bare(server), iter(range(1, count, count // 50))
    async with tasks(server, USER) as ours:
        kept = await compare(lambda: ours.run("imap-list", limit=10), lambda: bare.newest(10), 15)
        print(f"newest 10, kept session:          {kept}")

        async def with_login() -> None:
            async with tasks(server, USER) as fresh:
                await fresh.run("imap-list", limit=10)

        print(f"newest 10, login included:        {await compare(with_login, bare.newest_with_login, 10)}")
        thousand = await compare(lambda: ours.run("imap-list", limit=1000), lambda: bare.newest(1000), 5)
        print(f"newest 1,000, kept session:       {thousand}")
        # Each round asks for another message, and both ways for the same one.
        number = [0]

        async def find() -> None:
            number[0] = next(numbers)
            found = await ours.run("imap-search", criteria={"messageId": message_id(number[0])})
            assert len(found["messages"]) == 1

        async def read() -> None:
            number[0] = next(numbers)
            await ours.run("imap-read", messageId=message_id(number[0]))

        print(f"search by Message-ID:             {await compare(find, lambda: bare.find(number[0]), 15)}")
        print(f"read by Message-ID:               {await compare(read, lambda: bare.read(number[0]), 15)}")


async def without_sort(server: Dovecot) -> None:
    bare = Bare(server)
    async with tasks(server, USER) as ours:
        kept = await compare(lambda: ours.run("imap-list", limit=10), lambda: bare.newest(10), 5)
    print(f"newest 10 where SORT is missing:  {kept} with SORT")


def through_the_broker(address: str, server: Dovecot, name: str) -> None:
    process = f"bench-imap-list-{server.imap}"
    rig.deploy(address, process, "mail:imap-list:1")
    variables = {
        "server": {"host": "localhost", "port": server.imaps, "security": "SSL_TLS"},
        "auth": {"type": "password", "username": USER, "password": "{{secrets.BENCH}}"},
        "request": {"limit": 10},
    }
    with rig.worker(address, server.ca_file, SECRET_BENCH=PASSWORD) as worker, rig.PeakMemory(worker) as memory:
        one_ms, many_ms = asyncio.run(jobs(address, process, variables, memory))
    print(
        f"whole job, {name}: {one_ms:.0f} ms; {AT_ONCE} at once {many_ms:.0f} ms = {many_ms / one_ms:.1f} times one, "
        f"memory {memory.at_rest_mb:.0f} MB at rest and {memory.growth_mb:.0f} MB more at most"
    )


async def jobs(address: str, process: str, variables: dict[str, Any], memory: rig.PeakMemory) -> tuple[float, float]:
    """From starting an instance to its end: one alone, and the last of ten; medians, in milliseconds."""
    async with connect(GatewayOptions(address=address)) as client:

        async def together(count: int) -> float:
            began = time.perf_counter()
            await asyncio.gather(*(client.start_and_wait(process, variables, timeout_s=120) for _ in range(count)))
            return (time.perf_counter() - began) * 1000

        await memory.rest()
        for _ in range(WARM_UP):
            await together(1)
        alone = [await together(1) for _ in range(9)]
        return statistics.median(alone), statistics.median([await together(AT_ONCE) for _ in range(5)])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
