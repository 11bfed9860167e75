"""What is on its way of a tenant that was deleted does not come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_common.contracts.subjects import IMPORT_SOURCE, owner
from aoc_common.telemetry import logs
from aoc_normalizer import metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from nats.aio.msg import Msg

    from aoc_common.tenants.records import TenantRecord

_log = logs.get(__name__)


class Tombstones:
    """Knows which pages are of deleted tenants. `records`: of the registry. `forget`: what this process remembers."""

    def __init__(
        self, records: Callable[[], Awaitable[Mapping[str, TenantRecord]]], forget: Callable[[str], None]
    ) -> None:
        self._records = records
        self._forget = forget
        self._forgotten: dict[str, int] = {}

    async def living(self, messages: Sequence[Msg]) -> Sequence[Msg]:
        """The pages that are to be stored. Raises `Transient`."""
        records = await self._records()
        self._forget_gone(records)
        living = [message for message in messages if not _is_gone(message, records)]
        if gone := len(messages) - len(living):
            metrics.PAGES_OF_DELETED.inc(gone)
            _log.warning("pages.of_deleted_tenant", pages=gone)
        return living

    def _forget_gone(self, records: Mapping[str, TenantRecord]) -> None:
        for name, record in records.items():
            if record.state != "active" and self._forgotten.get(name) != record.revision:
                self._forget(name)
                self._forgotten[name] = record.revision


def _is_gone(message: Msg, records: Mapping[str, TenantRecord]) -> bool:
    tenant, source = owner(message.subject)
    record = records.get(tenant)
    if record is None or record.state == "active":
        return False
    # What is imported under the name of a tenant that was deleted before is a case of its own.
    return record.state == "deleting" or source != IMPORT_SOURCE or message.metadata.timestamp < record.changed_at
