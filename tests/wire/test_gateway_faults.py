"""Faults of a gateway, and what the host makes of them.

The list is S1 to S20: how stock pyzeebe fails an e-mail worker, and what shows that this host does not.

| #   | Fault of the stock worker | Shown impossible by |
| --- | --- | --- |
| S1  | a completion is sent once | test_an_answer_is_told_until_it_is_heard, live: a_broker_that_restarts_under_load |
| S2  | an unserialisable result loops | live: a_result_that_cannot_be_written_is_an_incident_and_not_a_loop |
| S3  | full capacity stalls for 5 s | live: a_backlog_is_worked_off_within_the_budget |
| S4  | outages are counted for life | test_two_hundred_failures_in_a_row_do_not_end_the_worker |
| S5  | streams ignore the limit | live: a_backlog_is_worked_off_within_the_budget (streaming is on) |
| S6  | a stream's end counts as a failure | test_a_stream_that_ends_is_opened_again_without_haste |
| S7  | any other status ends the worker | test_no_status_ends_the_worker (every status code) |
| S8  | stop has no time-out | live: what_is_not_finished_within_the_grace_is_said_and_the_worker_ends |
| S9  | cancelling leaves handlers alone | live: the same |
| S10 | handler tasks are collected as garbage | cannot be: `Worker._jobs` refers to each run until it is answered |
| S11 | the deadline is ignored | live: the_heartbeat_keeps_a_job, a_job_that_timed_out_and_came_back_runs_once |
| S12 | postponed annotations break tasks | cannot be: the host never looks at a handler's signature |
| S13 | all variables are fetched | test_only_the_operations_variables_and_tenants_are_asked_for |
| S14 | a signature is read for each job | cannot be: as S12; running jobs are in a dictionary |
| S15 | tokens block, stampede, never refresh | test_gateway_access.py |
| S16 | fixed back-off without jitter | live: a_worker_started_before_its_gateway; test_pauses_grow_and_differ |
| S17 | a batch over 4 MiB is polled for ever | test_a_batch_above_four_mebibytes_is_taken |
| S18 | a failing error handler answers nothing | live: a_bug_is_a_plain_sentence, of_two_workers_with_one_job |
| S19 | no metrics, no readiness | tests/unit/telemetry |
| S20 | old stubs, no second copy | cannot be: one copy, pyzeebe's, `pyzeebe==4.7.*`; unknown fields are ignored |
"""

import asyncio
import time
from datetime import timedelta

import grpc
import pytest

from tests.live.host import Scripted, host, log_lines, never_extend, problems, until
from tests.servers.fake_gateway import FakeGateway
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome
from zeebe_mail.operations.base import Attempt
from zeebe_mail.telemetry.probes import Probes
from zeebe_mail.zeebe.gateway import GatewayUnavailable, Rejected
from zeebe_mail.zeebe.sources import Pause

Code = grpc.StatusCode
EVERY_FAILURE = [code for code in Code if code is not Code.OK]


