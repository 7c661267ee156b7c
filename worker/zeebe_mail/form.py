"""Strict models that know how they look in the Modeler."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


@dataclass(frozen=True, slots=True)
class Answer:
    """One way to answer a question, and the fields of the part that it shows: names as templates bind them."""

    label: str
    needs: tuple[str, ...] = ()
    """Fields that must then be given."""
    takes: tuple[str, ...] = ()
    """Fields that may be."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the Modeler asks only to know which fields to show, because they exclude each other. No input."""

    label: str
    group: str
    answers: Mapping[str, Answer]
    """By the value that the diagram keeps; the first is the default. A field that none names is always shown."""
    tooltip: str = ""


class Part(BaseModel):
    """A piece of an operation's input: unknown keys are refused, values never appear in messages, nothing changes."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    questions: ClassVar[Mapping[str, Question]] = {}
    """By their names; those of the bases count too, unless one here has the same name."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the Modeler shows for a field and the field itself cannot say."""

    label: str
    group: str
    hint: str = ""
    feel: Literal["required", "optional", "static"] | None = "optional"
    """``required``: one FEEL expression, also for a part that has fields of its own. ``static``: never FEEL."""
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the values of a closed choice are called."""
    multiline: bool = False
    when: tuple[str, str] | None = None
    """Shown only where another field of the part, named as templates bind it, has this value."""
