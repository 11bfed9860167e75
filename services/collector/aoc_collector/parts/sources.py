"""The sources of a tenant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from aoc_collector.sources import SOURCES
from aoc_collector.sources.base import Context, Webhook
from aoc_common.contracts.webhooks import O365_PATH
from aoc_common.store.mongo.blob_retries import MongoBlobRetries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_collector.parts.shared import Shared
    from aoc_collector.sources.base import Blobs, Source
    from aoc_common.tenants.tenant import Tenant


def build(shared: Shared, blobs: Blobs, tenant: Tenant) -> Iterator[tuple[str, Source]]:
    """Each source of a tenant that is configured, by its name."""
    settings, resources = shared.settings, shared.parts.resources
    waiting = MongoBlobRetries(resources.database, timedelta(seconds=settings.put_off_s))
    webhook = _webhook(shared, tenant)
    for name in tenant.sources or SOURCES:
        spec = SOURCES[name]
        context = Context(
            tenant.name,
            tenant.tenant_id,
            shared.apis.api(tenant, spec.family),
            blobs,
            waiting,
            shared.checked_clock,
            settings.publisher_identifier or tenant.tenant_id,
            settings.blob_concurrency,
            webhook=webhook,
            retention=shared.apis.families[spec.family].retention,
        )
        yield name, spec.build(context)


def _webhook(shared: Shared, tenant: Tenant) -> Webhook | None:
    if shared.seals is None:
        return None
    hooks = shared.settings.webhooks
    seal = shared.seals.seal("o365", tenant.name, tenant.tenant_id)
    return Webhook(f"{hooks.public_url}{O365_PATH}", seal, timedelta(seconds=hooks.lifetime_s))
