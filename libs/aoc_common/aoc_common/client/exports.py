"""All events of a search as a file, verified: its count and its SHA-256 are what the gateway has noted of it."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Unpack

from aoc_common.client.errors import Absent, NotVerified
from aoc_common.client.operations import operation
from aoc_common.gateway.exports import ExportReceipt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    import httpx

    from aoc_common.client.connection import Connection
    from aoc_common.client.filters import Filters

type ExportFormat = Literal["csv", "jsonl", "ocsf", "parquet"]

_PATH: Final = "/api/events/export"
#: Formats with a line for each event.
_LINES: Final = frozenset({"jsonl", "ocsf"})
#: Seconds for which the note of an export is waited for, and between two looks.
_NOTED_S: Final = 30.0
_LOOK_S: Final = 0.25


@dataclass(slots=True)
class Export:
    """A file that is being received. `async for part in export`: its bytes, uncompressed, to be read once.

    The last part comes when all is well: after it, what was received is compared with what the gateway has noted, and
    `NotVerified` is raised when it is not the same. `receipt` is there from then on.
    """

    id: str
    tenant: str | None
    form: ExportFormat
    _exports: Exports = field(repr=False)
    _response: httpx.Response = field(repr=False)
    receipt: ExportReceipt | None = None
    size: int = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Its parts. Raises `GatewayError`."""
        digest, lines = hashlib.sha256(), 0
        async for part in self._response.aiter_bytes():
            digest.update(part)
            self.size += len(part)
            lines += part.count(b"\n")
            yield part
        receipt = await self._exports.noted(self.id, tenant=self.tenant)
        if receipt.sha256 != digest.hexdigest():
            raise NotVerified(f"export {self.id}: SHA-256 is {digest.hexdigest()}, and {receipt.sha256} was noted")
        if self.form in _LINES and receipt.rows != lines:
            raise NotVerified(f"export {self.id}: it has {lines} lines, and {receipt.rows} events were noted")
        self.receipt = receipt


class Exports:
    """Exports of events. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", _PATH)
    @asynccontextmanager
    async def open(
        self, form: ExportFormat = "jsonl", *, fields: Sequence[str] | None = None, **filters: Unpack[Filters]
    ) -> AsyncIterator[Export]:
        """All events of a search, in constant memory. `fields`: only these; not of `ocsf`."""
        # Without the last line: then the whole file is what its digest is of.
        trailer = False if form in _LINES else None
        params = {**filters, "format": form, "fields": ",".join(fields) if fields else None, "trailer": trailer}
        async with self._connection.streaming("GET", _PATH, params=params) as response:
            yield Export(response.headers.get("x-request-id", ""), filters.get("tenant"), form, self, response)

    async def to_file(
        self,
        path: Path,
        form: ExportFormat = "jsonl",
        *,
        fields: Sequence[str] | None = None,
        **filters: Unpack[Filters],
    ) -> ExportReceipt:
        """Write an export to a file, which is there only once it is verified; one that is there is replaced."""
        part = path.with_name(f".{path.name}.part")
        try:
            # First: a place where nothing can be written is found before the gateway notes an export.
            with await asyncio.to_thread(part.open, "wb") as file:
                async with self.open(form, fields=fields, **filters) as export:
                    async for data in export:
                        await asyncio.to_thread(file.write, data)
            await asyncio.to_thread(part.replace, path)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)
        if export.receipt is None:
            raise AssertionError("an export that was read to its end has a receipt")
        return export.receipt

    @operation("GET", f"{_PATH}/{{export_id}}")
    async def receipt(self, export_id: str, *, tenant: str | None = None) -> ExportReceipt:
        """What is noted of an export of one's own. Raises `Absent` when nothing is, or not yet."""
        return await self._connection.ask(ExportReceipt, "GET", f"{_PATH}/{export_id}", params={"tenant": tenant})

    async def noted(self, export_id: str, *, tenant: str | None = None) -> ExportReceipt:
        """The receipt of an export that was received to its end. Raises `NotVerified` when there is none soon."""
        try:
            async with asyncio.timeout(_NOTED_S):
                while True:
                    try:
                        receipt = await self.receipt(export_id, tenant=tenant)
                    except Absent:
                        receipt = None
                    if receipt is not None and receipt.state != "begun":
                        return receipt
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise NotVerified(f"export {export_id}: the gateway has noted no end of it after {_NOTED_S:g} s") from None
