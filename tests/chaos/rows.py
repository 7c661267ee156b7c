"""The faults, each with what must hold (numbers as in the chaos plan: one row, one hypothesis, one number)."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import cycle
from pathlib import Path

import grpc

from tests.acceptance.failing import POINTS
from tests.chaos.referee import INPUTS_CHANGED, Fate, Truth
from tests.chaos.sink import Fault
from tests.chaos.stage import CONNECTIONS, Slot, Stage
from zeebe_mail.zeebe.gateway import pb

Disturb = Callable[[Stage], Awaitable[None]]
Broken = list[str]
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
DISK_BYTES = 12_000_000


async def nothing(stage: Stage) -> None:
    """Row 1."""


@dataclass(frozen=True)
class Row:
    """One kind of fault."""

    number: int
    fault: str
    hypothesis: str
    disturb: Disturb
    """Deals the faults while jobs flow, and leaves everything well."""
    weight: int = 1
    """Its share of the jobs."""
    holds: Callable[[Truth, Stage], Broken] = lambda truth, stage: []
    """What must hold beyond: none lost, none twice, none stuck, all tell one story."""
    held_at_most: Callable[[Stage], float] = lambda stage: 0
    may_double: bool = False
    mail_server: tuple[Fault, ...] = ()
    delays_s: tuple[float, float] = (0.05, 0.3)
    mailbox_task: str = ""
    """What jobs do, where they do not send."""
    lasts_s: float = 5.0
    """How long its jobs flow at least, so that the faults meet some."""
    before: Disturb = nothing
    """What is done before there are jobs."""
    backlog: bool = False
    """Whether all jobs are there before a worker is."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Of the workers; `{folder}` is the row's folder."""
    headers: Mapping[str, str] = field(default_factory=dict)
    request: Mapping[str, object] = field(default_factory=dict)
    around: Callable[[Path], AbstractContextManager[object]] = nullcontext
    """What the row's folder needs."""
    missing: Callable[[], str] = lambda: ""
    """Why this machine cannot do it."""


def all_completed(truth: Truth, stage: Stage) -> Broken:
    left = {fate.value: len(truth.of(fate)) for fate in Fate if fate is not Fate.COMPLETED and truth.of(fate)}
    return [f"not completed: {left}"] if left else []


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def kill_workers(stage: Stage) -> None:
    """Both at once, again and again: at each fail-point, and anywhere."""
    points = [*POINTS, "anywhere"]
    await asyncio.gather(
        *(
            kill_again(stage, slot, points[half:] + points[:half])
            for slot, half in zip(stage.slots, (0, 4), strict=True)
        )
    )


async def kill_again(stage: Stage, slot: Slot, points: list[str]) -> None:
    for point in cycle(points):
        await slot.end(signal.SIGKILL)
        if len(stage.jobs) == stage.wanted:
            break
        if point == "anywhere":
            await slot.start()
            await stage.pause(0.3, 2)
        else:
            await slot.start(fail_point=point, fail_at=stage.dice.randint(1, 3))
            await died(slot, limit_s=4)
        stage.fault(f"killed {point}")
    await slot.start()
    stage.mended()


async def died(slot: Slot, *, limit_s: float) -> None:
    assert slot.now
    with suppress(TimeoutError):  # no job came that far: it is killed anywhere
        await asyncio.wait_for(slot.now.process.wait(), limit_s)


async def interrupt_mailbox(stage: Stage) -> None:
    """Its link is reset, and workers are killed when they have done it and have not said so, or anywhere."""
    points = cycle(["before complete", "anywhere"])
    for slot in cycle(stage.slots):
        point = next(points)
        await slot.end(signal.SIGKILL)
        if len(stage.jobs) == stage.wanted:
            break
        await slot.start(fail_point=point if point in POINTS else "", fail_at=stage.dice.randint(1, 3))
        stage.to_post.reset()
        await died(slot, limit_s=stage.dice.uniform(1, 3))
        stage.fault(f"killed {point}")
    await slot.start()
    stage.mended()


def in_doubt_per_kill(stage: Stage) -> float:
    return CONNECTIONS * sum(count for name, count in stage.faults.items() if name.startswith("killed"))


def doubles_are_doubts(truth: Truth, stage: Stage) -> Broken:
    resolved = {job for job, entry in truth.entries.items() if entry.attempts > 1}
    wrong = truth.doubled - resolved
    return [f"doubled without a doubt: {sorted(wrong)}"] if wrong else []


async def rolling_restart(stage: Stage) -> None:
    for slot in cycle(stage.slots):
        if len(stage.jobs) == stage.wanted:
            break
        await slot.end(signal.SIGTERM)
        stage.fault("restarted")
        await slot.start()
    stage.mended()


