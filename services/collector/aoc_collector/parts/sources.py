"""The sources of every tenant, how each is cut into slices, and how long Microsoft keeps what it offers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_collector.slices import Pace
from aoc_collector.sources import SOURCES
from aoc_collector.sources.activity import REACH
from aoc_collector.sources.base import Context, Webhook
from aoc_common.contracts.webhooks import O365_PATH
from aoc_common.store.mongo.waiting import MongoWaitingBlobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_collector.parts.shared import Shared
    from aoc_collector.settings import CollectorSettings
    from aoc_collector.sources.base import Blobs, Source, Spec
    from aoc_common.tenants.tenant import Tenant


def pace(settings: CollectorSettings, spec: Spec) -> Pace:
    """How a source is cut into slices."""
    limits = settings.management if spec.family == "management" else settings.graph
    return Pace(
        lookback=timedelta(seconds=settings.lookback_s),
        overlap=timedelta(seconds=limits.overlap_s),
        longest=timedelta(seconds=limits.max_slice_s),
        settle=timedelta(seconds=settings.settle_delay_s),
        interval=timedelta(seconds=settings.poll_interval_s),
        live=timedelta(seconds=settings.live_window_s),
        reach=timedelta(seconds=limits.rescan_s),
        fetches=None if spec.family == "management" else settings.graph.fetches_per_record,
    )


def retention(settings: CollectorSettings, spec: Spec) -> timedelta | None:
    """How long Microsoft keeps what a source offers, where that is known."""
    if spec.family == "management":
        return REACH
    return timedelta(days=settings.graph.retention_days) if spec.family == "graph_audit" else None


def build(shared: Shared, blobs: Blobs) -> Iterator[tuple[tuple[str, str], Source]]:
    """(tenant, source) -> the source, for all that are configured."""
    settings, resources = shared.settings, shared.parts.resources
    waiting = MongoWaitingBlobs(resources.database)
    for tenant in shared.tenants:
        webhook = _webhook(shared, tenant)
        for name in tenant.sources or SOURCES:
            spec = SOURCES[name]
            context = Context(
                tenant.name,
                tenant.tenant_id,
                shared.apis.api(tenant, spec.family),
                blobs,
                waiting,
                resources.clock,
                settings.publisher_identifier or tenant.tenant_id,
                settings.blob_concurrency,
                webhook=webhook,
                retention=retention(settings, spec) if spec.family == "graph_audit" else None,
            )
            yield (tenant.name, name), spec.build(context)


def _webhook(shared: Shared, tenant: Tenant) -> Webhook | None:
    if shared.seals is None:
        return None
    hooks = shared.settings.webhooks
    seal = shared.seals.seal("o365", tenant.name, tenant.tenant_id)
    return Webhook(f"{hooks.public_url}{O365_PATH}", seal, timedelta(seconds=hooks.lifetime_s))
