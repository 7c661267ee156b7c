"""Small BPMN processes made in a test, where a file would only hide what they are."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr


def one_task(process_id: str, task_type: str, *, retries: int = 3, headers: dict[str, str] | None = None) -> bytes:
    """Start, one service task of `task_type`, end."""
    lines = "".join(f'<zeebe:header key="{key}" value="{value}"/>' for key, value in (headers or {}).items())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="http://bpmn.io/schema/bpmn" id="d">
  <bpmn:process id="{process_id}" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="task"/>
    <bpmn:serviceTask id="task">
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="{task_type}" retries="{retries}"/>
        <zeebe:taskHeaders>{lines}</zeebe:taskHeaders>
      </bpmn:extensionElements>
      <bpmn:incoming>a</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="b" sourceRef="task" targetRef="end"/>
    <bpmn:endEvent id="end"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>""".encode()


@dataclass(frozen=True)
class ServiceTask:
    """A task as an element template leaves it: inputs by target, with `=` before an expression, and headers."""

    type: str
    inputs: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)

    def bpmn(self, number: int) -> str:
        """The element, from flow `f<number>` to the next."""
        inputs = "".join(
            f"<zeebe:input source={quoteattr(source)} target={quoteattr(target)}/>"
            for target, source in self.inputs.items()
        )
        headers = "".join(
            f"<zeebe:header key={quoteattr(key)} value={quoteattr(value)}/>" for key, value in self.headers.items()
        )
        return (
            f'<bpmn:serviceTask id="task{number}"><bpmn:extensionElements>'
            f"<zeebe:taskDefinition type={quoteattr(self.type)}/><zeebe:ioMapping>{inputs}</zeebe:ioMapping>"
            f"<zeebe:taskHeaders>{headers}</zeebe:taskHeaders></bpmn:extensionElements>"
            f"<bpmn:incoming>f{number}</bpmn:incoming><bpmn:outgoing>f{number + 1}</bpmn:outgoing></bpmn:serviceTask>"
        )


def tasks_in_a_row(process_id: str, tasks: Sequence[ServiceTask]) -> bytes:
    """Start, these tasks one after the other, end."""
    nodes = ["start", *(f"task{number}" for number in range(len(tasks))), "end"]
    flows = "".join(
        f'<bpmn:sequenceFlow id="f{number}" sourceRef="{source}" targetRef="{target}"/>'
        for number, (source, target) in enumerate(itertools.pairwise(nodes))
    )
    elements = "".join(task.bpmn(number) for number, task in enumerate(tasks))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" targetNamespace="http://bpmn.io/schema/bpmn" id="d">
  <bpmn:process id="{process_id}" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f0</bpmn:outgoing></bpmn:startEvent>
    {flows}{elements}
    <bpmn:endEvent id="end"><bpmn:incoming>f{len(tasks)}</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>""".encode()
