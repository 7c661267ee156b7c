"""Secrets: ``{{secrets.NAME}}`` becomes a value in the fields where that is allowed, and is masked everywhere else.

Zeebe brokers do not resolve connector secrets for job workers, so the worker does, just before it validates its
input. A value is inserted as it is: what looks like a reference inside a value stays text.
"""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.parse
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Protocol

from zeebe_mail.errors import InputError, SecretMissing, SecretNotAllowed

BRACED = re.compile(r"\{\{\s*secrets\.(\S+?)\s*\}\}")
BARE = re.compile(r"secrets\.((?:[a-zA-Z0-9]+[/._-])*[a-zA-Z0-9]+)")
MALFORMED = re.compile(r"\{\{\s*secrets?\b", re.IGNORECASE)
EITHER = re.compile(f"{BRACED.pattern}|{BARE.pattern}")

MASK = "***"
DEEPEST = 100  # lists and contexts inside each other
CUT = "…[cut]"
"""Ends a foreign text that was shortened: a secret may have lost its end there."""
LONGEST_PIECE = 2000  # characters before a cut in which a secret may begin
REMEMBERED = 500  # values that are hidden in logs after the last job that had them
URLSAFE = str.maketrans("+/", "-_")
SHORTEST_MASKED_INSIDE_TEXT = 4  # characters; a shorter secret is masked only where it is the whole value


class SecretProvider(Protocol):
    """A place where secrets are kept."""

    def get(self, name: str) -> str | None:
        """The value of a secret, or None where this place does not know it."""
        ...


@dataclass(frozen=True, slots=True)
class EnvironmentSecrets:
    """Secrets in environment variables: ``SECRET_NAME`` for ``secrets.NAME``."""

    prefix: str = "SECRET_"

    def get(self, name: str) -> str | None:
        """The value of the variable; read at each use, so a test or a wrapper may change it."""
        try:
            return os.environ.get(self.prefix + name)
        except ValueError:
            return None  # a name that no variable can have


@dataclass(frozen=True, slots=True)
class FileSecrets:
    """Secrets as files in a mounted folder, one a file, as Kubernetes and Docker mount them."""

    folder: Path

    def get(self, name: str) -> str | None:
        """The text of the file without its last line end; a name that leads out of the folder is unknown."""
        try:
            root = self.folder.resolve()
            file = (root / name).resolve()
            if not file.is_relative_to(root) or not file.is_file():
                return None
            return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except (OSError, ValueError):
            return None  # a name that no file can have, a file that is not for us, or not text


@dataclass(frozen=True, slots=True)
class Binding:
    """Where one secret may be used; patterns as in a shell, an empty list means everywhere."""

    hosts: Sequence[str] = ()
    task_types: Sequence[str] = ()

    def allows(self, *, host: str, task_type: str) -> bool:
        """Whether a job of this type may send the secret to this mail server."""
        return _matches(host.lower(), [pattern.lower() for pattern in self.hosts]) and _matches(
            task_type, self.task_types
        )


