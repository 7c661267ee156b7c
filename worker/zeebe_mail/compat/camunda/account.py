"""Where the mail server is: the inline server settings of a task, or the reusable e-mail account of release 8.10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from zeebe_mail.auth.models import Auth, NoAuth, PasswordAuth
from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.errors import NOT_BLANK
from zeebe_mail.errors import ContractError

ACCOUNT = "emailAccountConfiguration"
ENCRYPTIONS = ("TLS", "SSL", "NONE")


@dataclass(frozen=True, slots=True)
class Names:
    """What the server settings of a protocol are called."""

    config: str
    host: str
    port: str
    encryption: str
    default_port: int


SERVERS: Mapping[str, Names] = {
    protocol: Names(f"{protocol}Config", f"{protocol}Host", f"{protocol}Port", f"{protocol}CryptographicProtocol", port)
    for protocol, port in (("smtp", 587), ("imap", 993), ("pop3", 995))
}
"""By protocol; default ports are those of accounts."""


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server as Camunda's connector names it."""

    host: str
    port: int
    encryption: str

    @classmethod
    def of(cls, names: Names, data: Mapping[str, Any], rules: Rules) -> Server:
        """The server of a task; what is missing is noted.

        Raises:
            ContractError: there is no configuration, or a value has the wrong type.
        """
        config = binding.part(data.get(names.config), names.config[0].upper() + names.config[1:])
        if config is None:
            rules.check()
            raise ContractError(f"{names.config} is missing: host, port and encryption of the server")
        host = binding.text(config.get(names.host))
        port = binding.integer(config.get(names.port), names.config, names.port)
        encryption = binding.choice(
            config.get(names.encryption), ENCRYPTIONS, "CryptographicProtocol", names.config, names.encryption
        )
        for value, name in ((host, names.host), (port, names.port), (encryption, names.encryption)):
            rules.demand(value, f"data.{names.config}.{name}")
        return cls(host or "", port or 0, encryption or "NONE")


def with_account(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The variables with the chosen account, if any, in the place of user, password and server."""
    account, data = _object(variables.get(ACCOUNT)), _object(variables.get("data"))
    names = SERVERS.get(str(variables.get("protocol")))
    if not account or names is None:
        return variables
    config = {
        names.host: account.get(names.host),
        names.port: account.get(names.port) or names.default_port,
        names.encryption: account.get(names.encryption) or ENCRYPTIONS[0],
    }
    login = {"type": "simple", "username": account.get("username"), "password": account.get("password")}
    return {**variables, "authentication": login, "data": {**(data or {}), names.config: config}}


def login(authentication: Mapping[str, Any] | None, rules: Rules) -> Auth | None:
    """How to log in; what is missing is noted, and then there is none.

    Raises:
        ContractError: the type of authentication is unknown.
    """
    if authentication is None:
        rules.demand(None, "authentication")
        return None
    kind = authentication.get("type") or "simple"
    if kind == "noAuth":
        return NoAuth()
    if kind != "simple":
        raise ContractError("Unexpected Error, Further investigation is needed")
    username, password = (binding.text(authentication.get(name)) or "" for name in ("username", "password"))
    if username.strip() and password.strip():
        return ours(lambda: PasswordAuth(username=username, password=SecretStr(password)))
    for value, name in ((username, "username"), (password, "password")):
        if not value.strip():
            rules.broken(f"authentication.{name}", NOT_BLANK)
    return None


def host(variables: Mapping[str, Any]) -> str:
    """The host that these variables would send to, as written; empty where they name none."""
    arranged = with_account(variables)
    names = SERVERS.get(str(arranged.get("protocol")))
    data = _object(arranged.get("data"))
    config = _object(data.get(names.config)) if data and names else None
    found = _unwrapped(config.get(names.host)) if config and names else None
    return found if isinstance(found, str) else ""


def _object(value: Any) -> Mapping[str, Any] | None:
    value = _unwrapped(value)
    return value if isinstance(value, Mapping) else None


def _unwrapped(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        (value,) = value
    return value
