"""Rules and tenants' lists are followed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_alerter.following_rules import FollowingRules
from aoc_common.bus.tenant_changes import hearing
from aoc_common.clock import SystemClock
from aoc_common.store.mongo.rules import MongoRules
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants.combined_registry import CombinedTenants
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants
from aoc_common.tenants.stored_registry import StoredTenants

if TYPE_CHECKING:
    from aoc_alerter.settings import AlerterSettings
    from aoc_common.service.worker import Parts
    from aoc_rules.library import LibraryBuilder


async def follow(library_builder: LibraryBuilder, settings: AlerterSettings, parts: Parts) -> FollowingRules:
    """The rules at work, followed for as long as the service runs. Raises `Transient`."""
    resources = parts.resources
    following = FollowingRules(MongoRules(resources.database), library_builder, resources.clock)
    await following.look()
    parts.every(settings.alerter.rules_s, "following rules", following.look)
    return following


async def tenants(parts: Parts) -> StoredTenants:
    """The registry of tenants, followed likewise."""
    stored = StoredTenants(MongoTenantSettings(parts.resources.database), parts.resources.clock)
    await parts.enter(hearing(parts.resources.broker, stored.wake))
    return stored


def registry(settings: AlerterSettings, stored: StoredTenants) -> CombinedTenants:
    """The tenants of a file and of the registry."""
    file = FileTenants(partial(read_tenants, settings.tenants_file), SystemClock())
    return CombinedTenants(file, stored)
