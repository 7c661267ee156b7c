"""What an operation is: a function whose signature declares its input, its session and its output."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from zeebe_mail.form import Part


class OperationInput(Part):
    """Base of all inputs. Its few top-level names are the process variables that are fetched."""

    secret_fields: ClassVar[tuple[str, ...]] = ("auth", "server.tls.clientKey")
    """Fields, with dots between the names, in which secrets are resolved by default."""

    content_fields: ClassVar[tuple[str, ...]] = ("request",)
    """Top-level fields whose text may come from strangers: a secret reference in them stays text."""


class OperationOutput(BaseModel):
    """Base of all results; serialised by alias to JSON."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True, frozen=True
    )


class Attempt(Protocol):
    """One run of an operation for one job."""

    @property
    def token(self) -> str:
        """The same text for each attempt at the same job, and for no other job: safe in a Message-ID."""
        ...

    @property
    def committed(self) -> bool:
        """Whether the point of no return was passed."""
        ...

    async def commit(self) -> None:
        """Announce the point of no return: after this, nothing hands the job back or runs it again.

        Raises:
            JobLost: the job was cancelled or given to somebody else; nothing may be sent.
            WorkerStopping: the worker is shutting down; the job is handed back.
        """
        ...


Given = TypeVar("Given", bound=OperationInput)
Session = TypeVar("Session")
Produced = TypeVar("Produced", bound=OperationOutput)


def as_json(output: OperationOutput) -> Any:
    """The response as our own task types give it."""
    return output.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Operation:
    """An entry of the catalogue; everything in it is read off the function."""

    task_type: str
    title: str
    keywords: tuple[str, ...]
    input: type[OperationInput]
    session: type[Any]
    output: type[OperationOutput]
    run: Callable[[Any, Any, Attempt], Awaitable[OperationOutput]]

    @property
    def fetch_variables(self) -> list[str]:
        """The process variables that the worker asks for, and no others."""
        return [name for field in self.input.model_fields.values() if (name := field.alias)]


@dataclass(frozen=True, slots=True)
class Errand:
    """One job's work: an operation, its validated input, and how its output reads to the process that asked."""

    operation: Operation
    given: Any
    response: Callable[[OperationOutput], Any] = as_json


def operation(
    *, title: str, keywords: tuple[str, ...] = ()
) -> Callable[[Callable[[Given, Session, Attempt], Awaitable[Produced]]], Operation]:
    """Make an operation of ``async def verb(given: XInput, session: XSession, attempt: Attempt) -> XOutput``.

    The task type comes from where the function stands: ``operations/smtp/send.py`` is ``mail:smtp-send:1``.
    """

    def declare(run: Callable[[Given, Session, Attempt], Awaitable[Produced]]) -> Operation:
        hints = get_type_hints(run)
        given, session, _ = inspect.signature(run).parameters
        protocol, verb = run.__module__.split(".")[-2:]
        return Operation(
            task_type=f"mail:{protocol}-{verb.replace('_', '-')}:1",
            title=title,
            keywords=keywords,
            input=hints[given],
            session=hints[session],
            output=hints["return"],
            run=run,
        )

    return declare
