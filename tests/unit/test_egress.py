"""Which hosts may be reached, however their addresses are written, and that a name is looked up only once."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from zeebe_mail.egress import EgressPolicy, Hosts, connect, host_name, resolve
from zeebe_mail.errors import HostNotAllowed

ANY = EgressPolicy()
NO_PRIVATE = EgressPolicy(denies_private=True)


def only(*entries: str) -> EgressPolicy:
    return EgressPolicy(allowed=Hosts.of(entries))


def all_but(*entries: str) -> EgressPolicy:
    return EgressPolicy(denied=Hosts.of(entries))


def allows(policy: EgressPolicy, host: str, *addresses: str) -> bool:
    try:
        policy.check(host, addresses or (host,))
    except HostNotAllowed:
        return False
    return True


# ── the rules ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "192.0.2.1"])
def test_without_settings_a_network_of_ones_own_works(address: str) -> None:
    assert allows(ANY, "mail.test", address)


NEVER = [
    "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200", "192.0.0.192",
    "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:169.254.169.254",
    "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::", "::169.254.169.254",
    "2001:0:4136:e378:8000:63bf:5601:5601",
]  # fmt: skip


@pytest.mark.parametrize("address", NEVER)
def test_metadata_link_local_and_reserved_addresses_are_never_reached(address: str) -> None:
    for policy in (ANY, NO_PRIVATE, only("mail.test"), only("0.0.0.0/0", "::/0"), only("*")):
        assert not allows(policy, "mail.test", address)
        assert not allows(policy, address)


PRIVATE = [
    "127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1",
    "fd12:3456::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808",
    "2002:0a00:0001::", "::127.0.0.1", "::ffff:0:127.0.0.1", "2001:db8::5efe:10.0.0.1", "2001:db8::200:5efe:127.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_can_be_denied_in_every_disguise(address: str) -> None:
    assert not allows(NO_PRIVATE, "mail.test", address)
    assert allows(ANY, "mail.test", address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2001:4860:4860::8888", "172.32.0.1", "64:ff9b::8.8.8.8", "2001:db8::5eff:7f00:1"]
)
def test_public_addresses_stay_allowed(address: str) -> None:
    assert allows(NO_PRIVATE, "mail.test", address)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    assert not allows(NO_PRIVATE, "mail.test", "8.8.8.8", "10.0.0.1")
    assert not allows(only("8.8.8.0/24"), "mail.test", "8.8.8.8", "9.9.9.9")
    assert not allows(all_but("9.9.9.9"), "mail.test", "8.8.8.8", "9.9.9.9")


@pytest.mark.parametrize(
    ("entry", "host", "allowed"),
    [
        ("mail.example.org", "mail.example.org", True),
        ("Mail.Example.ORG.", "mail.example.org", True),
        ("mail.example.org", "mail.example.org.evil.test", False),
        ("*.example.org", "mail.example.org", True),
        ("*.example.org", "a.b.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "evilexample.org", False),
        ("*.bücher.example", "mail.xn--bcher-kva.example", True),
        ("*", "anything.test", True),
        ("other.test", "mail.example.org", False),
    ],
)
def test_only_listed_names_are_allowed(entry: str, host: str, allowed: bool) -> None:
    assert allows(only(entry), host, "8.8.8.8") is allowed
    assert allows(all_but(entry), host, "8.8.8.8") is not allowed


def test_listed_names_and_ranges_may_be_private() -> None:
    for policy in (only("mail.corp"), only("10.0.0.0/8")):
        strict = EgressPolicy(allowed=policy.allowed, denies_private=True)
        assert allows(strict, "mail.corp", "10.1.2.3", "::ffff:10.1.2.3")
        assert not allows(strict, "other.corp", "192.168.0.1")


def test_what_is_denied_stays_so_when_it_is_allowed_too() -> None:
    policy = EgressPolicy(allowed=Hosts.of(["*"]), denied=Hosts.of(["bad.test", "10.0.0.0/8"]))
    assert not allows(policy, "bad.test", "8.8.8.8")
    assert not allows(policy, "good.test", "::ffff:10.0.0.1")
    assert allows(policy, "good.test", "8.8.8.8")


@pytest.mark.parametrize(
    "entry", ["10.*", "1.2.3", "10.0.0.1/8", "10.0.0.0/33", "a b", "http://x", "x:25", "[a]", "a..b"]
)
def test_an_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="no host name, address or range") as caught:
        Hosts.of([entry])
    assert entry in str(caught.value)


def test_the_refusal_names_host_address_and_setting() -> None:
    with pytest.raises(HostNotAllowed) as caught:
        NO_PRIVATE.check("mail.test", ["10.0.0.1"])
    assert str(caught.value).startswith(
        "HOST_NOT_ALLOWED: The mail server mail.test (10.0.0.1) may not be used: it is private, "
        "which ZEEBE_MAIL_DENY_PRIVATE_ADDRESSES forbids."
    )
    assert caught.value.details == {"host": "mail.test", "address": "10.0.0.1"}


# ── looking up ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost.", "LOCALHOST", "127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1",
     "[::1]", "[::ffff:127.0.0.1]", "[0:0:0:0:0:ffff:7f00:1]", "１２７.0.0.1"],
)  # fmt: skip
async def test_no_way_to_write_this_machine_gets_past(host: str) -> None:
    with pytest.raises(HostNotAllowed):
        await resolve(host_name(host), 25, NO_PRIVATE)
    assert await resolve(host_name(host), 25, ANY)


async def test_a_denied_name_is_not_even_looked_up() -> None:
    with pytest.raises(HostNotAllowed):
        await resolve("no-such-host.invalid", 25, all_but("*.invalid"))


async def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is a server that may be reached, every later one the machine that may not."""
    with socket.create_server(("127.0.0.2", 0)) as good:
        port = good.getsockname()[1]
        with socket.create_server(("127.0.0.1", port)) as forbidden:
            answers = ["127.0.0.2"]

            def rebinding(*_: Any, **__: Any) -> Any:
                address = answers.pop() if answers else "127.0.0.1"
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

            monkeypatch.setattr(socket, "getaddrinfo", rebinding)
            connection = await connect(await resolve("rebind.test", port, all_but("127.0.0.1")))
            with connection:
                assert connection.getpeername() == ("127.0.0.2", port)
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not answers
            forbidden.setblocking(False)
            with pytest.raises(BlockingIOError):
                forbidden.accept()


async def test_an_address_that_does_not_answer_does_not_hide_the_next() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        nobody = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.3", port))
        somebody = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        connection = await connect([nobody, somebody])
        connection.close()
        with pytest.raises(ConnectionRefusedError):
            await connect([nobody])


async def test_a_connection_that_is_not_waited_for_any_longer_is_closed() -> None:
    """A full backlog drops our SYN, as a firewall does."""
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(hole.getsockname())
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", hole.getsockname())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connect([address])
