"""What an operation gets besides its session, for tests that need no more than that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from zeebe_mail.documents.sources import Sources
from zeebe_mail.documents.store import NoStore
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.pool import Pool
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.message.reader import Reader
from zeebe_mail.message.renderer import Renderer
from zeebe_mail.operations.base import Desk


def desk(**ports: Any) -> Desk:
    """A worker's desk as it is without any settings; ``ports`` replace some of it."""
    usual = Desk(
        sessions=Pool({}, Bulkhead()),
        documents=NoStore(),
        sources=Sources(),
        reader=Reader(),
        renderer=Renderer(),
        rails=GuardRails(),
    )
    return replace(usual, **ports)


@dataclass(frozen=True)
class OneSession:
    """Turns that always give the same session."""

    session: Any
    has_room: bool = True

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Any]:
        yield self.session
