"""Strict models that know how they look in the Modeler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


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


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the Modeler shows for a field and the field itself cannot say."""

    label: str
    group: str
    hint: str = ""
    feel: Literal["required", "optional", "static"] | None = "optional"
