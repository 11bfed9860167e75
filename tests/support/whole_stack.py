"""A whole stack, as `aoc up` starts it, and a client of its gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from aoc_cli.local.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path


def up(data: Path, *more: str) -> tuple[list[str | Path], int]:
    """The arguments that start a stack on a data directory, and the port of its gateway."""
    port = free_port()
    command: list[str | Path] = ["up", "--data", data, "--port", str(port), "--nats-port", str(free_port())]
    return [*command, "--events", "300", "--rate", "1", *more], port


def client(data: Path, port: int) -> httpx.Client:
    """A client of the gateway of a stack, with the key that its command line has."""
    key = (data / "secrets" / "api-key").read_text()
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=30)


def stored(base: httpx.Client, tenant: str = "contoso") -> int:
    """How many events of a tenant the gateway counts."""
    facets = base.get("/api/facets", params={"tenant": tenant, "field": "source", "top": 100}).json()
    return sum(value["count"] for value in facets["facets"]["source"])
