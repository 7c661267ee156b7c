"""What Zeebe is told about a job. Outcomes are data; the host sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

MESSAGE_LIMIT = 10_000  # characters; the broker cuts longer error messages


@dataclass(frozen=True, slots=True)
class Complete:
    """The job is done; ``variables`` are merged into the process."""

    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThrowError:
    """A BPMN error that a boundary event may catch."""

    code: str
    message: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fail:
    """The job failed. ``retries`` is the new absolute number: 0 makes an incident, the same number costs nothing."""

    message: str
    retries: int
    backoff: timedelta = timedelta()
    variables: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """The job is no longer ours: Zeebe is told nothing."""

    reason: str


Outcome = Complete | ThrowError | Fail | Drop
