"""Streams, consumers and readers' consumers, as `aoc provision` makes them, without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.bus import consumers
from aoc_common.bus.provision import provision
from aoc_common.bus.readers import declare_reader

if TYPE_CHECKING:
    from datetime import datetime

    from faststream.nats import NatsBroker

    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.contracts.publications import Position
    from aoc_common.contracts.reading import Checkpoint, EventFilter, Portion
    from aoc_common.settings import NatsSettings


class _Checkpoints:
    """In memory."""

    def __init__(self) -> None:
        self._states: dict[str, Checkpoint] = {}

    async def read(self, name: str) -> Checkpoint | None:
        return self._states.get(name)

    async def write(self, state: Checkpoint) -> bool:
        self._states[state.name] = state
        return True

    async def forget(self, name: str) -> None:
        self._states.pop(name, None)


class _EmptyLog:
    """Of an installation that has published nothing."""

    async def portion(
        self, after: Position, upto: Position, event_filter: EventFilter, limit: int
    ) -> Portion[EventMessage]:
        raise AssertionError("nothing is read")

    async def since(self, moment: datetime) -> Position | None:  # see `readers.Log`
        return None

    async def unsettled(self, before: datetime) -> bool:  # see `readers.Log`
        return False


async def provision_all(broker: NatsBroker, settings: NatsSettings, **how: Any) -> list[str]:
    """What `provision` does and tells. Readers begin with what there is, and their consumers are made in silence."""
    done = await provision(broker, settings, **how)
    for reader in consumers.READERS:
        if reader.stream in how.get("only", [reader.stream]):
            await declare_reader(broker, reader, _Checkpoints(), _EmptyLog())
    return done
