"""Remarks about records that a person should know: another tenant's id, a repeated JSON key ..."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from aoc_collector.findings import Finding, Grade
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.remarks import MongoRemarks
from aoc_common.store.remarks import REMARKABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aoc_cli.attach import System
    from aoc_common.store.remarks import Remark

_CHECK: Final = "records"
#: Remarks that are shown, and how long a remark is reported after it was last made.
_MOST: Final = 50
_BACK: Final = timedelta(days=7)
_FIX: Final = {
    "foreign-tenant": "Find out whose records these are and how they came here: the tenants file, or an import",
}
_LOOK: Final = "Look at the record: aoc show {event} --tenant {tenant} --raw"


async def check(system: System) -> list[Finding]:
    """The remarks of the last days. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            return of_remarks(await MongoRemarks(database).since(datetime.now(UTC) - _BACK, _MOST))
    except AocError:
        return []


def of_remarks(remarks: Sequence[Remark]) -> list[Finding]:
    """A finding each."""
    if not remarks:
        return [Finding("system", _CHECK, Grade.OK, f"nothing remarkable in {_BACK.days} days")]
    return [
        Finding(
            remark.tenant,
            _CHECK,
            Grade.WARN,
            f"{remark.count:,} of {remark.source} {REMARKABLE.get(remark.kind, remark.kind)}"
            f" ({remark.kind}; first {remark.first:%Y-%m-%d %H:%M}, last {remark.last:%Y-%m-%d %H:%M} UTC; "
            f"e.g. {remark.example})",
            _FIX.get(remark.kind) or _LOOK.format(event=remark.example, tenant=remark.tenant),
        )
        for remark in remarks
    ]
