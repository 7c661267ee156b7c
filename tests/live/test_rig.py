"""The rig itself: what the other live tests stand on."""

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from tests.conftest import StartBroker
from tests.servers.broker import BrokerOptions, Gateway
from tests.servers.processes import one_task

pytestmark = pytest.mark.live

HOUR_MS = 3_600_000


@contextlib.contextmanager
def gateway(address: str) -> Iterator[GatewayStub]:
    with grpc.insecure_channel(address) as channel:
        yield GatewayStub(channel)


def deploy_and_start(zeebe: GatewayStub, name: str) -> int:
    bpmn = one_task(f"process-{name}", f"task-{name}")
    zeebe.DeployResource(pb.DeployResourceRequest(resources=[pb.Resource(name=f"{name}.bpmn", content=bpmn)]))
    creation = pb.CreateProcessInstanceRequest(bpmnProcessId=f"process-{name}", version=-1, variables='{"a": 1}')
    return int(zeebe.CreateProcessInstance(creation).processInstanceKey)


def activate(zeebe: GatewayStub, name: str, *, timeout_ms: int = HOUR_MS, wait_ms: int = 5000) -> list[pb.ActivatedJob]:
    request = pb.ActivateJobsRequest(
        type=f"task-{name}", worker="rig", timeout=timeout_ms, maxJobsToActivate=1, requestTimeout=wait_ms
    )
    return [job for answer in zeebe.ActivateJobs(request) for job in answer.jobs]


def test_the_broker_finishes_an_instance(broker: Gateway) -> None:
    with gateway(broker.address) as zeebe:
        instance = deploy_and_start(zeebe, "rig-finish")

        (job,) = activate(zeebe, "rig-finish")
        zeebe.CompleteJob(pb.CompleteJobRequest(jobKey=job.key, variables="{}"))

        assert job.processInstanceKey == instance
        assert json.loads(job.variables) == {"a": 1}
        assert activate(zeebe, "rig-finish", wait_ms=-1) == []


def test_data_survives_a_kill_and_the_clock_can_travel(start_broker: StartBroker) -> None:
    broker = start_broker()
    with gateway(broker.address) as zeebe:
        deploy_and_start(zeebe, "rig-kill")
        (before,) = activate(zeebe, "rig-kill")

    broker.kill()
    broker.start()

    with gateway(broker.address) as zeebe:
        assert activate(zeebe, "rig-kill", wait_ms=-1) == [], "the job is still the first worker's"
        broker.advance(timedelta(hours=2))
        (after,) = activate(zeebe, "rig-kill", wait_ms=10_000)
        broker.reset_clock()

    assert after.key == before.key
    assert after.deadline > time.time() * 1000 + HOUR_MS, "activated while the broker's clock was ahead"


def test_a_full_disk_refuses_commands_until_there_is_room(start_broker: StartBroker) -> None:
    broker = start_broker()
    broker.restart(BrokerOptions(free_disk_bytes=10**15))
    with gateway(broker.address) as zeebe, pytest.raises(grpc.RpcError) as refusal:
        deploy_and_start(zeebe, "rig-disk")
    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED

    broker.restart(BrokerOptions())

    with gateway(broker.address) as zeebe:
        assert deploy_and_start(zeebe, "rig-disk") > 0
