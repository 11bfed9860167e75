"""What an export of many events costs: time, the gateway's memory, and whether it is what somebody else counts.

`python bench/export.py [--events 100000] [--formats csv,jsonl,ocsf,parquet]`

A real gateway process over a real MongoDB-protocol server. Each file is hashed, and its events are counted, as it
comes; both must be what the gateway says of it. Status 1 when they are not, or the gateway's memory peaks above 150 MB.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
from gateway import an_event, gateway, on_a_database, running, signed_in  # type: ignore[import-not-found]  # beside this file

from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.client import connect, ensure_indexes
from aoc_common.store.mongo.events import MongoEvents

_MOST_MB: Final = 150
_EXPORT: Final = "/api/events/export"


@dataclass
class Counting:
    """What an independent reader sees of a file: bytes, lines, digest."""

    size: int = 0
    lines: int = 0

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        """The next part."""
        self.size += len(data)
        self.lines += data.count(b"\n")
        self._digest.update(data)

    @property
    def digest(self) -> str:
        """SHA-256 so far."""
        return self._digest.hexdigest()


async def seed(uri: str, events: int) -> None:
    """Events of thirty days."""
    async with connect(MongoSettings(uri=uri)) as database:
        await ensure_indexes(database)
        store = MongoEvents(database, lambda _tenant, _source: timedelta(days=365))
        now, step = datetime.now(UTC), timedelta(days=30) / events
        for first in range(0, events, 500):
            numbers = range(first, min(first + 500, events))
            await store.insert([an_event(number, now - step * number) for number in numbers], ["page"] * len(numbers))


async def export(client: httpx.AsyncClient, form: str, events: int) -> dict[str, Any]:
    """Export all in this format, and compare."""
    asked = {"format": form, "tenant": "contoso"} | ({"trailer": "false"} if form in {"jsonl", "ocsf"} else {})
    counting, began = Counting(), time.perf_counter()
    async with client.stream("GET", _EXPORT, params=asked, headers={"Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        async for part in answer.aiter_raw():
            counting.add(part)
    elapsed = time.perf_counter() - began
    receipt = await _receipt(client, answer.headers["x-request-id"])
    lines = {"csv": events + 1, "jsonl": events, "ocsf": events}.get(form, counting.lines)
    return {
        "seconds": elapsed,
        "megabytes": counting.size / 1e6,
        "matches_receipt": (receipt["rows"], receipt["sha256"], counting.lines) == (events, counting.digest, lines),
    }


async def _receipt(client: httpx.AsyncClient, export_id: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            answer = await client.get(f"{_EXPORT}/{export_id}", params={"tenant": "contoso"})
            if answer.status_code == httpx.codes.OK and answer.json()["state"] == "whole":
                receipt: dict[str, Any] = answer.json()
                return receipt
            await asyncio.sleep(0.1)


def peak_mb(pid: int) -> float:
    """The most memory that a process has had (VmHWM, Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    return 0.0


async def run(uri: str, log: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Seed, start, export."""
    await seed(uri, arguments.events)
    headers = await signed_in(MongoSettings(uri=uri))
    child = gateway(uri, log)
    with running(child) as address:
        async with httpx.AsyncClient(base_url=f"http://{address}", headers=headers, timeout=120) as client:
            figures = {}
            for form in arguments.formats.split(","):
                figures[form] = await export(client, form, arguments.events) | {"peak_mb": peak_mb(child.pid)}
            return figures


def main() -> None:
    """Print the figures; status 1 when one is not as promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--formats", default="csv,jsonl,ocsf,parquet")
    arguments = parser.parse_args()
    figures = on_a_database(run, arguments)
    print(json.dumps(figures, indent=1))
    raise SystemExit(
        not all(figure["matches_receipt"] and figure["peak_mb"] <= _MOST_MB for figure in figures.values())
    )


if __name__ == "__main__":
    main()
