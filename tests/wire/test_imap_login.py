"""Connecting, encrypting and logging in at IMAP servers that are hostile, broken or merely different."""

from __future__ import annotations

import asyncio
import base64
import ssl

import pytest

from tests.wire.conftest import Certificates, serving
from tests.wire.conversation import until
from tests.wire.imap_conversation import ALICE, CAPABILITIES, END, GREETING, LOGIN, ScriptedImap, open_session
from zeebe_mail import errors
from zeebe_mail.auth.models import PasswordAuth, TokenAuth
from zeebe_mail.mail.server import Security
from zeebe_mail.mail.tls import TlsPolicy

PASSWORD = 'pä§§ "w\\rd'
JANE = PasswordAuth(username="jane", password=PASSWORD)  # type: ignore[arg-type]
TOKEN = TokenAuth(username="jane@x.test", token="t0k3n")  # type: ignore[arg-type]
WELCOME = "S: $ OK [CAPABILITY IMAP4rev1] hi"
OFFER_TLS = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\nC: STARTTLS\n"


@pytest.fixture
def policy(certificates: Certificates) -> TlsPolicy:
    return TlsPolicy(ca_file=certificates.authority.ca_file)


@pytest.fixture
def tls(certificates: Certificates) -> ssl.SSLContext:
    return serving(certificates.good)


def offering(capabilities: str) -> str:
    return f"S: * OK [CAPABILITY IMAP4rev1 {capabilities}] ready\n"


# ── encryption ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_after_starttls_what_was_offered_before_counts_no_more(policy: TlsPolicy, tls: ssl.SSLContext) -> None:
    script = f"""
        {OFFER_TLS}
        S: $ OK begin
        ! tls
        C: CAPABILITY
        S: * CAPABILITY {CAPABILITIES}
        S: $ OK done
        C: AUTHENTICATE PLAIN
        S: $ OK [CAPABILITY {CAPABILITIES} QUOTA] welcome
        {END}
    """
    async with ScriptedImap([script], tls=tls) as server:
        session = await open_session(server, security=Security.STARTTLS, policy=policy)
        assert session.encryption is not None
        assert "QUOTA" in session.capabilities
        session.close()


async def test_implicit_tls_is_spoken_from_the_first_byte(policy: TlsPolicy, tls: ssl.SSLContext) -> None:
    async with ScriptedImap([LOGIN + END], tls=tls, encrypts_at_once=True) as server:
        (await open_session(server, security=Security.SSL_TLS, policy=policy)).close()


@pytest.mark.parametrize(
    "injected", ["* CAPABILITY IMAP4rev1 AUTH=PLAIN\\r\\n", "z2 OK"], ids=["a response", "half of one"]
)
async def test_bytes_before_the_handshake_end_the_connection(injected: str, policy: TlsPolicy) -> None:
    async with ScriptedImap([f"{OFFER_TLS}R: z1 OK begin\\r\\n{injected}\n! eof"]) as server:
        with pytest.raises(errors.TlsFailed, match="bytes before the TLS handshake"):
            await open_session(server, security=Security.STARTTLS, policy=policy)


async def test_starttls_that_is_not_offered_is_not_done_without() -> None:
    async with ScriptedImap([GREETING + "\n! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="does not offer STARTTLS"):
            await open_session(server, security=Security.STARTTLS)

    assert server.heard == []


@pytest.mark.parametrize("answer", ["NO not now", "BAD unknown"])
async def test_starttls_that_is_refused_ends_the_attempt(answer: str) -> None:
    async with ScriptedImap([f"{OFFER_TLS}S: $ {answer}\n! eof"]) as server:
        with pytest.raises(errors.Unsupported):
            await open_session(server, security=Security.STARTTLS)


async def test_a_foreign_certificate_is_rejected(certificates: Certificates, policy: TlsPolicy) -> None:
    script = f"{OFFER_TLS}S: $ OK begin\n! tls\n"
    async with ScriptedImap([script], tls=serving(certificates.stranger)) as server:
        with pytest.raises(errors.CertificateRejected):
            await open_session(server, security=Security.STARTTLS, policy=policy)
        server.abandon()


async def test_who_falls_silent_after_its_greeting_is_not_told_to_owe_one() -> None:
    async with ScriptedImap(["S: * OK ready\nC: CAPABILITY\n! eof"]) as server:
        with pytest.raises(errors.Unreachable, match="while asking what it can do") as caught:
            await open_session(server)
    assert caught.value.details["phase"] == "CAPA"


@pytest.mark.parametrize(
    "answers", ["", "S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\nS: $ OK done\nC: AUTHENTICATE\n"]
)
async def test_who_greets_and_then_owes_the_login_is_left(answers: str) -> None:
    async with ScriptedImap([f"S: * OK ready\nC: CAPABILITY\n{answers}! wait"]) as server:
        with pytest.raises(errors.ServerTimeout):
            await open_session(server, login_s=0.3)


# ── greetings ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("security", [Security.NONE, Security.STARTTLS])
async def test_a_forged_preauth_ends_the_connection(security: Security) -> None:
    async with ScriptedImap([f"S: * PREAUTH [CAPABILITY {CAPABILITIES}] hello alice\n! eof"]) as server:
        with pytest.raises(errors.Misbehaved, match="logged in before we are"):
            await open_session(server, security=security)


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        ("* BYE too busy", errors.Busy),
        ("* BYE [UNAVAILABLE] later", errors.Busy),
        ("220 mail.test ESMTP", errors.Misbehaved),
        ("+OK POP3 ready", errors.Misbehaved),
        ("* HELLO", errors.Misbehaved),
        ("* OK [CAPABILITY IMAP2] old", errors.Misbehaved),
    ],
)
async def test_a_greeting_that_is_no_welcome(greeting: str, error: type[errors.WorkerError]) -> None:
    async with ScriptedImap([f"S: {greeting}\n! eof"]) as server:
        with pytest.raises(errors.WorkerError) as caught:
            await open_session(server)

    assert type(caught.value) is error


