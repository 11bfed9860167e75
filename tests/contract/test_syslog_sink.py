"""Syslog by UDP, TCP and TLS: what arrives, who is trusted, and who is told what."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from aoc_common.errors import BadConfiguration
from aoc_common.outbound.web import TlsOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.framing.syslog import Framing
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks import syslog
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from aoc_sim.siem.syslog import SyslogReceiver
from certificates import pair
from each import each
from receiving import LOOPBACK, Account
from refusing import Refusal, refusing, writing_behind_the_end
from siem_entries import item, items

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("framing", Framing)
async def test_syslog_over_tcp_arrives_in_either_framing(framing: Framing) -> None:
    async with SyslogReceiver(counts_octets=framing is Framing.OCTETS) as receiver:
        options = SyslogOptions(
            host="127.0.0.1", port=receiver.port, transport="tcp", framing=framing, allowed_networks=LOOPBACK
        )
        sink = Syslog(options)
        assert await sink.send(items(50)) == [Accepted()] * 50

    assert receiver.taken.times == dict.fromkeys([one.key for one in items(50)], 1)
    assert receiver.broken_frames == 0


async def test_syslog_reaches_the_address_of_a_name_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    found = [(10, 1, 6, "", ("::1", 0, 0, 0)), (2, 1, 6, "", ("127.0.0.1", 0))]

    async def getaddrinfo(*_: object, **__: object) -> list[Any]:
        return found

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo, raising=False)
    async with SyslogReceiver() as receiver:
        sink = over_tls(receiver.port, transport="tcp")
        for number in range(2):
            assert await sink.send([item(number)]) == [Accepted()]
    outcomes = await deliver(sink, items(2))

    assert len(receiver.taken.times) == 2
    assert [type(one) for one in outcomes] == [Retry] * 2


async def test_syslog_over_udp_arrives_and_what_no_datagram_holds_is_refused() -> None:
    async with SyslogReceiver() as receiver:
        options = SyslogOptions(host="127.0.0.1", port=receiver.port, transport="udp", allowed_networks=LOOPBACK)
        sink = Syslog(options)
        large = item(3, body=b'{"a":"' + b"x" * 70_000 + b'"}')
        outcomes = await sink.send([item(1), item(2), large])
        async with asyncio.timeout(5):
            while len(receiver.taken.times) < 2:
                await asyncio.sleep(0.01)

    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Refused]


@pytest.fixture
def authority(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost, as a file to trust, and what serves it."""
    certificate, key = pair("localhost")
    (tmp_path / "ca.pem").write_bytes(certificate)
    (tmp_path / "both.pem").write_bytes(certificate + key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "both.pem")
    return tmp_path / "ca.pem", context


def over_tls(port: int, **changes) -> Syslog:
    return Syslog(
        SyslogOptions(host="localhost", port=port, allowed_networks=("127.0.0.0/8", "::1/128"), timeout_s=5, **changes)
    )


async def test_syslog_over_tls_arrives_at_a_receiver_that_is_trusted(authority) -> None:
    ca_file, context = authority
    async with SyslogReceiver(certificate=context) as receiver:
        sink = over_tls(receiver.port, tls=TlsOptions(ca_file=ca_file))
        assert await sink.send(items(30)) == [Accepted()] * 30

    assert len(receiver.taken.times) == 30


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_syslog_over_one_connection_that_stays_open(authority, eventually, transport: str) -> None:
    ca_file, context = authority
    account = Account()
    async with SyslogReceiver(certificate=context if transport == "tls" else None) as receiver:
        sink = over_tls(receiver.port, transport=transport, confirm="none", tls=TlsOptions(ca_file=ca_file))
        for number in range(8):
            await account.send(sink, [item(number)])
        await eventually(lambda: len(receiver.taken.times) == 8)
        connections = receiver.taken.requests
        await sink.close()

    assert connections == 1
    assert account.words == []


async def test_syslog_over_tls_tells_nothing_to_a_receiver_that_is_not_trusted(authority) -> None:
    _, context = authority
    async with SyslogReceiver(certificate=context) as receiver:
        outcomes = await deliver(over_tls(receiver.port), items(3))

    assert all(isinstance(outcome, Retry) and "certificate verify failed" in outcome.words for outcome in outcomes)
    assert receiver.taken.times == {}


