"""Files of entries, in a folder or an object store; how they are written in a file, its `Encoding` says.

A file is there whole or not at all, and has its name of what is in it: a batch that is written again replaces itself.
Entries that come again in other company must not stand in two files, so it is known of those that were written lately:

- what this process has written;
- in a store that can be read, what others have written there lately, or this process before it was killed;
- in one that cannot, of which file no answer came: it is written again, as it was, before any of its entries is.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from cachetools import LRUCache, TTLCache

from aoc_common.errors import Malformed, Throttled, Transient
from aoc_common.outbound.refusals import RefusedWhole, Unusable
from aoc_exporter.delivery.naming import file_name, grouped
from aoc_exporter.outcome import Accepted, Refused, Retry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence

    from aoc_common.clock import Clock
    from aoc_common.errors import AocError
    from aoc_exporter.delivery.port import Limits
    from aoc_exporter.item import Item
    from aoc_exporter.outcome import Outcome
    from aoc_exporter.stores.port import Store

#: Entries, and seconds, for which it is known that they are written; what comes again comes soon.
_REMEMBERED: Final = 50_000
_REMEMBERED_S: Final = 900.0
#: Entries whose file may have been written, or not.
_OWED: Final = 50_000
#: Where others have written to a folder, so many of the files that were written last are looked at, until so many
#: entries were found: more than a process can have written that it had not said yet.
_LOOKED_AT: Final = 100
_LOOKED_FOR: Final = 20_000
_FOLDERS: Final = 1_000
#: Requests of a batch at a time.
_AT_ONCE: Final = 4


def key_of(item: Item) -> str:
    """By which an entry is known in a folder, as `marked_key` reads it."""
    return f"{item.entry.tenant}/{item.key}"


def marked_key(mark: Mapping[str, Any]) -> str:
    """The key of the entry that has this mark (`Entry.mark`). Raises `KeyError` for what is none."""
    return f"{mark['tenant']}/{mark['id']}-{mark['revision']}"


class Encoding(Protocol):
    """How entries stand in a file. Pure, but for the libraries that it calls; every method may take a while."""

    @property
    def suffix(self) -> str:
        """End of the files' names."""
        ...

    def place(self, item: Item) -> tuple[str, ...]:
        """The folders, from the outermost, in which its file is."""
        ...

    def line(self, item: Item) -> bytes:
        """The entry as it is shown to people, with the end of its line."""
        ...

    def row(self, item: Item) -> Any:
        """The entry as it is written. Raises `Malformed` for one that cannot be."""
        ...

    def packed(self, rows: Sequence[Any]) -> bytes:
        """A file of rows, in their order."""
        ...

    def keys(self, content: bytes) -> Iterable[str]:
        """The keys of the entries in a file, one after the other, however large it is unpacked.

        Raises `Malformed` for what is no file of this kind: somebody else may have written it.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _File:
    path: str
    content: bytes
    keys: tuple[str, ...]


class Files:
    """The sink."""

    def __init__(self, encoding: Encoding, limits: Limits, store: Store, clock: Clock) -> None:
        self.limits = limits
        self.idempotent = store.readable
        self._encoding = encoding
        self._store = store
        self._written: TTLCache[str, bool] = TTLCache(_REMEMBERED, _REMEMBERED_S, timer=clock.monotonic)
        self._owed: LRUCache[str, _File] = LRUCache(_OWED)
        #: Folder -> names of files that were written last, as far as is known.
        self._names: LRUCache[str, tuple[str, ...]] = LRUCache(_FOLDERS)
        self._in_work: dict[str, asyncio.Event] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    def follow(self, before: Files) -> None:
        """Go on where another one of the same place was, which sends what it has in work to its end."""
        self._written, self._owed, self._names = before._written, before._owed, before._names
        self._in_work, self._places = before._in_work, before._places

    async def send(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """As the port says. All files of entries that are accepted are in the store when it returns."""
        by_key = {key_of(item): item for item in items}
        async with self._alone_with(by_key.keys()):
            outcomes = await self._settled(by_key)
        return [outcomes[key_of(item)] for item in items]

    def framed(self, items: Sequence[Item]) -> bytes:
        """As the port says: the rows, a line each."""
        return b"".join(self._encoding.line(item) for item in items)

    async def close(self) -> None:
        """As the port says."""
        await self._store.close()

    @asynccontextmanager
    async def _alone_with(self, keys: Collection[str]) -> AsyncIterator[None]:
        """Within the context no other call has any of these entries in work."""
        while busy := next((self._in_work[key] for key in keys if key in self._in_work), None):
            await busy.wait()
        done = asyncio.Event()
        self._in_work.update(dict.fromkeys(keys, done))
        try:
            yield
        finally:
            for key in keys:
                del self._in_work[key]
            done.set()

    async def _settled(self, by_key: Mapping[str, Item]) -> dict[str, Outcome]:
        """An outcome for each key."""
        outcomes: dict[str, Outcome] = {}
        owed = {file.path: file for key in by_key if (file := self._owed.get(key)) is not None}
        for settled in await asyncio.gather(*map(self._once_more, owed.values())):
            outcomes |= settled
        rest = [item for key, item in by_key.items() if key not in outcomes]
        groups = list(grouped(rest, self._encoding.place))
        for settled in await asyncio.gather(*(self._group("/".join(place), group) for place, group in groups)):
            outcomes |= settled
        return outcomes

    async def _once_more(self, file: _File) -> dict[str, Outcome]:
        """Write a file that may be there, as it was."""
        try:
            await self._put(file)
        except (Transient, RefusedWhole) as error:
            return dict.fromkeys(file.keys, _put_off(error))
        return dict.fromkeys(file.keys, Accepted())

    async def _group(self, folder: str, items: Sequence[Item]) -> dict[str, Outcome]:
        """Write the entries of one folder that are not there."""
        try:
            async with self._store.alone(folder) as new_to_us:
                if new_to_us:
                    await self._look(folder)
                there = {key for item in items if (key := key_of(item)) in self._written and not item.anew}
                outcomes: dict[str, Outcome] = dict.fromkeys(there, Accepted())
                left = [item for item in items if key_of(item) not in there]
                return outcomes | (await self._write(folder, left) if left else {})
        except Transient as error:
            return dict.fromkeys(map(key_of, items), _put_off(error))

    async def _look(self, folder: str) -> None:
        """Learn what others have written to a folder lately, or this process before it began anew."""
        known, found = self._names.get(folder, ()), 0
        latest = await self._store.latest(folder, self._encoding.suffix, _LOOKED_AT, known)
        for _, read in latest:
            if found < _LOOKED_FOR:
                keys = await asyncio.to_thread(self._keys, await read())
                self._written.update(dict.fromkeys(keys, True))
                found += len(keys)
        self._names[folder] = _last(known, [name for name, _ in reversed(latest)])

    def _keys(self, content: bytes) -> list[str]:
        try:
            return list(islice(self._encoding.keys(content), self.limits.items))  # no file of ours has more
        except Malformed:
            return []  # whose file it is does not matter: no entry of ours is in it

    async def _write(self, folder: str, items: Sequence[Item]) -> dict[str, Outcome]:
        """Write entries to a folder: one file, or more where one is too large for the store. Raises `Transient`."""
        file, outcomes = await asyncio.to_thread(self._packed, folder, items)
        if file is None:
            return outcomes
        try:
            await self._put(file)
        except RefusedWhole as error:
            if len(file.keys) == 1:
                return outcomes | dict.fromkeys(file.keys, Refused(str(error)))
        else:
            return outcomes | dict.fromkeys(file.keys, Accepted())
        held = [item for item in items if key_of(item) not in outcomes]
        middle = len(held) // 2
        for half in (held[:middle], held[middle:]):
            outcomes |= await self._write(folder, half)
        return outcomes

    def _packed(self, folder: str, items: Sequence[Item]) -> tuple[_File | None, dict[str, Outcome]]:
        """A file of those that can be written, and the others."""
        held, rows = [], []
        refused: dict[str, Outcome] = {}
        for item in items:
            try:
                rows.append(self._encoding.row(item))
            except Malformed as error:
                refused[key_of(item)] = Refused(str(error))
            else:
                held.append(item)
        if not held:
            return None, refused
        path = f"{folder}/{file_name(held)}{self._encoding.suffix}"
        return _File(path, self._encoding.packed(rows), tuple(map(key_of, held))), refused

    async def _put(self, file: _File) -> None:
        """Write a file. Raises as `Store.put` does."""
        try:
            async with self._places:
                await self._store.put(file.path, file.content)
        except (Throttled, Unusable):
            raise  # whether it was there before, this did not change
        except RefusedWhole:
            self._settle(file)
            raise
        except (Transient, asyncio.CancelledError):
            self._owe(file)
            raise
        self._settle(file)
        self._note(file)

    def _owe(self, file: _File) -> None:
        """It is not known whether the file is there, and cannot be looked at."""
        if not self._store.readable:
            self._owed.update(dict.fromkeys(file.keys, file))

    def _settle(self, file: _File) -> None:
        """It is known whether the file is there."""
        if self._owed:
            for key in file.keys:
                self._owed.pop(key, None)

    def _note(self, file: _File) -> None:
        self._written.update(dict.fromkeys(file.keys, True))
        folder, _, name = file.path.rpartition("/")
        self._names[folder] = _last(self._names.get(folder, ()), [name])


def _put_off(error: AocError) -> Outcome:
    return Retry(str(error), error.retry_after if isinstance(error, Transient) else None)


def _last(names: tuple[str, ...], more: Sequence[str]) -> tuple[str, ...]:
    """Twice as many as are looked at, so that none of those is forgotten whose time is that of another one."""
    return (*names, *more)[-2 * _LOOKED_AT :]
