"""Mail templates (Jinja2) filled in: the only module that knows the template engine. Runs in a child (``rendering``).

Variables are plain JSON and cannot be changed; what a template defines is gone when its mail is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from itertools import islice
from pathlib import Path
from traceback import walk_tb
from types import CodeType
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError
from jinja2.exceptions import SecurityError, TemplateRuntimeError, UndefinedError
from jinja2.lexer import TokenStream
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from zeebe_mail.message.template_values import in_addresses, in_markdown, in_text

OUTPUT_LIMIT = 5_000_000
"""Characters, and bytes, that one template gives, or that are made of what a task gives."""
FILE_LIMIT = 1_000_000
"""Bytes of one template file."""

_CACHED = 2_000_000  # characters of the sources whose code is kept
_SHOWN = 120  # characters of a line
_LISTED = 1000  # files that are looked at to guess a name

_PATH = re.compile(r"[\w-][\w .-]*(?:/[\w-][\w .-]*)*")

_REASONS = {
    SecurityError: "it does what mail templates may not",
    TypeError: "a value is of the wrong kind for what is done with it",
    ValueError: "a value cannot be used like this",
    ZeroDivisionError: "it divides by zero",
}


class Fault(Exception):
    """A template gives no mail. ``said`` names what, where, and never a variable's value."""

    def __init__(self, kind: str, **said: Any) -> None:
        super().__init__(kind)
        self.said = {"kind": kind, **said}


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a text is, which says how variables are written into it."""

    suffix: str
    finalize: Callable[[Any], Any]
    autoescape: bool = True


_TEXT = _Kind("txt", in_text, autoescape=False)
_HTML = _Kind("html", in_text)
_MARKDOWN = _Kind("md", in_markdown)
_ADDRESSES = _Kind("txt", in_addresses)

FIELDS = {
    "to": _ADDRESSES,
    "cc": _ADDRESSES,
    "bcc": _ADDRESSES,
    "replyTo": _ADDRESSES,
    "subject": _TEXT,
    "preheader": _TEXT,
    "text": _TEXT,
    "markdown": _MARKDOWN,
    "html": _HTML,
}
"""What a template may say. ``subject`` in the directory is the file ``subject.txt.j2``."""

_BODIES = (("text",), ("html", "markdown"))

_ATTACHMENTS = "attachments"
_PICTURES = "inline"


# ── the engine ───────────────────────────────────────────────────────────────────────────────────────────────────


class _UnknownVariable(UndefinedError):
    """A template uses a variable, or a member of one, that is not there."""

    def __init__(self, holder: Any, name: str, message: str | None = None) -> None:
        super().__init__(message)
        self.holder = holder
        self.name = name


class _Unknown(StrictUndefined):
    """Something that is not there, and knows where it is missing."""

    def __init__(self, hint: Any = None, obj: Any = missing, name: Any = None, exc: Any = UndefinedError) -> None:
        super().__init__(hint, obj, name, exc)
        if isinstance(name, str) and exc is UndefinedError and hint is None:
            self._undefined_exception: Any = partial(_UnknownVariable, obj, name)

    def __repr__(self) -> str:
        return str(self)  # which raises: it must not come into a mail as part of a list either


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja for JSON: `order.items` is the member `items`, and only where there is none the method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class _Codes:
    """Compiled templates by their source, as long as they are not too many."""

    def __init__(self) -> None:
        self._codes: dict[tuple[_Kind, str, str], CodeType] = {}
        self._size = 0

    def template(self, environment: Environment, kind: _Kind, name: str, source: str) -> Template:
        """A template that shares nothing with another mail's.

        Raises:
            Fault: it has a syntax error.
        """
        key = (kind, name, source)
        if key not in self._codes:
            if self._size + len(source) > _CACHED:
                self._codes.clear()
                self._size = 0
            self._size += len(source)
            self._codes[key] = _compiled(environment, name, source)
        return environment.template_class.from_code(environment, self._codes[key], environment.make_globals(None))

    def mention(self, word: str, name: str) -> bool:
        """Whether a template has this word in its source, so that it is no variable's value."""
        whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        return any(whole.search(source) for _, of, source in self._codes if of == name)


