"""However few jobs may run at once, a mail server that stands still does not have all of them."""

import json

import pytest

from tests.acceptance.worker import mail
from tests.live.host import host, until
from tests.servers.fake_gateway import FakeGateway
from tests.servers.stalling_smtp import StallingSmtp
from zeebe_mail.app import mailroom, task_types
from zeebe_mail.secrets import Redactor
from zeebe_mail.settings import load

TASK = "mail:smtp-send:1"


@pytest.mark.parametrize("max_jobs", [2, 10])
async def test_a_dead_server_leaves_half_of_the_jobs_to_the_others(
    max_jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZEEBE_MAIL_MAX_JOBS", str(max_jobs))
    settings = load()
    faces = {TASK: task_types(settings)[TASK]}
    async with (
        StallingSmtp("MAIL") as dead,
        StallingSmtp() as alive,
        FakeGateway() as gateway,
        mailroom(settings, Redactor(), faces) as room,
        host(gateway.address, room.handler, max_jobs=settings.max_jobs, streaming=False) as running,
    ):
        for key in range(1, max_jobs + 1):
            gateway.job(key, TASK, variables=json.dumps(mail(dead.port)))
        await until(lambda: dead.waiting == max_jobs // 2)
        gateway.job(100, TASK, variables=json.dumps(mail(alive.port)))
        await until(lambda: running.count("completed") == 1)
        assert dead.waiting == max_jobs // 2
        dead.release()
