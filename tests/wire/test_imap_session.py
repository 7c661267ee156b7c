"""A logged-in session with servers that lie, flood, stall and hang up."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tests.wire.conversation import SLOW_S, until
from tests.wire.imap_conversation import END, EXAMINED, LOGIN, SELECTED, ScriptedImap, in_mailbox, open_session
from zeebe_mail import errors
from zeebe_mail.mail.imap import FlagChange, ImapSession, SortBy
from zeebe_mail.message.criteria import criterion
from zeebe_mail.message.payload import Base64, Payload

MEMORY = 64 * 2**20
Use = Callable[[ImapSession], Awaitable[object]]

USES: dict[str, Use] = {
    "search": lambda session: session.search.uids(),
    "count": lambda session: session.search.count(),
    "sorted": lambda session: session.search.ordered(SortBy.RECEIVED, descending=True, limit=10),
    "message_id": lambda session: session.search.by_message_id("a@x"),
    "summaries": lambda session: session.fetch.summaries([1, 2, 3], attachments=False),
    "size": lambda session: session.fetch.size(1),
    "message": lambda session: session.fetch.message(1, limit=10_000),
    "part": lambda session: session.fetch.part(1, "1.2", limit=10_000),
    "copy": lambda session: session.filing.copy([1], "Archive"),
    "select": lambda session: session.mailboxes.select("INBOX"),
    "status": lambda session: session.directory.status("Archive"),
    "mailboxes": lambda session: session.directory.mailboxes(),
    "resolve": lambda session: session.directory.resolve("Archive"),
    "append": lambda session: session.filing.append("INBOX", b"Subject: x\r\n\r\nx\r\n"),
    "wait": lambda session: session.mailboxes.wait_for_change(10),
}
ANY_COMMAND = "C: \n"
BARE = LOGIN.replace("UIDPLUS MOVE ESEARCH SORT IDLE UNSELECT", "")


async def ends_with(
    error: type[errors.WorkerError], script: str, use: Use, *, command_s: float = 60, deadline_s: float = 20
) -> errors.WorkerError:
    """Using a session with this server ends with this error, after which it is of no more use; memory is bounded."""
    async with ScriptedImap([LOGIN + EXAMINED + script]) as server:
        session = await open_session(server, command_s=command_s, deadline_s=deadline_s)
        await session.mailboxes.select("INBOX")
        tracemalloc.start()
        try:
            with pytest.raises(errors.WorkerError) as caught:
                await use(session)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert not session.is_usable
        server.abandon()
    assert type(caught.value) is error, caught.value
    assert peak < MEMORY
    return caught.value


# ── replies without end ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("use", USES)
async def test_a_reply_that_never_comes_has_a_deadline(use: str) -> None:
    await ends_with(errors.ServerTimeout, ANY_COMMAND + "! wait", USES[use], deadline_s=0.3)


@pytest.mark.parametrize("use", ["size", "search", "append"])
async def test_silence_has_a_limit_of_its_own(use: str) -> None:
    async with asyncio.timeout(30):
        await ends_with(errors.ServerTimeout, ANY_COMMAND + "! wait", USES[use], command_s=0.3, deadline_s=600)


async def test_an_answer_that_goes_on_may_take_longer() -> None:
    lines = "".join(f"S: * SEARCH {number}\n" for number in range(1, 13))
    script = LOGIN + EXAMINED + ANY_COMMAND + "! slow\n" + lines + "S: $ OK done\n" + END
    async with ScriptedImap([script]) as server:
        session = await open_session(server, command_s=4 * SLOW_S)
        await session.mailboxes.select("INBOX")
        assert await session.search.uids() == list(range(1, 13))
        session.close()


async def test_a_reply_byte_by_byte_has_the_same_deadline() -> None:
    await ends_with(errors.ServerTimeout, ANY_COMMAND + "! drip", USES["search"], deadline_s=0.3)


@pytest.mark.parametrize("use", ["size", "count", "select", "status", "resolve", "append"])
async def test_a_flood_of_unasked_responses_is_left(use: str) -> None:
    await ends_with(errors.Misbehaved, ANY_COMMAND + "! flood * 1 FETCH (FLAGS (\\Seen))", USES[use])


async def test_a_flood_of_summaries_is_left() -> None:
    junk = "x" * 5000
    await ends_with(errors.Misbehaved, ANY_COMMAND + f'! flood * 1 FETCH (UID 1 X "{junk}")', USES["summaries"])


@pytest.mark.parametrize("use", ["size", "search", "summaries", "message"])
async def test_a_line_without_end_is_left(use: str) -> None:
    await ends_with(errors.Misbehaved, ANY_COMMAND + "R: * SEARCH \n! bytes 60000000", USES[use])


@pytest.mark.parametrize(
    "answer", ["* ESEARCH UID ALL 1:20000000", "* SEARCH" + " 11" * 1_000_000], ids=["as a range", "one by one"]
)
async def test_no_more_uids_are_kept_than_a_mailbox_can_have(answer: str) -> None:
    """What the server says of its size does not count."""
    script = f"{ANY_COMMAND}S: {answer}\nS: $ OK done\n"
    exists = "4294967295" if "ESEARCH" in answer else "3"
    opened = EXAMINED.replace("3 EXISTS", f"{exists} EXISTS")
    tracemalloc.start()
    try:
        async with in_mailbox(script, opening=opened) as session:
            with pytest.raises(errors.Misbehaved):
                await session.search.uids()
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


async def test_a_line_without_end_is_left_however_much_was_asked_for() -> None:
    script = ANY_COMMAND + "R: * 1 FETCH (\n! bytes 30000000\n! wait"
    await ends_with(
        errors.Misbehaved, script, lambda session: session.fetch.summaries(range(1, 1001), attachments=False)
    )


@pytest.mark.parametrize("literal", ["8000000000", "3000000", "1" * 5000], ids=["8 GB", "3 MB", "5,000 digits"])
@pytest.mark.parametrize("use", ["summaries", "message", "mailboxes"])
async def test_a_literal_bomb_is_refused_before_it_is_read(use: str, literal: str) -> None:
    script = f"{ANY_COMMAND}S: * 1 FETCH (UID 1 BODY[]<0> {{{literal}}}\n! bytes 10000000"
    told = await ends_with(errors.Misbehaved, script, USES[use])
    assert "literal" in told.message


async def test_many_literals_do_not_add_up() -> None:
    literal = "R: * 1 FETCH (UID 1 BODY[]<0> {2000000}\\r\\n\n! bytes 2000000\nR: )\\r\\n\n"
    await ends_with(errors.Misbehaved, ANY_COMMAND + literal * 40, USES["message"])


async def test_more_of_a_message_than_was_asked_for_is_not_taken() -> None:
    script = f"""
        C: UID FETCH 1 (UID RFC822.SIZE BODY.PEEK[]<0.1048576>)
        S: * 1 FETCH (UID 1 RFC822.SIZE 5 BODY[]<0> {{1040000}}
        ! bytes 1040000
        R: )\\r\\n
        S: $ OK done
        {END}
    """
    async with in_mailbox(script) as session:
        with pytest.raises(errors.MessageTooLarge) as caught:
            await session.fetch.message(1, limit=100_000)
        assert session.is_usable
    assert caught.value.details["limitBytes"] == 100_000


async def test_a_message_whose_announced_size_is_too_large_is_not_read() -> None:
    script = f"""
        C: UID FETCH 1
        S: * 1 FETCH (UID 1 RFC822.SIZE 999999999 BODY[]<0> {{3}}
        R: abc)\\r\\n
        S: $ OK done
        {END}
    """
    async with in_mailbox(script) as session:
        with pytest.raises(errors.MessageTooLarge):
            await session.fetch.message(1, limit=100_000)


# ── nonsense ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("use", "answer"),
    [
        ("copy", "* OK [COPYUID 7 1:33000000 1:33000000] many"),
        ("copy", "* OK [COPYUID 7 1:2 1] uneven"),
        ("search", "* SEARCH 1 two 3"),
        ("search", "* SEARCH 99999999999"),
        ("search", "* SEARCH 0"),
        ("search", '* ESEARCH (TAG "z3") UID ALL 1:4294967295'),
        ("search", '* ESEARCH (TAG "z3") UID ALL x'),
        ("count", "* ESEARCH UID"),
        ("count", "* ESEARCH UID COUNT (1)"),
        ("count", "* ESEARCH UID COUNT " + "9" * 5000),
        ("search", "* SEARCH " + "9" * 5000),
        ("search", "* ESEARCH UID" + " X ()" * 1000),
        ("mailboxes", "* LIST " + "()" * 1000),
        ("sorted", '* ESEARCH (TAG "z3") UID ALL 0:3'),
        ("sorted", "* SORT eins"),
        ("summaries", "* 1 FETCH (UID"),
        ("summaries", "* 1 FETCH (UID 1))"),
        ("summaries", '* 1 FETCH (UID 1 X "open)'),
        ("summaries", "* 1 FETCH (UID one RFC822.SIZE 5)"),
        ("summaries", '* 1 FETCH (UID 1 RFC822.SIZE 5 FLAGS () INTERNALDATE "31-Feb-2020 10:00:00 +0000" BODY[] "")'),
        ("status", "* STATUS Archive (MESSAGES)"),
        ("status", "* STATUS Elsewhere (MESSAGES 1 UNSEEN 1 UIDNEXT 1 UIDVALIDITY 1)"),
        ("mailboxes", "* LIST nonsense"),
        ("mailboxes", "* LIST (\\HasNoChildren) / (x)"),
        ("size", "z999 OK another question's answer"),
        ("size", "+ and now"),
        ("size", "what?"),
    ],
)
async def test_nonsense_is_told_as_such(use: str, answer: str) -> None:
    script = f"{ANY_COMMAND}S: {answer}\nS: $ OK done\n! wait"
    async with ScriptedImap([LOGIN + EXAMINED + script]) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        with pytest.raises(errors.Misbehaved):
            await USES[use](session)
        server.abandon()
        session.close()


@pytest.mark.parametrize(
    "structure",
    [
        "S: * 1 FETCH (X " + "(" * 200_000 + ")" * 200_000 + ")",
        "R: * 1 FETCH (X \n! bytes 30000000",
        "R: * 1 FETCH (" + "{0}\\r\\n" * 20_000,
    ],
    ids=["200,000 parentheses", "30 MB", "20,000 literals"],
)
async def test_a_structure_out_of_proportion_costs_its_count_only(structure: str) -> None:
    item = 'UID 1 RFC822.SIZE 5 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[X] ""'
    without = f"C: UID FETCH 1:3 (UID\nS: * 1 FETCH ({item})\nS: $ OK done\n{END}"
    scripts = [LOGIN + EXAMINED + f"C: UID FETCH 1:3\n{structure}\n! wait", LOGIN + EXAMINED + without]
    async with ScriptedImap(scripts) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        [summary] = await session.fetch.summaries([1, 2, 3])
        session.close()
        server.abandon()
    assert "BODYSTRUCTURE" not in next(line for line in reversed(server.heard) if "FETCH" in line)
    assert summary.attachments is None
    assert summary.received.astimezone(UTC) == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)


async def test_a_file_name_cannot_pass_for_another_item() -> None:
    evil = '("text" "plain" ("name" ") UID 9 FLAGS (\\\\Seen") NIL NIL "7bit" 1 1 NIL ("attachment" NIL) NIL NIL)'
    item = f'BODYSTRUCTURE {evil} UID 1 RFC822.SIZE 5 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[X] ""'
    async with in_mailbox(f"C: UID FETCH 1\nS: * 1 FETCH ({item})\nS: $ OK done\n{END}") as session:
        [summary] = await session.fetch.summaries([1])
    assert (summary.uid, summary.flags, summary.attachments) == (1, frozenset(), 1)


async def test_responses_about_other_messages_are_passed_over() -> None:
    item = 'RFC822.SIZE 5 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[X] ""'
    script = f"""
        C: UID FETCH 1
        S: * 9 FETCH (FLAGS (\\Seen))
        S: * 4 EXISTS
        S: * 1 FETCH (UID 1 {item})
        S: * 2 EXPUNGE
        S: * OK [ALERT] buy more
        S: * 1 FETCH (UID 1 FLAGS (\\Seen))
        S: * 5 FETCH (UID 77 {item})
        S: $ OK done
        {END}
    """
    async with in_mailbox(script) as session:
        assert [one.uid for one in await session.fetch.summaries([1])] == [1]


# ── servers that lie ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("use", ["search", "count", "sorted"])
async def test_a_capability_that_is_none_is_refused(use: str) -> None:
    async with in_mailbox(f"C: UID\nS: $ BAD unknown command\n{END}") as session:
        with pytest.raises(errors.Refused, match="unknown command"):
            await USES[use](session)
        assert session.is_usable


async def test_a_uidvalidity_that_changes_between_commands_is_noticed() -> None:
    again = SELECTED.replace("UIDVALIDITY 7", "UIDVALIDITY 8")
    async with in_mailbox(again + END) as session:
        with pytest.raises(errors.UidValidityChanged, match="7 and is 8"):
            await session.filing.store_flags([1], FlagChange.ADD, ["\\Seen"])


OTHER_STATUS = "C: STATUS INBOX\nS: * STATUS INBOX (MESSAGES 5 UNSEEN 0 UIDNEXT 9 UIDVALIDITY 8)\n"


@pytest.mark.parametrize(
    "news",
    [
        "S: * NO internal error\n",
        "S: * OK [UIDVALIDITY 8] new\n",
        "S: * 5 EXISTS\nS: $ OK done\n" + OTHER_STATUS,
    ],
    ids=["as Dovecot", "by a code", "by STATUS"],
)
async def test_a_mailbox_made_anew_is_opened_anew(news: str) -> None:
    script = "C: NOOP\n" + news + "S: $ OK done\n" + EXAMINED.replace("UIDVALIDITY 7", "UIDVALIDITY 8") + END
    async with in_mailbox(script) as session:
        assert (await session.mailboxes.select("INBOX")).uid_validity == 8


async def test_a_connection_that_was_lost_while_kept_is_made_again() -> None:
    first = LOGIN + EXAMINED + "C: NOOP\nS: * BYE session state is inconsistent\n"
    async with ScriptedImap([first, LOGIN + EXAMINED + END]) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        assert (await session.mailboxes.select("INBOX")).uid_validity == 7
        session.close()
    assert server.connections == 2


async def test_a_goodbye_while_nobody_asks_ends_the_session() -> None:
    async with ScriptedImap([LOGIN + "S: * 4 EXISTS\nS: * BYE autologout\n"]) as server:
        session = await open_session(server)
        await until(lambda: not session.is_usable)
        assert not await session.check()


async def test_talk_that_nobody_asked_for_ends_the_session() -> None:
    async with ScriptedImap([LOGIN + "! flood * 1 EXISTS"]) as server:
        session = await open_session(server)
        await until(lambda: not session.is_usable)
        server.abandon()


@pytest.mark.parametrize("end", ["S: * BYE going down", "! close", "! reset"])
@pytest.mark.parametrize("use", [use for use in USES if use != "select"])
async def test_an_end_in_the_middle_is_told(use: str, end: str) -> None:
    await ends_with(errors.Unreachable, ANY_COMMAND + end, USES[use])


async def test_a_cancelled_search_hangs_up() -> None:
    async with ScriptedImap([LOGIN + EXAMINED + "C: UID SEARCH\n! eof"]) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        search = asyncio.create_task(session.search.uids())
        await until(lambda: server.heard[-1].startswith("UID SEARCH"))
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        assert not session.is_usable


async def test_a_silent_server_fails_the_check() -> None:
    async with ScriptedImap([LOGIN + "C: NOOP\n! wait"]) as server:
        session = await open_session(server)
        assert not await session.check()
        assert not session.is_usable


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("TRYCREATE", errors.MailboxNotFound),
        ("NONEXISTENT", errors.MailboxNotFound),
        ("ALREADYEXISTS", errors.MailboxExists),
        ("OVERQUOTA", errors.QuotaExceeded),
        ("READ-ONLY", errors.MailboxReadOnly),
        ("INUSE", errors.MailboxLocked),
        ("LIMIT", errors.Busy),
        ("UNAVAILABLE", errors.Busy),
        ("SERVERBUG", errors.Busy),
        ("NOPERM", errors.MailboxReadOnly),
        ("CANNOT", errors.Refused),
        ("CLIENTBUG", errors.Refused),
        ("EXPUNGEISSUED", errors.MessageNotFound),
        ("TOOBIG", errors.MessageTooLarge),
        ("X-UNKNOWN", errors.Refused),
    ],
)
async def test_a_response_code_has_its_error(code: str, error: type[errors.WorkerError]) -> None:
    async with in_mailbox(f"C: UID COPY\nS: $ NO [{code}] no\n{END}") as session:
        with pytest.raises(errors.WorkerError) as caught:
            await session.filing.copy([1], "Archive")
        assert session.is_usable
    assert type(caught.value) is error
    assert caught.value.details["responseCode"] == code


async def test_a_charset_that_the_server_does_not_know_is_unsupported() -> None:
    script = "C: UID SEARCH RETURN (ALL) CHARSET UTF-8\nC: <continued>\nS: $ NO [BADCHARSET (US-ASCII)] no\n"
    async with in_mailbox(script + END) as session:
        with pytest.raises(errors.Unsupported):
            await session.search.uids(criterion({"subject": "Grüße"}))


async def test_a_mailbox_that_is_read_only_is_not_written() -> None:
    script = SELECTED.replace("READ-WRITE", "READ-ONLY") + END
    async with in_mailbox(script) as session:
        with pytest.raises(errors.MailboxReadOnly):
            await session.filing.store_flags([1], FlagChange.ADD, ["\\Seen"])


async def test_a_mailbox_that_may_not_be_looked_at_does_not_hide_the_others() -> None:
    script = f"""
        C: LIST
        S: * LIST () "/" Secret
        S: * LIST () "/" {{9}}
        R: two\\nlines\\r\\n
        S: * LIST () "/" INBOX
        S: $ OK done
        C: LSUB
        S: $ OK done
        C: STATUS Secret
        S: $ NO [NOPERM] not yours
        C: STATUS INBOX
        S: * STATUS INBOX (MESSAGES 1 UNSEEN 1 UIDNEXT 2 UIDVALIDITY 3)
        S: $ OK done
        {END}
    """
    async with in_mailbox(script) as session:
        found = await session.directory.mailboxes(with_status=True)
    assert [(one.path, one.status is not None) for one in found] == [
        ("Secret", False),
        ("two\nlines", False),
        ("INBOX", True),
    ]


@pytest.mark.parametrize("descending", [True, False])
async def test_a_message_from_before_the_first_year_has_its_place(descending: bool) -> None:
    first, last = '"01-Jan-0001 00:00:00 +1400"', '"31-Dec-9999 23:59:59 -1400"'
    fetched = f"""
        S: * 1 FETCH (UID 1 INTERNALDATE {first})
        S: * 2 FETCH (UID 2 INTERNALDATE {last})
        S: $ OK done
    """
    searched = "C: UID SEARCH\nS: * SEARCH 1 2\nS: $ OK done\n"
    script = f"{searched}C: UID FETCH\n{fetched}{searched}C: UID FETCH\n{fetched}{END}"
    async with in_mailbox(script, login=LOGIN.replace(" SORT", "").replace(" ESEARCH", "")) as session:
        assert await session.search.ordered(SortBy.RECEIVED, descending=descending, limit=1) == [2 if descending else 1]


async def test_a_keyword_that_the_mailbox_does_not_keep_is_refused() -> None:
    keeps = SELECTED.replace("S: * 3 EXISTS", "S: * 3 EXISTS\nS: * OK [PERMANENTFLAGS (\\Seen $known)] kept")
    async with in_mailbox(END, opening=keeps) as session:
        with pytest.raises(errors.InputError, match=r"\$unknown"):
            await session.filing.store_flags([1], FlagChange.ADD, ["$known", "$unknown"])


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────

IDLES = "C: NOOP\nS: $ OK\nC: IDLE\nS: + idling\n"


@pytest.mark.parametrize("news", ["* 4 EXISTS", "* 1 EXPUNGE", "* 1 FETCH (FLAGS (\\Seen))"])
async def test_idle_tells_a_change(news: str) -> None:
    script = IDLES + f"S: {news}\nC: <continued>\nS: $ OK done\nC: NOOP\nS: $ OK\n"
    async with in_mailbox(script + END) as session:
        assert await session.mailboxes.wait_for_change(60)


async def test_a_silent_idle_ends_with_the_time() -> None:
    async with in_mailbox(IDLES + "C: <continued>\nS: $ OK done\nC: NOOP\nS: $ OK\n" + END) as session:
        assert not await session.mailboxes.wait_for_change(0.1)


async def test_a_change_since_the_mailbox_was_opened_is_not_missed() -> None:
    script = "C: UID SEARCH\nS: * ESEARCH UID ALL 1:3\nS: * 4 EXISTS\nS: $ OK done\nC: NOOP\nS: $ OK\n"
    async with in_mailbox(script + END) as session:
        await session.search.uids()
        assert await session.mailboxes.wait_for_change(60)


async def test_without_idle_the_server_is_asked() -> None:
    async with in_mailbox("C: NOOP\nS: * 4 EXISTS\nS: $ OK\n" + END, login=BARE) as session:
        assert await session.mailboxes.wait_for_change(60)


# ── without the safe way ─────────────────────────────────────────────────────────────────────────────────────────

WITHOUT_MOVE = LOGIN.replace("MOVE ESEARCH SORT", "")
ORIGINAL = 'UID 1 RFC822.SIZE 5 INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {19}'


async def test_without_uidplus_nothing_is_expunged() -> None:
    async with in_mailbox(END, opening=SELECTED, login=BARE) as session:
        with pytest.raises(errors.Unsupported, match="UIDPLUS"):
            await session.filing.expunge([1])
        with pytest.raises(errors.Unsupported, match="UIDPLUS"):
            await session.filing.move([1], "Archive")


def looks_for_a_copy(found: str) -> str:
    return f"""
        C: UID FETCH 1
        S: * 1 FETCH ({ORIGINAL}
        R: Message-ID: <a@x>\\r\\n)\\r\\n
        S: $ OK done
        {EXAMINED.replace("INBOX", "Archive")}
        C: UID SEARCH HEADER Message-ID a@x
        S: * SEARCH {found}
        S: $ OK done
    """


REMOVES = """
    C: UID STORE 1 +FLAGS.SILENT (\\Deleted)
    S: $ OK done
    C: UID EXPUNGE 1
    S: $ OK done
