"""The registry of an installation whose tenants are in a file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs
from aoc_common.tenants.registry import differences, of_directory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from aoc_common.clock import Clock
    from aoc_common.tenants.registry import TenantChange
    from aoc_common.tenants.tenant import Tenant

_log = logs.get(__name__)

#: Seconds for which what was read is taken to be what the file says.
_FRESH_S: Final = 30.0


class FileTenants:
    """`TenantRegistry` over a tenants file.

    The file is read when this is made, and again when what was read is older than `fresh_s`. A file that has become
    wrong, or is gone, is logged and changes nothing. `read`: see `tenants.file`; making this raises what it raises.
    """

    def __init__(self, read: Callable[[], tuple[Tenant, ...]], clock: Clock, fresh_s: float = _FRESH_S) -> None:
        self._read = read
        self._clock = clock
        self._fresh_s = fresh_s
        self._tenants = read()
        self._read_at = clock.monotonic()
        self._wrong: str | None = None

    async def tenants(self) -> tuple[Tenant, ...]:
        """See `TenantRegistry`."""
        if self._clock.monotonic() - self._read_at >= self._fresh_s:
            await self._refresh()
        return self._tenants

    async def get(self, name: str) -> Tenant | None:
        """See `TenantRegistry`."""
        return next((tenant for tenant in await self.tenants() if tenant.name == name), None)

    async def by_directory(self, tenant_id: str) -> tuple[Tenant, ...]:
        """See `TenantRegistry`."""
        return of_directory(await self.tenants(), tenant_id)

    async def changes(self, known: Iterable[Tenant] = ()) -> AsyncIterator[TenantChange]:
        """See `TenantRegistry`. The file is looked at every `fresh_s` seconds."""
        seen = tuple(known)
        while True:
            current = self._tenants
            for change in differences(seen, current):
                yield change
            seen = current
            await self._clock.sleep(self._fresh_s)
            await self._refresh()

    async def _refresh(self) -> None:
        self._read_at = self._clock.monotonic()
        try:
            self._tenants = await asyncio.to_thread(self._read)
        except BadConfiguration as error:
            if str(error) != self._wrong:
                _log.error("tenants.unreadable", error=str(error))  # the message says all
            self._wrong = str(error)
        else:
            self._wrong = None
