"""Microsoft's API families, as each tenant's app uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_collector.microsoft.api import Api
from aoc_collector.microsoft.auth import Tokens
from aoc_collector.microsoft.families import families
from aoc_collector.microsoft.pacing import Bucket, Buckets

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aoc_collector.microsoft.families import FamilyName
    from aoc_collector.microsoft.sharing import Share
    from aoc_collector.settings import CollectorSettings, Rate
    from aoc_common.clock import Clock
    from aoc_common.tenants.tenant import Tenant


class Apis:
    """Makes the `Api` of a tenant and a family; a tenant's tokens and limits are shared by all of them."""

    def __init__(
        self,
        settings: CollectorSettings,
        client: httpx.AsyncClient,
        clock: Clock,
        share: Callable[[str, Rate], Share] | None = None,
    ) -> None:
        self.families = families(settings)
        self._settings = settings
        self._client = client
        self._tokens = Tokens(client, clock, settings.http_attempts, settings.longest_asked_s)
        self._buckets = Buckets(clock, share)

    def api(self, tenant: Tenant, family: FamilyName) -> Api:
        """The API family as that tenant's app uses it."""
        return Api(
            self._client,
            self._tokens,
            tenant,
            family=self.families[family],
            bucket=self._bucket(tenant, family),
            attempts=self._settings.http_attempts,
            longest_asked_s=self._settings.longest_asked_s,
        )

    def forget(self, tenant: Tenant) -> None:
        """Its tokens are asked for anew: it was changed, or has left."""
        self._tokens.forget(tenant)

    def throttled(self, tenant: Tenant, family: FamilyName) -> float | None:
        """The share of the last hour's answers that asked for fewer requests; None without any."""
        return self._bucket(tenant, family).throttled

    def _bucket(self, tenant: Tenant, family: FamilyName) -> Bucket:
        return self._buckets.bucket(tenant.client_id, tenant.tenant_id, family, self.families[family].rate)
