"""Text that mail servers and mails may hold and that JSON, UTF-8 and databases behind Zeebe may not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import structlog

log = structlog.get_logger(__name__)

UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def repaired(value: Any) -> Any:
    """The same data with NUL and lone surrogates replaced by U+FFFD, and numbers that are none by null.

    What was repaired is counted in a log line; its text is not shown.
    """
    repairs = _Repairs()
    result = repairs.of(value)
    if repairs.count:
        log.warning("result repaired", action="result_repaired", repairs=repairs.count)
    return result


class _Repairs:
    def __init__(self) -> None:
        self.count = 0

    def of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self.of(key): self.of(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, float) and not math.isfinite(value):
            self.count += 1
            return None
        return value

    def _text(self, text: str) -> str:
        fixed, count = UNWRITABLE.subn(REPLACEMENT, text)
        self.count += count
        return fixed
