"""A small POP3 server (RFC 1939) with STLS, PIPELINING and response codes (RFC 2449, RFC 2595, RFC 3206), for loopback.

It takes passwords without TLS, as most servers do from their own machine.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

_CAPABILITIES = ("TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "USER", "SASL PLAIN")
_LINE_LIMIT = 4096
_OK = "+OK"


class Refused(Exception):
    """The client gets -ERR and this text."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it was when the client logged in."""

    uidl: str
    content: bytes


class Maildrop(Protocol):
    """A user's mailbox."""

    @property
    def mails(self) -> Sequence[Mail]:
        """What was there at login, the oldest first."""
        ...

    async def delete(self, mails: Sequence[Mail]) -> None:
        """Remove these for good."""
        ...


class Pop3Service:
    """Serves maildrops: `open_maildrop(user, password)` gives one, or None when they do not fit.

    One client at a time has a maildrop (RFC 1939, 4); others are refused with [IN-USE].
    """

    def __init__(
        self, open_maildrop: Callable[[str, str], Awaitable[Maildrop | None]], starttls: ssl.SSLContext
    ) -> None:
        self.open_maildrop = open_maildrop
        self.starttls = starttls
        self.in_use: set[str] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one client until it goes."""
        client = _Client(self, reader, writer)
        try:
            await client.talk()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass  # it has hung up, or talks too long
        finally:
            client.leave()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Client:
    def __init__(self, service: Pop3Service, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._user = ""
        self._locked: str | None = None
        self._maildrop: Maildrop | None = None
        self._deleted: set[int] = set()

    def leave(self) -> None:
        """Free the maildrop. What is marked stays: only QUIT removes it (RFC 1939, 6)."""
        if self._locked is not None:
            self._service.in_use.discard(self._locked)
            self._locked = None

    async def talk(self) -> None:
        self._say(f"{_OK} ready")
        while line := await self._reader.readline():
            words = line[:_LINE_LIMIT].decode("utf-8", "replace").rstrip("\r\n").split(" ")
            verb, arguments = words[0].upper(), words[1:]
            try:
                await self._do(verb, arguments)
            except Refused as refused:
                self._say(f"-ERR {refused}")
            await self._writer.drain()
            if verb == "QUIT":
                return

    async def _do(self, verb: str, arguments: list[str]) -> None:
        act = self._anywhere(verb) or (self._with_maildrop(verb) if self._maildrop else self._without(verb))
        if act is None:
            raise Refused("unknown command, or not now")
        done = act(arguments)
        if done is not None:
            await done

    _Act = Callable[[list[str]], Awaitable[None] | None]

    def _anywhere(self, verb: str) -> _Act | None:
        return {"CAPA": self._capa, "QUIT": self._quit}.get(verb)

    def _without(self, verb: str) -> _Act | None:
        acts: dict[str, _Client._Act] = {
            "STLS": self._stls,
            "USER": self._name,
            "PASS": self._password,
            "AUTH": self._auth,
        }
        return acts.get(verb)

    def _with_maildrop(self, verb: str) -> _Act | None:
        acts: dict[str, _Client._Act] = {
            "NOOP": lambda _: self._say(_OK),
            "RSET": self._reset,
            "STAT": self._stat,
            "LIST": lambda arguments: self._list(arguments, lambda mail: str(len(mail.content))),
            "UIDL": lambda arguments: self._list(arguments, lambda mail: mail.uidl),
            "RETR": lambda arguments: self._send(self._one(arguments)[1].content),
            "TOP": self._top,
            "DELE": self._mark,
        }
        return acts.get(verb)

    # ── before the login ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _is_encrypted(self) -> bool:
        return self._writer.get_extra_info("ssl_object") is not None

    def _capa(self, arguments: list[str]) -> None:
        self._say(_OK, *_CAPABILITIES, *(() if self._is_encrypted else ("STLS",)), ".")

    async def _stls(self, arguments: list[str]) -> None:
        if self._is_encrypted:
            raise Refused("there is TLS already")
        self._say(f"{_OK} begin TLS")
        await self._writer.start_tls(self._service.starttls)

    def _name(self, arguments: list[str]) -> None:
        self._user = " ".join(arguments)
        self._say(_OK)

    async def _password(self, arguments: list[str]) -> None:
        await self._log_in(self._user, " ".join(arguments))

    async def _auth(self, arguments: list[str]) -> None:
        """SASL PLAIN (RFC 5034)."""
        if [word.upper() for word in arguments[:1]] != ["PLAIN"]:
            raise Refused("only PLAIN")
        if len(arguments) == 1:
            self._say("+ ")
            await self._writer.drain()
            arguments.append((await self._reader.readline()).decode().strip())
        try:
            _, user, password = base64.b64decode(arguments[1], validate=True).decode().split("\0")
        except (binascii.Error, ValueError):
            raise Refused("not a PLAIN message") from None
        await self._log_in(user, password)

    async def _log_in(self, user: str, password: str) -> None:
        if not user:
            raise Refused("USER first")
        if user in self._service.in_use:
            raise Refused("[IN-USE] another session has the mailbox open")
        self._service.in_use.add(user)
        self._locked = user
        self._maildrop = await self._service.open_maildrop(user, password)
        if self._maildrop is None:
            self.leave()
            raise Refused("[AUTH] wrong user name or password")
        self._say(f"{_OK} {len(self._maildrop.mails)} messages")

    # ── with a maildrop ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def _mails(self) -> list[tuple[int, Mail]]:
        mails = self._maildrop.mails if self._maildrop else ()
        return [(number, mail) for number, mail in enumerate(mails, 1) if number not in self._deleted]

    def _one(self, arguments: list[str]) -> tuple[int, Mail]:
        wanted = arguments[0] if arguments else ""
        for number, mail in self._mails:
            if str(number) == wanted:
                return number, mail
        raise Refused("no such message")

    def _stat(self, arguments: list[str]) -> None:
        self._say(f"{_OK} {len(self._mails)} {sum(len(mail.content) for _, mail in self._mails)}")

    def _list(self, arguments: list[str], tell: Callable[[Mail], str]) -> None:
        if arguments:
            number, mail = self._one(arguments)
            self._say(f"{_OK} {number} {tell(mail)}")
        else:
            self._say(_OK, *(f"{number} {tell(mail)}" for number, mail in self._mails), ".")

    def _top(self, arguments: list[str]) -> None:
        _, mail = self._one(arguments)
        if len(arguments) < 2 or not arguments[1].isdecimal():
            raise Refused("how many lines?")
        header, gap, body = mail.content.partition(b"\r\n\r\n")
        self._send(header + gap + b"".join(body.splitlines(keepends=True)[: int(arguments[1])]))

    def _mark(self, arguments: list[str]) -> None:
        number, _ = self._one(arguments)
        self._deleted.add(number)
        self._say(_OK)

    def _reset(self, arguments: list[str]) -> None:
        self._deleted.clear()
        self._say(_OK)

    async def _quit(self, arguments: list[str]) -> None:
        if self._maildrop is not None and self._deleted:
            await self._maildrop.delete([self._maildrop.mails[number - 1] for number in sorted(self._deleted)])
        self.leave()
        self._say(f"{_OK} bye")

    # ── talking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    def _send(self, content: bytes) -> None:
        """A multi-line reply: CRLF lines, dots doubled (RFC 1939, 3)."""
        text = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        text = (b"\r\n" + text).replace(b"\r\n.", b"\r\n..")[2:]
        end = b"" if text.endswith(b"\r\n") or not text else b"\r\n"
        self._writer.write(_OK.encode() + b"\r\n" + text + end + b".\r\n")
