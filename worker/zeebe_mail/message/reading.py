"""The child process in which hostile mail is read: ``python -m zeebe_mail.message.reading`` (see ``reader``).

It answers one message after another until its input ends: in comes the length (4 bytes, network order) and the message,
out goes the length and the parsed message as JSON. It limits itself: what needs more memory or time ends the process.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import struct
import sys
from typing import Any, BinaryIO

from zeebe_mail.message.parse import parse
from zeebe_mail.message.parsed import ParsedMessage

LENGTH = struct.Struct("!I")

OUT_OF_MEMORY = 77
"""The exit status of a child for which the memory was not enough."""


def main() -> None:
    """Serve until the input ends; the limits are the arguments: bytes of memory, seconds of CPU for one message."""
    memory, cpu = int(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which closes its children
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    try:
        while (raw := _request(requests)) is not None:
            signal.setitimer(signal.ITIMER_PROF, cpu)  # whose signal ends the process
            answer = json.dumps(_plain(parse(raw)), ensure_ascii=False, separators=(",", ":")).encode()
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(LENGTH.pack(len(answer)))
            answers.write(answer)
            answers.flush()
            del raw, answer
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)


def _request(requests: BinaryIO) -> bytes | None:
    head = requests.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length: int = LENGTH.unpack(head)[0]
    raw = requests.read(length)
    return raw if len(raw) == length else None


def _plain(value: Any) -> Any:
    """Dataclasses as objects, but for the message itself, which the other side has."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, ParsedMessage) or dataclasses.is_dataclass(value):
        names = [one.name for one in dataclasses.fields(value) if one.name != "raw"]
        return {name: _plain(getattr(value, name)) for name in names}
    return value.isoformat() if hasattr(value, "isoformat") else value


if __name__ == "__main__":
    main()
