"""POP3 with servers that lie, flood, stall, hang up, or leave out what is optional."""

from __future__ import annotations

import asyncio
import hashlib
import resource
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from tests.wire.conftest import Certificates, serving
from tests.wire.conversation import ScriptedServer, until
from zeebe_mail import errors
from zeebe_mail.auth.models import MailboxAuth, PasswordAuth, TokenAuth
from zeebe_mail.mail.bulkhead import Bulkhead
from zeebe_mail.mail.pool import Pool
from zeebe_mail.mail.pop3 import Listed, Pop3Connector, Pop3Session, Pop3Timeouts
from zeebe_mail.mail.server import Pop3Server, Security
from zeebe_mail.mail.tls import TlsPolicy

ALICE = PasswordAuth(username="alice", password="s3cr3t-ä")  # type: ignore[arg-type]
CAPABILITIES = """
    C: CAPA
    S: +OK
    S: TOP
    S: UIDL
    S: PIPELINING
    S: USER
    S: .
"""
GREETING = "S: +OK ready" + CAPABILITIES
LOGGED_IN = f"""
    {GREETING}
    C: USER alice
    S: +OK
    C: PASS s3cr3t-ä
    S: +OK
"""
LISTED = """
    C: LIST
    C: UIDL
    S: +OK
    S: 1 120
    S: 2 130
    S: .
    S: +OK
    S: 1 one
    S: 2 two
    S: .
"""
END = """
    C: QUIT
    ! eof
"""
QUICK = Pop3Timeouts(connect_s=10, command_s=10, locked_s=0)


async def open_session(
    server: ScriptedServer,
    auth: MailboxAuth = ALICE,
    *,
    security: Security = Security.NONE,
    policy: TlsPolicy | None = None,
    timeouts: Pop3Timeouts = QUICK,
    deadline_s: float = 20,
) -> Pop3Session:
    where = Pop3Server(host="localhost", port=server.port, security=security, deadline_seconds=deadline_s)
    return await Pop3Connector(policy or TlsPolicy(), timeouts)(where, auth)


@asynccontextmanager
async def logged_in(script: str, *, login: str = LOGGED_IN, deadline_s: float = 20) -> AsyncIterator[Pop3Session]:
    """A session; the script goes on after the login."""
    async with ScriptedServer([login + script]) as server:
        session = await open_session(server, deadline_s=deadline_s)
        yield session
        session.close()


async def refused(script: str, kind: type[errors.WorkerError], auth: MailboxAuth = ALICE) -> errors.WorkerError:
    """The error with which a login ends."""
    async with ScriptedServer([script]) as server:
        with pytest.raises(kind) as told:
            await open_session(server, auth)
    assert "s3cr3t" not in str(told.value) + repr(told.value.details) + repr(told.value.__cause__)
    assert type(told.value) is kind
    return told.value


async def no_commit() -> None:
    pass


def a_message(header: str = "Subject: x") -> str:
    return "".join(f"S: {line}\n" for line in (*header.split("\n"), "", "text", "."))


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_user_and_pass() -> None:
    async with logged_in(END):
        pass


async def test_a_wrong_password_is_tried_once() -> None:
    told = await refused(
        f"{GREETING}\nC: USER alice\nS: +OK\nC: PASS\nS: -ERR [AUTH] no such s3cr3t-ä\n! eof", errors.CredentialsError
    )
    assert told.retry is errors.Retry.NEVER
    assert told.details["responseCode"] == "AUTH"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("-ERR authentication failed", errors.CredentialsError),
        ("-ERR your account is locked", errors.CredentialsError),
        ("-ERR [IN-USE] do you have another POP session running?", errors.MailboxLocked),
        ("-ERR [in-use] x", errors.MailboxLocked),
        ("-ERR unable to lock maildrop", errors.MailboxLocked),
        ("-ERR maildrop already locked", errors.MailboxLocked),
        ("-ERR [SYS/TEMP] try again", errors.Busy),
        ("-ERR [SYS/PERM] broken", errors.Refused),
        ("-ERR [LOGIN-DELAY] too soon", errors.Busy),
        ("-ERR Too many connections, try again later", errors.Busy),
        ("-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.", errors.Unsupported),
        ("-ERR [UNHEARD-OF] x", errors.CredentialsError),
        ("-ERR", errors.CredentialsError),
        ("* BYE", errors.Misbehaved),
        ("250 ok", errors.Misbehaved),
    ],
)
async def test_each_refusal_of_a_login_has_its_meaning(answer: str, kind: type[errors.WorkerError]) -> None:
    await refused(f"{GREETING}\nC: USER alice\nS: +OK\nC: PASS\nS: {answer}\n! eof", kind)


