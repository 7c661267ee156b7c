"""What the ledger allows, on a file and on a real PostgreSQL."""

import asyncio
import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.ledger.conftest import EXPECTED, RECEIPT, SENT, Opened, Retention, dies, task
from zeebe_mail.errors import InputsChanged, JobClaimed, JobLost
from zeebe_mail.ledger.entry import Entry
from zeebe_mail.ledger.ledger import Claim, Doubt, Ledger, Stored
from zeebe_mail.ledger.states import Resolution, State
from zeebe_mail.ledger.store.store import Store


def entry(place: str) -> Entry:
    with (store := Store.of(place)).transaction() as transaction:
        (found,) = transaction.latest()
    store.close()
    return found


async def sent(ledger: Ledger, **about: Any) -> Claim:
    claim = await ledger.claim(task(**about))
    assert isinstance(claim, Claim)
    handover = await claim.data(**EXPECTED)
    await handover.sent(receipt=SENT, result=None)
    ledger.over(claim.task.key)
    return claim


async def test_a_job_that_comes_back_gets_the_result_of_its_mail(opened: Opened, place: str) -> None:
    first, second = await opened(), await opened()
    await sent(first)
    found = await second.claim(task())
    assert isinstance(found, Stored)
    assert found.result(list) == SENT
    assert second.duplicates_avoided == 1


async def test_the_claim_is_refused_while_another_attempt_runs(opened: Opened) -> None:
    first, second = await opened(), await opened()
    claim = await first.claim(task())
    for ledger in (first, second):
        with pytest.raises(JobClaimed):
            await ledger.claim(task())
    await claim.failed(ended=True, failed=True, reason="SERVER_BUSY")
    first.over(claim.task.key)
    again = await second.claim(task())
    assert (again.unfinished, again.failures) == (0, 1)


async def test_of_two_that_claim_at_once_one_gets_it(opened: Opened) -> None:
    ledgers = [await opened() for _ in range(4)]
    found = await asyncio.gather(*(one.claim(task()) for one in ledgers), return_exceptions=True)
    assert sum(isinstance(one, Claim) for one in found) == 1
    assert sum(isinstance(one, JobClaimed) for one in found) == 3


async def test_a_claim_ends_and_whoever_wakes_up_later_sends_nothing(opened: Opened, place: str) -> None:
    slow, quick = await opened(claim_lasts=timedelta(seconds=60)), await opened()
    frozen = await slow.claim(task())
    dies(place, slow)
    claim = await quick.claim(task())
    assert claim.unfinished == 1
    with pytest.raises(JobLost):
        await frozen.data(**EXPECTED)
    await claim.data(**EXPECTED)


async def test_what_a_dead_worker_handed_over_is_in_doubt_and_then_held(opened: Opened, place: str) -> None:
    dead, other = await opened(), await opened()
    await (await dead.claim(task())).data(**EXPECTED)
    with pytest.raises(JobClaimed):
        await other.claim(task())
    dies(place, dead)
    doubt = await other.claim(task())
    assert isinstance(doubt, Doubt)
    assert entry(place).state is State.IN_DOUBT
    doubt.held()
    again = await other.claim(task())
    assert isinstance(again, Doubt)
    assert again.entry is not None
    assert (again.entry.state, again.entry.receipt) == (State.HELD, RECEIPT)


@pytest.mark.parametrize("resolution", Resolution)
async def test_a_resolved_doubt_is_completed_or_sent_again(opened: Opened, place: str, resolution: Resolution) -> None:
    dead, other = await opened(), await opened()
    await (await dead.claim(task())).data(**EXPECTED)
    dies(place, dead)
    await (await other.claim(task())).resolved(resolution, by="jane")
    found = await other.claim(task(token="another"))
    if resolution is Resolution.SENT:
        assert isinstance(found, Stored)
        assert found.result(list)["response"] == "unknown; taken as sent: jane"
    else:
        assert isinstance(found, Claim)
        assert found.task.token == "token"  # so that a second mail is known by its Message-ID