"""


async def test_without_move_a_message_is_copied_and_then_removed() -> None:
    script = f"""
        {looks_for_a_copy("")}
        {SELECTED}
        C: UID COPY 1 Archive
        S: $ OK [COPYUID 7 1 12] done
        {REMOVES}
        {END}
    """
    async with in_mailbox(script, opening=SELECTED, login=WITHOUT_MOVE) as session:
        assert await session.filing.move([1], "Archive") == {1: 12}


async def test_without_move_a_copy_of_an_earlier_try_is_not_made_again() -> None:
    fetched = f"""
        C: UID FETCH 5
        S: * 1 FETCH ({ORIGINAL.replace("UID 1", "UID 5")}
        R: Message-ID: <a@x>\\r\\n)\\r\\n
        S: $ OK done
    """
    whole = """
        C: UID FETCH {uid} (UID BODY.PEEK[]<0.1048576>)
        S: * 1 FETCH (UID {uid} BODY[]<0> "{body}")
        S: $ OK done
    """
    copy, original = whole.format(uid=5, body="hello"), whole.format(uid=1, body="hello")
    script = looks_for_a_copy("5") + fetched + fetched + copy + SELECTED + original + REMOVES + END
    async with in_mailbox(script, opening=SELECTED, login=WITHOUT_MOVE) as session:
        assert await session.filing.move([1], "Archive") == {1: 5}


@pytest.mark.parametrize("verb", ["COPY", "MOVE"])
async def test_an_ok_without_copyuid_means_that_there_was_no_message(verb: str) -> None:
    async with in_mailbox(f"C: UID {verb} 9 Archive\nS: $ OK No messages found\n{END}", opening=SELECTED) as session:
        done = await (session.filing.copy if verb == "COPY" else session.filing.move)([9], "Archive")
    assert done == {}


async def test_a_key_that_the_server_does_not_know_is_not_sent() -> None:
    async with in_mailbox(END) as session:
        with pytest.raises(errors.Unsupported, match="X-GM-EXT-1"):
            await session.search.uids(criterion({"gmailRaw": "in:anywhere"}))


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────


MEGABYTES = Payload(b"Subject: x\r\n\r\n", Base64(bytes(25_000_000)))


async def test_a_large_message_is_encoded_while_the_server_takes_it() -> None:
    """A server that takes nothing: what waits for it is what the transport holds, and not the message."""
    script = "C: APPEND INBOX {34210544}\nS: + go\n! stuck"
    async with ScriptedImap([LOGIN + script]) as server:
        session = await open_session(server, deadline_s=0.5)
        tracemalloc.start()
        try:
            with pytest.raises(errors.ServerTimeout):
                await session.filing.append("INBOX", MEGABYTES)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        server.abandon()
    assert peak < 5_000_000
    assert not session.is_usable


async def test_a_server_that_refuses_a_large_message_gets_none_of_it() -> None:
    script = "C: APPEND INBOX {34210544}\nS: $ NO [OVERQUOTA] full\nC: NOOP\nS: $ OK\n"
    async with ScriptedImap([LOGIN + script]) as server:
        session = await open_session(server)
        with pytest.raises(errors.QuotaExceeded):
            await session.filing.append("INBOX", MEGABYTES)
        assert await session.check()


async def test_a_small_payload_goes_out_with_its_command() -> None:
    script = "C: APPEND INBOX {20+}\nC: <continued>\nC: <continued>\nC: <continued>\nS: $ OK [APPENDUID 7 10] done\n"
    async with ScriptedImap([LOGIN + script]) as server:
        session = await open_session(server)
        assert await session.filing.append("INBOX", Payload(b"Subject: x\r\n\r\n", Base64(b"x"))) == (7, 10)
    assert server.heard[1:] == ["APPEND INBOX {20+}", "Subject: x", "", "eA=="]


async def test_a_command_is_one_write_with_its_literals() -> None:
    script = "C: UID SEARCH RETURN (ALL) CHARSET UTF-8 OR SUBJECT {7+}\nC: <continued>\nS: $ OK done" + END
    async with ScriptedImap([LOGIN + EXAMINED + script]) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        await session.search.uids(criterion({"or": [{"subject": "Grüße"}, {"from": 'a"b\\c'}]}))
        session.close()
    assert server.heard[-2] == 'Grüße FROM "a\\"b\\\\c"'


@pytest.mark.parametrize(
    "use",
    [
        lambda session: session.mailboxes.select("IN\r\nBOX"),
        lambda session: session.directory.resolve("a\0b"),
        lambda session: session.mailboxes.create(""),
        lambda session: session.mailboxes.rename("a", "b\n"),
        lambda session: session.filing.copy([1], "\x7f"),
        lambda session: session.filing.append("x\r", b"x"),
        lambda session: session.filing.append("x", b"a\0b"),
        lambda session: session.filing.append("x", b"x", flags=["\\Seen) FOO ("]),
        lambda session: session.filing.store_flags([1], FlagChange.ADD, ["\\Recent"]),
        lambda session: session.filing.store_flags([1], FlagChange.ADD, ["a b"]),
        lambda session: session.filing.store_flags([1], FlagChange.ADD, ["a\r\nX DELETE b"]),
        lambda session: session.filing.store_flags([1], FlagChange.ADD, ["{5}"]),
        lambda session: session.fetch.part(1, "1] X", limit=1),
        lambda session: session.fetch.part(1, "", limit=1),
        lambda session: session.fetch.part(1, "0.1", limit=1),
        lambda session: session.fetch.part_header(1, "TEXT"),
        lambda session: session.search.in_range("1:2\r\nX"),
        lambda session: session.search.in_range("0"),
        lambda session: session.search.in_range("4294967296"),
        lambda session: session.search.in_range("1,,2"),
    ],
)
async def test_what_would_be_another_command_is_refused_before_it_is_sent(use: Use) -> None:
    async with ScriptedImap([LOGIN + EXAMINED + END]) as server:
        session = await open_session(server)
        await session.mailboxes.select("INBOX")
        with pytest.raises(errors.InputError):
            await use(session)
        assert session.is_usable
        session.close()
    assert server.heard[-2].startswith("EXAMINE")
