"""What sinks that write files have written in a run, read back by readers that the exporter has no part in."""

from __future__ import annotations

import io
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import orjson
import zstandard

from aoc_cli.verify.sink_comparison import Arrived
from aoc_sim.siem.fingerprints import abridged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Rows of a file that are in memory at a time.
_ROWS: Final = 1_000


def _of_ndjson(file: Path) -> Iterator[Any]:
    """The lines of a file."""
    with file.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as unpacked:
        for line in io.BufferedReader(unpacked):
            yield orjson.loads(line)


def _of_parquet(file: Path) -> Iterator[Any]:
    """The rows of a file."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(_ROWS):
            for row in batch.to_pylist():
                yield row | {"aoc": orjson.loads(row["aoc"])}


_READ: Final[dict[str, tuple[str, Callable[[Path], Iterator[Any]]]]] = {
    "folder": ("*.ndjson.zst", _of_ndjson),
    "security-lake": ("*.parquet", _of_parquet),
}
#: The sinks that write files.
NAMES: Final = tuple(_READ)


def unreadable() -> dict[str, str]:
    """Those that cannot be read here -> what is missing for it."""
    return {} if find_spec("pyarrow") is not None else {"security-lake": "pyarrow"}


class SinkFolder:
    """The files of one sink. Blocks."""

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._pattern, self._read = _READ[name]
        self._fingerprint = abridged(name)
        self._seen: set[Path] = set()
        self._keys: set[str] = set()

    def count(self) -> int:
        """How many entries are there. Files that were read before are not read again."""
        for file in self._files():
            if file not in self._seen:
                self._keys.update(map(_key, self._read(file)))
                self._seen.add(file)
        return len(self._keys)

    def arrived(self) -> dict[str, Arrived]:
        """Key -> what is there of it, read file by file."""
        found: dict[str, Arrived] = {}
        for file in self._files():
            for document in self._read(file):
                fields, text, cut = self._fingerprint(document)
                before = found.get(key := _key(document))
                times, differs = (before.times, before.differs) if before else (0, False)
                differs |= before is not None and (before.fields, before.text) != (fields, text)
                found[key] = Arrived(times + 1, fields, text, cut, differs)
        return found

    def _files(self) -> list[Path]:
        return sorted(self._folder.rglob(self._pattern))


def _key(document: Any) -> str:
    return f"{document['aoc']['id']}-{document['aoc']['revision']}"
