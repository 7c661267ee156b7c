"""Names of fields, which count by the words in them: ``ReceivedTime``, ``received date`` and ``EmailReceivedDate``."""

from __future__ import annotations

FieldName = tuple[tuple[str, ...], ...]
"""The words that a name has, each in one of its forms, lower case."""

SIZE: FieldName = (("size",),)
FLAG: FieldName = (("flag",),)
BODY: FieldName = (("body",),)
FROM: FieldName = (("from",),)
HEADER: FieldName = (("header",),)
SUBJECT: FieldName = (("subject",),)
RECIPIENT: FieldName = (("recipient",),)
NUMBER: FieldName = (("message",), ("number",))
MESSAGE_ID: FieldName = (("message",), ("id",))
SENT: FieldName = (("sent",), ("date", "time"))
RECEIVED: FieldName = (("received",), ("date", "time"))


def is_named(written: str, field: FieldName) -> bool:
    """Whether a field is called so."""
    name = written.lower()
    return all(any(form in name for form in word) for word in field)
