"""Connecting, TLS and login against hostile, broken and merely different servers."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.wire.conftest import JANE, SHORT, Certificates, Sender, a_mail, serving
from tests.wire.conversation import ScriptedServer
from tests.wire.test_smtp_send import ENVELOPE, HELLO, TAKEN
from zeebe_mail import errors
from zeebe_mail.auth.models import TokenAuth
from zeebe_mail.egress import EgressPolicy, Hosts
from zeebe_mail.mail.server import Security, SmtpServer, TlsOptions, TlsVersion
from zeebe_mail.mail.smtp import SmtpConnector, SmtpTimeouts

OFFER_TLS = "S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250 STARTTLS\n"
UPGRADE = OFFER_TLS + "C: STARTTLS\nS: 220 go\n! tls\nC: EHLO\nS: 250 mail.test\n"


@pytest.fixture
def upgrading(sender: Sender) -> Sender:
    sender.security = Security.STARTTLS
    return sender


@pytest.fixture
def encrypting(sender: Sender) -> Sender:
    sender.security = Security.SSL_TLS
    return sender


# ── nobody there ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_unknown_host_is_named(sender: Sender) -> None:
    server = SmtpServer(host="no-such-host.invalid", security=Security.STARTTLS)
    with pytest.raises(errors.HostNotFound, match=r"no-such-host\.invalid"):
        await SmtpConnector(sender.policy, sender.timeouts)(server, sender.auth)


async def test_a_refused_connection_is_unreachable(sender: Sender) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(errors.Unreachable, match="nothing listens there"):
            await sender.open(ScriptedServer([], port=taken.getsockname()[1]))


async def test_a_black_hole_is_left_after_the_connect_timeout(sender: Sender) -> None:
    """A full backlog drops our SYN, as a firewall does."""
    sender.timeouts = SHORT
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        with pytest.raises(errors.ServerTimeout) as caught:
            await sender.open(ScriptedServer([], port=hole.getsockname()[1]))

    assert caught.value.details["phase"] == "CONNECT"


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_goes_out_after_starttls(upgrading: Sender, certificates: Certificates) -> None:
    async with ScriptedServer([UPGRADE + ENVELOPE + TAKEN], tls=serving(certificates.good)) as server:
        await upgrading.send(server)

    assert server.heard[:3] == ["EHLO [127.0.0.1]", "STARTTLS", "EHLO [127.0.0.1]"]


async def test_a_mail_goes_out_over_implicit_tls(encrypting: Sender, certificates: Certificates) -> None:
    tls = serving(certificates.good)
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN], tls=tls, encrypts_at_once=True) as server:
        await encrypting.send(server)


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.SSL_TLS])
@pytest.mark.parametrize("shown", ["expired", "other_host", "stranger", "self_signed"])
async def test_a_certificate_that_is_not_right_ends_the_connection(
    sender: Sender, certificates: Certificates, security: Security, shown: str
) -> None:
    sender.security, sender.auth = security, JANE
    at_once = security is Security.SSL_TLS
    script = "! eof" if at_once else OFFER_TLS + "C: STARTTLS\nS: 220 go\n! tls\n! eof"
    async with ScriptedServer([script], tls=serving(getattr(certificates, shown)), encrypts_at_once=at_once) as server:
        with pytest.raises(errors.CertificateRejected) as caught:
            await sender.open(server)
        server.abandon()

    expected = {
        "expired": "expired",
        "other_host": "IP address mismatch",
        "stranger": "self-signed certificate in certificate chain",
        "self_signed": "self-signed certificate",
    }
    assert expected[shown] in caught.value.message


async def test_a_server_without_starttls_gets_neither_mail_nor_password(upgrading: Sender) -> None:
    upgrading.auth = JANE
    async with ScriptedServer(["S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250 AUTH PLAIN\n! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="STARTTLS"):
            await upgrading.open(server)

    assert server.heard == ["EHLO [127.0.0.1]"]


@pytest.mark.parametrize(("reply", "kind"), [("454 4.7.0 not now", errors.Busy), ("502 what?", errors.Unsupported)])
async def test_a_refused_starttls_is_not_done_without(
    upgrading: Sender, reply: str, kind: type[errors.WorkerError]
) -> None:
    async with ScriptedServer([OFFER_TLS + f"C: STARTTLS\nS: {reply}\n! eof"]) as server:
        with pytest.raises(kind):
            await upgrading.open(server)


async def test_bytes_injected_before_the_handshake_end_the_connection(
    upgrading: Sender, certificates: Certificates
) -> None:
    """A middleman's "250 AUTH PLAIN" in the same packet must not become part of the encrypted conversation."""
    injected = "C: STARTTLS\nR: 220 go\\r\\n250-evil\\r\\n250 AUTH PLAIN\\r\\n\n! eof"
    async with ScriptedServer([OFFER_TLS + injected], tls=serving(certificates.good)) as server:
        with pytest.raises(errors.TlsFailed, match="before the handshake"):
            await upgrading.open(server)

    assert server.heard == ["EHLO [127.0.0.1]", "STARTTLS"]


