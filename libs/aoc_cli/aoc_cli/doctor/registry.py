"""The registry of tenants, and the licence: what is in it to be checked, and what somebody should do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_cli.amounts import amount
from aoc_cli.terminal import minute
from aoc_collector.findings import Finding, Grade
from aoc_common.clock import SystemClock
from aoc_common.errors import AocError
from aoc_common.licence import terms
from aoc_common.settings import ServiceSettings, load
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants import licensing
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_cli.attach import System
    from aoc_common.licence.terms import Terms
    from aoc_common.tenants.tenant import Tenant


async def tenants(system: System, in_file: Collection[str], name: str | None = None) -> list[Tenant] | None:
    """The tenants of the registry that are collected, and are not in the file; None where it cannot be asked.

    `name`: only this one, also while it is paused.
    """
    try:
        async with connect(system.mongo) as database:
            stored = await StoredTenants(MongoTenantSettings(database), SystemClock()).tenants()
    except AocError:
        return None  # the check of the servers says why
    own = [tenant for tenant in stored if tenant.name not in in_file]
    return [tenant for tenant in own if (not tenant.paused if name is None else tenant.name == name)]


async def check(system: System, in_file: Collection[str]) -> list[Finding]:
    """What the licence allows, which tenants are paused or being deleted, and which of the file are not collected."""
    settings = load(ServiceSettings)
    licences, now = terms.load(settings.license_key, settings.license_trust), SystemClock().now()
    try:
        async with connect(system.mongo) as database:
            records = await MongoTenantSettings(database).changed_since(None)
    except AocError:
        terms_only = licences.terms(now)
        return [_of_terms(terms_only, terms_only.advice)]
    findings = [_of_terms(licensing.terms_now(licences, records, now), licensing.advice(licences, (), records, now))]
    for record in records:
        if record.state != "active" and record.name in in_file:
            fix = "Add it to the registry instead (aoc tenants add), or give it another name in the tenants file"
            found = "of the tenants file is not collected: a deleted tenant had its name"
            findings.append(Finding(record.name, "registry", Grade.FAIL, found, fix))
        elif record.state == "deleting":
            since = f"is being deleted since {minute(record.changed_at)}"
            findings.append(Finding(record.name, "registry", Grade.OK, since))
        elif record.state == "active" and record.settings.get("paused"):
            fix = f"aoc tenants resume {record.name} goes on; Microsoft keeps most records for a week"
            findings.append(Finding(record.name, "registry", Grade.WARN, "is paused: nothing is collected", fix))
    return findings


def _of_terms(now: Terms, advice: str | None) -> Finding:
    state = "no licence" if now.state == "none" else now.state
    allowed = f"{state}: {amount(now.max_tenants, 'tenant')}"
    if advice is None:
        return Finding("system", "licence", Grade.OK, allowed)
    return Finding("system", "licence", Grade.WARN, allowed, advice)
