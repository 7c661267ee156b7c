"""Plain text in which lines were broken for display only (RFC 3676, format=flowed), put together again."""

from __future__ import annotations

import re

_QUOTES = re.compile(r">*")


def unflow(text: str, *, delete_space: bool) -> str:
    """Join lines that end in a blank with the next of the same quote depth; ``-- `` stays a line of its own.

    ``delete_space`` is the parameter DelSp: the blank at the end was not part of the text.
    """
    joined: list[str] = []
    depth_before = 0
    flows = False
    for line in text.split("\n"):
        quotes = _QUOTES.match(line)
        assert quotes is not None
        depth = quotes.end()
        content = line[depth:].removeprefix(" ")
        if flows and depth == depth_before and content != "-- ":
            joined.append(content)
        else:
            joined += ["\n" * bool(joined), ">" * depth + " " * bool(depth) + content]
        flows = content.endswith(" ") and content != "-- "
        if flows and delete_space:
            joined[-1] = joined[-1][:-1]
        depth_before = depth
    return "".join(joined)
