"""Making, renaming and deleting mailboxes: what cannot be taken back is guarded, and what is done is no error."""

from __future__ import annotations

import pytest

from tests.live.host import until
from tests.operations.imap.mails import mail, put, seen
from tests.servers.dovecot import Dovecot
from tests.tasks import TaskFailed, Tasks

pytestmark = pytest.mark.live


async def paths(account: Tasks) -> set[str]:
    return {one["path"] for one in (await account.run("imap-mailbox-list"))["mailboxes"]}


async def test_a_mailbox_is_deleted_only_when_it_is_named_twice(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Old")
    put(account, mail("one"), mailbox="Old")
    for confirm in ("old", "INBOX", ""):
        with pytest.raises(TaskFailed, match="INVALID_INPUT"):
            await account.run("imap-mailbox-delete", mailbox="Old", confirm=confirm)
    assert seen(account, "Old") == {"one": set()}
    assert await account.run("imap-mailbox-delete", mailbox="Old", confirm="Old") == {"mailbox": "Old", "deleted": True}
    assert await account.run("imap-mailbox-delete", mailbox="Old", confirm="Old") == {
        "mailbox": "Old",
        "deleted": False,
    }
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-mailbox-delete", mailbox="Old", confirm="Old", ifMissing="error")


@pytest.mark.parametrize("name", ["INBOX", "inbox", "Sent", r"\Sent", "Trash", "Archive"])
async def test_the_inbox_and_special_mailboxes_stay(account: Tasks, name: str) -> None:
    before = await paths(account)
    with pytest.raises(TaskFailed, match="INVALID_INPUT"):
        await account.run("imap-mailbox-delete", mailbox=name, confirm=name)
    with pytest.raises(TaskFailed, match="INVALID_INPUT"):
        await account.run("imap-mailbox-rename", mailbox=name, newName="Elsewhere")
    assert await paths(account) == before


async def test_renaming_is_done_once(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Old")
    put(account, mail("one"), mailbox="Old")
    renamed = await account.run("imap-mailbox-rename", mailbox="Old", newName="New/2026")
    assert renamed == {"from": "Old", "to": "New/2026", "mailbox": "New/2026", "renamed": True}
    assert seen(account, "New/2026") == {"one": set()}
    again = await account.run("imap-mailbox-rename", mailbox="Old", newName="New/2026")
    assert (again["renamed"], again["mailbox"]) == (False, "New/2026")


async def test_a_new_name_that_is_taken_is_told(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Old")
    await account.run("imap-mailbox-create", mailbox="New")
    with pytest.raises(TaskFailed, match="MAILBOX_EXISTS") as failed:
        await account.run("imap-mailbox-rename", mailbox="Old", newName="New")
    assert failed.value.retries == 0
    with pytest.raises(TaskFailed, match="MAILBOX_NOT_FOUND"):
        await account.run("imap-mailbox-rename", mailbox="Nobody", newName="Nowhere")


async def test_a_mailbox_knows_its_place(account: Tasks) -> None:
    await account.run("imap-mailbox-create", mailbox="Kunden/Müller")
    listed = {one["path"]: one for one in (await account.run("imap-mailbox-list", pattern="Kunden*"))["mailboxes"]}
    assert set(listed) == {"Kunden", "Kunden/Müller"}
    mailbox = listed["Kunden/Müller"]
    assert (mailbox["name"], mailbox["parent"], mailbox["delimiter"]) == ("Müller", "Kunden", "/")
    assert (mailbox["subscribed"], mailbox["selectable"], mailbox["status"]) == (True, True, None)
    everything = (await account.run("imap-mailbox-list"))["mailboxes"]
    assert {one["path"]: one["specialUse"] for one in everything}["Sent"] == "sent"


async def test_numbers_are_told_for_all_or_for_one(account: Tasks) -> None:
    put(account, mail("one"), mail("two"))
    (inbox,) = (await account.run("imap-mailbox-list", pattern="INBOX", withStatus=True))["mailboxes"]
    status = await account.run("imap-mailbox-status", mailbox="inbox")
    assert status == inbox["status"] | {"mailbox": "INBOX"}
    assert (status["messages"], status["unseen"], status["uidNext"]) == (2, 2, 3)
    assert isinstance(status["highestModSeq"], str)


@pytest.mark.parametrize("name", ["/", "//", ".", "..", " / "])
async def test_a_name_without_any_level_is_none(account: Tasks, name: str) -> None:
    put(account, mail("one"))
    for task, more in [
        ("imap-list", {"mailbox": name}),
        ("imap-mailbox-create", {"mailbox": name}),
        ("imap-mailbox-rename", {"mailbox": name, "newName": "New"}),
        ("imap-mailbox-delete", {"mailbox": name, "confirm": name}),
        ("imap-move", {"uid": 1, "target": name}),
        ("imap-append", {"mailbox": name, "message": "From: a@x.test\n\nx", "createMailbox": True}),
    ]:
        with pytest.raises(TaskFailed, match="INVALID_INPUT"):
            await account.run(task, **more)


@pytest.mark.parametrize("name", ["a\r\nA1 LOGOUT", "a\0b", "a\x7fb"])
async def test_control_characters_never_get_into_a_command(account: Tasks, name: str) -> None:
    for task, more in [
        ("imap-list", {"mailbox": name}),
        ("imap-mailbox-create", {"mailbox": name}),
        ("imap-mailbox-list", {"pattern": name}),
        ("imap-move", {"uid": 1, "target": name}),
        ("imap-append", {"mailbox": name, "message": "From: a@x.test\n\nx"}),
    ]:
        with pytest.raises(TaskFailed, match="INVALID_INPUT") as failed:
            await account.run(task, **more)
        assert failed.value.retries == 0


async def test_a_wrong_password_is_one_attempt(account: Tasks) -> None:
    with pytest.raises(TaskFailed, match="AUTHENTICATION_FAILED") as failed:
        await account.with_password("wr0ng").run("imap-list")
    assert failed.value.retries == 0
    assert "wr0ng" not in f"{failed.value} {failed.value.error}"
    assert isinstance(account.server, Dovecot)
    log = account.server.directory / "dovecot.log"

    def failures() -> list[str]:
        return [line for line in log.read_text().splitlines() if f"user=<{account.user}>" in line and "failed" in line]

    await until(failures)
    (line,) = failures()
    assert "auth failed, 1 attempts" in line