async def test_a_greeting_that_never_comes_is_not_waited_for() -> None:
    async with ScriptedImap(["! wait"]) as server:
        with pytest.raises(errors.ServerTimeout, match="waiting for the greeting"):
            await open_session(server, connect_s=0.2)


async def test_a_greeting_byte_by_byte_has_the_same_deadline() -> None:
    async with ScriptedImap(["! drip"]) as server:
        with pytest.raises(errors.ServerTimeout):
            await open_session(server, connect_s=0.3)


@pytest.mark.parametrize("flood", ["! flood * OK hello", "! bytes 20000000"])
async def test_a_greeting_without_end_is_left(flood: str) -> None:
    async with ScriptedImap([flood]) as server:
        with pytest.raises(errors.Misbehaved):
            await open_session(server)
        server.abandon()


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────


def heard_login(server: ScriptedImap) -> str:
    return server.heard[0]


async def test_plain_goes_with_its_command_where_the_server_takes_that() -> None:
    script = offering("AUTH=PLAIN SASL-IR") + "C: AUTHENTICATE PLAIN\n" + WELCOME + END
    async with ScriptedImap([script]) as server:
        (await open_session(server, JANE)).close()

    said = base64.b64decode(heard_login(server).removeprefix("AUTHENTICATE PLAIN "))
    assert said.decode() == f"\0jane\0{PASSWORD}"


async def test_without_sasl_ir_the_server_asks_first() -> None:
    script = offering("AUTH=PLAIN") + "C: AUTHENTICATE PLAIN\nS: +\nC: <continued>\n" + WELCOME + END
    async with ScriptedImap([script]) as server:
        (await open_session(server, JANE)).close()

    assert base64.b64decode(server.heard[1]).decode() == f"\0jane\0{PASSWORD}"


async def test_cram_md5_is_preferred_to_plain() -> None:
    challenge = base64.b64encode(b"<1@x>").decode()
    script = f"""
        {offering("AUTH=PLAIN AUTH=CRAM-MD5 SASL-IR")}
        C: AUTHENTICATE CRAM-MD5
        S: + {challenge}
        C: <continued>
        S: $ OK [CAPABILITY IMAP4rev1] hi
        {END}
    """
    async with ScriptedImap([script]) as server:
        (await open_session(server, JANE)).close()

    assert base64.b64decode(server.heard[1]).startswith(b"jane ")


async def test_the_login_command_carries_any_password_as_a_literal() -> None:
    size = len(PASSWORD.encode())
    script = f"""
        {offering("LITERAL+")}
        C: LOGIN "jane" {{{size}+}}
        C: <continued>
        S: $ OK [CAPABILITY IMAP4rev1] hi
        {END}
    """
    async with ScriptedImap([script]) as server:
        (await open_session(server, JANE)).close()

    assert server.heard[1] == PASSWORD


async def test_without_literal_plus_a_literal_is_waited_for() -> None:
    script = f"""
        {offering("")}
        C: LOGIN "jane" {{{len(PASSWORD.encode())}}}
        S: + go on
        C: <continued>
        S: $ OK [CAPABILITY IMAP4rev1] hi
        {END}
    """
    async with ScriptedImap([script]) as server:
        (await open_session(server, JANE)).close()


