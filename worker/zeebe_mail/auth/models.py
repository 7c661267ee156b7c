"""Who we are to a mail server: the ``auth`` field of every operation."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from zeebe_mail.form import Part, Prompt

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _plain_text(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must not contain control characters such as line breaks")
    return value


def _without_nul(value: SecretStr) -> SecretStr:
    # NUL separates the fields of SASL PLAIN (RFC 4616, 2), so no mechanism can carry it.
    if re.search(r"[\0\ud800-\udfff]", value.get_secret_value()):
        raise ValueError("must not contain the character NUL or half characters")
    return value


def _bearer_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", value.get_secret_value()):
        raise ValueError("is not a bearer token (RFC 6750, 2.1)")
    return value


class PasswordAuth(Part):
    """User name and password; the strongest mechanism that the server offers carries them."""

    type: Annotated[Literal["password"], Prompt("User name and password", group="auth")] = "password"
    username: Annotated[
        str,
        Field(min_length=1),
        AfterValidator(_plain_text),
        Prompt("User name", group="auth", hint="jane@example.org"),
    ]
    """The login name, exactly as the server knows it; with a token, also that of a shared mailbox."""
    password: Annotated[
        SecretStr,
        Field(min_length=1),
        AfterValidator(_without_nul),
        Prompt("Password", group="auth", hint="{{secrets.MAIL_PASSWORD}}"),
    ]
    """The password, or the app password where the provider asks for one."""
    authorization_id: Annotated[
        str | None,
        AfterValidator(lambda value: value and _plain_text(value)),
        Prompt("Act as", group="auth", hint="Only for accounts that may act for others"),
    ] = None
    """The identity to act as when it is not the user's own (SASL authorization identity, RFC 4422, 3.4.1)."""


class TokenAuth(Part):
    """An OAuth access token that somebody else has got: OAUTHBEARER (RFC 7628), or XOAUTH2 without that."""

    type: Annotated[Literal["token"], Prompt("Access token (OAuth)", group="auth")] = "token"
    username: Annotated[
        str,
        Field(min_length=1),
        AfterValidator(_plain_text),
        Prompt("User name", group="auth", hint="jane@example.org"),
    ]
    """The login name, exactly as the server knows it; with a token, also that of a shared mailbox."""
    token: Annotated[
        SecretStr,
        Field(min_length=1),
        AfterValidator(_bearer_token),
        Prompt("Access token", group="auth", hint="{{secrets.MAIL_TOKEN}}"),
    ]
    """The access token; it lives for an hour or so, and nothing here renews it."""


class NoAuth(Part):
    """No login: the server knows us by our address, or takes mail from anybody."""

    type: Annotated[Literal["none"], Prompt("None", group="auth")] = "none"


Auth = Annotated[PasswordAuth | TokenAuth | NoAuth, Field(discriminator="type")]
"""Who we are to a server that takes mail."""

MailboxAuth = Annotated[PasswordAuth | TokenAuth, Field(discriminator="type")]
"""Who we are to a server that keeps mail: nobody may read without a login."""
