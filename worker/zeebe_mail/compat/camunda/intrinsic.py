"""What stands for a text: documents, and the intrinsic functions ``base64``, ``getText``, ``getJson``, ``createLink``.

``{"camunda.function.type": "getText", "params": [document, "utf-8"]}`` becomes the text of a document, and a document
reference where a text is expected the base64 of its content. Parameters may be functions again. Attachments are not
looked into: there a document is a document.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from zeebe_mail.compat.binding import DOCUMENT
from zeebe_mail.compat.durations import duration
from zeebe_mail.documents.reference import DocumentReference
from zeebe_mail.errors import ContractError
from zeebe_mail.feel import FeelError, compile_expression, to_json
from zeebe_mail.message.charsets import codec
from zeebe_mail.operations.base import Desk
from zeebe_mail.operations.composing.attachments import loaded
from zeebe_mail.operations.composing.sources import source

FUNCTION = "camunda.function.type"
MOST_FUNCTIONS = 10
"""Of one job."""

# The parts of an attachment that the element template writes beside it (since version 5) are read by nobody.
_OF_ATTACHMENTS = re.compile(r"attachments|.*_attachments_.*")


async def filled_in(variables: Mapping[str, Any], desk: Desk) -> Mapping[str, Any]:
    """The variables with texts in the place of documents and functions.

    Raises:
        ContractError: there is no such function, it cannot be computed, or there are too many.
        WorkerError: a document cannot be had.
    """
    filled: Mapping[str, Any] = await _Filling(desk).fill(variables)
    return filled


class _Filling:
    """One job's values; counts functions."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._left = MOST_FUNCTIONS
        self._functions: Mapping[str, Callable[[Sequence[Any]], Awaitable[Any]]] = {
            "base64": self._base64,
            "getText": self._text,
            "getJson": self._json,
            "createLink": self._link,
        }

    async def fill(self, value: Any) -> Any:
        if isinstance(value, list):
            return [await self.fill(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        if DOCUMENT in value:
            return _encoded(await self._content(value))
        if FUNCTION in value:
            return await self._computed(value)
        return {name: one if _OF_ATTACHMENTS.fullmatch(name) else await self.fill(one) for name, one in value.items()}

    async def _computed(self, call: Mapping[str, Any]) -> Any:
        name, given = call[FUNCTION], call.get("params")
        function = self._functions.get(name) if isinstance(name, str) else None
        if function is None:
            raise ContractError(f"No intrinsic function found with name: {name}")
        if self._left == 0:
            raise ContractError(f"More than {MOST_FUNCTIONS} intrinsic functions in one job")
        self._left -= 1
        if given is not None and not isinstance(given, list):
            raise ContractError(f"The params of intrinsic function {name} must be a list")
        return await function([await self._parameter(one) for one in given or ()])

    async def _parameter(self, value: Any) -> Any:
        """A parameter: a document stays one."""
        is_document = isinstance(value, Mapping) and DOCUMENT in value
        return value if is_document else await self.fill(value)

    async def _base64(self, given: Sequence[Any]) -> str:
        value = _required(given, "base64")
        if isinstance(value, str):
            return _encoded(value.encode("utf-8", "replace"))
        return _encoded(await self._content(_document(value, "base64")))

    async def _text(self, given: Sequence[Any]) -> str:
        content = await self._content(_document(_required(given, "getText"), "getText"))
        label = _optional(given, "getText") or "utf-8"
        known = codec(label)
        if known is None:
            raise ContractError(f"Intrinsic function getText: there is no charset {label}")
        return content.decode(known, "replace")

    async def _json(self, given: Sequence[Any]) -> Any:
        content = await self._content(_document(_required(given, "getJson"), "getJson"))
        expression = (_optional(given, "getJson") or "").strip().removeprefix("=")
        try:
            parsed = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ContractError("Failed to parse document as JSON") from error
        if not isinstance(parsed, Mapping):
            raise ContractError("Failed to parse document as JSON: it is no object")
        if not expression:
            return parsed
        try:
            compiled = compile_expression(expression)
            return to_json((await asyncio.to_thread(compiled.evaluate, parsed)).value)
        except FeelError as error:
            raise ContractError(f"Intrinsic function getJson: {error}") from error

    async def _link(self, given: Sequence[Any]) -> str:
        document = _document(_required(given, "createLink"), "createLink")
        if document.get(DOCUMENT) != "camunda":
            raise ContractError("Intrinsic function createLink needs a document of the document store")
        try:
            reference = DocumentReference.of(document)
        except ValueError as error:
            raise ContractError(f"The document {error}") from error
        return await self._desk.documents.link(reference, valid_for=_time_to_live(given))

    async def _content(self, document: Mapping[str, Any]) -> bytes:
        try:
            where = source(document)
        except ValueError as error:
            raise ContractError(f"The document {error}") from error
        async with loaded((where,), self._desk) as (part,):
            return part.data


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _required(given: Sequence[Any], name: str) -> Any:
    if not given or given[0] is None:
        raise ContractError(f"Intrinsic function {name}: Parameter at index 0 is required but not provided")
    return given[0]


def _optional(given: Sequence[Any], name: str) -> str | None:
    value = given[1] if len(given) > 1 else None
    if value is not None and not isinstance(value, str):
        raise ContractError(f"Intrinsic function {name}: the parameter at index 1 must be text")
    return value


def _document(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or DOCUMENT not in value:
        raise ContractError(f"Intrinsic function {name} needs a document")
    return value


def _time_to_live(given: Sequence[Any]) -> timedelta | None:
    text = _optional(given, "createLink")
    if text is None:
        return None
    found = duration(text)
    if found is None or found <= timedelta():
        raise ContractError(f"Intrinsic function createLink: {text} is no duration such as PT1H")
    return found
