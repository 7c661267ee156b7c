"""The ledger's statements. Every step names the states that it may come after, so no store takes a wrong one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Double,
    Engine,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Row, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from zeebe_mail.ledger.entry import Entry, Key, Task
from zeebe_mail.ledger.states import FOLLOWS, Resolution, State
from zeebe_mail.ledger.store.place import Ballast, PlaceError, prepare
from zeebe_mail.ledger.store.schema import OWNERS, SENDS, NewerLedger, migrate

LOCK_S = 5  # how long a statement waits for another process's lock
CONNECT_S = 5
MIGRATION_LOCK = 0x7A6D6C64  # of PostgreSQL's advisory locks
PURGED_AT_ONCE = 1000
TEXT_LIMIT = 2000  # characters of a reason

_DIALECTS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class StoreUnavailable(Exception):
    """The store cannot be used now: unreachable, locked, read-only or full. Nothing of the transaction was written."""

    def __init__(self, reason: str, *, full: bool = False) -> None:
        super().__init__(reason)
        self.full = full


class StoreRefused(Exception):
    """The store does not take one of the statements; another try changes nothing."""


_AT: tuple[ColumnElement[bool], ...] = (
    SENDS.c.job_key == bindparam("b_job"),
    SENDS.c.cluster == bindparam("b_cluster"),
    SENDS.c.tenant == bindparam("b_tenant"),
)
_FIND = select(SENDS).where(*_AT)
_LOCK = _FIND.with_for_update()
_SEEN = select(OWNERS.c.seen).where(OWNERS.c.owner == bindparam("b_owner"))
_COUNT = select(SENDS.c.state, func.count()).where(text("state IN ('in_doubt', 'held')")).group_by(SENDS.c.state)


def _insert(dialect: Dialect) -> Any:
    return sqlite.insert if dialect.name == "sqlite" else postgresql.insert


def _adding(dialect: Dialect) -> Any:
    return _insert(dialect)(SENDS).on_conflict_do_nothing()


def _stepping(dialect: Dialect, to: State, owned: bool, failed: bool) -> Any:
    before = (SENDS.c.state == literal_column(f"'{state.value}'") for state in FOLLOWS[to])
    statement = update(SENDS).where(*_AT, or_(*before))
    if owned:
        statement = statement.where(SENDS.c.owner == bindparam("b_by"))
    return statement.values(failures=literal_column("failures + 1")) if failed else statement


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement that is made once: making one takes longer than the database needs for it."""

    sql: str
    positions: Sequence[str] | None

    @staticmethod
    @lru_cache(maxsize=256)
    def of(dialect: Dialect, columns: tuple[str, ...], statement: Callable[..., Any], *given: Any) -> _Prepared:
        """That which ``statement`` makes, which also sets these columns."""
        compiled = statement(dialect, *given).compile(dialect=dialect, column_keys=columns)
        return _Prepared(compiled.string, compiled.positiontup)

    def parameters(self, values: Mapping[str, Any]) -> Any:
        return values if self.positions is None else tuple([values[name] for name in self.positions])


