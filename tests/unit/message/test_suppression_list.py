"""Addresses that get no mail any more, in a file that others write to."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from zeebe_mail.errors import RecipientNotAllowed, SuppressionListUnreadable
from zeebe_mail.message.address import mailbox, mailboxes
from zeebe_mail.message.compose import Draft
from zeebe_mail.message.guard_rails import GuardRails
from zeebe_mail.message.suppression_list import SuppressionList


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "suppressed"
    path.write_text("# no mail any more\n\nBOB@example.org\r\n  @gone.example  \n", "utf-8")
    return path


def stands_in(listed: SuppressionList, address: str) -> bool:
    return listed.current().match(mailbox(address))


def test_its_lines_are_entries_of_every_form(file: Path) -> None:
    listed = SuppressionList(file)
    assert stands_in(listed, "bob@example.org")
    assert stands_in(listed, "bob+orders@example.org")
    assert stands_in(listed, "anybody@gone.example")
    assert not stands_in(listed, "carl@example.org")


def test_what_is_appended_counts_from_then_on(file: Path) -> None:
    listed = SuppressionList(file)
    assert not stands_in(listed, "jörg@bücher.example")
    with file.open("a", encoding="utf-8") as appended:
        appended.write("jörg@bücher.example\n")
    assert stands_in(listed, "jörg@bücher.example")
    assert stands_in(listed, "bob@example.org")


def test_what_is_taken_out_may_get_mail_again_also_in_a_file_of_the_same_size_and_time(file: Path) -> None:
    listed = SuppressionList(file)
    assert stands_in(listed, "bob@example.org")
    status = file.stat()
    other = file.with_name("new")
    other.write_bytes(file.read_bytes().replace(b"BOB", b"EVE"))
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(file)
    assert not stands_in(listed, "bob@example.org")
    assert stands_in(listed, "eve@example.org")


def test_a_list_that_has_not_changed_is_not_read_again(file: Path) -> None:
    listed = SuppressionList(file)
    assert listed.current() is listed.current()


def test_a_line_that_is_no_address_is_left_out_and_told(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    with file.open("ab") as appended:
        appended.write(b"MAILER-DAEMON\neve@example.org\nb\xf6b@x.test\n*@example.com\n")
    listed = SuppressionList(file)
    with caplog.at_level(logging.WARNING):
        assert stands_in(listed, "eve@example.org")
    assert stands_in(listed, "bob@example.org")
    (told,) = caplog.records
    assert (told.action, told.lines) == ("suppression_entries_left_out", [5, 8])  # type: ignore[attr-defined]
    assert "MAILER-DAEMON" not in told.getMessage()


def test_while_it_cannot_be_read_nobody_gets_mail(file: Path) -> None:
    listed = SuppressionList(file)
    rails = GuardRails(suppressed=listed)
    draft = Draft(authors=mailboxes("jane@example.org"), to=mailboxes("carl@example.org"))
    rails.admit(draft, user="", required="all")
    away = file.rename(file.with_name("away"))
    with pytest.raises(SuppressionListUnreadable, match="No such file") as caught:
        rails.admit(draft, user="", required="all")
    assert "ZEEBE_MAIL_DENIED_RECIPIENTS_FILE" in caught.value.next_step
    away.rename(file)
    rails.admit(draft, user="", required="all")


def test_the_rails_hold_with_an_empty_list_as_with_any(tmp_path: Path) -> None:
    """What a mail server may read as another address is not let through until the first bounce comes."""
    (tmp_path / "empty").touch()
    rails = GuardRails(suppressed=SuppressionList(tmp_path / "empty"))
    draft = Draft(authors=mailboxes("jane@example.org"), to=mailboxes('"bob%gone.example"@example.org'))
    with pytest.raises(RecipientNotAllowed):
        rails.admit(draft, user="", required="all")
