"""No task holds one session while it waits for another: two such tasks could wait for each other for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.operations.smtp.correspondence import Correspondent, People, imap_at
from zeebe_mail.operations.base import Sessions

pytestmark = pytest.mark.live


@dataclass
class Watched:
    """Sessions, and how many of them each task has at once."""

    sessions: Sessions
    held: dict[Any, int] = field(default_factory=dict)
    leases: int = 0
    most: int = 0

    @asynccontextmanager
    async def lease(self, session_type: type[Any], server: Any, auth: Any) -> AsyncIterator[Any]:
        task = asyncio.current_task()
        self.leases += 1
        self.held[task] = self.held.get(task, 0) + 1
        self.most = max(self.most, self.held[task])
        try:
            async with self.sessions.lease(session_type, server, auth) as session:
                yield session
        finally:
            self.held[task] -= 1

    def has_room(self, server: Any) -> bool:
        return self.sessions.has_room(server)


async def test_no_task_holds_two(me: Correspondent, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = people.room.room.handler
    watched = Watched(handler._desk.sessions)
    monkeypatch.setattr(handler, "_desk", replace(handler._desk, sessions=watched))
    jane = people.new()
    me.put(f"From: {jane.address}\r\nMessage-ID: <q@x.test>\r\n\r\nHow are you?\r\n".encode())
    await me.run("smtp-reply", original="q@x.test", text="Fine.", saveToSent=True)
    await me.run("smtp-forward", original="q@x.test", to=jane.address, saveToSent=True)
    author = me.tasks.at(imap_at(me.tasks.server)).with_inputs()
    draft = await author.run("imap-draft-save", to=jane.address, text="x")
    await me.run("smtp-draft-send", draft=draft, saveToSent=True)
    assert (watched.most, watched.leases) == (1, 5 + 5 + 1 + 6)
