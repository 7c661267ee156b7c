"""The child process that fills in mail templates: ``python -m zeebe_mail.message.rendering`` (see ``renderer``).

The question is an order, the answer the texts of a mail and the paths of its template's files, or the fault that there
is, each as JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from zeebe_mail.message.mail_html import html_of_markdown, page, text_of_html, with_inline_styles
from zeebe_mail.message.preheader import with_preheader
from zeebe_mail.message.render import FIELDS, OUTPUT_LIMIT, Copy, Fault, Templates
from zeebe_mail.message.serving import serve


def _answer(templates: Templates, question: bytes) -> bytes:
    try:
        said: Mapping[str, Any] = _mail(templates, json.loads(question))
    except Fault as fault:
        said = {"fault": fault.said}
    return json.dumps(said).encode()


def _mail(templates: Templates, order: Mapping[str, Any]) -> dict[str, Any]:
    """The texts of a mail, and what its template brings with them.

    Raises:
        Fault: there is no mail.
    """
    copy = _copy(templates, order)
    fields = _filled(copy, order["variables"], order["texts"], wanted=frozenset(FIELDS) - set(order["given"]))
    _finish(fields, order, copy.language)
    if _size(fields) - _size(order["texts"]) > OUTPUT_LIMIT:
        raise Fault("limit", reason=f"it gives more than {OUTPUT_LIMIT} bytes", place=None)
    return {"fields": fields, "attachments": copy.attachments, "pictures": copy.pictures}


def _size(texts: Mapping[str, str]) -> int:
    return sum(len(text.encode(errors="surrogatepass")) for text in texts.values())


def _copy(templates: Templates, order: Mapping[str, Any]) -> Copy:
    if order["name"] is not None:
        return templates.named(order["name"], order["locale"])
    return templates.inline(order["sources"], order["locale"])


def _filled(
    copy: Copy, variables: Mapping[str, Any], texts: Mapping[str, str], *, wanted: frozenset[str]
) -> dict[str, str]:
    """The template's fields that are wanted, and the task's own. HTML may have a place for Markdown."""
    if "html" in texts:
        wanted -= {"markdown"}
    fields = {
        field: copy.fill(field, variables) for field in FIELDS if field in copy.fields & wanted and field != "html"
    } | dict(texts)
    markdown = fields.get("markdown")
    if "html" in copy.fields & wanted:
        content = {} if markdown is None else {"markdown": Markup(html_of_markdown(markdown))}  # noqa: S704 - ours
        fields["html"] = copy.fill("html", {**variables, **content})
    return fields


def _finish(fields: dict[str, str], order: Mapping[str, Any], language: str | None) -> None:
    """Make the bodies what mail programs need."""
    markdown, preheader = fields.pop("markdown", None), fields.pop("preheader", None)
    if markdown is not None and "html" not in fields:
        fields["html"] = page(html_of_markdown(markdown), language)
    if "html" not in fields:
        return
    if order["inlineStyles"]:
        fields["html"] = with_inline_styles(fields["html"])
    if order["textFromHtml"] and "text" not in fields and (text := text_of_html(fields["html"])):
        fields["text"] = text
    fields["html"] = with_preheader(fields["html"], preheader or "")


if __name__ == "__main__":
    serve(partial(_answer, Templates(Path(sys.argv[3]) if sys.argv[3:] else None)))
