"""Sets of message numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.mail.imap.sequence_set import MAX_RANGES_TEXT, batches, expanded

UIDS = st.lists(st.integers(1, 2**32 - 1), max_size=300)


@given(UIDS, st.integers(1, 50))
def test_batches_have_each_number_once_and_no_more_than_asked(uids: list[int], at_most: int) -> None:
    seen: list[int] = []
    for text, count in batches(uids, at_most):
        numbers = expanded(text, count)
        assert len(numbers) == count <= at_most
        assert len(text) <= MAX_RANGES_TEXT
        seen += numbers
    assert seen == sorted(set(uids))


def test_neighbours_are_a_range() -> None:
    assert list(batches([5, 1, 2, 3, 9, 2], 100)) == [(b"1:3,5,9", 5)]


def test_a_set_that_is_too_long_for_a_line_is_cut() -> None:
    made = list(batches(range(10**9, 10**9 + 20_000, 2), 10_000))
    assert len(made) > 10
    assert max(len(text) for text, _ in made) <= MAX_RANGES_TEXT


@pytest.mark.parametrize("text", [b"1:4294967295", b"0", b"a", b"1:0", b"1:4294967296", b"1,", b"1:2:3"])
def test_a_set_that_no_mailbox_can_have(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        expanded(text, 1000)


def test_the_first_of_a_long_set() -> None:
    assert expanded(b"9:7,1:4000000000", 5, cut=True) == [9, 8, 7, 1, 2]
