"""The links of twins: each action keeps exactly one event that is not the second of another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from aoc_cli.verify.ground_truth import about
from aoc_common.store.mongo.twin_links import MongoTwinLinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from aoc_cli.verify.ground_truth import GroundTruth, RecordKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.census import StoredRecord
    from aoc_common.store.mongo.client import Database

#: Events per batch.
_BATCH: Final = 20_000


def check_second_events(
    stored: Iterable[StoredRecord],
    published: Mapping[str, str | None],
    keys: Mapping[str, RecordKey],
    ground_truth: GroundTruth,
    tally: Statements,
) -> None:
    """Check every second event. `published`: event -> the first that its last message names.

    Its first is stored and published, is not a second itself, names this second, and has the same tenant and result:
    a failure never stands for a success. And a first that names a second is named by that second.
    """
    by_id = {str(event_id.id): event_id for event_id in stored}
    for event, second in by_id.items():
        name = about(keys[event]) if event in keys else event
        if second.twin is not None:
            its = by_id.get(str(second.twin))
            tally.compare("twins: the second is there", name, its and its.twin_of, second.id)
        if second.twin_of is None:
            continue
        first = by_id.get(str(second.twin_of))
        if first is None:
            tally.judge("twins: the first stands", name, f"twin of {second.twin_of}", "not stored", good=False)
            continue
        valid = first.twin_of is None and first.twin == second.id
        announced = str(first.id) in published and published[str(first.id)] is None
        statement = f"twin of {first.id}, which is {'second' if first.twin_of else f'the first of {first.twin}'}"
        true = "a first that stands for itself" + ("" if announced else ", published as such")
        tally.judge("twins: the first stands", name, statement, true, good=valid and announced)
        facts = [ground_truth.facts.get(keys[event_id]) for event_id in (event, str(first.id)) if event_id in keys]
        if len(facts) == 2 and all(facts):  # noqa: PLR2004  # both of them
            results = [fact.result for fact in facts if fact]
            tally.judge("twins: one result", name, results, "the same", good=results[0] == results[1])
            tally.compare("twins: one tenant", name, second.tenant, first.tenant)


async def check_links(database: Database, published: AbstractSet[str], tally: Statements) -> None:
    """Check the invariant of every link, as `aoc doctor` does. Raises `Transient`.

    `published`: every event that was ever seen on AOC_EVENTS.
    """
    kind, before = "twins: the links hold", None
    ids = frozenset(map(UUID, published))
    while True:
        report = await MongoTwinLinks(database).check(datetime.now(UTC), most=_BATCH, before=before, published=ids)
        tally.add_true(kind, report.links - len(report.broken))
        for link in report.broken:
            statement = f"twin of {link.first}"
            tally.judge(kind, f"{link.tenant}/{link.second}", statement, f"not so: {link.fault}", good=False)
        if (before := report.before) is None:
            return