@pytest.fixture
def quick_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same decisions without the waiting."""
    for name in ("LONGEST_PAUSE_S", "OVERLOADED_PAUSE_S", "LOCKED_OUT_PAUSE_S", "REFUSED_PAUSE_S", "FIRST_PAUSE_S"):
        monkeypatch.setattr(f"zeebe_mail.zeebe.sources.{name}", 0.01)


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.UNKNOWN, Code.INTERNAL, Code.ABORTED])
async def test_an_answer_is_told_until_it_is_heard(code: Code) -> None:
    handler = Scripted("t")
    async with FakeGateway() as gateway:
        gateway.fails("CompleteJob", code, times=2)
        gateway.job(1)
        async with host(gateway.address, handler, streaming=False) as running:
            await until(lambda: running.count("completed") == 1)
    assert gateway.count("CompleteJob") == 3
    assert len(handler.started) == 1


async def test_an_answer_that_was_heard_and_whose_reply_was_lost_counts_as_told() -> None:
    async with FakeGateway() as gateway:
        gateway.fails("CompleteJob", Code.UNAVAILABLE, after=True)
        gateway.job(1)
        with log_lines() as lines:
            async with host(gateway.address, Scripted("t"), streaming=False) as running:
                await until(lambda: running.count("completed") == 1)
    assert problems(lines) == []


async def test_only_what_became_of_a_mail_is_told_after_the_jobs_deadline() -> None:
    async def answer(job: Job, attempt: Attempt) -> Outcome:
        if job.key == 1:
            return Fail("NO: no", retries=0)
        await attempt.commit()
        return Complete() if job.key == 2 else Fail("OUTCOME_UNKNOWN: who knows", retries=0)

    async with FakeGateway() as gateway:
        gateway.fails("CompleteJob", Code.UNAVAILABLE, times=10)
        gateway.fails("FailJob", Code.UNAVAILABLE, times=20)
        gateway.fails("UpdateJobTimeout", Code.UNAVAILABLE, times=1000)
        for key in (1, 2, 3):
            gateway.job(key, deadline=round((time.time() + 2) * 1000))
        handler = Scripted("t", script=answer)
        async with host(gateway.address, handler, streaming=False, job_timeout=timedelta(seconds=2)) as running:
            await until(lambda: running.count("dropped") == 1)
            await until(lambda: running.count("completed") == 1, limit_s=20)
            await until(lambda: running.count("incident") == 1, limit_s=30)


async def test_an_answer_that_is_refused_for_good_becomes_an_incident_once() -> None:
    async with FakeGateway() as gateway:
        gateway.fails("CompleteJob", Code.INVALID_ARGUMENT, times=100)
        gateway.fails("FailJob", Code.INVALID_ARGUMENT, times=100)
        gateway.job(1)
        async with host(gateway.address, Scripted("t"), streaming=False) as running:
            await until(lambda: running.count("dropped") == 1)
    assert (gateway.count("CompleteJob"), gateway.count("FailJob")) == (1, 1)
    assert gateway.requests("FailJob")[0].retries == 0


async def test_a_refused_answer_about_a_mail_that_went_out_names_its_message_id() -> None:
    tokens = []

    async def hand_over(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        tokens.append(attempt.token)
        return Complete()

    async with FakeGateway() as gateway:
        gateway.fails("CompleteJob", Code.INVALID_ARGUMENT)
        gateway.job(1)
        async with host(gateway.address, Scripted("t", script=hand_over), streaming=False) as running:
            await until(lambda: running.count("incident") == 1)
    assert f"zm-{tokens[0]}" in gateway.requests("FailJob")[0].errorMessage


@pytest.mark.parametrize("code", EVERY_FAILURE, ids=lambda code: code.name)
async def test_no_status_ends_the_worker(code: Code, quick_pauses: None) -> None:
    """Neither on a poll nor on a stream; the job that comes afterwards is done, and the outage is said once."""
    handler = Scripted("t")
    with log_lines() as lines:
        async with FakeGateway() as gateway:
            gateway.fails("ActivateJobs", code, times=5)
            gateway.fails("StreamActivatedJobs", code, times=5)
            async with host(gateway.address, handler) as running:
                await until(lambda: gateway.streams and gateway.count("ActivateJobs") > 5)
                gateway.job(1)
                gateway.job(2, pushed=True)
                await until(lambda: running.count("completed") == 2)
    assert sum(line.get("action") == "gateway_lost" for line in lines) <= 2


async def test_two_hundred_failures_in_a_row_do_not_end_the_worker(quick_pauses: None) -> None:
    async with FakeGateway() as gateway:
        gateway.fails("ActivateJobs", Code.UNAVAILABLE, times=200)
        gateway.job(1)
        async with host(gateway.address, Scripted("t"), streaming=False) as running:
            await until(lambda: running.count("completed") == 1)


async def test_a_gateway_without_streams_is_asked_rarely_and_the_worker_is_ready() -> None:
    with log_lines() as lines:
        async with FakeGateway() as gateway:
            gateway.fails("StreamActivatedJobs", Code.UNIMPLEMENTED, times=1000)
            async with host(gateway.address, Scripted("t")) as running:
                for key in range(1, 6):
                    gateway.job(key)
                    await until(lambda key=key: running.count("completed") == key)
                    assert running.metrics.connected
    assert gateway.count("StreamActivatedJobs") <= 5
    assert sum(line.get("action") == "gateway_lost" for line in lines) == 1


async def test_a_stream_that_ends_is_opened_again_without_haste() -> None:
    async with FakeGateway() as gateway, host(gateway.address, Scripted("t")) as running:
        ends_at = time.monotonic() + 1.5
        while time.monotonic() < ends_at:
            gateway.end_streams()
            await asyncio.sleep(0.01)
        assert 2 <= gateway.count("StreamActivatedJobs") <= 12
        await until(lambda: gateway._pushes)
        gateway.job(1, pushed=True)
        await until(lambda: running.count("completed") == 1)


async def test_a_batch_above_four_mebibytes_is_taken() -> None:
    async with FakeGateway() as gateway:
        for key in range(1, 7):
            gateway.job(key, variables='{"n": "' + "x" * 1_500_000 + '"}')
        async with host(gateway.address, Scripted("t"), streaming=False) as running:
            await until(lambda: running.count("completed") == 6)


async def test_only_the_operations_variables_and_tenants_are_asked_for() -> None:
    async with FakeGateway() as gateway:
        options = {"tenant_ids": ["red", "blue"], "name": "me", "job_timeout": timedelta(seconds=7)}
        async with host(gateway.address, Scripted("t"), **options):
            await until(lambda: gateway.count("ActivateJobs") and gateway.count("StreamActivatedJobs"))
    for request in gateway.requests("ActivateJobs")[:1] + gateway.requests("StreamActivatedJobs"):
        assert list(request.fetchVariable) == ["n"]
        assert list(request.tenantIds) == ["red", "blue"]
        assert (request.worker, request.timeout) == ("me", 7000)


async def test_a_job_arrives_whole_and_its_token_knows_cluster_and_tenant() -> None:
    tokens = []

    async def look(job: Job, attempt: Attempt) -> Outcome:
        tokens.append(attempt.token)
        return Complete()

    handler = Scripted("t", script=look)
    for cluster, tenant in (("", "red"), ("", "red"), ("", "blue"), ("prod", "red")):
        async with FakeGateway() as gateway:
            gateway.job(
                7, variables='{"n": [1, "ü"]}', customHeaders='{"h": "v"}', tenantId=tenant, elementId="send", retries=2
            )
            async with host(gateway.address, handler, cluster=cluster, streaming=False) as running:
                await until(lambda running=running: running.count("completed") == 1)
    job = handler.started[0]
    assert (job.key, job.variables, job.headers) == (7, {"n": [1, "ü"]}, {"h": "v"})
    assert (job.tenant_id, job.element_id, job.retries) == ("red", "send", 2)
    assert tokens[0] == tokens[1]
    assert len(set(tokens)) == 3


@pytest.mark.parametrize(
    "variables", ["{", '{"n":' + "[" * 100_000 + "]" * 100_000 + "}"], ids=["not JSON", "too deep"]
)
async def test_a_job_that_cannot_be_read_is_an_incident_and_the_worker_goes_on(variables: str) -> None:
    async with FakeGateway() as gateway:
        gateway.job(1, variables=variables)
        gateway.job(2)
        async with host(gateway.address, Scripted("t"), streaming=False) as running:
            await until(lambda: running.count("completed") == 1 and running.count("incident") == 1)
    assert gateway.requests("FailJob")[0].errorMessage.startswith("INVALID_INPUT: ")


@pytest.mark.parametrize("off_s", [-3600, 30, 3600], ids=["ours ahead", "ours behind", "ours far behind"])
async def test_a_clock_that_is_wrong_costs_one_question_and_no_job(off_s: int) -> None:
    async with FakeGateway() as gateway:
        gateway.job(1, deadline=round((time.time() + 60 + off_s) * 1000))
        async with host(gateway.address, Scripted("t"), streaming=False) as running:
            await until(lambda: running.count("completed") == 1)
    assert gateway.count("UpdateJobTimeout") == 1


async def test_a_late_job_that_somebody_else_has_is_not_run(quick_pauses: None) -> None:
    """It spent more than half of its time-out on the way, so the broker is asked first, and knows better."""
    handler = Scripted("t")
    async with FakeGateway() as gateway:
        gateway.fails("UpdateJobTimeout", Code.NOT_FOUND)
        gateway.job(1, deadline=round((time.time() + 20) * 1000))
        async with host(gateway.address, handler, streaming=False) as running:
            await until(lambda: running.count("dropped") == 1)
    assert handler.started == []


async def test_a_job_that_came_again_while_no_slot_was_free_is_not_run_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """It timed out at the broker, was pushed to us again, and is read after its run has completed it."""
    never_extend(monkeypatch)
    release = asyncio.Event()

    async def hold(job: Job, attempt: Attempt) -> Outcome:
        await release.wait()
        return Complete()

    handler, timeout = Scripted("t", script=hold), timedelta(seconds=1)
    async with FakeGateway() as gateway, host(gateway.address, handler, max_jobs=1, job_timeout=timeout) as running:
        await until(lambda: gateway.streams)
        gateway.job(1, pushed=True, deadline=in_ms(timeout))
        await until(lambda: handler.running)
        (job,) = running.worker._jobs.values()
        await until(lambda: job.deadline_passed)
        gateway.job(1, pushed=True, deadline=in_ms(timeout))
        release.set()
        await until(lambda: running.count("dropped") == 1)
    assert len(handler.started) == 1
    assert gateway.count("CompleteJob") == 1


async def test_a_worker_whose_slots_are_all_taken_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its poll waits for a slot and asks for nothing; what it hears of the gateway are the answers to extensions."""
    monkeypatch.setattr("zeebe_mail.telemetry.probes.GATEWAY_SILENT_S", 1e-3)
    release = asyncio.Event()

    async def hold(job: Job, attempt: Attempt) -> Outcome:
        await release.wait()
        return Complete()

    handler, timeout = Scripted("t", script=hold), timedelta(seconds=2)
    async with (
        FakeGateway() as gateway,
        host(gateway.address, handler, max_jobs=1, job_timeout=timeout, streaming=False) as running,
    ):
        gateway.job(1, deadline=in_ms(timeout))
        await until(lambda: handler.running)
        seen_at = running.metrics.gateway_seen_at
        await until(lambda: running.metrics.gateway_seen_at > seen_at, what="an extension counts as contact")
        assert gateway.count("UpdateJobTimeout") >= 1
        assert Probes(running.metrics).ready()[0]
        assert running.metrics.registry.get_sample_value("zeebe_mail_last_poll_age_seconds") == 0
        release.set()


def in_ms(timeout: timedelta) -> int:
    return round((time.time() + timeout.total_seconds()) * 1000)


async def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FIRST_PAUSE_S", 0.001), ("LONGEST_PAUSE_S", 0.004)):
        monkeypatch.setattr(f"zeebe_mail.zeebe.sources.{name}", value)
    waits: list[float] = []

    def note(wait_s: float) -> object:
        waits.append(wait_s)
        return asyncio.timeout_at(0)

    monkeypatch.setattr("zeebe_mail.zeebe.sources.asyncio.timeout", note)
    pause, never = Pause(), asyncio.Event()
    for _ in range(50):
        await pause.after(GatewayUnavailable("away"), unless=never)
    assert waits[0] < waits[1] < waits[3]
    assert max(waits) <= 0.004
    assert len(set(waits)) > 10
    pause.reset()
    await pause.after(Rejected("no"), unless=never)
    assert waits[-1] <= 0.001
