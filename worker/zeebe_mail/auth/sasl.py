"""SASL mechanisms as small state machines: bytes in, bytes out, no input or output.

The same objects serve SMTP (RFC 4954), IMAP (RFC 9051, 6.2.2) and POP3 (RFC 5034), whose lines all carry base64. One
mechanism is chosen and tried once. There is no second try with a weaker one: accounts lock after a few failures, and a
middleman who makes the strong mechanism fail must not be handed the password in the weak one.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import re
import secrets
import stringprep
import unicodedata
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from zeebe_mail.auth.models import PasswordAuth, TokenAuth

ITERATIONS = range(4096, 600_001)
"""PBKDF2 rounds that we accept: fewer make the proof cheap to crack (RFC 7677, 4), more stop the worker."""


class SaslError(Exception):
    """The server's side of the exchange is wrong: it proved nothing, so it may not be the server we know."""


class Mechanism(ABC):
    """One attempt to log in."""

    refusal = ""
    """Why the server will refuse, in a word that is safe to show; known before its final "no" where it says so."""

    @abstractmethod
    def initial(self) -> bytes | None:
        """What the client says first, or ``None`` when the server speaks first."""

    @abstractmethod
    def answer(self, challenge: bytes) -> bytes:
        """The answer to a challenge.

        Raises:
            SaslError: the challenge is malformed, or the server does not know the password.
        """

    def finish(self) -> None:  # noqa: B027 - most mechanisms prove nothing about the server
        """Accept the server's "authenticated".

        Raises:
            SaslError: the server says so before it has proved that it knows the password.
        """


def encoded(said: bytes) -> str:
    """What the client says, as a line carries it."""
    return b64encode(said).decode("ascii")


def encoded_initial(said: bytes) -> str:
    """What the client says with the command itself; ``=`` stands for nothing (RFC 4954, 4)."""
    return encoded(said) or "="


def decoded(challenge: str | bytes) -> bytes:
    """What the server says.

    Raises:
        SaslError: it is not base64.
    """
    try:
        return b64decode(challenge, validate=True)
    except ValueError:
        raise SaslError("the server's challenge is not base64") from None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a mechanism for passwords works with."""

    username: str
    password: str
    authorization_id: str = ""

    @classmethod
    def of(cls, auth: PasswordAuth) -> Credentials:
        """Take the password out of its wrapping, as late as possible."""
        return cls(auth.username, auth.password.get_secret_value(), auth.authorization_id or "")

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, password=***)"


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a mechanism for OAuth access tokens works with; ``host`` and ``port`` are those that are really used."""

    username: str
    token: str
    host: str
    port: int

    @classmethod
    def of(cls, auth: TokenAuth, host: str, port: int) -> Bearer:
        """Take the token out of its wrapping, as late as possible."""
        return cls(auth.username, auth.token.get_secret_value(), host, port)

    def __repr__(self) -> str:
        return f"Bearer(username={self.username!r}, token=***, host={self.host!r}, port={self.port})"


class Plain(Mechanism):
    """PLAIN (RFC 4616)."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def initial(self) -> bytes | None:
        who = self._credentials
        return f"{who.authorization_id}\0{who.username}\0{who.password}".encode()

    def answer(self, challenge: bytes) -> bytes:
        raise SaslError("the server sent a challenge after PLAIN had said everything")


class Login(Mechanism):
    """LOGIN (draft-murchison-sasl-login): user name, then password, whatever the prompts say."""

    def __init__(self, credentials: Credentials) -> None:
        self._answers = [credentials.password.encode(), credentials.username.encode()]

    def initial(self) -> bytes | None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        if not self._answers:
            raise SaslError("the server sent a third prompt in LOGIN")
        return self._answers.pop()


class CramMd5(Mechanism):
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


class Scram(Mechanism):
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


class _Token(Mechanism):
    """What both mechanisms for tokens share: a server that refuses says why before it says no."""

    _GO_ON: bytes
    """What the client says to the reason, so that the server comes to its "no"."""

    def __init__(self, bearer: Bearer) -> None:
        self._bearer = bearer

    def answer(self, challenge: bytes) -> bytes:
        if self.refusal:
            raise SaslError("the server sent a second challenge after it had refused the token")
        self.refusal = _status(challenge)
        return self._GO_ON

    def finish(self) -> None:
        if self.refusal:
            raise SaslError("the server refused the token and then accepted it")


class OAuthBearer(_Token):
    """OAUTHBEARER (RFC 7628)."""

    _GO_ON = b"\x01"

    def initial(self) -> bytes | None:
        who = self._bearer
        pairs = f"host={who.host}\x01port={who.port}\x01auth=Bearer {who.token}"
        return f"n,a={_escaped(who.username)},\x01{pairs}\x01\x01".encode()


class XOAuth2(_Token):
    """XOAUTH2, Google's and Microsoft's own form from before RFC 7628.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    """

    _GO_ON = b""

    def initial(self) -> bytes | None:
        return f"user={self._bearer.username}\x01auth=Bearer {self._bearer.token}\x01\x01".encode()


_STATUS = re.compile(r"[1-5]\d\d|invalid_request|invalid_token|insufficient_scope")


def _status(challenge: bytes) -> str:
    """The status in a refusal (RFC 7628, 3.2.2): an HTTP code or one of RFC 6750's words. A token is never passed on.

    Raises:
        SaslError: the challenge is none.
    """
    try:
        said = json.loads(challenge)
        status = str(said["status"])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise SaslError("the server's answer to the token is none (RFC 7628, 3.2.2)") from None
    return status if _STATUS.fullmatch(status) else "unknown status"


@dataclass(frozen=True, slots=True)
class _Kind:
    begin: Callable[[Credentials], Mechanism]
    can_act_as: bool


_FOR_PASSWORDS: Mapping[str, _Kind] = {
    "SCRAM-SHA-256": _Kind(lambda who: Scram(who, "sha256"), can_act_as=True),
    "SCRAM-SHA-1": _Kind(lambda who: Scram(who, "sha1"), can_act_as=True),
    "CRAM-MD5": _Kind(CramMd5, can_act_as=False),
    "PLAIN": _Kind(Plain, can_act_as=True),
    "LOGIN": _Kind(Login, can_act_as=False),
}
_FOR_TOKENS: Mapping[str, Callable[[Bearer], Mechanism]] = {"OAUTHBEARER": OAuthBearer, "XOAUTH2": XOAuth2}


def mechanisms(auth: PasswordAuth | TokenAuth) -> tuple[str, ...]:
    """The mechanisms that can carry this login, strongest first."""
    if isinstance(auth, TokenAuth):
        return tuple(_FOR_TOKENS)
    return tuple(name for name, kind in _FOR_PASSWORDS.items() if kind.can_act_as or not auth.authorization_id)


def choose(
    offered: Iterable[str], auth: PasswordAuth | TokenAuth, host: str, port: int
) -> tuple[str, Mechanism] | None:
    """The strongest mechanism that the server offers and that can carry this login, begun; else ``None``.

    ``host`` and ``port`` are those of the connection; OAUTHBEARER tells them to the server.
    """
    names = {name.upper() for name in offered}
    name = next((name for name in mechanisms(auth) if name in names), None)
    if name is None:
        return None
    if isinstance(auth, TokenAuth):
        return name, _FOR_TOKENS[name](Bearer.of(auth, host, port))
    return name, _FOR_PASSWORDS[name].begin(Credentials.of(auth))
