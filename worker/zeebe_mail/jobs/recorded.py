"""Sends that the ledger records: before the final dot, after the server's answer, and what to do in doubt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zeebe_mail.errors import InputError, OutcomeUnknown, ResendInDoubt
from zeebe_mail.jobs.face import Face
from zeebe_mail.jobs.job import Job
from zeebe_mail.ledger.entry import Entry, Key, Task, moment
from zeebe_mail.ledger.ledger import Claim, Delivered, Doubt, Handover, Ledger, Stored
from zeebe_mail.ledger.states import InDoubt, Resolution
from zeebe_mail.operations.base import Attempt, OperationOutput, as_json

HEADER = "inDoubt"


@dataclass(frozen=True, slots=True)
class Bookkeeping:
    """The ledger of a worker, and what holds where a task says nothing."""

    ledger: Ledger
    cluster: str = ""
    in_doubt: InDoubt = InDoubt.HOLD

    def policy(self, job: Job) -> InDoubt:
        """What the task wants in doubt.

        Raises:
            InputError: its header says something else.
        """
        said = job.headers.get(HEADER, "").strip()
        try:
            return InDoubt(said) if said else self.in_doubt
        except ValueError:
            known = ", ".join(one.value for one in InDoubt)
            raise InputError(
                f'Header "{HEADER}" must be one of {known}, but is "{said[:80]}".',
                next_step="Correct it in the task's properties.",
            ) from None

    def key(self, job: Job) -> Key:
        """The job, among those of all clusters."""
        return Key(self.cluster, job.tenant_id, job.key)

    def task(self, job: Job, face: Face, token: str) -> Task:
        """What is to be sent. The fingerprint is of what says which mail it is, not of servers and logins."""
        inputs = [job.type, {name: job.variables.get(name) for name in face.content_fields}]
        return Task(
            key=self.key(job),
            fingerprint=hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest(),
            token=token,
            task_type=job.type,
            process=job.bpmn_process_id,
            element=job.element_id,
            process_instance_key=job.process_instance_key,
            element_instance_key=job.element_instance_key,
        )


class RecordedAttempt:
    """An attempt whose point of no return is durable before it is passed."""

    def __init__(
        self, attempt: Attempt, claim: Claim, response: Callable[[OperationOutput], Any], mask: Callable[[Any], Any]
    ) -> None:
        """``response`` is what the process gets of an output; ``mask`` hides secrets in what is recorded."""
        self._attempt = attempt
        self._response = response
        self._mask = mask
        self._recorded: OperationOutput | None = None
        self.token = claim.task.token
        self.stage: Claim | Handover | Delivered = claim
        """How far it has come."""
        self.message_id = ""

    @property
    def committed(self) -> bool:
        """Whether the point of no return was passed."""
        return self._attempt.committed

    async def commit(self, expected: OperationOutput | None = None) -> None:
        """Record it, make sure that the job is still ours, and pass; see :class:`Attempt`."""
        if expected is None or not isinstance(self.stage, Claim):
            await self._attempt.commit(expected)
            return
        known = self._known(expected)
        self.message_id = str(known["receipt"].get("messageId", ""))
        handover = await self.stage.data(message_id=self.message_id, **known)
        try:
            await self._attempt.commit(expected)
        except BaseException:
            handover.withdrawn()
            raise
        self.stage = handover

    async def sent(self, output: OperationOutput) -> None:
        """Record the server's word; see :class:`Attempt`."""
        assert isinstance(self.stage, Handover)
        self._recorded = output
        self.stage = await self.stage.sent(**self._known(output))

    async def response(self, output: OperationOutput) -> Any:
        """What the process gets of the output, once the ledger has it too."""
        if isinstance(self.stage, Delivered) and output is not self._recorded:
            await self.stage.told(**self._known(output))
        return self._response(output)

    def cut_off(self) -> Doubt | None:
        """The run was cancelled: there is no time to wait for anything. Gives the doubt that this leaves."""
        match self.stage:
            case Claim() as claim:
                claim.abandoned()
            case Handover() as handover:
                return handover.unknown("The worker had to stop before the mail server's answer came.")
        return None

    def _known(self, output: OperationOutput) -> dict[str, Any]:
        receipt = self._mask(as_json(output))
        return {"receipt": receipt, "result": None if self._response is as_json else self._mask(self._response(output))}


def stored(found: Stored, job: Job) -> Any:
    """The result of a mail that went out earlier."""
    return found.result(lambda: texts(job.variables))


def unknown(entry: Entry) -> OutcomeUnknown:
    """The incident of a mail that an earlier attempt left in doubt: what is known, and how to resolve it."""
    key, receipt = entry.task.key.job, entry.receipt or {}
    when = moment(entry.changed)
    return OutcomeUnknown(
        f"A mail was handed over and nobody knows whether it went out. Its Message-ID is {entry.message_id}; "
        f"last heard of at {when}. {entry.reason or ''}".rstrip(),
        next_step=how_to_resolve(key),
        details={
            "messageId": entry.message_id,
            "lastHeardOf": when,
            "accepted": receipt.get("accepted", []),
            "reason": entry.reason,
            "jobKey": str(key),
        },
    )


def how_to_resolve(job_key: int) -> str:
    """What a person does about a mail in doubt."""
    return (
        "Look for the Message-ID among the sent mails, at a recipient or in the mail server's log. Then "
        f"`zeebe-mail ledger resolve {job_key} --sent` completes the job and `--not-sent` sends the mail again."
    )


def again(cause: OutcomeUnknown | None = None) -> ResendInDoubt:
    """The error of a doubt that is to be sent again."""
    return ResendInDoubt(
        "Nobody knows whether the mail went out, so it is sent again, as `inDoubt` says."
        + (f" {cause.message}" if cause else ""),
        details=cause.details if cause else None,
    )


RESOLUTIONS: Mapping[InDoubt, Resolution] = {
    InDoubt.RESEND: Resolution.NOT_SENT,
    InDoubt.ASSUME_SENT: Resolution.SENT,
}
"""What a policy decides; one that holds leaves it to a person."""


def texts(value: Any) -> Iterator[str]:
    """All texts in a job's variables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)
