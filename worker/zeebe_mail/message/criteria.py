"""What is searched for: the typed criteria of every search."""

from __future__ import annotations

from zeebe_mail.form import Part


class Criterion(Part):
    """A condition on a message; built from JSON by :func:`criterion`."""
