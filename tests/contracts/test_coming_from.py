"""The pages for those who come from another system leave nothing out and name nothing that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zeebe_mail.form import Part
from zeebe_mail.operations.catalogue import catalogue
from zeebe_mail.settings import Settings

ROOT = Path(__file__).parents[2]
SPEC = ROOT.parent / "shared" / "spec" / "reference-systems.md"
PAGES = {
    name: (ROOT / "docs" / "how-to" / f"{name}.md").read_text("utf-8") for name in ("mendix", "boomi", "prismatic")
}
LETTERS = {"mendix": "M", "boomi": "B", "prismatic": "P"}
"""What the table of capabilities calls these systems."""

each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_each_capability_of_the_system_has_its_line(name: str) -> None:
    if not SPEC.exists():
        pytest.skip("the table of capabilities is not part of this repository")
    rows = re.findall(r"^\| ([A-F]\d+) \|(?:[^|\\]|\\.)*\|((?:[^|\\]|\\.)*)\|", SPEC.read_text("utf-8"), re.MULTILINE)
    wanted = {row for row, systems in rows if re.search(rf"\b{LETTERS[name]}\b", systems) or systems.strip() == "all"}
    told = {row for line in PAGES[name].splitlines() for row in re.findall(r"[A-F]\d+", "".join(_comments(line)))}
    assert len(wanted) > 20
    assert wanted - told == set()


@each_page
def test_each_line_says_what_is_here(page: str) -> None:
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    assert [line for line in rows if line.count(" | ") != 1 or not line.split(" | ")[1].strip(" |")] == []


@each_page
def test_task_types_and_settings_exist(page: str) -> None:
    types = set(re.findall(r"mail:[a-z0-9]+(?:-[a-z]+)*:1", page))
    settings = set(re.findall(r"ZEEBE_MAIL_[A-Z_]+", page))
    known = {f"ZEEBE_MAIL_{field.upper()}" for field in Settings.model_fields}
    assert types
    assert types - catalogue().keys() == set()
    assert settings - known == set()


@each_page
def test_inputs_exist(page: str) -> None:
    named = set(re.findall(r"`((?:server|auth|request|imap\.(?:server|auth))(?:\.\w+)*)`", page))
    known = {path for operation in catalogue().values() for path in _paths(operation.input)} | {"server.secure"}
    assert named
    assert named - known == set()


@each_page
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page):
        assert (ROOT / "docs" / "how-to" / target).exists(), target


def _comments(line: str) -> list[str]:
    return re.findall(r"<!--(.*?)-->", line)


def _paths(model: type[Part], before: str = "") -> Iterator[str]:
    for field in model.model_fields.values():
        path = f"{before}{field.alias}"
        yield path
        for part in _parts(field.annotation):
            yield from _paths(part, f"{path}.")


def _parts(annotation: Any) -> Iterator[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _parts(argument)
