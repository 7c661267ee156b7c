"""Moving, copying, deleting and putting in: repeated jobs converge, partial failures are told, none is there twice."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from tests.operations.imap.mails import mail, put, seen
from tests.servers.dovecot import QUOTA, Dovecot
from tests.tasks import TaskFailed, Tasks, tasks
from zeebe_mail.app import TrialAttempt
from zeebe_mail.demo.pki import Authority
from zeebe_mail.errors import Unreachable, WorkerStopping
from zeebe_mail.mail.imap.filing import Filing
from zeebe_mail.operations.imap.append import AppendRequest

pytestmark = pytest.mark.live


class Stopping(TrialAttempt):
    """An attempt whose worker is shutting down."""

    async def commit(self) -> None:
        raise WorkerStopping("The worker is shutting down.")


@pytest.fixture
async def bare(bare_dovecot: Dovecot) -> AsyncIterator[Tasks]:
    """An account at a server without MOVE."""
    async with tasks(bare_dovecot, bare_dovecot.new_account()) as mine:
        yield mine


# ── move ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_moved_message_is_told_with_camundas_keys_and_where_it_is_now(account: Tasks) -> None:
    put(account, mail("filler"), mailbox="Archive")
    put(account, mail("a"), mail("one"), flags=[r"\Flagged"])
    moved = await account.run("imap-move", messageId="one@x.test", target="Archive")
    assert (moved["messageId"], moved["from"], moved["to"]) == ("<one@x.test>", "INBOX", "Archive")
    assert (moved["uid"], moved["mailbox"]) == (2, "Archive")
    assert moved["messages"][0]["sourceUid"] == 2
    assert seen(account, "Archive") == {"filler": set(), "one": {r"\Flagged"}}
    again = await account.run("imap-read", **{key: moved[key] for key in ("uid", "uidValidity", "mailbox")})
    assert again["subject"] == "one"


async def test_a_repeated_move_finds_the_message_in_the_target(account: Tasks) -> None:
    put(account, mail("one"))
    first = await account.run("imap-move", messageId="one@x.test", target="Archive")
    again = await account.run("imap-move", messageId="one@x.test", target="Archive")
    assert (again["done"], again["already"], again["uid"]) == (0, 1, first["uid"])
    by_uid = await account.run("imap-move", uid=1, target="Archive")
    assert (by_uid["missing"], by_uid["messages"][0]["uid"]) == (1, None)


async def test_a_missing_target_is_made_or_told(account: Tasks) -> None:
    put(account, mail("one"), mail("two"))
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND") as failed:
        await account.run("imap-move", messageId="one@x.test", target="Old/2026", createTarget=False)
    assert failed.value.retries == 0
    moved = await account.run("imap-move", messageId="one@x.test", target="Old.2026")
    assert moved["to"] == "Old/2026"
    assert seen(account, "Old/2026") == {"one": set()}
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-copy", messageId="two@x.test", target="Nowhere")


async def test_nothing_to_move_makes_no_mailbox(account: Tasks) -> None:
    moved = await account.run("imap-move", messages=["nobody@x.test"], target="Old")
    assert (moved["missing"], moved["to"]) == (1, "Old")
    assert "Old" not in {one["path"] for one in (await account.run("imap-mailbox-list"))["mailboxes"]}


async def test_to_where_it_is_already(account: Tasks) -> None:
    put(account, mail("one"))
    moved = await account.run("imap-move", messageId="one@x.test", target="inbox")
    assert (moved["already"], moved["uid"]) == (1, 1)
    assert seen(account) == {"one": set()}
    nobody = await account.run("imap-move", messageId="nobody@x.test", target="inbox")
    assert (nobody["already"], nobody["missing"], nobody["messages"][0]["status"]) == (0, 1, "missing")
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*to itself"):
        await account.run("imap-copy", messageId="one@x.test", target="INBOX")


async def test_with_move_there_is_no_point_of_no_return(account: Tasks) -> None:
    put(account, mail("one"))
    attempt = TrialAttempt()
    await account.attempt(attempt, "imap-move", messageId="one@x.test", target="Archive")
    assert not attempt.committed


async def test_without_move_nobody_interrupts_between_copy_and_expunge(bare: Tasks) -> None:
    put(bare, mail("one"))
    with pytest.raises(TaskFailed, match="WORKER_STOPPING") as failed:
        await bare.attempt(Stopping(), "imap-move", messageId="one@x.test", target="Archive")
    assert failed.value.retries == 3
    assert seen(bare) == {"one": set()}
    attempt = TrialAttempt()
    moved = await bare.attempt(attempt, "imap-move", messageId="one@x.test", target="Archive")
    assert (attempt.committed, moved["done"]) == (True, 1)


async def test_without_move_a_try_that_copied_and_lost_the_connection_is_taken_up(
    bare: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bare, mail("one"), mail("two"))
    remove = Filing._remove

    async def lose(filing: Filing, uids: Any) -> None:
        raise Unreachable("The connection was lost.")

    monkeypatch.setattr(Filing, "_remove", lose)
    with pytest.raises(TaskFailed, match="SERVER_UNREACHABLE") as failed:
        await bare.run("imap-move", uids="1:*", target="Archive")
    assert failed.value.retries == 2
    monkeypatch.setattr(Filing, "_remove", remove)
    moved = await bare.run("imap-move", uids="1:*", target="Archive")
    assert moved["done"] == 2
    assert (seen(bare), list(seen(bare, moved["to"]))) == ({}, ["one", "two"])


# ── copy ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeated_copy_makes_no_second_one(account: Tasks) -> None:
    put(account, mail("one"), mail("two"))
    attempt = TrialAttempt()
    first = await account.attempt(attempt, "imap-copy", uids="1", target="Archive")
    assert (first["done"], first["uid"], attempt.committed) == (1, 1, True)
    second = await account.run("imap-copy", uids="1:*", target="Archive")
    assert [one["status"] for one in second["messages"]] == ["already", "done"]
    assert list(seen(account, "Archive")) == ["one", "two"]
    assert list(seen(account)) == ["one", "two"]


async def test_another_message_with_the_same_message_id_is_no_copy(account: Tasks) -> None:
    """Senders choose the Message-ID: one that is known must not keep a mail from being filed."""
    put(account, mail("one", body="forged"), mailbox="Archive")
    put(account, mail("one"))
    copied = await account.run("imap-copy", uid=1, target="Archive")
    assert copied["done"] == 1
    with account.server.client(account.user) as client:
        assert client.select_folder("Archive", readonly=True)[b"EXISTS"] == 2


@pytest.mark.parametrize("task", ["imap-copy", "imap-move"])
async def test_a_lost_connection_is_in_doubt_only_where_a_copy_could_not_be_found(
    bare: Tasks, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    async def lose(filing: Filing, *_: Any) -> None:
        raise Unreachable("The connection was lost.")

    monkeypatch.setattr(Filing, "_transferred", lose)
    put(bare, mail("one"), b"Subject: nameless\r\n\r\n")
    with pytest.raises(TaskFailed, match="SERVER_UNREACHABLE") as failed:
        await bare.run(task, uid=1, target="Archive", createTarget=True)
    assert failed.value.retries == 2
    with pytest.raises(TaskFailed, match="OUTCOME_UNKNOWN") as failed:
        await bare.run(task, uids="1:2", target="Archive", createTarget=True)
    assert failed.value.retries == 0
    assert failed.value.error["details"]["uids"] == [2]


# ── delete ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_deleted_is_told_with_camundas_keys(account: Tasks) -> None:
    put(account, mail("one"))
    done = await account.run("imap-delete", messageId="<one@x.test>")
    assert (done["messageId"], done["deleted"], done["mode"]) == ("<one@x.test>", True, "trash")
    assert (done["mailbox"], done["uid"]) == ("Trash", 1)
    again = await account.run("imap-delete", messageId="<one@x.test>")
    assert (again["deleted"], again["already"]) == (True, 1)
    nobody = await account.run("imap-delete", messageId="<nobody@x.test>")
    assert (nobody["deleted"], nobody["missing"]) == (False, 1)


async def test_the_trash_itself_is_emptied_for_good_only(account: Tasks) -> None:
    put(account, mail("one"), mailbox="Trash")
    with pytest.raises(TaskFailed, match=r"INVALID_INPUT.*permanent"):
        await account.run("imap-delete", mailbox="Trash", uid=1)
    done = await account.run("imap-delete", mailbox="Trash", uid=1, mode="permanent")
    assert (done["deleted"], seen(account, "Trash")) == (True, {})


async def test_a_trash_of_ones_own(bare: Tasks) -> None:
    put(bare, mail("one"), mail("two"))
    done = await bare.run("imap-delete", messageId="one@x.test", trash="Bin/Old")
    assert seen(bare, done["mailbox"]) == {"one": set()}
    assert done["mailbox"].endswith("Old")


async def test_a_server_that_cannot_expunge_one_message_expunges_none(pki: Authority) -> None:
    extra = {"imap_extra": "imap_capability = IMAP4rev1 NAMESPACE"}
    with Dovecot(pki, **extra) as server:
        async with tasks(server, server.new_account()) as account:
            put(account, mail("one"))
            for task, more in [("imap-delete", {"mode": "permanent"}), ("imap-move", {"target": "Archive"})]:
                with pytest.raises(TaskFailed, match=r"UNSUPPORTED.*UIDPLUS") as failed:
                    await account.run(task, uid=1, **more)
                assert failed.value.retries == 0
            assert seen(account) == {"one": set()}


# ── quota ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def tight(pki: Authority) -> AsyncIterator[Tasks]:
    """An account with a quota of 20 kB."""
    with Dovecot(pki, **QUOTA) as server:
        async with tasks(server, server.new_account()) as mine:
            yield mine


async def test_a_full_mailbox_is_told(tight: Tasks) -> None:
    with pytest.raises(TaskFailed, match="QUOTA_EXCEEDED") as failed:
        await tight.run("imap-append", mailbox="INBOX", message=mail("large", body="x" * 30_000).decode())
    assert failed.value.retries == 0


async def test_what_still_fits_is_copied_and_the_rest_is_told(tight: Tasks) -> None:
    put(tight, mail("large", body="x" * 12_000), mail("small"))
    done = await tight.run("imap-copy", uids="1:*", target="Archive", createTarget=True)
    assert [one["status"] for one in done["messages"]] == ["failed", "done"]
    assert done["messages"][0]["error"]["code"] == "QUOTA_EXCEEDED"
    assert (done["done"], done["failed"]) == (1, 1)
    assert list(seen(tight, "Archive")) == ["small"]


# ── append ───────────────────────────────────────────────────────────────────────────────────────────────────────


def source_of(account: Tasks, uid: int, mailbox: str = "INBOX") -> bytes:
    with account.server.client(account.user) as client:
        client.select_folder(mailbox, readonly=True)
        return bytes(client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"])


async def test_text_gets_line_ends_and_utf8(account: Tasks) -> None:
    attempt = TrialAttempt()
    text = "From: jane@x.test\nMessage-ID: <one@x.test>\n\nGrüße\n"
    put_in = await account.attempt(attempt, "imap-append", mailbox="Sent", message=text, flags="seen")
    expected = text.replace("\n", "\r\n").encode()
    assert (put_in["appended"], put_in["size"], put_in["mailbox"]) == (True, len(expected), "Sent")
    assert source_of(account, put_in["uid"], "Sent") == expected
    assert attempt.committed


async def test_a_repeated_append_puts_nothing_in_and_hands_nothing_over(account: Tasks) -> None:
    given = {"mailbox": r"\Drafts", "messageBase64": b64encode(mail("one")).decode()}
    first = await account.run("imap-append", **given)
    attempt = TrialAttempt()
    again = await account.attempt(attempt, "imap-append", **given)
    assert (again["appended"], again["uid"], attempt.committed) == (False, first["uid"], False)
    assert seen(account, "Drafts") == {"one": set()}


async def test_a_stopping_worker_puts_nothing_in(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="WORKER_STOPPING"):
        await account.attempt(Stopping(), "imap-append", mailbox="INBOX", message=mail("one").decode())
    assert seen(account) == {}


async def test_a_lost_answer_is_in_doubt_only_where_nobody_can_look(
    account: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in = Filing.append

    async def lose_the_answer(filing: Filing, *args: Any, **options: Any) -> None:
        await put_in(filing, *args, **options)
        raise Unreachable("The connection was lost.")

    monkeypatch.setattr(Filing, "append", lose_the_answer)
    with pytest.raises(TaskFailed, match="SERVER_UNREACHABLE") as failed:
        await account.run("imap-append", mailbox="INBOX", message=mail("one").decode())
    assert failed.value.retries == 2
    again = await account.run("imap-append", mailbox="INBOX", message=mail("one").decode())
    assert again["appended"] is False
    with pytest.raises(TaskFailed, match="OUTCOME_UNKNOWN") as failed:
        await account.run("imap-append", mailbox="INBOX", message="Subject: nameless\n\nHello\n")
    assert failed.value.retries == 0


async def test_a_missing_mailbox_is_made_where_that_is_asked_for(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-append", mailbox="Old", message=mail("one").decode())
    put_in = await account.run("imap-append", mailbox="Old", message=mail("one").decode(), createMailbox=True)
    assert (put_in["mailbox"], seen(account, "Old")) == ("Old", {"one": set()})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"message": "From: a@x.test\n\nx", "messageBase64": "RnJvbTogYUB4LnRlc3QNCg0KeA=="},
        {"messageBase64": "not base64!"},
        {"message": "no header at all"},
        {"message": "From: a@x.test\n\n\0"},
        {"message": "From: a@x.test\n\nhalf \ud800"},
        {"message": "From: a@x.test\n\nx", "received": "yesterday"},
        {"message": "From: a@x.test\n\nx", "flags": [r"\Recent"]},
        {"message": "From: a@x.test\n\nx", "flags": ["two words"]},
        {"message": "From: a@x.test\n\nx", "flags": ["a\r\nb"]},
    ],
    ids=str,
)
def test_what_is_no_message_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AppendRequest.model_validate({"mailbox": "INBOX", **given})
