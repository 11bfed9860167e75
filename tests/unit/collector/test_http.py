from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from datetime import UTC, datetime

import httpx
import pytest
import stamina

from aoc_collector.microsoft.remote import remote
from aoc_common import http
from aoc_common.errors import Refused, Throttled, Unreachable

GRAPH = remote("graph")
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def client(respond):
    return httpx.AsyncClient(transport=httpx.MockTransport(respond))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("17", 17.0),
        ("0", 1.0),
        ("-3", 1.0),
        ("1e9", 900.0),
        ("-inf", 1.0),
        ("9" * 400, 900.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 900.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Mon, 23 Nov 2026 08:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 1.0),
    ],
)
def test_retry_after_holds_seconds_or_a_date_and_is_believed_within_bounds(value, expected):
    assert expected == http.retry_after(value, None, NOW, 900.0)


def test_a_date_to_retry_after_is_measured_by_the_clock_that_named_it():
    asked = http.retry_after("Mon, 23 Nov 2026 11:00:30 GMT", "Mon, 23 Nov 2026 11:00:00 GMT", NOW, 900.0)

    assert asked == 30.0


@pytest.mark.parametrize(
    ("response", "error", "code"),
    [
        (httpx.Response(429, headers={"Retry-After": "0"}), Throttled, None),
        (httpx.Response(403, json={"error": {"code": "AF429", "message": "too many"}}), Throttled, None),
        (httpx.Response(503, text="<html>"), Unreachable, None),
        (httpx.Response(408), Unreachable, None),
        (httpx.Response(403, json={"error": {"code": "Forbidden", "message": "no"}}), Refused, "Forbidden"),
        (httpx.Response(400, json={"error": {"code": "AF20030"}}), Refused, "AF20030"),
        (
            httpx.Response(401, json={"error": "invalid_client", "error_description": "AADSTS7000215: wrong."}),
            Refused,
            "AADSTS7000215",
        ),
        (httpx.Response(404, json=["odd"]), Refused, ""),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example"}), Refused, ""),
    ],
)
async def test_an_answer_that_is_no_success_raises_what_it_means(response, error, code):
    async with client(lambda _: response) as one:
        with pytest.raises(error) as caught:
            await http.get(one, "https://graph.microsoft.com/x", GRAPH)

    assert code == getattr(caught.value, "code", None)


async def test_a_lost_connection_and_a_body_that_cannot_be_decoded_are_unreachable():
    def broken(request):
        if request.url.path == "/gzip":
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip"))
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    async with client(broken) as one:
        for path in ("/gzip", "/cut"):
            with pytest.raises(Unreachable):
                await http.get(one, f"https://graph.microsoft.com{path}", GRAPH)


async def test_what_is_transient_is_tried_again_and_what_is_refused_is_not():
    asked = []

    def respond(request):
        asked.append(request.url.path)
        return httpx.Response(400 if request.url.path == "/bad" else 500 if len(asked) < 3 else 200, content=b"[]")

    async with client(respond) as one:
        answer = await http.get(one, "https://graph.microsoft.com/good", GRAPH)
        with pytest.raises(Refused):
            await http.get(one, "https://graph.microsoft.com/bad", GRAPH)

    assert answer.body == b"[]"
    assert asked == ["/good"] * 3 + ["/bad"]


async def test_attempts_are_bounded():
    asked = []

    def respond(request):
        asked.append(request)
        return httpx.Response(503)

    async with client(respond) as one:
        with pytest.raises(Unreachable):
            await http.get(one, "https://graph.microsoft.com/x", GRAPH)

    assert len(asked) == 3


async def test_a_retry_after_is_waited_for(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    answers = iter([httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200)])
    with stamina.set_testing(False):
        async with client(lambda _: next(answers)) as one:
            await http.get(one, "https://graph.microsoft.com/x", GRAPH)

    assert slept == [7.0]


async def test_a_very_long_retry_after_is_left_to_the_caller():
    asked = []

    def respond(request):
        asked.append(request)
        return httpx.Response(429, headers={"Retry-After": "600"})

    async with client(respond) as one:
        with pytest.raises(Throttled) as caught:
            await http.get(one, "https://graph.microsoft.com/x", GRAPH)

    assert (caught.value.retry_after, len(asked)) == (600.0, 1)


def bounded(respond, answer_bytes=1024**2, timeout_s=0.05):
    made = http.Client(transport=httpx.MockTransport(respond), timeout=timeout_s)
    made.answer_bytes = answer_bytes
    return made


class Trickle(httpx.AsyncByteStream):
    """Gives pieces for ever, slowly or not, and remembers how many were taken."""

    def __init__(self, piece, every_s=0.0):
        self.piece, self.every_s, self.taken = piece, every_s, 0

    async def __aiter__(self):
        while True:
            await asyncio.sleep(self.every_s)
            self.taken += 1
            yield self.piece


@pytest.mark.parametrize("status", [200, 500])
async def test_an_answer_without_end_is_given_up_at_a_bound(status):
    stream = Trickle(b"x" * 65536)
    async with bounded(lambda _: httpx.Response(status, stream=stream)) as one:
        with pytest.raises(Unreachable):
            await http.send(one, "GET", "https://graph.microsoft.com/x", GRAPH)

    assert stream.taken <= 17


async def test_an_answer_that_trickles_does_not_hold_a_worker_for_ever():
    async with bounded(lambda _: httpx.Response(200, stream=Trickle(b" ", 0.02))) as one, asyncio.timeout(2):
        with pytest.raises(Unreachable):
            await http.send(one, "GET", "https://graph.microsoft.com/x", GRAPH)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [1, 2])
async def test_a_gzip_bomb_is_given_up_before_it_is_unpacked(layers):
    packed = gzip.compress(b"0" * (64 << 20))
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    stream = httpx.ByteStream(packed)
    headers = {"Content-Encoding": ", ".join(["gzip"] * layers)}
    tracemalloc.start()
    async with bounded(lambda _: httpx.Response(200, headers=headers, stream=stream), timeout_s=5) as one:
        with pytest.raises(Unreachable) as caught:
            await http.send(one, "GET", "https://graph.microsoft.com/x", GRAPH)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert caught.value.retry_after >= 60
    assert layers == 1 or most < 16 << 20
