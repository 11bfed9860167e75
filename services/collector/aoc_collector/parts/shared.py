"""What all parts of a collector work with."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from aoc_collector.clock_faults import ClockJumpDetector, JumpCheckedClock
from aoc_collector.microsoft.apis import Apis
from aoc_collector.microsoft.sharing import Share
from aoc_common import http
from aoc_common.store.mongo.shares import MongoShares

if TYPE_CHECKING:
    import httpx

    from aoc_collector.fleet import Fleet
    from aoc_collector.settings import CollectorSettings, Rate
    from aoc_common.contracts.webhooks import Seals
    from aoc_common.service.worker import Parts
    from aoc_common.tenants.registry import TenantChange

#: Extension of a request: both clocks when it was sent.
_SENT: Final = "aoc.sent"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all parts of a collector work with. `seals`: None without webhooks.

    `clock_jumps`: of the clock of this process. `checked_clock`: for what is fetched, see `clock_faults`.
    """

    parts: Parts
    settings: CollectorSettings
    fleet: Fleet
    apis: Apis
    clock_jumps: ClockJumpDetector
    checked_clock: JumpCheckedClock
    seals: Seals | None = None


async def share(settings: CollectorSettings, fleet: Fleet, seals: Seals | None, parts: Parts) -> Shared:
    """With the clients of Microsoft's APIs, whose limits all collectors share through the database."""
    client = await parts.enter(
        http.make_client(timeout_s=settings.http_timeout_s, answer_bytes=settings.http_answer_bytes)
    )
    shares, member, clock = MongoShares(parts.resources.database), token_hex(6), parts.resources.clock

    def share_of(limit: str, rate: Rate) -> Share:
        return Share(limit, rate, shares, member, settings.rates.replicas, clock)

    jumps = ClockJumpDetector(clock)
    _compare_clocks(client, jumps)
    apis = Apis(settings, client, clock, share_of)

    def forget(change: TenantChange) -> None:
        # Its credentials may be others now.
        if change.before is not None:
            apis.forget(change.before)

    fleet.follow(forget)
    return Shared(parts, settings, fleet, apis, jumps, JumpCheckedClock(clock, jumps), seals)


def _compare_clocks(client: httpx.AsyncClient, jumps: ClockJumpDetector) -> None:
    """Have each answer of a client compared with the clock."""

    async def sending(request: httpx.Request) -> None:
        request.extensions[_SENT] = jumps.reading()

    async def answered(response: httpx.Response) -> None:
        # An answer from a cache is older than it looks.
        if "Age" not in response.headers:
            jumps.answered(response.headers.get("Date", ""), response.request.extensions[_SENT])

    client.event_hooks["request"].append(sending)
    client.event_hooks["response"].append(answered)
