"""All operations, by task type."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from zeebe_mail import operations
from zeebe_mail.operations.base import Operation


def catalogue() -> Mapping[str, Operation]:
    """Find every operation, such as ``operations/<protocol>/<verb>.py``; a new file is a new entry."""
    found = {}
    for module in pkgutil.walk_packages(operations.__path__, operations.__name__ + "."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, Operation):
                found[thing.task_type] = thing
    return found
