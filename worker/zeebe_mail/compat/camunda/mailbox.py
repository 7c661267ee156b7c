"""What the operations of IMAP and POP3 have in common: their actions, message ids and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from zeebe_mail.auth.models import NoAuth
from zeebe_mail.compat import binding
from zeebe_mail.compat.binding import Rules, ours
from zeebe_mail.compat.camunda.account import SERVERS, Server, login
from zeebe_mail.errors import ContractError, MessageNotFound
from zeebe_mail.mail.server import MailServer, Security
from zeebe_mail.message.message_id import bare_message_id
from zeebe_mail.operations.base import Errand

SECURITY = {"TLS": Security.SSL_TLS, "SSL": Security.SSL_TLS, "NONE": Security.NONE}
"""TLS and SSL are the same over IMAP and POP3: encrypted from the first byte."""

ORDERS = ("ASC", "DESC")
MOST = 2**31 - 1
"""Messages, where a task does not say how many: all."""

NOT_DELETED = "No emails have been found with this ID"


class Action(Protocol):
    """What a task asks for, bound and checked."""

    def errand(self, place: Mapping[str, Any]) -> Errand:
        """The operation that does it; ``place`` is ``server`` and ``auth``."""
        ...


ServerType = TypeVar("ServerType", bound=MailServer, covariant=True)


@dataclass(frozen=True, slots=True)
class MailboxProtocol(Generic[ServerType]):
    """A protocol by which mailboxes are read, and what can be done over it."""

    name: str
    server: type[ServerType]
    actions: Mapping[str, Callable[[Mapping[str, Any], Rules], Action]]
    """By discriminator: from an action's values to the action; what breaks a rule is noted."""

    def errand(self, data: Mapping[str, Any], authentication: Mapping[str, Any] | None) -> Errand:
        """What the discriminator says.

        Raises:
            ContractError: the input breaks the contract.
        """
        action = f"{self.name}Action"
        chosen = binding.variant(data, action, f"{action}Discriminator", tuple(self.actions))
        given = binding.part(data.get(action), action[0].upper() + action[1:])
        rules = Rules()
        auth = login(authentication, rules)
        asked = None if given is None or chosen is None else self.actions[chosen](given, rules)
        rules.demand(asked, f"data.{action}")
        server = Server.of(SERVERS[self.name], data, rules)
        rules.check()
        if isinstance(auth, NoAuth):
            raise ContractError(f"Authentication noAuth is for smtp only: nobody reads {self.name} without a login")
        assert asked
        place = {"host": server.host, "port": server.port, "security": SECURITY[server.encryption]}
        return asked.errand({"server": ours(lambda: self.server.model_validate(place)), "auth": auth})


@dataclass(frozen=True, slots=True)
class Sort:
    """How many messages a list has, and in what order."""

    limit: int | None
    by: str | None
    order: str | None

    @classmethod
    def of(cls, action: Mapping[str, Any], rules: Rules, fields: Sequence[str], path: str) -> Sort:
        """Read it; what is missing is noted.

        Raises:
            ContractError: a value has the wrong type.
        """
        suffix = path.removeprefix("data.").removesuffix("Action").capitalize()
        limit = binding.integer(action.get("maxToBeRead"), "maxToBeRead")
        by = binding.choice(action.get("sortField"), fields, f"SortField{suffix}", "sortField")
        order = binding.choice(action.get("sortOrder"), ORDERS, "SortOrder", "sortOrder")
        for value, name in ((limit, "maxToBeRead"), (by, "sortField"), (order, "sortOrder")):
            rules.demand(value, f"{path}.{name}")
        return cls(limit, by, order)

    @property
    def first(self) -> int:
        """How many messages the list has at most.

        Raises:
            ContractError: there cannot be so many.
        """
        if self.limit is None or self.limit < 0:
            raise ContractError(f"maxToBeRead must not be negative, and is {self.limit}")
        return self.limit


def identity(message_id: str, text: str) -> str:
    """The Message-ID that a task names, with or without its brackets; exactly this is looked for.

    Raises:
        MessageNotFound: no message can have it.
    """
    try:
        if message_id == message_id.strip():
            return bare_message_id(message_id)
    except ValueError:
        pass
    raise not_found(text)


def not_found(text: str) -> MessageNotFound:
    """The error for a message that is not there, as that connector says it."""
    return MessageNotFound(f"jakarta.mail.MessagingException: {text}")