async def test_what_was_offered_before_tls_counts_no_more(upgrading: Sender, certificates: Certificates) -> None:
    """The offer of AUTH was a middleman's; inside TLS the real server has none."""
    upgrading.auth = JANE
    offer = "S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\n"
    script = offer + "C: STARTTLS\nS: 220 go\n! tls\nC: EHLO\nS: 250 mail.test\n! eof"
    async with ScriptedServer([script], tls=serving(certificates.good)) as server:
        with pytest.raises(errors.Unsupported, match="does not offer any login"):
            await upgrading.open(server)


async def test_a_plain_port_used_with_ssl_tls_gets_a_precise_hint(encrypting: Sender) -> None:
    async with ScriptedServer(["S: 220 mail.test ESMTP\n! eof"]) as server:
        with pytest.raises(errors.TlsFailed, match="set the security to STARTTLS"):
            await encrypting.open(server)
        server.abandon()


async def test_a_tls_port_used_with_starttls_times_out_with_a_hint(
    upgrading: Sender, certificates: Certificates
) -> None:
    upgrading.timeouts = SHORT
    async with ScriptedServer([HELLO], tls=serving(certificates.good), encrypts_at_once=True) as server:
        with pytest.raises(errors.ServerTimeout, match="a TLS port waits for TLS"):
            await upgrading.open(server)


async def test_a_server_that_is_silent_in_the_handshake_is_left(encrypting: Sender) -> None:
    encrypting.timeouts = SHORT
    async with ScriptedServer(["! wait"]) as server:
        with pytest.raises(errors.ServerTimeout) as caught:
            await encrypting.open(server)

    assert caught.value.details["phase"] == "TLS"


@pytest.mark.parametrize("end", ["! close", "! reset"])
async def test_a_connection_lost_in_the_handshake_is_tried_again_later(encrypting: Sender, end: str) -> None:
    async with ScriptedServer([end]) as server:
        with pytest.raises(errors.Unreachable):
            await encrypting.open(server)


@asynccontextmanager
async def alerting(tls: ssl.SSLContext) -> AsyncIterator[ScriptedServer]:
    """A TLS server that says why it refuses a handshake; asyncio's own only hangs up."""

    def refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError), tls.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = asyncio.create_task(asyncio.to_thread(refuse, listener))
        yield ScriptedServer([], port=listener.getsockname()[1])
        await refusing


async def test_an_old_tls_version_is_not_used(encrypting: Sender, certificates: Certificates) -> None:
    old = serving(certificates.good)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    encrypting.tls = TlsOptions(min_version=TlsVersion.TLS_1_3)
    async with alerting(old) as server:
        with pytest.raises(errors.TlsFailed, match="minimum TLS version"):
            await encrypting.open(server)


async def test_the_newest_tls_version_can_be_limited(encrypting: Sender, certificates: Certificates) -> None:
    new = serving(certificates.good)
    new.minimum_version = ssl.TLSVersion.TLSv1_3
    encrypting.tls = TlsOptions(max_version=TlsVersion.TLS_1_2)
    async with alerting(new) as server:
        with pytest.raises(errors.TlsFailed, match="No TLS version suits both sides"):
            await encrypting.open(server)


async def test_a_servers_own_authority_replaces_the_workers(encrypting: Sender, certificates: Certificates) -> None:
    encrypting.policy = dataclasses.replace(encrypting.policy, ca_file=None)
    encrypting.tls = TlsOptions(ca_certificate=certificates.authority.ca_file.read_text())
    tls = serving(certificates.good)
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN], tls=tls, encrypts_at_once=True) as server:
        await encrypting.send(server)


async def test_a_client_certificate_is_shown(encrypting: Sender, certificates: Certificates) -> None:
    own = certificates.authority.issue("client", for_client=True)
    encrypting.tls = TlsOptions(client_certificate=own.chain.read_text(), client_key=SecretStr(own.key.read_text()))
    tls = serving(certificates.good, clients_of=certificates.authority)
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN], tls=tls, encrypts_at_once=True) as server:
        await encrypting.send(server)


