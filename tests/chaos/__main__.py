"""Chaos by hand: `python -m tests.chaos --rows 1-16 --jobs 10000 --seed 1`. Exit 1 if something broke."""

import argparse
import asyncio
import sys

from tests.chaos.rows import ROWS, Row
from tests.chaos.runner import HEADINGS, Report, play_all, shares


def chosen(text: str) -> list[Row]:
    """`1-3,7` → those rows."""
    numbers: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return [row for row in ROWS if row.number in numbers]


def table(reports: list[Report]) -> str:
    lines = [list(HEADINGS), ["---"] * len(HEADINGS), *(report.cells() for report in reports)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rows", type=chosen, default=list(ROWS), help="for example 1-3,7; default all")
    parser.add_argument("--jobs", type=int, default=500, help="over all rows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2, help="rows that are played at once")
    given = parser.parse_args()
    reports = asyncio.run(play_all(shares(given.rows, given.jobs), seed=given.seed, lanes=given.lanes))
    print(f"\nseed {given.seed}\n\n{table(reports)}")
    broken = [(report.row.fault, line) for report in reports for line in report.broken]
    for fault, line in broken:
        print(f"{fault}: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
