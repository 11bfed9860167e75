"""What single destinations say, and what the sinks make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from aoc_common.clock import SystemClock
from aoc_common.errors import Throttled, Unreachable
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_exporter.outcome import Accepted, Refused, Retry
from aoc_exporter.sinks.elastic import Elastic, ElasticOptions
from aoc_exporter.sinks.otlp import Otlp, OtlpOptions
from aoc_exporter.sinks.sentinel import Sentinel, SentinelOptions
from aoc_exporter.sinks.splunk import Splunk, SplunkOptions
from aoc_exporter.sinks.webhook import Webhook, WebhookOptions
from aoc_sim.siem.request_faults import RequestFault, RequestFaults
from aoc_sim.siem.sentinel import SentinelReceiver
from aoc_sim.siem.splunk import SplunkReceiver
from each import each
from receiving import LOCAL, SECRET, Account, Tokens, serving
from siem_entries import items

if TYPE_CHECKING:
    from collections.abc import Sequence

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


@each("sink_at", [splunk, splunk_acks, elastic, otlp, sentinel, webhook])
async def test_a_page_of_something_in_between_settles_nothing(sink_at) -> None:
    made = await said(Response(PAGE, media_type="text/html"), sink_at, items(2))

    assert isinstance(made, Unreachable)
    assert "<html>" not in str(made)


HTML = "text/html; charset=utf-8"


@each(
    ("body", "media", "taken"),
    [
        (b"", None, True), (b"", HTML, True), (b"ok", HTML, True), (b"\nOK\n", "text/plain", True),
        (b'{"ok":true}', "application/json", True), (b'{"page":"<html>"}', HTML, True), (b"7 < 8", "text/plain", True),
        (b'<?xml version="1.0"?><ok/>', "application/xml", True), (b"<htmlx>", "text/plain", True),
        (PAGE, None, False), (PAGE, "application/json", False), (b"<form>Sign in</form>", HTML, False),
        (b"\r\n <!DOCTYPE html PUBLIC>", "text/plain", False), (b"<!-- proxy --><HTML lang=en>", None, False),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html>', "application/xhtml+xml", False), (b" <p>", "TEXT/HTML", False),
        (b"\xef\xbb\xbf<html>", None, False),
    ],
)  # fmt: skip
async def test_a_success_of_a_webhook_counts_with_anything_but_a_page(body: bytes, media: Any, taken: bool) -> None:
    made = await said(Response(body, media_type=media), webhook, items(2))

    assert (made == [Accepted()] * 2) is taken
    assert taken or (isinstance(made, Unreachable) and "a page of HTML" in str(made))


async def test_a_page_of_megabytes_is_looked_at_from_its_beginning_only() -> None:
    comments = Response(b"<!-- x -->" * 200_000 + b"y", media_type="text/plain")

    assert await said(comments, webhook, items(1)) == [Accepted()]


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


async def test_secrets_are_in_no_form_of_the_options() -> None:
    options = [
        SplunkOptions(url="https://x.example", token=TOKEN),
        ElasticOptions(url="https://x.example", api_key=TOKEN, password=TOKEN),
        OtlpOptions(url="https://x.example", headers={"x": TOKEN}),
        WebhookOptions(url="https://x.example", secret=TOKEN),
        SplunkOptions(url="https://x.example", token="t", http={"proxy": f"http://user:{TOKEN}@proxy.example"}),
    ]

    assert all(TOKEN not in form for one in options for form in (repr(one), str(one), one.model_dump_json()))
