"""Live tails over HTTP when their gateway is killed, and when very many look on, one of whom reads nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from aoc_cli.local.ports import free_port
from aoc_common.contracts.access import Grant
from reader_bench import sign_ins
from signing_in import bearer, make_key
from thoroughness import THOROUGH

from .conftest import WAIT_S, Tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from .conftest import Gateways

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READER = Grant("reader", tenants=frozenset({"contoso"}))
READERS = 200 if THOROUGH else 80
EVENTS = 30
#: What a summary shows of it: some KiB.
LONG = {"appDisplayName": "x" * 9_000, "userPrincipalName": "y" * 9_000, "resourceDisplayName": "z" * 9_000}


@asynccontextmanager
async def process(gateways: Gateways) -> AsyncIterator[tuple[str, subprocess.Popen[bytes]]]:
    """A gateway in a process of its own, with the key of the others."""
    port, bus = free_port(), gateways.bus
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
    env = clean | {
        "AOC_MONGO__URI": gateways.mongo.uri,
        "AOC_MONGO__DATABASE": gateways.mongo.database,
        "AOC_NATS__URL": bus.url,
        "AOC_NATS__USER": bus.user or "",
        "AOC_NATS__PASSWORD": str(bus.password),
        "AOC_API__PORT": str(port),
        "AOC_API__CURSOR_KEY": gateways.key,
        "AOC_API__DEFAULT_TENANT": "contoso",
        "AOC_API__AUDIT__SPOOL": str(gateways.tmp_path / "spool"),
    }
    running = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-m", "aoc_api"], env=env, stderr=subprocess.DEVNULL
    )
    base = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"{base}/livez")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
        yield base, running
    finally:
        running.kill()
        running.wait()


@asynccontextmanager
async def tail(client: httpx.AsyncClient, base: str, place: str) -> AsyncIterator[Tail]:
    headers = {"Last-Event-ID": place} if place else {}
    async with client.stream("GET", f"{base}/api/events/stream", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        reader = Tail(answer.aiter_lines(), place)
        await reader.block()  # it listens
        yield reader


def ids(blocks: Iterable[Any]) -> list[str]:
    return [block.data["id"] for block in blocks if block.kind == "message" and block.data is not None]


async def test_a_gateway_that_is_killed_under_a_tail_leaves_no_hole_and_doubles_nothing(gateways, rig) -> None:
    secret, done = await make_key(gateways.database, READER), asyncio.Event()
    got: list[str] = []
    place = ""

    async def publish() -> None:
        while not done.is_set():
            await rig.publish(*sign_ins(5))

    async with httpx.AsyncClient(headers=bearer(secret), timeout=WAIT_S) as client:
        publishing = None
        for _ in range(3):
            async with process(gateways) as (base, killed), tail(client, base, place) as reader:
                publishing = publishing or asyncio.create_task(publish())
                before = len(ids(reader.blocks))
                await reader.events(20)
                killed.kill()
                # What was on its way still comes, and then the connection is broken.
                with suppress(httpx.TransportError):
                    while await reader.block() is not None:
                        pass
                got += ids(reader.blocks)
                assert len(got) > before
                place = reader.place
        done.set()
        await publishing
        published = [str(one.id) for one in await rig.published()]
        async with process(gateways) as (base, _), tail(client, base, place) as last:
            got += await last.events(len(published) - len(got))

    assert got == published
    assert len(got) > 60


def slow_reader(base: str, secret: str) -> socket.socket:
    """A client that asks for a tail, and reads nothing of it; it has room for next to nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(base.rpartition(":")[2])))
    head = f"GET /api/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


async def test_very_many_readers_have_every_event_while_one_of_them_reads_nothing(gateways, rig) -> None:
    limits = {"tails": READERS, "tails_per_caller": READERS, "connections": READERS + 50, "answer_s": 3}
    limit = httpx.Limits(max_connections=READERS + 10)
    secret = await make_key(gateways.database, READER)
    async with gateways.running(READER, limits=limits) as gateway:
        base = str(gateway.client.base_url).rstrip("/")
        tails, stuck = gateway.app.state.services.admission._tailing, slow_reader(base, secret)
        async with AsyncExitStack() as stack:
            timeout = httpx.Timeout(WAIT_S, pool=60)
            client = httpx.AsyncClient(headers=bearer(secret), timeout=timeout, limits=limit)
            await stack.enter_async_context(client)
            readers = [await stack.enter_async_context(tail(client, base, "")) for _ in range(READERS - 1)]
            one_more = await gateway.client.get("/api/events/stream")
            began = time.monotonic()
            async with asyncio.timeout(120):
                for _ in range(EVENTS // 10):
                    await rig.publish(*sign_ins(10, **LONG))
                    seen = await asyncio.gather(*(reader.events(10) for reader in readers))
                    assert len({tuple(one) for one in seen}) == 1
            took = time.monotonic() - began
        published = [str(one.id) for one in await rig.published()]
        # Who reads nothing is cut off, when more came than its connection holds.
        async with asyncio.timeout(60):
            while tails.total():
                await rig.publish(*sign_ins(50, **LONG))
        stuck.close()

    print(f"{READERS - 1} readers had {EVENTS} events in {took:.1f} s")  # noqa: T201  # for who runs it with -s
    assert (one_more.status_code, one_more.json()["type"].rpartition("/")[2]) == (503, "busy")
    assert [ids(reader.blocks) for reader in readers] == [published] * (READERS - 1)
