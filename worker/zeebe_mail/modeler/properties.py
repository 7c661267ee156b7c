"""From the input of an operation to the properties of its element template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zeebe_mail.form import Answer, Part, Prompt, Question
from zeebe_mail.modeler.controls import Control, choice, control, forms
from zeebe_mail.modeler.groups import INSIDE
from zeebe_mail.modeler.meanings import meanings


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds while another property has one of these values."""

    property: str
    values: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As templates have it."""
        if len(self.values) == 1:
            return {"type": "simple", "property": self.property, "equals": self.values[0]}
        return {"type": "simple", "property": self.property, "oneOf": list(self.values)}


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a value goes in the diagram."""

    type: str
    name: str

    def as_json(self) -> dict[str, str]:
        """As templates have it: the name has another key with each type."""
        keys = {"zeebe:taskHeader": "key", "zeebe:taskDefinition": "property"}
        return {"type": self.type, keys.get(self.type, "name"): self.name}


@dataclass(frozen=True, slots=True)
class Property:
    """One field of the properties panel."""

    id: str
    label: str
    group: str
    binding: Binding
    control: Control
    tooltip: str = ""
    conditions: tuple[Condition, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As templates have it."""
        shown: dict[str, Any] = {"id": self.id, "label": self.label, "group": self.group}
        if self.tooltip:
            shown["tooltip"] = self.tooltip
        shown |= self.control.as_json() | {"binding": self.binding.as_json()}
        conditions = [condition.as_json() for condition in self.conditions]
        if len(conditions) == 1:
            shown["condition"] = conditions[0]
        elif conditions:
            shown["condition"] = {"allMatch": conditions}
        return shown


def properties_of(model: type[Part]) -> tuple[Property, ...]:
    """All fields of an input, each that can be set at all; where parts have parts, with dots between the names."""
    return tuple(_of_part(model, _Place()))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in an input we are, and what holds for everything here."""

    path: str = ""
    conditions: tuple[Condition, ...] = ()
    decided: Mapping[str, tuple[Condition, bool]] = field(default_factory=dict)
    """What questions say about fields, by path: when they are shown, and whether they must then be given."""
    inside: str = ""
    """The group with a second server, if we are in one."""
    may_be_absent: bool = False
    """Whether all of this may be left out, so that nothing in it must be given nor is written by itself."""

    def below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def group(self, own: str) -> str:
        return INSIDE[self.inside].get(own, own) if self.inside else own


def _of_part(model: type[Part], place: _Place) -> Iterator[Property]:
    asked = {name: _decisions(place, name, question) for name, question in _questions(model).items()}
    place = replace(place, decided={**place.decided, **{path: one for paths in asked.values() for path, one in paths}})
    meaning = meanings(model)
    for name, info in model.model_fields.items():
        prompt = prompt_of(info)
        if prompt is None:
            continue
        path = place.below(str(info.alias))
        for question in [one for one, paths in asked.items() if any(_is_in(each, path) for each, _ in paths)]:
            yield _question(_questions(model)[question], place.below(question), place)
            del asked[question]
        yield from _of_field(model, info, prompt, meaning.get(name, ""), replace(place, path=path), outer=place)


def _of_field(
    model: type[Part], info: FieldInfo, prompt: Prompt, meaning: str, place: _Place, *, outer: _Place
) -> Iterator[Property]:
    decision = place.decided.get(place.path)
    if decision:
        place = replace(place, conditions=(*place.conditions, decision[0]))
    if prompt.when:
        other, value = prompt.when
        place = replace(place, conditions=(*place.conditions, Condition(outer.below(other), (value,))))
    schema = _schema(model)
    parts = tuple(_parts(info.annotation)) if _is_open(schema, info, prompt) else ()
    if prompt.group in INSIDE:
        place = replace(place, inside=prompt.group)
    if parts and (discriminator := _discriminator(info)):
        yield from _of_union(discriminator, prompt, meaning, parts, place, is_optional=_may_be_absent(info))
    elif parts:
        yield from _of_inner(info, prompt, meaning, parts[0], place)
    else:
        required = (info.is_required() and not place.may_be_absent) or (decision is not None and decision[1])
        yield Property(
            id=place.path,
            label=prompt.label,
            group=place.group(prompt.group),
            binding=Binding("zeebe:input", place.path),
            control=control(
                schema["properties"][info.alias],
                schema.get("$defs", {}),
                prompt,
                required=required,
                writes_default=not place.may_be_absent,
            ),
            tooltip=meaning,
            conditions=place.conditions,
        )


def _of_inner(info: FieldInfo, prompt: Prompt, meaning: str, part: type[Part], place: _Place) -> Iterator[Property]:
    """The fields of a part; one that may be absent, and would be there by itself, is asked for first."""
    inner = tuple(_of_part(part, place))
    if _may_be_absent(info) and any(_is_there_by_itself(one) for one in inner if one.conditions == place.conditions):
        yes = Condition(place.path, ("yes",))
        yield Property(
            id=place.path,
            label=prompt.label,
            group=place.group(prompt.group),
            binding=Binding("zeebe:property", place.path),
            control=choice({"no": "No", "yes": "Yes"}, hint=prompt.hint),
            tooltip=meaning,
            conditions=place.conditions,
        )
        yield from _of_part(part, replace(place, conditions=(*place.conditions, yes)))
    elif _may_be_absent(info):
        yield from _of_part(part, replace(place, may_be_absent=True))
    else:
        yield from inner


def _of_union(
    discriminator: str,
    prompt: Prompt,
    meaning: str,
    variants: Iterable[type[Part]],
    place: _Place,
    *,
    is_optional: bool,
) -> Iterator[Property]:
    """Which of the variants, and the fields of each; a field that several have alike is one."""
    tag = place.below(discriminator)
    labels: dict[str, str] = {}
    merged: dict[Property, list[str]] = {}
    for variant in variants:
        kind = variant.model_fields[discriminator]
        value = str(kind.default)
        own = prompt_of(kind)
        labels[value] = own.label if own else value
        for one in _of_part(variant, place):
            if one.binding.name != tag:
                merged.setdefault(one, []).append(value)
    yield Property(
        id=tag,
        label=prompt.label,
        group=place.group(prompt.group),
        binding=Binding("zeebe:input", tag),
        control=choice(labels, hint=prompt.hint, optional=is_optional),
        tooltip=meaning,
        conditions=place.conditions,
    )
    ids = [one.id for one in merged]
    for one, values in merged.items():
        is_alone = ids.count(one.id) == 1
        yield replace(
            one,
            id=one.id if is_alone else f"{place.path}.{values[0]}.{one.id.removeprefix(f'{place.path}.')}",
            conditions=(*one.conditions, Condition(tag, tuple(values))),
        )


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────


def _questions(model: type[Part]) -> dict[str, Question]:
    return {
        name: question for cls in reversed(model.__mro__) for name, question in vars(cls).get("questions", {}).items()
    }


def _decisions(place: _Place, name: str, question: Question) -> list[tuple[str, tuple[Condition, bool]]]:
    found = []
    for field_name in dict.fromkeys(one for answer in question.answers.values() for one in _shown_by(answer)):
        values = tuple(value for value, answer in question.answers.items() if field_name in _shown_by(answer))
        needed = all(field_name in question.answers[value].needs for value in values)
        found.append((place.below(field_name), (Condition(place.below(name), values), needed)))
    return found


def _shown_by(answer: Answer) -> tuple[str, ...]:
    return (*answer.needs, *answer.takes)


def _question(question: Question, path: str, place: _Place) -> Property:
    return Property(
        id=path,
        label=question.label,
        group=place.group(question.group),
        binding=Binding("zeebe:property", path),
        control=choice({value: answer.label for value, answer in question.answers.items()}),
        tooltip=question.tooltip,
        conditions=place.conditions,
    )


def _is_in(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")


# ── fields ───────────────────────────────────────────────────────────────────────────────────────────────────────


def prompt_of(info: FieldInfo) -> Prompt | None:
    """How a field looks; the last one said counts."""
    return next((mark for mark in reversed(info.metadata) if isinstance(mark, Prompt)), None)


def _is_open(schema: Mapping[str, Any], info: FieldInfo, prompt: Prompt) -> bool:
    """Whether a field's own fields are shown, and not one control for all of them."""
    if prompt.feel == "required" or not any(_parts(info.annotation)):
        return False
    return all("properties" in one for one in forms(schema["properties"][info.alias], schema.get("$defs", {})))


def _parts(annotation: Any) -> Iterator[type[Part]]:
    """The parts that a field may be, in unions too, but not in lists."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType):
        for one in get_args(annotation):
            yield from _parts(one)


def _discriminator(info: FieldInfo) -> str | None:
    """The field that tells the parts of a union apart; where it may be absent too, the union is inside another."""
    inner = [mark for one in get_args(info.annotation) for mark in get_args(one)[1:] if isinstance(mark, FieldInfo)]
    return next((str(one.discriminator) for one in (info, *inner) if one.discriminator), None)


def _may_be_absent(info: FieldInfo) -> bool:
    return info.default is None


def _is_there_by_itself(one: Property) -> bool:
    return one.control.is_required or one.control.value is not None or one.control.type == "Boolean"


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, mode="validation")