async def test_logindisabled_gives_the_hint_to_encrypt() -> None:
    async with ScriptedImap([offering("STARTTLS LOGINDISABLED") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported) as caught:
            await open_session(server)

    assert "Enable TLS" in caught.value.next_step
    assert server.heard == []


async def test_an_access_token_has_no_login_command() -> None:
    async with ScriptedImap([offering("AUTH=PLAIN") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="OAUTHBEARER, XOAUTH2"):
            await open_session(server, TOKEN)


async def test_a_refused_token_is_answered_and_its_status_told() -> None:
    refusal = base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode()
    script = f"""
        {offering("AUTH=XOAUTH2 SASL-IR")}
        C: AUTHENTICATE XOAUTH2
        S: + {refusal}
        C: <continued>
        S: $ NO [AUTHENTICATIONFAILED] t0k3n is bad
        ! eof
    """
    async with ScriptedImap([script]) as server:
        with pytest.raises(errors.CredentialsError) as caught:
            await open_session(server, TOKEN)

    assert server.heard[1] == ""
    assert caught.value.details["tokenStatus"] == "401"
    assert "t0k3n" not in str(caught.value)
    assert "t0k3n" not in str(caught.value.details)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", errors.CredentialsError),
        ("NO wrong", errors.CredentialsError),
        ("NO [EXPIRED] old", errors.CredentialsError),
        ("NO [AUTHORIZATIONFAILED] not for you", errors.CredentialsError),
        ("NO [UNAVAILABLE] later", errors.Busy),
        ("NO [LIMIT] too many", errors.Busy),
        ("NO [INUSE] locked", errors.MailboxLocked),
        ("NO [PRIVACYREQUIRED] encrypt", errors.Unsupported),
        ("NO [CONTACTADMIN] closed", errors.Refused),
        ("BAD what", errors.Unsupported),
        ("BYE bye", errors.Misbehaved),
    ],
)
async def test_a_refused_login_is_tried_once_and_its_text_is_not_passed_on(
    answer: str, error: type[errors.WorkerError]
) -> None:
    script = f"{GREETING}\nC: AUTHENTICATE PLAIN\nS: $ {answer} {PASSWORD}\n! eof"
    async with ScriptedImap([script]) as server:
        with pytest.raises(errors.WorkerError) as caught:
            await open_session(server, JANE)

    assert type(caught.value) is error
    assert server.connections == 1
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in str(caught.value.details)
    assert caught.value.__cause__ is None


async def test_the_server_must_prove_itself_in_scram() -> None:
    script = f"{offering('AUTH=SCRAM-SHA-256 SASL-IR')}C: AUTHENTICATE SCRAM-SHA-256\nS: $ OK hi\n! wait"
    async with ScriptedImap([script]) as server:
        with pytest.raises(errors.CredentialsError, match="did not prove"):
            await open_session(server, JANE)


async def test_an_id_is_given_where_it_is_taken_and_its_refusal_is_no_harm() -> None:
    script = f"""
        {GREETING}
        C: AUTHENTICATE PLAIN
        S: $ OK [CAPABILITY {CAPABILITIES} ID] welcome
        C: ID ("name" "zeebe-mail"
        S: $ NO who cares
        {END}
    """
    async with ScriptedImap([script]) as server:
        session = await open_session(server)
        assert session.is_usable
        session.close()


async def test_without_a_word_about_them_capabilities_are_asked_for() -> None:
    script = f"""
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY {CAPABILITIES}
        S: $ OK done
        C: AUTHENTICATE PLAIN
        S: $ OK welcome
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 X-MORE
        S: $ OK done
        {END}
    """
    async with ScriptedImap([script]) as server:
        session = await open_session(server)
        assert session.capabilities == {"IMAP4REV1", "X-MORE"}
        session.close()


# ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────

STEPS = {
    "greeting": "",
    "capability": "S: * OK ready\nC: CAPABILITY\n",
    "login": GREETING + "\nC: AUTHENTICATE PLAIN\n",
}


@pytest.mark.parametrize("end", ["S: * BYE going down", "! close", "! reset"])
@pytest.mark.parametrize("step", STEPS)
async def test_an_end_at_any_step_is_told(step: str, end: str) -> None:
    async with ScriptedImap([STEPS[step] + end]) as server:
        with pytest.raises((errors.Unreachable, errors.Busy)):
            await open_session(server)


async def test_a_cancelled_login_hangs_up() -> None:
    async with ScriptedImap([GREETING + "\nC: AUTHENTICATE PLAIN\n! eof"]) as server:
        attempt = asyncio.create_task(open_session(server, ALICE))
        await until(lambda: bool(server.heard))
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