async def freeze_workers(stage: Stage) -> None:
    """A frozen worker does not extend its jobs: the broker gives them to the other one."""
    for slot, _ in zip(cycle(stage.slots), range(2), strict=False):
        await stage.pause(0.5, 1.5)
        slot.send(signal.SIGSTOP)
        await asyncio.sleep(8)
        slot.send(signal.SIGCONT)
        stage.fault("frozen")


async def hand_out_twice(stage: Stage) -> None:
    """The broker is told that a job's time is over, while it runs: it gives it to the next one who asks."""
    expired: set[int] = set()
    while stage.unsettled():
        keys = {
            key
            for batch in stage.records.all("JOB_BATCH", "ACTIVATED")
            for key, job in zip(batch["value"]["jobKeys"], batch["value"]["jobs"], strict=True)
            if job["processInstanceKey"] in stage.jobs
        } - expired
        await asyncio.gather(*(expire(stage, key) for key in keys))
        expired |= keys
        await asyncio.sleep(0.05)


async def expire(stage: Stage, key: int) -> None:
    try:
        await stage.engine.stub.UpdateJobTimeout(pb.UpdateJobTimeoutRequest(jobKey=key, timeout=1))
    except grpc.aio.AioRpcError:
        return  # it is completed already
    stage.fault("expired")


# ── broker and mail server ───────────────────────────────────────────────────────────────────────────────────────


async def kill_broker(stage: Stage) -> None:
    times = max(1, stage.wanted // 500)
    for number in range(times):
        due = stage.wanted * (number + 1) / (times + 1)
        await stage.comes(partial(has_sent, stage, due), limit_s=600)
        stage.fault("broker killed")
        await asyncio.to_thread(stage.broker.kill)
        await stage.pause(0.5, 2)
        await asyncio.to_thread(stage.broker.start)
        stage.mended()


def has_sent(stage: Stage, count: float) -> bool:
    return stage.sent >= count or not stage.unsettled()


def deaths(stage: Stage) -> float:
    return 2 * CONNECTIONS * stage.post.deaths


async def until_started(stage: Stage) -> None:
    """The mail server does it by itself."""
    await stage.comes(lambda: len(stage.jobs) == stage.wanted, limit_s=3600)
    stage.mended()


def right_class(truth: Truth, stage: Stage) -> Broken:
    """A doubt is held, a permanent refusal fails, and anything else is sent in the end."""
    wrong = []
    dealt: dict[int, set[str]] = {}
    for fault in truth.faults:
        for address in fault["to"]:
            if address.startswith("job"):
                number = int(address.removeprefix("job").partition("@")[0])
                dealt.setdefault(number, set()).add(_meaning(fault))
    for job, fate in truth.fates.items():
        meant = dealt.get(job, set())
        wanted = {Fate.HELD} if "doubt" in meant else {Fate.FAILED} if "refusal" in meant else {Fate.COMPLETED}
        if "perhaps" in meant:
            wanted.add(Fate.HELD)
        if fate not in wanted:
            wrong.append(f"job {job}: {sorted(meant)} should not be {fate.value}")
    return wrong


def _meaning(fault: Mapping[str, object]) -> str:
    does = str(fault["fault"])
    if fault["at"] == "RCPT" and does == "451":
        return "refusal"  # the only other recipient is refused for good, so nobody gets it
    if fault["at"] == "body":
        return "perhaps"  # the worker may have written the dot before it heard of it
    of_answers = {"451": "later", "550": "refusal"}
    return of_answers.get(does, "doubt" if fault["at"] in (".", "taken") else "later")


# ── network ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def break_links(stage: Stage) -> None:
    links = {
        "mail server": stage.to_post,
        "broker, worker 1": stage.to_broker[0],
        "broker, worker 2": stage.to_broker[1],
    }
    for name, link in links.items():
        for fault in ("reset", "cut", "delay", "throttle", "black hole", "refuse"):
            await stage.pause(0.1, 0.4)
            stage.fault(f"{fault}: {name}")
            match fault:
                case "reset":
                    link.reset()
                case "cut":
                    link.cut()
                case "delay":
                    link.delay_s = 2
                    await asyncio.sleep(2)
                    link.delay_s = 0
                case "throttle":
                    link.bytes_per_s = 1000
                    await asyncio.sleep(2)
                    link.bytes_per_s = None
                case "black hole":
                    link.swallow()
                    await asyncio.sleep(3)
                    link.deliver()
                case "refuse":
                    await link.refuse()
                    link.cut()
                    await asyncio.sleep(1)
                    await link.accept()
    stage.mended()


def in_doubt_per_cut(stage: Stage) -> float:
    cuts = sum(count for name, count in stage.faults.items() if name.endswith("mail server"))
    return 2 * CONNECTIONS * cuts


# ── clock and disk ───────────────────────────────────────────────────────────────────────────────────────────────


async def shift_clocks(stage: Stage) -> None:
    file = clock_file(stage.folder)
    for shift in ("+3600", "-3600", "+86400", "-86400", "+0"):
        file.write_text(shift + "\n")
        stage.fault(f"clock {shift}")
        await asyncio.sleep(1.5)


def clock_file(folder: Path) -> Path:
    return folder / "clock"


def no_faketime() -> str:
    return "" if FAKETIME.exists() else "libfaketime is not installed"


async def fill_disk(stage: Stage) -> None:
    """The ledger's disk is full to the last byte, twice."""
    for _ in range(2):
        await stage.pause(0.5, 1.5)
        filler = stage.ledger.parent / "filler"
        stage.fault("disk full")
        with filler.open("wb", buffering=0) as file:
            for block in (65536, 4096, 512, 1):
                try:
                    while True:
                        file.write(b"\0" * block)
                except OSError:
                    continue
        await asyncio.sleep(5)
        filler.unlink()
    stage.mended()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "chaos", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def no_small_disk() -> str:
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        return "a small file system can be mounted by root only"
    probe = Path("/tmp") / f"chaos-disk-{os.getpid()}"
    probe.mkdir(exist_ok=True)
    try:
        if subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "chaos", probe], capture_output=True).returncode:
            return "no file system can be mounted here"
        subprocess.run(["umount", probe], check=True)
    finally:
        probe.rmdir()
    return ""


