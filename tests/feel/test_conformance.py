"""The recorded answers of Camunda's engine; `scores.json` holds how many must agree, and may only grow."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.feel.conformance import CASES, Score, feel_scala, tck
from zeebe_mail.feel.jsonl import write

SCORES = Path(__file__).with_name("scores.json")
SETS: dict[str, Callable[[], Score]] = {
    "feel-scala without whitespace cases": partial(feel_scala, with_whitespace=False),
    "feel-scala": partial(feel_scala, with_whitespace=True),
    "feel-tck as Camunda answers": tck,
}

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason=f"the conformance cases are not at {CASES}")


@pytest.mark.parametrize("name", SETS)
def test_as_many_answers_agree_with_camunda_as_ever(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    score = SETS[name]()
    with capsys.disabled():
        print(f"\n{name}: {score.passed} of {score.total} ({score.percent:.2f} %)")
    least = json.loads(SCORES.read_text("utf-8"))[name]
    failures = [f"{case['id']}: {case['expression']} is {write(given)}" for case, given in score.failures]
    assert score.passed >= least, "\n".join(failures[:20])
    assert score.passed == least, f"Better than recorded: put {score.passed} into {SCORES.name}."
