"""What is on AOC_EVENTS, read as a tool of a user's own does: as `reader`, by an ordered consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats as nats_client

from aoc_common.contracts import subjects
from streams import events_held

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from aoc_common.settings import NatsSettings


async def events_on_the_bus(reader: NatsSettings) -> list[Msg]:
    """Every message, in order. `reader`: how to connect, of a server of the tests'."""
    connection = await nats_client.connect(
        reader.url, user="reader", password="test-reader", inbox_prefix="_INBOX_reader"
    )
    js = connection.jetstream()
    count = await events_held(js)
    subscription = await js.subscribe(subjects.ALL_EVENTS, ordered_consumer=True, stream=subjects.EVENTS_STREAM)
    found = [await subscription.next_msg(5) for _ in range(count)]
    await connection.close()
    return found
