"""Which servers may be reached, and the only way to reach one.

A process names the host, so a process can make this worker talk to machines that only the worker reaches
(server-side request forgery, OWASP A10:2021). The operator's :class:`EgressPolicy` says which hosts are allowed. A
name is resolved once, every address that it has is checked, and the connection goes to one of exactly those
addresses: a name that resolves to something else a moment later (DNS rebinding) gains nothing by it. TLS still checks
the certificate against the name.

A session begins like this::

    addresses = await egress.resolve(host, port, policy)
    connection = await egress.connect(addresses)
    await loop.create_connection(protocol, sock=connection)
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from aiohappyeyeballs import AddrInfoType, start_connection

from zeebe_mail.errors import HostNotAllowed

_HAPPY_EYEBALLS_S = 0.25  # RFC 8305, 5

Addresses = Sequence[AddrInfoType]
"""Answers of ``getaddrinfo``."""

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this network: Linux takes 0.0.0.0 for this machine
            "::/128",
            "169.254.0.0/16",  # link-local, and the metadata service of most clouds
            "fe80::/10",
            "fd00:ec2::254/128",  # metadata: Amazon
            "fd20:ce::254/128",  # metadata: Google
            "100.100.100.200/32",  # metadata: Alibaba
            "192.0.0.192/32",  # metadata: Oracle
            "168.63.129.16/32",  # the host agent of Azure
            "224.0.0.0/4",  # multicast
            "ff00::/8",
            "240.0.0.0/4",  # reserved and broadcast
        ),
    )
)
"""No server lives here, and much lives here that is not for a process."""

_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",  # RFC 1918
            "172.16.0.0/12",
            "192.168.0.0/16",
            "127.0.0.0/8",  # loopback
            "::1/128",
            "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
            "192.0.0.0/24",  # protocol assignments (RFC 6890)
            "198.18.0.0/15",  # benchmarks (RFC 2544)
            "fc00::/7",  # unique local (RFC 4193)
            "fec0::/10",  # site-local, retired
            "64:ff9b:1::/48",  # NAT64 inside one network (RFC 8215)
        ),
    )
)

# RFC 6052, RFC 8215, and RFC 2765, 2.1
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))
_STAR = "zzanythingzz"  # stands for * while a pattern is brought into the form of names
_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, 2.5.5.1; retired


def host_name(value: str) -> str:
    """A host as it goes into DNS, TLS and logs: trimmed, IP literals bare, international names as A-labels.

    Raises:
        ValueError: it is a URL, has a port, or cannot be a host name; says which.
    """
    host = value.strip()
    if not host:
        raise ValueError("must name a host, for example smtp.example.org")
    if re.search(r"[\x00-\x20\x7f]", host):
        raise ValueError("must not contain spaces, line breaks or other control characters")
    if "://" in host or "/" in host or "@" in host:
        raise ValueError("must be the bare host name: no scheme such as smtp://, no user and no path")
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if ":" in host:
        raise ValueError("must not contain a port: put the number after the colon into the field `port`")
    return _ascii_name(host.removesuffix("."))


def _ascii_name(host: str) -> str:
    if not host.isascii():
        import idna  # here, because its tables cost 3 MB and few servers have such a name

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            raise ValueError("is not a valid international host name") from None
    host = host.lower()
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError("is not a host name: letters, digits and hyphens, separated by dots")
    return host


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts as an operator lists them: names with ``*`` as a wildcard, addresses, and ranges of addresses."""

    names: tuple[str, ...] = ()
    networks: tuple[_Network, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[str]) -> Hosts:
        """Take a list apart.

        Raises:
            ValueError: an entry is none of these.
        """
        names, networks = [], []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]")))
            except ValueError:
                names.append(_pattern(entry))
        return cls(tuple(names), tuple(networks))

    def __bool__(self) -> bool:
        return bool(self.names or self.networks)

    def has_name(self, host: str) -> bool:
        """Whether a name, as :func:`host_name` gives it, is listed."""
        return any(fnmatchcase(host, pattern) for pattern in self.names)

    def has_address(self, address: _Address) -> bool:
        """Whether an address is in a listed range."""
        return any(address in network for network in self.networks)


