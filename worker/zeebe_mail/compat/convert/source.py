"""The sources of input mappings: a text that stands for itself, or FEEL behind an equals sign."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from zeebe_mail.feel import nodes
from zeebe_mail.feel.errors import FeelError
from zeebe_mail.feel.parser import parse_expression


def is_feel(source: str) -> bool:
    """Whether the broker evaluates it."""
    return source.startswith("=")


def quoted(text: str) -> str:
    """A text as FEEL writes it."""
    return json.dumps(text, ensure_ascii=False)


def expression(source: str) -> str:
    """The FEEL that gives the value of this source."""
    return source[1:].strip() if is_feel(source) else quoted(source)


def within(source: str) -> str:
    """The same, to stand inside other FEEL."""
    text = expression(source)
    return text if is_one_word(text) or not is_feel(source) else f"({text}\n)" if "//" in text else f"({text})"


def is_one_word(text: str) -> bool:
    """Whether it is a name, or names with dots between them."""
    return all(part.isidentifier() for part in text.split("."))


def looked_up(source: str, meanings: Mapping[str, str]) -> str:
    """FEEL that finds the word that an expression gives, in any case, among these."""
    known = ", ".join(f"{quoted(word)}: {quoted(meaning)}" for word, meaning in meanings.items())
    return f"=get value({{{known}}}, upper case(string({expression(source)})))"


def parsed(text: str) -> Any:
    """The syntax tree of FEEL with or without an equals sign; None where it is none."""
    try:
        return parse_expression(text.removeprefix("=").strip())
    except (FeelError, RecursionError):
        return None


def walk(node: Any) -> Iterator[Any]:
    """All nodes of a tree."""
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        yield node
    if isinstance(node, tuple | list):
        for part in node:
            yield from walk(part)


def names(source: str) -> frozenset[str]:
    """The variables that a source may use."""
    if not is_feel(source):
        return frozenset()
    return frozenset(node.name for node in walk(parsed(source)) if isinstance(node, nodes.Reference))
