"""SASL mechanisms against the examples of their RFCs, and against servers that lie."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from zeebe_mail.auth.models import PasswordAuth, TokenAuth
from zeebe_mail.auth.sasl import (
    Bearer,
    CramMd5,
    Credentials,
    Login,
    OAuthBearer,
    Plain,
    SaslError,
    Scram,
    XOAuth2,
    choose,
    prepared,
)

USER = Credentials("user", "pencil")
NONCE_1, NONCE_256 = "fyko+d2lbbFgONRv9qkxdawL", "rOprNGfwEbeRWgbNEkqO"
FIRST_1 = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
FIRST_256 = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"


def test_plain_as_in_rfc_4616() -> None:
    assert Plain(Credentials("tim", "tanstaaftanstaaf")).initial() == b"\0tim\0tanstaaftanstaaf"
    assert Plain(Credentials("Kurt", "xipj3plmq", "Ursel")).initial() == b"Ursel\0Kurt\0xipj3plmq"


def test_login_gives_name_then_password() -> None:
    login = Login(Credentials("jörg", "gehäim"))
    assert login.initial() is None
    assert [login.answer(b"User Name\0"), login.answer(b"Password\0")] == ["jörg".encode(), "gehäim".encode()]
    with pytest.raises(SaslError):
        login.answer(b"again?")


def test_cram_md5_as_in_rfc_2195() -> None:
    cram = CramMd5(Credentials("tim", "tanstaaftanstaaf"))
    answer = cram.answer(b"<1896.697170952@postoffice.reston.mci.net>")
    assert answer == b"tim b913a602c7eda7a495b4e6e7334d3890"
    with pytest.raises(SaslError):
        cram.answer(b"again?")


def test_scram_sha_1_as_in_rfc_5802() -> None:
    scram = Scram(USER, "sha1", nonce=NONCE_1)
    assert scram.initial() == b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"
    assert scram.answer(FIRST_1) == (
        b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    )
    assert scram.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    scram.finish()


def test_scram_sha_256_as_in_rfc_7677() -> None:
    scram = Scram(USER, "sha256", nonce=NONCE_256)
    assert scram.initial() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert scram.answer(FIRST_256) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert scram.answer(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""
    scram.finish()


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"\xff\xfe",
        b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        FIRST_256.replace(b"i=4096", b"i=1"),
        FIRST_256.replace(b"i=4096", b"i=999999999"),
        FIRST_256.replace(b"i=4096", b"i=-1"),
        FIRST_256.replace(b"s=", b"m=ext,s="),
        FIRST_256.replace(b"W22ZaJ0SNY7soEsUEjb6gQ==", b"A"),
    ],
)
def test_scram_refuses_a_first_message_that_is_wrong(first: bytes) -> None:
    scram = Scram(USER, "sha256", nonce=NONCE_256)
    scram.initial()
    with pytest.raises(SaslError):
        scram.answer(first)


@pytest.mark.parametrize("final", [b"", b"v=", b"v=AAAA", b"e=other-error", b"v=" + b64encode(bytes(32))])
def test_scram_does_not_believe_a_server_without_its_signature(final: bytes) -> None:
    scram = Scram(USER, "sha256", nonce=NONCE_256)
    scram.initial()
    with pytest.raises(SaslError):
        scram.finish()
    scram.answer(FIRST_256)
    with pytest.raises(SaslError):
        scram.answer(final)
    with pytest.raises(SaslError):
        scram.finish()


def test_scram_escapes_names_and_can_act_for_others() -> None:
    scram = Scram(Credentials("a=b,c", "x", "boss,1"), "sha256", nonce="n")
    assert scram.initial() == b"n,a=boss=2C1,n=a=3Db=2Cc,r=n"


def test_two_attempts_have_different_nonces() -> None:
    assert Scram(USER, "sha256").initial() != Scram(USER, "sha256").initial()


@pytest.mark.parametrize(
    ("text", "as_prepared"),
    [("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX"), ("a\u00a0b", "a b")],
)
def test_names_are_prepared_as_in_rfc_4013(text: str, as_prepared: str) -> None:
    assert prepared(text) == as_prepared


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["LOGIN", "PLAIN"], "PLAIN"),
        (["plain", "cram-md5"], "CRAM-MD5"),
        (["SCRAM-SHA-1", "CRAM-MD5", "SCRAM-SHA-256"], "SCRAM-SHA-256"),
        (["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "XOAUTH2"], "SCRAM-SHA-1"),
        (["LOGIN"], "LOGIN"),
        (["XOAUTH2", "GSSAPI"], None),
        ([], None),
    ],
)
def test_the_strongest_mechanism_is_chosen(offered: list[str], chosen: str | None) -> None:
    found = choose(offered, by_password("user"), "mail.test", 587)
    assert (found and found[0]) == chosen


def test_who_acts_for_others_gets_a_mechanism_that_can_say_so() -> None:
    boss = by_password("jane", "boss")
    found = choose(["CRAM-MD5", "LOGIN", "PLAIN"], boss, "mail.test", 587)
    assert found
    assert found[0] == "PLAIN"
    assert choose(["CRAM-MD5", "LOGIN"], boss, "mail.test", 587) is None


def test_a_password_is_in_no_repr() -> None:
    auth = PasswordAuth(username="jane", password="topsecret")  # type: ignore[arg-type]
    assert "topsecret" not in f"{auth!r} {auth} {Credentials.of(auth)!r}"


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────

TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
BEARER = Bearer("user@example.com", TOKEN, "server.example.com", 143)
BY_TOKEN = TokenAuth(username="user@example.com", token=TOKEN)  # type: ignore[arg-type]


def by_password(username: str, acts_as: str | None = None) -> PasswordAuth:
    return PasswordAuth(username=username, password="pencil", authorization_id=acts_as)  # type: ignore[arg-type]


def test_oauthbearer_as_in_rfc_7628() -> None:
    assert OAuthBearer(BEARER).initial() == b64decode(
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52"
        "YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )


def test_xoauth2_as_google_has_it() -> None:
    """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""
    someuser = Bearer("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg", "imap.gmail.com", 993)
    assert XOAuth2(someuser).initial() == b64decode(
        "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0"
        "Q2cBAQ=="
    )


