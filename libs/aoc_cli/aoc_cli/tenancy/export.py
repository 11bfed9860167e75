"""All data of a tenant, as files: a line for each document, with counts and SHA-256."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from aoc_common.store.mongo.tenant_data import MongoTenantData

#: What every export has, beside a file for each collection.
MANIFEST: Final = "manifest.json"
SETTINGS: Final = "tenant.json"


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file of an export. `documents`: its lines."""

    name: str
    documents: int
    size: int
    sha256: str


async def export(
    data: MongoTenantData,
    settings: Mapping[str, Any],
    directory: Path,
    at: datetime,
    report: Callable[[ExportedFile], None],
) -> list[ExportedFile]:
    """Write all documents of a tenant to a new directory, one at a time, so in constant memory.

    Documents are MongoDB Extended JSON (relaxed). `settings`: without secrets, as references name none. The manifest is
    written last: a directory without one was not exported to its end. Raises `BadConfiguration` for a directory that
    holds something, or cannot be written; `Transient`.
    """
    try:
        _prepare(directory)
        files = []
        async for collection, lines in data.lines():
            exported = await _write(directory, f"{collection}.jsonl", lines)
            if exported.documents:
                files.append(exported)
                report(exported)
            else:
                (directory / exported.name).unlink()
        files.append(_put(directory, SETTINGS, orjson.dumps(dict(settings), option=orjson.OPT_INDENT_2)))
        manifest = {"exported_at": at, "tenant": settings.get("name"), "files": files}
        _put(directory, MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise BadConfiguration(f"{error.filename or directory}: {error.strerror}") from None
    return files


def _prepare(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise BadConfiguration(f"{directory}: is not empty")


async def _write(directory: Path, name: str, lines: AsyncIterator[bytes]) -> ExportedFile:
    digest, count, size = hashlib.sha256(), 0, 0
    descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        async for line in lines:
            digest.update(line)
            file.write(line)
            count, size = count + 1, size + len(line)
    return ExportedFile(name, count, size, digest.hexdigest())


def _put(directory: Path, name: str, text: bytes) -> ExportedFile:
    with os.fdopen(os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text + b"\n")
    return ExportedFile(name, 1, len(text) + 1, hashlib.sha256(text + b"\n").hexdigest())
