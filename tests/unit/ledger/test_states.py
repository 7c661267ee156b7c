"""Wrong steps cannot be taken, whoever tries and in whatever order."""

import asyncio
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.host import until
from tests.unit.ledger.conftest import EXPECTED, SENT, dies, task
from zeebe_mail.errors import JobClaimed, JobLost
from zeebe_mail.ledger.ledger import Claim, Delivered, Doubt, Handover, Ledger, Stored
from zeebe_mail.ledger.states import FOLLOWS, Resolution, State
from zeebe_mail.ledger.store.store import Store


def test_every_state_can_be_reached_and_only_from_what_its_table_says() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.of(Path(folder) / "ledger.db")
        assert FOLLOWS.keys() == set(State)
        with store.transaction() as transaction:
            for job, (to, before) in enumerate((to, before) for to in State for before in State):
                key = task(job).key
                transaction.add(task(job), owner="me", lasts_s=60)
                transaction._connection.exec_driver_sql(
                    f"UPDATE zeebe_mail_sends SET state = '{before.value}' WHERE job_key = {job}"
                )
                assert not transaction.step(key, to, by="somebody else")
                assert transaction.step(key, to, by="me") is (before in FOLLOWS[to])
        store.close()


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["run", "dot", "answer", "refuse", "die", "resend"])), max_size=25
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_no_order_of_workers_that_run_die_and_come_back_sends_twice(steps: list[tuple[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(f"{folder}/ledger.db", steps))


async def play(place: str, steps: list[tuple[int, str]]) -> None:
    """Three workers take turns at one job; a mail is out with each dot that no refusal follows."""
    workers = [await opened(place) for _ in range(3)]
    stages: list[Any] = [None, None, None]
    dots: Counter[int] = Counter()
    sends = 0
    resends = 0
    for who, what in steps:
        ledger, stage = workers[who], stages[who]
        match what, stage:
            case "run", None | Delivered():
                ledger.over(task().key)
                stages[who] = await claimed(ledger)
                if isinstance(stages[who], Stored):
                    assert sends
            case "dot", Claim():
                try:
                    stages[who] = await stage.data(**EXPECTED)
                    sends += 1
                    dots[who] = sends
                except JobLost:
                    stages[who] = None
                    ledger.over(task().key)
            case "answer", Handover():
                stages[who] = await stage.sent(receipt=SENT, result=None)
            case "refuse", Handover():
                await stage.refused(ended=True, failed=True, reason="552")
                sends -= 1
                stages[who] = None
                ledger.over(task().key)
            case "die", _:
                dies(place, ledger)
                ledger.close()
                workers[who], stages[who] = await opened(place), None
            case "resend", Doubt():
                await stage.resolved(Resolution.NOT_SENT, by="jane")
                stages[who] = None
                resends += 1
    assert sends <= 1 + resends
    for ledger in workers:
        ledger.close()


async def claimed(ledger: Ledger) -> Any:
    try:
        return await ledger.claim(task())
    except JobClaimed:
        return None


async def opened(place: str) -> Ledger:
    ledger = Ledger(Store.of(place), claim_lasts=timedelta(seconds=60))
    ledger.start()
    await until(lambda: not ledger.fault)
    return ledger
