"""Values as Infosys' element templates produce them: booleans in odd forms, numbers as text, blanks for nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from zeebe_mail.compat import binding
from zeebe_mail.compat.errors import INPUT
from zeebe_mail.errors import ContractError

_TRUTH = re.compile(r"\s*(?:\$\{\s*)?(true|false)(?:\s*\})?\s*", re.IGNORECASE)


def text(given: Mapping[str, Any], name: str) -> str | None:
    """A text; none where it is missing or blank.

    Raises:
        ContractError: it is no text.
    """
    value = binding.text(given.get(name))
    return value if value and value.strip() else None


def truth(given: Mapping[str, Any], name: str) -> bool:
    """A boolean, also as ``"true"`` and ``"${true}"``; false where it is missing or blank.

    Raises:
        ContractError: it is none.
    """
    value = binding.single(given.get(name))
    if isinstance(value, bool):
        return value
    if value is None or (isinstance(value, str) and not value.strip()):
        return False
    found = _TRUTH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ContractError(f"{name}: only true or false, also as text, is a `java.lang.Boolean`", foreign_type=INPUT)
    return found[1].lower() == "true"


def whole(given: Mapping[str, Any], name: str) -> int | None:
    """A whole number, also as text.

    Raises:
        ContractError: it is none.
    """
    return binding.integer(given.get(name), "data", name)


def listed(given: Mapping[str, Any], name: str) -> list[Any]:
    """A list without its blanks; what is no list is the only one of one, and the JSON text of a list is that list."""
    value = given.get(name)
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value, name)
    items = value if isinstance(value, list) else [value]
    return [one for one in items if one is not None and not (isinstance(one, str) and not one.strip())]


def context(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A map, also as JSON text; empty where it is missing or blank.

    Raises:
        ContractError: it is none.
    """
    value = given.get(name)
    if isinstance(value, str) and value.strip():
        value = _parsed(value, name)
    if value is None or value == "":
        return {}
    return binding.part(value, "java.util.Map") or {}


def _parsed(value: str, name: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise ContractError(f"{name} is neither a list or context nor the JSON text of one") from None