class _Files(BaseLoader):
    """The operator's files, each looked for in the folders of the locale first."""

    def __init__(self, directory: _Directory, locales: Sequence[str], kind: _Kind, codes: _Codes) -> None:
        self._directory = directory
        self._locales = locales
        self._kind = kind
        self._codes = codes

    def load(self, environment: Environment, name: str, globals: Any = None) -> Template:  # noqa: A002 - Jinja's name
        folder, _, file = name.rpartition("/")
        for locale in self._locales:
            path = "/".join(filter(None, (folder, locale, file)))
            source = self._directory.source(path)
            if source is not None:
                return self._codes.template(environment, self._kind, path, source)
        raise TemplateNotFound(name)


class _Directory:
    """The operator's directory. A template in it is a folder with a file for each field."""

    def __init__(self, root: Path | None) -> None:
        self._root = None if root is None else root.resolve()

    def source(self, path: str) -> str | None:
        """The text of a file; None where there is no such file, or it is outside of the directory.

        Raises:
            Fault: it cannot be used.
        """
        if self._root is None or not path.endswith(".j2") or not _PATH.fullmatch(path):
            return None
        file = self._root / path
        try:
            if not file.is_file():
                return None
            real = file.resolve(strict=True)  # Kubernetes mounts files as links within the directory
            if not real.is_relative_to(self._root):
                return None
            if real.stat().st_size > FILE_LIMIT:
                raise Fault("limit", reason=f"the file has more than {FILE_LIMIT} bytes", place=path)
            return real.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise Fault("failed", reason="the file is not UTF-8", place=path) from None
        except (OSError, RuntimeError):
            return None

    def fields(self, name: str, locales: Sequence[str]) -> dict[str, str]:
        """The fields of a template, each with the locale that it is there for."""
        if self._root is None or not _PATH.fullmatch(name):
            return {}
        found: dict[str, str] = {}
        for locale in reversed(locales):
            there = self._files(self._root / name / locale)
            found |= {field: locale for field in FIELDS if _file(field) in there}
        return found

    def enclosed(self, name: str, locales: Sequence[str], folder: str) -> tuple[str, ...]:
        """What is in a folder of a template that :meth:`fields` found: paths from the directory, by file name.

        Raises:
            Fault: the folder is there and cannot be read.
        """
        found: dict[str, str] = {}
        for locale in reversed(locales):
            place = "/".join(filter(None, (name, locale, folder)))
            found |= {file: f"{place}/{file}" for file in self._visible(place)}
        return tuple(found[file] for file in sorted(found))

    def names(self) -> list[str]:
        """Some of the templates that there are."""
        if self._root is None:
            return []
        files = set(map(_file, FIELDS))
        folders = {path.parent for path in islice(self._root.rglob("*.j2"), _LISTED) if path.name in files}
        return [one.relative_to(self._root).as_posix() for one in folders if one.parent not in folders]

    def _files(self, folder: Path) -> set[str]:
        try:
            return {one.name for one in folder.iterdir()}
        except OSError:
            return set()

    def _visible(self, place: str) -> list[str]:
        """All names but those with a dot in front: `.DS_Store`, and `..data`, which Kubernetes puts there."""
        assert self._root is not None
        folder = self._root / place
        try:
            return [one.name for one in folder.iterdir() if not one.name.startswith(".")]
        except OSError as error:
            if os.path.lexists(folder):
                raise Fault("failed", reason=f"the folder cannot be read ({error.strerror})", place=place) from error
            return []


