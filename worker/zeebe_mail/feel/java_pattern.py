"""Java's patterns in the words of the `regex` package.

A pattern is translated character by character, because the two differ in much that looks the same: in Java `\\d` and
`\\w` are ASCII, `i` folds ASCII only, `.` and `$` know six line ends, an unknown escape is an error, and what `regex`
adds (fuzzy matching, recursion, `(?P<…>)`) does not exist.
"""

from typing import TYPE_CHECKING

import regex

from zeebe_mail.feel.errors import BudgetExceeded
from zeebe_mail.feel.java_regex import InvalidPattern

if TYPE_CHECKING:
    from regex import Pattern

__all__ = ["compile_java_pattern"]

_MAX_LENGTH = 10_000
_MAX_UNROLLED = 20_000
_LINE_ENDS = r"\n\r\u0085\u2028\u2029"
_AT_END = r"(?=(?:\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029])?\Z)"
_AT_LINE_END = r"(?=\r\n|(?<!\r)\n|[\r\u0085\u2028\u2029]|\Z)"
_AT_LINE_BEGIN = r"(?:(?<=\A)|(?<=[\n\u0085\u2028\u2029]|\r(?!\n))(?!\Z))"
_ANY = rf"[^{_LINE_ENDS}]"
_META = frozenset(r"\.[]{}()*+?^$|#&~-: ")

# What stands inside a set; outside it gets brackets.
_SETS = {
    "d": "0-9",
    "w": "a-zA-Z0-9_",
    "s": r" \t\n\x0b\f\r",
    "h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
    "v": r"\n\x0b\f\r\x85\u2028\u2029",
}
_CONTROLS = {"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "a": r"\x07", "e": r"\x1b"}
_PROPERTIES = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-\~",
    "Graph": r"!-\~",
    "Print": r"\x20-\~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
    "javaLowerCase": r"\p{Lowercase}",
    "javaUpperCase": r"\p{Uppercase}",
    "javaWhitespace": r"\t-\r\x1c-\x1f\p{Zs}\p{Zl}\p{Zp}--[\xa0\u2007\u202f]",
    "javaMirrored": r"\p{Bidi_Mirrored}",
    "javaLetter": r"\p{L}",
    "javaDigit": r"\p{Nd}",
    "javaLetterOrDigit": r"\p{L}\p{Nd}",
    "javaAlphabetic": r"\p{Alphabetic}",
    "L1": r"\x00-\xff",
    "all": r"\x00-\U0010ffff",
}
_WITHOUT_CASE = {"Lower": "a-zA-Z", "Upper": "a-zA-Z"} | dict.fromkeys(("Lu", "Ll", "Lt"), r"\p{Lu}\p{Ll}\p{Lt}")
_PROPERTY_KEYS = {
    "sc": "Script",
    "script": "Script",
    "blk": "Block",
    "block": "Block",
    "gc": "General_Category",
    "general_category": "General_Category",
}


def compile_java_pattern(pattern: str, flags: str) -> "Pattern[str]":
    """Raises InvalidPattern, or BudgetExceeded for a pattern that is too large when its repetitions are written out."""
    try:
        return regex.compile(_Translator(pattern, flags).translate(), regex.VERSION1)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise InvalidPattern(f"Invalid pattern '{pattern[:300]}'") from error
    except MemoryError as error:
        raise BudgetExceeded("A pattern takes more memory than there is.") from error


