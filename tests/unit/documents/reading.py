"""Reading a source to its end."""

from contextlib import AbstractAsyncContextManager

from zeebe_mail.documents.opened import Opened


async def content(source: AbstractAsyncContextManager[Opened]) -> bytes:
    """All bytes."""
    async with source as opened:
        return b"".join([chunk async for chunk in opened.chunks])
