"""Everything from which a mail may take bytes, and how many."""

from __future__ import annotations

from dataclasses import dataclass, field

from zeebe_mail.documents.budget import ByteBudget
from zeebe_mail.documents.downloads import Downloads
from zeebe_mail.documents.files import Files
from zeebe_mail.documents.template_files import TemplateFiles


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a mail's attachments, as they are before they are encoded."""

    one: int = 25 * 1024 * 1024
    together: int = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sources:
    """Where bytes come from besides the document store. Without settings there are no files and no URLs."""

    files: Files = field(default_factory=Files)
    downloads: Downloads = field(default_factory=Downloads)
    template_files: TemplateFiles = field(default_factory=TemplateFiles)
    limits: Limits = field(default_factory=Limits)
    budget: ByteBudget = field(default_factory=ByteBudget)
