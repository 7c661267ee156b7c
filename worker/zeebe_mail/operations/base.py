"""What an operation is: a function whose signature declares its input, its session and its output."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Protocol, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from zeebe_mail import operations
from zeebe_mail.documents.download_folders import DownloadFolders
from zeebe_mail.documents.sources import Sources
from zeebe_mail.documents.store import DocumentStore
from zeebe_mail.form import Part
from zeebe_mail.mail.smtp import SmtpSession
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.message.reader import Reader
from zeebe_mail.message.renderer import Renderer


class OperationInput(Part):
    """Base of all inputs. Its few top-level names are the process variables that are fetched."""

    secret_fields: ClassVar[tuple[str, ...]] = ("auth", "server.tls.clientKey")
    """Fields, with dots between the names, in which secrets are resolved by default."""

    content_fields: ClassVar[tuple[str, ...]] = ("request",)
    """Top-level fields whose text may come from strangers: a secret reference in them stays text."""


class Request(Part):
    """Base of what is asked for in ``request``. A field that the Modeler leaves blank, or null, is one not given."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        return {name: value for name, value in given.items() if value is not None and value != ""}


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

    async def commit(self, expected: OperationOutput | None = None) -> None:
        """Announce the point of no return: after this, nothing hands the job back or runs it again.

        Args:
            expected: for what nobody can look up afterwards, its output as far as it is known: it is recorded.

        Raises:
            JobLost: the job was cancelled or given to somebody else; nothing may be sent.
            WorkerStopping: the worker is shutting down; the job is handed back.
            LedgerUnavailable: it cannot be recorded; nothing may be sent.
        """
        ...

    async def sent(self, output: OperationOutput) -> None:
        """Record the server's word that it has what was expected, before anything else is done."""
        ...


class Sessions(Protocol):
    """Where logged-in sessions are leased."""

    def lease(self, session_type: type[Any], server: Any, auth: Any) -> AbstractAsyncContextManager[Any]:
        """A session for one operation; given back, or thrown away after a fault, when the block ends.

        Raises:
            EndpointSaturated: the endpoint's share is taken.
            WorkerError: no session could be opened.
        """
        ...

    def has_room(self, server: Any) -> bool:
        """Whether at least half of the share of the server's endpoint is free."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What an operation may need besides its session."""

    sessions: Sessions
    """For those who need a second server: one that sends and also files, say."""
    documents: DocumentStore
    """Where bytes are kept that are too much for a process variable."""
    sources: Sources
    """Where else a mail's attachments may come from, and how large they may be."""
    reader: Reader
    """Parses messages, in processes of their own."""
    renderer: Renderer
    """Fills in mail templates, in processes of their own."""
    rails: GuardRails
    """What the operator lets processes send, to whom and as whom."""
    folders: DownloadFolders = field(default_factory=DownloadFolders)
    """Where files may be written."""
    max_original_recipients: int = 100
    """Recipients of an answer that the answered mail may choose."""
    idempotency_header: str | None = None
    """The header by which a provider knows a mail that it took already."""


Session = TypeVar("Session", covariant=True)


class Turns(Protocol, Generic[Session]):
    """Sessions in turns, for an operation that takes long and needs one only now and then."""

    def lease(self) -> AbstractAsyncContextManager[Session]:
        """A session for one turn; after a fault the next turn gets another.

        Raises:
            EndpointSaturated: the endpoint's share is taken.
            WorkerError: no session could be opened.
        """
        ...

    @property
    def has_room(self) -> bool:
        """Whether at least half of the endpoint's share is free, so that a session may be held without a need."""
        ...


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
    session: type[Any] | None
    """None for one that needs no server."""
    output: type[OperationOutput]
    run: Callable[..., Awaitable[OperationOutput]]
    takes_turns: bool = False
    """Whether it gets :class:`Turns` instead of one session for as long as it runs."""
    needs_desk: bool = False

    @property
    def sends(self) -> bool:
        """Whether it hands a mail over, of which nobody can be sure afterwards whether it went out."""
        return self.session is SmtpSession

    @property
    def fetch_variables(self) -> list[str]:
        """The process variables that the worker asks for, and no others."""
        return [name for field in self.input.model_fields.values() if (name := field.alias)]

    async def perform(self, given: OperationInput, turns: Turns[Any], attempt: Attempt, desk: Desk) -> Any:
        """Run it with what its signature asks for."""
        more = (desk,) if self.needs_desk else ()
        if self.session is None:
            return await self.run(given, attempt, *more)
        if self.takes_turns:
            return await self.run(given, turns, attempt, *more)
        async with turns.lease() as session:
            return await self.run(given, session, attempt, *more)


@dataclass(frozen=True, slots=True)
class Errand:
    """One job's work: an operation, its validated input, and how its output reads to the process that asked."""

    operation: Operation
    given: Any
    response: Callable[[OperationOutput], Any] = as_json


def operation(
    *, title: str, keywords: tuple[str, ...] = ()
) -> Callable[[Callable[..., Awaitable[OperationOutput]]], Operation]:
    """Make an operation of ``async def verb(given: XInput, session: XSession, attempt: Attempt) -> XOutput``.

    The task type comes from where the function stands: ``operations/smtp/send.py`` is ``mail:smtp-send:1``. A last
    parameter ``desk: Desk`` is given to a function that has one; ``Turns[XSession]`` gives it sessions in turns; a
    function without a session needs no server.
    """

    def declare(run: Callable[..., Awaitable[OperationOutput]]) -> Operation:
        hints = get_type_hints(run)
        given, *others = inspect.signature(run).parameters
        session = next((hints[name] for name in others if hints[name] not in (Attempt, Desk)), None)
        takes_turns = get_origin(session) is Turns
        place = run.__module__.removeprefix(f"{operations.__name__}.")
        return Operation(
            task_type=f"mail:{re.sub('[._]', '-', place)}:1",
            title=title,
            keywords=keywords,
            input=hints[given],
            session=get_args(session)[0] if takes_turns else session,
            output=hints["return"],
            run=run,
            takes_turns=takes_turns,
            needs_desk=Desk in map(hints.get, others),
        )

    return declare
