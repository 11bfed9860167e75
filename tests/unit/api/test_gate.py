"""Whatever is no HTTP request is refused before anything of the gateway sees it."""

from __future__ import annotations

import pytest

from aoc_api.bodies import BodyLimits
from aoc_api.forwarded import ForwardedHeaders
from aoc_api.middleware import Gate


@pytest.fixture
def passed():
    """The kinds of connection that get behind the gate."""
    return []


@pytest.fixture
def gate(passed):
    """`await gate("websocket")`: what is answered to a connection of that kind from this machine to itself."""

    async def app(scope, receive, send):
        passed.append(scope["type"])

    async def connect(kind):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": f"{kind}.connect"}

        scope = {"type": kind, "path": "/livez", "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1)}
        await Gate(app, BodyLimits(10, 1024), ForwardedHeaders([]))(scope, receive, send)
        return sent

    return connect


@pytest.mark.parametrize("kind", ["websocket", "webtransport"])
async def test_what_is_no_request_gets_nowhere_not_even_where_everybody_may(gate, passed, kind) -> None:
    sent = await gate(kind)

    assert [message["type"] for message in sent] == ["websocket.close"]
    assert passed == []


async def test_the_application_is_told_of_its_start_and_end(gate, passed) -> None:
    assert await gate("lifespan") == []
    assert passed == ["lifespan"]
