"""arro3's writer of Parquet, which reads all batches of a file from an iterator, as one that is given them.

It runs in a thread of its own that waits, with no lock held, for the next batch: it never runs beside its caller.
"""

from __future__ import annotations

import io
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, Never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class _Abandoned(Exception):  # noqa: N818  # nobody's error: ends the writer
    """The file will not be ended."""


class Encoder:
    """Encodes record batches of one schema. `options`: of `write_parquet`. Must be ended or closed."""

    def __init__(self, arrow: Any, write_parquet: Callable[..., None], schema: Any, options: Mapping[str, Any]) -> None:
        self._file = _Taken()
        self._given: SimpleQueue[Any] = SimpleQueue()
        #: True for each time that the writer wants a batch; an error, or None, when it has ended.
        self._wanted: SimpleQueue[BaseException | Literal[True] | None] = SimpleQueue()

        def write() -> None:
            reader = arrow.RecordBatchReader.from_batches(schema, self._batches())
            try:
                write_parquet(reader, self._file, **options)
            except BaseException as error:  # noqa: BLE001  # whatever it is, whoever waits must hear of it
                self._wanted.put(error)
            else:
                self._wanted.put(None)

        self._thread = threading.Thread(target=write, name="parquet", daemon=True)
        self._thread.start()
        self._wait()

    def write(self, batch: Any) -> bytes:
        """Encode a batch. What the file has become longer by."""
        self._given.put(batch)
        self._wait()
        return self._file.taken()

    def end(self) -> bytes:
        """The rest of the file."""
        self._given.put(None)
        self._wait()
        self._thread.join()
        return self._file.taken()

    def close(self) -> None:
        """End in the middle; nothing when it has ended."""
        if self._thread.is_alive():
            self._given.put(_Abandoned())
            self._thread.join()

    def _wait(self) -> None:
        """Until the writer wants a batch or has ended. Raises what it ended with."""
        said = self._wanted.get()
        if said is not True and said is not None:
            raise RuntimeError(f"Parquet could not be written: {said}") from said

    def _batches(self) -> Iterator[Any]:
        while True:
            self._wanted.put(True)
            batch = self._given.get()
            if batch is None:
                return
            if isinstance(batch, _Abandoned):
                raise batch
            yield batch


class _Taken:
    """A file that is taken away as it is written."""

    def __init__(self) -> None:
        self._held = io.BytesIO()

    def write(self, data: Any) -> int:
        """Take this."""
        return self._held.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def seek(self, *_: Any) -> Never:
        """The writer asks for this method, and does not use it."""
        raise io.UnsupportedOperation("a Parquet file is written from its beginning to its end")

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = self._held.getvalue()
        self._held.seek(0)
        self._held.truncate()
        return data
