"""What runs in a child process (see ``child``): it answers one question after another until its input ends.

In comes the length (4 bytes, network order) and the question, out goes the length and the answer. The child limits
itself: what needs more memory or time ends the process.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

LENGTH = struct.Struct("!I")

OUT_OF_MEMORY = 77
"""The exit status of a child for which the memory was not enough."""


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Serve until the input ends; the first arguments are the limits: bytes of memory, seconds of CPU an answer."""
    memory, cpu = int(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which closes its children
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    questions, answers = os.fdopen(0, "rb"), os.fdopen(1, "wb")
    try:
        while (question := _question(questions)) is not None:
            signal.setitimer(signal.ITIMER_PROF, cpu)  # whose signal ends the process
            said = answer(question)
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(LENGTH.pack(len(said)))
            answers.write(said)
            answers.flush()
            del question, said
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:
        os._exit(0)


def _question(questions: BinaryIO) -> bytes | None:
    head = questions.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    length: int = LENGTH.unpack(head)[0]
    question = questions.read(length)
    return question if len(question) == length else None
