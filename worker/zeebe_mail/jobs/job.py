"""What Zeebe hands us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One activated job. ``deadline_ms`` is the broker's clock, milliseconds since 1970."""

    key: int
    type: str
    variables: Mapping[str, Any]
    headers: Mapping[str, str]
    retries: int
    deadline_ms: int
    process_instance_key: int = 0
    element_instance_key: int = 0
    bpmn_process_id: str = ""
    element_id: str = ""
    tenant_id: str = ""
    fault: str = ""
    """Why the job cannot be read; its variables and headers are empty then."""
