import re
from pathlib import Path

from tests.feel.conformance import ROOT
from zeebe_mail.feel import DEFAULT_LIMITS
from zeebe_mail.feel.boundary import MAX_DATA_DEPTH
from zeebe_mail.feel.builtins import LIBRARY
from zeebe_mail.feel.java_pattern import _MAX_LENGTH as MAX_PATTERN
from zeebe_mail.feel.java_pattern import _MAX_UNROLLED as MAX_UNROLLED
from zeebe_mail.feel.numbers import _MAX_DIGITS as MAX_DIGITS
from zeebe_mail.feel.numbers import _MAX_EXPONENT as MAX_EXPONENT
from zeebe_mail.feel.parser import MAX_DEPTH, MAX_LENGTH
from zeebe_mail.feel.reference import updated
from zeebe_mail.feel.run import _MAX_WARNINGS as MAX_WARNINGS

PAGE = ROOT / "docs" / "feel.md"


def test_the_table_of_functions_is_current() -> None:
    page = PAGE.read_text("utf-8")
    assert updated(page) == page, "Run `python -m zeebe_mail.feel.reference docs/feel.md`."


def test_all_103_names_are_there() -> None:
    assert len(LIBRARY) == 103


def test_the_page_tells_the_limits_that_hold() -> None:
    section = PAGE.read_text("utf-8").partition("\n## Limits\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| (.+?) \| ([0-9].*?) \|$", section, re.MULTILINE))
    limits = DEFAULT_LIMITS
    assert told == {
        "Length of an expression": f"{MAX_LENGTH:,} characters",
        "Depth of brackets": f"{MAX_DEPTH}",
        "Depth of data": f"{MAX_DATA_DEPTH}",
        "Steps (rounds, items tested, calls, elements built)": f"{limits.max_steps:,}",
        "Items of all variables, and items of all lists and contexts that are built": f"{limits.max_items:,} each",
        "Characters of all texts that are built": f"{limits.max_characters:,}",
        "Processor time, wall-clock time": f"{limits.max_processor_s} s, {limits.max_s} s",
        "One search with a regular expression": f"{limits.max_pattern_s} s",
        "A regular expression, and its items with their repetitions": f"{MAX_PATTERN:,} characters, {MAX_UNROLLED:,}",
        "Digits of a number, its exponent": f"{MAX_DIGITS}, ±{MAX_EXPONENT}",
        "Warnings that are kept": f"{MAX_WARNINGS}",
    }


def test_every_file_of_the_engine_says_what_it_is_for() -> None:
    for path in Path(ROOT / "worker" / "zeebe_mail" / "feel").rglob("*.py"):
        assert path.read_text("utf-8").startswith('"""'), path.name
