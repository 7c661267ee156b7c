"""Random work in mailboxes does to Dovecot what it does to a small model of mailboxes.

Each step is done by a task and in the model; then a bare client looks at every mailbox of the account.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.servers.dovecot import FAST, Dovecot
from tests.servers.mailboxes import PASSWORD
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.demo.pki import Authority

pytestmark = pytest.mark.live

EXAMPLES, STEPS = 25, 30
USERS = {f"model{number}": PASSWORD for number in range(2000)}  # one for each example, those of shrinking included
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
SPECIAL = ("INBOX", "Archive", "Drafts", "Sent", "Trash")
OTHER = ("Cases", "Cases/New", "Cases/Prüfung & mehr", "Done", "Done/2026")
FLAGS = (r"\Answered", r"\Draft", r"\Flagged", r"\Seen", "$Invoice", "work")

places = st.sampled_from(SPECIAL + OTHER)
other_places = st.sampled_from(OTHER)
leaves = st.sampled_from([path for path in OTHER if "/" in path])
flag_sets = st.sets(st.sampled_from(FLAGS), max_size=3)
numbers = st.integers(min_value=0, max_value=9)


@dataclass(frozen=True)
class Message:
    """What never changes of a message: its copies are equal to it."""

    number: int

    @property
    def message_id(self) -> str:
        return f"<{self.number}@model.test>"

    @property
    def received(self) -> datetime:
        return FIRST + timedelta(minutes=self.number)

    @property
    def source(self) -> bytes:
        return f"Message-ID: {self.message_id}\r\nSubject: number {self.number}.\r\n\r\nText {self.number}\r\n".encode()


@dataclass
class Kept:
    """A message in a mailbox."""

    message: Message
    flags: set[str]


@dataclass
class Mailbox:
    """UIDs grow, and none is used again."""

    messages: dict[int, Kept] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, message: Message, flags: set[str]) -> None:
        self.messages[self.next_uid] = Kept(message, set(flags))
        self.next_uid += 1

    def holds(self, message: Message) -> bool:
        return any(kept.message == message for kept in self.messages.values())


class MailboxMachine(RuleBasedStateMachine):
    """The tasks of a worker in one account, and what has to come of them."""

    server: Dovecot
    users: Iterator[str]

    def __init__(self) -> None:
        super().__init__()
        self.mailboxes = {path: Mailbox() for path in SPECIAL}
        self.serial = itertools.count(1)
        self.open = ExitStack()
        user = next(self.users)
        self.runner = self.open.enter_context(asyncio.Runner())
        worker = tasks(self.server, user)
        self.account: Tasks = self.runner.run(_entered(worker))
        self.open.callback(lambda: self.runner.run(worker.__aexit__(None, None, None)))
        self.other = self.open.enter_context(self.server.client(user))

    def teardown(self) -> None:
        self.open.close()

    def run(self, task: str, **request: Any) -> Any:
        return self.runner.run(self.account.run(f"imap-{task}", **request))

    def fails(self, code: str, task: str, **request: Any) -> None:
        with pytest.raises(TaskFailed) as failed:
            self.run(task, **request)
        assert failed.value.code == code

    def chosen(self, place: str, number: int) -> tuple[int, Kept] | None:
        """One of the messages of a mailbox, if it has any."""
        messages = list(self.mailboxes[place].messages.items()) if place in self.mailboxes else []
        return messages[number % len(messages)] if messages else None

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(place=places, flags=flag_sets)
    def append(self, place: str, flags: set[str]) -> None:
        message = Message(next(self.serial))
        asked = {
            "message": message.source.decode(),
            "flags": sorted(flags),
            "received": message.received.isoformat(),
            "mailbox": place,
        }
        if place not in self.mailboxes:
            self.fails("MAILBOX_NOT_FOUND", "append", **asked)
            return
        mailbox = self.mailboxes[place]
        assert self.run("append", **asked)["uid"] == mailbox.next_uid
        mailbox.add(message, flags)
        assert self.run("append", **asked)["appended"] is False

    @rule(place=places, number=numbers, there=places)
    def move(self, place: str, number: int, there: str) -> None:
        if (one := self.chosen(place, number)) is None:
            return
        uid, kept = one
        done = self.run("move", mailbox=place, uid=uid, target=there)
        self.mailboxes.setdefault(there, Mailbox())
        if there == place:
            assert done["already"] == 1
            return
        assert (done["uid"], done["done"]) == (self.mailboxes[there].next_uid, 1)
        self.mailboxes[there].add(kept.message, kept.flags)
        del self.mailboxes[place].messages[uid]

    @rule(place=places, number=numbers, there=places)
    def copy(self, place: str, number: int, there: str) -> None:
        if (one := self.chosen(place, number)) is None:
            return
        uid, kept = one
        if there == place:
            self.fails("INVALID_INPUT", "copy", mailbox=place, uid=uid, target=there)
            return
        if there not in self.mailboxes:
            self.fails("MAILBOX_NOT_FOUND", "copy", mailbox=place, uid=uid, target=there)
        done = self.run("copy", mailbox=place, uid=uid, target=there, createTarget=True)
        self.mailboxes.setdefault(there, Mailbox())
        if self.mailboxes[there].holds(kept.message):
            assert done["already"] == 1
            return
        assert (done["uid"], done["done"]) == (self.mailboxes[there].next_uid, 1)
        self.mailboxes[there].add(kept.message, kept.flags)

    @rule(place=places, number=numbers)
    def delete(self, place: str, number: int) -> None:
        if (one := self.chosen(place, number)) is None:
            return
        uid, kept = one
        if place == "Trash":
            self.fails("INVALID_INPUT", "delete", mailbox=place, uid=uid)
            return
        assert self.run("delete", mailbox=place, uid=uid)["deleted"] is True
        self.mailboxes["Trash"].add(kept.message, kept.flags)
        del self.mailboxes[place].messages[uid]

    @rule(place=places, some=st.sets(numbers, min_size=1))
    def delete_for_good(self, place: str, some: set[int]) -> None:
        chosen = {one[0] for number in some if (one := self.chosen(place, number))}
        if not chosen:
            return
        done = self.run("delete", mailbox=place, uids=",".join(map(str, sorted(chosen))), mode="permanent")
        assert done["done"] == len(chosen)
        for uid in chosen:
            del self.mailboxes[place].messages[uid]

    @rule(place=places, number=numbers, flags=flag_sets.filter(bool), change=st.sampled_from(["add", "remove", "set"]))
    def change_flags(self, place: str, number: int, flags: set[str], change: str) -> None:
        if (one := self.chosen(place, number)) is None:
            return
        uid, kept = one
        done = self.run(f"flags-{change}", mailbox=place, uid=uid, flags=sorted(flags))
        kept.flags = {"add": kept.flags | flags, "remove": kept.flags - flags, "set": flags}[change]
        assert set(done["messages"][0]["flags"]) == kept.flags

    # ── mailboxes ────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(place=other_places)
    def create_mailbox(self, place: str) -> None:
        assert self.run("mailbox-create", mailbox=place)["created"] is (place not in self.mailboxes)
        self.mailboxes.setdefault(place, Mailbox())

    @rule(place=other_places)
    def delete_mailbox(self, place: str) -> None:
        for _ in range(2):
            deleted = self.run("mailbox-delete", mailbox=place, confirm=place)["deleted"]
            assert deleted is (self.mailboxes.pop(place, None) is not None)

    @precondition(lambda self: len(self.mailboxes) > len(SPECIAL))
    @rule(number=numbers, new=leaves)
    def rename_mailbox(self, number: int, new: str) -> None:
        known = [path for path in self.mailboxes if path in OTHER]
        old = known[number % len(known)]
        if new in self.mailboxes:
            self.fails("MAILBOX_EXISTS", "mailbox-rename", mailbox=old, newName=new)
        elif not new.startswith(f"{old}/") and not self.below(new):
            assert self.run("mailbox-rename", mailbox=old, newName=new)["renamed"] is True
            for path in (old, *self.below(old)):
                self.mailboxes[new + path.removeprefix(old)] = self.mailboxes.pop(path)

    def below(self, place: str) -> list[str]:
        return [path for path in self.mailboxes if path.startswith(f"{place}/")]

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(place=places, limit=st.integers(min_value=1, max_value=5), order=st.sampled_from(["ASC", "DESC"]))
    def list_messages(self, place: str, limit: int, order: str) -> None:
        if place not in self.mailboxes:
            self.fails("MAILBOX_NOT_FOUND", "list", mailbox=place)
            return
        messages = self.mailboxes[place].messages
        ordered = sorted(messages, key=lambda uid: (messages[uid].message.received, uid), reverse=order == "DESC")
        listed = self.run("list", mailbox=place, limit=limit, sortOrder=order)
        assert [one["uid"] for one in listed["messages"]] == ordered[:limit]
        assert listed["total"] == len(messages)
        for one in listed["messages"]:
            kept = messages[one["uid"]]
            assert (one["messageId"], set(one["flags"])) == (kept.message.message_id, kept.flags)

    @rule(place=places, flag=st.sampled_from(FLAGS), number=numbers, is_set=st.booleans())
    def search(self, place: str, flag: str, number: int, is_set: bool) -> None:
        if place not in self.mailboxes:
            return
        has_flag = {flag.removeprefix("\\").lower(): True} if flag.startswith("\\") else {"keyword": flag}
        criteria = {"or": [has_flag if is_set else {"not": has_flag}, {"subject": f"number {number}."}]}
        found = self.run("search", mailbox=place, criteria=criteria, limit=100)
        assert {one["uid"] for one in found["messages"]} == {
            uid
            for uid, kept in self.mailboxes[place].messages.items()
            if (flag in kept.flags) is is_set or kept.message.number == number
        }

    @invariant()
    def others_see_the_same(self) -> None:
        listed = self.other.list_folders()
        assert {path for attributes, _, path in listed if b"\\Noselect" not in attributes} == self.mailboxes.keys()
        for path, mailbox in self.mailboxes.items():
            self.other.select_folder(path, readonly=True)
            uids = self.other.search()
            seen = self.other.fetch(uids, ["BODY.PEEK[]", "FLAGS"]) if uids else {}
            assert {
                uid: (data[b"BODY[]"], {flag.decode() for flag in data[b"FLAGS"]} - {r"\Recent"})
                for uid, data in seen.items()
            } == {uid: (kept.message.source, kept.flags) for uid, kept in mailbox.messages.items()}


async def _entered(worker: Any) -> Tasks:
    entered: Tasks = await worker.__aenter__()
    return entered


def test_dovecot_and_the_model_agree(pki: Authority) -> None:
    with Dovecot(pki, users=USERS, **FAST) as server:
        machine = type("MailboxMachine", (MailboxMachine,), {"server": server, "users": iter(USERS)})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                phases=[Phase.generate],  # thirty steps can be read, and making them fewer takes minutes
                derandomize=True,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
