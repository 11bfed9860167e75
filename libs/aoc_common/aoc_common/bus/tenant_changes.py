"""The message that a tenant's settings have changed: on no stream, since services look by themselves too."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aoc_common.bus.broker import LOST, connected, connection
from aoc_common.contracts import subjects
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from faststream.nats import NatsBroker
    from nats.aio.msg import Msg

_log = logs.get(__name__)

_AGAIN_S: Final = 1.0


async def announce(broker: NatsBroker, tenant: str) -> None:
    """Tell the services. A bus that is away is no error: they find out by themselves."""
    if not connected(broker):
        return
    try:
        await connection(broker).publish(subjects.tenant_change(tenant), b"")
    except LOST as error:
        _log.info("tenant.unannounced", tenant=tenant, error=str(error))


@asynccontextmanager
async def hearing(broker: NatsBroker, wake: Callable[[], None]) -> AsyncIterator[None]:
    """Call `wake` whenever a tenant has changed, as soon as the broker is connected, until left."""
    task = asyncio.create_task(_hear(broker, wake))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _hear(broker: NatsBroker, wake: Callable[[], None]) -> None:
    async def on_change(_message: Msg) -> None:
        wake()

    while True:
        if connected(broker):
            try:
                # The client subscribes again by itself after each time that it has reconnected.
                await connection(broker).subscribe(subjects.ALL_TENANT_CHANGES, cb=on_change)
            except LOST as error:
                _log.info("tenants.unheard", error=str(error))
            else:
                wake()  # for what was said before
                return
        await asyncio.sleep(_AGAIN_S)
