"""Work ends when nobody waits for it; what changes anything is done."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.requests import ClientDisconnect

from aoc_api.cancelled_reads import CancelledReads
from each import each


class Client:
    """One request, whose client hangs up when it is told to."""

    def __init__(self, method="GET", path="/api/events", headers=()):
        self.scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
        self.left = asyncio.Event()
        self.sent = []
        self._asked = False

    async def receive(self):
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.sent.append(message)


class Work:
    """An application that works until it is told that it is done."""

    def __init__(self, *, answering=False):
        self.began, self.done, self.ended = asyncio.Event(), asyncio.Event(), []
        self._answering = answering

    async def __call__(self, scope, receive, send):
        if self._answering:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        self.began.set()
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.ended.append("broken off")
            raise
        self.ended.append("done")
        if not self._answering:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answer"})


async def served(client, work, begin_s=10.0):
    task = asyncio.create_task(CancelledReads(work, begin_s)(client.scope, client.receive, client.send))
    await work.began.wait()
    return task


async def test_a_read_ends_when_its_client_hangs_up() -> None:
    client, work = Client(), Work()
    task = await served(client, work)
    client.left.set()

    with pytest.raises(ClientDisconnect):
        await asyncio.wait_for(task, 1)
    assert (work.ended, client.sent) == (["broken off"], [])


@each(
    ("method", "path", "headers"),
    [
        ("POST", "/api/tenants", ()),
        ("DELETE", "/api/grants/x", ()),
        ("GET", "/auth/callback", ()),
        ("GET", "/api/events", [(b"content-length", b"5")]),
        ("GET", "/api/events", [(b"transfer-encoding", b"chunked")]),
    ],
)
async def test_what_may_change_something_goes_on(method, path, headers) -> None:
    client, work = Client(method, path, headers), Work()
    task = await served(client, work, begin_s=0.01)
    client.left.set()
    await asyncio.sleep(0.05)
    work.done.set()
    await task

    assert work.ended == ["done"]


async def test_a_read_whose_answer_does_not_begin_in_time_is_answered_with_advice() -> None:
    client, work = Client(), Work()
    await (await served(client, work, begin_s=0.02))
    start, body = client.sent

    assert (start["status"], work.ended) == (503, ["broken off"])
    assert dict(start["headers"])[b"retry-after"]
    assert json.loads(body["body"])["type"] == "/problems/took-too-long"
    assert "Ask for less" in json.loads(body["body"])["detail"]


async def test_an_answer_that_has_begun_may_take_as_long_as_it_likes_and_hears_of_its_client() -> None:
    client, work = Client(), Work(answering=True)
    task = await served(client, work, begin_s=0.01)
    client.left.set()
    await asyncio.sleep(0.05)
    work.done.set()
    await task

    assert (work.ended, len(client.sent)) == (["done"], 2)


async def test_the_application_sees_an_empty_body_and_then_the_end_of_its_client() -> None:
    seen = []

    async def app(scope, receive, send):
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        seen.append(await receive())

    client = Client()
    client.left.set()
    await CancelledReads(app, 1)(client.scope, client.receive, client.send)

    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]


async def test_a_timeout_of_the_work_itself_is_not_taken_for_its_end() -> None:
    async def app(scope, receive, send):
        raise TimeoutError("mine")

    client = Client()
    with pytest.raises(TimeoutError, match="mine"):
        await CancelledReads(app, 1)(client.scope, client.receive, client.send)
    assert client.sent == []
