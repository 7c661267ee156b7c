"""From JSON to typed values, as lenient and as strict as the Jackson mapper of Camunda's connector runtime.

One value is taken for a list of it and the other way round, scalars for text, texts for numbers and enums in any case;
unknown keys do not matter. The texts of the errors are the runtime's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from zeebe_mail.compat.errors import NOT_NULL, violations
from zeebe_mail.errors import ContractError

Model = TypeVar("Model", bound=BaseModel)

DOCUMENT = "camunda.document.type"

_INTEGERS = range(-(2**31), 2**31)
_INTEGER = re.compile(r"\s*[+-]?\d{1,10}\s*")


def single(value: Any) -> Any:
    """What stands in a list of one.

    Raises:
        ContractError: the list holds none or more.
    """
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        raise ContractError(
            "Unexpected token, expected END_ARRAY: Attempted to unwrap a value from an array "
            f"(with `DeserializationFeature.UNWRAP_SINGLE_VALUE_ARRAYS`) but it contains {len(value)} values"
        )
    return single(value[0])


def part(value: Any, kind: str) -> Mapping[str, Any] | None:
    """An object, or null.

    Raises:
        ContractError: it is something else.
    """
    value = single(value)
    if value is None or isinstance(value, Mapping):
        return value
    raise ContractError(f"Cannot construct instance of `{kind}` from {_kind(value)} value")


def text(value: Any) -> str | None:
    """A text, or null. Scalars count as their JSON text.

    Raises:
        ContractError: it is an object or a longer list.
    """
    value = single(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        raise ContractError(
            "Cannot deserialize value of type `java.lang.String` from Object value (token `JsonToken.START_OBJECT`)"
        )
    return json.dumps(value)


def texts(value: Any) -> dict[str, str | None] | None:
    """A map of texts, or null.

    Raises:
        ContractError: it is something else.
    """
    value = single(value)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise ContractError(
            "Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` "
            f"from {_kind(value)} value"
        )
    return {name: text(item) for name, item in value.items()}


def documents(value: Any) -> list[Mapping[str, Any]]:
    """Documents, from one or a list; null is none.

    Raises:
        ContractError: something in it is no document.
    """
    given = [] if value is None else [single(one) for one in value] if isinstance(value, list) else [value]
    for one in given:
        if not isinstance(one, Mapping) or DOCUMENT not in one:
            raise ContractError(
                "Cannot construct instance of `io.camunda.connector.api.document.Document` from "
                f"{_kind(one)} value that is no document reference"
            )
    return given


def integer(value: Any, *path: str) -> int | None:
    """A whole number of 32 bits, or null; blank text counts as null, fractions are cut off.

    Raises:
        ContractError: it is something else; names the path.
    """
    value = single(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if (is_number or (isinstance(value, str) and _INTEGER.fullmatch(value))) and (number := int(value)) in _INTEGERS:
        return number
    raise _invalid(path, "Integer")


def choice(value: Any, known: Iterable[str], kind: str, *path: str) -> str | None:
    """One of the known words in any case, or null; blank text counts as null.

    Raises:
        ContractError: it is something else; names the path.
    """
    value = single(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    word = value.strip().upper() if isinstance(value, str) else ""
    if word not in known:
        raise _invalid(path, kind)
    return word


def variant(holder: Mapping[str, Any], name: str, tag: str, known: Sequence[str]) -> str | None:
    """The tag that says what the property ``name`` of an object holds; null when there is neither.

    Raises:
        ContractError: one of the two is missing, or the tag is unknown.
    """
    chosen = holder.get(tag)
    if name not in holder:
        if chosen is None:
            return None
        raise ContractError(f"Missing property '{name}' for external type id '{tag}'")
    if chosen is None:
        raise ContractError(f"Missing external type id property '{tag}'")
    if chosen not in known:
        raise ContractError("Unexpected Error, Further investigation is needed")
    return str(chosen)


class Rules:
    """Collects what breaks a rule, so that all of it is said at once."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def demand(self, value: Any, path: str) -> None:
        """Note a property that is null."""
        if value is None:
            self.broken(path, NOT_NULL)

    def broken(self, path: str, rule: str) -> None:
        """Note a property that breaks its rule."""
        self._found.append((path, rule))

    def check(self) -> None:
        """End the collection.

        Raises:
            ContractError: something was noted.
        """
        if self._found:
            raise violations(self._found)


def ours(build: Callable[[], Model]) -> Model:
    """Build one of our models.

    Raises:
        ContractError: what the model objects to.
    """
    try:
        return build()
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
    raise ContractError(
        "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg'].removeprefix('Value error, ')}" for one in found)
    )


def _invalid(path: Sequence[str], kind: str) -> ContractError:
    return ContractError(f"Json object contains an invalid field: {', '.join(path)}. It Must be `{kind}`")


def _kind(value: Any) -> str:
    kinds = {str: "String", bool: "Boolean", int: "Integer", float: "Floating-point", list: "Array"}
    return kinds.get(type(value), "Object")