class Transaction:
    """What can be done in one transaction. ``now`` is the store's clock, in seconds since 1970."""

    def __init__(self, connection: Connection, now: float) -> None:
        self._connection = connection
        self.now = now
        self._dialect = connection.dialect

    # ── one send ─────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, task: Task, *, owner: str, lasts_s: float) -> bool:
        """Claim a send that the ledger has never heard of; false where it has."""
        row = {
            "job_key": task.key.job,
            "cluster": task.key.cluster,
            "tenant": task.key.tenant,
            "state": State.CLAIMED.value,
            "owner": owner,
            "until": self.now + lasts_s,
            "attempts": 1,
            "unfinished": 1,
            "failures": 0,
            "created": self.now,
            "changed": self.now,
            **_described(task),
        }
        return self._run(_Prepared.of(self._dialect, tuple(row), _adding), row) == 1

    def claim(self, entry: Entry, task: Task, *, owner: str, lasts_s: float) -> Entry:
        """Claim a send for another attempt, which :data:`FOLLOWS` must allow."""
        token = entry.task.token if entry.task.fingerprint == task.fingerprint else task.token
        self.step(
            task.key,
            State.CLAIMED,
            **{**_described(task), "token": token},
            owner=owner,
            until=self.now + lasts_s,
            attempts=entry.attempts + 1,
            unfinished=entry.unfinished + 1,
            resolution=None,
            resolved_by=None,
            receipt=None,
            result=None,
        )
        return self._sure(task.key)

    def find(self, key: Key, *, lock: bool = False) -> Entry | None:
        """What the ledger knows of a job."""
        row = self._connection.execute(_LOCK if lock else _FIND, _named(key)).first()
        return _entry(row) if row else None

    def until(self, key: Key) -> float:
        """When the claim of a send ends."""
        return float(self._connection.scalar(select(SENDS.c.until).where(*_AT), _named(key)) or 0)

    def step(self, key: Key, to: State, *, by: str | None = None, failed: bool = False, **values: Any) -> bool:
        """Go on to a state; false where the state before does not allow it, or ``by`` is not the owner.

        Args:
            failed: whether that counts as one more failure.
            values: other columns; ``result`` and ``receipt`` are JSON texts.
        """
        if isinstance(reason := values.get("reason"), str):
            values["reason"] = _storable(reason)[:TEXT_LIMIT]
        row = {**values, "state": to.value, "changed": self.now}
        prepared = _Prepared.of(self._dialect, tuple(row), _stepping, to, by is not None, failed)
        return self._run(prepared, {**row, **_named(key), "b_by": by}) == 1

    # ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────

    def beat(self, owner: str) -> None:
        """Say that a process is alive."""
        statement = _insert(self._dialect)(OWNERS).values(owner=owner, seen=self.now)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[OWNERS.c.owner], set_={"seen": self.now})
        )

    def leave(self, owner: str) -> None:
        """Say that a process is gone: none of its attempts runs any more."""
        self._connection.execute(delete(OWNERS).where(OWNERS.c.owner == owner))

    def seen(self, owner: str) -> float | None:
        """When a process was last heard of."""
        found = self._connection.scalar(_SEEN, {"b_owner": owner})
        return None if found is None else float(found)

    def doubts(self) -> dict[str, int]:
        """How many sends are in doubt and held."""
        return {str(state): count for state, count in self._connection.execute(_COUNT)}

    def latest(self, states: Sequence[State] = (), *, limit: int | None = None) -> Iterator[Entry]:
        """The entries, those that began last first."""
        query = select(SENDS).order_by(SENDS.c.created.desc()).limit(limit)
        if states:
            query = query.where(SENDS.c.state.in_([state.value for state in states]))
        return map(_entry, self._connection.execute(query))

    def of_job(self, job: int) -> list[Entry]:
        """The entries with a job key; several clusters may have the same one."""
        return [_entry(row) for row in self._connection.execute(select(SENDS).where(SENDS.c.job_key == job))]

    def forget(self, key: Key) -> bool:
        """Delete one entry."""
        return self._connection.execute(delete(SENDS).where(*_AT), _named(key)).rowcount == 1

    def purge(self, states: Sequence[State], *, older_than_s: float) -> int:
        """Delete up to a thousand entries in these states that have not changed for so long; gives how many."""
        before = self.now - older_than_s
        old = (
            select(SENDS.c.job_key, SENDS.c.cluster, SENDS.c.tenant)
            .where(SENDS.c.created < before, SENDS.c.changed < before)
            .where(SENDS.c.state.in_([state.value for state in states]))
            .order_by(SENDS.c.created)
            .limit(PURGED_AT_ONCE)
        )
        found = [Key(row.cluster, row.tenant, row.job_key) for row in self._connection.execute(old)]
        self._connection.execute(delete(OWNERS).where(OWNERS.c.seen < before))
        return sum(self.forget(key) for key in found)

    def _run(self, prepared: _Prepared, values: Mapping[str, Any]) -> int:
        return self._connection.exec_driver_sql(prepared.sql, prepared.parameters(values)).rowcount

    def _sure(self, key: Key) -> Entry:
        entry = self.find(key)
        assert entry is not None
        return entry


