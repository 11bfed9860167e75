"""The public sets as a whole, and how often a sentence says less than it could: over them, our golden events and the
simulator's records."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import public_sets
from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_sim import samples
from aoc_sim.records.base import SOURCES
from each import each
from made_events import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterable

_VAGUE = re.compile(r"(?i)\bsomebody\b|\bran ")
#: Sentences of golden events and of the simulator's records that are as vague as their records: a shape that nobody
#: knows, an operation without a name.
VAGUE_GOLDEN, VAGUE_SIMULATED = 1, 0
GOLDEN = Path(__file__).parent / "golden"


def events(records: Iterable[bytes]) -> list[Event]:
    made = [normalise(record, CONTEXT) for record in records]
    assert all(isinstance(one, Event) for one in made)
    return [one for one in made if isinstance(one, Event)]


def vague(made: Iterable[Event]) -> list[str]:
    return [one.ocsf["message"] for one in made if _VAGUE.search(one.ocsf["message"])]


@each("one", public_sets.SETS, ids=lambda one: one.path)
def test_a_public_set_is_read_whole_dated_understood_and_told(one, shared_data):
    found = list(public_sets.records(shared_data, one))
    made = events(found)

    assert len(found) == one.records
    assert [event.unmapped["_mapper_error"] for event in made if "mapper-error" in event.tags] == []
    assert sum("no-time" in event.tags for event in made) == one.undated
    assert sum(event.mapper == "generic" for event in made) <= one.generic
    assert len(vague(made)) <= one.vague, vague(made)


def test_hardly_any_public_record_is_not_understood():
    assert sum(one.generic for one in public_sets.SETS) <= sum(one.records for one in public_sets.SETS) * 0.002


def test_every_file_of_the_public_sets_is_named(shared_data):
    named = {one.path for one in public_sets.SETS}
    found = {str(path.relative_to(shared_data)) for path in shared_data.rglob("*") if path.is_file()}
    others = {
        path
        for path in found
        if any(fnmatch(path, form) or fnmatch(Path(path).name, form) for form in public_sets.NO_RECORDS)
        or path.split("/")[0] in public_sets.FOR_IMPORT
        or "/expected_" in path
    }

    assert named <= found
    assert found - named - others == set()


def test_our_own_samples_are_told_in_full():
    golden = [json.dumps(json.loads(path.read_text())["record"]).encode() for path in sorted(GOLDEN.glob("*.json"))]
    simulated = [text for source in SOURCES for _, text in samples.records(9, 60, source)]

    assert len(vague(events(golden))) <= VAGUE_GOLDEN, vague(events(golden))
    assert len(vague(events(simulated))) <= VAGUE_SIMULATED, vague(events(simulated))
