"""One job's life with the host, on the real broker; what the broker recorded is the judge."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from tests.live.conftest import Recorded
from tests.live.host import Scripted, host, log_lines, never_extend, problems, until, zeebe
from zeebe_mail.jobs.job import Job
from zeebe_mail.jobs.outcome import Complete, Fail, Outcome, ThrowError
from zeebe_mail.operations.base import Attempt
from zeebe_mail.zeebe.sources import Poll, Source, Stream
from zeebe_mail.zeebe.worker import Worker

pytestmark = pytest.mark.live

SHORT = timedelta(seconds=2)


def only(kind: type[Source], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take jobs by one way alone."""
    every = Worker._sources
    monkeypatch.setattr(Worker, "_sources", lambda worker: [one for one in every(worker) if isinstance(one, kind)])


@pytest.mark.parametrize("way", [Poll, Stream])
async def test_each_job_is_done_once_by(way: type[Source], recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    only(way, monkeypatch)
    name = f"once-by-{way.__name__.lower()}"
    handler = Scripted(name)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler):
        await engine.deploy_task(name)
        await asyncio.sleep(0.2 if way is Stream else 0)  # a stream gets only what is created after it is known
        await engine.start_many(name, 60)
        await until(lambda: len(recorded.records.all("JOB", "COMPLETED", type=name)) == 60)

    assert Counter(handler.keys).most_common(1)[0][1] == 1
    assert len(handler.keys) == 60


async def test_a_backlog_is_worked_off_within_the_budget_by_all_task_types_alike(recorded: Recorded) -> None:
    """Seven slots, three task types, one of them with far more jobs than the others."""
    names = ["budget-a", "budget-b", "budget-c"]
    handler = Scripted(*names, script=lambda job, attempt: _slowly(0.02))
    async with zeebe(recorded.address) as engine:
        for name, count in zip(names, (150, 40, 40), strict=True):
            await engine.deploy_task(name)
            await engine.start_many(name, count)
        async with host(recorded.address, handler, max_jobs=7):
            await until(lambda: len(handler.started) == 230 and handler.running == 0)

    assert handler.most_running == 7
    order = [job.type for job in handler.started]
    assert set(order[-20:]) == {"budget-a"}, "the others were through before the long backlog, not behind it"


async def _slowly(seconds: float) -> Outcome:
    await asyncio.sleep(seconds)
    return Complete()


async def test_idle_task_types_do_not_sit_on_the_only_slot(recorded: Recorded) -> None:
    names = [f"sparse-{letter}" for letter in "abcde"]
    handler = Scripted(*names)
    async with zeebe(recorded.address) as engine:
        for name in names:
            await engine.deploy_task(name)
        async with host(recorded.address, handler, max_jobs=1, streaming=False):
            for turn in range(2):
                for number, name in enumerate(names, start=1):
                    await engine.start(name, {})
                    done = turn * 5 + number
                    await until(lambda done=done: len(handler.started) == done)
    assert handler.most_running == 1


async def test_the_heartbeat_keeps_a_job_three_times_as_long_as_its_timeout(recorded: Recorded) -> None:
    handler = Scripted("heartbeat", script=lambda job, attempt: _slowly(6))
    async with zeebe(recorded.address) as engine, host(recorded.address, handler, job_timeout=SHORT):
        await engine.deploy_task("heartbeat")
        await engine.start_many("heartbeat", 5)
        await until(lambda: len(recorded.records.all("JOB", "COMPLETED", type="heartbeat")) == 5)

    assert recorded.records.all("JOB", "TIMED_OUT", type="heartbeat") == []
    assert len(recorded.records.all("JOB", "TIMEOUT_UPDATED", type="heartbeat")) >= 10
    assert len(handler.started) == 5


async def test_a_job_that_is_cancelled_before_the_commit_is_stopped_where_it_is(recorded: Recorded) -> None:
    stopped: list[int] = []

    async def wait_for_ever(job: Job, attempt: Attempt) -> Outcome:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(job.key)
            raise
        return Complete()

    handler = Scripted("cancelled-early", script=wait_for_ever)
    async with zeebe(recorded.address) as engine:
        with log_lines() as lines:
            async with host(recorded.address, handler, job_timeout=SHORT) as running:
                await engine.deploy_task("cancelled-early")
                instance = await engine.start("cancelled-early", {})
                await until(lambda: handler.running)
                await engine.cancel(instance)
                await until(lambda: stopped == handler.keys)
                await until(lambda: running.count("dropped") == 1)
    assert problems(lines) == []


