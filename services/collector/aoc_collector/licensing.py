"""Which tenants are collected under the licence: whichever were ever collected, and new ones as far as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from aoc_common.clock import Clock
    from aoc_common.licence.terms import Licences
    from aoc_common.tenants.records import TenantRecord
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)


class Admission:
    """Admits tenants. `collected`: the names of all that were collected before. `records`: of the registry.

    What is in the registry was admitted when it was added; this is for new tenants of a file. One that has the name of
    a tenant that was deleted from the registry is not collected: the normalizer stores nothing under that name.
    """

    def __init__(
        self,
        licences: Licences,
        collected: Callable[[], Awaitable[AbstractSet[str]]],
        records: Callable[[], Awaitable[Mapping[str, TenantRecord]]],
        clock: Clock,
    ) -> None:
        self._licences = licences
        self._collected = collected
        self._records = records
        self._clock = clock
        self._refused: tuple[str, ...] = ()
        self._gone: list[str] = []
        self._advice: str | None = None

    async def admitted(self, tenants: Sequence[Tenant]) -> Sequence[Tenant]:
        """Those of these tenants that are collected. Raises `Transient`."""
        records = await self._records()
        latest = max((record.changed_at for record in records.values()), default=None)
        terms = self._licences.terms(self._clock.now(), latest)
        gone = {record.name for record in records.values() if record.state != "active"}
        self._report_gone(sorted(tenant.name for tenant in tenants if tenant.name in gone))
        tenants = [tenant for tenant in tenants if tenant.name not in gone]
        known = {tenant.name for tenant in tenants if tenant.is_simulated} | (records.keys() - gone)
        if not {tenant.name for tenant in tenants} <= known:
            known |= await self._collected()
        counted = sum(tenant.name in known and not tenant.is_simulated for tenant in tenants)
        admitted, refused = [], []
        for tenant in tenants:
            if tenant.name not in known:
                if counted >= terms.max_tenants:
                    refused.append(tenant.name)
                    continue
                counted += 1
            admitted.append(tenant)
        self._report(tuple(refused), terms.advice)
        return admitted

    def _report_gone(self, gone: list[str]) -> None:
        if gone != self._gone:
            self._gone = gone
            if gone:
                remedy = "add them to the registry instead, or give them other names in the tenants file"
                _log.error("tenants.of_deleted_names", tenants=gone, remedy=remedy)

    def _report(self, refused: tuple[str, ...], advice: str | None) -> None:
        if refused != self._refused:
            self._refused = refused
            if refused:
                remedy = "AOC_LICENSE_KEY takes a licence for more tenants (docs/howto/licence.md)"
                _log.error("tenants.unlicensed", tenants=list(refused), remedy=remedy)
        if advice != self._advice:
            self._advice = advice
            if advice is not None:
                _log.warning("licence.advice", advice=advice)
