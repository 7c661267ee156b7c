"""From a model to the same model with our tasks in it, and what is to be told about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from zeebe_mail.compat.convert import camunda, infosys
from zeebe_mail.compat.convert.document import BPMN, Document, Element
from zeebe_mail.compat.convert.results import rewritten
from zeebe_mail.compat.convert.task import Inputs, NotConvertible, Response

_TEMPLATE = re.compile(r"(?:[\w.-]+:)?modelerTemplate(?:Version|Icon)?")
_TEMPLATE_HEADERS = ("elementTemplateId", "elementTemplateVersion")


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A kind of foreign task: what its inputs are called, and what it becomes."""

    targets: frozenset[str]
    """All that the connector reads."""
    become: Callable[[Inputs], tuple[str, Response]]
    """Our task type, and how the results differ; the inputs are moved."""


REWRITINGS: Mapping[str, Rewriting] = {
    "io.camunda:email:1": Rewriting(camunda.TARGETS, camunda.become),
    "com.infosys.camundaconnectors.email:smtp:1": Rewriting(infosys.SMTP_TARGETS, infosys.become_smtp),
    "com.infosys.camundaconnectors.email:imap:1": Rewriting(infosys.MAILBOX_TARGETS, infosys.become_imap),
    "com.infosys.camundaconnectors.email:pop3:1": Rewriting(infosys.MAILBOX_TARGETS, infosys.become_pop3),
}
"""By task type."""

INBOUND = "io.camunda:connector-email-inbound:1"


@dataclass(frozen=True, slots=True)
class ConvertedTask:
    """What became of a task."""

    id: str
    name: str
    was: str
    """Its task type before."""
    becomes: str | None
    """Ours, or None where the task stays as it is."""
    remarks: tuple[str, ...]
    """Why it stays and what to do; else what to look at."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A model, and what became of its tasks."""

    model: bytes
    tasks: tuple[ConvertedTask, ...]

    @property
    def complete(self) -> bool:
        """Whether all were converted and none has to be looked at."""
        return not any(one.remarks for one in self.tasks)


@dataclass(slots=True)
class _Parts:
    """The elements of a task that are edited."""

    task: Element
    definition: Element
    inputs: list[Element]
    headers: list[Element]


def convert(text: bytes) -> Conversion:
    """Rewrite all tasks of foreign types that can be rewritten.

    Raises:
        NoModelError: the file is no BPMN.
    """
    document = Document(text)
    whole = " ".join(value for one in document.root.all() for value in one.attributes.values()) + text.decode(
        errors="replace"
    )
    tasks = []
    for element in document.root.all():
        if _is_inbound(element):
            tasks.append(_waiting(element))
        elif parts := _foreign(element):
            tasks.append(_converted(document, parts, whole))
    return Conversion(document.edited(), tuple(tasks))


def _foreign(element: Element) -> _Parts | None:
    if element.namespace != BPMN:
        return None
    for extensions in (one for one in element.children if one.name == "extensionElements"):
        for definition in extensions.zeebe("taskDefinition"):
            if definition.attributes.get("type", "").strip() in REWRITINGS:
                inputs, headers = extensions.zeebe("ioMapping", "input"), extensions.zeebe("taskHeaders", "header")
                return _Parts(element, definition, inputs, headers)
    return None


def _is_inbound(element: Element) -> bool:
    extensions = [one for one in element.children if element.namespace == BPMN and one.name == "extensionElements"]
    properties = [one.attributes for each in extensions for one in each.zeebe("properties", "property")]
    return any(one.get("name") == "inbound.type" and one.get("value") == INBOUND for one in properties)


def _waiting(element: Element) -> ConvertedTask:
    remark = (
        "It waits for mail in Camunda's connector runtime, which no task type does. Let that runtime go on serving it, "
        "or put a task mail:imap-wait:1 in its place (docs/operations.md, Waiting)."
    )
    named = (element.attributes.get("id", ""), element.attributes.get("name", ""), INBOUND)
    return ConvertedTask(*named, becomes=None, remarks=(remark,))


def _converted(document: Document, parts: _Parts, whole_model: str) -> ConvertedTask:
    was = parts.definition.attributes["type"].strip()
    rewriting = REWRITINGS[was]
    named = (parts.task.attributes.get("id", ""), parts.task.attributes.get("name", ""), was)
    try:
        inputs = Inputs(_by(parts.inputs, "target", "source"))
        task_type, response = rewriting.become(inputs)
        inputs.check(foreign=rewriting.targets, prefixes={one.split(".")[0] for one in rewriting.targets})
        headers = rewritten(_by(parts.headers, "key", "value"), response, whole_model)
    except NotConvertible as reason:
        return ConvertedTask(*named, becomes=None, remarks=(str(reason),))
    document.set(parts.definition, type=task_type)
    document.without_attributes(parts.task, _TEMPLATE)
    _edit_inputs(document, parts.inputs, inputs, rewriting.targets)
    _edit_headers(document, parts.headers, headers)
    return ConvertedTask(*named, becomes=task_type, remarks=tuple(inputs.remarks))


def _by(elements: list[Element], key: str, value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in elements:
        name = one.attributes.get(key, "").strip()
        if name in found:
            raise NotConvertible(f"{name} is given twice. Remove one.")
        found[name] = one.attributes.get(value, "")
    return found


def _edit_inputs(document: Document, elements: list[Element], inputs: Inputs, foreign: frozenset[str]) -> None:
    for element in elements:
        old = element.attributes.get("target", "").strip()
        if old in inputs.moved:
            target, source = inputs.moved[old]
            changed = {} if source == element.attributes.get("source", "") else {"source": source}
            document.set(element, target=target, **changed)
        elif old in foreign:
            document.remove(element)
    for target, source in inputs.added.items():
        document.add_after(elements[-1], source=source, target=target)


def _edit_headers(document: Document, elements: list[Element], headers: Mapping[str, tuple[str, str]]) -> None:
    for element in elements:
        key = element.attributes.get("key", "").strip()
        if key in _TEMPLATE_HEADERS:
            document.remove(element)
        elif key in headers:
            document.set(element, **dict(zip(("key", "value"), headers[key], strict=True)))
