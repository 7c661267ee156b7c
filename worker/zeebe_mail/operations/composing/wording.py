"""The words of a mail: what the task gives, else what its mail template says, finished for mail programs.

With them come the files that the template brings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import TypeVar

import structlog
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from zeebe_mail.errors import InputError, TemplateFailed, TemplateLimit
from zeebe_mail.message.inline_parts import references
from zeebe_mail.message.preheader import with_preheader
from zeebe_mail.message.renderer import Order, Rendered, Renderer
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.content import Content
from zeebe_mail.operations.composing.off_loop import off_loop
from zeebe_mail.operations.composing.sources import Source, TemplateFile
from zeebe_mail.operations.composing.template import SOURCES
from zeebe_mail.operations.fields import Addresses, BodyText, HeaderText

Request = TypeVar("Request", bound=Content)

log = structlog.get_logger(__name__)

FINISHED_LIMIT = 2_000_000
"""Characters of a task's own HTML that are read to make a text of it and to write its styles into its elements."""

_TEXTS = ("text", "html", "markdown", "preheader")
_STYLE = re.compile("<style", re.IGNORECASE)


class _Words(MailPart):
    """What comes out of a template: checked as if the task had given it."""

    to: Addresses = ()
    cc: Addresses = ()
    bcc: Addresses = ()
    reply_to: Addresses = ()
    subject: HeaderText | None = None
    text: BodyText | None = None
    html: BodyText | None = None


async def worded(request: Request, renderer: Renderer) -> Request:
    """The request with all of its words and the template's files, and without a template.

    Raises:
        InputError: there is a preview line, and no HTML that could have it.
        TemplateError: there is no mail.
    """
    if _is_finished(request):
        finished = request
    elif request.html is None:
        finished = await _filled_in(request, renderer)
    else:
        finished = await _with_own_html(request, request.html, renderer)
    if finished.html is None:
        _require_no_preheader(request)
    return finished


async def _with_own_html(request: Request, html: str, renderer: Renderer) -> Request:
    """The same, its HTML finished for mail programs where that can be done: no mail fails for it that is written."""
    reason = f"it has more than {FINISHED_LIMIT} characters"
    if len(html) <= FINISHED_LIMIT:
        try:
            return await _filled_in(request, renderer)
        except (TemplateLimit, TemplateFailed) as trouble:
            reason = trouble.message
    log.warning("HTML left as it was written", action="html_left_as_written", characters=len(html), reason=reason)
    left = request.model_copy(update={"text_from_html": False, "inline_styles": False})
    if request.template is not None:
        return await _filled_in(left, renderer)
    return left.model_copy(update={"html": with_preheader(html, request.preheader or ""), "preheader": None})


async def _filled_in(request: Request, renderer: Renderer) -> Request:
    template = request.template
    given = [name for name in SOURCES if name in request.model_fields_set or name not in type(request).model_fields]
    texts = {name: text for name in _TEXTS if (text := getattr(request, name)) is not None}
    order = Order(
        name=template.name if template else None,
        sources=template.sources if template else {},
        variables=template.variables if template else {},
        locale=template.locale if template else None,
        given=tuple(map(to_camel, given)),
        texts=texts,
        text_from_html=request.text_from_html,
        inline_styles=request.inline_styles,
    )
    rendered = await renderer.render(order)
    words = _checked(rendered.fields)
    said = {name: getattr(words, name) for name in words.model_fields_set}
    files = {"attachments": (*request.attachments, *await _files(rendered, request))}
    return request.model_copy(update={"template": None, "markdown": None, "preheader": None, **said, **files})


async def _files(rendered: Rendered, request: Content) -> list[Source]:
    """The template's attachments, and the pictures that its HTML shows.

    HTML of the task shows the task's own, and a picture to which the task gives the same `contentId` replaces the
    template's.

    Raises:
        TemplateFailed: a picture's name cannot be put into a mail.
    """
    html = rendered.fields.get("html", "") if rendered.pictures and request.html is None else ""
    shown = await off_loop(len(html), partial(references, html))
    wanted = set(shown) - {source.content_id for source in request.attachments}
    named = ((path, PurePosixPath(path).name) for path in rendered.pictures)
    pictures = [_picture(path, name) for path, name in named if name in wanted]
    return [*pictures, *(TemplateFile(path=path) for path in rendered.attachments)]


def _picture(path: str, name: str) -> TemplateFile:
    try:
        return TemplateFile(path=path, content_id=name, inline=True)
    except ValidationError as error:
        raise TemplateFailed(
            f'The mail template\'s HTML cannot show "{path}" by its name: names of pictures have letters, digits '
            "and signs such as . - _, all ASCII, and no spaces."
        ) from error


def _require_no_preheader(request: Content) -> None:
    """Pass when the task gives no preview line; a file of the directory is only for languages that have HTML.

    Raises:
        InputError: names it.
    """
    brought = request.template.preheader if request.template else None
    if request.preheader or brought:
        field = "request.preheader" if request.preheader else "request.template.preheader"
        raise InputError(
            f"`{field}` is a line that only HTML can have, and the mail has none: give `html` or `markdown` as well, "
            "or leave it out."
        )


def _is_finished(request: Content) -> bool:
    """Whether there is nothing to do that needs a child process."""
    if request.template is not None or request.markdown is not None:
        return False
    if request.html is None:
        return True
    makes_text = request.text is None and request.text_from_html
    has_styles = request.inline_styles and _STYLE.search(request.html)
    return not (makes_text or has_styles or request.preheader)


def _checked(fields: Mapping[str, str]) -> _Words:
    """What the template says, if it can be sent.

    Raises:
        TemplateFailed: it cannot.
    """
    lines = {name: text if name in _TEXTS else text.strip() for name, text in fields.items()}
    try:
        return _Words.model_validate(lines)
    except ValidationError as error:
        finding = error.errors(include_input=False, include_url=False)[0]
    name, problem = finding["loc"][0], str(finding["msg"]).removeprefix("Value error, ")
    raise TemplateFailed(f"What the mail template says as `{name}` cannot be used: {problem}.", details={"field": name})
