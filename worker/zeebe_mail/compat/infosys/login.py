"""Where the mail server is and who logs in: the group `authentication` of Infosys' templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import SecretStr

from zeebe_mail.auth.models import PasswordAuth
from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules
from zeebe_mail.compat.errors import NOT_BLANK, RUNTIME
from zeebe_mail.compat.infosys import values
from zeebe_mail.errors import ContractError

log = structlog.get_logger(__name__)

NO_NUMBER = "Port must be a number"
NO_STORE_PASSWORD = "Please provide a valid password for email server's keystore"  # noqa: S105 (a text)
NEEDED = {
    "hostname": "Please provide a valid hostName for email server",
    "portNumber": "Please provide a valid port for email server",
    "username": "Please provide a valid username for email ID",
    "password": "Please provide a valid password for given username",
    "domainName": "Please provide a valid domainName for email ID",
    "folderPath": "Please provide a valid folderPath, e.g. Inbox",
}
"""What the connectors for mailboxes say of a field that is blank."""

_PEM = "-----BEGIN CERTIFICATE-----"
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Login:
    """A server and an account there."""

    host: str
    port: int
    username: str
    password: str
    ca_certificate: str | None = None
    """The only authority trusted for this server, as PEM text; without it, those of the worker."""
    folder: str = "INBOX"

    @property
    def address(self) -> dict[str, Any]:
        """Host, port and trust, as our servers take them."""
        return {"host": self.host, "port": self.port, "tls": {"caCertificate": self.ca_certificate}}

    @property
    def auth(self) -> PasswordAuth:
        """Who logs in."""
        return binding.ours(lambda: PasswordAuth(username=self.username, password=SecretStr(self.password)))


def of_sender(variables: Mapping[str, Any], rules: Rules) -> Login | None:
    """Who sends; what is missing is noted."""
    given = _given(variables, rules)
    if given is None:
        return None
    host, username, password = (_needed(given, name, rules) for name in ("hostname", "username", "password"))
    return Login(host.strip(), _port(given, "port", rules), username, password)


def of_mailbox(variables: Mapping[str, Any], rules: Rules, *, has_folders: bool) -> Login | None:
    """Whose mailbox it is; what is missing is noted. The domain is added to a user name that does not end with it.

    Raises:
        ContractError: there is a key store without a password.
    """
    given = _given(variables, rules)
    if given is None:
        return None
    names = ("hostname", "username", "password", "domainName")
    host, username, password, domain = (_needed(given, name, rules, NEEDED[name]) for name in names)
    folder = _needed(given, "folderPath", rules, NEEDED["folderPath"]) if has_folders else "INBOX"
    at_domain = domain if domain.startswith("@") else f"@{domain}"
    return Login(
        host=host.strip(),
        port=_port(given, "portNumber", rules),
        username=username if username.endswith(at_domain) else username + at_domain,
        password=password,
        ca_certificate=_authority(given),
        folder=folder_path(folder),
    )


def host(variables: Mapping[str, Any]) -> str:
    """The host that these variables name, as written; empty where they name none."""
    given = variables.get("authentication")
    found = given.get("hostname") if isinstance(given, Mapping) else None
    return found if isinstance(found, str) else ""


def folder_path(written: str) -> str:
    """A folder's path without the slashes around it."""
    return "/".join(filter(None, written.strip().split("/")))


def _given(variables: Mapping[str, Any], rules: Rules) -> Mapping[str, Any] | None:
    given = binding.part(variables.get("authentication"), "Authentication")
    rules.demand(given, "authentication")
    return given


def _needed(given: Mapping[str, Any], name: str, rules: Rules, rule: str = NOT_BLANK) -> str:
    value = values.text(given, name)
    if value is None:
        rules.broken(f"authentication.{name}", rule)
    return value or ""


def _port(given: Mapping[str, Any], name: str, rules: Rules) -> int:
    written = _needed(given, name, rules, NEEDED.get(name, NOT_BLANK)).strip()
    if not written:
        return 0
    if not (written.isascii() and written.isdigit() and 0 < int(written[:9]) <= _HIGHEST_PORT):
        rules.broken(f"authentication.{name}", NO_NUMBER)
        return 0
    return int(written)


def _authority(given: Mapping[str, Any]) -> str | None:
    """The CA certificate that stands in the place of the key store's path, if one does.

    A path is not followed: it is one of another machine, to a file that only Java reads.
    """
    path = values.text(given, "keyStorePath")
    if path is None:
        return None
    if path.lstrip().startswith(_PEM):
        return path
    if values.text(given, "keyStorePassword") is None:
        raise ContractError(NO_STORE_PASSWORD, foreign_type=RUNTIME)
    log.warning("key store not read: the worker's own CA certificates are trusted", action="key_store_left_out")
    return None