class _Translator:
    """One pass over a Java pattern; `flags` are those that hold at the current place."""

    def __init__(self, pattern: str, flags: str) -> None:
        if len(pattern) > _MAX_LENGTH:
            raise InvalidPattern(f"Invalid pattern of {len(pattern)} characters")
        self.pattern = pattern
        self.index = 0
        self.flags = frozenset(flag for flag in flags if flag in "smix")
        self.output: list[str] = []
        self.names: set[str] = set()
        self.minimum = 1  # of the last quantifier

    def invalid(self) -> InvalidPattern:
        return InvalidPattern(f"Invalid pattern '{self.pattern[:300]}'")

    def peek(self, length: int = 1) -> str:
        return self.pattern[self.index : self.index + length]

    def take(self) -> str:
        if self.index >= len(self.pattern):
            raise self.invalid()
        self.index += 1
        return self.pattern[self.index - 1]

    def translate(self) -> str:
        outer_flags: list[frozenset[str]] = []
        may_repeat = False  # is there something before that a quantifier can repeat?
        # `regex` writes out as many repetitions as there must be; sizes of what is open, and of the last item in it.
        sizes, size = [0], 0
        emit = self.output.append
        while self.index < len(self.pattern):
            character = self.take()
            if "x" in self.flags and character in " \t\n\v\f\r":
                continue
            if "x" in self.flags and character == "#":
                while self.index < len(self.pattern) and self.peek() not in "\n\r\x85\u2028\u2029":
                    self.index += 1
                continue
            if character in "*+?{":
                # Where there is nothing to repeat, Java takes `{2}` and repeats nothing.
                if not may_repeat and character != "{":
                    raise self.invalid()
                quantifier = self.quantifier(character)
                emit(quantifier if may_repeat else "")
                if may_repeat:
                    sizes[-1] += size * (max(self.minimum, 1) - 1)
                    self.check_size(sizes[-1])
                may_repeat = False
                continue
            may_repeat, size = True, 1
            match character:
                case "(":
                    sizes.append(0)
                    outer_flags.append(self.flags)
                    self.open_group(outer_flags)
                    may_repeat = False
                case ")":
                    if not outer_flags:
                        raise self.invalid()
                    self.flags = outer_flags.pop()
                    size = sizes.pop() + 1
                    emit(")")
                case "|":
                    emit("|")
                    may_repeat = False
                case "[":
                    emit(self.character_class())
                case "\\":
                    emit(self.escape())
                case ".":
                    emit(r"[\x00-\U0010ffff]" if "s" in self.flags else _ANY)
                case "^":
                    emit(_AT_LINE_BEGIN if "m" in self.flags else r"\A")
                case "$":
                    emit(_AT_LINE_END if "m" in self.flags else _AT_END)
                case _:
                    emit(self.literal(character))
            if character != "(":
                sizes[-1] += size
        if outer_flags:
            raise self.invalid()
        return "".join(self.output)

    def check_size(self, size: int) -> None:
        if size > _MAX_UNROLLED:
            raise BudgetExceeded(f"The pattern '{self.pattern[:300]}' repeats more than {_MAX_UNROLLED} items.")

    def quantifier(self, character: str) -> str:
        text = character
        self.minimum = 0 if character in "*?" else 1
        if character == "{":
            end = self.pattern.find("}", self.index)
            text = self.pattern[self.index - 1 : end + 1]
            low, comma, high = text[1:-1].partition(",")
            if end < 0 or not low.isdecimal() or not (high == "" or high.isdecimal()) or not text.isascii():
                raise self.invalid()
            if comma and high and int(high) < int(low):
                raise self.invalid()
            self.minimum = int(low)
            self.index = end + 1
        if self.peek() in ("?", "+") and self.peek():
            text += self.take()
        return text

    def open_group(self, outer_flags: list[frozenset[str]]) -> None:
        """Also `(?i)`, which is no group but flags for the rest of the one around."""
        emit = self.output.append
        if self.peek() != "?":
            emit("(")
            return
        self.index += 1
        for opening in ("<=", "<!", ":", "=", "!", ">"):
            if self.peek(len(opening)) == opening:
                self.index += len(opening)
                emit(f"(?{opening}")
                return
        if self.peek() == "<":
            end = self.pattern.find(">", self.index)
            name = self.pattern[self.index + 1 : end]
            if end < 0 or not (name.isascii() and name.isalnum() and name[0].isalpha()):
                raise self.invalid()
            if name in self.names:
                raise self.invalid()
            self.names.add(name)
            self.index = end + 1
            emit(f"(?P<{name}>")
            return
        self.inline_flags(outer_flags)

    def inline_flags(self, outer_flags: list[frozenset[str]]) -> None:
        flags, is_on = self.flags, True
        while True:
            character = self.take()
            match character:
                case "-" if is_on:
                    is_on = False
                case "i" | "m" | "s" | "x" | "u" | "U" | "d":
                    flags = flags | {character} if is_on else flags - {character}
                case ":":
                    self.flags = flags
                    self.output.append("(?:")
                    return
                case ")":
                    # They hold up to the end of the group around, whose own flags come back there.
                    outer_flags.pop()
                    self.flags = flags
                    return
                case _:
                    raise self.invalid()

    def literal(self, character: str) -> str:
        if "i" in self.flags:
            if "u" in self.flags or "U" in self.flags:
                return f"(?i:{_quoted(character)})"
            if character.isascii() and character.isalpha():
                return f"[{character.lower()}{character.upper()}]"
        return _quoted(character)

    def escape(self) -> str:
        character = self.take()
        if character in _SETS:
            return f"[{_SETS[character]}]"
        if character.lower() in _SETS:
            return f"[^{_SETS[character.lower()]}]"
        if character in "pP":
            return f"[{self.property(character)}]"
        if character == "Q":
            end = self.pattern.find(r"\E", self.index)
            quoted = self.pattern[self.index : end if end >= 0 else len(self.pattern)]
            self.index = end + 2 if end >= 0 else len(self.pattern)
            return "".join(map(self.literal, quoted))
        if character in "bBAG":
            return f"\\{character}"
        if character == "z":
            return r"\Z"
        if character == "Z":
            return _AT_END
        if character == "R":
            return rf"(?:\r\n|[{_SETS['v']}])"
        if character == "X":
            return r"\X"
        if "1" <= character <= "9":
            return self.back_reference(character)
        if character == "k":
            end = self.pattern.find(">", self.index)
            name = self.pattern[self.index + 1 : end]
            if self.peek() != "<" or name not in self.names:
                raise self.invalid()
            self.index = end + 1
            return f"(?i:(?P={name}))" if "i" in self.flags else f"(?P={name})"
        return self.literal(self.character(character))

    def back_reference(self, digit: str) -> str:
        """More digits belong to it as long as there is such a group; one that does not exist yet never matches."""
        groups = sum(piece == "(" or piece.startswith("(?P<") for piece in self.output)
        group = int(digit)
        while "0" <= (self.peek() or "x") <= "9" and group * 10 + int(self.peek()) <= groups:
            group = group * 10 + int(self.take())
        if group > groups:
            return r"(?!)"
        return f"(?i:\\g<{group}>)" if "i" in self.flags else f"\\g<{group}>"

    def character(self, escaped: str) -> str:
        """The single character that an escape stands for."""
        if escaped in _CONTROLS:
            return {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}[escaped]
        if escaped == "0":
            digits = self.digits("01234567", 3)
            if len(digits) == 3 and digits[0] > "3":
                self.index -= 1
                digits = digits[:2]
            if not digits:
                raise self.invalid()
            return chr(int(digits, 8))
        if escaped == "x":
            if self.peek() == "{":
                end = self.pattern.find("}", self.index)
                code = self.pattern[self.index + 1 : end]
                self.index = end + 1
                return self.code_point(code if end >= 0 else "")
            return self.code_point(self.digits(_HEX, 2), length=2)
        if escaped == "u":
            return self.code_point(self.digits(_HEX, 4), length=4)
        if escaped == "c":
            return chr(ord(self.take()) ^ 64)
        if escaped.isascii() and escaped.isalpha():
            raise self.invalid()
        return escaped

    def digits(self, allowed: str, most: int) -> str:
        start = self.index
        while self.index - start < most and self.peek() and self.peek() in allowed:
            self.index += 1
        return self.pattern[start : self.index]

    def code_point(self, digits: str, length: int | None = None) -> str:
        if not digits or not set(digits) <= set(_HEX) or (length is not None and len(digits) != length):
            raise self.invalid()
        code = int(digits, 16)
        if code > 0x10FFFF:
            raise self.invalid()
        return chr(code)

    def property(self, letter: str) -> str:
        name = self.take()
        if name == "{":
            end = self.pattern.find("}", self.index)
            if end < 0:
                raise self.invalid()
            name = self.pattern[self.index : end]
            self.index = end + 1
        content = self.property_set(name)
        if "i" in self.flags:
            content = _WITHOUT_CASE.get(name, content)
        return f"[{content}]" if letter == "p" else f"[^{content}]"

    def property_set(self, name: str) -> str:
        if name in _PROPERTIES:
            return _PROPERTIES[name]
        key, equals, value = name.partition("=")
        if equals:
            known = _PROPERTY_KEYS.get(key.lower())
            if known is None:
                raise self.invalid()
            return rf"\p{{{known}={value}}}"
        if name.startswith("In"):
            return rf"\p{{Block={name[2:]}}}"
        if name.startswith("Is"):
            return rf"\p{{{name[2:]}}}"
        if len(name) > 2 or not name.isalpha():
            raise self.invalid()
        return rf"\p{{General_Category={name}}}"

    def character_class(self) -> str:
        """From behind `[` to its `]`. Inner sets and `&&` mean the same on both sides."""
        pieces = ["["]
        if self.peek() == "^":
            self.index += 1
            pieces.append("^")
        is_first = True
        while True:
            character = self.take()
            if "x" in self.flags and character in " \t\n\v\f\r":
                continue
            if character == "]" and not is_first:
                return "".join([*pieces, "]"])
            is_first = False
            if character == "[":
                pieces.append(self.character_class())
            elif character == "&" and self.peek() == "&":
                self.index += 1
                pieces.append(self.intersection())
            else:
                pieces.append(self.class_item(character))

    def intersection(self) -> str:
        """What follows `&&`; bare characters there need brackets of their own."""
        pieces = []
        while self.peek() not in ("]", "") and self.peek(2) != "&&":
            character = self.take()
            pieces.append(self.character_class() if character == "[" else self.class_item(character))
        return f"&&[{''.join(pieces)}]" if pieces else ""

    def class_item(self, character: str) -> str:
        """A character, a range of them, or a set with a name."""
        first = character
        if character == "\\":
            escaped = self.take()
            if escaped in _SETS:
                return _SETS[escaped]
            if escaped.lower() in _SETS:
                return f"[^{_SETS[escaped.lower()]}]"
            if escaped in "pP":
                return self.property(escaped)
            if escaped == "Q":
                end = self.pattern.find(r"\E", self.index)
                quoted = self.pattern[self.index : end if end >= 0 else len(self.pattern)]
                self.index = end + 2 if end >= 0 else len(self.pattern)
                return "".join(self.span(item, item) for item in quoted)
            if "1" <= escaped <= "9":
                raise self.invalid()
            first = self.character(escaped)
        if self.peek() == "-" and self.peek(2)[1:] not in ("]", "[", ""):
            self.index += 1
            last = self.take()
            if last == "\\":
                last = self.character(self.take())
            if last < first:
                raise self.invalid()
            return self.span(first, last)
        return self.span(first, first)

    def span(self, first: str, last: str) -> str:
        text = _range(first, last)
        if "i" in self.flags:
            for low, high, shift in (("a", "z", -32), ("A", "Z", 32)):
                begin, end = max(first, low), min(last, high)
                if begin <= end:
                    text += _range(chr(ord(begin) + shift), chr(ord(end) + shift))
        return text


_HEX = "0123456789abcdefABCDEF"


def _range(first: str, last: str) -> str:
    return _quoted(first) if first == last else f"{_quoted(first)}-{_quoted(last)}"


def _quoted(character: str) -> str:
    if character in _META:
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
