"""Each field of each element template can be reached and set in the properties panel, and is in the diagram then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import pytest

from tests.modeler import Filled, Panel, Task, templates

TEMPLATES = templates()
HOLDERS = {json.dumps(one): name for name in reversed(TEMPLATES) for one in TEMPLATES[name]["properties"]}
"""Where each property is tried: in the first of the templates that have it."""
every_template = pytest.mark.parametrize("name", TEMPLATES)

Property = dict[str, Any]
Values = dict[str, Any]
"""What each property has now, by its id."""


@every_template
def test_a_template_is_valid(panel: Panel, name: str) -> None:
    """By the schema that the Modeler itself uses."""
    assert panel.call("validate", TEMPLATES[name]) == []


@every_template
def test_every_field_can_be_set(panel: Panel, name: str) -> None:
    """All fields, some at a time: those that are shown together. What is not shown leaves no trace in the diagram."""
    properties: list[Property] = TEMPLATES[name]["properties"]
    known = {one["id"]: one for one in properties}
    steering = {condition["property"] for one in properties for condition in _conditions(one)}
    panel.apply(name)
    now: Values = {one["id"]: one.get("value") for one in properties}
    for answers, together in groupby(sorted(properties, key=_answers_as_text), _answers_as_text):
        some = list(together)
        filled: list[tuple[Property, Any]] = list(_answers(some[0], now, known))
        filled += [
            (one, _sample(one))
            for one in some
            if one["type"] != "Hidden" and one["id"] not in steering and HOLDERS[json.dumps(one)] == name
        ]
        panel.fill(_typed(one, value) for one, value in filled)
        now |= {one["id"]: value for one, value in filled}
        now |= {one["id"]: one.get("value") for one in properties if not _is_active(one, now, known)}
        active = [one for one in properties if _is_active(one, now, known)]
        expected = sorted((one["group"], one["label"]) for one in active if one["type"] != "Hidden")
        assert sorted((one["group"], one["label"]) for one in panel.shown()) == expected, answers
        task = panel.task()
        for one, value in filled:
            assert _in_diagram(task, one) == _written(one, value), (answers, one["id"])
        assert set(task.inputs) <= {one["binding"].get("name") for one in active}, answers


def _conditions(one: Property) -> list[dict[str, Any]]:
    condition = one.get("condition")
    if condition is None:
        return []
    return list(condition.get("allMatch", [condition]))


def _values(condition: Mapping[str, Any]) -> list[str]:
    return condition.get("oneOf") or [condition["equals"]]


def _answers_as_text(one: Property) -> str:
    return str(_conditions(one))


def _answers(one: Property, now: Values, known: Mapping[str, Property]) -> Iterator[tuple[Property, str]]:
    """What must be chosen first, where something else is chosen now."""
    for condition in _conditions(one):
        other = known[condition["property"]]
        yield from _answers(other, now, known)
        if now[other["id"]] not in _values(condition) or not _is_active(other, now, known):
            yield other, _values(condition)[0]


def _is_active(one: Property, now: Values, known: Mapping[str, Property]) -> bool:
    return all(
        now[condition["property"]] in _values(condition) and _is_active(known[condition["property"]], now, known)
        for condition in _conditions(one)
    )


def _sample(one: Property) -> str | int | bool:
    """Something that is not the default."""
    match one["type"]:
        case "Dropdown":
            return str(one["choices"][-1]["value"])
        case "Boolean":
            return not one.get("value", False)
        case "Number":
            return 7
    return "=sample" if one.get("feel") == "required" else "PT5S" if one["id"] == "retryBackoff" else "sample"


def _typed(one: Property, value: Any) -> Filled:
    labels = {choice["value"]: choice["name"] for choice in one.get("choices", ())}
    return one["group"], one["label"], labels.get(value, value)


def _written(one: Property, value: Any) -> str:
    if isinstance(value, bool):
        return f"={str(value).lower()}"
    return f"={value}" if one["type"] == "Number" else str(value)


def _in_diagram(task: Task, one: Property) -> str | None:
    match one["binding"]:
        case {"type": "zeebe:input", "name": name}:
            return task.inputs.get(name)
        case {"type": "zeebe:taskHeader", "key": key}:
            return task.headers.get(key)
        case {"type": "zeebe:property", "name": name}:
            return task.properties.get(name)
        case {"property": "type"}:
            return task.type
    return task.retries
