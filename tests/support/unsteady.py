"""A database whose server dies once: before a write, or after it and before the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from pymongo.errors import AutoReconnect

from thoroughness import tried

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aoc_common.store.mongo.client import Database

_WRITES: Final = frozenset(
    {"insert_one", "insert_many", "update_one", "update_many", "bulk_write", "delete_one", "delete_many",
     "find_one_and_update", "replace_one"}
)  # fmt: skip


type How = Literal["before", "after"]


def deaths(writes: int, how: How, step: int = 3) -> Sequence[int]:
    """The writes at which the server dies, of so many: other ones before than after, where not all are tried."""
    return tried(range(writes), 0 if how == "before" else step // 2, step)


class Unsteady:
    """Stands for a database; the write number `at` (from 0) fails in the way that is told. `writes`: how many came."""

    def __init__(self, database: Database, at: int = -1, how: How = "before") -> None:
        self._database = database
        self._at = at
        self._how = how
        self.writes = 0

    def __getitem__(self, name: str) -> _Collection:
        return _Collection(self._database[name], self)

    async def command(self, name: str) -> Any:
        """Ask the server something."""
        return await self._database.command(name)

    async def write(self, operation: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        number, self.writes = self.writes, self.writes + 1
        if number == self._at and self._how == "before":
            raise AutoReconnect("connection refused")
        answer = await operation(*args, **options)
        if number == self._at:
            raise AutoReconnect("connection reset by peer")
        return answer


class _Collection:
    def __init__(self, collection: Any, owner: Unsteady) -> None:
        self._collection = collection
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._collection, name)
        if name not in _WRITES:
            return found

        async def write(*args: Any, **options: Any) -> Any:
            return await self._owner.write(found, *args, **options)

        return write
