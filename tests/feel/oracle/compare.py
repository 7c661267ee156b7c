"""Compares this engine with Camunda's own, fetched by its Maven coordinates.

    python tests/feel/oracle/compare.py FILE           one expression a line, behind a tab its context as JSON;
                                                       `UT input :: tests` for unary tests
    python tests/feel/oracle/compare.py --random 2000 --seed 1
    python tests/feel/oracle/compare.py --stdin        cases as for `zeebe-mail feel --jsonl`

Needs `java`, `javac` and `mvn`; the jars go to a directory of its own under the system's temporary one. Prints each
difference and ends with status 1 if there is any. The engine fetched is 1.21; the recorded cases are of 1.22.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[2]), str(HERE.parents[2] / "worker")]

from tests.feel.conformance import same  # noqa: E402
from tests.feel.grammar import random_expression, random_unary_tests  # noqa: E402

from zeebe_mail.feel.jsonl import answer, read, write  # noqa: E402

DATA = ("null", "true", "1", "2.50", '"a"', "[1, 2]", '[{"a": 1}, {"a": 2}]', '{"a": 1, "b": [3]}', "[]", "{}")
JARS = Path(tempfile.gettempdir()) / "feel-oracle"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--stdin", action="store_true")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if any(shutil.which(tool) is None for tool in ("java", "javac", "mvn")):
        print("java, javac and mvn are needed")
        return 2
    if arguments.random:
        random = Random(arguments.seed)
        cases = [random_case(random) for _ in range(arguments.random)]
    elif arguments.stdin:
        cases = [read(line) for line in sys.stdin]
    else:
        cases = [case_of(line) for line in arguments.file.read_text("utf-8").splitlines() if line.strip()]
    differences = 0
    for case, theirs in zip(cases, ask(cases), strict=True):
        ours = read(write(answer(case)))  # as it leaves, without halves of characters
        if not agree(ours, theirs):
            differences += 1
            print(f"{case['expression']}   {write(case.get('context', {}))}")
            print(f"  Camunda: {brief(theirs)}\n  ours:    {brief(ours)}")
    print(f"{len(cases)} cases, {differences} differences")
    return 1 if differences else 0


def random_case(random: Random) -> dict[str, Any]:
    context = {name: read(random.choice(DATA)) for name in ("x", "i", "a", "item") if random.random() < 0.5}
    if random.random() < 0.7:
        return {"expression": random_expression(random), "context": context}
    tests = random_unary_tests(random)
    return {"kind": "unary-tests", "expression": tests, "input": read(random.choice(DATA)), "context": context}


def case_of(line: str) -> dict[str, Any]:
    text, _, context = line.partition("\t")
    case: dict[str, Any] = {"expression": text, "context": read(context or "{}")}
    if text.startswith("UT "):
        given, _, tests = text[3:].partition(" :: ")
        case |= {"kind": "unary-tests", "expression": tests, "input": read(given)}
    return case


def ask(cases: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    prepare()
    lines = "".join(write({"id": index, **case}) + "\n" for index, case in enumerate(cases))
    command = ["java", "-XX:+UseSerialGC", "-Xss4m", "-Xmx512m", "-cp", f"{JARS}/classes:{JARS}/lib/*", "Oracle"]
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True)
    return [read(line) for line in done.stdout.decode().split("\n") if line]


def prepare() -> None:
    classes = JARS / "classes"
    if (classes / "Oracle.class").exists():
        return
    copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={JARS}/lib"]
    subprocess.run([*copy, "-f", str(HERE / "pom.xml")], check=True)
    subprocess.run(
        ["javac", "-nowarn", "-cp", f"{JARS}/lib/*", "-d", str(classes), str(HERE / "Oracle.java")], check=True
    )


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    if ours["outcome"] != theirs["outcome"]:
        return False
    if ours["outcome"] == "failure":
        return True
    kinds = [{warning["type"] for warning in given["warnings"]} for given in (ours, theirs)]
    return same(without_zones(theirs["value"]), without_zones(ours["value"])) and kinds[0] == kinds[1]


def without_zones(value: Any) -> Any:
    """Camunda's engine hands out times as `OffsetTime`, which knows no zone."""
    if isinstance(value, list):
        return [without_zones(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("@type") == "time":
        clock = re.match("[0-9:.]+", str(value.get("value")))  # a context may have a key `@type`, too
        return {**value, "value": clock[0]} if clock else value
    return {key: without_zones(item) for key, item in value.items()}


def brief(given: dict[str, Any]) -> str:
    value = write(given["value"]) if given["outcome"] == "value" else f"failure {given['message']}"
    warnings = [f"{warning['type']}: {warning['message']}" for warning in given["warnings"]]
    return f"{value[:300]} {json.dumps(warnings[:3])[:400] if warnings else ''}"


if __name__ == "__main__":
    sys.exit(main())
