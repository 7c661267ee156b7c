"""From a field's JSON schema to what an author types into or chooses from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from zeebe_mail.form import Prompt

Kind = Literal["String", "Text", "Number", "Boolean", "Dropdown", "Hidden"]
Feel = Literal["required", "optional", "static"]


@dataclass(frozen=True, slots=True)
class Control:
    """A control of the properties panel."""

    type: Kind
    feel: Feel | None = None
    value: str | float | bool | None = None
    """What is there, and written, when the template is applied."""
    choices: tuple[tuple[str, str], ...] = ()
    """Value and label."""
    placeholder: str = ""
    description: str = ""
    """Shown below controls that have no placeholder."""
    is_required: bool = False
    pattern: tuple[str, str] | None = None
    """A regular expression, and what is said of text that does not match."""
    max_length: int | None = None
    is_mandatory: bool = False
    """Whether it is written even when empty; else an empty one leaves no trace in the diagram."""

    def as_json(self) -> dict[str, Any]:
        """As templates have it."""
        shown: dict[str, Any] = {"type": self.type}
        constraints: dict[str, Any] = {"notEmpty": True} if self.is_required else {}
        if self.pattern:
            constraints["pattern"] = dict(zip(("value", "message"), self.pattern, strict=True))
        if self.max_length:
            constraints["maxLength"] = self.max_length
        if self.description:
            shown["description"] = self.description
        if self.placeholder:
            shown["placeholder"] = self.placeholder
        if self.value is not None:
            shown["value"] = self.value
        if self.choices:
            shown["choices"] = [{"name": label, "value": value} for value, label in self.choices]
        if self.feel:
            shown["feel"] = self.feel
        if not (self.is_required or self.is_mandatory):
            shown["optional"] = True
            if constraints:  # the schema wants it said
                constraints["notEmpty"] = False
        if constraints:
            shown["constraints"] = constraints
        return shown


def choice(labels: Mapping[str, str], *, value: str | None = None, hint: str = "", optional: bool = False) -> Control:
    """A drop-down; the first choice is the default, unless none must be chosen."""
    default = None if optional else value or next(iter(labels))
    return Control(
        "Dropdown", value=default, choices=tuple(labels.items()), description=hint, is_mandatory=not optional
    )


def control(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], prompt: Prompt, *, required: bool, writes_default: bool
) -> Control:
    """The control for a field.

    Texts show their default in grey and write nothing. Choices, numbers and what is ticked are written, so that the
    diagram says what happens.
    """
    found = forms(schema, definitions)
    types = {str(one.get("type")) for one in found}
    values = [value for one in found for value in one.get("enum", ())]
    default = schema.get("default")
    if prompt.feel == "required":
        return Control("Text", "required", placeholder=prompt.hint, is_required=required)
    if values and prompt.feel == "static":
        labels = {str(value): prompt.choices.get(str(value), str(value)) for value in values}
        if default is None or not writes_default:
            return choice(labels, hint=prompt.hint, optional=not required)
        return choice(labels, value=str(default), hint=prompt.hint)
    if "boolean" in types:
        feel: Feel = "static" if types == {"boolean"} and prompt.feel == "static" else "optional"
        return Control("Boolean", feel, value=(default is True and writes_default) or None, description=prompt.hint)
    if types == {"integer"}:
        number = default if writes_default else None
        return Control("Number", "optional", value=number, description=prompt.hint, is_required=required)
    if not _has_text(found):
        return Control("Text", "required", placeholder=prompt.hint, is_required=required)
    return Control(
        "Text" if prompt.multiline else "String",
        "optional",
        placeholder=prompt.hint or ("" if default in (None, [], False) else str(default)),
        is_required=required,
        pattern=_one_of_these(values) if values else _pattern(found, prompt, required=required),
        max_length=next((one["maxLength"] for one in found if "maxLength" in one), None),
    )


def _one_of_these(values: list[Any]) -> tuple[str, str]:
    """The constraint of a closed choice that may be an expression too."""
    words = [str(value) for value in values]
    return _whole("|".join(map(re.escape, words)), required=False), f"must be {', '.join(words[:-1])} or {words[-1]}"


def _pattern(found: list[Mapping[str, Any]], prompt: Prompt, *, required: bool) -> tuple[str, str] | None:
    pattern = next((str(one["pattern"]) for one in found if "pattern" in one), None)
    if pattern is None:
        return None
    bare = pattern.removeprefix("^").removesuffix("$")
    return _whole(bare, required=required), f"must look like {prompt.hint}"


def _whole(pattern: str, *, required: bool) -> str:
    """For the whole text; the panel tests what is blank as if it were ``undefined``."""
    return f"^(?:{pattern})$" if required else f"^(?:|undefined|{pattern})$"


def forms(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every form that a value may have, but null."""
    if "$ref" in schema:
        return forms(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return [form for one in options for form in forms(one, definitions)]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": one} for one in schema["type"] if one != "null"]
    return [] if schema.get("type") == "null" else [schema]


def _has_text(found: list[Mapping[str, Any]]) -> bool:
    """Whether text is one of the forms; lists of texts are also taken as text with commas."""
    kinds = [form.get("items", form) if form.get("type") == "array" else form for form in found]
    return any(kind.get("type") in ("string", "number") for kind in kinds)
