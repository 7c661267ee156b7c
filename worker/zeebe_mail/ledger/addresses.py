"""Addresses that the ledger is not to know: each is replaced by a hash that only its own job can turn back."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

_ADDRESS = re.compile(r"""[^\s"<>()\[\],;:@]+@[^\s"<>()\[\],;:@]+""")
_HIDDEN = re.compile(r"sha256:[0-9a-f]{24}")


class Addresses:
    """Hides the addresses of one job, and shows them again to whoever knows them anyway."""

    def __init__(self, salt: str) -> None:
        """``salt`` is different for each job, so that one person has not the same hash everywhere."""
        self._salt = salt

    def hidden(self, value: Any) -> Any:
        """The same data with each address replaced. A Message-ID is no address."""
        return _mapped(value, lambda text: _ADDRESS.sub(lambda found: self._hash(found[0]), text))

    def restored(self, value: Any, known: Iterable[str]) -> Any:
        """The same data with those addresses back that stand in ``known`` texts."""
        names = {self._hash(found): found for text in known for found in _ADDRESS.findall(text)}
        return _mapped(value, lambda text: _HIDDEN.sub(lambda found: names.get(found[0], found[0]), text))

    def _hash(self, address: str) -> str:
        return f"sha256:{hashlib.sha256(f'{self._salt}/{address}'.encode(errors='replace')).hexdigest()[:24]}"


def _mapped(value: Any, change: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return value if name == "messageId" else change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, change, key) for key, item in value.items()}
    return [_mapped(item, change, name) for item in value] if isinstance(value, list | tuple) else value
