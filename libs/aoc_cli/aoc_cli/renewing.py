"""What commands work with that map stored records again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common.clock import SystemClock
from aoc_common.settings import load
from aoc_common.store.mongo.directory_history import MongoDirectoryHistory
from aoc_common.store.mongo.event_renewal import MongoRenewal
from aoc_common.store.mongo.tenant_ids import MongoTenantIds
from aoc_normalizer.enrich.directory_cache import DirectoryCache, make_look_up
from aoc_normalizer.enrich.tenant_check import remembering
from aoc_normalizer.parts.pages import locating
from aoc_normalizer.settings import NormalizerSettings

if TYPE_CHECKING:
    from aoc_common.clock import Clock
    from aoc_common.store.mongo.client import Database
    from aoc_normalizer.enrich.lookup import LookUp

_NAMES: Final = 50_000


@dataclass(frozen=True, slots=True)
class Renewing:
    """The store of records, what is known beyond them, and the clock."""

    store: MongoRenewal
    look_up: LookUp
    clock: Clock


def renewing(database: Database) -> Renewing:
    """With the normalizer's own settings, e.g. where addresses are. Raises `BadConfiguration`."""
    clock = SystemClock()
    own = remembering(MongoTenantIds(database).id_of, clock)
    directory = DirectoryCache(MongoDirectoryHistory(database), clock, _NAMES)
    locate = locating(load(NormalizerSettings).location_database)
    return Renewing(MongoRenewal(database), make_look_up(directory, locate, own), clock)
