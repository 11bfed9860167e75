"""Exports in the background: asked for, waited for, and fetched, also over several connections."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Unpack

from aoc_common.client.errors import Disconnected, ExportFailed, NotVerified
from aoc_common.client.operations import operation
from aoc_common.gateway.export_jobs import ExportJobList, ExportJobView

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    import httpx

    from aoc_common.client.connection import Connection
    from aoc_common.client.exports import ExportFormat
    from aoc_common.client.filters import Filters

_PATH: Final = "/api/exports"
_PARTIAL: Final = 206
#: Seconds between two looks at an export that is being made, and before a transfer that broke off is gone on with.
_LOOK_S: Final = 1.0
_BREAK_S: Final = 2.0
#: Transfers that may break off one after the other without a byte more.
_FUTILE: Final = 5


class ExportJobs:
    """Exports in the background. Every method raises `GatewayError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("POST", _PATH)
    async def make(
        self, form: ExportFormat = "jsonl", *, fields: Sequence[str] | None = None, **filters: Unpack[Filters]
    ) -> ExportJobView:
        """Have all events of a search written to a file. `fields`: only these; not of `ocsf`."""
        params = {**filters, "format": form, "fields": ",".join(fields) if fields else None}
        return await self._connection.ask(ExportJobView, "POST", _PATH, params=params)

    @operation("GET", _PATH)
    async def list(self, *, tenant: str | None = None) -> ExportJobList:
        """Your own, the newest first."""
        return await self._connection.ask(ExportJobList, "GET", _PATH, params={"tenant": tenant})

    @operation("GET", f"{_PATH}/{{export_id}}")
    async def get(self, export_id: str, *, tenant: str | None = None) -> ExportJobView:
        """One of yours: how far it is. Raises `Absent` when it has expired."""
        return await self._connection.ask(ExportJobView, "GET", f"{_PATH}/{export_id}", params={"tenant": tenant})

    @operation("DELETE", f"{_PATH}/{{export_id}}")
    async def remove(self, export_id: str, *, tenant: str | None = None) -> None:
        """Remove one of yours, with its file."""
        await self._connection.send("DELETE", f"{_PATH}/{export_id}", params={"tenant": tenant})

    @operation("GET", f"{_PATH}/{{export_id}}/file")
    @asynccontextmanager
    async def open(
        self, export_id: str, *, tenant: str | None = None, first: int = 0, etag: str | None = None
    ) -> AsyncIterator[httpx.Response]:
        """Its file from byte `first` on; all of it (status 200) where it is not the one with this ETag."""
        headers = {"Range": f"bytes={first}-"} if first else {}
        if first and etag is not None:
            headers["If-Range"] = etag
        asked = self._connection.streaming(
            "GET", f"{_PATH}/{export_id}/file", params={"tenant": tenant}, headers=headers
        )
        async with asked as response:
            yield response

    async def done(self, job: ExportJobView, told: Callable[[ExportJobView], None] | None = None) -> ExportJobView:
        """Wait until an export is done; `told` hears how far it is. Raises `ExportFailed`."""
        while True:
            job = await self.get(job.id, tenant=job.tenant)
            if told is not None:
                told(job)
            if job.state == "done":
                return job
            if job.state == "failed":
                raise ExportFailed(f"export {job.id}: {job.reason}")
            await asyncio.sleep(_LOOK_S)

    async def to_file(self, path: Path, job: ExportJobView) -> None:
        """Fetch the file of an export that is done; it is at `path` only once its SHA-256 is that of the export.

        A transfer that breaks off is gone on with, also by a later call: what there is of it stands beside `path`.
        """
        part = path.with_name(f".{path.name}.{job.id}.part")
        await asyncio.to_thread(part.touch)
        futile, size = 0, await _size(part)
        while size < job.bytes:
            try:
                await self._fetch(part, size, job)
            except Disconnected:
                futile = futile + 1 if await _size(part) <= size else 0
                if futile >= _FUTILE:
                    raise
                await asyncio.sleep(_BREAK_S)
            size = await _size(part)
        if (found := await asyncio.to_thread(_digest, part)) != job.sha256:
            await asyncio.to_thread(part.unlink)
            raise NotVerified(f"export {job.id}: SHA-256 is {found}, and should be {job.sha256}")
        await asyncio.to_thread(part.replace, path)

    async def _fetch(self, part: Path, size: int, job: ExportJobView) -> None:
        async with self.open(job.id, tenant=job.tenant, first=size, etag=f'"{job.sha256}"') as response:
            mode = "ab" if response.status_code == _PARTIAL else "wb"
            with await asyncio.to_thread(part.open, mode) as file:
                async for data in response.aiter_bytes():
                    await asyncio.to_thread(file.write, data)


async def _size(path: Path) -> int:
    return (await asyncio.to_thread(path.stat)).st_size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
