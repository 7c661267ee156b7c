"""What can be done with a Java regular expression.

Every search has a time limit, which the standard library's `re` cannot have; that is why it is the `regex` package.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from zeebe_mail.feel.errors import Suppressed
from zeebe_mail.feel.run import Run

if TYPE_CHECKING:
    from regex import Match, Pattern

__all__ = ["InvalidPattern", "compile", "extract", "found", "replace", "split"]

_TOO_SLOW = "A search with a regular expression takes too long"


class InvalidPattern(Suppressed):
    """Java would not compile the pattern."""


@lru_cache(maxsize=256)
def compile(pattern: str, flags: str) -> "Pattern[str]":  # noqa: A001 - the name that `re` and `regex` use
    """Raises InvalidPattern."""
    # Only now, because `regex` takes longer to import than everything else here together.
    from zeebe_mail.feel.java_pattern import compile_java_pattern

    return compile_java_pattern(pattern, flags)


def found(run: Run, pattern: "Pattern[str]", text: str) -> bool:
    try:
        return pattern.search(text, timeout=run.pattern_s) is not None
    except TimeoutError as error:
        raise run.exceeded(_TOO_SLOW) from error


def extract(run: Run, pattern: "Pattern[str]", text: str) -> list[str]:
    return [match[0] for match in _matches(run, pattern, text)]


def split(run: Run, pattern: "Pattern[str]", text: str) -> list[str]:
    """Like `Pattern.split(text, -1)`: only an empty match at the very beginning splits nothing off."""
    parts: list[str] = []
    begin = 0
    for match in _matches(run, pattern, text):
        start, end = match.span()
        if end == 0:
            continue
        parts.append(text[begin:start])
        begin = end
    return [*parts, text[begin:]]


def replace(run: Run, pattern: "Pattern[str]", text: str, replacement: str) -> str:
    """Raises InvalidPattern when the replacement names a group that the pattern does not have, as Java does."""
    pieces: list[str] = []
    begin = 0
    template: list[str | int] | None = None
    for match in _matches(run, pattern, text):
        if template is None:
            template = _template(replacement, pattern)
        pieces.append(text[begin : match.start()])
        added = [part if isinstance(part, str) else match[part] or "" for part in template]
        run.reserve_characters(sum(map(len, added)))
        pieces.extend(added)
        begin = match.end()
    run.reserve_characters(len(text))
    return "".join([*pieces, text[begin:]])


def _matches(run: Run, pattern: "Pattern[str]", text: str) -> "list[Match[str]]":
    """All matches as `Matcher.find` finds them: behind an empty one the search goes on one character later."""
    matches = []
    position = 0
    try:
        while position <= len(text):
            match = pattern.search(text, position, timeout=run.pattern_s)
            if match is None:
                break
            run.reserve_items(4)  # a match is as large as a small list
            matches.append(match)
            position = match.end() + (match.start() == match.end())
    except TimeoutError as error:
        raise run.exceeded(_TOO_SLOW) from error
    return matches


def _template(replacement: str, pattern: "Pattern[str]") -> list[str | int]:
    """Texts and numbers of groups. A number takes as many digits as there are groups for."""
    parts: list[str | int] = []
    index = 0
    while index < len(replacement):
        character = replacement[index]
        index += 1
        if character == "\\":
            if index == len(replacement):
                raise _bad_replacement(pattern)
            parts.append(replacement[index])
            index += 1
        elif character != "$":
            parts.append(character)
        elif replacement[index : index + 1] == "{":
            end = replacement.find("}", index)
            name = replacement[index + 1 : end]
            if end < 0 or name not in pattern.groupindex:
                raise _bad_replacement(pattern)
            parts.append(pattern.groupindex[name])
            index = end + 1
        else:
            digit = replacement[index : index + 1]
            if not ("0" <= digit <= "9") or int(digit) > pattern.groups:
                raise _bad_replacement(pattern)
            group = int(digit)
            index += 1
            while "0" <= replacement[index : index + 1] <= "9":
                longer = group * 10 + int(replacement[index])
                if longer > pattern.groups:
                    break
                group = longer
                index += 1
            parts.append(group)
    return parts


def _bad_replacement(pattern: "Pattern[str]") -> InvalidPattern:
    return InvalidPattern(f"Invalid pattern '{pattern.pattern[:300]}'")
