"""The page on compatibility names every recorded case in which we differ on purpose."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
LEFT_OUT = json.loads((ROOT / "tests" / "live" / "camunda_left_out.json").read_text(encoding="utf-8"))


def test_a_case_that_is_left_out_on_purpose_has_its_row() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert [case for case in sorted(LEFT_OUT) if not any(f"`{case}`" in row for row in rows)] == []
