"""What the audit trail knows of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_common.gateway.exports import ExportReceipt
from aoc_common.store.audit_trail import AuditQuery

if TYPE_CHECKING:
    from aoc_common.contracts.audit import AuditEntry
    from aoc_common.store.audit_trail import AuditTrailStore

#: Entries that are looked through: of half as many exports, the newest.
_MOST: Final = 1_000
_PAGE: Final = 200


async def receipt_of(
    entries: AuditTrailStore, tenant: str, actor: str, action: str, export_id: str
) -> ExportReceipt | None:
    """The receipt of one of the newest 500 exports that somebody made of a tenant. Raises `Transient`."""
    before = None
    for _ in range(_MOST // _PAGE):
        page = await entries.search(AuditQuery(tenant, action=action, actor=actor, before=before, limit=_PAGE))
        # Newest first: of an export its end, if it has one, before its beginning.
        for entry in page:
            if entry.event["metadata"].get("correlation_uid") == export_id and "ended" in entry.event["unmapped"]:
                return _receipt(entry, export_id)
        if len(page) < _PAGE:
            return None
        before = page[-1].id
    return None


def _receipt(entry: AuditEntry, export_id: str) -> ExportReceipt:
    noted = entry.event["unmapped"]
    return ExportReceipt(
        id=export_id,
        tenant=entry.chain.tenant,
        state=noted["ended"],
        at=entry.at,
        rows=noted.get("rows"),
        sha256=noted.get("sha256"),
    )