async def test_syslog_over_tls_presents_its_certificate(authority, tmp_path: Path) -> None:
    ca_file, context = authority
    certificate, key = pair("aoc")
    (tmp_path / "client.pem").write_bytes(certificate + key)
    (tmp_path / "client-ca.pem").write_bytes(certificate)
    context.load_verify_locations(tmp_path / "client-ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    # By TLS 1.3 a receiver refuses after the handshake, by an alert that asyncio's server does not send.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with SyslogReceiver(certificate=context) as receiver:
        known = over_tls(receiver.port, tls=TlsOptions(ca_file=ca_file, client_certificate=tmp_path / "client.pem"))
        stranger = await deliver(over_tls(receiver.port, tls=TlsOptions(ca_file=ca_file)), items(2))
        assert await known.send([item(7)]) == [Accepted()]

    assert {type(outcome) for outcome in stranger} == {Retry}
    assert set(receiver.taken.times) == {item(7).key}


@pytest.mark.parametrize("refusal", Refusal, ids=lambda refusal: refusal.name)
@pytest.mark.parametrize("waits", [True, False], ids=["by-the-first-word", "by-the-end"])
async def test_who_refuses_behind_the_handshake_as_tls_1_3_does_is_sent_it_again(
    authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Refusal, waits: bool
) -> None:
    ca_file, context = authority
    for name in ("friend", "stranger"):
        certificate, key = pair("aoc")
        (tmp_path / f"{name}.pem").write_bytes(certificate + key)
    context.load_verify_locations(tmp_path / "friend.pem")
    friend = TlsOptions(ca_file=ca_file, client_certificate=tmp_path / "friend.pem")
    shown = tmp_path / "stranger.pem" if refusal.by_library else None
    stranger = TlsOptions(ca_file=ca_file, client_certificate=shown)
    # Several records of TLS: one alone is read whole, or not at all.
    sent = [item(number, body=b'{"a":"' + b"x" * 5_000 + b'"}') for number in range(12)]
    if not waits:  # as it is for a receiver that has been silent
        monkeypatch.setattr(syslog, "_FIRST_WORD_S", 0.0)

    async def outcomes(who: TlsOptions, times: int, **changes) -> set[type]:
        sink = over_tls(port, tls=who, **changes)
        made = [outcome for _ in range(times) for outcome in await deliver(sink, sent)]
        await sink.close()
        return set(map(type, made))

    with refusing(context, refusal) as port:
        for run in (asyncio.run, uvloop.run):  # services run on uvloop
            assert await asyncio.to_thread(run, outcomes(stranger, 40)) == {Retry}
            assert await asyncio.to_thread(run, outcomes(friend, 5)) == {Accepted}
            if waits and refusal.by_library:
                assert await asyncio.to_thread(run, outcomes(stranger, 10, confirm="none")) == {Retry}


#: A record of TLS, whole and as its head alone: TLS ignores both behind the end. And a message of ours that comes back.
RECORD, HEAD, MESSAGE = b"\x17\x03\x03\x00\x05hello", b"\x17\x03\x03", b"<110>1 2026-01-01T00:00:00Z aoc aoc - -"


@each(
    ("behind", "expected"),
    [
        ([], Accepted),
        ([RECORD], Accepted),
        ([HEAD, b"<110>"], Accepted),
        ([MESSAGE], Retry),
        ([MESSAGE, RECORD], Retry),
    ],
)
async def test_a_receiver_that_writes_messages_into_the_connection_they_came_by_has_not_taken_them(
    authority, behind: list[bytes], expected: type
) -> None:
    ca_file, context = authority
    with writing_behind_the_end(context, behind) as port:
        outcomes = await deliver(over_tls(port, tls=TlsOptions(ca_file=ca_file)), items(5))

    assert [type(one) for one in outcomes] == [expected] * 5
    assert all("no TLS" in one.words for one in outcomes if isinstance(one, Retry))


async def test_a_connection_that_stayed_open_ends_in_order_with_something_unread() -> None:
    """Else it is reset, and a receiver may drop what it has not read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = over_tls(listener.getsockname()[1], transport="tcp", confirm="none")
        sent = items(40)
        assert await sink.send(sent) == [Accepted()] * 40
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(5)
            accepted.sendall(b"unread")
            closing = asyncio.create_task(sink.close())
            taken = await asyncio.to_thread(lambda: b"".join(iter(lambda: accepted.recv(65_536), b"")))
        await closing

    assert taken == sink.framed(sent)


async def test_a_receiver_that_never_ends_its_side_is_left_when_it_has_been_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(syslog, "_FAREWELL_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sink = over_tls(listener.getsockname()[1], transport="tcp", confirm="none")
        assert await sink.send(items(2)) == [Accepted()] * 2
        async with asyncio.timeout(5):
            await sink.close()


def test_certificates_that_are_not_there_stop_a_start_by_name() -> None:
    with pytest.raises(BadConfiguration, match=r"nowhere\.pem"):
        over_tls(1, tls=TlsOptions(client_certificate="nowhere.pem"))
