"""References to documents as Camunda writes them: ``{"camunda.document.type": "camunda", "documentId": …}``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from zeebe_mail.errors import DocumentChanged

TYPE = "camunda.document.type"

_ID = re.compile(r"[!-~]{1,500}")
_SHA_256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """One document in a store."""

    document_id: str
    store_id: str | None = None
    content_hash: str | None = None
    """SHA-256 in hexadecimal, as all stores of Camunda give it; others are left to the store."""
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    expires_at: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> DocumentReference:
        """Read one; members that are not known do not matter.

        Raises:
            ValueError: it has no usable ``documentId``, or a member is of another kind.
        """
        metadata = given.get("metadata") or {}
        if not isinstance(metadata, Mapping):
            raise ValueError("has `metadata` that is no context")
        document_id = _text(given, "documentId")
        if document_id is None or not _ID.fullmatch(document_id) or document_id in (".", ".."):
            raise ValueError("must have a `documentId`, as the document store gave it")
        size = metadata.get("size")
        return cls(
            document_id=document_id,
            store_id=_text(given, "storeId"),
            content_hash=_text(given, "contentHash"),
            name=_text(metadata, "fileName"),
            content_type=_text(metadata, "contentType"),
            size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
            expires_at=_text(metadata, "expiresAt"),
        )

    def __str__(self) -> str:
        where = f' of store "{self.store_id}"' if self.store_id else ""
        return f'Document "{self.document_id}"{where}'


def reference_to(
    content: bytes, *, store_id: str, document_id: str, name: str | None, content_type: str
) -> dict[str, Any]:
    """What a process variable holds instead of these bytes."""
    return {
        TYPE: "camunda",
        "storeId": store_id,
        "documentId": document_id,
        "contentHash": hashlib.sha256(content).hexdigest(),
        "metadata": {"contentType": content_type, "size": len(content), **({"fileName": name} if name else {})},
    }


async def verified(chunks: AsyncIterator[bytes], reference: DocumentReference) -> AsyncIterator[bytes]:
    """The same pieces, once they are known to be those that the reference stands for.

    Raises:
        DocumentChanged: in the end, or as soon as there are too many bytes.
    """
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        if reference.size is not None and size > reference.size:
            raise DocumentChanged(f"{reference} has more than the {reference.size} bytes that its reference says.")
        yield chunk
    if reference.size is not None and size < reference.size:
        raise DocumentChanged(f"{reference} has {size} bytes instead of the {reference.size} that its reference says.")
    expected = reference.content_hash
    if expected and _SHA_256.fullmatch(expected) and digest.hexdigest() != expected.lower():
        raise DocumentChanged(f"{reference} has other content than its reference: the SHA-256 is not its contentHash.")


def _text(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"has a `{name}` that is no text")
    return value
