"""One send as the ledger has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zeebe_mail.ledger.states import Resolution, State


@dataclass(frozen=True, slots=True)
class Key:
    """One job. Zeebe's keys are unique in one cluster only."""

    cluster: str
    tenant: str
    job: int


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be sent, for people and for comparison; nothing of what the mail says."""

    key: Key
    fingerprint: str
    """Stands for the inputs: another one is another mail."""
    token: str
    """What the Message-ID is made of; an attempt at the same mail keeps the first one's."""
    task_type: str
    process: str = ""
    element: str = ""
    process_instance_key: int = 0
    element_instance_key: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the ledger. Times are seconds since 1970 by the store's clock."""

    task: Task
    state: State
    owner: str
    """The process whose attempt is or was the last."""
    attempts: int
    unfinished: int
    """Attempts since the last that came to an end of its own."""
    failures: int
    created: float
    changed: float
    message_id: str | None = None
    receipt: Mapping[str, Any] | None = None
    """Who was accepted and refused, and the server's reply; before the reply what is known already."""
    result: Any = None
    """The task's result, as its process gets it."""
    resolution: Resolution | None = None
    resolved_by: str | None = None
    reason: str | None = None
    """Why it is in doubt, or what the last attempt failed with."""

    @property
    def is_sent(self) -> bool:
        """Whether the mail is out, as far as anybody knows."""
        return self.state in (State.SENT, State.COMPLETED) or self.resolution is Resolution.SENT


def as_seen(entry: Entry) -> dict[str, Any]:
    """An entry as JSON, for people and other programs."""
    task, key = entry.task, entry.task.key
    return {
        "jobKey": str(key.job),
        "cluster": key.cluster,
        "tenant": key.tenant,
        "state": entry.state.value,
        "messageId": entry.message_id,
        "created": moment(entry.created),
        "changed": moment(entry.changed),
        "attempts": entry.attempts,
        "reason": entry.reason,
        "resolution": entry.resolution.value if entry.resolution else None,
        "resolvedBy": entry.resolved_by,
        "receipt": entry.receipt,
        "taskType": task.task_type,
        "process": task.process,
        "element": task.element,
        "processInstanceKey": str(task.process_instance_key),
        "elementInstanceKey": str(task.element_instance_key),
        "owner": entry.owner,
        "fingerprint": task.fingerprint,
    }


def moment(seconds: float) -> str:
    """A time for people."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
