"""Bodies of requests: bounded in time and size, without repeated members."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException

from aoc_api.bodies import MAX_BODY, BodyLimits, bounded, parse
from aoc_api.webhooks.notifications import read_batch, read_content
from aoc_common.errors import Malformed
from each import each

LIMITS = BodyLimits(total_s=0.3, bytes_per_s=1000)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'[{"b": {"c": [{"a": 1, "x": 2, "a": null}]}}]',
        b'{"a": 1, "\\u0061": 2}',
    ],
)
def test_a_member_that_stands_twice_is_refused_and_named_at_any_depth_and_in_any_spelling(body) -> None:
    with pytest.raises(Malformed, match=r"The member 'a' stands twice"):
        parse(body)


@each("body", [b"", b"{", b'{"a": NaN}', b'"\\ud800"', b"[" * 5000, b"\xff", b"1" * 5000 + b"x"])
def test_what_is_no_json_is_refused_and_breaks_nothing(body) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_what_is_json_is_read_as_it_is() -> None:
    assert parse(b'{"a": [1, 2.5, {"a": null}], "b": {"a": "\\u00e9"}}') == {
        "a": [1, 2.5, {"a": None}],
        "b": {"a": "\xe9"},
    }


@pytest.mark.parametrize(
    ("read", "body"), [(read_batch, b'{"value": [], "value": []}'), (read_content, b'[{"x":1,"x":2}]')]
)
def test_a_notification_that_says_something_twice_is_none(read, body) -> None:
    with pytest.raises(Malformed, match="stands twice"):
        read(body)


def coming(*pieces: tuple[float, bytes]):
    """A `receive` whose pieces come after so many seconds each; the last one ends the body."""
    left = list(pieces)

    async def receive():
        if not left:
            await asyncio.sleep(60)
        seconds, body = left.pop(0)
        await asyncio.sleep(seconds)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    return receive


async def read(receive) -> int:
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message["body"])
        more = message["more_body"]
    return size


async def test_a_body_that_takes_too_long_altogether_is_ended_however_steadily_it_comes() -> None:
    with pytest.raises(HTTPException) as ended:
        await asyncio.wait_for(read(bounded(coming(*[(0.05, b"x" * 500)] * 100), LIMITS)), 5)

    assert (ended.value.status_code, ended.value.headers) == (408, {"Connection": "close"})


async def test_a_body_that_comes_slower_than_it_must_is_ended_before_its_time(monkeypatch) -> None:
    monkeypatch.setattr("aoc_api.bodies._GRACE_S", 0.1)
    patient = BodyLimits(total_s=60, bytes_per_s=1000)
    with pytest.raises(HTTPException) as ended:
        await asyncio.wait_for(read(bounded(coming(*[(0.02, b"x")] * 1000), patient)), 5)

    assert ended.value.status_code == 408


async def test_a_body_that_comes_in_time_is_read_and_the_client_may_stay_as_long_as_it_likes() -> None:
    receive = bounded(coming((0.01, b"x" * 10), (0.01, b"y")), LIMITS)

    assert await read(receive) == 11
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receive(), 2 * LIMITS.total_s)


async def test_a_body_that_is_too_large_is_ended_whatever_it_claims() -> None:
    with pytest.raises(HTTPException) as ended:
        await read(bounded(coming(*[(0, b"x" * 1024 * 600)] * 3), BodyLimits(60, 1)))

    assert (ended.value.status_code, MAX_BODY) == (413, 1024 * 1024)
