"""Fills in mail templates, and finishes HTML, in child processes that can be killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from zeebe_mail.errors import (
    InternalError,
    TemplateError,
    TemplateFailed,
    TemplateInvalid,
    TemplateLimit,
    TemplateNotFound,
    TemplateVariableUnknown,
)
from zeebe_mail.message.child import ChildFailed, Children, Failure, Limits

_MODULE = "zeebe_mail.message.rendering"


@dataclass(frozen=True, slots=True)
class RenderingLimits(Limits):
    """What one mail may cost."""

    memory_bytes: int = 256 * 1024 * 1024
    cpu: timedelta = timedelta(seconds=2)
    wall: timedelta = timedelta(seconds=20)
    answer_bytes: int = 64 * 1024 * 1024  # 5 MB of characters that JSON writes in up to 12 bytes


DEFAULT_LIMITS = RenderingLimits()


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be written. Names of fields are those of a template: ``subject``, ``replyTo`` and so on."""

    name: str | None = None
    """A template of the directory, instead of ``sources``."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Jinja texts by field."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    locale: str | None = None
    given: tuple[str, ...] = ()
    """Fields that are not wanted of the template."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Of these, the finished ``text``, ``html``, ``markdown`` and ``preheader``."""
    text_from_html: bool = True
    inline_styles: bool = True

    @property
    def has_template(self) -> bool:
        """Whether there is something to fill in."""
        return self.name is not None or bool(self.sources)

    @property
    def subject(self) -> str:
        """What errors speak of."""
        return "The mail template" if self.has_template else "The Markdown" if "markdown" in self.texts else "The HTML"

    def as_json(self) -> bytes:
        """As the child reads it."""
        return json.dumps(
            {
                "name": self.name,
                "sources": dict(self.sources),
                "variables": dict(self.variables),
                "locale": self.locale,
                "given": self.given,
                "texts": dict(self.texts),
                "textFromHtml": self.text_from_html,
                "inlineStyles": self.inline_styles,
            }
        ).encode()


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mail as its template has it."""

    fields: Mapping[str, str]
    """Its texts."""
    attachments: tuple[str, ...] = ()
    """Files that go with it, as paths from the directory of templates."""
    pictures: tuple[str, ...] = ()
    """Files that its HTML may show by their names."""


class Renderer:
    """Writes mails, as many at once as there are children; more wait for their turn."""

    def __init__(
        self, directory: Path | None = None, *, children: int = 2, limits: RenderingLimits = DEFAULT_LIMITS
    ) -> None:
        arguments = () if directory is None else (str(directory.resolve()),)
        self._has_directory = directory is not None
        self._limits = limits
        self._children = Children(_MODULE, *arguments, count=children, limits=limits)

    async def render(self, order: Order) -> Rendered:
        """The texts of a mail, and which files of the template go with it.

        Raises:
            TemplateError: the template gives none.
            InternalError: no child could be started.
            RuntimeError: the renderer was closed.
        """
        question = order.as_json()
        try:
            try:
                answer = await self._children.ask(question, _read)
            except ChildFailed as error:
                if error.failure is not Failure.BROKEN:
                    raise
                # It may have been dead before, killed by the system; it is the template's fault the second time.
                answer = await self._children.ask(question, _read)
        except ChildFailed as error:
            raise self._failed(order, error) from error
        if fault := answer.get("fault"):
            raise self._error(order, fault)
        return Rendered(answer["fields"], tuple(answer["attachments"]), tuple(answer["pictures"]))

    async def aclose(self) -> None:
        """End the children; mails that are being written are finished first."""
        await self._children.aclose()

    def _failed(self, order: Order, error: ChildFailed) -> TemplateError | InternalError:
        limits = self._limits
        if error.failure is Failure.NOT_STARTED:
            return InternalError(f"The process that makes the texts of mails could not be started: {error.detail}.")
        if error.failure is Failure.BROKEN:
            return TemplateFailed(
                f"{order.subject} could not be made a mail: the process that does so broke ({error.detail})."
            )
        needs = {
            Failure.CPU: f"more than {limits.cpu.total_seconds():g} seconds of CPU",
            Failure.WALL: f"more than {limits.wall.total_seconds():g} seconds",
            Failure.MEMORY: f"more than {limits.memory_bytes // 2**20} MB of memory",
            Failure.UNUSABLE: "more room than allowed",
        }[error.failure]
        return TemplateLimit(
            f"{order.subject} needs {needs} to be made a mail, which was stopped.", next_step=_smaller(order)
        )

    def _error(self, order: Order, fault: Mapping[str, Any]) -> TemplateError:
        make: dict[str, Callable[[Mapping[str, Any]], TemplateError]] = {
            "not_found": self._not_found,
            "not_included": _not_included,
            "invalid": _invalid,
            "unknown": _unknown,
            "failed": _failed,
            "limit": partial(_limit, order),
        }
        return make[fault["kind"]](fault)

    def _not_found(self, fault: Mapping[str, Any]) -> TemplateNotFound:
        name, nearest = fault["name"], fault["nearest"]
        if not self._has_directory:
            return TemplateNotFound(
                f'There is no mail template "{name}": this worker has no directory of templates.',
                next_step="Let the operator set ZEEBE_MAIL_TEMPLATES_DIR, or give the template in the task.",
                details={"template": name},
            )
        guesses = '" or "'.join(nearest)
        guess = f' Did you mean "{guesses}"?' if nearest else ""
        return TemplateNotFound(
            f'There is no mail template "{name}".{guess}', details={"template": name, "nearest": nearest}
        )


def _read(answer: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer)
    return read


def _not_included(fault: Mapping[str, Any]) -> TemplateNotFound:
    named = f'"{fault["name"]}"' if fault["name"] else "a file"
    return TemplateNotFound(
        f"The mail template ({fault['place']}) includes {named}, which is not in the directory of templates.",
        details={"place": fault["place"]},
    )


def _invalid(fault: Mapping[str, Any]) -> TemplateInvalid:
    return TemplateInvalid(
        f"The mail template has a syntax error ({fault['place']}): {fault['reason']}.\n"
        f"    {fault['excerpt']}\n    {' ' * fault['caret']}^\n",
        details={name: fault[name] for name in ("place", "line", "column")},
    )


def _unknown(fault: Mapping[str, Any]) -> TemplateVariableUnknown:
    if fault["name"] is None:
        said = "looks for a name in a variable that does not have it"
    else:
        said = f"uses `{fault['name']}`, which is not among its variables"
    guess = f"; did you mean `{fault['nearest']}`?" if fault["nearest"] else "."
    return TemplateVariableUnknown(
        f"The mail template ({fault['place']}) {said}{guess}",
        details={name: fault[name] for name in ("place", "name", "nearest")},
    )


def _failed(fault: Mapping[str, Any]) -> TemplateFailed:
    return TemplateFailed(
        f"The mail template could not be filled in ({fault['place']}): {fault['reason']}.",
        details={"place": fault["place"]},
    )


def _limit(order: Order, fault: Mapping[str, Any]) -> TemplateLimit:
    where = f" ({fault['place']})" if fault["place"] else ""
    return TemplateLimit(
        f"{order.subject} is too costly{where}: {fault['reason']}.",
        next_step=_smaller(order),
        details={"place": fault["place"]},
    )


def _smaller(order: Order) -> str | None:
    """What to do where there are no loops to look for."""
    return None if order.has_template else "Send large content as an attachment."
