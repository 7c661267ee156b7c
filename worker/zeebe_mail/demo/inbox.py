"""Read one mailbox over IMAP with implicit TLS: just enough to show that a mail has arrived (RFC 9051)."""

import asyncio
import re
import ssl
from pathlib import Path

from zeebe_mail.demo.error import DemoError

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")


async def read_inbox(host: str, port: int, user: str, password: str, *, ca_file: Path) -> list[bytes]:
    """Return every message of the INBOX, oldest first; nothing is changed there.

    Raises:
        DemoError: the server refused a command.
    """
    trust = ssl.create_default_context(cafile=ca_file)
    reader, writer = await asyncio.open_connection(host, port, ssl=trust)
    try:
        await reader.readline()  # the greeting
        await _command(reader, writer, f'LOGIN "{user}" "{password}"')
        await _command(reader, writer, "EXAMINE INBOX")
        found = await _command(reader, writer, "SEARCH ALL")
        messages = await _command(reader, writer, "FETCH 1:* BODY.PEEK[]") if b"1" in b"".join(found) else []
        await _command(reader, writer, "LOGOUT")
    finally:
        writer.close()
    return [part for part in messages if not part.startswith(b"* ")]


async def _command(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> list[bytes]:
    """Send a command; return the untagged lines and the literals of its answer, in their order."""
    writer.write(f"a {command}\r\n".encode())
    await writer.drain()
    parts: list[bytes] = []
    while line := await reader.readline():
        if line.startswith(b"a OK"):
            return parts
        if line.startswith(b"a "):
            raise DemoError(
                f"The demo's mail server refused {command.split()[0]}: {line.decode(errors='replace').strip()}.",
                "This is a fault of the demo: please report it.",
            )
        if literal := LITERAL.search(line):
            parts.append(await reader.readexactly(int(literal[1])))
        elif line.startswith(b"* "):
            parts.append(line)
    raise DemoError(f"The demo's mail server hung up on {command.split()[0]}.", "Please run the demo again.")
