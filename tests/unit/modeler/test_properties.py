"""What becomes of a field: each kind once, on a small input."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import pytest
from pydantic import Field, SecretStr

from zeebe_mail.form import Answer, Part, Prompt, Question
from zeebe_mail.modeler.element_template import element_templates
from zeebe_mail.modeler.groups import GROUPS
from zeebe_mail.modeler.properties import properties_of
from zeebe_mail.operations.catalogue import catalogue


def prompt(label: str, **more: Any) -> Prompt:
    return Prompt(label, group="message", **more)


class Cat(Part):
    kind: Annotated[Literal["cat"], prompt("A cat")] = "cat"
    name: Annotated[str, prompt("Name")]
    lives: Annotated[int, prompt("Lives")] = 9


class Dog(Part):
    kind: Annotated[Literal["dog"], prompt("A dog")] = "dog"
    name: Annotated[str, prompt("Name")]


class Basket(Part):
    colour: Annotated[Literal["red", "blue"], prompt("Colour", feel="static", choices={"red": "Red"})] = "blue"


class Home(Part):
    questions: ClassVar[Mapping[str, Question]] = {
        "way": Question("Way", "message", {"road": Answer("By road", needs=("street",)), "river": Answer("By river")})
    }
    street: Annotated[str | None, prompt("Street", multiline=True)] = None
    key: Annotated[SecretStr, prompt("Key", hint="{{secrets.KEY}}")]
    pet: Annotated[Cat | Dog, Field(discriminator="kind"), prompt("Pet")]
    basket: Annotated[Basket | None, prompt("Has a basket")] = None
    guests: Annotated[tuple[Cat, ...], prompt("Guests")] = ()
    stars: Annotated[int | None, prompt("Stars", when=("mood", "good"))] = None
    mood: Annotated[Literal["good", "bad"], prompt("Mood", hint="good or bad")] = "good"


PROPERTIES = {one.id: one.as_json() for one in properties_of(Home)}


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("street", {"type": "Text", "feel": "optional", "constraints": {"notEmpty": True}}),
        ("key", {"type": "String", "placeholder": "{{secrets.KEY}}", "constraints": {"notEmpty": True}}),
        ("pet.kind", {"type": "Dropdown", "value": "cat"}),
        ("pet.name", {"binding": {"type": "zeebe:input", "name": "pet.name"}}),
        ("pet.lives", {"type": "Number", "value": 9, "feel": "optional"}),
        ("basket", {"type": "Dropdown", "value": "no", "binding": {"type": "zeebe:property", "name": "basket"}}),
        ("basket.colour", {"choices": [{"name": "Red", "value": "red"}, {"name": "blue", "value": "blue"}]}),
        ("guests", {"type": "Text", "feel": "required", "optional": True}),
        ("stars", {"condition": {"type": "simple", "property": "mood", "equals": "good"}}),
        ("mood", {"type": "String", "feel": "optional", "optional": True}),
    ],
)
def test_a_field_becomes(id_: str, expected: dict[str, Any]) -> None:
    assert PROPERTIES[id_] | expected == PROPERTIES[id_]


def test_a_question_stands_before_its_fields_and_is_no_input() -> None:
    names = list(PROPERTIES)
    assert names.index("way") + 1 == names.index("street")
    assert PROPERTIES["way"]["binding"]["type"] == "zeebe:property"
    assert PROPERTIES["street"]["condition"] == {"type": "simple", "property": "way", "equals": "road"}


def test_what_two_parts_have_alike_is_one_property() -> None:
    assert PROPERTIES["pet.name"]["condition"]["oneOf"] == ["cat", "dog"]


def test_every_group_is_known_and_every_condition_leads_somewhere() -> None:
    known = {group.id for group in GROUPS}
    for template in element_templates(catalogue()):
        ids = {one.id for one in template.properties}
        assert {one.group for one in template.properties} <= known
        assert {each.property for one in template.properties for each in one.conditions} <= ids


def test_no_field_is_forgotten() -> None:
    """Each field of an input is a property, or is inside one that takes an expression for the whole."""
    for operation in catalogue().values():
        targets = {one.binding.name for one in properties_of(operation.input) if one.binding.type == "zeebe:input"}
        for field in operation.input.model_fields.values():
            for path in _paths(field.annotation, str(field.alias)):
                whole = [path.rsplit(".", depth)[0] for depth in range(path.count(".") + 1)]
                assert targets.intersection(whole), path


def _paths(annotation: Any, path: str) -> list[str]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        fields = annotation.model_fields.values()
        return [one for field in fields for one in _paths(field.annotation, f"{path}.{field.alias}")]
    if get_origin(annotation) in (Annotated, Union, UnionType):
        parts = [one for inner in get_args(annotation) for one in _paths(inner, path)]
        return [one for one in parts if one != path] or [path]
    return [path]
