"""Answers that break on their way."""

from __future__ import annotations

import gzip
import zlib
from types import SimpleNamespace

import pytest

from aoc_sim.faults import FaultDice, Faults
from aoc_sim.transport import BrokenTransport
from each import each

BODY = b'{"value": [' + b'{"id": "a"},' * 40 + b"{}]}"


async def served(path="/v1.0/auditLogs/signIns", status=200, method="GET", **rates):
    """What arrives of an answer: its start, and its messages of body."""

    async def app(_scope, _receive, send):
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    sent = []

    async def send(message):
        sent.append(message)

    world = SimpleNamespace(dice=FaultDice(Faults(**rates), 1))
    await BrokenTransport(app, world)({"type": "http", "method": method, "path": path}, None, send)
    return dict(sent[0]["headers"]), sent[1:]


async def test_a_body_that_is_cut_short_promised_all_of_it():
    headers, [body] = await served(reset_rate=1)

    assert (headers[b"content-length"], body["more_body"]) == (str(len(BODY)).encode(), True)
    assert 0 < len(body["body"]) < len(BODY)


async def test_a_compressed_body_that_is_cut_off_cannot_be_read_to_its_end():
    headers, [body] = await served(truncated_gzip_rate=1)

    assert headers[b"content-encoding"] == b"gzip"
    assert headers[b"content-length"] == str(len(body["body"])).encode()
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(body["body"])


async def test_a_proxy_answers_with_a_page_of_its_own_and_says_that_all_is_well():
    headers, [body] = await served(proxy_page_rate=1)

    assert headers[b"content-type"] == b"text/html"
    assert body["body"].startswith(b"<!DOCTYPE html>")


@each("of", [{"path": "/_truth"}, {"path": "/tenant/oauth2/v2.0/token"}, {"status": 429}, {"method": "POST"}])
async def test_only_good_answers_of_the_apis_break(of):
    _, [body] = await served(**of, reset_rate=1, truncated_gzip_rate=1, proxy_page_rate=1)

    assert body["body"] == BODY
