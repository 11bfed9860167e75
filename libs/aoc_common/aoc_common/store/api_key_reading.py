"""API keys by their ids, for what goes on when the request that showed the key is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aoc_common.store.api_keys import ApiKey


class ApiKeyReading(Protocol):
    """Keys as they are now."""

    async def get(self, key_id: str) -> ApiKey | None:
        """The key with this id, valid or not. Raises `Transient`."""
        ...
