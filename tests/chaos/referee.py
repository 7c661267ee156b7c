"""What became of each job: the broker's records, the mail server's log and the ledger must tell one story."""

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from tests.chaos.mailbox import OTHERS_CHANGED, Mailbox
from tests.chaos.sink_process import SinkProcess
from tests.servers.records import Record, Records
from zeebe_mail.ledger.entry import Entry
from zeebe_mail.ledger.states import State
from zeebe_mail.ledger.store.store import Store

HANDED_OVER = frozenset(State) - {State.CLAIMED, State.FAILED_BEFORE_DATA}
IN_DOUBT = "OUTCOME_UNKNOWN"
LATE_S = 5.0
INPUTS_CHANGED = "INPUTS_CHANGED"


Post = SinkProcess | Mailbox


class Fate(Enum):
    """What became of a job, as the broker says."""

    COMPLETED = "completed"
    FAILED = "failed"
    HELD = "held"
    STUCK = "stuck"


@dataclass
class Truth:
    """All that is known when nothing moves any more. Jobs go by the number that they were started with."""

    fates: dict[int, Fate]
    incidents: dict[int, str]
    """The codes of those that failed or are held."""
    accepted: Counter[int]
    """How many mails of each job the server has."""
    entries: dict[int, Entry]
    faults: Sequence[dict[str, Any]]
    """What the mail server dealt."""
    reactivations: int
    times_s: list[float]
    contradictions: list[str] = field(default_factory=list)

    def of(self, fate: Fate) -> set[int]:
        return {job for job, its in self.fates.items() if its is fate}

    @property
    def lost(self) -> set[int]:
        return self.of(Fate.COMPLETED) - self.accepted.keys()

    @property
    def doubled(self) -> set[int]:
        return {job for job, times in self.accepted.items() if times > 1}

    @property
    def held_but_sent(self) -> set[int]:
        return self.of(Fate.HELD) & self.accepted.keys()

    def percentile_s(self, percent: int) -> float:
        if len(self.times_s) < 2:
            return sum(self.times_s)
        return statistics.quantiles(self.times_s, n=100, method="inclusive")[percent - 1]


def fates(records: Records, jobs: dict[int, int]) -> tuple[dict[int, Fate], dict[int, str]]:
    """What became of the jobs (process instance key → number), and the codes of open incidents."""
    found = dict.fromkeys(jobs.values(), Fate.STUCK)
    incidents: dict[int, str] = {}
    for record in _of(records, "INCIDENT", jobs):
        number = jobs[record["value"]["processInstanceKey"]]
        if record["intent"] == "CREATED":
            code = str(record["value"]["errorMessage"]).partition(":")[0]
            incidents[number] = code
            found[number] = Fate.HELD if code == IN_DOUBT else Fate.FAILED
        elif record["intent"] == "RESOLVED":
            incidents.pop(number, None)
            found[number] = Fate.STUCK
    for record in _of(records, "JOB", jobs):
        if record["intent"] == "COMPLETED":
            found[jobs[record["value"]["processInstanceKey"]]] = Fate.COMPLETED
    return found, incidents


def overslept(records: Records, jobs: dict[int, int]) -> int:
    """How many jobs the broker should have retried, or taken from a dead worker, long ago (camunda/camunda#16884)."""
    due: dict[int, float] = {}
    for record in records.all():
        value = record["value"]
        if record["valueType"] == "JOB_BATCH":
            activated = zip(value["jobKeys"], value["jobs"], strict=True)
            due |= {key: job["deadline"] for key, job in activated if job["processInstanceKey"] in jobs}
        elif record["valueType"] == "JOB" and value["processInstanceKey"] in jobs:
            due.pop(record["key"], None)
            if record["intent"] == "FAILED" and value["retries"]:
                due[record["key"]] = record["timestamp"] + value["retryBackoff"]
            elif record["intent"] == "TIMEOUT_UPDATED":
                due[record["key"]] = value["deadline"]
    return sum(at < (time.time() - LATE_S) * 1000 for at in due.values())


def truth(records: Records, jobs: dict[int, int], post: Post, ledger: Path) -> Truth:
    found, incidents = fates(records, jobs)
    kept = entries(ledger, jobs) if post.has_ledger else []
    result = Truth(
        fates=found,
        incidents=incidents,
        accepted=post.done(),
        entries={jobs[one.task.process_instance_key]: one for one in kept},
        faults=post.faults,
        reactivations=len({one["position"] for one in _of(records, "JOB", jobs) if one["intent"] == "TIMED_OUT"}),
        times_s=_times(records, jobs),
    )
    if isinstance(post, SinkProcess):
        result.contradictions += _contradictions(result, post.message_ids)
    elif result.accepted.pop(OTHERS_CHANGED, 0):
        result.contradictions.append("a message that no job was about is gone, moved or doubled")
    return result


def entries(ledger: Path, jobs: dict[int, int]) -> list[Entry]:
    store = Store.of(ledger)
    try:
        with store.transaction() as transaction:
            return [one for one in transaction.latest() if one.task.process_instance_key in jobs]
    finally:
        store.close()


def _contradictions(found: Truth, ids: dict[int, set[str]]) -> list[str]:
    """Where server, ledger and broker tell different stories."""
    wrong = []
    for job, fate in found.fates.items():
        if found.incidents.get(job) == INPUTS_CHANGED:
            continue  # the ledger's entry is of another mail: that is why
        entry = found.entries.get(job)
        state = entry.state if entry else None
        if job in found.accepted and (state not in HANDED_OVER or entry is None):
            wrong.append(f"the server has the mail of job {job}, the ledger says {state and state.value}")
        if entry and job in found.accepted and {entry.message_id} != ids[job]:
            wrong.append(f"job {job} was sent as {ids[job]}, the ledger says {entry.message_id}")
        if state in (State.SENT, State.COMPLETED) and job not in found.accepted:
            wrong.append(f"the ledger says that job {job} was sent, the server has no mail")
        if fate is Fate.FAILED and job in found.accepted:
            wrong.append(f"job {job} failed with {found.incidents.get(job)}, and its mail went out")
        # A worker that is killed right after it told the broker has not told the ledger.
        if fate is Fate.HELD and state not in (State.HELD, State.IN_DOUBT):
            wrong.append(f"job {job} is held, the ledger says {state and state.value}")
        if fate is Fate.COMPLETED and entry and not entry.is_sent:
            wrong.append(f"job {job} is completed, the ledger says {entry.state.value}")
    return wrong


def _times(records: Records, jobs: dict[int, int]) -> list[float]:
    created: dict[int, int] = {}
    completed: dict[int, int] = {}
    for record in _of(records, "JOB", jobs):
        if record["intent"] in ("CREATED", "COMPLETED"):
            times = created if record["intent"] == "CREATED" else completed
            times.setdefault(record["key"], record["timestamp"])
    return [(at - created[key]) / 1000 for key, at in completed.items() if key in created]


def _of(records: Records, value_type: str, jobs: dict[int, int]) -> list[Record]:
    return [one for one in records.all(value_type) if one["value"].get("processInstanceKey") in jobs]
