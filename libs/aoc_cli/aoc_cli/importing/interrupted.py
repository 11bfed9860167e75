"""Imports that never came to an end: they were killed, or gave up waiting. Nobody else closes their accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_common.store.imports import ImportState
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.imports import imported_pages

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aoc_common.store.imports import ImportAccount
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.imports import ImportedPage

_REASON: Final = (
    "interrupted: it was killed or gave up waiting; what it had read by then is counted, and its files are not on "
    "record. Import them again"
)


async def close_interrupted(database: Database, tenant: str, before: datetime) -> None:
    """Close the accounts of a tenant's imports that began before a moment and never ended, with what is known of them.

    What they had put on the bus is settled by now. One that is at work after all replaces this by its own end.
    Raises `Transient`.
    """
    imports = MongoImports(database)
    for account in await imports.unended(tenant, before):
        await imports.interrupt(await as_interrupted(database, account))


async def as_interrupted(database: Database, account: ImportAccount) -> ImportAccount:
    """An account without an end, with what is known by now. Raises `Transient`."""
    return _with_counts(account, await imported_pages(database, account.tenant, account.id))


def _with_counts(account: ImportAccount, pages: Sequence[ImportedPage]) -> ImportAccount:
    counted = replace(
        account,
        state=ImportState.FAILED,
        reason=_REASON,
        new=sum(page.stored for page in pages),
        changed=sum(page.changed for page in pages),
        duplicates=sum(page.duplicate for page in pages),
        quarantined=sum(page.quarantined for page in pages),
        dead_lettered=sum(page.dead_lettered for page in pages),
        not_understood=sum(page.facts.not_understood for page in pages),
        undated=sum(page.facts.undated for page in pages),
        first=min((page.facts.first for page in pages if page.facts.first is not None), default=None),
        last=max((page.facts.last for page in pages if page.facts.last is not None), default=None),
    )
    stored = counted.new + counted.changed + counted.duplicates
    return replace(counted, records=stored + counted.quarantined + counted.dead_lettered)
