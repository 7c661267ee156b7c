"""Cases recorded from Camunda's engine, and how an answer is compared with them."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from zeebe_mail.feel import FeelError
from zeebe_mail.feel.jsonl import answer, decode, read

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT.parent / "shared" / "conformance" / "feel"
TOLERANCE = Decimal("1e-8")  # the TCK writes about 14 digits


class Score(NamedTuple):
    passed: int
    total: int
    failures: list[tuple[dict[str, Any], dict[str, Any]]]

    @property
    def percent(self) -> float:
        return 100 * self.passed / self.total


def load(name: str) -> Iterator[dict[str, Any]]:
    with (CASES / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield read(line)


def feel_scala(*, with_whitespace: bool) -> Score:
    cases = load("feel-scala.jsonl")
    return _score(case for case in cases if with_whitespace or "whitespace" not in case["tags"])


def tck() -> Score:
    """Against what Camunda answers, which is not always what DMN wants."""
    return _score(
        case | {"outcome": case["camunda"]["outcome"], "expected": case["camunda"].get("value")}
        for case in load("feel-tck.jsonl")
    )


def _score(cases: Iterator[dict[str, Any]]) -> Score:
    total, failures = 0, []
    for case in cases:
        total += 1
        given = answer(case)
        if not agrees(case, given):
            failures.append((case, given))
    return Score(total - len(failures), total, failures)


def agrees(case: dict[str, Any], given: dict[str, Any]) -> bool:
    if case["outcome"] != given["outcome"]:
        return False
    if case["outcome"] == "value" and not same(case["expected"], given["value"]):
        return False
    reported = [(warning["type"], warning["message"]) for warning in given["warnings"]]
    return all((warning["type"], warning["message"]) in reported for warning in case.get("warnings", ()))


def same(expected: Any, given: Any) -> bool:
    if isinstance(expected, dict) and isinstance(given, dict):
        if "@type" in expected:
            return expected["@type"] == given.get("@type") and _value(expected) == _value(given)
        return expected.keys() == given.keys() and all(same(expected[key], given[key]) for key in expected)
    if isinstance(expected, list) and isinstance(given, list):
        return len(expected) == len(given) and all(map(same, expected, given))
    if isinstance(expected, Decimal) and isinstance(given, Decimal):
        return abs(expected - given) <= TOLERANCE * abs(expected)
    return type(expected) is type(given) and expected == given


def _value(typed: dict[str, Any]) -> Any:
    """What the text stands for; some texts that Camunda writes it does not read."""
    try:
        return decode(typed)
    except FeelError:
        return typed.get("value")
