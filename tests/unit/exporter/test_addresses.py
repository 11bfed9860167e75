"""Destinations that are not public are refused unless their network is allowed."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.outbound.addresses import Addresses, network
from aoc_common.outbound.refusals import Unusable
from aoc_common.outbound.web import HttpOptions, TlsOptions, checked
from each import each

if TYPE_CHECKING:
    from collections.abc import Iterable

INSIDE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:169.254.169.254",
    "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


@each("address", INSIDE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(Unusable, match="no public address"):
        Addresses().check(ip_address(address))


@each("address", PUBLIC)
def test_a_public_address_may_be_reached(address: str) -> None:
    Addresses().check(ip_address(address))


def test_an_allowed_network_allows_its_own_addresses_only() -> None:
    addresses = Addresses((network("10.1.0.0/16"),))
    addresses.check(ip_address("10.1.2.3"))
    addresses.check(ip_address("::ffff:10.1.2.3"))

    for other in ("10.2.0.1", "169.254.169.254", "::1"):
        with pytest.raises(Unusable):
            addresses.check(ip_address(other))


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: Iterable[str]) -> list[str]:
    """Names lead to these addresses, one answer after the other. Gives the names that were asked for."""
    asked: list[str] = []
    left = [list(answer) for answer in answers]

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return asked


async def test_a_name_that_leads_inside_by_one_of_its_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "169.254.169.254"])

    with pytest.raises(Unusable):
        await Addresses().resolve("siem.example", 443)


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is asked for once cannot lead elsewhere the second time."""
    served: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = resolving(monkeypatch, ["127.0.0.1"], ["10.255.255.1"])
    async with server, HttpOptions(allowed_networks=("127.0.0.0/8",)).client() as client:
        answer = await client.post(f"http://siem.example:{port}/x", content=b"")

    assert answer.status_code == 204
    assert asked == ["siem.example"]
    assert f"host: siem.example:{port}".encode() in served[0].lower()


async def test_where_one_address_of_a_name_is_dead_the_next_one_is_reached_and_is_the_first_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(4) == b"body"
        served.append(head.decode())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = resolving(monkeypatch, *[["::1", "127.0.0.1"]] * 3)
    client = HttpOptions(allowed_networks=("127.0.0.0/8", "::1/128")).client()
    async with server, client:
        tried = counting(monkeypatch)
        for _ in range(2):
            await client.post(f"http://siem.example:{port}/x", content=b"body")
    gone = HttpOptions(allowed_networks=("127.0.0.0/8", "::1/128")).client()
    with pytest.raises(httpx.ConnectError):
        await gone.post(f"http://siem.example:{port}/x", content=b"body")

    assert len(served) == 2
    assert tried == ["::1", "127.0.0.1", "127.0.0.1", "::1", "127.0.0.1"]
    assert len(asked) == 3


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts that requests went to, in their order."""
    tried: list[str] = []
    handle = httpx.AsyncHTTPTransport.handle_async_request

    async def counted(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        tried.append(request.url.host)
        return await handle(self, request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", counted)
    return tried


@each("url", ["http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "http://localhost/", "http://0x7f.1/"])
async def test_no_spelling_of_this_machine_is_reached(url: str) -> None:
    async with HttpOptions().client() as client:
        with pytest.raises((Unusable, Unreachable, httpx.InvalidURL)):
            await client.post(url, content=b"")


async def test_a_name_that_leads_nowhere_may_lead_somewhere_later(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, [])

    with pytest.raises(Unreachable, match="leads nowhere"):
        await Addresses().resolve("siem.example", 443)


def test_settings_that_cannot_be_used_are_named() -> None:
    with pytest.raises(BadConfiguration, match="allowed_networks"):
        checked(("10.0.0.0/99",))
    with pytest.raises(BadConfiguration, match=r"no-such\.pem"):
        TlsOptions(ca_file="no-such.pem").context()
