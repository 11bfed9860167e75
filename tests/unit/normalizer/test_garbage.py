"""What failed while a server was away is let go, though its errors hold it in cycles."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from aoc_common.service.worker import Worker
from aoc_normalizer import app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class Batch:
    """Whatever was worked on."""


async def test_a_process_lets_go_of_batches_that_failed() -> None:
    tasks: list[Callable[[], Awaitable[None]]] = []
    parts: Any = SimpleNamespace(every=lambda _interval, _name, work: tasks.append(work))
    settings: Any = None
    failed = held_by_its_error()
    await app.process(Worker("normalizer", settings, nothing)).build(settings, parts)
    for work in tasks:
        await work()

    assert failed() is None


async def nothing(*_: object) -> None:
    """Add no parts."""


def held_by_its_error() -> weakref.ref[Batch]:
    """A batch that nothing holds but an error in a cycle, and that is too young to be looked at."""
    gc.collect()
    batch, error = Batch(), OSError("away")
    batch.error, error.batch = error, batch  # type: ignore[attr-defined]  # as tracebacks do, by way of a frame
    return weakref.ref(batch)