async def lock_ledger(stage: Stage) -> None:
    """Somebody else holds SQLite's lock for longer than anybody waits for it."""
    for held_s in (1, 7):
        await stage.pause(0.5, 1.5)
        with closing(sqlite3.connect(stage.ledger, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            stage.fault("ledger locked")
            await asyncio.sleep(held_s)
            other.execute("ROLLBACK")
    stage.mended()


async def advance_broker(stage: Stage) -> None:
    """The broker believes that an hour is over: every job that runs has timed out."""
    await stage.pause(1, 2)
    stage.fault("broker clock +1 h")
    while stage.unsettled():
        await asyncio.to_thread(stage.broker.advance, timedelta(hours=1))
        await asyncio.sleep(0.3)
    await asyncio.to_thread(stage.broker.reset_clock)


# ── restored backups ─────────────────────────────────────────────────────────────────────────────────────────────


async def restore_broker(stage: Stage) -> None:
    """From a backup that was made when fewer of the jobs were completed."""
    backup = stage.folder / "broker"
    await stage.comes(partial(has_sent, stage, stage.wanted / 3))
    await asyncio.to_thread(stage.broker.stop)
    await asyncio.to_thread(shutil.copytree, stage.broker._data, backup)
    await asyncio.to_thread(stage.broker.start)
    await stage.comes(partial(has_sent, stage, stage.wanted * 2 / 3))
    await asyncio.to_thread(go_back, stage, backup)
    stage.mended()


async def issue_keys_again(stage: Stage) -> None:
    """Restored from a backup without the jobs, the broker gives their keys to other jobs."""
    jobs, backup = stage.wanted, stage.folder / "broker"
    await stage.settled()
    await asyncio.gather(*(slot.end(signal.SIGTERM) for slot in stage.slots))
    await asyncio.to_thread(go_back, stage, backup)
    stage.begin_anew()
    await stage.start_jobs(jobs)
    await asyncio.gather(*(slot.start() for slot in stage.slots))
    stage.mended()


async def back_up_broker(stage: Stage) -> None:
    await asyncio.to_thread(stage.broker.stop)
    await asyncio.to_thread(shutil.copytree, stage.broker._data, stage.folder / "broker")
    await asyncio.to_thread(stage.broker.start)


def go_back(stage: Stage, backup: Path) -> None:
    stage.broker.kill()
    shutil.rmtree(stage.broker._data)
    shutil.copytree(backup, stage.broker._data)
    stage.records.forget()
    stage.fault("broker restored")
    stage.broker.start()


def refused_as_another(truth: Truth, stage: Stage) -> Broken:
    changed = [job for job, code in truth.incidents.items() if code == INPUTS_CHANGED]
    sent = truth.of(Fate.COMPLETED) | set(changed)
    wrong = [f"neither sent nor told: {sorted(truth.fates.keys() - sent)}"] if truth.fates.keys() - sent else []
    return wrong + ([] if changed else ["no key was issued again"])


def no_dovecot() -> str:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return "" if shutil.which("dovecot", path=path) else "Dovecot is not installed"


SHARE = 0.12
MAIL_SERVER_DIES = (Fault("body", "die", SHARE), Fault(".", "die", SHARE / 2), Fault("taken", "die", SHARE / 2))
ANSWERS = (
    *(
        Fault(at, does, 0.02)
        for at in ("EHLO", "MAIL", "RCPT", "DATA")
        for does in ("451", "550", "drop")
        if (at, does) != ("EHLO", "550")
    ),
    Fault("body", "drop", 0.03),
    *(Fault(".", does, 0.05) for does in ("451", "550", "drop", "garbage")),
    *(Fault("taken", does, 0.04) for does in ("drop", "garbage")),
    Fault("told", "drop", 0.05),
)

ROWS = (
    Row(1, "none", "nothing held", nothing, weight=3, holds=all_completed, delays_s=(0.002, 0.03)),
    Row(
        2,
        "worker killed",
        "held ≤ in flight per kill",
        kill_workers,
        weight=4,
        lasts_s=25,
        held_at_most=in_doubt_per_kill,
    ),
    Row(
        2,
        "worker killed, inDoubt: resend",
        "doubled only what was in doubt",
        kill_workers,
        weight=3,
        holds=lambda truth, stage: doubles_are_doubts(truth, stage) + all_completed(truth, stage),
        may_double=True,
        lasts_s=25,
        headers={"inDoubt": "resend"},
    ),
    Row(3, "broker killed", "all completed", kill_broker, weight=4, holds=all_completed, backlog=True),
    Row(
        4,
        "mail server killed",
        "held ≤ in flight per death",
        until_started,
        weight=3,
        held_at_most=deaths,
        mail_server=MAIL_SERVER_DIES,
    ),
    Row(
        5,
        "answers of the mail server",
        "each to the right end",
        until_started,
        weight=4,
        holds=right_class,
        held_at_most=lambda stage: stage.wanted,
        mail_server=ANSWERS,
        settings={"ZEEBE_MAIL_JOB_TIMEOUT": "30"},
        request={"cc": "refused@x.test", "requiredRecipients": "any"},
    ),
    Row(
        6,
        "network",
        "held only behind the mail server's link",
        break_links,
        weight=2,
        lasts_s=25,
        held_at_most=in_doubt_per_cut,
    ),
    Row(
        7,
        "sending takes longer than the job time-out",
        "no job handed out twice",
        until_started,
        holds=lambda truth, stage: (
            all_completed(truth, stage) + ([f"{truth.reactivations} jobs timed out"] if truth.reactivations else [])
        ),
        delays_s=(5.0, 5.5),
    ),
    Row(
        7,
        "worker frozen",
        "nothing sent by two",
        freeze_workers,
        lasts_s=18,
        held_at_most=lambda stage: 2 * 2 * CONNECTIONS,
    ),
    Row(8, "job handed out twice at once", "sent once", hand_out_twice, weight=2, holds=all_completed),
    Row(9, "workers restarted in turn", "nothing held", rolling_restart, weight=2, lasts_s=12, holds=all_completed),
    Row(
        10,
        "worker's clock jumps",
        "nothing held",
        shift_clocks,
        lasts_s=8,
        holds=all_completed,
        around=lambda folder: nullcontext(clock_file(folder).write_text("+0\n")),
        settings={
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": "{folder}/clock",
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        },
        missing=no_faketime,
    ),
    Row(10, "broker's clock jumps", "nothing held", advance_broker, holds=all_completed),
    Row(
        11,
        "disk of the ledger full",
        "nothing held",
        fill_disk,
        lasts_s=14,
        holds=all_completed,
        around=small_disk,
        settings={"ZEEBE_MAIL_LEDGER": "{folder}/disk/ledger.db"},
        missing=no_small_disk,
    ),
    Row(12, "ledger locked", "nothing held", lock_ledger, lasts_s=12, holds=all_completed),
    Row(
        13,
        "memory full",
        "only the child dies",
        nothing,
        missing=lambda: "not played; hostile mail: tests/unit/message/test_hostile.py",
    ),
    Row(
        14,
        "IMAP move, worker killed or cut off",
        "each in the target once",
        interrupt_mailbox,
        holds=all_completed,
        lasts_s=20,
        mailbox_task="imap-move",
        missing=no_dovecot,
    ),
    Row(
        15,
        "POP3 delete, worker killed or cut off",
        "each deleted, no other",
        interrupt_mailbox,
        holds=all_completed,
        lasts_s=20,
        mailbox_task="pop3-delete",
        missing=no_dovecot,
    ),
    Row(
        16,
        "broker restored, older than the ledger",
        "all completed",
        restore_broker,
        weight=2,
        holds=all_completed,
        backlog=True,
    ),
    Row(
        16,
        "keys issued again for other mails",
        "an incident each, none skipped",
        issue_keys_again,
        holds=refused_as_another,
        backlog=True,
        before=back_up_broker,
    ),
)