def _pattern(entry: str) -> str:
    if entry == "*":
        return entry
    try:
        # What looks like an address must not be taken for a name: 10.* would let in 10.attacker.example.
        if "/" not in entry and not re.fullmatch(r"[\d.*]+", entry):
            return host_name(entry.replace("*", _STAR)).replace(_STAR, "*")
    except ValueError:
        pass
    raise ValueError(f'"{entry}" is no host name, address or range of addresses such as *.example.org or 10.0.0.0/8')


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """What the operator allows. The first rule that applies decides:

    1. a denied name, or any address in a denied range: no;
    2. any address that is link-local, multicast, reserved or a cloud's metadata service: no;
    3. ``allowed`` lists something: yes when it has the name or every address, else no;
    4. ``denies_private`` and any address is private or loopback: no, unless ``private`` has the name or this address;
    5. else yes.

    A listed name decides for all of its addresses in 3. An IPv6 address that carries an IPv4 address (mapped,
    translated, NAT64, 6to4, Teredo, ISATAP) is in a range when either is.
    """

    allowed: Hosts = Hosts()
    denied: Hosts = Hosts()
    denies_private: bool = False
    private: Hosts = Hosts()
    kind: str = "mail server"
    """What is reached, as a message calls it."""
    why_private: str = "is private, which ZEEBE_MAIL_DENY_PRIVATE_ADDRESSES forbids"
    """What a message says of an address that breaks rule 4."""

    def check(self, host: str, addresses: Iterable[str]) -> None:
        """Pass when a host with these addresses may be reached.

        Raises:
            HostNotAllowed: names the host, the address and the setting.
        """
        if self.denied.has_name(host):
            raise self._refusal(host, host, "is in ZEEBE_MAIL_DENIED_HOSTS")
        is_named = self.allowed.has_name(host)
        for written in addresses:
            meanings = _meanings(written)
            if any(self.denied.has_address(one) for one in meanings):
                raise self._refusal(host, written, "is in ZEEBE_MAIL_DENIED_HOSTS")
            if _within(meanings, _NEVER):
                raise self._refusal(host, written, "is a link-local, metadata, multicast or reserved address")
            if self.allowed:
                if not is_named and not any(self.allowed.has_address(one) for one in meanings):
                    raise self._refusal(host, written, "is not in ZEEBE_MAIL_ALLOWED_HOSTS")
            elif self.denies_private and _within(meanings, _PRIVATE) and not self._may_be_private(host, meanings):
                raise self._refusal(host, written, self.why_private)

    def _may_be_private(self, host: str, meanings: Iterable[_Address]) -> bool:
        return self.private.has_name(host) or any(self.private.has_address(one) for one in meanings)

    def _refusal(self, host: str, address: str, why: str) -> HostNotAllowed:
        shown = f"{host} ({address})" if address != host else host
        return HostNotAllowed(
            f"The {self.kind} {shown} may not be used: it {why}.", details={"host": host, "address": address}
        )


def _within(meanings: Iterable[_Address], networks: Iterable[_Network]) -> bool:
    return any(one in network for network in networks for one in meanings)


def _meanings(written: str) -> tuple[_Address, ...]:
    """An address, and the IPv4 address that it carries."""
    address = ipaddress.ip_address(written.partition("%")[0])
    carried = _carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    return (address, carried) if carried else (address,)


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.teredo:
        return address.teredo[1]
    isatap = int(address) >> 32 & 0xFDFFFFFF == 0x5EFE  # RFC 5214, 6.1
    compatible = address in _COMPATIBLE and int(address) > 0xFFFF
    ends_with_it = isatap or compatible or any(address in network for network in _TRANSLATED)
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if ends_with_it else None
    return address.ipv4_mapped or address.sixtofour or last


async def resolve(host: str, port: int, policy: EgressPolicy) -> Addresses:
    """Every address of a host, all of them allowed, in the order of RFC 6724. Names are looked up by the system.

    Raises:
        HostNotAllowed: the policy forbids the host or one of its addresses.
        socket.gaierror: the name has no address.
    """
    policy.check(host, ())
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    policy.check(host, (str(info[4][0]) for info in found))
    return found


async def connect(addresses: Addresses) -> socket.socket:
    """A connection to the first of these addresses that answers (RFC 8305): non-blocking, without Nagle's delay.

    Raises:
        OSError: none answers.
    """
    connection = await start_connection(addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
