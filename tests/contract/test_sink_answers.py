"""What single destinations say, and what the sinks make of it."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aoc_common.clock import SystemClock
from aoc_common.errors import BadConfiguration, Throttled, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_common.outbound.web import TlsOptions
from aoc_exporter.delivery.deliver import deliver
from aoc_exporter.framing.syslog import Framing
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks import syslog
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.sentinel import Sentinel, SentinelOptions
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from aoc_exporter.sinks.syslog import Syslog, SyslogOptions
from aoc_exporter.sinks.webhook import Webhook, WebhookOptions
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.sentinel import SentinelReceiver
from aoc_sim.siem.splunk import SplunkReceiver
from aoc_sim.siem.syslog import SyslogReceiver
from certificates import pair
from each import each
from receiving import LOCAL, LOOPBACK, SECRET, Account, Tokens, serving
from refusing import Refusal, refusing
from siem_entries import item, items

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aoc_exporter.delivery.port import Sink
    from aoc_exporter.item import Item

CLOCK = SystemClock()
TOKEN = "a-token-that-nobody-may-see"


async def said(answer: Response, sink_at, sent: Sequence[Item]) -> Any:
    """What a sink makes of one answer: outcomes, or what it raises."""

    async def serve(_: object) -> Response:
        return answer

    async with serving([Route("/{path:path}", serve, methods=["POST"])]) as url:
        sink: Sink = sink_at(url)
        try:
            return await sink.send(sent)
        except (Throttled, Unreachable, Unusable, RefusedWhole) as error:
            return error
        finally:
            await sink.close()


def splunk(url: str) -> Sink:
    return Splunk(SplunkOptions(url=url, token=TOKEN, http=LOCAL), CLOCK)


def splunk_acks(url: str) -> Sink:
    return Splunk(SplunkOptions(url=url, token=TOKEN, http=LOCAL, acknowledgements=True), CLOCK)


def elastic(url: str) -> Sink:
    return Elastic(ElasticOptions(url=url, api_key=TOKEN, http=LOCAL))


def otlp(url: str) -> Sink:
    return Otlp(OtlpOptions(url=url, headers={"x-key": TOKEN}, http=LOCAL))


def webhook(url: str) -> Sink:
    return Webhook(WebhookOptions(url=url, secret=SECRET, http=LOCAL), CLOCK)


def sentinel(url: str) -> Sink:
    return Sentinel(SentinelOptions(endpoint=url, rule="dcr-1", http=LOCAL), Tokens(TOKEN))


@each("sink_at", [splunk, elastic, otlp, webhook, sentinel])
@each(
    ("status", "expected"),
    [
        (301, Unusable), (400, RefusedWhole), (401, Unusable), (403, Unusable), (404, Unusable), (408, Unreachable),
        (413, RefusedWhole), (422, RefusedWhole), (429, Throttled), (502, Unreachable), (503, Unreachable),
        (504, Unreachable),
    ],
)  # fmt: skip
async def test_a_status_is_about_us_about_the_content_or_passes(sink_at, status: int, expected: type) -> None:
    made = await said(PlainTextResponse("words of theirs", status), sink_at, items(2))

    assert type(made) is expected
    assert str(status) in str(made)
    assert TOKEN not in repr(made)


async def test_500_is_final_for_otlp_only() -> None:
    answer = PlainTextResponse("", 500)

    assert isinstance(await said(answer, otlp, items(2)), RefusedWhole)
    assert isinstance(await said(answer, splunk, items(2)), Unreachable)


@each("sink_at", [splunk, elastic, otlp, webhook, sentinel])
@each(("asked", "waited"), [("7", 7.0), ("0", 1.0), ("-5", 1.0), ("1e9", 300.0), ("soon", None)])
async def test_a_wait_that_is_asked_for_is_obeyed_within_a_bound(sink_at, asked: str, waited: float | None) -> None:
    made = await said(Response(status_code=429, headers={"Retry-After": asked}), sink_at, items(1))

    assert isinstance(made, Throttled)
    assert made.retry_after == waited


@each(
    ("status", "code", "expected"),
    [
        (400, 5, RefusedWhole), (400, 6, RefusedWhole), (400, 7, Unusable), (400, 10, Unusable), (400, 11, Unusable),
        (400, 12, RefusedWhole), (400, 13, RefusedWhole), (400, 14, Unusable), (401, 2, Unusable), (401, 3, Unusable),
        (403, 1, Unusable), (403, 4, Unusable), (500, 8, Unreachable), (503, 9, Throttled),
    ],
)  # fmt: skip
async def test_a_code_of_splunk_means_what_splunk_says(status: int, code: int, expected: type) -> None:
    made = await said(JSONResponse({"text": "words", "code": code}, status), splunk, items(2))

    assert type(made) is expected
    assert f"{code} words" in str(made)


async def test_splunk_names_the_event_that_it_refuses() -> None:
    answer = JSONResponse({"text": "Invalid data format", "code": 6, "invalid-event-number": 1}, 400)
    made = await said(answer, splunk, items(3))

    assert isinstance(made, RefusedWhole)
    assert (made.at, made.maybe_taken) == (1, True)


@each("answer", [{"text": "Success", "code": 0}, {"code": 0, "ackId": "x"}, {"code": 0, "ackId": None}])
async def test_a_token_without_acknowledgements_is_told_apart_from_a_batch_that_is_not_indexed(answer: object) -> None:
    made = await said(JSONResponse(answer), splunk_acks, items(2))

    assert isinstance(made, Unusable)
    assert "off for this token" in str(made)


async def test_a_batch_that_splunk_never_acknowledges_comes_again_and_counts_as_repeated() -> None:
    receiver = SplunkReceiver(RequestFaults([RequestFault.SILENT]), acknowledges=True)
    account = Account()
    async with serving(receiver.routes()) as url:
        options = SplunkOptions(
            url=url, token="hec-token", http=LOCAL,
            acknowledgements=True, acknowledge_every_s=0.02, acknowledge_within_s=0.2,
        )  # fmt: skip
        sink = Splunk(options, CLOCK)
        await account.send(sink, items(5))
        await sink.close()

    assert "was not acknowledged" in account.words[0]
    assert receiver.taken.doubled == account.repeats.total() == 5


@each(
    "answer",
    [
        b"", b"[]", b"{}", b"not json", b'{"errors":true}', b'{"errors":true,"items":[{"create":{"status":201}}]}',
        b'{"errors":true,"items":[{"create":{}},{"create":{}}]}', b'{"errors":true,"items":["x","y"]}',
        b'{"errors":true,"items":[{},{}]}',
    ],
)  # fmt: skip
async def test_an_answer_of_bulk_that_is_none_settles_nothing(answer: bytes) -> None:
    assert isinstance(await said(Response(answer), elastic, items(2)), Unreachable)


@each("encoding", ["json", "protobuf"])
async def test_an_answer_of_otlp_that_is_none_settles_nothing_and_an_empty_one_is_a_success(encoding: Any) -> None:
    def sink(url: str) -> Sink:
        return Otlp(OtlpOptions(url=url, encoding=encoding, http=LOCAL))

    page, number = b"<html>Sign in</html>", b'{"partialSuccess":7}'
    for answer in (page, b"[]", number, b"\xc3(", b'{"partialSuccess":{"rejectedLogRecords":"x"}}'):
        assert isinstance(await said(Response(answer), sink, items(2)), Unreachable), answer
    assert await said(Response(b""), sink, items(2)) == [Accepted()] * 2


#: As a proxy or a portal in between answers: by a page that is a success.
PAGE = b"<html>Sign in</html>"


@each("sink_at", [splunk, splunk_acks, elastic, otlp, sentinel])
async def test_a_page_of_something_in_between_settles_nothing(sink_at) -> None:
    made = await said(Response(PAGE, media_type="text/html"), sink_at, items(2))

    assert isinstance(made, Unreachable)
    assert "html" not in str(made)


@each("answer", [b"", b"[]", b"{}", b'"yes"', b"7", b'{"code":"0"}', b'{"text":"Incorrect index","code":7}'])
async def test_a_success_of_splunk_that_does_not_say_so_settles_nothing(answer: bytes) -> None:
    assert isinstance(await said(Response(answer), splunk, items(2)), Unreachable)
    assert await said(Response(b'"OK"'), splunk, items(2)) == [Accepted()] * 2


async def test_every_document_has_the_outcome_of_its_own_answer() -> None:
    statuses = [200, 201, 409, 429, 503, 400, 404, 403]
    answer = {
        "errors": True,
        "items": [{"create": {"status": status, "error": {"type": "kind", "reason": "why"}}} for status in statuses],
    }
    made = await said(JSONResponse(answer), elastic, items(len(statuses)))

    assert [type(outcome) for outcome in made] == [Accepted] * 3 + [Retry] * 2 + [Refused] + [Retry] * 2
    assert made[5].words == "elastic: 400 kind: why"
    assert made[6].after_s == 60.0


async def test_a_token_that_has_expired_is_renewed_once() -> None:
    receiver = SentinelReceiver(tokens={"fresh"})
    async with serving(receiver.routes()) as url:
        options = SentinelOptions(endpoint=url, rule="dcr-1", http=LOCAL)
        renewing, stale = Sentinel(options, Tokens("old", "fresh")), Sentinel(options, Tokens("old", "older"))

        assert await renewing.send(items(2)) == [Accepted()] * 2
        with pytest.raises(Unusable, match="401"):
            await stale.send(items(2))
        await renewing.close()
        await stale.close()


async def test_an_answer_of_megabytes_is_not_kept() -> None:
    made = await said(PlainTextResponse("x" * 2_000_000, 422), webhook, items(1))

    assert isinstance(made, RefusedWhole)
    assert len(str(made)) <= 500


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


def test_certificates_that_are_not_there_stop_a_start_by_name() -> None:
    with pytest.raises(BadConfiguration, match=r"nowhere\.pem"):
        over_tls(1, tls=TlsOptions(client_certificate="nowhere.pem"))


async def test_secrets_are_in_no_form_of_the_options() -> None:
    options = [
        SplunkOptions(url="https://x.example", token=TOKEN),
        ElasticOptions(url="https://x.example", api_key=TOKEN, password=TOKEN),
        OtlpOptions(url="https://x.example", headers={"x": TOKEN}),
        WebhookOptions(url="https://x.example", secret=TOKEN),
        SplunkOptions(url="https://x.example", token="t", http={"proxy": f"http://user:{TOKEN}@proxy.example"}),
    ]

    assert all(TOKEN not in form for one in options for form in (repr(one), str(one), one.model_dump_json()))
