"""SASL mechanisms as small state machines: bytes in, bytes out, no input or output.

The same objects serve SMTP (RFC 4954), IMAP (RFC 9051, 6.2.2) and POP3 (RFC 5034): the session does the base64 and
the lines. One mechanism is chosen and tried once. There is no second try with a weaker one: accounts lock after a few
failures, and a middleman who makes the strong mechanism fail must not be handed the password in the weak one.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
import stringprep
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from zeebe_mail.auth.models import PasswordAuth

ITERATIONS = range(4096, 600_001)
"""PBKDF2 rounds that we accept: fewer make the proof cheap to crack (RFC 7677, 4), more stop the worker."""


class SaslError(Exception):
    """The server's side of the exchange is wrong: it proved nothing, so it may not be the server we know."""


class Mechanism(Protocol):
    """One attempt to log in."""

    def initial(self) -> bytes | None:
        """What the client says first, or ``None`` when the server speaks first."""
        ...

    def answer(self, challenge: bytes) -> bytes:
        """The answer to a challenge.

        Raises:
            SaslError: the challenge is malformed, or the server does not know the password.
        """
        ...

    def finish(self) -> None:
        """Accept the server's "authenticated".

        Raises:
            SaslError: the server says so before it has proved that it knows the password.
        """
        ...


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a mechanism works with."""

    username: str
    password: str
    authorization_id: str = ""

    @classmethod
    def of(cls, auth: PasswordAuth) -> Credentials:
        """Take the password out of its wrapping, as late as possible."""
        return cls(auth.username, auth.password.get_secret_value(), auth.authorization_id or "")

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password=***)"


class Plain:
    """PLAIN (RFC 4616)."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def initial(self) -> bytes | None:
        who = self._credentials
        return f"{who.authorization_id}\0{who.username}\0{who.password}".encode()

    def answer(self, challenge: bytes) -> bytes:
        raise SaslError("the server sent a challenge after PLAIN had said everything")

    def finish(self) -> None:
        pass


class Login:
    """LOGIN (draft-murchison-sasl-login): user name, then password, whatever the prompts say."""

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [credentials.password.encode(), credentials.username.encode()]

    def initial(self) -> bytes | None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise SaslError("the server sent a third prompt in LOGIN")
        return self._answers.pop()

    def finish(self) -> None:
        pass


class CramMd5:
    """CRAM-MD5 (RFC 2195)."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._answered = False

    def initial(self) -> bytes | None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        if self._answered:
            raise SaslError("the server sent a second challenge in CRAM-MD5")
        self._answered = True
        digest = hmac.new(self._credentials.password.encode(), challenge, hashlib.md5).hexdigest()
        return f"{self._credentials.username} {digest}".encode()

    def finish(self) -> None:
        pass


class Scram:
    """SCRAM without channel binding (RFC 5802; SHA-256: RFC 7677).

    The server has to prove that it knows the password too, so a middleman learns nothing he could use.
    """

    def __init__(self, credentials: Credentials, algorithm: str, *, nonce: str = "") -> None:
        self._algorithm = algorithm
        self._password = prepared(credentials.password).encode()
        self._nonce = nonce or secrets.token_urlsafe(24)
        authorization = f"a={_escaped(credentials.authorization_id)}" if credentials.authorization_id else ""
        self._header = f"n,{authorization},"
        self._first = f"n={_escaped(prepared(credentials.username))},r={self._nonce}"
        self._server_signature: bytes | None = None
        self._proved = False

    def initial(self) -> bytes | None:
        return (self._header + self._first).encode()

    def answer(self, challenge: bytes) -> bytes:
        return self._prove(challenge) if self._server_signature is None else self._verify(challenge)

    def finish(self) -> None:
        if not self._proved:
            raise SaslError("the server did not prove that it knows the password")

    def _prove(self, challenge: bytes) -> bytes:
        server_first = challenge.decode("utf-8", "replace")
        said = re.match(r"r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/=]+),i=(\d{1,9})(?:,|$)", server_first)
        if said is None or not said[1].startswith(self._nonce) or said[1] == self._nonce:
            raise SaslError("the server's first SCRAM message is malformed or belongs to another exchange")
        salt, rounds = _salt(said[2]), int(said[3])
        if rounds not in ITERATIONS:
            raise SaslError(
                f"the server asks for {rounds} SCRAM rounds; {ITERATIONS[0]} to {ITERATIONS[-1]} are allowed"
            )
        salted = hashlib.pbkdf2_hmac(self._algorithm, self._password, salt, rounds)
        client_key = self._hmac(salted, b"Client Key")
        final = f"c={b64encode(self._header.encode()).decode()},r={said[1]}"
        exchange = f"{self._first},{server_first},{final}".encode()
        signature = self._hmac(hashlib.new(self._algorithm, client_key).digest(), exchange)
        self._server_signature = self._hmac(self._hmac(salted, b"Server Key"), exchange)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return f"{final},p={b64encode(proof).decode()}".encode()

    def _verify(self, challenge: bytes) -> bytes:
        expected = b"v=" + b64encode(self._server_signature or b"")
        if self._proved or not hmac.compare_digest(challenge.split(b",")[0], expected):
            raise SaslError("the server's SCRAM signature is wrong: it does not know the password")
        self._proved = True
        return b""

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self._algorithm)


def prepared(text: str) -> str:
    """SASLprep without its prohibitions (RFC 4013, 2.1 and 2.2): servers that do not prepare see the same ASCII."""
    if text.isascii():
        return text
    mapped = (" " if stringprep.in_table_c12(char) else "" if stringprep.in_table_b1(char) else char for char in text)
    return unicodedata.normalize("NFKC", "".join(mapped))


def _salt(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise SaslError("the server's SCRAM salt is not base64") from None


def _escaped(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


@dataclass(frozen=True, slots=True)
class _Kind:
    begin: Callable[[Credentials], Mechanism]
    can_act_as: bool


_STRONGEST_FIRST = {
    "SCRAM-SHA-256": _Kind(lambda who: Scram(who, "sha256"), can_act_as=True),
    "SCRAM-SHA-1": _Kind(lambda who: Scram(who, "sha1"), can_act_as=True),
    "CRAM-MD5": _Kind(CramMd5, can_act_as=False),
    "PLAIN": _Kind(Plain, can_act_as=True),
    "LOGIN": _Kind(Login, can_act_as=False),
}

MECHANISMS = tuple(_STRONGEST_FIRST)
"""The mechanisms we know, strongest first."""


def choose(offered: Iterable[str], credentials: Credentials) -> tuple[str, Mechanism] | None:
    """The strongest mechanism that the server offers and that can carry these credentials, begun; else ``None``."""
    names = {name.upper() for name in offered}
    for name, kind in _STRONGEST_FIRST.items():
        if name in names and (kind.can_act_as or not credentials.authorization_id):
            return name, kind.begin(credentials)
    return None
