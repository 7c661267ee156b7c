"""The base of what is said about a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from zeebe_mail.form import Part

_MAY_BE_EMPTY = frozenset({"text", "html", "markdown", "subject"})


class MailPart(Part):
    """Fields of a mail. What the Modeler leaves blank, or null, is not given; a text may be empty all the same."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {
            name: value for name, value in given.items() if value is not None and (value != "" or name in _MAY_BE_EMPTY)
        }