def _matches(text: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def shortened(text: str, limit: int) -> str:
    """A text of so many characters at most, marked where it was cut."""
    return text if len(text) <= limit else text[:limit] + CUT


def _texts(value: Any) -> Iterator[str]:
    """All texts in some data, keys included, however deep."""
    open_ends = [value]
    while open_ends:
        one = open_ends.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            open_ends += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            open_ends += one


class Words:
    """The words that a process itself wrote in clear, read when the first is asked for.

    A secret that is a part of such a word is not hidden there: the password ``test`` in ``me@x.test`` tells nobody
    anything, and ``me@x.***`` is no address any more. The domain of an address counts as a word too, because it comes
    back in the Message-ID.
    """

    _PART = re.compile(r"[\w.+@-]")

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._known: set[str] | None = None

    def cover(self, text: str, start: int, end: int) -> bool:
        """Whether this piece of a text is inside a longer word that the process wrote."""
        first, last = start, end
        while first > 0 and self._PART.match(text[first - 1]):
            first -= 1
        while last < len(text) and self._PART.match(text[last]):
            last += 1
        if (first, last) == (start, end):
            return False
        if self._known is None:
            words = {word.strip(".") for one in _texts(self._variables) for word in re.findall(r"[\w.+@-]+", one)}
            self._known = words | {word[word.index("@") :] for word in words if "@" in word}
        while last > end and text[last - 1] == ".":
            last -= 1  # the full stop of a sentence
        domain = text.rfind("@", first, start + 1)
        begins = (first, domain) if domain >= 0 else (first,)
        return any(
            begin <= start and last - begin > end - start and text[begin:last] in self._known for begin in begins
        )


class Redactor:
    """Hides every secret that it was told of, in plain, base64, percent-encoded and JSON form.

    A text is looked through once, whatever the number of secrets: every place whose next four characters begin some
    form of a secret is compared with the forms that begin so.
    """

    def __init__(self, also: Redactor | None = None) -> None:
        """``also`` hides the same values as long as this one lives, and the last ones for some time after."""
        self._also = also
        self._lent: Counter[str] = Counter()
        self._kept: dict[str, None] = {}
        self._values: set[str] = set()
        self._credentials: set[str] = set()
        self._short: set[str] = set()
        self._forms: dict[str, list[tuple[str, str]]] = {}

    def add(self, value: str, *, is_credential: bool = False) -> None:
        """Hide this value from now on. Adding it again costs nothing.

        What is no credential, as a user name or a host, may be shown to a process that wrote it itself.
        """
        if is_credential:
            self._credentials.add(value)
        if not value or value in self._values:
            return
        self._values.add(value)
        if self._also:
            if len(self._values) == 1:
                weakref.finalize(self, self._also._take_back, self._values)  # noqa: SLF001 - one of its kind
            self._also._lend(value)  # noqa: SLF001
        if len(value) < SHORTEST_MASKED_INSIDE_TEXT:
            self._short.add(value)
            return
        for form in set(_written_forms(value)):
            alike = self._forms.setdefault(form[:SHORTEST_MASKED_INSIDE_TEXT], [])
            alike.append((form, value))
            alike.sort(key=lambda known: len(known[0]), reverse=True)

    def _lend(self, value: str) -> None:
        """Hide a value as long as somebody has it; those told for good stay."""
        if value not in self._values:
            self.add(value)
            self._lent[value] = 0
        self._kept.pop(value, None)
        if value in self._lent:
            self._lent[value] += 1

    def _take_back(self, values: Iterable[str]) -> None:
        """One holder less. What nobody holds is hidden until enough others have come: a late log line may have it."""
        for value in values:
            if value in self._lent:
                self._lent[value] -= 1
                if not self._lent[value]:
                    self._kept[value] = None
        while len(self._kept) > REMEMBERED:
            self._forget(next(iter(self._kept)))

    def _forget(self, value: str) -> None:
        del self._kept[value], self._lent[value]
        self._values.discard(value)
        self._short.discard(value)
        for form in set(_written_forms(value)):
            key = form[:SHORTEST_MASKED_INSIDE_TEXT]
            left = [known for known in self._forms.get(key, ()) if known != (form, value)]
            if left:
                self._forms[key] = left
            else:
                self._forms.pop(key, None)

    def written_in(self, variables: Mapping[str, Any]) -> frozenset[str]:
        """The values, credentials aside, that these variables hold in clear: masking them would hide nothing."""
        candidates = self._values - self._credentials
        if not candidates:
            return frozenset()
        text = "\n".join(_texts(variables))
        return frozenset(value for value in candidates if value in text)

    def text(self, text: str, spare: frozenset[str] = frozenset(), words: Words | None = None) -> str:
        """The text with every secret in it, but those to ``spare`` and inside ``words``, replaced by ``***``."""
        if text in self._short and text not in spare:
            return MASK
        if CUT in text:
            *heads, end = text.split(CUT)
            text = CUT.join((*(self._without_piece(head, spare) for head in heads), end))
        if not self._may_be_in(text):
            return text
        parts, done, place = [], 0, 0
        while place <= len(text) - SHORTEST_MASKED_INSIDE_TEXT:
            alike = self._forms.get(text[place : place + SHORTEST_MASKED_INSIDE_TEXT], ())
            found = next((form for form, value in alike if text.startswith(form, place) and value not in spare), "")
            if found and not (words and words.cover(text, place, place + len(found))):
                parts += [text[done:place], MASK]
                place = done = place + len(found)
            else:
                place += 1
        return "".join((*parts, text[done:]))

    def _may_be_in(self, text: str) -> bool:
        """Whether there is something to hide: few forms are looked for one by one, of many the beginnings only."""
        if len(self._forms) < len(text) // 4:
            return any(form in text for alike in self._forms.values() for form, _ in alike)
        return not self._forms.keys().isdisjoint(map("".join, zip(text, text[1:], text[2:], text[3:], strict=False)))

    def _without_piece(self, text: str, spare: frozenset[str]) -> str:
        """A text that was cut, without the beginning of a secret at its end."""
        for start in range(max(0, len(text) - LONGEST_PIECE), len(text)):
            piece = text[start:]
            if len(piece) >= SHORTEST_MASKED_INSIDE_TEXT:
                alike = self._forms.get(piece[:SHORTEST_MASKED_INSIDE_TEXT], [])
            else:
                alike = [form for key, forms in self._forms.items() if key.startswith(piece) for form in forms]
            if any(form.startswith(piece) and value not in spare for form, value in alike):
                return text[:start] + MASK
        return text

    def data(self, value: Any, spare: frozenset[str] = frozenset(), words: Words | None = None) -> Any:
        """The same for all texts, keys included, inside lists and dictionaries."""
        if not self._values:
            return value
        if isinstance(value, str):
            return self.text(value, spare, words)
        if isinstance(value, Mapping):
            return {self.data(key, spare, words): self.data(item, spare, words) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.data(item, spare, words) for item in value]
        return value


def _written_forms(value: str) -> Iterator[str]:
    yield value
    yield repr(value)[1:-1]  # in tracebacks
    for in_json in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield in_json
        yield in_json.replace("/", "\\/")  # as other writers of JSON have it
    # Environment variables that are not UTF-8 hold single surrogates.
    raw = value.encode("utf-8", "surrogateescape")
    for quoted in (urllib.parse.quote(raw, safe=""), urllib.parse.quote(raw), urllib.parse.quote_plus(raw)):
        yield quoted
        yield re.sub("%..", lambda escape: escape[0].lower(), quoted)
    # Inside a longer base64 text (SASL PLAIN, XOAUTH2) a value begins at one of three bit offsets. Only the
    # characters that depend on nothing around it are looked for.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        core = encoded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST_MASKED_INSIDE_TEXT:
            yield core
            yield core.translate(URLSAFE)


Hosts = Callable[[str], Sequence[str]]
"""The mail servers, as written, that the value of a field goes to; the field by its dotted name."""


class SecretResolver:
    """Replaces references in a job's variables.

    ``{{secrets.NAME}}`` counts anywhere inside an allowed field, ``secrets.NAME`` only as the whole value; ``legacy``
    widens the latter to any place inside an allowed field, as Camunda's runtime had it.
    """

    def __init__(
        self,
        providers: Sequence[SecretProvider],
        *,
        extra_fields: Iterable[str] = (),
        bindings: Mapping[str, Binding] | None = None,
        legacy: bool = False,
    ) -> None:
        self._providers = providers
        self._extra_fields = tuple(extra_fields)
        self._bindings = dict(bindings or {})
        self._legacy = legacy

    def resolve(
        self,
        variables: Mapping[str, Any],
        redactor: Redactor,
        *,
        task_type: str,
        hosts: Hosts,
        fields: Iterable[str],
        content: Iterable[str],
    ) -> dict[str, Any]:
        """A copy of the variables with values for references; the redactor is told of each value.

        ``hosts`` tells where a field's value goes. ``fields`` are dotted names under which secrets are allowed. Under
        ``content`` a reference is text like any other, because strangers may have written it; anywhere else it is an
        author's mistake.

        Raises:
            SecretMissing: no provider knows the name.
            SecretNotAllowed: the field, the host or the task type is not allowed to have it.
        """
        walk = _Walk(
            resolver=self,
            redactor=redactor,
            task_type=task_type,
            hosts=hosts,
            allowed=(*fields, *self._extra_fields),
            content=tuple(content),
        )
        return {name: walk.value(value, name) for name, value in variables.items()}

    def names_in(self, text: str) -> list[str]:
        """The secrets a text refers to, in the forms that count."""
        return [next(filter(None, match.groups())) for match in self._pattern_for(text).finditer(text)]

    def is_malformed(self, text: str) -> bool:
        """Whether something in a text was meant to be a reference and is none."""
        return MALFORMED.search(BRACED.sub("", text)) is not None

    def _pattern_for(self, text: str) -> re.Pattern[str]:
        return EITHER if self._legacy or BARE.fullmatch(text) else BRACED

    def replace(self, text: str, redactor: Redactor, *, hosts: Sequence[str], task_type: str) -> str:
        """The text with a value for each reference in it; each value goes to all of these hosts."""

        def value_of(match: re.Match[str]) -> str:
            value = self._value(next(filter(None, match.groups())), hosts=hosts, task_type=task_type)
            redactor.add(value)
            return value

        return self._pattern_for(text).sub(value_of, text)

    def _value(self, name: str, *, hosts: Sequence[str], task_type: str) -> str:
        binding = self._bindings.get(name)
        for host in hosts if binding else ():
            if binding and binding.allows(host=host, task_type=task_type):
                continue
            raise SecretNotAllowed(
                f'Secret "{name}" is bound to other hosts or task types and may not be used '
                f'for host "{host}" by a task of type {task_type}.',
                details={"secret": name, "host": host, "taskType": task_type},
            )
        for provider in self._providers:
            value = provider.get(name)
            if value is not None:
                return value
        raise SecretMissing(f'Secret "{name}" is not available.', details={"secret": name})


@dataclass(frozen=True, slots=True)
class _Walk:
    resolver: SecretResolver
    redactor: Redactor
    task_type: str
    hosts: Hosts
    allowed: tuple[str, ...]
    content: tuple[str, ...]

    def value(self, value: Any, path: str, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if "secrets." in value or "{{" in value else value
        if depth == DEEPEST and isinstance(value, Mapping | list):
            raise InputError(f'Field "{path.partition(".")[0]}" is nested too deeply: {DEEPEST} levels are possible.')
        if isinstance(value, Mapping):
            return {self.value(key, path): self.value(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, path, depth + 1) for item in value]
        return value

    def _text(self, text: str, path: str) -> str:
        if _under(path, self.allowed) and not _under(path, self.content) and self.resolver.is_malformed(text):
            # It would be sent as it is, for example as a password.
            raise InputError(f'Field "{path}" has a malformed reference to a secret: write {{{{secrets.NAME}}}}.')
        names = self.resolver.names_in(text)
        if not names:
            return text
        if _under(path, self.allowed):
            hosts = [self._host(one) for one in self.hosts(path)] or [""]
            return self.resolver.replace(text, self.redactor, hosts=hosts, task_type=self.task_type)
        if _under(path, self.content):
            return text
        raise SecretNotAllowed(
            f'Field "{path}" refers to secret "{names[0]}", but secrets are allowed only in {", ".join(self.allowed)}.',
            details={"secret": names[0], "field": path},
        )

    def _host(self, written: str) -> str:
        """A host, which may be a reference itself."""
        return self.resolver.replace(written, self.redactor, hosts=[""], task_type=self.task_type).strip()


def _under(path: str, fields: tuple[str, ...]) -> bool:
    return any(path == field or path.startswith(f"{field}.") for field in fields)
