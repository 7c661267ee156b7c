"""What may be done with a send, each state being a type that offers the steps out of it and no others.

``claim`` gives a :class:`Claim`, a :class:`Stored` result or a :class:`Doubt`. A claim becomes a :class:`Handover`
before the final dot, and that is ended by what the server says.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from zeebe_mail.errors import InputsChanged, JobClaimed, JobLost, LedgerUnavailable
from zeebe_mail.ledger.addresses import Addresses
from zeebe_mail.ledger.entry import Entry, Key, Task
from zeebe_mail.ledger.states import Resolution, State
from zeebe_mail.ledger.store.store import Store, Transaction, as_text
from zeebe_mail.ledger.writer import Act, Refusal, Unwritten, Writer

log = structlog.get_logger(__name__)

ALIVE_S = 10.0
"""A process that the ledger has not heard of for so long is dead, or frozen: it writes every three seconds."""
HANDOVER_S = 660.0
"""How long a handed-over mail may wait for its answer: the ten minutes of RFC 5321, 4.5.3.2.6, and some."""
CLOCK_TOLERANCE_S = 10.0
"""How much later than ours another transaction may have begun that was committed before."""
LATER = timedelta(seconds=5)
DONE = (State.COMPLETED, State.FAILED_BEFORE_DATA, State.RESOLVED)
"""States of sends that need nobody any more."""
PURGE_INTERVAL_S = 60.0


class _Busy(Refusal):
    """Another run holds the send."""


class _Changed(Refusal):
    """Another mail went out under this key."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.state.value)
        self.entry = entry


class _Superseded(Refusal):
    """The send is no longer ours."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What the ledger keeps, and for how long after the last change."""

    lasts: timedelta = timedelta(days=90)
    hides_addresses: bool = False


class Ledger:
    """The record of sends that this process shares with all that use the same store."""

    def __init__(
        self, store: Store, *, claim_lasts: timedelta, retention: Retention | None = None, owner: str | None = None
    ) -> None:
        self.owner = owner or secrets.token_hex(8)
        self.duplicates_avoided = 0
        self.awaiting: dict[str, int] = {}
        """How many sends are in doubt and held, by state."""
        self._retention = retention or Retention()
        self._claim_s = claim_lasts.total_seconds()
        self._running: set[Key] = set()
        self._next_purge = 0.0
        self._writer = Writer(store, self.owner, chores=self._chores, siblings=lambda: len(self._running))

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    def close(self) -> None:
        """Write what is left and end."""
        self._writer.close()

    @property
    def fault(self) -> str:
        """Why nothing may be sent now; empty while all is well."""
        return self._writer.fault

    async def claim(self, task: Task) -> Claim | Stored | Doubt:
        """Begin an attempt, or learn why there must be none.

        Raises:
            JobClaimed: another attempt is not over.
            InputsChanged: the ledger has another mail under this key, which went out or may have.
            LedgerUnavailable: nobody can know.
        """
        if task.key in self._running:
            raise _claimed(task.key)
        if self.fault:
            raise _unavailable(self.fault)
        self._running.add(task.key)
        found: Claim | Stored | Doubt | None = None
        try:
            entry = await self._write(partial(self._claimed, task), undo=partial(self._released, task.key))
            found = self._found(task, entry)
            return found
        except _Busy as busy:
            raise _claimed(task.key) from busy
        except _Changed as changed:
            raise _inputs_changed(changed.entry) from changed
        finally:
            if not isinstance(found, Claim):
                self.over(task.key)

    def _found(self, task: Task, entry: Entry | None) -> Claim | Stored | Doubt:
        if entry is None:
            return Claim(self, task, unfinished=0, failures=0)
        if entry.state is State.CLAIMED:
            return Claim(self, entry.task, unfinished=entry.unfinished - 1, failures=entry.failures)
        if entry.is_sent:
            self.duplicates_avoided += 1
            return Stored(self, entry)
        return Doubt(self, entry.task, entry)

    # ── what the states' types call ──────────────────────────────────────────────────────────────────────────────

    async def step(self, key: Key, to: State, *, undo: State | None = None, owed: bool = False, **values: Any) -> None:
        """Go on to a state; durable when it returns.

        Raises:
            JobLost: the send is not ours any more.
            LedgerUnavailable: it was not written; what is ``owed`` is written later.
        """
        take_back = partial(_step, key, undo, self.owner, {}) if undo else None
        try:
            await self._write(partial(_step, key, to, self.owner, values), undo=take_back, owed=owed)
        except _Superseded as lost:
            raise JobLost(f"another worker has job {key.job} by now") from lost

    def note(self, key: Key, to: State, **values: Any) -> None:
        """The same without waiting for it."""
        self._writer.later(partial(_noted, key, to, self.owner, values))

    def completed(self, key: Key) -> None:
        """Note that Zeebe knows the result."""
        self.note(key, State.COMPLETED)

    def over(self, key: Key) -> None:
        """No attempt of this process runs any more."""
        self._running.discard(key)

    async def decide(self, key: Key, resolution: Resolution, *, by: str) -> None:
        """Resolve a doubt. Raises LedgerUnavailable; somebody else may have been faster, which changes nothing."""
        await self._write(lambda transaction: decided(transaction, key, resolution, by=by))

    async def _write(self, act: Act[Any], *, undo: Act[Any] | None = None, owed: bool = False) -> Any:
        try:
            return await self._writer.do(act, undo=undo, owed=owed)
        except Unwritten as error:
            raise _unavailable(str(error)) from error

    # ── in the writer's thread ───────────────────────────────────────────────────────────────────────────────────

    def _claimed(self, task: Task, transaction: Transaction) -> Entry | None:
        if transaction.add(task, owner=self.owner, lasts_s=self._claim_s):
            return None
        entry = transaction.find(task.key, lock=True)
        assert entry is not None
        match entry.state:
            case State.CLAIMED | State.DATA if self._is_alive(entry, transaction):
                raise _Busy
            case State.CLAIMED | State.FAILED_BEFORE_DATA:
                return transaction.claim(entry, task, owner=self.owner, lasts_s=self._claim_s)
            case State.RESOLVED if entry.resolution is Resolution.NOT_SENT:
                return transaction.claim(entry, task, owner=self.owner, lasts_s=self._claim_s)
        if entry.task.fingerprint != task.fingerprint:
            raise _Changed(entry)
        if entry.state is State.DATA:
            reason = "The worker that handed it over ended, or lost its connections, before it knew the answer."
            transaction.step(task.key, State.IN_DOUBT, reason=reason)
            return replace(entry, state=State.IN_DOUBT, reason=reason)
        return entry

    def _is_alive(self, entry: Entry, transaction: Transaction) -> bool:
        """Whether the attempt may still be running. What is further in the future than it can be is no time at all."""
        if entry.owner == self.owner:
            return False  # it would be among those that run
        longest_s = HANDOVER_S if entry.state is State.DATA else self._claim_s
        if not 0 < transaction.until(entry.task.key) - transaction.now <= longest_s + CLOCK_TOLERANCE_S:
            return False
        seen = transaction.seen(entry.owner)
        return seen is not None and abs(transaction.now - seen) < ALIVE_S

    def _released(self, key: Key, transaction: Transaction) -> None:
        """Nobody waited for a claim until it was there."""
        if key not in self._running:
            transaction.step(key, State.FAILED_BEFORE_DATA, by=self.owner)

    def _chores(self, transaction: Transaction) -> None:
        self.awaiting = transaction.doubts()
        if transaction.now >= self._next_purge:
            purged = transaction.purge(DONE, older_than_s=self._retention.lasts.total_seconds())
            self._next_purge = transaction.now + (PURGE_INTERVAL_S if not purged else 0)

    def addresses(self, key: Key) -> Addresses | None:
        """What hides addresses, where they are to be hidden."""
        return Addresses(f"{key.cluster}/{key.tenant}/{key.job}") if self._retention.hides_addresses else None


