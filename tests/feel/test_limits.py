"""Hostile and careless expressions end with a typed error, within time and memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.feel.conformance import ROOT
from tests.feel.expressions import failure, value
from zeebe_mail.feel import BudgetExceeded, Limits

MEMORY_MB = 200

STRESS = {
    "a range of a trillion": "for i in 1..1000000000000 return i",
    "nested ranges": "for i in 1..1000, j in 1..1000, k in 1..1000 return i * j * k",
    "ranges within a body": "for i in 1..1000 return for j in 1..1000 return for k in 1..1000 return i",
    "a huge range times nothing": "for i in 1..1000000000000, j in [] return i",
    "a million rounds of work": "for i in 1..1000, j in 1..1000 return string(i * j / 7)",
    "a million contexts": "for i in 1..1000, j in 1..1000 return {a: i, b: [j]}",
    "quantified ranges": "some i in 1..100000, j in 1..100000 satisfies i * j = -1",
    "doubling strings": '{s0: "xxxxxxxxxxxxxxxx", '
    + ", ".join(f"s{i}: s{i - 1} + s{i - 1}" for i in range(1, 60))
    + "}",
    "doubling lists": "{l0: [1, 2, 3, 4], "
    + ", ".join(f"l{i}: concatenate(l{i - 1}, l{i - 1})" for i in range(1, 60))
    + "}",
    "doubling text through lists": "{l0: [1, 2, 3, 4], "
    + ", ".join(f"l{i}: [l{i - 1}, l{i - 1}]" for i in range(1, 60))
    + ", s: string(l59), t: to json(l59)}",
    "comparing doubled lists": "{l0: [1, 2], "
    + ", ".join(f"l{i}: [l{i - 1}, l{i - 1}]" for i in range(1, 50))
    + ", m0: [1, 2], "
    + ", ".join(f"m{i}: [m{i - 1}, m{i - 1}]" for i in range(1, 50))
    + ", r: l49 = m49}.r",
    "a doubled result": "{l0: [1, 2], " + ", ".join(f"l{i}: [l{i - 1}, l{i - 1}]" for i in range(1, 50)) + "}.l49",
    "one text many times": '{s: string join(for i in 1..100000 return "0123456789"), t: for i in 1..1000 return s}',
    "comparisons within comparisons": "(" * 90 + "1" + " between 1 and 2)" * 90,
    "tests within tests": "1 in (" * 90 + "?" + ") and ? = 1" * 90,
    "filters within filters": "[1, 2, 3][" * 90 + "item != 2" + "]" * 90,
    "many long texts": '{s: string join(for i in 1..100000 return "0123456789"), t: for i in 1..1000 return s + "a"}',
    "a growing partial": "for i in 1..1000000 return partial",
    "nesting by partial": "string(for i in 1..1000 return partial)",
    "parentheses": "(" * 10_000 + "1" + ")" * 10_000,
    "brackets": "[" * 10_000,
    "open ranges": "[1..x" * 5_000,
    "filters that may be range ends": "[1.." + "x[" * 5_000,
    "a pattern that backtracks": 'matches("' + "a" * 5_000 + 'b", "(a+)+$")',
    "many patterns that backtrack": 'for i in 1..1000 return matches("' + "a" * 40 + 'b", "(a|aa)+$")',
    "a pattern with nested groups": 'matches("a", "' + "(" * 5_000 + '")',
    "a replacement that explodes": 'replace(string join(for i in 1..100000 return "aaaaaaaaaa"), "a", "'
    + "b" * 16
    + '")',
    "splitting into characters": 'split(string join(for i in 1..300000 return "aaaaaaaaaa"), "")',
    "powers": "9 ** 9 ** 9 ** 9",
    "long numbers": "for i in 1..1000000 return decimal(i / 7, 100000)",
    "sorting by a slow order": "sort(for i in 1..100000 return i, function(x, y) x > y)",
    "comparing lists of lists": "distinct values(for i in 1..20000 return [i])",
    "JSON of many values": 'from json("[" + string join(for i in 1..500000 return "{},") + "1]")',
    "deep JSON": 'from json(string join(for i in 1..50000 return "["))',
    "warnings without end": "for i in 1..1000000 return missing.name",
    "flattening": "{l: for i in 1..1000 return i, m: for i in 1..1000 return l, f: flatten(m), "
    "g: for i in 1..1000 return f, h: flatten(g)}",
}

# Not `ru_maxrss`, which begins with the memory of the process that started this one.
CHILD = """
import json, re, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from zeebe_mail.feel import FeelError, compile_expression
text = sys.stdin.read()
begin = time.perf_counter()
try:
    outcome = type(compile_expression(text).evaluate().value).__name__
except FeelError as error:
    outcome = type(error).__name__
peak_mb = int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps({"outcome": outcome, "peak_mb": peak_mb, "took_s": time.perf_counter() - begin}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
@pytest.mark.parametrize("name", STRESS)
def test_stress_ends_within_memory(name: str) -> None:
    """Its time is bounded by the engine's own clock and by this suite's timeout, not measured here."""
    command = [sys.executable, "-c", CHILD, str(ROOT / "worker")]
    done = subprocess.run(command, input=STRESS[name], capture_output=True, text=True, check=True, timeout=60)
    report = json.loads(done.stdout)
    print(name, report)
    assert report["peak_mb"] < MEMORY_MB


def test_steps_are_counted() -> None:
    small = Limits(max_steps=100)
    assert "more than 100 steps" in str(failure("for i in 1..90 return floor(i)", small))
    assert "101 rounds" in str(failure("for i in 1..101 return i", small))
    assert value("for i in 1..90 return i")[-1] == 90


def test_items_are_counted_together() -> None:
    small = Limits(max_items=100)
    error = failure("{a: for i in 1..60 return i, b: reverse(a)}", small)
    assert isinstance(error, BudgetExceeded)
    assert "more than 100 items" in str(error)


def test_characters_are_counted_together() -> None:
    small = Limits(max_characters=100)
    error = failure("{a: x + x, b: a + a}", small, x="0123456789" * 3)
    assert "longer than 100 characters" in str(error)


def test_time_is_limited() -> None:
    text = "for i in 1..1000000 return floor(i)"
    assert "longer than 0 s" in str(failure(text, Limits(max_s=0)))
    assert "longer than 0 s of work" in str(failure(text, Limits(max_processor_s=0)))


def test_a_search_has_a_time_of_its_own() -> None:
    text = "a" * 5_000 + "b"
    error = failure('matches(text, "(a+)+$")', Limits(max_pattern_s=0.01), text=text)
    assert "regular expression takes too long" in str(error)


def test_data_that_is_nested_too_deep_is_refused() -> None:
    deep: list[object] = []
    for _ in range(1000):
        deep = [deep]
    assert isinstance(failure("x", x=deep), BudgetExceeded)


def test_only_so_many_warnings_are_kept() -> None:
    from zeebe_mail.feel import compile_expression

    evaluation = compile_expression("for i in 1..1000 return missing").evaluate()
    assert len(evaluation.warnings) == 100
