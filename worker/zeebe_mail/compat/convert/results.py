"""The headers that say what becomes of a result and of an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zeebe_mail.compat.convert.source import parsed, quoted, walk
from zeebe_mail.compat.convert.task import NotConvertible, Response
from zeebe_mail.feel import nodes

_MATCHERS = frozenset(
    {"contains", "starts with", "ends with", "matches", "substring before", "substring after"}
    | {"split", "replace", "extract", "list contains", "index of"}
)
"""Functions that tell texts apart."""
_IN_ANOTHER_WAY = "Use error.code (docs/errors.md)"


def rewritten(headers: Mapping[str, str], response: Response, whole_model: str) -> dict[str, tuple[str, str]]:
    """New key and value of the headers that change, by their old key.

    Raises:
        NotConvertible: an expression uses what ours does not have, or something else in the model does.
    """
    _check_errors(headers.get("errorExpression", ""))
    variable, text = headers.get("resultVariable", "").strip(), headers.get("resultExpression", "").strip()
    changed: dict[str, tuple[str, str]] = {}
    if variable and response.whole != "response":
        if text:
            raise NotConvertible(
                f"It has a resultVariable and a resultExpression, and our result has the list in `{response.whole}`. "
                "Let the resultExpression set both."
            )
        name = variable if variable.isidentifier() else quoted(variable)
        changed["resultVariable"] = ("resultExpression", f"={{{name}: {response.whole}}}")
    elif variable:
        _check_uses(variable, response, whole_model)
    if text and (new := _mapped(text, response)) != text:
        changed["resultExpression"] = ("resultExpression", new)
    return changed


def _mapped(text: str, response: Response) -> str:
    """A result expression for our result."""
    sign, body = ("=", text[1:].strip()) if text.startswith("=") else ("", text)
    tree = parsed(body)
    if tree is None:
        raise NotConvertible("Its resultExpression is no FEEL. Correct it first: zeebe-mail feel shows where.")
    meant = dict(response.renamed)
    if response.whole != "response":
        meant["response"] = response.whole
    inside = set(response.lost) | (set(response.renamed) if response.whole == "response" else set())
    for access in (node for node in walk(tree) if isinstance(node, nodes.Access)):
        if isinstance(access.base, nodes.Reference) and access.base.name == "response":
            _refuse([step.key for step in access.steps[:1] if isinstance(step, nodes.Property)], inside, response)
    used = [node for node in walk(tree) if isinstance(node, nodes.Reference)]
    _refuse([one.name for one in used], response.lost, response)
    for one in sorted(used, key=lambda node: node.at, reverse=True):
        if one.name in meant and body.startswith(one.name, one.at):
            body = body[: one.at] + meant[one.name] + body[one.at + len(one.name) :]
    return sign + body


def _refuse(used: list[str], lost: Any, response: Response) -> None:
    for name in used:
        if name in lost:
            raise NotConvertible(
                f"Its resultExpression uses `{name}`, which our result does not have. {response.instead}"
            )


def _check_uses(variable: str, response: Response, whole_model: str) -> None:
    gone = sorted({*response.lost, *response.renamed})
    for name in gone:
        if re.search(rf"\b{re.escape(variable)}\s*(?:\[[^\]]*\]\s*)?\.\s*{re.escape(name)}\b", whole_model):
            raise NotConvertible(
                f"The model uses {variable}.{name}, and our result has no such `{name}`. {response.instead}"
            )


def _check_errors(text: str) -> None:
    if not text.strip():
        return
    tree = parsed(text)
    if tree is None:
        raise NotConvertible("Its errorExpression is no FEEL. Correct it first: zeebe-mail feel shows where.")
    for node in walk(tree):
        members = _members_of_error(node)
        if "type" in members:
            raise NotConvertible(f"Its errorExpression asks for error.type, a Java class. {_IN_ANOTHER_WAY}.")
        if "code" in members:
            raise NotConvertible(
                "Its errorExpression asks for error.code, which that connector never gives and our tasks always do. "
                "Use our codes (docs/errors.md), or none."
            )
        if _compares(node) and any("message" in _members_of_error(one) for one in walk(node)):
            raise NotConvertible(
                f"Its errorExpression compares error.message, and our texts differ. {_IN_ANOTHER_WAY}."
            )


def _compares(node: Any) -> bool:
    return (isinstance(node, nodes.Call) and node.name in _MATCHERS) or isinstance(node, nodes.Comparison | nodes.In)


def _members_of_error(node: Any) -> set[str]:
    """`type` of `error.type` and of `response.error.type`."""
    if not isinstance(node, nodes.Access) or not isinstance(node.base, nodes.Reference):
        return set()
    path = [node.base.name, *(step.key for step in node.steps if isinstance(step, nodes.Property))]
    if path[:1] == ["response"]:
        path = path[1:]
    return {path[1]} if path[:1] == ["error"] and len(path) > 1 else set()
