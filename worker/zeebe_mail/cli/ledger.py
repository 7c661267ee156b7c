"""``zeebe-mail ledger``: what was sent, what is in doubt, and what becomes of that."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from zeebe_mail.ending import run

if TYPE_CHECKING:
    from zeebe_mail.ledger.entry import Entry
    from zeebe_mail.ledger.states import State
    from zeebe_mail.ledger.store.store import Transaction

ledger = typer.Typer(
    name="ledger", help="The record of sends: look into it, and decide what is in doubt.", no_args_is_help=True
)

SHORT = {"failed": "failed_before_data"}
COLORS = {"sent": "green", "completed": "green", "held": "red", "in_doubt": "red", "failed_before_data": "yellow"}

JobKey = Annotated[int, typer.Argument(help="Key of the job, as incidents and logs name it.")]
Cluster = Annotated[str | None, typer.Option(help="Where several clusters have a job with this key: which one.")]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state", help="claimed, data, sent, completed, failed, in_doubt, held or resolved; may be repeated."
    ),
]


@ledger.command("list")
def list_(
    state: States = None,
    limit: Annotated[int, typer.Option(help="Entries at most, the newest first.", min=1)] = 50,
) -> None:
    """List sends, the newest first."""
    from rich.table import Table

    from zeebe_mail.ledger.entry import moment

    table = Table(box=None, pad_edge=False)
    for name in ("Job", "State", "Changed", "Process", "Element", "Attempts", "Message-ID"):
        table.add_column(name, overflow="fold", no_wrap=name in ("Job", "State"))
    with _transaction(only_reads=True) as transaction:
        for entry in transaction.latest(_states(state), limit=limit):
            task = entry.task
            table.add_row(
                str(task.key.job),
                f"[{COLORS.get(entry.state.value, 'cyan')}]{entry.state.value}",
                moment(entry.changed),
                _plain(task.process),
                _plain(task.element),
                str(entry.attempts),
                _plain(entry.message_id or ""),
            )
    _print(table)


@ledger.command()
def show(job: JobKey) -> None:
    """Show all that is known of a send, as JSON."""
    from zeebe_mail.ledger.entry import as_seen

    with _transaction(only_reads=True) as transaction:
        found = transaction.of_job(job)
    if not found:
        raise _unknown(job)
    for entry in found:
        typer.echo(json.dumps(as_seen(entry), indent=2))


@ledger.command()
def export(state: States = None) -> None:
    """Print all entries, or those in some states, as lines of JSON."""
    from zeebe_mail.ledger.entry import as_seen

    with _transaction(only_reads=True) as transaction:
        for entry in transaction.latest(_states(state)):
            typer.echo(json.dumps(as_seen(entry)))


@ledger.command()
def resolve(
    job: JobKey,
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--not-sent", help="The mail went out: complete the job. It did not: send it again."),
    ] = None,
    incident: Annotated[
        int | None, typer.Option(help="Key of the job's incident. Default: asked of CAMUNDA_REST_ADDRESS.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who decides. Default: the user of this machine.")] = None,
    cluster: Cluster = None,
) -> None:
    """Decide what became of a mail in doubt, and let its job go on: it is completed, or sends the mail again.

    A send that failed before it was handed over can be tried again with --not-sent.
    """
    from zeebe_mail.app import resume_job
    from zeebe_mail.ledger.ledger import decided
    from zeebe_mail.ledger.states import Resolution, State
    from zeebe_mail.settings import load

    if sent is None:
        raise typer.BadParameter("--sent or --not-sent must be given")
    resolution = Resolution.SENT if sent else Resolution.NOT_SENT
    with _transaction() as transaction:
        entry = _one(transaction, job, cluster)
        retries = entry.state is State.FAILED_BEFORE_DATA and not sent
        known = entry.state is State.RESOLVED and entry.resolution is resolution
        if not (retries or known or decided(transaction, entry.task.key, resolution, by=by or getpass.getuser())):
            raise _refused(f"The send is not in doubt: it is {entry.state.value}. Nothing was changed.")
    typer.echo(run(resume_job(load(), job, incident)))


@ledger.command()
def purge(
    older_than: Annotated[float | None, typer.Option(help="Days since the last change, at least.", min=0)] = None,
    state: States = None,
    job: Annotated[int | None, typer.Option(help="Only this job, whatever its state and age.")] = None,
    cluster: Cluster = None,
) -> None:
    """Forget sends: those that are over and so many days old, or one job's. What is forgotten can be sent again."""
    from zeebe_mail.ledger.ledger import DONE

    if (job is None) is (older_than is None):
        raise typer.BadParameter("--older-than or --job must be given")
    count = 0
    if job is not None:
        with _transaction() as transaction:
            count = int(transaction.forget(_one(transaction, job, cluster).task.key))
    else:
        age_s = timedelta(days=older_than or 0).total_seconds()
        more = 1
        while more:
            with _transaction() as transaction:
                more = transaction.purge(_states(state) or DONE, older_than_s=age_s)
            count += more
    typer.echo(f"forgotten: {count}")


def _states(names: Sequence[str] | None) -> list[State]:
    from zeebe_mail.ledger.states import State

    try:
        return [State(SHORT.get(name, name)) for name in names or ()]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; known are {', '.join(state.value for state in State)}") from error


def _one(transaction: Transaction, job: int, cluster: str | None) -> Entry:
    found = [one for one in transaction.of_job(job) if cluster in (None, one.task.key.cluster)]
    if not found:
        raise _unknown(job)
    if len(found) > 1:
        names = ", ".join(f'"{one.task.key.cluster}"' for one in found)
        raise typer.BadParameter(f"several clusters have a job {job}: say which with --cluster ({names})")
    return found[0]


@contextmanager
def _transaction(*, only_reads: bool = False) -> Iterator[Transaction]:
    from zeebe_mail.app import ledger_store
    from zeebe_mail.ledger.store.store import StoreRefused, StoreUnavailable
    from zeebe_mail.settings import SettingsError, load

    store = ledger_store(load())
    if store is None:
        raise SettingsError("ZEEBE_MAIL_LEDGER is off: no sends are recorded")
    try:
        with store.transaction(only_reads=only_reads) as transaction:
            yield transaction
    except (StoreUnavailable, StoreRefused) as error:
        raise SettingsError(f"The ledger {store.name} cannot be used: {error}") from error
    finally:
        store.close()


def _unknown(job: int) -> Exception:
    return _refused(f"The ledger knows no job {job}.")


def _refused(message: str) -> Exception:
    typer.echo(message, err=True)
    return typer.Exit(1)


def _plain(text: str) -> str:
    """Text of others, of which a terminal and a table take nothing as a command."""
    from rich.markup import escape

    return escape("".join(one if one.isprintable() else "�" for one in text))


def _print(what: object) -> None:
    from rich.console import Console

    on_terminal = Console().is_terminal
    Console(width=None if on_terminal else 240).print(what)