async def test_a_missing_client_certificate_is_a_tls_error_not_a_lost_connection(
    encrypting: Sender, certificates: Certificates
) -> None:
    """TLS 1.3 tells it only after the client's side of the handshake is over."""
    tls = serving(certificates.good, clients_of=certificates.authority)
    async with alerting(tls) as server:
        with pytest.raises(errors.TlsFailed, match="client certificate"):
            await encrypting.open(server)


def test_a_certificate_that_is_none_is_the_authors_to_correct(sender: Sender) -> None:
    from zeebe_mail.mail.tls import context

    with pytest.raises(errors.InputError, match="caCertificate"):
        context(sender.policy, TlsOptions(ca_certificate="not a certificate"))
    with pytest.raises(errors.InputError, match="clientCertificate"):
        context(sender.policy, TlsOptions(client_certificate="no", client_key="neither"))  # type: ignore[arg-type]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "mail.localhost"])
def test_plaintext_to_this_machine_is_allowed(sender: Sender, host: str) -> None:
    sender.policy.allow_plaintext(host)


async def test_plaintext_to_another_machine_is_not(sender: Sender) -> None:
    server = SmtpServer(host="192.0.2.1", security=Security.NONE)
    with pytest.raises(errors.PlaintextNotAllowed, match=r"192\.0\.2\.1"):
        await SmtpConnector(sender.policy, sender.timeouts)(server, JANE)
    dataclasses.replace(sender.policy, plaintext_hosts=frozenset({"192.0.2.1"})).allow_plaintext(server.host)


async def test_a_host_that_does_not_exist_is_said_before_plaintext_is_refused(sender: Sender) -> None:
    server = SmtpServer(host="no-such-host.invalid", security=Security.NONE)
    with pytest.raises(errors.HostNotFound, match=r"no-such-host\.invalid"):
        await SmtpConnector(sender.policy, sender.timeouts)(server, JANE)


# ── login ────────────────────────────────────────────────────────────────────────────────────────────────────────


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def offering(*mechanisms: str) -> str:
    return f"S: 220 hi\nC: EHLO\nS: 250-mail.test\nS: 250 AUTH {' '.join(mechanisms)}\n"


SECRET = JANE.password.get_secret_value()
TRACES = [SECRET, b64(SECRET), b64(f"\0jane\0{SECRET}")]


