import re
from pathlib import Path

from tests.feel.conformance import ROOT
from zeebe_mail.feel import DEFAULT_LIMITS
from zeebe_mail.feel.boundary import MAX_DATA_DEPTH
from zeebe_mail.feel.builtins import LIBRARY
from zeebe_mail.feel.parser import MAX_DEPTH, MAX_LENGTH
from zeebe_mail.feel.reference import updated

PAGE = ROOT / "docs" / "feel.md"


def test_the_table_of_functions_is_current() -> None:
    page = PAGE.read_text("utf-8")
    assert updated(page) == page, "Run `python -m zeebe_mail.feel.reference docs/feel.md`."


def test_all_103_names_are_there() -> None:
    assert len(LIBRARY) == 103


def test_the_page_tells_the_limits_that_hold() -> None:
    numbers = re.findall(r"\| ([0-9][^|]*) \|", PAGE.read_text("utf-8").replace(",", ""))
    told = " ".join(numbers)
    for limit in (MAX_LENGTH, MAX_DEPTH, MAX_DATA_DEPTH, *DEFAULT_LIMITS):
        assert f"{limit:g}" in told.replace(" s", "") or str(limit) in told


def test_every_file_of_the_engine_says_what_it_is_for() -> None:
    for path in Path(ROOT / "worker" / "zeebe_mail" / "feel").rglob("*.py"):
        assert path.read_text("utf-8").startswith('"""'), path.name
