"""A client that sends or reads slowly holds no connection for long. On a real gateway process."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, closing, suppress

import pytest

from aoc_cli.local.ports import LOOPBACK, free_port, listening
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect
from signing_in import make_key
from waiting import until

POST = b"POST /api/fetch-audit-logs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%s"
GET = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"
#: Far more than the limits that are set here, far less than without any.
PATIENCE_S = 20


@pytest.fixture(scope="module")
def stored(mongo_uri):
    """Settings of a database, and the header of a key in it."""
    settings = MongoSettings(uri=mongo_uri, database=f"t{uuid.uuid4().hex[:12]}")

    async def made():
        async with connect(settings) as database:
            return await make_key(database)

    return settings, b"Authorization: Bearer %s\r\n" % asyncio.run(made()).encode()


@pytest.fixture
def key(stored):
    return stored[1]


@pytest.fixture(scope="module")
def port(tmp_path_factory, stored):
    """Where a gateway listens whose limits are short, and whose bus is away."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    limits = {"HEAD_S": "1", "BODY_S": "4", "BODY_BYTES_PER_S": "1000", "ANSWER_S": "1", "CONNECTIONS": "30"}
    mongo, _ = stored
    away = {"AOC_NATS__URL": "nats://127.0.0.1:1", "AOC_MONGO__URI": mongo.uri, "AOC_MONGO__DATABASE": mongo.database}
    directory = tmp_path_factory.mktemp("api")
    away |= {"AOC_API__AUDIT__SPOOL": str(directory / "audit")}
    process = subprocess.Popen(
        [sys.executable, "-m", "aoc_api"],
        env=kept | away | {"AOC_API__PORT": str(port)} | {f"AOC_API__LIMITS__{k}": v for k, v in limits.items()},
        cwd=directory,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: listening(port) or process.poll() is not None)
    assert process.poll() is None
    yield port
    process.kill()
    process.wait()


def connected(port, **options):
    made = socket.socket()
    for name, value in options.items():
        made.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    made.settimeout(PATIENCE_S)
    made.connect((LOOPBACK, port))
    return closing(made)


def said(connection) -> bytes:
    """All that comes until the gateway hangs up."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


def trickled(connection, piece: bytes, every_s: float) -> None:
    """Send a piece again and again until the gateway hangs up."""
    deadline = time.monotonic() + PATIENCE_S
    connection.settimeout(every_s)
    while time.monotonic() < deadline:
        try:
            connection.sendall(piece)
            if connection.recv(65536) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return
    pytest.fail("the gateway never hung up")


def asked_for_ever(connection, key) -> None:
    """Ask again and again, and never read."""
    for _ in range(2000):
        connection.sendall(GET % key)
        time.sleep(0.005)


@pytest.mark.slow
def test_a_body_that_does_not_come_is_answered_408_and_the_connection_closed(port, key) -> None:
    with connected(port) as connection:
        connection.sendall(POST % key + b"Content-Length: 100\r\n\r\n{")
        answer = said(connection)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/too-slow" in answer
    assert b"connection: close" in answer.lower()


@pytest.mark.slow
def test_a_body_that_trickles_is_answered_408_long_before_it_is_whole(port, key) -> None:
    with connected(port) as connection:
        connection.sendall(POST % key + b"Content-Length: 100000\r\n\r\n")
        began = time.monotonic()
        trickled(connection, b" ", 0.2)

    assert time.monotonic() - began < PATIENCE_S


def test_a_head_that_trickles_is_hung_up_on_also_on_a_connection_that_was_used_before(port) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        trickled(connection, b"X-A: b\r\n", 0.2)


def test_a_connection_that_says_nothing_is_hung_up_on(port) -> None:
    with connected(port) as connection:
        assert said(connection) == b""


@pytest.mark.slow
def test_a_client_that_does_not_read_its_answers_is_hung_up_on(port, key) -> None:
    with connected(port, SO_RCVBUF=4096) as connection:
        connection.settimeout(PATIENCE_S)
        with pytest.raises(ConnectionError):
            asked_for_ever(connection, key)


@pytest.mark.slow
def test_a_client_that_is_slow_and_reads_gets_its_answer(port, key) -> None:
    with connected(port, SO_RCVBUF=4096) as connection:
        connection.sendall(GET % (key + b"Connection: close\r\n"))
        found = b""
        while piece := connection.recv(16384):
            found += piece
            time.sleep(0.02)

    head, _, body = found.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert len(body) == length


def test_a_stranger_is_answered_before_his_body_is_awaited(port) -> None:
    with connected(port) as connection:
        connection.sendall(POST % b"" + b"Content-Length: 100\r\n\r\n{")
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_head_that_does_not_end_is_answered_431_before_it_fills_the_memory(port) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        sent = 0
        with suppress(ConnectionError):
            while sent < 16 << 20:
                sent += connection.send(b"x" * 65536)
        answer = said(connection)

    assert sent < 16 << 20
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_heads_and_bodies_of_a_lasting_connection_are_counted_one_by_one(port, key) -> None:
    cookie = b"Cookie: %s\r\n" % (b"x" * 40_000)
    with connected(port) as connection:
        answers = connection.makefile("rb")

        def answered() -> bytes:
            """The status of the next answer, whose body is read too."""
            status, length = answers.readline(), 0
            while (line := answers.readline().lower()) not in {b"\r\n", b""}:
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            answers.read(length)
            return status

        for _ in range(3):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n" % cookie)
            assert answered().startswith(b"HTTP/1.1 200 ")
            connection.sendall(POST % key + b"Content-Length: 200000\r\n\r\n" + b" " * 200_000)
            assert answered().startswith(b"HTTP/1.1 422 ")


@pytest.mark.slow
def test_who_comes_when_there_are_too_many_is_answered_as_any_other_and_told_to_come_again(port) -> None:
    with ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(connected(port))
        last = stack.enter_context(connected(port))
        last.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = said(last).decode().lower()

    assert answer.startswith("http/1.1 503 ")
    assert '"type":"/problems/busy"' in answer
    for header in ("retry-after: ", "x-content-type-options: nosniff", "x-request-id: ", "connection: close"):
        assert header in answer
