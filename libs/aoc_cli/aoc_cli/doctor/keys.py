"""Whether reports of completeness can be signed here, and checked elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aoc_cli.reports import keys
from aoc_collector.findings import Finding, Grade
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.private import exposed
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.report_keys import MongoKeyRegister

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aoc_cli.attach import System
    from aoc_cli.reports.keys import KeyState
    from aoc_common.contracts.report_keys import PublishedKey

_WHERE: Final = "system"
_CHECK: Final = "report key"


async def check(system: System, data: Path | None) -> list[Finding]:
    """Check the keys. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            published = await MongoKeyRegister(database).published()
    except AocError:
        return []
    try:
        own = keys.here(keys.directory_of(system, data))
    except BadConfiguration as error:
        fix = "Put it right; if others may have read the key, aoc keys rotate"
        return [Finding(_WHERE, _CHECK, Grade.FAIL, str(error), fix)]
    return [*of_keys(published, own), *_of_rights(keys.configured())]


def _of_rights(reference: str | None) -> Iterator[Finding]:
    """Whether others may read the key file of a reference; the directory's own key is refused in that case."""
    kind, _, name = (reference or "").partition(":")
    if kind == "file" and exposed(Path(name)):
        fix = "Make it readable by its owner only, where that is possible"
        yield Finding(_WHERE, _CHECK, Grade.WARN, f"{name}: others than its owner may read this private key", fix)


def of_keys(published: Sequence[PublishedKey], own: KeyState) -> Iterator[Finding]:
    """What is published, and whether it fits the key that signs on this machine."""
    in_use = [key for key in published if key.retired_at is None]
    for key in in_use:
        yield Finding(_WHERE, _CHECK, Grade.OK, f"{key.kid} signs since {key.published_at:%Y-%m-%d}")
    if own.changing:
        fix = "Run aoc keys fingerprint: it ends the change"
        yield Finding(_WHERE, _CHECK, Grade.WARN, "a change of keys was cut short", fix)
    elif own.kid is not None and own.kid not in {key.kid for key in in_use}:
        retired = own.kid in {key.kid for key in published}
        problem = f"{own.kid}, the key of this machine, is {'retired' if retired else 'not published'}"
        fix = (
            "Run aoc keys rotate, or name another key" if retired else "Run aoc keys fingerprint: it publishes the key"
        )
        yield Finding(_WHERE, _CHECK, Grade.WARN, problem, fix)
    elif not in_use:
        yield Finding(_WHERE, _CHECK, Grade.OK, "none yet: it is made with the first report")
