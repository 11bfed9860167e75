"""The file of an export that was made in the background, as it is sent."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from aoc_api.export.asked import file_name
from aoc_api.export.formats import Format
from aoc_api.export.stream import CutOff
from aoc_common.errors import Permanent, Transient
from aoc_common.store.export_parts import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aoc_api.export.byte_ranges import ByteRange
    from aoc_api.export.rights import Rights
    from aoc_common.store.export_jobs import ExportJob
    from aoc_common.store.export_parts import ExportParts


def headers_of(job: ExportJob) -> dict[str, str]:
    """What is told of the file, whichever bytes of it are sent (RFC 9110, 8.8.3; RFC 9530)."""
    digest = b64encode(bytes.fromhex(job.sha256)).decode()
    return {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{file_name(job.tenant, job.made_at, Format(job.form))}"',
        "ETag": f'"{job.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }


async def sent(parts: ExportParts, job: ExportJob, wanted: ByteRange, rights: Rights) -> AsyncIterator[bytes]:
    """These bytes of the file, a part of it in memory at a time. Raises `CutOff`."""
    for number, first, end in _places(wanted):
        try:
            await rights.check()
            data = await parts.get(job, number)
        except (Transient, Permanent) as error:
            raise CutOff(f"export {job.id}: {error}") from error
        if data is None or len(data) < end:
            raise CutOff(f"part {number} of export {job.id} is not there any more")
        yield data[first:end]


def _places(wanted: ByteRange) -> Iterator[tuple[int, int, int]]:
    """Numbers of parts, and from where to where in each."""
    at = wanted.first
    while at < wanted.end:
        number, first = divmod(at, PART_BYTES)
        end = min(PART_BYTES, first + wanted.end - at)
        yield number, first, end
        at += end - first