class Store:
    """One database. Not for several threads at once."""

    def __init__(self, url: URL, *, file: Path | None = None) -> None:
        self._engine = _engine(url)
        self._file = file
        self._ballast = Ballast(file) if file else None
        self._opened: tuple[Connection, int] | None = None
        self.name = str(file) if file else url.render_as_string(hide_password=True)

    @classmethod
    def of(cls, place: str | Path) -> Store:
        """The store at a path, or at a ``postgresql://`` URL.

        Raises:
            PlaceError: the ledger cannot be kept there.
        """
        if isinstance(place, Path) or "://" not in place:
            file = Path(place).absolute()
            prepare(file)
            return cls(URL.create("sqlite", database=str(file)), file=file)
        try:
            url = make_url(place)
            driver = _DIALECTS.get(url.get_backend_name())
            if driver is None:
                raise PlaceError("a ledger is a file, or a postgresql:// URL")
            return cls(url.set(drivername=driver))
        except (ArgumentError, ValueError) as error:
            raise PlaceError("the URL cannot be read; postgresql://user:password@host/database is expected") from error
        except (ModuleNotFoundError, NoSuchModuleError) as error:
            raise PlaceError("PostgreSQL needs: pip install 'zeebe-mail[postgres]'") from error

    @contextmanager
    def transaction(self, *, only_reads: bool = False) -> Iterator[Transaction]:
        """All or nothing; durable at the end of the block. One that ``only_reads`` is in nobody's way.

        Raises:
            StoreUnavailable: nothing was written. That a commit's answer is lost counts as well: then nobody knows.
            StoreRefused: a statement cannot be carried out.
        """
        try:
            connection = self._connection().execution_options(only_reads=only_reads)
            with connection.begin():
                yield Transaction(connection, _now(connection))
        except SQLAlchemyError as error:
            self.close()
            raise _translated(error) from error
        except (NewerLedger, OSError) as error:
            self.close()
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        """Let go of the database; the next transaction opens it again."""
        if self._opened is not None:
            with suppress(SQLAlchemyError):
                self._opened[0].close()
            self._opened = None

    def reserve(self) -> bool:
        """Keep space for what must be written when the disk is full; false where there is none to keep."""
        return self._ballast is None or self._ballast.take()

    def use_reserve(self) -> bool:
        """Free that space; false where there is none."""
        return self._ballast is not None and self._ballast.drop()

    def _connection(self) -> Connection:
        if self._opened is not None and self._inode() != self._opened[1]:
            self.close()  # somebody has put another file there, or none
        if self._opened is None:
            if self._file:
                self._file.touch(0o600)
            connection = self._engine.connect()
            self._opened = (connection, self._inode())
            with connection.begin():
                if connection.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                migrate(connection)
        return self._opened[0]

    def _inode(self) -> int:
        if self._file is None:
            return 0
        try:
            return self._file.stat().st_ino
        except OSError:
            return -1


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        options = {
            "connect_timeout": CONNECT_S,
            "application_name": "zeebe-mail",
            "options": f"-c lock_timeout={LOCK_S * 1000} -c statement_timeout={2 * LOCK_S * 1000} "
            "-c synchronous_commit=on -c idle_in_transaction_session_timeout=60000",
            "tcp_user_timeout": 3 * LOCK_S * 1000,
        }
        return create_engine(url, poolclass=NullPool, connect_args=options)
    engine = create_engine(
        url, poolclass=NullPool, connect_args={"check_same_thread": False, "timeout": LOCK_S, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def _durable(connection: Any, _: Any) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "wal_autocheckpoint=4000",
            "journal_size_limit=67108864",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _immediate(connection: Connection) -> None:
        only_reads = connection.get_execution_options().get("only_reads", False)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


def _now(connection: Connection) -> float:
    """The store's clock. SQLite's is that of the machine, which all who use the file are on."""
    return time.time() if connection.dialect.name == "sqlite" else float(connection.scalar(_SERVER_TIME) or 0)


_SERVER_TIME = select(literal_column("extract(epoch from clock_timestamp())", Double))


def _translated(error: SQLAlchemyError) -> Exception:
    if not isinstance(error, DBAPIError):
        return StoreRefused(f"{type(error).__name__}: {error}")
    name, said = type(error.orig).__name__, str(error.orig).splitlines()[0] if str(error.orig) else ""
    if name in ("DataError", "IntegrityError", "ProgrammingError", "NotSupportedError"):
        return StoreRefused(f"{name}: {said}")
    return StoreUnavailable(f"{name}: {said}", full="full" in said or name == "DiskFull")


def _named(key: Key) -> dict[str, Any]:
    return {"b_job": key.job, "b_cluster": key.cluster, "b_tenant": key.tenant}


def _described(task: Task) -> dict[str, Any]:
    return {
        "fingerprint": task.fingerprint,
        "token": task.token,
        "task_type": task.task_type,
        "process": _storable(task.process),
        "element": _storable(task.element),
        "process_instance_key": task.process_instance_key,
        "element_instance_key": task.element_instance_key,
    }


def _storable(text: str) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def as_text(value: Any) -> str:
    """A JSON value as the ledger keeps it: ASCII, so that no text in it can be refused."""
    return json.dumps(value, default=str)


def _entry(row: Row[Any]) -> Entry:
    one = row._asdict()
    return Entry(
        task=Task(
            key=Key(one["cluster"], one["tenant"], one["job_key"]),
            fingerprint=one["fingerprint"],
            token=one["token"],
            task_type=one["task_type"],
            process=one["process"],
            element=one["element"],
            process_instance_key=one["process_instance_key"],
            element_instance_key=one["element_instance_key"],
        ),
        state=State(one["state"]),
        owner=one["owner"],
        attempts=one["attempts"],
        unfinished=one["unfinished"],
        failures=one["failures"],
        created=one["created"],
        changed=one["changed"],
        message_id=one["message_id"],
        receipt=json.loads(one["receipt"]) if one["receipt"] else None,
        result=json.loads(one["result"] or one["receipt"] or "null"),
        resolution=Resolution(one["resolution"]) if one["resolution"] else None,
        resolved_by=one["resolved_by"],
        reason=one["reason"],
    )
