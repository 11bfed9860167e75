"""Of two twins one stands for both: no link leaves an action without an event that stands for itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from aoc_cli.verify.books import about
from aoc_common.store.mongo.twin_links import MongoTwinLinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from aoc_cli.verify.books import Books, Key
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.census import StoredRecord
    from aoc_common.store.mongo.client import Database

#: Events that are looked at together.
_TOGETHER: Final = 20_000


def check_standing(
    stored: Iterable[StoredRecord],
    published: Mapping[str, str | None],
    keys: Mapping[str, Key],
    books: Books,
    tally: Statements,
) -> None:
    """Compare every second. `published`: event -> whose twin its last message says it is.

    Its first is stored and published, is no second itself, says so of this one, is of the same tenant, and tells the
    same result: a success is never told by a failure. And a first that names a second is named by it.
    """
    of = {str(one.id): one for one in stored}
    for event, second in of.items():
        name = about(keys[event]) if event in keys else event
        if second.twin is not None:
            its = of.get(str(second.twin))
            tally.hold("twins: the second is there", name, its and its.twin_of, second.id)
        if second.twin_of is None:
            continue
        first = of.get(str(second.twin_of))
        if first is None:
            tally.holds("twins: the first stands", name, f"twin of {second.twin_of}", "not stored", good=False)
            continue
        stands = first.twin_of is None and first.twin == second.id
        told = str(first.id) in published and published[str(first.id)] is None
        said = f"twin of {first.id}, which is {'second' if first.twin_of else f'the first of {first.twin}'}"
        true = "a first that stands for itself" + ("" if told else ", published as such")
        tally.holds("twins: the first stands", name, said, true, good=stands and told)
        facts = [books.facts.get(keys[one]) for one in (event, str(first.id)) if one in keys]
        if len(facts) == 2 and all(facts):  # noqa: PLR2004  # both of them
            results = [fact.result for fact in facts if fact]
            tally.holds("twins: one result", name, results, "the same", good=results[0] == results[1])
            tally.hold("twins: one tenant", name, second.tenant, first.tenant)


async def check_links(database: Database, published: AbstractSet[str], tally: Statements) -> None:
    """Hold every link against the invariant, by the check that operators have (`aoc doctor`). Raises `Transient`.

    `published`: every event that was ever seen on AOC_EVENTS.
    """
    kind, before = "twins: the links hold", None
    ids = frozenset(map(UUID, published))
    while True:
        report = await MongoTwinLinks(database).check(datetime.now(UTC), most=_TOGETHER, before=before, published=ids)
        tally.held(kind, report.links - len(report.broken))
        for one in report.broken:
            said = f"twin of {one.first}"
            tally.holds(kind, f"{one.tenant}/{one.second}", said, f"not so: {one.fault}", good=False)
        if (before := report.before) is None:
            return
