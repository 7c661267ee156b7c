"""The ledger's tables, and the steps from each version of them to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
)

METADATA = MetaData()

SENDS = Table(
    "zeebe_mail_sends",
    METADATA,
    Column("cluster", String(200), nullable=False),
    Column("tenant", String(200), nullable=False),
    Column("job_key", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("until", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("unfinished", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("task_type", String(200), nullable=False),
    Column("process", String(500), nullable=False),
    Column("element", String(500), nullable=False),
    Column("process_instance_key", BigInteger, nullable=False),
    Column("element_instance_key", BigInteger, nullable=False),
    Column("message_id", Text),
    Column("receipt", Text),
    Column("result", Text),
    Column("resolution", String(20)),
    Column("resolved_by", String(200)),
    Column("reason", Text),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    PrimaryKeyConstraint("job_key", "cluster", "tenant"),
)
_AWAITING = text("state IN ('in_doubt', 'held')")
Index("zeebe_mail_sends_created", SENDS.c.created)
Index("zeebe_mail_sends_doubts", SENDS.c.state, sqlite_where=_AWAITING, postgresql_where=_AWAITING)

OWNERS = Table(
    "zeebe_mail_owners",
    METADATA,
    Column("owner", String(64), primary_key=True),
    Column("seen", Double, nullable=False),
)
"""The processes that use the ledger, and when each was last heard of."""

VERSIONS = Table("zeebe_mail_ledger_version", METADATA, Column("version", Integer, primary_key=True))


def _first(connection: Connection) -> None:
    METADATA.create_all(connection, [SENDS, OWNERS], checkfirst=False)


MIGRATIONS: Sequence[Callable[[Connection], None]] = (_first,)
"""The step from version n to version n+1 stands at place n. Steps that were released are never changed."""


class NewerLedger(Exception):
    """The ledger was written by a newer version of zeebe-mail."""


def migrate(connection: Connection) -> None:
    """Bring the tables to this version, in the transaction that is open.

    Raises:
        NewerLedger: they are of a later version; nothing was changed.
    """
    if not inspect(connection).has_table(VERSIONS.name):
        VERSIONS.create(connection)
    version = connection.scalar(select(VERSIONS.c.version)) or 0
    if version > len(MIGRATIONS):
        raise NewerLedger(f"it has version {version}, and this zeebe-mail knows {len(MIGRATIONS)} at most")
    if version == len(MIGRATIONS):
        return
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(VERSIONS.delete())
    connection.execute(insert(VERSIONS).values(version=len(MIGRATIONS)))
