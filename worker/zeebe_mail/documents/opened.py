"""Bytes that come in pieces, wherever they come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

CHUNK = 256 * 1024
"""Bytes that are read at once."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that is being read, and what it says of itself."""

    chunks: AsyncIterator[bytes]
    size: int | None = None
    """Bytes, where that is known before they come."""
    name: str | None = None
    """As the source has it; not yet safe."""
    content_type: str | None = None
    """As the source has it, with parameters; not yet checked."""


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    """Bytes that are there already."""
    yield content
