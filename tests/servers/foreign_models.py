"""Models as the Modeler writes them with the element templates of Camunda's and Infosys' mail connectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

CAMUNDA = "io.camunda:email:1"
VERSIONS = (1, 2, 3, 4, 5, 6, 7, 8)
TEMPLATE = 'zeebe:modelerTemplate="io.camunda.connectors.email.v1" zeebe:modelerTemplateVersion="{version}" '
ICON = 'zeebe:modelerTemplateIcon="data:image/svg+xml;base64,PHN2Zy8+"'


def number(version: int, value: int) -> str:
    """Ports and limits are texts up to version 2, numbers since."""
    return str(value) if version <= 2 else f"={value}"


def camunda_inputs(
    version: int, operation: str, action: Mapping[str, str], server: Mapping[str, Any]
) -> dict[str, str]:
    """The input mappings of a task, in the order of the template.

    Args:
        version: of the element template.
        operation: its discriminator.
        action: the fields of the operation; those that the version adds by itself come on top.
        server: `host`, `port`, `encryption`, `username` and `password`, as sources.
    """
    protocol = next(one for one in ("smtp", "imap", "pop3") if operation.lower().endswith(one))
    chosen = {"protocol": protocol, f"data.{protocol}ActionDiscriminator": operation}
    login = {"authentication.type": "simple"}
    if version < 8 or "account" not in server:
        login |= {f"authentication.{name}": server[name] for name in ("username", "password")}
    fields = dict(action)
    if operation == "sendEmailSmtp" and version >= 2:
        fields = {"contentType": "PLAIN", **fields}
    if operation == "sendEmailSmtp" and version >= 5:
        none = {"data_smtpAction_attachments_documentMode": "none"}
        fields = {**none, **fields, "attachments": COMPOSITION}
    given = {f"data.{protocol}Action.{name}": source for name, source in fields.items()}
    config = f"data.{protocol}Config.{protocol}"
    place = {
        f"{config}Host": server.get("host", ""),
        f"{config}Port": server.get("port", ""),
        f"{config}CryptographicProtocol": server.get("encryption", "TLS"),
    }
    if "account" in server:
        login, place = {"authentication.type": "simple", "emailAccountConfiguration": server["account"]}, {}
    first = chosen | login if version >= 6 else login | chosen
    return first | given | place


COMPOSITION = """=if data_smtpAction_attachments_documentMode = "multiple" then
  data_smtpAction_attachments_multiple_expression
else if data_smtpAction_attachments_documentMode = "single" then
  [if data_smtpAction_attachments_single_documentSource = "inline" then
    {"camunda.document.type": "inline", content: data_smtpAction_attachments_single_inline_content,
     name: data_smtpAction_attachments_single_inline_fileName,
     contentType: data_smtpAction_attachments_single_inline_contentType}
   else data_smtpAction_attachments_single_camundaReference]
else null"""
"""What the template has since version 5 in its hidden property for attachments, in other words."""


def camunda_model(
    process: str, version: int, inputs: Mapping[str, str], headers: Mapping[str, str] | None = None
) -> bytes:
    """Start, one task of Camunda's connector, end."""
    own = {"elementTemplateVersion": str(version), "elementTemplateId": "io.camunda.connectors.email.v1"}
    told = (own if version >= 3 else {}) | dict(headers or {}) | {"retryBackoff": "PT0S"}
    return model(process, CAMUNDA, inputs, told, TEMPLATE.format(version=version) + ICON)


def model(
    process: str, task_type: str, inputs: Mapping[str, str], headers: Mapping[str, str], template: str = ""
) -> bytes:
    """Start, one service task, end; with a diagram."""
    mappings = "\n".join(
        f"          <zeebe:input source={_attribute(source)} target={_attribute(target)} />"
        for target, source in inputs.items()
    )
    lines = "\n".join(
        f"          <zeebe:header key={_attribute(key)} value={_attribute(value)} />" for key, value in headers.items()
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" id="d" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{process}" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>a</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="a" sourceRef="start" targetRef="task" />
    <bpmn:serviceTask id="task" name="Größe &#38; Maß" {template}>
      <bpmn:extensionElements>
        <zeebe:taskDefinition type="{task_type}" retries="1" />
        <zeebe:ioMapping>
{mappings}
        </zeebe:ioMapping>
        <zeebe:taskHeaders>
{lines}
        </zeebe:taskHeaders>
      </bpmn:extensionElements>
      <bpmn:incoming>a</bpmn:incoming><bpmn:outgoing>b</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:sequenceFlow id="b" sourceRef="task" targetRef="end" />
    <bpmn:endEvent id="end"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
  <bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="{process}">
    <bpmndi:BPMNShape id="task-shape" bpmnElement="task"><dc:Bounds x="270" y='80' width="100" height="80" /></bpmndi:BPMNShape>
  </bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>
""".encode()  # noqa: E501 (as the Modeler writes it)


def _attribute(value: str) -> str:
    return quoteattr(value, {"\n": "&#10;", '"': "&#34;"})