async def test_a_job_that_is_cancelled_after_the_commit_goes_to_its_end(recorded: Recorded) -> None:
    go_on = asyncio.Event()
    ended: list[int] = []

    async def commit_and_wait(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        await go_on.wait()
        ended.append(job.key)
        return Complete()

    handler = Scripted("cancelled-late", script=commit_and_wait)
    async with zeebe(recorded.address) as engine:
        with log_lines() as lines:
            async with host(recorded.address, handler, job_timeout=SHORT) as running:
                await engine.deploy_task("cancelled-late")
                instance = await engine.start("cancelled-late", {})
                await until(lambda: handler.running)
                await engine.cancel(instance)
                job = next(iter(running.worker._jobs.values()))
                await until(lambda: job.lost)  # the heartbeat has learned of it
                go_on.set()
                await until(lambda: running.count("dropped") == 1)
    assert ended == handler.keys
    assert problems(lines) == []


async def test_a_job_lost_on_the_way_is_not_committed(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time-out has gone by unheard, and the process was cancelled meanwhile: nothing may be sent."""
    never_extend(monkeypatch)
    sent: list[int] = []

    async def commit_late(job: Job, attempt: Attempt) -> Outcome:
        await asyncio.sleep(1.2)
        await attempt.commit()
        sent.append(job.key)
        return Complete()

    handler = Scripted("lost", script=commit_late)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler, job_timeout=SHORT) as running:
        await engine.deploy_task("lost")
        instance = await engine.start("lost", {})
        await until(lambda: handler.running)
        await engine.cancel(instance)
        await until(lambda: running.count("dropped") == 1)
    assert sent == []


async def test_a_job_that_timed_out_and_came_back_runs_once_in_this_process(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_extend(monkeypatch)
    with log_lines() as lines:
        handler = Scripted("repeated", script=lambda job, attempt: _slowly(5))
        async with zeebe(recorded.address) as engine, host(recorded.address, handler, job_timeout=SHORT):
            await engine.deploy_task("repeated")
            await engine.start("repeated", {})
            await until(lambda: recorded.records.all("JOB", "COMPLETED", type="repeated"))
    assert recorded.records.all("JOB", "TIMED_OUT", type="repeated")
    assert any(line.get("action") == "job_repeated" for line in lines)
    assert len(handler.started) == 1


async def test_of_two_workers_with_one_job_one_completes_it_and_the_other_learns_so(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_extend(monkeypatch)
    release = asyncio.Event()

    async def hold(job: Job, attempt: Attempt) -> Outcome:
        await release.wait()
        return Complete()

    slow, quick = Scripted("two", script=hold), Scripted("two")
    only_once = {"job_timeout": SHORT, "max_jobs": 1, "streaming": False}  # a stream would be pushed the job again
    with log_lines() as lines:
        async with zeebe(recorded.address) as engine, host(recorded.address, slow, **only_once) as a:
            await engine.deploy_task("two")
            await engine.start("two", {})
            await until(lambda: slow.running)
            async with host(recorded.address, quick) as b:
                await until(lambda: b.count("completed") == 1)
                release.set()
                await until(lambda: a.count("dropped") == 1)
    assert slow.keys == quick.keys
    assert len(recorded.records.all("JOB", "COMPLETED", type="two")) == 1
    assert problems(lines) == []


async def test_the_broker_is_told_retries_backoff_message_and_variables(recorded: Recorded) -> None:
    async def fail(job: Job, attempt: Attempt) -> Outcome:
        if job.retries > 1:
            return Fail("BUSY: later", retries=job.retries - 1, backoff=timedelta(milliseconds=300))
        return Fail("NO: ü\ud800", retries=0, variables={"error": {"code": "NO"}})

    async with zeebe(recorded.address) as engine, host(recorded.address, Scripted("told", script=fail)):
        await engine.deploy_task("told", retries=2)
        await engine.start("told", {})
        await until(lambda: recorded.records.all("INCIDENT", "CREATED", bpmnProcessId="told"))

    first, second = (record["value"] for record in recorded.records.all("JOB", "FAILED", type="told"))
    assert (first["retries"], first["retryBackoff"]) == (1, 300)
    assert (second["retries"], second["variables"]) == (0, {"error": {"code": "NO"}})
    (incident,) = recorded.records.all("INCIDENT", "CREATED", bpmnProcessId="told")
    assert incident["value"]["errorMessage"] == "NO: ü?"


async def test_a_failed_job_that_is_pushed_back_before_its_answer_has_come_is_not_ignored(recorded: Recorded) -> None:
    """The broker's stream overtakes its own reply to FailJob; a job taken for a repetition would idle a minute."""

    async def fail_often(job: Job, attempt: Attempt) -> Outcome:
        return Complete() if job.retries == 1 else Fail("BUSY: again", retries=job.retries - 1)

    handler = Scripted("overtaken", script=fail_often)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler):
        await engine.deploy_task("overtaken", retries=4)
        await engine.start_many("overtaken", 50)
        await until(lambda: len(recorded.records.all("JOB", "COMPLETED", type="overtaken")) == 50)
    assert sorted(Counter(handler.keys).values()) == [4] * 50


async def test_a_bpmn_error_reaches_the_broker(recorded: Recorded) -> None:
    async def throw(job: Job, attempt: Attempt) -> Outcome:
        return ThrowError("OUT", "not caught here", {"a": 1})

    async with zeebe(recorded.address) as engine, host(recorded.address, Scripted("thrown", script=throw)):
        await engine.deploy_task("thrown")
        await engine.start("thrown", {})
        await until(lambda: recorded.records.all("INCIDENT", "CREATED", bpmnProcessId="thrown"))
    (thrown,) = recorded.records.all("JOB", "ERROR_THROWN", type="thrown")
    assert (thrown["value"]["errorCode"], thrown["value"]["errorMessage"]) == ("OUT", "not caught here")


@pytest.mark.parametrize(
    ("committed", "retries_left", "says"), [(False, 2, "before any mail"), (True, 0, "after the mail was handed over")]
)
async def test_a_bug_is_a_plain_sentence_for_the_process_and_a_traceback_for_the_log(
    recorded: Recorded, *, committed: bool, retries_left: int, says: str
) -> None:
    name = f"bug-{retries_left}"

    async def stumble(job: Job, attempt: Attempt) -> Outcome:
        if committed:
            await attempt.commit()
        raise LookupError("the inside of our code")

    with log_lines() as lines:
        async with zeebe(recorded.address) as engine, host(recorded.address, Scripted(name, script=stumble)):
            await engine.deploy_task(name)
            await engine.start(name, {})
            await until(lambda: recorded.records.all("JOB", "FAILED", type=name))
    failed = recorded.records.all("JOB", "FAILED", type=name)[0]["value"]
    assert failed["retries"] == retries_left
    assert says in failed["errorMessage"]
    assert "inside of our code" not in failed["errorMessage"]
    assert isinstance(problems(lines)[0]["exc_info"], LookupError)


@pytest.mark.parametrize("result", [{"at": timedelta(1)}, {"n": float("nan")}], ids=["not JSON", "NaN"])
async def test_a_result_that_cannot_be_written_is_an_incident_and_not_a_loop(
    result: dict[str, object], recorded: Recorded
) -> None:
    name = f"unwritable-{'at' in result}".lower()

    async def answer(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        return Complete(result)

    handler = Scripted(name, script=answer)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler):
        await engine.deploy_task(name)
        await engine.start(name, {})
        await until(lambda: recorded.records.all("INCIDENT", "CREATED", bpmnProcessId=name))
    (incident,) = recorded.records.all("INCIDENT", "CREATED", bpmnProcessId=name)
    assert incident["value"]["errorMessage"].startswith("ANSWER_REFUSED: The mail was handed over.")
    assert len(handler.started) == 1


@pytest.mark.parametrize("size", [3_900_000, 5_000_000], ids=["for the broker", "for the gateway"])
async def test_a_result_too_large_is_an_incident_and_not_a_loop(size: int, recorded: Recorded) -> None:
    name = f"large-{size}"

    async def answer(job: Job, attempt: Attempt) -> Outcome:
        await attempt.commit()
        return Complete({"result": "x" * size})

    handler = Scripted(name, script=answer)
    async with zeebe(recorded.address) as engine, host(recorded.address, handler):
        await engine.deploy_task(name)
        await engine.start(name, {})
        await until(lambda: recorded.records.all("INCIDENT", "CREATED", bpmnProcessId=name))
    assert len(handler.started) == 1
