"""`aoc maintenance reindex`: indexes as this version needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aoc_cli.attach import on_database
from aoc_cli.maintenance.options import AsJson, Data, progress
from aoc_cli.noting import note
from aoc_cli.terminal import as_json, err, out, plain
from aoc_common.store.mongo.client import drop_index, ensure_indexes, foreign_indexes, missing_indexes

if TYPE_CHECKING:
    from collections.abc import Callable

    from aoc_common.store.mongo.client import Database

_FAULTY = 3


def reindex(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; status 3 when something is missing.")] = False,
    drop_foreign: Annotated[
        bool, typer.Option("--drop-foreign", help="Drop indexes that no version of AOC needs any more, and yours.")
    ] = False,
    data: Data = None,
    json: AsJson = False,
) -> None:
    """Build the indexes that are missing, or are not as declared, and name those that nothing here needs.

    A MongoDB server takes writes meanwhile.
    """
    with progress() as show:
        missing, foreign = on_database(data, lambda database: _reindex(database, show, check, drop_foreign))
    if json:
        names = [f"{collection}.{name}" for collection, name in foreign]
        out.out(
            as_json({"missing": missing, "built": not check, "foreign": names, "dropped": drop_foreign and not check})
        )
    else:
        for name in missing:
            out.print(f"{plain(name)}: {'missing' if check else 'built'}")
        for collection, name in foreign:
            what = "dropped" if drop_foreign and not check else "nothing here needs it (--drop-foreign drops it)"
            out.print(f"{plain(collection)}.{plain(name)}: {what}")
        if not missing and not foreign:
            out.print("every index is as declared")
    if check and missing:
        err.print("build them: aoc maintenance reindex")
        raise typer.Exit(_FAULTY)


async def _reindex(
    database: Database, show: Callable[[str], None], check: bool, drop: bool
) -> tuple[list[str], list[tuple[str, str]]]:
    missing, foreign = await missing_indexes(database), await foreign_indexes(database)
    if check:
        return missing, foreign
    about = ", ".join([f"build {name}" for name in missing] + [f"drop {'.'.join(one)}" for one in foreign if drop])
    if about:
        await note(database, "maintenance.reindex", "change", about[:2000])
    collections = list(dict.fromkeys(name.partition(".")[0] for name in missing))
    for number, collection in enumerate(collections, 1):
        show(f"{number} of {len(collections)} collections: {collection}")
        await ensure_indexes(database, (collection,))
    # As they are now: one of a declared name was made anew.
    foreign = await foreign_indexes(database) if collections else foreign
    for collection, name in foreign if drop else ():
        show(f"dropping {collection}.{name}")
        await drop_index(database, collection, name)
    return missing, foreign
