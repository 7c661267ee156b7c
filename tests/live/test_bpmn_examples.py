"""Every process in `bpmn-examples` can be deployed, opened in the Modeler, and is in the list."""

from pathlib import Path
from xml.etree import ElementTree

import grpc
import pytest
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from tests.servers.broker import Gateway

DIRECTORY = Path(__file__).parents[2] / "bpmn-examples"
EXAMPLES = sorted(DIRECTORY.glob("*.bpmn"))
MODEL = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
DIAGRAM = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DRAWN = ("startEvent", "endEvent", "serviceTask", "userTask", "boundaryEvent", "exclusiveGateway", "sequenceFlow")

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)


@pytest.mark.live
@each_example
def test_an_example_can_be_deployed(every_engine: Gateway, example: Path) -> None:
    with grpc.insecure_channel(every_engine.address) as channel:
        resource = pb.Resource(name=example.name, content=example.read_bytes())
        answer = GatewayStub(channel).DeployResource(pb.DeployResourceRequest(resources=[resource]))
    assert answer.deployments[0].process.bpmnProcessId == example.stem


@each_example
def test_every_element_of_an_example_is_drawn(example: Path) -> None:
    tree = ElementTree.parse(example)
    elements = {element.get("id") for name in DRAWN for element in tree.iter(MODEL + name)}
    drawn = {shape.get("bpmnElement") for kind in ("BPMNShape", "BPMNEdge") for shape in tree.iter(DIAGRAM + kind)}
    assert elements - drawn == set()


@each_example
def test_an_example_is_in_the_list(example: Path) -> None:
    assert f"({example.name})" in (DIRECTORY / "README.md").read_text()
