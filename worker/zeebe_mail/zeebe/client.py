"""What people and tools ask of a cluster: who is there, deploy, start an instance."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyzeebe.proto import gateway_pb2 as pb

from zeebe_mail.zeebe.gateway import Gateway, GatewayUnavailable
from zeebe_mail.zeebe.options import GatewayOptions

READY_INTERVAL_S = 0.2
HEALTHY_LEADER = (0, 0)  # role, health


@dataclass(frozen=True, slots=True)
class Topology:
    """A cluster as its gateway sees it. ``ready`` when every partition has a healthy leader."""

    gateway_version: str
    brokers: int
    partitions: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployed process."""

    process_id: str
    version: int
    resource: str


class Client:
    """Calls to one gateway that are not a worker's."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def topology(self, *, timeout_s: float = 5.0) -> Topology:
        """The cluster's state. Raises GatewayUnavailable."""
        answer = await self._gateway.call(
            lambda stub: stub.Topology, pb.TopologyRequest(), timeout_s=timeout_s, wait_for_connection=False
        )
        leaders = {
            partition.partitionId
            for broker in answer.brokers
            for partition in broker.partitions
            if (partition.role, partition.health) == HEALTHY_LEADER
        }
        return Topology(
            gateway_version=answer.gatewayVersion,
            brokers=len(answer.brokers),
            partitions=answer.partitionsCount,
            ready=bool(leaders) and len(leaders) == answer.partitionsCount,
        )

    async def ready(self, *, timeout_s: float) -> Topology:
        """Wait until the cluster is ready. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    topology = await self.topology()
                    if topology.ready:
                        return topology
                except GatewayUnavailable:
                    pass
                await asyncio.sleep(READY_INTERVAL_S)

    async def deploy(self, files: Sequence[Path]) -> list[Deployed]:
        """Deploy BPMN files (and forms and decisions) in one go. Raises Rejected with the engine's reasons."""
        request = pb.DeployResourceRequest(
            resources=[pb.Resource(name=file.name, content=file.read_bytes()) for file in files]
        )
        answer = await self._gateway.call(
            lambda stub: stub.DeployResource, request, timeout_s=30.0, wait_for_connection=False
        )
        return [
            Deployed(one.process.bpmnProcessId, one.process.version, one.process.resourceName)
            for one in answer.deployments
            if one.HasField("process")
        ]

    async def start(self, process_id: str, variables: Mapping[str, Any]) -> int:
        """Start an instance of the newest version; gives its key."""
        answer = await self._gateway.call(lambda stub: stub.CreateProcessInstance, _creation(process_id, variables))
        return answer.processInstanceKey

    async def start_and_wait(
        self, process_id: str, variables: Mapping[str, Any], *, timeout_s: float
    ) -> dict[str, Any]:
        """Start an instance and wait for its end; gives its variables. Raises GatewayUnavailable on time-out."""
        request = pb.CreateProcessInstanceWithResultRequest(
            request=_creation(process_id, variables), requestTimeout=round(timeout_s * 1000)
        )
        answer = await self._gateway.call(
            lambda stub: stub.CreateProcessInstanceWithResult, request, timeout_s=timeout_s + 5
        )
        result: dict[str, Any] = json.loads(answer.variables)
        return result

    async def resume(self, job_key: int, incident_key: int | None) -> None:
        """Let a failed job run once more: give it a retry, and resolve its incident where that is known.

        Raises:
            GatewayUnavailable: try again later.
            JobGone: there is no such job or incident.
            Rejected: any other refusal.
        """
        retries = pb.UpdateJobRetriesRequest(jobKey=job_key, retries=1)
        await self._gateway.call(lambda stub: stub.UpdateJobRetries, retries, wait_for_connection=False)
        if incident_key is not None:
            resolution = pb.ResolveIncidentRequest(incidentKey=incident_key)
            await self._gateway.call(lambda stub: stub.ResolveIncident, resolution, wait_for_connection=False)


def _creation(process_id: str, variables: Mapping[str, Any]) -> pb.CreateProcessInstanceRequest:
    return pb.CreateProcessInstanceRequest(bpmnProcessId=process_id, version=-1, variables=json.dumps(variables))


@asynccontextmanager
async def connect(options: GatewayOptions) -> AsyncIterator[Client]:
    """A client for one gateway, closed at the end of the block."""
    async with Gateway(options) as gateway:
        yield Client(gateway)
