"""A mail server that writes down, with fsync, each mail before it says that it has it, and fails where it is told to.

`python -m tests.chaos.sink PORT LOG SEED FAULTS`: a process of its own, so that nothing that happens to workers, broker
or referee happens to it. FAULTS is a JSON list of faults; the log has a JSON line for each accepted mail and each
fault dealt.
"""

import asyncio
import json
import os
import random
import re
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

END = b"\r\n.\r\n"
MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
ADDRESS = re.compile(rb"<([^>]*)>")
REFUSED = b"refused@"
"""A recipient at whatever domain that this server never takes."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, where, and how often."""

    at: str
    """EHLO, MAIL, RCPT, DATA; `body`: half of it is here; `.`: all of it is here and nothing written down; `taken`: it
    is written down and not answered; `told`: it is answered."""
    does: str
    """`451`, `550`: the answer; `drop`: close; `silence`: no answer, ever; `garbage`: no SMTP; `die`: SIGKILL."""
    share: float
    """Of all that come there."""


class Drop(Exception):
    """The connection ends here."""


class Log:
    """Lines that are on the disk when `write` returns."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("ab", buffering=0)

    def write(self, **line: object) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        os.fsync(self._file.fileno())


class Sink:
    def __init__(self, log: Log, faults: list[Fault], dice: random.Random, delays_s: tuple[float, float]) -> None:
        self._log = log
        self._faults = faults
        self._dice = dice
        self._delays_s = delays_s

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 sink ESMTP\r\n")
            recipients: list[str] = []
            spared = False  # one fault for each attempt at a mail, so that it is known what that means
            while line := await reader.readline():
                verb = line[:4].upper().strip().decode("latin-1")
                spared = spared and verb != "MAIL"
                if not spared and REFUSED not in line and (answer := await self._fault(verb, line, recipients)):
                    spared = True
                    writer.write(answer)
                elif verb == "DATA" and not recipients:
                    writer.write(b"554 5.5.1 no valid recipients\r\n")
                elif verb == "DATA":
                    writer.write(b"354 go on\r\n")
                    writer.write(await self._take(reader, recipients))
                    await writer.drain()
                    await self._fault("told", b"", recipients)
                else:
                    writer.write(self._ordinary(verb, line, recipients))
                if verb == "QUIT":
                    break
        except (Drop, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _ordinary(self, verb: str, line: bytes, recipients: list[str]) -> bytes:
        match verb:
            case "EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            case "MAIL" | "RSET":
                recipients.clear()
            case "RCPT" if REFUSED in line:
                return b"550 5.1.1 no such user\r\n"
            case "RCPT":
                recipients += [found.decode() for found in ADDRESS.findall(line)]
            case "QUIT":
                return b"221 bye\r\n"
        return b"250 2.0.0 ok\r\n"

    async def _take(self, reader: asyncio.StreamReader, recipients: list[str]) -> bytes:
        to = list(recipients)
        await reader.readline()
        await self._fault("body", b"", to)
        mail = await reader.readuntil(END)
        await asyncio.sleep(self._dice.uniform(*self._delays_s))
        if answer := await self._fault(".", b"", to):
            return answer
        found = MESSAGE_ID.search(mail)
        self._log.write(accepted=to, message_id=found[1].decode() if found else "")
        return await self._fault("taken", b"", to) or b"250 2.0.0 taken\r\n"

    async def _fault(self, at: str, line: bytes, recipients: list[str]) -> bytes:
        for fault in self._faults:
            if fault.at == at and self._dice.random() < fault.share:
                named = [found.decode() for found in ADDRESS.findall(line)] if at in ("MAIL", "RCPT") else recipients
                self._log.write(fault=fault.does, at=at, to=[] if at == "EHLO" else list(named))
                return await self._deal(fault.does)
        return b""

    async def _deal(self, does: str) -> bytes:
        match does:
            case "drop":
                raise Drop
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "silence":
                await asyncio.Event().wait()
            case "garbage":
                return b"what do you mean?\r\n"
        return does.encode() + b" 4.0.0 chaos\r\n".replace(b"4", does[:1].encode())


async def main(port: str, log: str, seed: str, faults: str, delays_s: str) -> None:
    sink = Sink(Log(Path(log)), [Fault(**one) for one in json.loads(faults)], random.Random(seed), json.loads(delays_s))
    server = await asyncio.start_server(sink.talk, "127.0.0.1", int(port), limit=1 << 26, backlog=200)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def arguments(faults: list[Fault], delays_s: tuple[float, float]) -> list[str]:
    """The last two of them."""
    return [json.dumps([asdict(one) for one in faults]), json.dumps(delays_s)]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
