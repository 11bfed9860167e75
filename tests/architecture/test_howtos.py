"""The how-to pages work: their code is run as it stands there."""

from __future__ import annotations

import re
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from aoc_collector.sources.base import Spec
from aoc_common.contracts.event import Event
from aoc_normalizer import mappers
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

HOWTO = Path(__file__).parents[2] / "docs" / "howto"
CUP = {
    "id": "cup-1",
    "beanCount": 42,
    "brewedAt": "2026-11-23T08:00:00Z",
    "brewedBy": "Dana@contoso.example",
    "address": "203.0.113.9:1234",
    "cup": "Blue mug",
    "outcome": "success",
    "action": "Brew",
    "strength": "strong",
}


def code_of(page: str) -> dict[str, Any]:
    """The names that a page's first Python block defines."""
    block = re.search(r"```python\n(.*?)```", (HOWTO / page).read_text(), re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {"__name__": f"howto_{page}"}
    exec(textwrap.dedent(block[1]), names)
    return names


def test_the_mapper_of_the_how_to_maps(monkeypatch, schema_faults) -> None:
    mapper = code_of("add-a-mapper.md")["MAPPER"]
    monkeypatch.setattr(mappers, "MAPPERS", (mapper, *mappers.MAPPERS))

    event = normalise(orjson.dumps(CUP), RecordContext("contoso", "import", datetime(2026, 11, 23, 9, tzinfo=UTC)))

    assert isinstance(event, Event)
    assert (event.mapper, event.actor, event.ip, event.result) == (
        "coffee",
        "dana@contoso.example",
        "203.0.113.9",
        "success",
    )
    assert event.unmapped == {"beanCount": 42, "strength": "strong"}
    assert event.ocsf["message"] == "dana@contoso.example ran Brew on Blue mug"
    assert schema_faults(orjson.loads(event.message())) == []


def test_the_source_of_the_how_to_is_one() -> None:
    spec = code_of("add-a-source.md")["SPEC"]

    assert isinstance(spec, Spec)
    assert (spec.name, spec.family) == ("graph-provisioning", "graph_audit")
