"""SASL mechanisms against the examples of their RFCs, and against servers that lie."""

from __future__ import annotations

from base64 import b64encode

import pytest

from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.auth.sasl import CramMd5, Credentials, Login, Mechanism, Plain, SaslError, Scram, choose, prepared

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
    found = choose(offered, USER)
    assert (found and found[0]) == chosen


def test_who_acts_for_others_gets_a_mechanism_that_can_say_so() -> None:
    found = choose(["CRAM-MD5", "LOGIN", "PLAIN"], Credentials("jane", "x", "boss"))
    assert found
    assert found[0] == "PLAIN"
    assert choose(["CRAM-MD5", "LOGIN"], Credentials("jane", "x", "boss")) is None


def test_a_password_is_in_no_repr() -> None:
    auth = PasswordAuth(username="jane", password="topsecret")  # type: ignore[arg-type]
    assert "topsecret" not in f"{auth!r} {auth} {Credentials.of(auth)!r}"


def test_mechanisms_have_one_shape() -> None:
    shapes: list[Mechanism] = [Plain(USER), Login(USER), CramMd5(USER), Scram(USER, "sha1")]
    assert all(callable(one.finish) for one in shapes)
