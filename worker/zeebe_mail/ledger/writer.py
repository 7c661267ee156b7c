"""Group commit: one thread writes for all jobs, and what comes while it waits for the disk goes together."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from zeebe_mail.ledger.store.store import Store, StoreRefused, StoreUnavailable, Transaction

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Act = Callable[[Transaction], Result]

PATIENCE_S = 15.0
"""How long a job waits for its line in the ledger before it is handed back."""
BEAT_S = 3.0
UNHURRIED_S = 1.0
"""How long what nobody waits for may wait for company."""
AT_ONCE = 256
COMMIT_SIBLINGS, COMMIT_DELAY_S = 8, 0.004
"""With so many attempts under way, a commit waits so long for others to come along (as in PostgreSQL)."""
OWED_AT_MOST = 100_000


class Unwritten(Exception):
    """It was not written: the ledger cannot be used now."""


class Refusal(Exception):
    """What an act says instead of a result. It must not have written anything."""


@dataclass(slots=True)
class _Work(Generic[Result]):
    act: Act[Result]
    future: asyncio.Future[Result] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    undo: Act[Any] | None = None
    """Takes it back when nobody waited for it until it was written."""
    owed: bool = False
    """Whether it is true whatever becomes of it, and so is written when the ledger can be used again."""

    @property
    def abandoned(self) -> bool:
        return not self.owed and self.future is not None and self.future.cancelled()


class Writer:
    """The thread that writes, and the state of the ledger as it finds it."""

    def __init__(self, store: Store, owner: str, *, chores: Act[None], siblings: Callable[[], int]) -> None:
        """``owner`` is this process, ``chores`` are done every few seconds, ``siblings`` counts running attempts."""
        self._store = store
        self._owner = owner
        self._chores = chores
        self._siblings = siblings
        self._queue: queue.SimpleQueue[_Work[Any] | None] = queue.SimpleQueue()
        self._owed: deque[_Work[Any]] = deque()
        self._next_beat = 0.0
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self.fault = "it has not been opened yet"
        """Why nothing may be sent now; empty while all is well."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Write what is left, as far as that is possible, and end."""
        self._queue.put(None)
        self._thread.join(PATIENCE_S)

    async def do(self, act: Act[Result], *, undo: Act[Any] | None = None, owed: bool = False) -> Result:
        """Do it and wait until it is durable.

        Raises:
            Unwritten: it was not done, in time or at all.
            Refusal: what ``act`` said.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._queue.put(_Work(act, future, loop, undo, owed))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await future
        except TimeoutError:
            raise Unwritten("the ledger does not answer") from None

    def later(self, act: Act[Any]) -> None:
        """Do it within a second, before anything that is asked for later; nobody waits for it."""
        self._owed.append(_Work(act, owed=True))

    # ── in the thread ────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._next_batch()
            self._write([*self._take_owed(), *batch])
        with suppress(StoreUnavailable, StoreRefused), self._store.transaction() as transaction:
            transaction.leave(self._owner)
        self._store.close()

    def _take_owed(self) -> list[_Work[Any]]:
        return [self._owed.popleft() for _ in range(len(self._owed))]

    def _next_batch(self) -> tuple[list[_Work[Any]], bool]:
        batch: list[_Work[Any]] = []
        with suppress(queue.Empty):
            work = self._queue.get(timeout=min(max(self._next_beat - time.monotonic(), 0.0), UNHURRIED_S))
            if self._siblings() >= COMMIT_SIBLINGS:
                time.sleep(COMMIT_DELAY_S)
            while work is not None:
                batch.append(work)
                if len(batch) == AT_ONCE:
                    return batch, True
                work = self._queue.get_nowait()
            return batch, False
        return batch, True

    def _write(self, works: list[_Work[Any]]) -> None:
        works = [work for work in works if not work.abandoned]
        if not works and time.monotonic() < self._next_beat:
            return
        try:
            results = self._written(works)
        except StoreUnavailable as error:
            self._failed(works, error)
        except StoreRefused as error:
            self._apart(works, error)
        except Exception as bug:
            log.error("ledger hit a bug", action="ledger_bug", exc_info=bug)
            self._apart(works, StoreRefused(type(bug).__name__))
        else:
            self._deliver(works, results)
            self._well()

    def _written(self, works: list[_Work[Any]]) -> list[Any]:
        beats = time.monotonic() >= self._next_beat
        if beats:
            self._next_beat = time.monotonic() + BEAT_S  # also after a failure, which must not be tried without a pause
        with self._store.transaction() as transaction:
            results = [_result(work, transaction) for work in works]
            if beats:
                transaction.beat(self._owner)
                self._chores(transaction)
        return results

    def _failed(self, works: list[_Work[Any]], error: StoreUnavailable) -> None:
        owed = [work for work in works if work.owed]
        if error.full and owed and self._store.use_reserve():
            self._ill(str(error))
            self._give_back([work for work in works if not work.owed], error)
            self._write(owed)
            return
        self._ill(str(error))
        self._give_back(works, error)

    def _give_back(self, works: list[_Work[Any]], error: Exception) -> None:
        for work in works:
            if work.owed and len(self._owed) < OWED_AT_MOST:
                self._owed.append(_Work(work.act, owed=True))
        self._deliver(works, [_Raised(Unwritten(str(error)))] * len(works))

    def _apart(self, works: list[_Work[Any]], error: StoreRefused) -> None:
        """One of them spoils the transaction for all."""
        if len(works) > 1:
            for work in works:
                self._write([work])
            return
        log.error("ledger refused a line", action="ledger_refused", reason=str(error))
        self._deliver(works, [_Raised(Unwritten(str(error)))] * len(works))

    def _deliver(self, works: list[_Work[Any]], results: list[Any]) -> None:
        loops: dict[asyncio.AbstractEventLoop, list[tuple[_Work[Any], Any]]] = {}
        for work, result in zip(works, results, strict=True):
            if work.future is not None and work.future.cancelled():
                # Here and now: the next thing that its job asks for may be waiting already.
                self._take_back(work, result)
            elif work.loop is not None:
                loops.setdefault(work.loop, []).append((work, result))
        for loop, pairs in loops.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(partial(self._tell, pairs))

    def _take_back(self, work: _Work[Any], result: Any) -> None:
        if work.undo is not None and not isinstance(result, _Raised):
            self.later(work.undo)

    def _well(self) -> None:
        if not self.fault:
            return
        if not self._store.reserve():
            self._ill("the disk is nearly full: there is no room for what must be written when it is full")
            return
        log.info("ledger is usable", action="ledger_up", ledger=self._store.name)
        self.fault = ""

    def _ill(self, reason: str) -> None:
        if self.fault != reason:
            log.error("ledger is not usable, so nothing is sent", action="ledger_down", reason=reason)
        self.fault = reason

    # ── in the loop ──────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, pairs: list[tuple[_Work[Any], Any]]) -> None:
        for work, result in pairs:
            future = work.future
            assert future is not None
            if future.done():
                self._take_back(work, result)
            elif isinstance(result, _Raised):
                future.set_exception(result.error)
            else:
                future.set_result(result)


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


def _result(work: _Work[Any], transaction: Transaction) -> Any:
    try:
        return work.act(transaction)
    except Refusal as refusal:
        return _Raised(refusal)
