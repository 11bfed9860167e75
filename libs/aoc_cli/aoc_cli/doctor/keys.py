"""Whether reports of completeness can be signed here, and checked elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_cli.doctor.findings import Finding, Grade
from aoc_cli.reports import keys
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.report_keys import MongoKeyRegister

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aoc_cli.attach import System
    from aoc_cli.reports.keys import KeyState
    from aoc_common.contracts.report_keys import PublishedKey

_WHERE: Final = "system"
_CHECK: Final = "report key"


async def check(system: System, data: Path | None) -> list[Finding]:
    """The keys. Nothing when the database is away: another check says so."""
    try:
        async with connect(system.mongo) as database:
            published = await MongoKeyRegister(database).published()
    except AocError:
        return []
    try:
        own = keys.OwnKey(keys.directory_of(system, data).secret_files).state()
    except BadConfiguration as error:
        return [Finding(_WHERE, _CHECK, Grade.FAIL, str(error), "Put the file right; then aoc keys rotate")]
    return list(of_keys(published, own))


def of_keys(published: Sequence[PublishedKey], own: KeyState) -> Iterator[Finding]:
    """What is published, and whether it fits the key that signs on this machine."""
    in_use = [one for one in published if one.retired_at is None]
    for one in in_use:
        yield Finding(_WHERE, _CHECK, Grade.OK, f"{one.kid} signs since {one.published_at:%Y-%m-%d}")
    if own.changing:
        fix = "Run aoc keys fingerprint: it ends the change"
        yield Finding(_WHERE, _CHECK, Grade.WARN, "a change of keys was cut short", fix)
    elif own.kid is not None and own.kid not in {one.kid for one in in_use}:
        retired = own.kid in {one.kid for one in published}
        said = f"{own.kid}, the key of this machine, is {'retired' if retired else 'not published'}"
        fix = "Run aoc keys rotate" if retired else "Run aoc keys fingerprint: it publishes the key"
        yield Finding(_WHERE, _CHECK, Grade.WARN, said, fix)
    elif not in_use:
        yield Finding(_WHERE, _CHECK, Grade.OK, "none yet: it is made with the first report")
