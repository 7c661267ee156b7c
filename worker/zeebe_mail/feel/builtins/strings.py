"""Strings. Positions and lengths count UTF-16 units, as in Java."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from decimal import Decimal

from zeebe_mail.feel import java_regex, utf16
from zeebe_mail.feel.builtins.declare import builtin
from zeebe_mail.feel.errors import EvaluationError, Suppressed
from zeebe_mail.feel.numbers import to_int32
from zeebe_mail.feel.run import Run

__all__ = ["FUNCTIONS"]

_JAVA_BLANK = " \t\n\v\f\r\x1c\x1d\x1e\x1f\u1680\u2028\u2029\u205f\u3000" + "".join(
    chr(code) for code in range(0x2000, 0x200B) if code != 0x2007
)
_JAVA_TRIMMED = "".join(map(chr, range(0x21)))


@builtin("substring(string: string, start position: number)")
def substring(run: Run, string: str, start: Decimal) -> str:
    """The rest of the string from a position, counted from 1, or from the end if it is negative."""
    length = utf16.length(string)
    return _part(string, _index(start, length), length, length)


@builtin("substring(string: string, start position: number, length: number)")
def substring_of_length(run: Run, string: str, start: Decimal, length: Decimal) -> str:
    """At most `length` characters from a position."""
    total = utf16.length(string)
    begin = _index(start, total)
    return _part(string, begin, min(begin + to_int32(length), total), total)


@builtin("string length(string: string)")
def string_length(run: Run, string: str) -> Decimal:
    """The number of characters; one beyond U+FFFF counts twice."""
    return Decimal(utf16.length(string))


@builtin("upper case(string: string)")
def upper_case(run: Run, string: str) -> str:
    """In capital letters."""
    run.reserve_characters(len(string))
    return string.upper()


@builtin("lower case(string: string)")
def lower_case(run: Run, string: str) -> str:
    """In small letters."""
    run.reserve_characters(len(string))
    return string.lower()


@builtin("substring before(string: string, match: string)")
def substring_before(run: Run, string: str, match: str) -> str:
    """What stands before the first occurrence of `match`; empty if there is none."""
    return string[: max(string.find(match), 0)]


@builtin("substring after(string: string, match: string)")
def substring_after(run: Run, string: str, match: str) -> str:
    """What stands after the first occurrence of `match`; empty if there is none."""
    index = string.find(match)
    return string[index + len(match) :] if index >= 0 else ""


@builtin("replace(input: string, pattern: string, replacement: string)")
def replace(run: Run, text: str, pattern: str, replacement: str) -> str:
    """All matches of a regular expression replaced; `$1` and `${name}` stand for groups."""
    return java_regex.replace(run, java_regex.compile(pattern, ""), text, replacement)


@builtin("replace(input: string, pattern: string, replacement: string, flags: string)")
def replace_with_flags(run: Run, text: str, pattern: str, replacement: str, flags: str) -> str:
    """The same with any of the flags `s m i x`."""
    return java_regex.replace(run, java_regex.compile(pattern, flags), text, replacement)


@builtin("contains(string: string, match: string)")
def contains(run: Run, string: str, match: str) -> bool:
    """Whether `match` occurs in the string."""
    return match in string


@builtin("starts with(string: string, match: string)")
def starts_with(run: Run, string: str, match: str) -> bool:
    """Whether the string begins with `match`."""
    return string.startswith(match)


@builtin("ends with(string: string, match: string)")
def ends_with(run: Run, string: str, match: str) -> bool:
    """Whether the string ends with `match`."""
    return string.endswith(match)


@builtin("matches(input: string, pattern: string)")
def matches(run: Run, text: str, pattern: str) -> bool:
    """Whether a regular expression is found anywhere in the string."""
    return java_regex.found(run, java_regex.compile(pattern, ""), text)


@builtin("matches(input: string, pattern: string, flags: string)")
def matches_with_flags(run: Run, text: str, pattern: str, flags: str) -> bool:
    """The same with any of the flags `s m i x`."""
    return java_regex.found(run, java_regex.compile(pattern, flags), text)


@builtin("split(string: string, delimiter: string)")
def split(run: Run, string: str, delimiter: str) -> list[str]:
    """The parts between the matches of a regular expression, empty ones included."""
    try:
        return java_regex.split(run, java_regex.compile(delimiter, ""), string)
    except java_regex.InvalidPattern as error:
        raise Suppressed(f"Invalid pattern for delimiter '{delimiter}'") from error


@builtin("extract(input: string, pattern: string)")
def extract(run: Run, text: str, pattern: str) -> list[str]:
    """All matches of a regular expression."""
    return java_regex.extract(run, java_regex.compile(pattern, ""), text)


@builtin("trim(string: string)")
def trim(run: Run, string: str) -> str:
    """Without blanks and control characters at both ends."""
    return string.strip(_JAVA_TRIMMED)


@builtin("uuid()")
def uuid(run: Run) -> str:
    """A new random UUID."""
    from uuid import uuid4  # rarely needed, and slow to import

    return str(uuid4())


@builtin("to base64(value: string)")
def to_base64(run: Run, value: str) -> str:
    """The UTF-8 bytes of the string in Base64."""
    run.reserve_characters(len(value) * 4)
    return b64encode(value.encode("utf-8", "replace")).decode("ascii")


@builtin("from base64(value: string)")
def from_base64(run: Run, value: str) -> str:
    """The string whose UTF-8 bytes are given in Base64."""
    run.reserve_characters(len(value))
    try:
        # Java's decoder takes text without padding.
        return b64decode(value + "=" * (-len(value) % 4 if not value.endswith("=") else 0), validate=True).decode(
            "utf-8", "replace"
        )
    except (Base64Error, ValueError) as error:
        raise Suppressed(f"Invalid Base64 value '{value[:300]}'") from error


@builtin("is blank(string: string)")
def is_blank(run: Run, string: str) -> bool:
    """Whether the string is empty or has only white space."""
    return not string.strip(_JAVA_BLANK)


def _index(start: Decimal, length: int) -> int:
    position = to_int32(start)
    return position - 1 if position > 0 else length + position


def _part(string: str, begin: int, end: int, length: int) -> str:
    if not 0 <= begin <= end <= length:
        raise EvaluationError(
            f"substring from position {begin + 1} to {end} is outside of a string of {length} characters."
        )
    return utf16.part(string, begin, end)


FUNCTIONS = [
    substring,
    substring_of_length,
    string_length,
    upper_case,
    lower_case,
    substring_before,
    substring_after,
    replace,
    replace_with_flags,
    contains,
    starts_with,
    ends_with,
    matches,
    matches_with_flags,
    split,
    extract,
    trim,
    uuid,
    to_base64,
    from_base64,
    is_blank,
]
