"""A ledger that cannot be written to: nothing is sent, what was sent is not forgotten, and it recovers by itself."""

import asyncio
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.live.host import until
from tests.servers.postgres import postgres
from tests.unit.ledger.conftest import EXPECTED, SENT, Opened, task
from zeebe_mail.errors import LedgerUnavailable
from zeebe_mail.ledger import writer
from zeebe_mail.ledger.ledger import Stored
from zeebe_mail.ledger.store import place as places
from zeebe_mail.ledger.store import store as stores
from zeebe_mail.ledger.store.place import Ballast, PlaceError, network_file_system, prepare
from zeebe_mail.ledger.store.store import Store


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8M", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def remounted(folder: Path, mode: str) -> bool:
    return subprocess.run(["mount", "-o", f"remount,{mode}", folder], capture_output=True).returncode == 0


def remove(folder: Path, pattern: str) -> None:
    for part in folder.glob(pattern):
        part.unlink()


def fill(folder: Path) -> Path:
    """Take all space that is left."""
    waste = folder / "waste"
    with waste.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return waste


@pytest.mark.live
async def test_a_full_disk_lets_nothing_begin_records_what_was_sent_and_recovers(
    disk: Path, opened_at: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEAT_S", 0.05)
    ledger = await opened_at(str(disk / "ledger.db"))
    handover = await (await ledger.claim(task(1))).data(**EXPECTED)
    waste = fill(disk)
    jobs = iter(range(10, 10_000))

    async def use_what_the_files_have() -> None:
        for job in jobs:
            await ledger.claim(task(job))

    with pytest.raises(LedgerUnavailable, match="full"):
        await use_what_the_files_have()
    await handover.sent(receipt=SENT, result=None)
    ledger.over(task(1).key)
    with pytest.raises(LedgerUnavailable):
        await use_what_the_files_have()
    with (store := Store.of(disk / "ledger.db")).transaction() as transaction:
        assert transaction.find(task(1).key).state.value == "sent"  # type: ignore[union-attr]
    store.close()
    waste.unlink()
    await until(lambda: not ledger.fault)
    assert (disk / "ledger.db-ballast").exists()
    assert isinstance(await ledger.claim(task(1)), Stored)


async def test_a_locked_database_lets_nothing_begin(
    tmp_path: Path, opened_at: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "LOCK_S", 0.05)
    monkeypatch.setattr(writer, "BEAT_S", 0.05)
    file = tmp_path / "locked.db"
    ledger = await opened_at(str(file))
    claim = await ledger.claim(task(1))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerUnavailable, match="locked"):
            await claim.data(**EXPECTED)
        await until(lambda: "locked" in ledger.fault)
    await until(lambda: not ledger.fault)
    await claim.data(**EXPECTED)


@pytest.mark.live
async def test_a_file_system_that_turns_read_only_lets_nothing_begin(
    disk: Path, opened_at: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "BEAT_S", 0.05)
    ledger = await opened_at(str(disk / "ledger.db"))
    claim = await ledger.claim(task(1))
    await asyncio.to_thread(ledger._writer._store.close)  # what is open for writing keeps a file system from turning
    if not remounted(disk, "ro"):
        pytest.skip("the file system cannot be made read-only while it is used")
    with pytest.raises(LedgerUnavailable):
        await claim.data(**EXPECTED)
    assert remounted(disk, "rw")
    await until(lambda: not ledger.fault)


async def test_a_file_that_is_taken_away_is_noticed(tmp_path: Path, opened_at: Opened) -> None:
    file = tmp_path / "gone.db"
    ledger = await opened_at(str(file))
    await ledger.claim(task(1))
    remove(tmp_path, "gone.db*")
    await ledger.claim(task(2))
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT job_key FROM zeebe_mail_sends").fetchall() == [(2,)]


@pytest.mark.live
async def test_a_postgresql_that_stops_and_comes_back(opened_at: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BEAT_S", 0.05)
    with postgres() as server:
        ledger = await opened_at(server.url)
        claim = await ledger.claim(task(1))
        server.stop()
        with pytest.raises(LedgerUnavailable):
            await claim.data(**EXPECTED)
        server.start()
        await until(lambda: not ledger.fault)
        handover = await claim.data(**EXPECTED)
        server.stop()
        with_answer = asyncio.create_task(handover.sent(receipt=SENT, result=None))
        await until(lambda: bool(ledger.fault))
        await with_answer  # the job goes on: the mail is out, and the ledger is told later
        ledger.over(task(1).key)
        server.start()
        await until(lambda: not ledger.fault)
        assert isinstance(await ledger.claim(task(1)), Stored)


async def test_a_data_line_that_nobody_waited_for_is_taken_back(
    tmp_path: Path, opened_at: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job gave up while the database hung: no mail was handed over, so there is no doubt later."""
    monkeypatch.setattr(writer, "PATIENCE_S", 0.1)
    file = tmp_path / "slow.db"
    ledger = await opened_at(str(file))
    claim = await ledger.claim(task(1))
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LedgerUnavailable, match="does not answer"):
            await claim.data(**EXPECTED)
        other.execute("ROLLBACK")
    ledger.over(task(1).key)
    monkeypatch.setattr(writer, "PATIENCE_S", 15)
    again = await ledger.claim(task(1))
    assert again.unfinished == 1


def test_network_file_systems_are_told_from_others() -> None:
    mounts = "\n".join(
        [
            "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
            "30 22 0:40 / /mnt/with\\040blank rw - nfs4 server:/export rw",
            "31 30 8:2 / /mnt/with\\040blank/local rw - xfs /dev/sdb rw",
            "32 22 0:41 / /srv/cloud rw - fuse.s3fs s3fs rw",
        ]
    )
    assert network_file_system(Path("/var/lib"), mounts) is None
    assert network_file_system(Path("/mnt/with blank/a"), mounts) == "nfs4"
    assert network_file_system(Path("/mnt/with blank/local"), mounts) is None
    assert network_file_system(Path("/srv/cloud"), mounts) == "fuse.s3fs"
    assert network_file_system(Path("/proc")) is None


def test_a_place_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaceError, match="file: "):
        prepare(tmp_path / "file" / "ledger.db")
    monkeypatch.setattr(places, "network_file_system", lambda _: "nfs4")
    with pytest.raises(PlaceError, match="network file system"):
        prepare(tmp_path / "ledger.db")
    with pytest.raises(PlaceError, match="postgresql:// URL"):
        Store.of("mysql://x/y")


def test_the_file_is_for_its_user_only(tmp_path: Path) -> None:
    prepare(tmp_path / "new" / "ledger.db")
    assert (tmp_path / "new" / "ledger.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_ballast_is_all_or_nothing(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "x.db", size=1 << 20)
    assert ballast.take()
    assert ballast.take()
    assert ballast.drop()
    assert not ballast.drop()
    assert not Ballast(tmp_path / "x.db", size=1 << 60).take()
    assert list(tmp_path.iterdir()) == []
