"""From process variables to an operation's input, and from pydantic's findings to words an author understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from zeebe_mail.errors import InputError
from zeebe_mail.form import Prompt

Model = TypeVar("Model", bound=BaseModel)

PLAIN_WORDS = {
    "missing": "is missing",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_too_short": "must not be empty",
    "list_type": "must be a list",
    "dict_type": "must be a context of names and values",
    "model_type": "must be a context of names and values",
    "model_attributes_type": "must be a context of names and values",
    "union_tag_not_found": "needs a type",
}

_KEY = "[key]"  # how pydantic says that a name is wrong and not what stands under it


def validate(model: type[Model], variables: Mapping[str, Any]) -> Model:
    """The input as a model.

    Raises:
        InputError: lists every problem, each with the field as the element template names it, and never a value.
    """
    try:
        return model.model_validate(variables)
    except ValidationError as error:
        findings = error.errors(include_input=False, include_url=False, include_context=True)
    problems = [_describe(model, finding) for finding in findings]
    raise InputError(
        f"{len(problems)} input{'s are' if len(problems) > 1 else ' is'} not usable: "
        + _sentence("; ".join(f"{problem['field']} {problem['problem']}".lstrip() for problem in problems)),
        details={"problems": problems},
    )


def _sentence(text: str) -> str:
    return text if text.endswith(("?", ".")) else f"{text}."


def secret_values(model: BaseModel) -> Iterator[str]:
    """The text of every secret field in an input, however deep."""
    for _, value in model:
        yield from _secrets_in(value)


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        yield from secret_values(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_in(item)


def _describe(model: type[BaseModel], finding: Any) -> dict[str, str]:
    path, label, siblings = _place(model, finding["loc"])
    name = f'"{label}" ({path})' if label else path
    return {"field": name, "problem": _words(finding, path.rpartition(".")[2], siblings)}


def _words(finding: Any, name: str, siblings: Sequence[str]) -> str:
    kind, context = finding["type"], finding.get("ctx", {})
    if kind == "extra_forbidden":
        nearest = get_close_matches(name, siblings, n=1)
        return (
            f'is unknown; did you mean "{nearest[0]}"?' if nearest else f"is unknown; known are {', '.join(siblings)}"
        )
    if kind == "union_tag_invalid":
        return f"has an unknown type; known are {context['expected_tags']}"
    if kind in ("literal_error", "enum"):
        return f"must be one of {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    return PLAIN_WORDS.get(kind) or str(finding["msg"]).replace("Input should be", "must be")


def _place(model: type[BaseModel], location: Sequence[str | int]) -> tuple[str, str, list[str]]:
    """Path as the element template binds it, label, and the names that are known there.

    In a discriminated union pydantic puts the variant's tag into the location; an author never sees that.
    """
    path: list[str] = []
    label = ""
    variants: list[type[BaseModel]] = [model]
    tagged = False
    for step in location:
        if step == _KEY:
            continue
        if tagged:
            tagged = False
            variants = [one for one in variants if step in _tags(one)] or variants
            continue
        field = next((found for one in variants if (found := _field(one, step))), None)
        path.append(f"[{step}]" if isinstance(step, int) else f".{_shown(step)}")
        if field is None:
            label = label if isinstance(step, int) else ""
            continue
        label = next((mark.label for mark in field.metadata if isinstance(mark, Prompt)), "")
        tagged = field.discriminator is not None
        variants = list(_models_in(field.annotation)) or variants
    siblings = [str(field.alias) for one in variants for field in one.model_fields.values()]
    return "".join(path).removeprefix("."), label, siblings


def _shown(name: str) -> str:
    """A name that a process chose, as it may stand in a message: a line break would begin another line there."""
    return name if name.isprintable() else name.encode("unicode_escape", "surrogatepass").decode("ascii")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field may hold, in lists and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)


def _field(model: type[BaseModel], step: str | int) -> FieldInfo | None:
    return next((field for name, field in model.model_fields.items() if step in (field.alias, name)), None)


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    return tuple(value for field in model.model_fields.values() for value in get_args(field.annotation))
