"""A scripted IMAP server. Its scripts are those of `conversation`, without tags:

C: UID SEARCH               the client sends a command that begins so, whatever its tag
C: <continued>              the client sends a line that is no command
S: $ OK done                the server answers the last command: $ is its tag
! flood * 1 EXISTS          this line, over and over, until the client goes
! bytes 5000000             so many bytes without a line end
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.wire.conversation import Departure, ScriptedServer
from zeebe_mail.auth.models import MailboxAuth, PasswordAuth
from zeebe_mail.mail.imap import ImapConnector, ImapSession, ImapTimeouts
from zeebe_mail.mail.server import ImapServer, Security
from zeebe_mail.mail.tls import TlsPolicy

ALICE = PasswordAuth(username="alice", password="secret")  # type: ignore[arg-type]
CAPABILITIES = "IMAP4rev1 SASL-IR AUTH=PLAIN LITERAL+ UIDPLUS MOVE ESEARCH SORT IDLE UNSELECT"

GREETING = f"S: * OK [CAPABILITY {CAPABILITIES}] ready"
LOGIN = f"""
    {GREETING}
    C: AUTHENTICATE PLAIN
    S: $ OK [CAPABILITY {CAPABILITIES}] welcome
"""
EXAMINED = """
    C: EXAMINE INBOX
    S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 7] valid
    S: * OK [UIDNEXT 10] next
    S: $ OK [READ-ONLY] done
"""
SELECTED = EXAMINED.replace("EXAMINE", "SELECT").replace("READ-ONLY", "READ-WRITE")
END = """
    C: LOGOUT
    ! eof
"""


@dataclass
class ScriptedImap(ScriptedServer):
    """Plays IMAP scripts; `heard` has commands without their tags."""

    _tags: dict[asyncio.StreamReader, str] = field(default_factory=dict)

    async def _hear(self, expected: str, reader: asyncio.StreamReader) -> None:
        line = (await reader.readline()).decode()
        if expected == "<continued>":
            self.heard.append(line.removesuffix("\r\n"))
            return
        self._tags[reader], _, command = line.partition(" ")
        self.heard.append(command.removesuffix("\r\n"))
        if not command.startswith(expected) or not command.endswith("\r\n"):
            raise Departure(f"the script has {expected!r}, the client said {line!r}")

    def _spoken(self, line: str, reader: asyncio.StreamReader) -> str:
        return line.replace("$", self._tags.get(reader, "$"), 1) if line.startswith("$") else line

    async def _act(self, what: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        kind, _, rest = what.partition(" ")
        if kind == "flood":
            gone = asyncio.create_task(reader.read())
            with contextlib.suppress(ConnectionError):
                while not gone.done():
                    writer.write(rest.encode() + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0)
            gone.cancel()
            return False
        if kind == "bytes":
            with contextlib.suppress(ConnectionError):
                for _ in range(int(rest) // 10_000):
                    writer.write(b"x" * 10_000)
                    await writer.drain()
            return True
        return await super()._act(what, reader, writer)


async def open_session(
    server: ScriptedServer,
    auth: MailboxAuth = ALICE,
    *,
    security: Security = Security.NONE,
    policy: TlsPolicy | None = None,
    connect_s: float = 10,
    command_s: float = 60,
    login_s: float = 15,
    deadline_s: float = 20,
) -> ImapSession:
    """Log in at a scripted server."""
    connector = ImapConnector(
        policy or TlsPolicy(), ImapTimeouts(connect_s, command_s, courtesy_s=0.2, login_s=login_s)
    )
    where = ImapServer(host="localhost", port=server.port, security=security)
    # Shorter than a process may ask for: a copy is not validated.
    return await connector(where.model_copy(update={"deadline_seconds": deadline_s}), auth)


@contextlib.asynccontextmanager
async def in_mailbox(
    script: str, *, opening: str = EXAMINED, login: str = LOGIN, deadline_s: float = 20
) -> AsyncIterator[ImapSession]:
    """A session that has INBOX open; the script goes on from there."""
    async with ScriptedImap([login + opening + script]) as server:
        session = await open_session(server, deadline_s=deadline_s)
        await session.mailboxes.select("INBOX", writable="C: SELECT" in opening)
        yield session
        session.close()
