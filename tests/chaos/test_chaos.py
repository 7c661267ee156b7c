"""The short form of the chaos: five hundred jobs over all rows. `python -m tests.chaos` plays more.

It judges by times too (what recovers, what is stuck), so it wants an idle machine. CHAOS=1 asks for it.
"""

import os

import pytest

from tests.chaos.rows import ROWS
from tests.chaos.runner import play_all, shares
from tests.servers.broker import needs_broker

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif("CHAOS" not in os.environ, reason="three minutes of an idle machine; CHAOS=1 runs it"),
]

JOBS = 500
SEED = 1


@pytest.mark.timeout(600)
async def test_no_mail_is_lost_or_sent_twice_whatever_fails() -> None:
    needs_broker()
    reports = await play_all(shares(ROWS, JOBS), seed=SEED, lanes=4)
    assert [(report.row.fault, line) for report in reports for line in report.broken] == []
    assert [report.row for report in reports] == list(ROWS)
