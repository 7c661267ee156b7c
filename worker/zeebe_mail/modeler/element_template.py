"""Element templates: one for each operation, and one for each protocol with a choice of its operations."""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from zeebe_mail.modeler.controls import Control, choice
from zeebe_mail.modeler.groups import GROUPS, Group
from zeebe_mail.modeler.meanings import documented
from zeebe_mail.modeler.properties import Binding, Condition, Property, prompt_of, properties_of
from zeebe_mail.operations.base import Operation

SCHEMA = "https://unpkg.com/@camunda/zeebe-element-templates-json-schema/resources/schema.json"
PROTOCOLS = {"smtp": "SMTP", "imap": "IMAP", "pop3": "POP3"}

EVERYDAY = ("send", "reply", "forward", "list", "search", "read", "download", "wait")
"""What people look for most, as the drop-downs of the protocols have it: first."""

RESULTS = (
    Property(
        "resultVariable",
        "Result variable",
        "output",
        Binding("zeebe:taskHeader", "resultVariable"),
        Control(
            "String", placeholder="mail", pattern=(r"^(?:|undefined|[A-Za-z_]\w*)$", "must be the name of a variable")
        ),
        "Name of the variable that takes the whole result.",
    ),
    Property(
        "resultExpression",
        "Result expression",
        "output",
        Binding("zeebe:taskHeader", "resultExpression"),
        Control("Text", "required", placeholder="{mail: response}"),
        "A context; its entries become variables. It sees the result's keys, and `response`, the whole result.",
    ),
    Property(
        "bpmnErrors",
        "Errors to catch",
        "error",
        Binding("zeebe:taskHeader", "bpmnErrors"),
        Control("String", placeholder="RECIPIENTS_REFUSED, …; or true for all"),
        "Error codes that become BPMN errors with the same code, for boundary events; `true` stands for all.",
    ),
    Property(
        "errorExpression",
        "Error expression",
        "error",
        Binding("zeebe:taskHeader", "errorExpression"),
        Control("Text", "required", placeholder='if error.code = "SERVER_BUSY" then jobError("later") else null'),
        "What becomes of an error: `bpmnError(code, message)`, `jobError(message, variables, retries, backoff)`, "
        "`ignoreError(variables)`, or null for the error's own rule.",
    ),
    Property(
        "retries",
        "Retries",
        "retries",
        Binding("zeebe:taskDefinition", "retries"),
        Control("String", "optional", value="3", is_mandatory=True),
        "How often the task is tried; then there is an incident. An error that no try can help is one at once.",
    ),
    Property(
        "retryBackoff",
        "Wait between tries",
        "retries",
        Binding("zeebe:taskHeader", "retryBackoff"),
        Control(
            "String",
            placeholder="PT30S; blank: 5 s, growing to 5 min",
            pattern=(
                r"^(?:|undefined|P(?!$)(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$",
                "must be a duration such as PT30S",
            ),
        ),
        "An ISO 8601 duration. A longer wait that the mail server asks for wins.",
    ),
)


