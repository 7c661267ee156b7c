"""Which version an element template has: it rises when something changed since the last release."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from zeebe_mail.modeler.element_template import ElementTemplate

FILE = "released.json"


@dataclass(frozen=True, slots=True)
class Release:
    """A version that people have, and what it held. Diagrams keep id and version, so neither ever means another."""

    version: int
    sha256: str


def released() -> Mapping[str, Release]:
    """What was released last, by the template's id."""
    text = files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    return {name: Release(**one) for name, one in json.loads(text).items()}


def version_of(template: ElementTemplate, releases: Mapping[str, Release]) -> int:
    """The released version where nothing changed since, else the next one."""
    last = releases.get(template.id)
    if last is None:
        return 1
    return last.version if last.sha256 == _digest(template) else last.version + 1


def as_released(templates: Iterable[ElementTemplate]) -> str:
    """The text of the file for a release of these. A template that is no more stays in it: its id is taken."""
    before = released()
    now = {one.id: Release(version_of(one, before), _digest(one)) for one in templates}
    return _pretty({name: asdict(one) for name, one in sorted({**before, **now}.items())})


def template_files(templates: Iterable[ElementTemplate], documentation: str | None = None) -> Mapping[str, str]:
    """The templates as files for the Modeler, by name. Each links its page below ``documentation``, where given."""
    releases = released()
    return {
        f"{one.slug}.json": _pretty(
            one.as_json(
                version_of(one, releases),
                f"{documentation.rstrip('/')}/{one.page}" if documentation else None,
            )
        )
        for one in templates
    }


def _digest(template: ElementTemplate) -> str:
    return sha256(json.dumps(template.as_json(0), sort_keys=True).encode()).hexdigest()


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