async def test_the_announced_wait_between_logins_is_kept() -> None:
    script = """
        S: +OK ready
        C: CAPA
        S: +OK
        S: USER
        S: LOGIN-DELAY 180
        S: .
        C: USER alice
        S: +OK
        C: PASS
        S: -ERR [LOGIN-DELAY] minimum time between mail checks
        ! eof
    """
    assert (await refused(script, errors.Busy)).retry_after == timedelta(seconds=180)


async def test_a_locked_mailbox_is_asked_for_again_for_a_while() -> None:
    busy = f"{GREETING}\nC: USER alice\nS: +OK\nC: PASS\nS: -ERR [IN-USE] not now\n! eof"
    async with ScriptedServer([busy, busy, LOGGED_IN + END]) as server:
        session = await open_session(server, timeouts=Pop3Timeouts(locked_s=10))
        session.close()
    assert server.connections == 3


@pytest.mark.parametrize("greeting", ["-ERR [SYS/TEMP] down for maintenance", "-ERR overloaded"])
async def test_a_greeting_that_says_no(greeting: str) -> None:
    await refused(f"S: {greeting}\n! eof", errors.Busy)


@pytest.mark.parametrize("end", ["! close", "! reset"])
@pytest.mark.parametrize(
    "before",
    ["", "S: +OK", "S: +OK\nC: CAPA", GREETING, f"{GREETING}\nC: USER", f"{GREETING}\nC: USER\nS: +OK\nC: PASS"],
)
async def test_a_server_that_hangs_up_at_any_step(before: str, end: str) -> None:
    await refused(f"{before}\n{end}", errors.Unreachable)


async def test_what_a_server_does_not_say_it_can_do_after_all() -> None:
    """A server from before CAPA has USER and PASS (RFC 1939)."""
    async with logged_in(
        END,
        login="S: +OK\nC: CAPA\nS: -ERR what?\nC: USER alice\nS: +OK\nC: PASS\nS: +OK\nC: CAPA\nS: -ERR what?\n",
    ):
        pass


