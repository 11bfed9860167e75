"""docs/howto/subscribe.md works: what stands there is run as it stands there, against a real nats-server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nats
import pytest
from nats.js.api import AckPolicy, ConsumerConfig

from aoc_cli.deployment.bus import USERS
from aoc_common.bus.broker import close, jetstream, make_broker
from aoc_common.bus.consumers import READERS
from aoc_common.bus.publish import Outgoing, publish_all
from aoc_common.contracts import subjects

PAGE = (Path(__file__).parents[3] / "docs" / "howto" / "subscribe.md").read_text()
#: `go install github.com/nats-io/natscli/nats@latest`
NATS = shutil.which("nats")
IDS = [f"019ab0c4-2f40-8a1b-9c2d-00000000000{n}" for n in range(3)]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def covers(allowed: str, subject: str) -> bool:
    """Whether a pattern of NATS takes a subject, or all that another pattern does."""
    pattern, tokens = allowed.split("."), subject.split(".")
    for number, token in enumerate(pattern):
        if token == ">":
            return len(tokens) > number
        if number >= len(tokens) or (token not in {"*", tokens[number]}) or (token == "*" and tokens[number] == ">"):
            return False
    return len(pattern) == len(tokens)


@pytest.fixture
async def bus(nats_as):
    """A bus with three events, of which the last is the second of two twins."""
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()
    outgoing = [
        Outgoing(
            "aoc.events.contoso.o365-exchange.3004",
            json.dumps({"time": number, "message": f"event {number}"}).encode(),
            {"Nats-Msg-Id": identity} | ({"Aoc-Twin-Of": IDS[0]} if number == 2 else {}),
        )
        for number, identity in enumerate(IDS)
    ]
    await publish_all(jetstream(broker), subjects.EVENTS_STREAM, outgoing)
    await close(broker)
    return nats_as("reader").url


def environment(url: str, user: str = "reader") -> dict[str, str]:
    variables = {"NATS_URL": url, "NATS_USER": user, "NATS_PASSWORD": f"test-{user}", "NATS_PASSWORD_CLI": "test-cli"}
    return os.environ | variables


async def first_lines(count: int, *command: str, env: dict[str, str], having: str = "") -> list[str]:
    """The first lines with this text that a command prints; it is ended then."""
    process = await asyncio.create_subprocess_exec(
        *command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            lines: list[str] = []
            while len(lines) < count and (line := (await process.stdout.readline()).decode()):
                lines += [line.strip()] if having in line else []
            return lines
    finally:
        os.killpg(process.pid, 9)
        await process.wait()


async def test_the_python_of_the_page_reads_each_action_once(bus: str) -> None:
    (program,) = blocks("python")
    lines = await first_lines(2, sys.executable, "-c", program, env=environment(bus))

    assert [json.loads(line) for line in lines] == [[IDS[0], 0, "event 0"], [IDS[1], 1, "event 1"]]


@pytest.mark.slow
async def test_an_ephemeral_consumer_made_as_the_page_says_is_gone_with_its_reader(
    bus: str, nats_as, eventually
) -> None:
    call = re.search(r"`(js\.subscribe\([^`]*AckPolicy[^`]*)`", PAGE)
    assert call is not None
    connection = await nats.connect(bus, user="reader", password="test-reader")
    scope = {"js": connection.jetstream(), "ConsumerConfig": ConsumerConfig, "AckPolicy": AckPolicy}
    subscription = await eval(call[1].replace("\n", " "), scope)
    bodies = [json.loads((await subscription.next_msg(5)).data)["message"] for _ in IDS]
    await connection.close()
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()

    async def gone() -> bool:
        return (await jetstream(broker).stream_info(subjects.EVENTS_STREAM)).state.consumer_count == len(READERS)

    await eventually(gone, 20)
    await close(broker)
    assert bodies == ["event 0", "event 1", "event 2"]


def test_each_subject_that_the_page_asks_for_is_the_readers_to_use() -> None:
    reader = USERS["reader"]
    *_, live, past, operators = blocks("sh")
    asked = re.findall(r"'(\$JS[^']*)'", past)
    listened = [*re.findall(r"nats sub '([^']*)'", live), *re.findall(r"(_INBOX\.\S+) &", past), "aoc.events.>"]

    assert asked
    assert len(listened) == 3
    assert [one for one in asked if not any(covers(allowed, one) for allowed in reader.publish)] == []
    assert [one for one in listened if not any(covers(allowed, one) for allowed in reader.may_subscribe)] == []
    # What `nats sub --stream` asks for: a consumer with a name of the tool's choice.
    named = "$JS.API.CONSUMER.CREATE.AOC_EVENTS.k1qpSrz9.aoc.events.contoso.>"
    assert "--user cli" in operators
    assert any(covers(allowed, named) for allowed in USERS["cli"].publish)


@pytest.mark.skipif(NATS is None, reason="the nats command is not on PATH")
@pytest.mark.parametrize("block", [-2, -1], ids=["as reader, from the past on", "as an operator"])
async def test_the_commands_of_the_page_show_what_the_stream_holds(bus: str, block: int) -> None:
    command = f"{blocks('sh')[block]}\nwait"
    lines = await first_lines(3, "/bin/bash", "-c", command, env=environment(bus), having='{"time"')

    assert [json.loads(line)["message"] for line in lines] == ["event 0", "event 1", "event 2"]


@pytest.mark.skipif(NATS is None, reason="the nats command is not on PATH")
async def test_the_command_of_the_page_shows_what_arrives(bus: str, nats_as) -> None:
    broker = make_broker(nats_as("normalizer"), "normalizer")
    await broker.connect()
    js = jetstream(broker)

    async def publish() -> None:
        while True:
            await js.publish("aoc.events.contoso.o365-exchange.3004", b'{"message": "live"}')
            await asyncio.sleep(0.1)

    publishing = asyncio.create_task(publish())
    subject = "aoc.events.contoso.o365-exchange.3004"
    lines = await first_lines(1, "/bin/bash", "-c", blocks("sh")[-3], env=environment(bus), having=subject)
    publishing.cancel()
    await close(broker)

    assert len(lines) == 1
