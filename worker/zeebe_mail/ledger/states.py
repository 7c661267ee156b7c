"""What the ledger may know of a send, and what may follow what. The stores refuse every other step."""

from __future__ import annotations

import enum
from collections.abc import Mapping


class State(enum.Enum):
    """How far a send has come."""

    CLAIMED = "claimed"
    """An attempt runs. Nothing has been sent by it."""
    DATA = "data"
    """The server has all but the final dot, which is written once this is durable."""
    SENT = "sent"
    """The server has taken the mail over; its reply and the task's result are recorded."""
    COMPLETED = "completed"
    """Zeebe knows the result too."""
    FAILED_BEFORE_DATA = "failed_before_data"
    """The attempt has ended, and nothing was sent: before the final dot, or the server refused the mail after it."""
    IN_DOUBT = "in_doubt"
    """The final dot may have been written, and nobody knows the server's answer."""
    HELD = "held"
    """In doubt, and shown to a person as an incident."""
    RESOLVED = "resolved"
    """Somebody has decided what became of a send that was in doubt."""


FOLLOWS: Mapping[State, frozenset[State]] = {
    # Also after FAILED_BEFORE_DATA and RESOLVED (as not sent): the next attempt.
    State.CLAIMED: frozenset({State.CLAIMED, State.FAILED_BEFORE_DATA, State.RESOLVED}),
    State.DATA: frozenset({State.CLAIMED}),
    # An answer that comes after all settles every doubt.
    State.SENT: frozenset({State.DATA, State.IN_DOUBT, State.HELD, State.RESOLVED, State.SENT}),
    State.COMPLETED: frozenset({State.SENT, State.RESOLVED}),
    State.FAILED_BEFORE_DATA: frozenset({State.CLAIMED, State.DATA}),
    State.IN_DOUBT: frozenset({State.DATA}),
    State.HELD: frozenset({State.DATA, State.IN_DOUBT}),
    State.RESOLVED: frozenset({State.IN_DOUBT, State.HELD}),
}
"""For each state those that it may come after."""


class Resolution(enum.Enum):
    """What a doubt was decided to be."""

    SENT = "sent"
    NOT_SENT = "not_sent"


class InDoubt(enum.Enum):
    """What to do with a job whose mail may or may not have gone out."""

    HOLD = "hold"
    """An incident: a person decides."""
    RESEND = "resend"
    """Send again: perhaps twice, never lost."""
    ASSUME_SENT = "assumeSent"
    """Complete the job: never twice, perhaps lost."""