class Claim:
    """An attempt of ours, before the final dot."""

    def __init__(self, ledger: Ledger, task: Task, *, unfinished: int, failures: int) -> None:
        self._ledger = ledger
        self.task = task
        self.unfinished = unfinished
        """Earlier attempts that never came to an end."""
        self.failures = failures
        """Earlier attempts that failed."""

    async def data(self, *, message_id: str, receipt: Any, result: Any) -> Handover:
        """Make the hand-over durable: the final dot may be written after this, and not before.

        Args:
            receipt: what is known of it so far.
            result: what the process gets if it turns out that the mail went out and the answer is never known; None
                where that is the receipt.

        Raises:
            JobLost: another worker has the job; nothing may be sent.
            LedgerUnavailable: it is not durable; nothing may be sent.
        """
        hide = self._ledger.addresses(self.task.key)
        await self._ledger.step(
            self.task.key,
            State.DATA,
            undo=State.FAILED_BEFORE_DATA,
            lasts_s=HANDOVER_S,
            message_id=message_id,
            **_texts(hide, receipt, result),
        )
        return Handover(self._ledger, self.task)

    async def failed(self, *, ended: bool, failed: bool, reason: str) -> None:
        """Nothing was sent.

        Args:
            ended: whether the attempt came to an end of its own; else it counts as unfinished.
            failed: whether it counts as a failure.
        """
        await _failed(self._ledger, self.task.key, ended=ended, failed=failed, reason=reason)

    def abandoned(self) -> None:
        """Nothing was sent, and there is no time to wait until that is written."""
        self._ledger.note(self.task.key, State.FAILED_BEFORE_DATA)


