"""`io.camunda:email:1` against what Camunda's connector was recorded to do, through a real broker."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.servers.broker import Gateway
from zeebe_mail.demo.engine import LOOPBACK, free_ports

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT.parent / "shared" / "conformance" / "connector"
LEFT_OUT = json.loads(Path(__file__).with_name("camunda_left_out.json").read_text(encoding="utf-8"))
SAME = 451
"""Cases that are exactly as recorded. Only ever raised."""
BAD = {"differs", "defect-same-forbidden", "error"}


@pytest.fixture(scope="module")
def report(broker: Gateway, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the bench says of every recorded case."""
    _needs_bench()
    directory = tmp_path_factory.mktemp("conformance")
    answers, log = directory / "report.json", directory / "bench.log"
    worker = shlex.join([sys.executable, "-m", "tests.servers.conformance_worker"])
    command = [sys.executable, str(BENCH / "replay.py"), "--report", str(answers)]
    command += ["--broker", broker.address, "--listen", f"{LOOPBACK}:{free_ports(1)[0]}", "--worker-cmd", worker]
    command += ["--worker-log", str(directory / "worker.log")]
    search = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "worker"), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        ended = subprocess.run(command, env=environment, cwd=ROOT, stdout=output, stderr=output, check=False)
    assert ended.returncode == 0, f"the bench broke off:\n{log.read_text(encoding='utf-8')[-2000:]}"
    rows: list[dict[str, Any]] = json.loads(answers.read_text(encoding="utf-8"))["cases"]
    return rows


def _needs_bench() -> None:
    if not BENCH.is_dir():
        pytest.skip("the recorded cases are not there: ../shared/conformance/connector")
    missing = [name for name in ("aiosmtpd", "imapclient", "cryptography") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the bench needs {', '.join(missing)}: install zeebe-mail[test]")
    if not shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        pytest.skip("the bench needs dovecot")


def test_every_case_is_as_recorded_or_better(report: list[dict[str, Any]]) -> None:
    """What is left out is listed with its reason, and nothing else may differ."""
    assert len(report) >= 623
    assert set(LEFT_OUT) <= {row["id"] for row in report}
    unexplained = {
        row["id"]: row["differences"] for row in report if row["status"] in BAD and row["id"] not in LEFT_OUT
    }
    assert not unexplained, json.dumps(unexplained, indent=1, ensure_ascii=False)


def test_nothing_is_left_out_that_is_as_recorded_by_now(report: list[dict[str, Any]]) -> None:
    """The list only ever gets shorter."""
    fine = [row["id"] for row in report if row["id"] in LEFT_OUT and row["status"] not in BAD]
    assert not fine, f"take these out of camunda_left_out.json: {fine}"


def test_the_score_only_grows(report: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever makes another case as recorded raises it."""
    score = Counter(row["status"] for row in report)
    with capsys.disabled():
        print("\nconformance:", dict(sorted(score.items())))
    assert score["same"] >= SAME