@pytest.mark.parametrize("username", ["a\r\nDELE 1", "a\nb", "a\0b", "a\x7f"])
def test_a_user_name_that_holds_a_command_is_no_user_name(username: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        PasswordAuth(username=username, password="x")  # type: ignore[arg-type]


async def test_a_password_that_holds_a_command_is_not_sent() -> None:
    auth = PasswordAuth(username="alice", password="x\r\nDELE 1")  # type: ignore[arg-type]
    async with ScriptedServer([f"{GREETING}\n! eof"]) as server:
        with pytest.raises(errors.InputError, match=r"auth\.password has a control character"):
            await open_session(server, auth)
    assert server.heard == ["CAPA"]


# ── mechanisms ───────────────────────────────────────────────────────────────────────────────────────────────────

TIMESTAMP = "<1896.697170952@dbc.mtview.ca.us>"


def offering(mechanisms: str, greeting: str = f"+OK ready {TIMESTAMP}") -> str:
    return f"S: {greeting}\nC: CAPA\nS: +OK\nS: TOP\nS: UIDL\nS: USER\nS: SASL {mechanisms}\nS: .\n"


async def test_apop_is_better_than_a_password_in_the_clear() -> None:
    proof = hashlib.md5(f"{TIMESTAMP}s3cr3t-ä".encode(), usedforsecurity=False).hexdigest()
    async with logged_in(END, login=offering("PLAIN LOGIN") + f"C: APOP alice {proof}\nS: +OK\n"):
        pass


async def test_a_challenge_is_better_than_apop() -> None:
    login = offering("PLAIN CRAM-MD5") + f"C: AUTH CRAM-MD5\nS: + {b64encode(b'<1@x>').decode()}\nC: YWxpY2Ug\nS: +OK\n"
    async with logged_in(END, login=login):
        pass


async def test_there_is_no_second_try_with_something_weaker() -> None:
    script = (
        offering("PLAIN CRAM-MD5") + f"C: AUTH CRAM-MD5\nS: + {b64encode(b'<1@x>').decode()}\nC:\nS: -ERR no\n! eof"
    )
    await refused(script, errors.CredentialsError)


@pytest.mark.parametrize("greeting", ["+OK <no timestamp>", "+OK <a\u00e4@b>", "+OK ready"])
async def test_what_is_no_timestamp_is_not_hashed(greeting: str) -> None:
    """A man in the middle could choose the bytes of a false one (CVE-2007-1558)."""
    plain = b64encode("\0alice\0s3cr3t-ä".encode()).decode()
    async with logged_in(END, login=offering("PLAIN", greeting) + f"C: AUTH PLAIN {plain}\nS: +OK\n"):
        pass


async def test_within_tls_no_thief_listens_and_apop_is_not_needed(certificates: Certificates) -> None:
    plain = b64encode("\0alice\0s3cr3t-ä".encode()).decode()
    script = offering("PLAIN") + f"C: AUTH PLAIN {plain}\nS: +OK\n{END}"
    async with ScriptedServer([script], tls=serving(certificates.good), encrypts_at_once=True) as server:
        policy = TlsPolicy(ca_file=certificates.authority.ca_file)
        (await open_session(server, security=Security.SSL_TLS, policy=policy)).close()


async def test_a_long_first_word_waits_for_its_turn() -> None:
    """RFC 5034, 4: a command line has at most 255 octets."""
    long = PasswordAuth(username="alice", password="x" * 300)  # type: ignore[arg-type]
    first = b64encode(b"\0alice\0" + b"x" * 300).decode()
    login = offering("PLAIN", "+OK") + f"C: AUTH PLAIN\nS: + \nC: {first}\nS: +OK\n{END}"
    async with ScriptedServer([login]) as server:
        (await open_session(server, long)).close()
    assert "AUTH PLAIN" in server.heard


async def test_a_token_needs_a_mechanism_for_tokens() -> None:
    token = TokenAuth(username="alice", token="abc")  # type: ignore[arg-type]
    told = await refused(offering("PLAIN") + "! eof", errors.Unsupported, token)
    assert "an access token can be given with OAUTHBEARER, XOAUTH2" in told.message


async def test_a_token_that_is_refused() -> None:
    token = TokenAuth(username="alice", token="abc")  # type: ignore[arg-type]
    status = b64encode(b'{"status":"invalid_token"}').decode()
    told = await refused(
        offering("OAUTHBEARER") + f"C: AUTH OAUTHBEARER\nS: + {status}\nC:\nS: -ERR [AUTH] no\n! eof",
        errors.CredentialsError,
        token,
    )
    assert told.details["tokenStatus"] == "invalid_token"


async def test_a_challenge_that_is_none() -> None:
    await refused(offering("CRAM-MD5") + "C: AUTH CRAM-MD5\nS: + %%%\n! eof", errors.CredentialsError)


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────

STLS = "S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: USER\nS: .\nC: STLS\n"


@pytest.fixture
def tls(certificates: Certificates) -> ssl.SSLContext:
    return serving(certificates.good)


@pytest.fixture
def policy(certificates: Certificates) -> TlsPolicy:
    return TlsPolicy(ca_file=certificates.authority.ca_file)


async def test_stls_then_everything_anew(tls: ssl.SSLContext, policy: TlsPolicy) -> None:
    script = f"{STLS}\nS: +OK begin\n! tls\n{LOGGED_IN.removeprefix(chr(10)).replace('S: +OK ready', '')}{END}"
    async with ScriptedServer([script], tls=tls) as server:
        (await open_session(server, security=Security.STARTTLS, policy=policy)).close()
    assert server.heard.count("CAPA") == 2


async def test_a_timestamp_from_before_tls_is_no_challenge(tls: ssl.SSLContext, policy: TlsPolicy) -> None:
    script = STLS.replace("+OK", f"+OK {TIMESTAMP}", 1) + "S: +OK\n! tls\nC: CAPA\nS: +OK\nS: TOP\nS: .\n! eof"
    async with ScriptedServer([script], tls=tls) as server:
        with pytest.raises(errors.Unsupported, match="does not offer any login"):
            await open_session(server, security=Security.STARTTLS, policy=policy)


async def test_a_server_without_stls_gets_no_password(policy: TlsPolicy) -> None:
    async with ScriptedServer([f"{GREETING}\n! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="does not offer STLS"):
            await open_session(server, security=Security.STARTTLS, policy=policy)
    assert server.heard == ["CAPA"]


@pytest.mark.parametrize("injected", ["+OK injected\\r\\n", "-ERR x", "+"])
async def test_bytes_before_the_handshake_end_it(tls: ssl.SSLContext, policy: TlsPolicy, injected: str) -> None:
    async with ScriptedServer([f"{STLS}\nR: +OK begin\\r\\n{injected}\n! eof"], tls=tls) as server:
        with pytest.raises(errors.TlsFailed):
            await open_session(server, security=Security.STARTTLS, policy=policy)
    assert server.heard == ["CAPA", "STLS"]


async def test_stls_refused(tls: ssl.SSLContext, policy: TlsPolicy) -> None:
    async with ScriptedServer([f"{STLS}\nS: -ERR no\n! eof"], tls=tls) as server:
        with pytest.raises(errors.Unsupported):
            await open_session(server, security=Security.STARTTLS, policy=policy)


@pytest.mark.parametrize("shown", ["expired", "other_host", "stranger", "self_signed"])
@pytest.mark.parametrize("security", [Security.SSL_TLS, Security.STARTTLS])
async def test_a_certificate_that_is_not_trusted(
    certificates: Certificates, policy: TlsPolicy, shown: str, security: Security
) -> None:
    at_once = security is Security.SSL_TLS
    script = "! wait" if at_once else f"{STLS}\nS: +OK\n! tls\n! wait"
    tls = serving(getattr(certificates, shown))
    async with ScriptedServer([script], tls=tls, encrypts_at_once=at_once) as server:
        with pytest.raises(errors.CertificateRejected):
            await open_session(server, security=security, policy=policy)
        server.abandon()
    assert not any(line.startswith("USER") for line in server.heard)


# ── time and memory ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_drip_is_cut_off_by_the_overall_deadline() -> None:
    async with logged_in(f"{LISTED}C: RETR 1\nS: +OK\n! drip", deadline_s=1) as session:
        one = (await session.listing())[0]
        with pytest.raises(errors.ServerTimeout):
            await session.message(one, limit=10**9)


@pytest.mark.parametrize("where", ["", "S: +OK\nC: CAPA\nS: +OK\n", f"{GREETING}\nC: USER\n"])
async def test_a_silent_server_is_left(where: str) -> None:
    async with ScriptedServer([f"{where}! wait"]) as server:
        with pytest.raises(errors.ServerTimeout):
            await open_session(server, timeouts=Pop3Timeouts(connect_s=0.3, command_s=0.3), deadline_s=1)


Use = Callable[[Pop3Session], Awaitable[object]]


async def _headers(session: Pop3Session) -> list[bytes]:
    return [header async for _, header in session.headers([Listed(1, 120, "one")])]


@pytest.mark.parametrize(
    ("script", "use", "kind"),
    [
        ("C: LIST\nC: UIDL\nS: +OK\n! flood 1 120", lambda session: session.listing(), errors.Misbehaved),
        ("C: LIST\nC: UIDL\n! bytes 20000000", lambda session: session.listing(), errors.Misbehaved),
        ("C: TOP 1 0\nS: +OK\n! flood X-Header: xxxxxxxxxxxxxxxxxxxxxxxxx", _headers, errors.Misbehaved),
        ("C: TOP 1 0\nS: +OK\n! bytes 20000000", _headers, errors.Misbehaved),
        (
            "C: RETR 1\nS: +OK\n! flood " + "x" * 60_000,
            lambda session: session.message(Listed(1, 120, "one"), limit=5_000_000),
            errors.MessageTooLarge,
        ),
        (
            "C: RETR 1\nS: +OK\n! bytes 20000000",
            lambda session: session.message(Listed(1, 120, "one"), limit=5_000_000),
            errors.MessageTooLarge,
        ),
    ],
    ids=["endless LIST", "status without end", "endless TOP", "line without end", "endless RETR", "RETR without lines"],
)
async def test_a_flood_is_left_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch, script: str, use: Use, kind: type[errors.WorkerError]
) -> None:
    monkeypatch.setattr("zeebe_mail.mail.pop3.session.LISTING_LIMIT", 1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with ScriptedServer([LOGGED_IN + script]) as server:
        session = await open_session(server)
        with pytest.raises(kind):
            await use(session)
        session.close()
        server.abandon()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


async def test_what_nobody_asked_for_ends_the_conversation() -> None:
    async with logged_in("R: +OK surprise\\r\\n\n! wait") as session:
        await until(lambda: session._connection.has_surplus)
        with pytest.raises(errors.Misbehaved, match="more than it was asked for"):
            await session.listing()


# ── listings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def listings(sizes: str, names: str | None) -> str:
    uidl = "S: -ERR unknown command\n" if names is None else "S: +OK\n" + names + "S: .\n"
    return f"C: LIST\nC: UIDL\nS: +OK\n{sizes}S: .\n{uidl}"


async def listing(script: str) -> tuple[Listed, ...]:
    async with logged_in(script + END) as session:
        return await session.listing()


@pytest.mark.parametrize(
    ("sizes", "names", "expected"),
    [
        ("S: 1 120\nS: 2 130\n", "S: 1 a\nS: 2 b\n", (Listed(1, 120, "a"), Listed(2, 130, "b"))),
        ("S: 3 120\nS: 1 130 extra\n", "S: 1 a\nS: 3 b\n", (Listed(1, 130, "a"), Listed(3, 120, "b"))),
        ("S: 1 120\nS: 2 130\nS: 3 1\n", "S: 1 a\nS: 2 a\nS: 3 c\n",
         (Listed(1, 120, None), Listed(2, 130, None), Listed(3, 1, "c"))),
        ("S: 1 120\n", None, (Listed(1, 120, None),)),
        ("S: 1 120\n", "", (Listed(1, 120, None),)),
        ("", "", ()),
    ],
    ids=["plain", "gaps and extras", "duplicate UIDLs name nothing", "no UIDL", "forgotten UIDLs", "empty"],
)  # fmt: skip
async def test_lists(sizes: str, names: str | None, expected: tuple[Listed, ...]) -> None:
    assert await listing(listings(sizes, names)) == expected


@pytest.mark.parametrize(
    "sizes",
    [
        "S: 1\n",
        "S: one 120\n",
        "S: 1 -5\n",
        "S: 0 1\n",
        "S: 1 9999999999999999\n",
        "S: 1 1\nS: 1 2\n",
        "S: 12345678901 1\n",
    ],
)
async def test_lists_that_are_none(sizes: str) -> None:
    async with logged_in(listings(sizes, "") + "! eof") as session:
        with pytest.raises(errors.Misbehaved):
            await session.listing()


async def test_without_pipelining_one_thing_at_a_time() -> None:
    login = LOGGED_IN.replace("    S: PIPELINING\n", "")
    one_by_one = "C: LIST\nS: +OK\nS: 1 9\nS: 2 9\nS: .\nC: UIDL\nS: +OK\nS: 1 a\nS: 2 b\nS: .\n"
    tops = "".join(f"C: TOP {number} 0\nS: +OK\nS: Subject: {number}\nS: \nS: .\n" for number in (1, 2))
    async with logged_in(one_by_one + tops + END, login=login) as session:
        headers = [header async for _, header in session.headers(await session.listing())]
    assert headers == [b"Subject: 1\r\n", b"Subject: 2\r\n"]


async def test_with_pipelining_all_is_asked_before_anything_is_answered() -> None:
    asked = "C: TOP 1 0\nC: TOP 2 0\n"
    answered = "S: +OK\nS: Subject: 1\nS: \nS: .\nS: -ERR no such message\n"
    async with logged_in(LISTED + asked + answered + END) as session:
        found = [(one.number, header) async for one, header in session.headers(await session.listing())]
    assert found == [(1, b"Subject: 1\r\n")], "a message that has gone is left out"


async def test_a_header_seen_once_is_remembered_by_its_uidl() -> None:
    first = f"{LISTED}C: TOP 1 0\nC: TOP 2 0\nS: +OK\n{a_message('Subject: 1')}S: +OK\n{a_message('Subject: 2')}"
    second = LISTED.replace("S: 1 one\n", "S: 1 two\n").replace("S: 2 two\n", "S: 2 three\n")
    third = f"C: TOP 2 0\nS: +OK\n{a_message('Subject: 3')}"
    connector = Pop3Connector(TlsPolicy(), QUICK)
    seen = []
    async with ScriptedServer([LOGGED_IN + first + END, LOGGED_IN + second + third + END]) as server:
        where = Pop3Server(host="localhost", port=server.port, security=Security.NONE)
        for _ in range(2):
            session = await connector(where, ALICE)
            seen.append([block async for _, block in session.summaries(await session.listing())])
            session.close()
    assert seen == [[b"Subject: 1\r\n", b"Subject: 2\r\n"], [b"Subject: 2\r\n", b"Subject: 3\r\n"]]


async def test_a_server_without_top_gives_the_header_with_the_message() -> None:
    login = LOGGED_IN.replace("    S: TOP\n", "").replace("    S: PIPELINING\n", "") + "C: CAPA\nS: -ERR\n"
    listed = "C: LIST\nS: +OK\nS: 1 9\nS: .\nC: UIDL\nS: -ERR\n"
    fetched = f"C: TOP 1 0\nS: -ERR unknown\nC: RETR 1\nS: +OK\n{a_message('Subject: 1')}"
    async with logged_in(listed + fetched + END, login=login) as session:
        assert [header async for _, header in session.headers(await session.listing())] == [b"Subject: 1\r\n"]


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_dots_are_taken_off_and_long_lines_are_kept() -> None:
    long = "x" * 100_000
    sent = f"C: RETR 1\nS: +OK 120 octets\nS: ..\nS: ..dot\nS: a.b\nS: ...\nS: {long}\nS: .\n"
    async with logged_in(LISTED + sent + END) as session:
        message = await session.message((await session.listing())[0], limit=10**6)
    assert message == f".\r\n.dot\r\na.b\r\n..\r\n{long}\r\n".encode()


async def test_only_a_dot_alone_on_a_crlf_line_ends_a_message() -> None:
    sent = "C: RETR 1\nR: +OK\\r\\na\\n.\\nb\\r.\\rc\\n.\\r\\nd\\r\\n.\\r\\n\n"
    async with logged_in(LISTED + sent + END) as session:
        assert await session.message((await session.listing())[0], limit=1000) == b"a\n.\nb\r.\rc\n.\r\nd\r\n"


async def test_a_message_that_has_gone() -> None:
    async with logged_in(f"{LISTED}C: RETR 1\nS: -ERR no such message\n{END}") as session:
        assert await session.message((await session.listing())[0], limit=1000) is None


async def test_a_message_that_is_too_large_is_not_asked_for() -> None:
    async with logged_in(LISTED + END) as session:
        with pytest.raises(errors.MessageTooLarge, match="130 bytes; at most 125"):
            await session.message((await session.listing())[1], limit=125)


async def test_a_server_in_trouble_is_not_a_message_that_has_gone() -> None:
    async with logged_in(f"{LISTED}C: RETR 1\nS: -ERR [SYS/TEMP] disk\n! eof") as session:
        with pytest.raises(errors.Busy, match="disk"):
            await session.message((await session.listing())[0], limit=1000)


# ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_gone_when_quit_is_answered() -> None:
    async with ScriptedServer(
        [f"{LOGGED_IN}{LISTED}C: DELE 1\nC: DELE 2\nS: +OK\nS: -ERR gone\nC: QUIT\nS: +OK\n! eof"]
    ) as server:
        session = await open_session(server)
        order = []

        async def commit() -> None:
            order.append(server.heard[-1])

        gone = await session.delete(await session.listing(), commit=commit)
        session.close()
    assert [one.number for one in gone] == [1]
    assert order == ["DELE 2"], "the point of no return is QUIT"


async def test_a_cancelled_job_deletes_nothing() -> None:
    """Hanging up without QUIT leaves the messages (RFC 1939, 6)."""
    async with ScriptedServer([f"{LOGGED_IN}{LISTED}C: DELE 1\nS: +OK\n! gone"]) as server:
        session = await open_session(server)

        async def lost() -> None:
            raise errors.JobLost("not ours any more")

        with pytest.raises(errors.JobLost):
            await session.delete((await session.listing())[:1], commit=lost)
        session.close()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("! close", errors.Unreachable),
        ("! reset", errors.Unreachable),
        ("S: -ERR some deleted messages not removed\n! eof", errors.Busy),
        ("S: what?\n! eof", errors.Misbehaved),
    ],
)
async def test_without_an_answer_to_quit_nothing_is_said_to_be_deleted(
    answer: str, kind: type[errors.WorkerError]
) -> None:
    async with logged_in(f"{LISTED}C: DELE 1\nS: +OK\nC: QUIT\n{answer}") as session:
        with pytest.raises(kind) as told:
            await session.delete((await session.listing())[:1], commit=no_commit)
    assert told.value.retry is errors.Retry.LATER, "a repeat is safe: what is missing then is deleted"


# ── the pool ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_session_is_used_twice() -> None:
    """It would show the mailbox as it was, and lock it meanwhile."""
    async with ScriptedServer([LOGGED_IN + END, LOGGED_IN + END]) as server:
        pool = Pool({Pop3Session: Pop3Connector(TlsPolicy(), QUICK)}, Bulkhead())
        where = Pop3Server(host="localhost", port=server.port, security=Security.NONE)
        for _ in range(2):
            async with pool.lease(Pop3Session, where, ALICE):
                pass
            assert pool.idle == 0
        pool.close()
    assert server.connections == 2


async def test_a_cancelled_job_leaves_the_connection() -> None:
    async with ScriptedServer([f"{LOGGED_IN}C: LIST\nC: UIDL\n! eof"]) as server:
        pool = Pool({Pop3Session: Pop3Connector(TlsPolicy(), QUICK)}, Bulkhead())
        where = Pop3Server(host="localhost", port=server.port, security=Security.NONE)

        async def job() -> None:
            async with pool.lease(Pop3Session, where, ALICE) as session:
                await session.listing()

        task = asyncio.create_task(job())
        await until(lambda: "UIDL" in server.heard)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.finished()
        pool.close()