async def test_an_answer_that_comes_after_all_settles_the_doubt(opened: Opened, place: str) -> None:
    frozen, other = await opened(), await opened()
    handover = await (await frozen.claim(task())).data(**EXPECTED)
    dies(place, frozen)
    (await other.claim(task())).held()
    await handover.sent(receipt=SENT, result=None)
    assert isinstance(await other.claim(task()), Stored)


async def test_other_inputs_under_the_same_key_are_an_incident_once_a_mail_may_be_out(
    opened: Opened, place: str
) -> None:
    ledger = await opened()
    claim = await ledger.claim(task())
    await claim.failed(ended=True, failed=False, reason="x")
    ledger.over(claim.task.key)
    await sent(ledger, fingerprint="corrected", token="new")  # nothing was out: a corrected input is welcome
    with pytest.raises(InputsChanged, match=r"<zm-token@x\.test>"):
        await ledger.claim(task(fingerprint="other"))
    assert isinstance(await ledger.claim(task(fingerprint="other", cluster="another")), Claim)


async def test_a_refused_mail_may_be_sent_again(opened: Opened, place: str) -> None:
    ledger = await opened()
    claim = await ledger.claim(task())
    handover = await claim.data(**EXPECTED)
    await handover.refused(ended=True, failed=True, reason="MESSAGE_REFUSED: 552 too large")
    ledger.over(claim.task.key)
    assert (entry(place).state, entry(place).failures) == (State.FAILED_BEFORE_DATA, 1)
    assert isinstance(await ledger.claim(task()), Claim)


async def test_completed_is_noted_and_old_entries_go_but_not_those_in_doubt(opened: Opened, place: str) -> None:
    ledger = await opened()
    done = await sent(ledger, job=1)
    ledger.completed(done.task.key)
    await sent(ledger, job=2)
    await asyncio.to_thread(ledger.close)
    with (store := Store.of(place)).transaction() as transaction:
        assert {one.task.key.job: one.state for one in transaction.latest()} == {1: State.COMPLETED, 2: State.SENT}
        assert transaction.purge([State.COMPLETED], older_than_s=60) == 0
        assert transaction.purge([State.COMPLETED], older_than_s=-1) == 1
        assert [one.task.key.job for one in transaction.latest()] == [2]
    store.close()


async def test_hidden_addresses_come_back_to_their_own_job_only(opened: Opened, place: str) -> None:
    ledger = await opened(retention=Retention(hides_addresses=True))
    await sent(ledger)
    kept = entry(place)
    assert "you@x.test" not in str(kept)
    assert kept.message_id == "<zm-token@x.test>"
    found = await ledger.claim(task())
    assert found.result(lambda: ["To: Jane <you@x.test>"]) == SENT
    assert found.result(list)["accepted"] != ["you@x.test"]


RACER = """
    import asyncio, sys
    from datetime import timedelta
    from tests.unit.ledger.conftest import EXPECTED, SENT, task
    from zeebe_mail.errors import JobClaimed, JobLost
    from zeebe_mail.ledger.ledger import Claim, Ledger
    from zeebe_mail.ledger.store.store import Store

    async def race():
        ledger = Ledger(Store.of(sys.argv[1]), claim_lasts=timedelta(seconds=60))
        ledger.start()
        while ledger.fault:
            await asyncio.sleep(0.001)
        won = []
        async def one(job):
            try:
                claim = await ledger.claim(task(job))
            except JobClaimed:
                return
            if isinstance(claim, Claim):
                await (await claim.data(**EXPECTED)).sent(receipt=SENT, result=None)
                won.append(job)
        await asyncio.gather(*(one(job) for job in range(200)))
        await asyncio.to_thread(ledger.close)
        print(*won)

    asyncio.run(race())
"""


async def test_of_two_processes_one_sends_each_mail(place: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(RACER), place]
    here = Path(__file__).parents[3]
    racers = [
        await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, cwd=here, env={"PYTHONPATH": f"{here}:{here}/worker", "PATH": ""}
        )
        for _ in range(2)
    ]
    won = [int(job) for one in racers for job in (await one.communicate())[0].split() if job.isdigit()]
    assert sorted(won) == list(range(200))
