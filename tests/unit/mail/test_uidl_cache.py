"""What is remembered of POP3 messages is bounded, and belongs to one mailbox."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zeebe_mail.mail.pop3.uidl_cache import Remembered, UidlCache


def seen(block: bytes) -> Remembered:
    return Remembered(block, header_size=200)


def test_a_block_is_given_back_to_its_mailbox_only() -> None:
    cache = UidlCache()
    cache.put("alice", "1", seen(b"Subject: a\r\n"))
    assert cache.get("alice", "1") == seen(b"Subject: a\r\n")
    assert cache.get("bob", "1") is None
    assert cache.get("alice", "2") is None


def test_the_least_recently_used_go_first() -> None:
    cache = UidlCache(budget=100_000)
    for number in range(100):
        cache.put("alice", str(number), seen(b"x" * 900))
        cache.get("alice", "0")
    kept = [number for number in range(100) if cache.get("alice", str(number)) is not None]
    assert kept[0] == 0
    assert kept[1:] == list(range(101 - len(kept), 100))


def test_a_huge_block_does_not_drive_out_the_others() -> None:
    cache = UidlCache(budget=100_000)
    cache.put("alice", "1", seen(b"x"))
    cache.put("alice", "2", seen(b"x" * 1001))
    assert cache.get("alice", "2") is None
    assert cache.get("alice", "1") == seen(b"x")


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 120))))
def test_the_budget_is_kept_whatever_is_put(puts: list[tuple[int, int]]) -> None:
    cache = UidlCache(budget=12_000)
    for uidl, size in puts:
        cache.put("alice", str(uidl), seen(b"x" * size))
        assert cache.used <= 12_000
        assert cache.get("alice", str(uidl)) == seen(b"x" * size)
