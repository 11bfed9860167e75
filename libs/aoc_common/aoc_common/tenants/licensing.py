"""Which tenants a licence counts, and what somebody should do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.errors import BadConfiguration
from aoc_common.licence.terms import SETTING
from aoc_common.tenants.file import validated

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from aoc_common.licence.terms import Licences, Terms
    from aoc_common.tenants.records import TenantRecord
    from aoc_common.tenants.tenant import Tenant


def counted(file: Iterable[Tenant], records: Iterable[TenantRecord]) -> set[str]:
    """The names that count: all but simulated ones, of a tenants file and of the registry."""
    names = {tenant.name for tenant in file if not tenant.is_simulated}
    return names | {record.name for record in records if record.state == "active" and not _is_simulated(record)}


def terms_now(licences: Licences, records: Collection[TenantRecord], now: datetime) -> Terms:
    """What the licences allow. A change of a tenant is a time that has passed, whatever the clock says."""
    return licences.terms(now, max((record.changed_at for record in records), default=None))


def advice(licences: Licences, file: Iterable[Tenant], records: Collection[TenantRecord], now: datetime) -> str | None:
    """What somebody should do: about a licence that ends or has ended, or for fewer tenants than there are."""
    terms, number = terms_now(licences, records, now), len(counted(file, records))
    if terms.advice is not None or number <= terms.max_tenants:
        return terms.advice
    return (
        f"{number} tenants are in use, and {terms.max_tenants} may be: what there is is collected and read as before; "
        f"no tenant can be added until {SETTING} holds a licence for more (docs/howto/licence.md)."
    )


def _is_simulated(record: TenantRecord) -> bool:
    try:
        return validated(record.name, record.settings).is_simulated
    except BadConfiguration:
        return False
