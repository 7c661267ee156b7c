"""Addresses that get no mail any more: a file that others write to while the worker runs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from zeebe_mail.errors import SuppressionListUnreadable
from zeebe_mail.message.address_patterns import NO_ADDRESSES, AddressPatterns, PatternError

log = logging.getLogger(__name__)

_COMMENT = "#"
_TOLD = 20  # lines that a log line names at most

_Stamp = tuple[int, int, int]


class SuppressionList:
    """A file with an entry of ``AddressPatterns`` on each line; empty lines and those after a ``#`` say nothing.

    Who appends to it may be a program that takes its addresses from bounces, so a line that stands for no address does
    not hold up all mail: it is left out, and the log tells its number. Nobody can be written to at such an address.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: _Stamp | None = None
        self._patterns = NO_ADDRESSES

    def current(self) -> AddressPatterns:
        """The entries of now: the file is read again when it was changed or replaced.

        Raises:
            SuppressionListUnreadable: the file cannot be read; what it said before does not count any more.
        """
        try:
            # What is written after this look is seen by the next one.
            stamp = _stamp(self._file.stat())
            if stamp != self._stamp:
                self._patterns = self._read(self._file.read_text("utf-8-sig", "replace"))
                self._stamp = stamp
        except OSError as error:
            raise SuppressionListUnreadable(
                f"The list of denied recipients, {self._file}, cannot be read: {error.strerror}."
            ) from error
        return self._patterns

    def _read(self, text: str) -> AddressPatterns:
        lines = enumerate(map(str.strip, text.splitlines()), 1)
        entries = {number: entry for number, entry in lines if entry and not entry.startswith(_COMMENT)}
        try:
            return AddressPatterns.of(entries.values())
        except PatternError:
            wrong = {number: entry for number, entry in entries.items() if not _is_pattern(entry)}
        log.warning(
            "entries of the suppression list left out: no addresses",
            extra={"action": "suppression_entries_left_out", "file": str(self._file), "lines": [*wrong][:_TOLD]},
        )
        return AddressPatterns.of(entry for number, entry in entries.items() if number not in wrong)


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _is_pattern(entry: str) -> bool:
    try:
        AddressPatterns.of((entry,))
    except PatternError:
        return False
    return True
