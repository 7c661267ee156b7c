"""The words of a mail: what the task gives, else what its mail template says, finished for mail programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from zeebe_mail.errors import TemplateFailed
from zeebe_mail.message.renderer import Order, Renderer
from zeebe_mail.operations.composing.blanks import MailPart
from zeebe_mail.operations.composing.content import Content
from zeebe_mail.operations.composing.template import SOURCES
from zeebe_mail.operations.fields import Addresses, BodyText, HeaderText

Request = TypeVar("Request", bound=Content)

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
    """The request with all of its words, and without a template.

    Raises:
        TemplateError: there is no mail.
    """
    if _is_finished(request):
        return request
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
    words = _checked(await renderer.render(order))
    said = {name: getattr(words, name) for name in words.model_fields_set}
    return request.model_copy(update={"template": None, "markdown": None, "preheader": None, **said})


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
