"""`aoc verify` sees twins that were missed, made up, or published otherwise than they are stored."""

from __future__ import annotations

from uuid import UUID

from aoc_cli.verify.twins import compare_twins
from aoc_common.store.mongo.census import StoredRecord
from each import each

A, B, C, D = (UUID(int=number) for number in (1, 2, 3, 4))
NAMES = {A: ("graph-signins", "a"), B: ("o365-azuread", "b"), C: ("graph-signins", "c"), D: ("o365-azuread", "d")}
TRUTH = {
    "contoso": [
        [{"source": "graph-signins", "id": "a"}, {"source": "o365-azuread", "id": "b"}],
        [{"source": "o365-azuread", "id": "d"}, {"source": "graph-signins", "id": "c"}],
    ]
}


def stored(links):
    return [StoredRecord(name, "contoso", *NAMES[name], "x", links.get(name)) for name in NAMES]


def sent(links):
    return {str(name): str(links[name]) if name in links else None for name in NAMES}


@each(
    ("links", "published", "expected"),
    [
        ({B: A, C: D}, {B: A, C: D}, (0, 0)),
        ({B: A}, {B: A}, (1, 0)),
        ({}, {}, (2, 0)),
        ({B: A, C: B}, {B: A, C: B}, (1, 1)),
        ({B: A, A: B, C: D}, {B: A, A: B, C: D}, (0, 1)),
        ({B: A, C: D}, {B: A}, (0, 1)),
        ({B: A, C: D}, {B: A, C: D, D: A}, (0, 1)),
    ],
    ids=["good", "one missed", "all missed", "wrong", "both second", "not published", "published, not stored"],
)
def test_each_kind_of_fault_is_counted(links, published, expected) -> None:
    outcome = compare_twins(TRUTH, stored(links), sent(published))

    assert (outcome.missed, outcome.wrong) == expected
    assert outcome.true == 2
    assert outcome.good is (expected == (0, 0))
