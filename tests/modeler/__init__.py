"""The element templates in the Modeler's own parts: `Panel` is their properties panel, in headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
TEMPLATES = HERE.parents[1] / "element-templates"
DIAGRAM = (HERE / "one-task.bpmn").read_text(encoding="utf-8")
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"

Filled = tuple[str, str, str | int | bool]
"""Group, label, and what is typed, chosen (its label) or ticked there. Text that begins with `=` is FEEL."""


def templates() -> dict[str, dict[str, Any]]:
    """All element templates, by file name."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(TEMPLATES.glob("*.json"))}


@dataclass(frozen=True)
class Task:
    """What the diagram says of the task."""

    type: str
    retries: str
    inputs: Mapping[str, str | None]
    headers: Mapping[str, str]
    properties: Mapping[str, str]
    """Answers that only the Modeler needs."""

    @classmethod
    def of(cls, xml: str) -> Task:
        """The only task of a diagram."""
        tree = ElementTree.fromstring(xml)
        (definition,) = tree.iter(f"{ZEEBE}taskDefinition")
        return cls(
            type=definition.attrib["type"],
            retries=definition.attrib["retries"],
            inputs={one.attrib["target"]: one.get("source") for one in tree.iter(f"{ZEEBE}input")},
            headers={one.attrib["key"]: one.attrib["value"] for one in tree.iter(f"{ZEEBE}header")},
            properties={one.attrib["name"]: one.attrib["value"] for one in tree.iter(f"{ZEEBE}property")},
        )


class Panel:
    """A diagram with one task, and the properties panel of it."""

    def __init__(self) -> None:
        node = shutil.which("node")
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        if node is None or chromium is None:
            pytest.skip("the Modeler's parts need node and chromium")
        if not (HERE / "node_modules" / "bpmn-js").is_dir():
            pytest.skip("the Modeler's parts are not there: npm ci --prefix tests/modeler")
        self._process = subprocess.Popen(
            [node, str(HERE / "browser.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"CHROMIUM": chromium},
        )

    def __enter__(self) -> Self:
        loaded = self.call("load", list(templates().values()))
        assert loaded == {"errors": [], "known": len(templates())}
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def call(self, name: str, *given: Any) -> Any:
        """What a function of `browser.mjs` or `panel.js` answers."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([name, *given]).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def apply(self, template: str, *, process: str = "process") -> None:
        """A new diagram whose task has this template."""
        assert self.call("apply", DIAGRAM.replace("PROCESS", process), f"zeebe-mail.{template}") == []

    def fill(self, values: Iterable[Filled]) -> None:
        """Fill in fields, one after the other."""
        self.call("fillAll", list(values))

    def shown(self) -> list[dict[str, Any]]:
        """Every field that is shown now: `group`, `label`, `error` and `choices`."""
        found: list[dict[str, Any]] = self.call("shown")
        return found

    def xml(self) -> str:
        """The diagram as it would be saved."""
        return str(self.call("xml"))

    def task(self) -> Task:
        """What the diagram says of the task."""
        return Task.of(self.xml())