def test_the_user_name_of_a_token_cannot_break_out_of_its_field() -> None:
    assert (OAuthBearer(Bearer("a=b,c", "t", "h", 1)).initial() or b"").startswith(b"n,a=a=3Db=2Cc,\x01host=h")


@pytest.mark.parametrize(("kind", "go_on"), [(OAuthBearer, b"\x01"), (XOAuth2, b"")])
def test_a_refused_token_is_answered_and_its_status_known(kind: type[OAuthBearer | XOAuth2], go_on: bytes) -> None:
    login = kind(BEARER)
    said = b'{"status":"invalid_token","scope":"example_scope","openid-configuration":"https://example.com/x"}'
    assert login.answer(said) == go_on
    assert login.refusal == "invalid_token"
    with pytest.raises(SaslError, match="second challenge"):
        login.answer(said)
    with pytest.raises(SaslError, match="then accepted"):
        login.finish()


@pytest.mark.parametrize(
    ("challenge", "status"),
    [
        (b'{"status":"401","schemes":"bearer mac","scope":"https://mail.google.com/"}', "401"),
        (b'{"status":400}', "400"),
        (f'{{"status":"{TOKEN}"}}'.encode(), "unknown status"),
        (b'{"status":null}', "unknown status"),
    ],
)
def test_only_a_known_status_is_passed_on(challenge: bytes, status: str) -> None:
    login = XOAuth2(BEARER)
    login.answer(challenge)
    assert login.refusal == status


@pytest.mark.parametrize("challenge", [b"", b"\xff", b"[]", b"{}", b'"x"', b"[" * 100_000])
def test_a_refusal_that_is_none_ends_the_login(challenge: bytes) -> None:
    with pytest.raises(SaslError, match="RFC 7628"):
        OAuthBearer(BEARER).answer(challenge)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["PLAIN", "XOAUTH2", "OAUTHBEARER"], "OAUTHBEARER"),
        (["LOGIN", "xoauth2"], "XOAUTH2"),
        (["PLAIN", "LOGIN", "SCRAM-SHA-256"], None),
    ],
)
def test_a_token_is_carried_by_a_mechanism_for_tokens(offered: list[str], chosen: str | None) -> None:
    found = choose(offered, BY_TOKEN, "server.example.com", 143)
    assert (found and found[0]) == chosen


def test_oauthbearer_tells_the_server_where_it_is() -> None:
    found = choose(["OAUTHBEARER"], BY_TOKEN, "server.example.com", 143)
    assert found
    assert found[1].initial() == OAuthBearer(BEARER).initial()


def test_a_token_is_in_no_repr() -> None:
    assert TOKEN not in f"{BY_TOKEN!r} {BY_TOKEN} {BEARER!r}"
