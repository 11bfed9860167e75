"""The answers of collectors that have checked a tenant's settings, in `tenant_checks`, for a quarter of an hour."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aoc_common.store.mongo.client import Database, translated
from aoc_common.tenants.checks import CheckFinding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_common.clock import Clock

_KEPT: Final = timedelta(minutes=15)


class MongoTenantChecks:
    """`CheckAnswers` over `tenant_checks`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._checks = database["tenant_checks"]
        self._clock = clock

    async def answer(self, ticket: str, findings: Sequence[CheckFinding]) -> None:
        """Store an answer."""
        document = {"findings": [asdict(one) for one in findings], "expire_at": self._clock.now() + _KEPT}
        with translated("tenant checks"):
            await self._checks.update_one({"_id": ticket}, {"$set": document}, upsert=True)

    async def answered(self, ticket: str) -> list[CheckFinding] | None:
        """The answer."""
        with translated("tenant checks"):
            document = await self._checks.find_one({"_id": ticket})
        return None if document is None else [CheckFinding(**one) for one in document["findings"]]
