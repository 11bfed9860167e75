"""`aoc maintenance dedupe`: events that are one record under two ids become one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from aoc_cli import known_tenants
from aoc_cli.attach import on_database
from aoc_cli.maintenance.options import (
    Afresh,
    AsJson,
    Data,
    Share,
    Since,
    Source,
    TenantName,
    Throttle,
    Until,
    bounds,
    check_source,
    progress,
)
from aoc_cli.noting import note
from aoc_cli.renewing import renewing
from aoc_cli.terminal import as_json, out
from aoc_common.contracts import subjects
from aoc_common.store.mongo.record_ranges import MongoPosition, MongoRecordRanges
from aoc_normalizer.duplicates import Duplicates, Found, find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aoc_common.store.mongo.client import Database

_BATCH: Final = 500
_EXAMPLES: Final = 10


def dedupe(
    tenant: TenantName = subjects.DEFAULT_TENANT,
    source: Source = None,
    since: Since = None,
    until: Until = None,
    apply: Annotated[bool, typer.Option("--apply", help="Merge them. Else they are counted, with examples.")] = False,
    share: Share = 50,
    afresh: Afresh = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Find events that are the same record under two ids, and merge them by the rules of the normalizer.

    The event under the id of today stays, with the other one's twin. Two records that tell of one action stay two.
    """
    subjects.check_tenant(tenant)
    check_source(source)
    low, high = bounds(since, until)
    what = f"{source or 'all sources'} from {low} to {high}"

    async def work(database: Database, show: Callable[[str], None]) -> Duplicates:
        await known_tenants.require(database, data, tenant)
        use, total = renewing(database), Duplicates()
        position = MongoPosition(database, "dedupe", tenant, what)
        if apply:
            await note(database, "maintenance.dedupe", "delete", f"duplicates of {tenant}, {what}", tenant)
            if afresh:
                await position.forget()
        throttle, start = Throttle(use.clock, share), (await position.read() if apply else None) or low
        async for records in MongoRecordRanges(database).batches(tenant, source, start, high, _BATCH):
            _add(total, await find(use.store, use.look_up, use.clock, tenant, records, apply=apply))
            if apply and records:
                await position.note(max(record.id for record in records))
            show(f"{total.read:,} records read, {total.duplicates:,} duplicates")
            await throttle.rest()
        if apply:
            await position.forget()
        return total

    with progress() as show:
        total = on_database(data, lambda database: work(database, show))
    if json:
        out.out(as_json(_document(total)))
        return
    _show(total, apply=apply)


def _add(total: Duplicates, part: Duplicates) -> None:
    """Add up; of what was found, examples are kept."""
    for name in ("read", "outdated", "merged", "duplicates", "left"):
        setattr(total, name, getattr(total, name) + getattr(part, name))
    for examples, more in ((total.same, part.same), (total.undecided, part.undecided)):
        examples.extend(more[: _EXAMPLES - len(examples)])


def _document(total: Duplicates) -> dict[str, object]:
    def listed(found: Sequence[Found]) -> list[dict[str, str]]:
        return [{"id": str(one.id), "other": str(one.other), "why": one.why or ""} for one in found]

    return {
        "read": total.read,
        "duplicates": total.duplicates,
        "merged": total.merged,
        "undecided": total.left,
        "under_former_ids": total.outdated,
        "examples": listed(total.same),
        "examples_undecided": listed(total.undecided),
    }


def _show(total: Duplicates, *, apply: bool) -> None:
    merged = f", {total.merged:,} merged" if apply else "; --apply merges them"
    out.print(
        f"{total.read:,} records read: [bold]{total.duplicates:,}[/] are stored twice{merged if total.same else ''}"
    )
    for one in total.same:
        out.print(f"  {one.id} is also {one.other}")
    if total.left:
        out.print(f"{total.left:,} are not decided about:")
    for one in total.undecided:
        out.print(f"  {one.id} and {one.other}: {one.why}")
    if total.outdated:
        out.print(f"{total.outdated:,} are stored once, under a former id: aoc remap --all renews it")