async def test_plain_says_all_at_once(sender: Sender) -> None:
    sender.auth = JANE
    login = f"C: AUTH PLAIN {b64(chr(0) + 'jane' + chr(0) + SECRET)}\nS: 235 welcome\n"
    async with ScriptedServer([offering("LOGIN", "PLAIN") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_login_answers_two_prompts(sender: Sender) -> None:
    sender.auth = JANE
    login = f"C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {b64('jane')}\nS: 334 UGFzc3dvcmQ6\nC: {b64(SECRET)}\nS: 235 ok\n"
    async with ScriptedServer([offering("LOGIN") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_cram_md5_never_says_the_password(sender: Sender) -> None:
    sender.auth = JANE
    digest = hmac.new(SECRET.encode(), b"<1@mail.test>", hashlib.md5).hexdigest()
    login = f"C: AUTH CRAM-MD5\nS: 334 {b64('<1@mail.test>')}\nC: {b64('jane ' + digest)}\nS: 235 ok\n"
    async with ScriptedServer([offering("PLAIN", "CRAM-MD5") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_a_refused_login_is_tried_once_and_with_one_mechanism(sender: Sender) -> None:
    """Accounts lock after a few wrong passwords."""
    sender.auth = JANE
    refusal = f"C: AUTH PLAIN\nS: 535 5.7.8 no: {b64(SECRET)} is wrong\n! eof"
    async with ScriptedServer([offering("PLAIN", "LOGIN") + refusal]) as server:
        with pytest.raises(errors.CredentialsError) as caught:
            await sender.open(server)

    assert [line.split()[0] for line in server.heard] == ["EHLO", "AUTH"]
    assert "535 5.7.8" in caught.value.message
    assert_no_trace(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind", "hint"),
    [
        ("454 4.7.0 temporary failure", errors.Busy, "tried again by itself"),
        ("421 4.7.0 too many", errors.Busy, "tried again by itself"),
        ("534 5.7.9 Application-specific password required", errors.CredentialsError, "app password"),
        ("535 5.7.139 basic authentication is disabled", errors.CredentialsError, "needs OAuth"),
        ("530 5.7.0 Must issue a STARTTLS command first", errors.Refused, "set the security to STARTTLS"),
        ("538 5.7.11 Encryption required", errors.Refused, "set the security to STARTTLS"),
        ("504 5.5.4 unknown mechanism", errors.Unsupported, "use a server that offers it"),
        ("300 more?", errors.Misbehaved, "an answer that is none"),
    ],
)
async def test_answers_to_a_login_have_their_meaning(
    sender: Sender, reply: str, kind: type[errors.WorkerError], hint: str
) -> None:
    sender.auth = JANE
    async with ScriptedServer([offering("PLAIN") + f"C: AUTH\nS: {reply}\n! eof"]) as server:
        with pytest.raises(errors.WorkerError, match=hint) as caught:
            await sender.open(server)

    assert type(caught.value) is kind


async def test_an_echo_of_the_login_is_not_passed_on(sender: Sender) -> None:
    """Neither as a reply nor as the nonsense of a broken server, nor in the exception that caused ours."""
    sender.auth = JANE
    for echo in (f"S: 500 AUTH PLAIN {TRACES[2]}?", f"S: AUTH PLAIN {TRACES[2]}"):
        async with ScriptedServer([offering("PLAIN") + f"C: AUTH\n{echo}\n! eof"]) as server:
            with pytest.raises(errors.WorkerError) as caught:
                await sender.open(server)
        assert_no_trace(caught.value)


def assert_no_trace(error: BaseException | None, traces: Sequence[str] = TRACES) -> None:
    while error is not None:
        shown = f"{error!r} {error} {vars(error)}"
        assert not [trace for trace in traces if trace in shown]
        error = error.__cause__ or error.__context__


async def test_credentials_for_a_server_without_login_are_an_error(sender: Sender) -> None:
    sender.auth = JANE
    async with ScriptedServer([HELLO + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="does not offer any login"):
            await sender.open(server)


async def test_unknown_mechanisms_are_named(sender: Sender) -> None:
    sender.auth = JANE
    async with ScriptedServer([offering("GSSAPI", "XOAUTH2") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="GSSAPI, XOAUTH2"):
            await sender.open(server)


async def test_a_challenge_that_is_not_base64_ends_the_login(sender: Sender) -> None:
    sender.auth = JANE
    async with ScriptedServer([offering("CRAM-MD5") + "C: AUTH CRAM-MD5\nS: 334 §§§\n! eof"]) as server:
        with pytest.raises(errors.CredentialsError, match="base64"):
            await sender.open(server)


async def test_success_before_the_server_proved_itself_is_not_believed(sender: Sender) -> None:
    """A middleman who does not know the password can say 235, too."""
    sender.auth = JANE
    async with ScriptedServer([offering("SCRAM-SHA-256") + "C: AUTH SCRAM-SHA-256\nS: 235 welcome\n! eof"]) as server:
        with pytest.raises(errors.CredentialsError, match="did not prove"):
            await sender.open(server)


async def test_mail_goes_out_without_login_where_that_is_allowed_and_none_is_offered(sender: Sender) -> None:
    sender.auth, sender.auth_optional = JANE, True
    async with ScriptedServer([HELLO + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_a_login_that_is_offered_is_used_though_it_may_be_left_out(sender: Sender) -> None:
    sender.auth, sender.auth_optional = JANE, True
    async with ScriptedServer([offering("PLAIN") + "C: AUTH PLAIN\nS: 535 5.7.8 no\n! eof"]) as server:
        with pytest.raises(errors.CredentialsError):
            await sender.open(server)
    async with ScriptedServer([offering("GSSAPI") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="GSSAPI"):
            await sender.open(server)


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = "ya29.a0AfB_byC-t0ken"
SHARED = TokenAuth(username="shared@mail.test", token=TOKEN)  # type: ignore[arg-type]
XOAUTH2 = b64(f"user=shared@mail.test\x01auth=Bearer {TOKEN}\x01\x01")


def bearer(port: int) -> str:
    return b64(f"n,a=shared@mail.test,\x01host=127.0.0.1\x01port={port}\x01auth=Bearer {TOKEN}\x01\x01")


async def test_a_token_logs_in_with_xoauth2(sender: Sender) -> None:
    sender.auth = SHARED
    login = f"C: AUTH XOAUTH2 {XOAUTH2}\nS: 235 welcome\n"
    async with ScriptedServer([offering("PLAIN", "XOAUTH2") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)


async def test_a_token_logs_in_with_oauthbearer_for_this_host_and_port(sender: Sender) -> None:
    sender.auth = SHARED
    login = "C: AUTH OAUTHBEARER \nS: 235 welcome\n"
    async with ScriptedServer([offering("XOAUTH2", "OAUTHBEARER") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)

    assert server.heard[1] == f"AUTH OAUTHBEARER {bearer(server.port)}"


@pytest.mark.parametrize(
    ("mechanism", "go_on"), [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")], ids=["XOAUTH2", "OAUTHBEARER"]
)
async def test_a_refused_token_is_told_with_its_reason_and_without_the_token(
    sender: Sender, mechanism: str, go_on: str
) -> None:
    sender.auth = SHARED
    reason = b64('{"status":"invalid_token","schemes":"bearer","scope":"https://mail.google.com/"}')
    refusal = f"C: AUTH {mechanism}\nS: 334 {reason}\nC: {go_on}\nS: 535 5.7.8 {TOKEN} {XOAUTH2} no\n! eof"
    async with ScriptedServer([offering(mechanism) + refusal]) as server:
        with pytest.raises(errors.CredentialsError, match=r"access token .*invalid_token") as caught:
            await sender.open(server)

    assert server.heard[2] == go_on
    assert "fresh one" in caught.value.next_step
    assert_no_trace(caught.value, [TOKEN, XOAUTH2, bearer(server.port)])


async def test_a_token_too_long_for_the_command_follows_it(sender: Sender) -> None:
    """Microsoft's have two thousand characters, and a command line has 512 (RFC 4954, 4)."""
    long = TokenAuth(username="shared@mail.test", token="x" * 2000)  # type: ignore[arg-type]
    sender.auth = long
    said = b64(f"user=shared@mail.test\x01auth=Bearer {'x' * 2000}\x01\x01")
    login = f"C: AUTH XOAUTH2\nS: 334\nC: {said}\nS: 235 welcome\n"
    async with ScriptedServer([offering("XOAUTH2") + login + ENVELOPE + TAKEN]) as server:
        await sender.send(server)

    assert server.heard[1] == "AUTH XOAUTH2"


async def test_a_server_that_takes_no_tokens_is_told(sender: Sender) -> None:
    sender.auth = SHARED
    async with ScriptedServer([offering("PLAIN", "LOGIN") + "! eof"]) as server:
        with pytest.raises(errors.Unsupported, match="an access token can be given with OAUTHBEARER, XOAUTH2"):
            await sender.open(server)


# ── which servers ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("security", Security)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "::ffff:127.0.0.1"])
async def test_a_server_that_may_not_be_used_is_not_connected(sender: Sender, security: Security, host: str) -> None:
    sender.security, sender.egress = security, EgressPolicy(denies_private=True)
    async with ScriptedServer(["S: 220 hi"]) as server:
        with pytest.raises(errors.HostNotAllowed, match="ZEEBE_MAIL_DENY_PRIVATE_ADDRESSES"):
            await sender.open(server, host)
        assert server.connections == 0


async def test_the_certificate_is_checked_against_the_name_though_an_address_is_connected(
    encrypting: Sender, certificates: Certificates
) -> None:
    encrypting.egress = EgressPolicy(allowed=Hosts.of(["127.0.0.0/8", "::1"]))
    async with ScriptedServer(["! eof"], tls=serving(certificates.other_host), encrypts_at_once=True) as server:
        with pytest.raises(errors.CertificateRejected, match="not valid for 'localhost'"):
            await encrypting.open(server, "localhost")
        server.abandon()


# ── old servers ──────────────────────────────────────────────────────────────────────────────────────────────────


def oakley_group(bits: int) -> str:
    """The Diffie-Hellman parameters of RFC 2409, 6.2 and RFC 3526, 3, which are defined by the digits of pi."""

    def arctan_of_inverse(x: int) -> int:
        return sum((-1) ** n * scale // ((2 * n + 1) * x ** (2 * n + 1)) for n in range(bits))

    scale = 2 ** (bits + 64)
    pi = 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)
    digits = (pi >> 194) + {1024: 129093, 2048: 124476}[bits]
    prime = 2**bits - 2 ** (bits - 64) - 1 + 2**64 * digits
    number = b"\x00" + prime.to_bytes(bits // 8)
    integers = b"\x02\x82" + len(number).to_bytes(2) + number + b"\x02\x01\x02"
    der = b"\x30\x82" + len(integers).to_bytes(2) + integers
    return f"-----BEGIN DH PARAMETERS-----\n{b64(der)}\n-----END DH PARAMETERS-----\n"


@pytest.fixture
def diffie_hellman(certificates: Certificates, tmp_path: Path) -> Callable[[int], ssl.SSLContext]:
    """The TLS side of a server that knows nothing but finite-field Diffie-Hellman with a group of so many bits."""

    def serving_group(bits: int) -> ssl.SSLContext:
        tls = serving(certificates.authority.issue("rsa", rsa_bits=3072))
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
        tls.set_ciphers("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
        (tmp_path / "group.pem").write_text(oakley_group(bits))
        tls.load_dh_params(tmp_path / "group.pem")
        return tls

    return serving_group


@pytest.mark.parametrize(("bits", "min_bits"), [(1024, 1024), (2048, 2048), (2048, 1025)])
async def test_a_diffie_hellman_group_that_is_large_enough_is_used(
    encrypting: Sender, diffie_hellman: Callable[[int], ssl.SSLContext], bits: int, min_bits: int
) -> None:
    encrypting.tls = TlsOptions(min_dh_bits=min_bits)
    async with ScriptedServer([HELLO + "! eof"], tls=diffie_hellman(bits), encrypts_at_once=True) as server:
        session = await encrypting.open(server)
        assert session.encryption
        assert session.encryption.cipher() == ("DHE-RSA-AES256-GCM-SHA384", "TLSv1.2", 256)
        session.close()


@pytest.mark.parametrize(("bits", "options"), [(1024, {}), (2048, {"min_dh_bits": 3072})])
async def test_a_diffie_hellman_group_that_is_too_small_is_refused(
    encrypting: Sender, diffie_hellman: Callable[[int], ssl.SSLContext], bits: int, options: dict[str, int]
) -> None:
    encrypting.tls = TlsOptions.model_validate(options)
    async with alerting(diffie_hellman(bits)) as server:
        with pytest.raises(errors.TlsFailed, match=r"dh key too small") as caught:
            await encrypting.open(server)
    assert "server.tls.minDhBits" in caught.value.next_step


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning:tests")
@pytest.mark.parametrize("version", [TlsVersion.TLS_1_0, TlsVersion.TLS_1_1])
async def test_a_deprecated_tls_version_needs_the_operators_permission(
    encrypting: Sender, certificates: Certificates, version: TlsVersion
) -> None:
    old = serving(certificates.good)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1}[version]
    encrypting.tls = TlsOptions(min_version=version)
    async with ScriptedServer([HELLO + "! eof"], tls=old, encrypts_at_once=True) as server:
        with pytest.raises(errors.InputError, match="RFC 8996") as caught:
            await encrypting.open(server)
        assert "ZEEBE_MAIL_TLS_ALLOW_DEPRECATED" in caught.value.next_step
        assert server.connections == 0

        encrypting.policy = dataclasses.replace(encrypting.policy, allow_deprecated=True)
        session = await encrypting.open(server)
        assert session.encryption
        assert session.encryption.version() == version
        session.close()


async def test_versions_that_contradict_the_workers_own_are_told(encrypting: Sender) -> None:
    encrypting.policy = dataclasses.replace(encrypting.policy, min_version=TlsVersion.TLS_1_3)
    encrypting.tls = TlsOptions(max_version=TlsVersion.TLS_1_2)
    async with ScriptedServer([]) as server:
        with pytest.raises(errors.InputError, match=r"TLSv1\.3.*TLSv1\.2"):
            await encrypting.open(server)


async def test_a_missing_login_gets_a_hint(sender: Sender) -> None:
    script = "C: MAIL\nS: 530 5.7.0 Authentication required\nC: RSET\nS: 250 ok\nC: QUIT"
    async with ScriptedServer([HELLO + script]) as server:
        with pytest.raises(errors.Refused, match="give user name and password"):
            await sender.send(server, a_mail())


async def test_the_connect_timeout_bounds_greeting_and_handshake_together(
    encrypting: Sender, certificates: Certificates
) -> None:
    encrypting.timeouts = SmtpTimeouts(connect_s=0.3, command_s=10)
    async with ScriptedServer(["! wait"], tls=serving(certificates.good), encrypts_at_once=True) as server:
        with pytest.raises(errors.ServerTimeout) as caught:
            await encrypting.open(server)

    assert caught.value.details["phase"] == "GREETING"
