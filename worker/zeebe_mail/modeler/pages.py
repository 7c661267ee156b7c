"""Pages of the documentation that the code knows better than anybody."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from zeebe_mail.errors import Retry, every_error
from zeebe_mail.modeler.element_template import slug_of
from zeebe_mail.modeler.meanings import meanings
from zeebe_mail.modeler.operation_page import GENERATED, operation_page
from zeebe_mail.operations.catalogue import catalogue
from zeebe_mail.settings import Settings, variables_of

RETRIES = {
    Retry.NEVER: "no: incident",
    Retry.LATER: "yes, after the back-off",
    Retry.FREE: "yes, without costing a retry",
}


def pages() -> Mapping[str, str]:
    """All generated pages, by file name below ``docs/``."""
    operations = {f"operations/{slug_of(one)}.md": operation_page(one) for one in catalogue().values()}
    return {"errors.md": errors_page(), "settings.md": settings_page(), **operations}


def errors_page() -> str:
    """Every error code: meaning, whether it is retried, what to do."""
    rows = [
        f"| `{error.code}` | {inspect.getdoc(error)} | {RETRIES[error.retry]} | {error.advice} |"
        for error in sorted(every_error(), key=lambda error: error.code)
    ]
    return "\n".join(
        [
            GENERATED,
            "# Errors",
            "",
            "A job that fails carries its code at the head of the message, and a local variable `error` with `code`,",
            "`message`, `type` and `details` (also as `variables`). Codes are stable. No error holds a password, a",
            "subject or a mail's text. A task may give an error another meaning, see [expressions](expressions.md);",
            "task types of other connectors keep theirs, see [compatibility](compatibility.md).",
            "",
            "| code | meaning | retried? | what to do |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def settings_page() -> str:
    """Every setting: its variables, default and meaning."""
    rows = []
    meaning = meanings(Settings)
    for name, field in Settings.model_fields.items():
        variables = ", ".join(f"`{variable}`" for variable in variables_of(name))
        rows.append(f"| {variables} | {_default(field.get_default(call_default_factory=True))} | {meaning[name]} |")
    return "\n".join(
        [
            GENERATED,
            "# Settings",
            "",
            "Environment variables. Where several are named, the first one that is set counts. Durations are seconds",
            "or ISO-8601. A variable that begins with `ZEEBE_MAIL_` and is not here, or a value that does not fit,",
            "ends the worker at start with a line that names it.",
            "",
            "| variable | default | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _default(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.0f} s"
    if isinstance(value, tuple):
        return f"`{', '.join(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
