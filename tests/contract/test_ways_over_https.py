"""How destinations are reached over HTTP: by whose authority, with whose certificate, through which proxy."""

from __future__ import annotations

import asyncio
import base64
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from aoc_common.clock import SystemClock
from aoc_common.outbound.web import HttpOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.delivery.scrubbing import ScrubbedSink, secrets_of
from aoc_exporter.outcome import Accepted, Retry
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from certificates import pair
from receiving import LOOPBACK
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from aoc_exporter.outcome import Outcome

ANSWER = b'{"text":"Success","code":0}'
PROXY_PASSWORD = "a-password-of-a-proxy"


class Taken:
    """Heads of the requests that a receiver, or a proxy, has had."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, as Splunk answers."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                self.heads.append(head)
                lengths = [line[15:] for line in head.lower().split("\r\n") if line.startswith("content-length:")]
                await reader.readexactly(int(lengths[0]))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER))
        writer.close()


@asynccontextmanager
async def receiver(taken: Taken, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a receiver."""
    async with await asyncio.start_server(taken.receive, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def proxy(seen: Taken, leads_to: int) -> AsyncIterator[int]:
    """The port of a proxy, behind which every name is one receiver."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.heads.append(head.decode())
        inner, outer = await asyncio.open_connection("127.0.0.1", leads_to)
        if head.startswith(b"CONNECT"):
            writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        else:
            outer.write(head)
        await asyncio.gather(_copied(reader, outer), _copied(inner, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
    writer.close()


def serves(folder: Path, name: str, **changes: Any) -> ssl.SSLContext:
    """What presents a certificate for localhost, which is in a file of that name."""
    certificate, key = pair("localhost", **changes)
    (folder / f"{name}.pem").write_bytes(certificate)
    (folder / f"{name}.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


async def outcomes(url: str, **http: Any) -> Sequence[Outcome]:
    options = SplunkOptions(url=url, token="t", http=HttpOptions(timeout_s=5, allowed_networks=LOOPBACK, **http))
    sink = ScrubbedSink(Splunk(options, SystemClock()), [*secrets_of(options)])
    try:
        return await deliver(sink, items(2))
    finally:
        await sink.close()


async def test_only_who_is_vouched_for_gets_anything_and_why_not_is_said(tmp_path: Path) -> None:
    taken = Taken()
    async with (
        receiver(taken, serves(tmp_path, "good")) as good,
        receiver(taken, serves(tmp_path, "old", ends_in_h=-1)) as old,
    ):
        trusted = await outcomes(f"https://localhost:{good}", tls={"ca_file": tmp_path / "good.pem"})
        assert len(taken.heads) == 1
        stranger = await outcomes(f"https://localhost:{good}")
        another = await outcomes(f"https://localhost:{good}", tls={"ca_file": tmp_path / "old.pem"})
        expired = await outcomes(f"https://localhost:{old}", tls={"ca_file": tmp_path / "old.pem"})
        named_else = await outcomes(f"https://127.0.0.1:{good}", tls={"ca_file": tmp_path / "good.pem"})

    assert trusted == [Accepted()] * 2
    for refused, words in (
        (stranger, "self-signed"),
        (another, "self-signed"),
        (expired, "expired"),
        (named_else, "IP"),
    ):
        assert all(isinstance(one, Retry) and words in one.words for one in refused), refused
    assert len(taken.heads) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_of_ours_is_presented_where_one_is_asked_for(tmp_path: Path, version) -> None:
    taken, context = Taken(), serves(tmp_path, "server")
    serves(tmp_path, "client")
    context.maximum_version = version
    context.load_verify_locations(tmp_path / "client.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    ours = {"client_certificate": tmp_path / "client.pem", "client_key": tmp_path / "client.key"}
    async with receiver(taken, context) as port:
        known = await outcomes(f"https://localhost:{port}", tls={"ca_file": tmp_path / "server.pem", **ours})
        unknown = await outcomes(f"https://localhost:{port}", tls={"ca_file": tmp_path / "server.pem"})

    assert known == [Accepted()] * 2
    assert {type(one) for one in unknown} == {Retry}
    assert len(taken.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_is_asked_with_its_password_for_the_name_that_was_set(tmp_path: Path, scheme: str) -> None:
    seen, taken, context = Taken(), Taken(), serves(tmp_path, "server")
    async with receiver(taken, context if scheme == "https" else None) as port, proxy(seen, port) as way:
        through = f"http://aoc:{PROXY_PASSWORD}@127.0.0.1:{way}"
        made = await outcomes(f"{scheme}://localhost:9999", proxy=through, tls={"ca_file": tmp_path / "server.pem"})
    gone = await outcomes(f"{scheme}://localhost:9999", proxy=through)

    assert made == [Accepted()] * 2
    assert "localhost:9999" in seen.heads[0].splitlines()[0]
    assert base64.b64encode(f"aoc:{PROXY_PASSWORD}".encode()).decode() in seen.heads[0]
    assert "Splunk t" in taken.heads[0]
    # A tunnel is nobody's to look into: what is for the proxy is not for the destination.
    assert scheme == "http" or "proxy-authorization" not in taken.heads[0].lower()
    assert all(isinstance(one, Retry) and PROXY_PASSWORD not in one.words for one in gone)
