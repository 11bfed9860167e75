"""Keeps the subscriptions of tenants as they should be, by looking at what Graph has. Nothing about them is stored."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from aoc_collector import metrics
from aoc_collector.subscriptions.graph import GraphSubscriptions, Held, Wanted, compare
from aoc_common.contracts.jobs import PollJob, SubscriptionJob
from aoc_common.contracts.webhooks import GRAPH_PATH, POLLED, RESOURCES
from aoc_common.errors import Refused
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import timedelta

    from aoc_collector.microsoft.api import Api
    from aoc_common.clock import Clock
    from aoc_common.contracts.webhooks import GraphKind, Seals

    type Publish = Callable[[PollJob | SubscriptionJob], Awaitable[bool]]

_log = logs.get(__name__)

#: For users and groups `updated` includes creation and removal, `deleted` is removal for good; of alerts there is no
#: removal (graph-docs, resources/subscription.md).
_CHANGES: dict[GraphKind, str] = {"users": "updated,deleted", "groups": "updated,deleted", "alerts": "created,updated"}


@dataclass(frozen=True, slots=True)
class Target:
    """A tenant, the subscriptions that it should have, and the address that they call."""

    tenant: str
    api: Api
    url: str
    wanted: Sequence[Wanted]


def address(public_url: str, seals: Seals) -> str:
    """Where Graph sends notifications; it says with which secret the subscription was made."""
    return f"{public_url}{GRAPH_PATH}?key={seals.key_id}"


def wanted_of(tenant: str, tenant_id: str, kinds: Collection[GraphKind], url: str, seals: Seals) -> list[Wanted]:
    """The subscriptions of a tenant in which these kinds are collected."""
    return [
        Wanted(kind, RESOURCES[kind], _CHANGES[kind], url, seals.seal(kind, tenant, tenant_id))
        for kind in RESOURCES
        if kind in kinds
    ]


class SubscriptionSync:
    """Brings subscriptions in order. `find` gives a tenant of this collector, or None."""

    def __init__(
        self, find: Callable[[str], Target | None], publish: Publish, lifetime: timedelta, clock: Clock
    ) -> None:
        self._find = find
        self._publish = publish
        self._lifetime = lifetime
        self._clock = clock
        self._told: dict[tuple[str, str], str] = {}

    async def run(self, job: SubscriptionJob) -> None:
        """Create, renew and delete what must be; or only reauthorise one. Idempotent.

        A resource that is refused (a permission) is noted and leaves the others running. Raises `Transient`, also when
        our own address did not answer Graph, and `Refused` when Graph does not even list.
        """
        target = self._find(job.tenant)
        if target is None:
            _log.warning("job.skipped", tenant=job.tenant, reason="not configured here")
        elif job.subscription is not None:
            await self._reauthorize(target, job.subscription)
        else:
            await self._reconcile(target)

    async def _reauthorize(self, target: Target, subscription_id: str) -> None:
        try:
            await GraphSubscriptions(target.api).reauthorize(subscription_id)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            # What creates is one job at a time, so it is not done here.
            await self._publish(SubscriptionJob(tenant=target.tenant))
        else:
            _log.info("subscription.reauthorised", tenant=target.tenant, subscription=subscription_id)
            metrics.SUBSCRIPTIONS.labels(target.tenant, "any", "reauthorised").inc()

    async def _reconcile(self, target: Target) -> None:
        graph = GraphSubscriptions(target.api)
        renew_at = self._clock.now() + self._lifetime / 2
        found = compare(target.wanted, await graph.list(), target.url, renew_at)
        for wanted, held in found.good:
            metrics.SUBSCRIPTION_END.labels(target.tenant, wanted.kind).set(held.expires.timestamp())
        create = [*found.create]
        for wanted, held in found.renew:
            if not await self._renewed(graph, target, wanted, held):
                create.append(wanted)
        for wanted in create:
            await self._create(graph, target, wanted)
        # Last: until the new one is there, the old one may still tell us something.
        for held in found.delete:
            await self._delete(graph, target, held)

    async def _renewed(self, graph: GraphSubscriptions, target: Target, wanted: Wanted, held: Held) -> bool:
        """Renew; False when it is gone meanwhile, or cannot be renewed."""
        until = self._clock.now() + self._lifetime
        try:
            await graph.renew(held, until)
        except Refused as refused:
            _log.info("subscription.lost", tenant=target.tenant, kind=wanted.kind, reason=str(refused))
            return False
        self._note(target, wanted, "renewed", until.timestamp())
        return True

    async def _create(self, graph: GraphSubscriptions, target: Target, wanted: Wanted) -> None:
        until = self._clock.now() + self._lifetime
        try:
            await graph.create(wanted, until)
        except Refused as refused:
            self._refused(target, wanted, str(refused))
            return
        self._note(target, wanted, "created", until.timestamp())
        # While there was none, nobody told us of anything.
        await self._publish(PollJob(tenant=target.tenant, source=POLLED[wanted.kind]))

    async def _delete(self, graph: GraphSubscriptions, target: Target, held: Held) -> None:
        try:
            await graph.delete(held)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        metrics.SUBSCRIPTIONS.labels(target.tenant, "any", "deleted").inc()
        _log.info("subscription.deleted", tenant=target.tenant, subscription=held.id)

    def _note(self, target: Target, wanted: Wanted, what: str, end: float) -> None:
        self._told.pop((target.tenant, wanted.kind), None)
        metrics.SUBSCRIPTIONS.labels(target.tenant, wanted.kind, what).inc()
        metrics.SUBSCRIPTION_END.labels(target.tenant, wanted.kind).set(end)
        _log.info(f"subscription.{what}", tenant=target.tenant, kind=wanted.kind)

    def _refused(self, target: Target, wanted: Wanted, reason: str) -> None:
        """Tell of a refusal, when it is another one than before."""
        metrics.SUBSCRIPTIONS.labels(target.tenant, wanted.kind, "refused").inc()
        key = (target.tenant, wanted.kind)
        if self._told.get(key) != reason:
            self._told[key] = reason
            _log.warning("subscription.refused", tenant=target.tenant, kind=wanted.kind, reason=reason)
