"""Synchronises the subscriptions of tenants with what Graph lists. Nothing about them is stored."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from aoc_collector import metrics
from aoc_collector.subscriptions.graph import DesiredSubscription, ExistingSubscription, GraphSubscriptions, compare
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
    """A tenant, the subscriptions that it should have, and the address that they notify."""

    tenant: str
    api: Api
    url: str
    desired: Sequence[DesiredSubscription]


def address(public_url: str, seals: Seals) -> str:
    """The address that Graph notifies; its query names the secret that the subscription was made with."""
    return f"{public_url}{GRAPH_PATH}?key={seals.key_id}"


def desired_subscriptions(
    tenant: str, tenant_id: str, kinds: Collection[GraphKind], url: str, seals: Seals
) -> list[DesiredSubscription]:
    """The subscriptions of a tenant in which these kinds are collected."""
    return [
        DesiredSubscription(kind, RESOURCES[kind], _CHANGES[kind], url, seals.seal(kind, tenant, tenant_id))
        for kind in RESOURCES
        if kind in kinds
    ]


class SubscriptionSync:
    """Synchronises subscriptions. `find` gives a tenant of this collector, or None."""

    def __init__(
        self, find: Callable[[str], Target | None], publish: Publish, lifetime: timedelta, clock: Clock
    ) -> None:
        self._find = find
        self._publish = publish
        self._lifetime = lifetime
        self._clock = clock
        self._last_refusals: dict[tuple[str, str], str] = {}

    async def run(self, job: SubscriptionJob) -> None:
        """Create, renew and delete what must be; or reauthorise a single one. Idempotent.

        A resource that is refused (a permission) is noted; the others are synchronised. Raises `Transient`, also when
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
            # Subscriptions are created by one job at a time, so not here.
            await self._publish(SubscriptionJob(tenant=target.tenant))
        else:
            _log.info("subscription.reauthorised", tenant=target.tenant, subscription=subscription_id)
            metrics.SUBSCRIPTIONS.labels(target.tenant, "any", "reauthorised").inc()

    async def _reconcile(self, target: Target) -> None:
        graph = GraphSubscriptions(target.api)
        renew_at = self._clock.now() + self._lifetime / 2
        difference = compare(target.desired, await graph.list(), target.url, renew_at)
        for desired, existing in difference.unchanged:
            metrics.SUBSCRIPTION_END.labels(target.tenant, desired.kind).set(existing.expires.timestamp())
        create = [*difference.create]
        for desired, existing in difference.renew:
            if not await self._renewed(graph, target, desired, existing):
                create.append(desired)
        for desired in create:
            await self._create(graph, target, desired)
        # Last: until the new one exists, the old one may still notify us.
        for existing in difference.delete:
            await self._delete(graph, target, existing)

    async def _renewed(
        self, graph: GraphSubscriptions, target: Target, desired: DesiredSubscription, existing: ExistingSubscription
    ) -> bool:
        """Renew; False when it does not exist any more, or cannot be renewed."""
        until = self._clock.now() + self._lifetime
        try:
            await graph.renew(existing, until)
        except Refused as refused:
            _log.info("subscription.lost", tenant=target.tenant, kind=desired.kind, reason=str(refused))
            return False
        self._note_change(target, desired, "renewed", until.timestamp())
        return True

    async def _create(self, graph: GraphSubscriptions, target: Target, desired: DesiredSubscription) -> None:
        until = self._clock.now() + self._lifetime
        try:
            await graph.create(desired, until)
        except Refused as refused:
            self._refused(target, desired, str(refused))
            return
        self._note_change(target, desired, "created", until.timestamp())
        # Without it there were no notifications: poll.
        await self._publish(PollJob(tenant=target.tenant, source=POLLED[desired.kind]))

    async def _delete(self, graph: GraphSubscriptions, target: Target, existing: ExistingSubscription) -> None:
        try:
            await graph.delete(existing)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
        metrics.SUBSCRIPTIONS.labels(target.tenant, "any", "deleted").inc()
        _log.info("subscription.deleted", tenant=target.tenant, subscription=existing.id)

    def _note_change(self, target: Target, desired: DesiredSubscription, what: str, end: float) -> None:
        self._last_refusals.pop((target.tenant, desired.kind), None)
        metrics.SUBSCRIPTIONS.labels(target.tenant, desired.kind, what).inc()
        metrics.SUBSCRIPTION_END.labels(target.tenant, desired.kind).set(end)
        _log.info(f"subscription.{what}", tenant=target.tenant, kind=desired.kind)

    def _refused(self, target: Target, desired: DesiredSubscription, reason: str) -> None:
        """Log a refusal, when it is another one than before."""
        metrics.SUBSCRIPTIONS.labels(target.tenant, desired.kind, "refused").inc()
        key = (target.tenant, desired.kind)
        if self._last_refusals.get(key) != reason:
            self._last_refusals[key] = reason
            _log.warning("subscription.refused", tenant=target.tenant, kind=desired.kind, reason=reason)
