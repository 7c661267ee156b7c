"""Documents that a result expression creates: ``{report: createDocument(…)}``.

An expression is evaluated in one go and touches nothing outside. So ``createDocument`` leaves a mark, and what is
marked is uploaded afterwards and replaced by its reference.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Any

from zeebe_mail.documents.store import DocumentStore
from zeebe_mail.errors import ExpressionFailed
from zeebe_mail.feel import EvaluationError

MARK = f"zeebe-mail.document.{secrets.token_hex(8)}"
"""Nobody who writes an expression or a mail knows this name, so nobody can forge a mark."""

MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(?:; ?[A-Za-z0-9!#$&^_.+-]+=[A-Za-z0-9!#$&^_.+-]+)*"
)
DEFAULT_NAME = "document"
DEFAULT_TYPE = "application/octet-stream"


def marked(value: Any) -> dict[str, Any]:
    """The mark for a document: of base64 text, or of ``{content, name, contentType}``.

    ``data`` for ``content`` and ``fileName`` for ``name`` count too. Raises EvaluationError where there is no content.
    """
    given = dict(value) if isinstance(value, Mapping) else {"content": value}
    content = given.get("content") or given.get("data") or ""
    if not isinstance(content, str):
        raise EvaluationError("Function 'createDocument': content must be base64 text.")
    name = given.get("name") or given.get("fileName") or DEFAULT_NAME
    content_type = given.get("contentType") or DEFAULT_TYPE
    if not isinstance(name, str) or not name.isprintable():
        raise EvaluationError("Function 'createDocument': name must be text without control characters.")
    if not isinstance(content_type, str) or not MEDIA_TYPE.fullmatch(content_type):
        raise EvaluationError("Function 'createDocument': contentType must be as in text/plain.")
    return {MARK: {"content": content, "name": name, "contentType": content_type}}


def outlined(value: Any) -> Any:
    """The same data with each mark replaced by something about as long as its reference will be."""
    if isinstance(value, Mapping):
        return "…" * 400 if MARK in value else {key: outlined(item) for key, item in value.items()}
    return [outlined(item) for item in value] if isinstance(value, list) else value


def announced(value: Any) -> Any:
    """The same data with each mark replaced by what would be kept, but for the content."""
    if isinstance(value, Mapping):
        asked = value.get(MARK)
        if isinstance(asked, Mapping):
            return {"createDocument": {name: asked.get(name) for name in ("name", "contentType")}}
        return {key: announced(item) for key, item in value.items()}
    return [announced(item) for item in value] if isinstance(value, list) else value


async def stored(value: Any, store: DocumentStore) -> Any:
    """The same data with each mark uploaded and replaced by its reference.

    Raises:
        ExpressionFailed: a content is not base64, or the mark is the whole value instead of a field of it.
        DocumentError: a document was not kept.
    """
    if isinstance(value, Mapping) and MARK in value:
        raise ExpressionFailed("createDocument must be the value of a field, as in {report: createDocument(…)}.")
    return await _stored(value, store)


async def _stored(value: Any, store: DocumentStore) -> Any:
    if isinstance(value, Mapping):
        if MARK in value:
            asked = value[MARK]
            if not isinstance(asked, Mapping):
                raise ExpressionFailed("createDocument was taken apart; use its value as it is.")
            return await store.create(_decoded(asked["content"]), name=asked["name"], content_type=asked["contentType"])
        return {key: await _stored(item, store) for key, item in value.items()}
    if isinstance(value, list):
        return [await _stored(item, store) for item in value]
    return value


def _decoded(content: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ExpressionFailed("createDocument: content must be base64 text.") from error