class Handover:
    """The mail is with the server, but for the final dot or for the answer to it."""

    def __init__(self, ledger: Ledger, task: Task) -> None:
        self._ledger = ledger
        self.task = task

    async def sent(self, *, receipt: Any, result: Any) -> Delivered:
        """The server took it. What cannot be written now is written later."""
        delivered = Delivered(self._ledger, self.task)
        await delivered.told(receipt=receipt, result=result)
        return delivered

    async def refused(self, *, ended: bool, failed: bool, reason: str) -> None:
        """The server did not take it, or the dot was never written: nothing was sent."""
        await _failed(self._ledger, self.task.key, ended=ended, failed=failed, reason=reason)

    def withdrawn(self) -> None:
        """The final dot was not written, and there is no time to wait until that is recorded."""
        self._ledger.note(self.task.key, State.FAILED_BEFORE_DATA)

    def unknown(self, reason: str) -> Doubt:
        """The server's answer is lost."""
        self._ledger.note(self.task.key, State.IN_DOUBT, reason=reason)
        return Doubt(self._ledger, self.task)


class Delivered:
    """The server has the mail."""

    def __init__(self, ledger: Ledger, task: Task) -> None:
        self._ledger = ledger
        self.task = task

    async def told(self, *, receipt: Any, result: Any) -> None:
        """Record the result, also once more when there is more to tell."""
        hide = self._ledger.addresses(self.task.key)
        known = _texts(hide, receipt, result)
        try:
            await self._ledger.step(self.task.key, State.SENT, owed=True, unfinished=0, **known)
        except LedgerUnavailable as error:
            log.error("ledger could not record a mail that went out", action="ledger_owes", reason=error.message)
        except JobLost as lost:
            log.critical("a mail went out that another worker may send too", action="mail_twice", reason=str(lost))


class Stored:
    """The mail went out earlier: its job is completed with the result of then."""

    def __init__(self, ledger: Ledger, entry: Entry) -> None:
        self._ledger = ledger
        self.entry = entry

    def result(self, texts: Callable[[], Iterable[str]]) -> Any:
        """The task's result; addresses that were hidden come back from the job's own ``texts``."""
        hide = self._ledger.addresses(self.entry.task.key)
        return hide.restored(self.entry.result, texts()) if hide else self.entry.result


class Doubt:
    """A mail that went out or did not."""

    def __init__(self, ledger: Ledger, task: Task, entry: Entry | None = None) -> None:
        self._ledger = ledger
        self.task = task
        self.entry = entry
        """What an earlier attempt has left; None for a doubt of this one."""

    def held(self) -> None:
        """A person is shown it as an incident."""
        self._ledger.note(self.task.key, State.HELD)

    async def resolved(self, resolution: Resolution, *, by: str) -> None:
        """Decide it."""
        await self._ledger.decide(self.task.key, resolution, by=by)


def _texts(hide: Addresses | None, receipt: Any, result: Any) -> dict[str, Any]:
    told = {"receipt": receipt, "result": result}
    return {
        name: None if value is None else as_text(hide.hidden(value) if hide else value) for name, value in told.items()
    }


def decided(transaction: Transaction, key: Key, resolution: Resolution, *, by: str) -> bool:
    """Resolve a send that is in doubt; false where it is not. What the process gets then says so."""
    entry = transaction.find(key, lock=True)
    if entry is None:
        return False
    changed: dict[str, Any] = {}
    if resolution is Resolution.SENT and isinstance(entry.result, dict) and entry.result.get("response") == "":
        changed["result"] = as_text(entry.result | {"response": f"unknown; taken as sent: {by}"})
    return transaction.step(
        key, State.RESOLVED, resolution=resolution.value, resolved_by=by[:200], unfinished=0, **changed
    )


def _step(key: Key, to: State, owner: str, values: dict[str, Any], transaction: Transaction) -> None:
    if (lasts_s := values.get("lasts_s")) is not None:
        values = {name: value for name, value in values.items() if name != "lasts_s"}
        values["until"] = transaction.now + lasts_s
    if not transaction.step(key, to, by=owner, **values):
        raise _Superseded


def _noted(key: Key, to: State, owner: str, values: dict[str, Any], transaction: Transaction) -> None:
    transaction.step(key, to, by=None if to in (State.HELD, State.COMPLETED) else owner, **values)


async def _failed(ledger: Ledger, key: Key, *, ended: bool, failed: bool, reason: str) -> None:
    values: dict[str, Any] = {"failed": failed, "reason": reason}
    if ended:
        values["unfinished"] = 0
    try:
        await ledger.step(key, State.FAILED_BEFORE_DATA, owed=True, **values)
    except (JobLost, LedgerUnavailable) as error:
        log.info("end of an attempt not recorded", action="ledger_owes", job_key=key.job, reason=str(error))


def _claimed(key: Key) -> JobClaimed:
    return JobClaimed(f"Another run of job {key.job} is not over yet; this one sent nothing.", retry_after=LATER)


def _unavailable(reason: str) -> LedgerUnavailable:
    return LedgerUnavailable(f"The send ledger cannot be used ({reason}); nothing was sent.", retry_after=LATER)


def _inputs_changed(entry: Entry) -> InputsChanged:
    return InputsChanged(
        f"The ledger has a mail of job {entry.task.key.job} with other inputs, state {entry.state.value}; its "
        f"Message-ID is {entry.message_id}. This job's mail was not sent.",
        details={"messageId": entry.message_id, "state": entry.state.value},
    )