@dataclass(frozen=True, slots=True)
class ElementTemplate:
    """One template, whatever its version."""

    slug: str
    """Its file name; its id ends with it."""
    name: str
    description: str
    keywords: tuple[str, ...]
    properties: tuple[Property, ...]
    message_label: str = ""
    """What the group of the messages is called, if not as usual."""

    @property
    def id(self) -> str:
        """Diagrams keep it: it never changes."""
        return f"zeebe-mail.{self.slug}"

    @property
    def page(self) -> str:
        """Where its fields are told, below the documentation: one page an operation, or the guide to all of them."""
        return "operations.md" if self.slug in PROTOCOLS else f"operations/{self.slug}.md"

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those that have properties; one in which something must be given is open."""
        used = {one.group for one in self.properties}
        must = {one.group for one in self.properties if one.control.is_required and not one.conditions}
        return tuple(
            replace(
                group,
                label=self.message_label if group.id == "message" and self.message_label else group.label,
                is_open=group.is_open or group.id in must,
            )
            for group in GROUPS
            if group.id in used
        )

    def as_json(self, version: int, documentation: str | None = None) -> dict[str, Any]:
        """As the Modeler reads it; ``documentation`` is the address of its page, where there is one."""
        order = [group.id for group in self.groups]
        return {
            "$schema": SCHEMA,
            "name": self.name,
            "id": self.id,
            "version": version,
            "description": self.description,
            **({"documentationRef": documentation} if documentation else {}),
            "category": {"id": "zeebe-mail", "name": "Mail"},
            "keywords": list(self.keywords),
            "appliesTo": ["bpmn:Task", "bpmn:ServiceTask"],
            "elementType": {"value": "bpmn:ServiceTask"},
            "icon": {"contents": _icon()},
            "groups": [{"id": group.id, "label": group.label, "openByDefault": group.is_open} for group in self.groups],
            "properties": [
                replace(one, tooltip=_markup(one.tooltip)).as_json()
                for one in sorted(self.properties, key=lambda one: order.index(one.group))
            ],
        }


def element_templates(operations: Mapping[str, Operation]) -> tuple[ElementTemplate, ...]:
    """All templates: those of the operations first."""
    single = {operation.task_type: element_template(operation) for operation in operations.values()}
    combined = [_combined(protocol, sorted(_of_protocol(protocol, operations), key=_rank)) for protocol in PROTOCOLS]
    return (*single.values(), *combined)


def _of_protocol(protocol: str, operations: Mapping[str, Operation]) -> list[Operation]:
    return [one for one in operations.values() if slug_of(one).startswith(f"{protocol}-")]


def _rank(operation: Operation) -> tuple[int, str]:
    verb = slug_of(operation).partition("-")[2]
    return (EVERYDAY.index(verb) if verb in EVERYDAY else len(EVERYDAY)), verb


def slug_of(operation: Operation) -> str:
    """``smtp-send`` for ``mail:smtp-send:1``."""
    return operation.task_type.split(":")[1]


def description_of(operation: Operation) -> str:
    """The first sentences about an operation."""
    return " ".join(documented(operation.run).partition("\n\n")[0].split())


def element_template(operation: Operation) -> ElementTemplate:
    slug = slug_of(operation)
    protocol = PROTOCOLS.get(slug.partition("-")[0])
    task_type = Property(
        "taskType",
        "Task type",
        "operation",
        Binding("zeebe:taskDefinition", "type"),
        Control("Hidden", value=operation.task_type, is_mandatory=True),
    )
    return ElementTemplate(
        slug=slug,
        name=f"{operation.title} ({protocol})" if protocol else operation.title,
        description=description_of(operation),
        keywords=("mail", *operation.keywords),
        properties=(task_type, *properties_of(operation.input), *RESULTS),
        message_label=_request_label(operation),
    )


def _request_label(operation: Operation) -> str:
    prompt = prompt_of(operation.input.model_fields["request"])
    return prompt.label if prompt else ""


def _combined(protocol: str, operations: Sequence[Operation]) -> ElementTemplate:
    which = Property(
        "operation",
        "Operation",
        "operation",
        Binding("zeebe:taskDefinition", "type"),
        choice({operation.task_type: operation.title for operation in operations}),
        "What is done.",
    )
    return ElementTemplate(
        slug=protocol,
        name=f"Mail ({PROTOCOLS[protocol]})",
        description=f"{', '.join(operation.title for operation in operations)}.",
        keywords=("mail", *dict.fromkeys(word for operation in operations for word in operation.keywords)),
        properties=(which, *_merged({one.task_type: properties_of(one.input) for one in operations}), *RESULTS),
    )


def _merged(given: Mapping[str, Sequence[Property]]) -> Iterable[Property]:
    """The properties of several operations: what they have alike is there once, and else only for its own."""
    given = _told_apart(given)
    owners: dict[Property, list[str]] = {}
    for task_type, properties in given.items():
        for one in properties:
            owners.setdefault(one, []).append(task_type)
    for one, task_types in owners.items():
        its_own = () if len(task_types) == len(given) else (Condition("operation", tuple(task_types)),)
        yield replace(one, conditions=(*its_own, *one.conditions))


def _told_apart(given: Mapping[str, Sequence[Property]]) -> Mapping[str, Sequence[Property]]:
    """The same, with ids that differ where properties do; who depends on one of these differs too."""
    while True:
        first: dict[str, dict[Property, str]] = {}
        for task_type, properties in given.items():
            for one in properties:
                first.setdefault(one.id, {}).setdefault(one, task_type.split(":")[1])
        if all(len(ones) == 1 for ones in first.values()):
            return given
        given = {task_type: _renamed(properties, first) for task_type, properties in given.items()}


def _renamed(properties: Sequence[Property], first: Mapping[str, Mapping[Property, str]]) -> list[Property]:
    """With the first operation that has it so in each id that is not the same property everywhere."""
    names = {one.id: f"{first[one.id][one]}.{one.id}" for one in properties if len(first[one.id]) > 1}
    return [
        replace(
            one,
            id=names.get(one.id, one.id),
            conditions=tuple(
                replace(condition, property=names.get(condition.property, condition.property))
                for condition in one.conditions
            ),
        )
        for one in properties
    ]


@cache
def _icon() -> str:
    svg = files(__package__).joinpath("icon.svg").read_bytes().strip()
    return f"data:image/svg+xml;base64,{b64encode(svg).decode('ascii')}"


def _markup(text: str) -> str:
    """What tooltips show: names as code."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", html.escape(text, quote=False))