# ── one mail ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Templates:
    """All templates: those of the directory, and those that tasks bring."""

    def __init__(self, root: Path | None) -> None:
        self._directory = _Directory(root)
        self._codes = _Codes()

    def named(self, name: str, locale: str | None) -> Copy:
        """A template of the directory.

        Text and HTML come in one language: where only one of them is translated, the other is left out.

        Raises:
            Fault: there is none of this name.
        """
        locales = _locales(locale)
        found = self._directory.fields(name, locales)
        if not found:
            nearest = get_close_matches(name, self._directory.names(), n=3, cutoff=0.5)
            raise Fault("not_found", name=name, nearest=nearest)
        translated = [body for body in _BODIES if any(found.get(field) for field in body)]
        left_out = {field for body in _BODIES if translated and body not in translated for field in body}
        paths = {field: f"{name}/{_file(field)}" for field in found.keys() - left_out}

        def get(field: str) -> Template:
            return self._environment(FIELDS[field], locales).get_template(paths[field])

        return Copy(
            frozenset(paths),
            get,
            self._codes,
            language=found.get("markdown"),
            attachments=self._directory.enclosed(name, locales, _ATTACHMENTS),
            pictures=self._directory.enclosed(name, locales, _PICTURES),
        )

    def inline(self, sources: Mapping[str, str], locale: str | None) -> Copy:
        """A template that a task brings; it may include files of the directory."""
        locales = _locales(locale)

        def get(field: str) -> Template:
            environment = self._environment(FIELDS[field], locales)
            return self._codes.template(environment, FIELDS[field], field, sources[field])

        return Copy(frozenset(sources), get, self._codes, language=locales[0])

    def _environment(self, kind: _Kind, locales: Sequence[str]) -> Environment:
        """For one field: it keeps the templates that it has loaded, with what they have defined."""
        environment = _Sandbox(
            loader=_Files(self._directory, locales, kind, self._codes),
            undefined=_Unknown,
            autoescape=kind.autoescape,
            finalize=kind.finalize,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        del environment.globals["lipsum"]
        return environment


class Copy:
    """A template for one mail."""

    def __init__(
        self,
        fields: frozenset[str],
        get: Callable[[str], Template],
        codes: _Codes,
        *,
        language: str | None,
        attachments: tuple[str, ...] = (),
        pictures: tuple[str, ...] = (),
    ) -> None:
        self.fields = fields
        self.language = language or None
        """The language of its Markdown, where that is known."""
        self.attachments = attachments
        """Paths of the files that go with it."""
        self.pictures = pictures
        """Paths of those that its HTML may show."""
        self._get = get
        self._codes = codes
        self._room = OUTPUT_LIMIT

    def fill(self, field: str, variables: Mapping[str, Any]) -> str:
        """The text of a field.

        Raises:
            Fault: there is none.
        """
        try:
            return "".join(self._pieces(self._get(field), variables))
        except _UnknownVariable as error:
            known = error.holder if error.holder is not missing else variables
            raise self._unknown(error, known) from error
        except TemplateNotFound as error:
            place, name = _place(error, field), str(error.name)
            shown = name if self._is_written(name, place) else None
            raise Fault("not_included", name=shown, place=_words(place)) from error
        except (OverflowError, RecursionError) as error:
            what = (
                "a range is too long or a number too large" if isinstance(error, OverflowError) else "it calls itself"
            )
            raise Fault("limit", reason=what, place=_words(_place(error, field))) from error
        except (Fault, MemoryError):
            raise
        except Exception as error:
            raise Fault("failed", reason=_reason(error), place=_words(_place(error, field))) from error

    def _pieces(self, template: Template, variables: Mapping[str, Any]) -> Iterator[str]:
        for piece in template.generate(variables):
            self._room -= len(piece)
            if self._room < 0:
                raise Fault("limit", reason=f"it gives more than {OUTPUT_LIMIT} characters", place=template.name)
            yield piece

    def _unknown(self, error: _UnknownVariable, known: Any) -> Fault:
        place = _place(error, "")
        if not self._is_written(error.name, place):
            return Fault("unknown", name=None, nearest=None, place=_words(place))
        names = [name for name in known if isinstance(name, str)] if isinstance(known, Mapping) else []
        nearest = next(iter(get_close_matches(error.name, names, n=1)), None)
        return Fault("unknown", name=error.name, nearest=nearest, place=_words(place))

    def _is_written(self, word: str, place: _Place) -> bool:
        return self._codes.mention(word, place[0])


_Place = tuple[str, int]
"""A template or inline field, and a line of it."""


def _words(place: _Place) -> str:
    return f"{place[0]}, line {place[1]}" if place[1] else place[0]


def _place(error: BaseException, otherwise: str) -> _Place:
    """Where in a template something went wrong: the innermost line of one, as Jinja has put it into the traceback."""
    places = [
        (frame.f_code.co_filename, line)
        for frame, line in walk_tb(error.__traceback__)
        if "__jinja_exception__" in frame.f_globals
    ]
    return places[-1] if places else (otherwise, 0)


def _reason(error: Exception) -> str:
    """Why it failed, without the error's words, in which there may be values; Jinja's own have none."""
    if type(error) in (UndefinedError, TemplateRuntimeError):
        return str(error).rstrip(".")
    return next((words for kind, words in _REASONS.items() if isinstance(error, kind)), type(error).__name__)


def _file(field: str) -> str:
    return f"{field}.{FIELDS[field].suffix}.j2"


def _locales(locale: str | None) -> tuple[str, ...]:
    """The folders of a locale, from the most special one: de-AT, de, and the one that is for all."""
    words = [] if locale is None else locale.replace("_", "-").split("-")
    cased = [
        word.lower() if not at else word.upper() if len(word) == 2 else word.title() for at, word in enumerate(words)
    ]
    return (*("-".join(cased[:count]) for count in range(len(cased), 0, -1)), "")


# ── syntax errors ────────────────────────────────────────────────────────────────────────────────────────────────


def _compiled(environment: Environment, name: str, source: str) -> CodeType:
    try:
        return environment.compile(source, name, name)
    except TemplateSyntaxError as error:
        line, column = _caret(environment, source, error)
        text = (source.splitlines() or [""])[line - 1 : line] or [""]
        start = max(0, column - _SHOWN // 2)
        raise Fault(
            "invalid",
            reason=str(error.message).rstrip("."),
            place=_words((name, line)),
            line=line,
            column=column + 1,
            excerpt=text[0][start : start + _SHOWN],
            caret=column - start,
        ) from error


def _caret(environment: Environment, source: str, error: TemplateSyntaxError) -> tuple[int, int]:
    """Line and column of a syntax error; Jinja knows only the line, so that it is parsed once more, token by token."""
    source = "\n".join(source.splitlines())
    at = end = 0

    def tokens() -> Iterator[tuple[int, str, str]]:
        nonlocal at, end
        try:
            for line, kind, text in environment.lexer.tokeniter(source, None):
                at = max(source.find(text, end), end)
                end = at + len(text)
                yield line, kind, text
        except TemplateSyntaxError:
            at = end  # behind the last token that is one
            raise

    parser = Parser(environment, source)
    parser.stream = TokenStream(environment.lexer.wrap(tokens(), None, None), None, None)
    try:
        parser.parse()
        at = _named(source, error)  # the grammar is right: a filter or test of this name is not there
    except TemplateSyntaxError:
        pass
    return source.count("\n", 0, at) + 1, at - (source.rfind("\n", 0, at) + 1)


def _named(source: str, error: TemplateSyntaxError) -> int:
    """Where on its line the name stands that an error is about."""
    start = sum(len(line) + 1 for line in source.split("\n")[: error.lineno - 1])
    name = re.search(r"'([^']+)'", str(error.message))
    found = re.compile(rf"\b{re.escape(name[1])}\b").search(source, start) if name else None
    return found.start() if found else start
