"""Tables that portals, PowerShell, extractors and SIEMs export: each row is rewritten to Microsoft's own record.

A reader of files asks `recognise_table` whether a header is one of these. Each row is then a record of its own: an
object of column -> text. No mapper is made for a table: its description (one module an origin) says where each column
belongs in the record that Graph, the unified log or Defender's stream would bring, and that record's mapper does the
rest. So the same record has the same id through every table that holds it (docs/reference/shapes.md).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.envelopes.tables import azure, defender, directory, exchange, hawk, intune, signins
from aoc_normalizer.mappers.envelopes.tables.columns import MAX_COLUMNS, Plan, Table, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aoc_normalizer.draft import Draft

#: Tried in order: tables with marks of their own before those whose columns others have, too.
TABLES: Final[tuple[Table, ...]] = (
    *hawk.TABLES,
    *defender.TABLES[:1],
    *azure.TABLES[:2],
    *signins.TABLES,
    *exchange.TABLES,
    *defender.TABLES[1:-1],
    *directory.TABLES,
    *intune.TABLES,
    *azure.TABLES[2:],
    *defender.TABLES[-1:],
)
_SENTINELS: Final = "TimeGenerated [UTC]"
#: What JSON has in place of a text or a number. Every record is asked for it, so it is asked quickly.
_NESTED: Final = frozenset({dict, list})
#: Characters of a header that is remembered: whoever writes a record chooses its names.
_MAX_HEADER: Final = 16 << 10


def recognise_table(header: Iterable[str]) -> str | None:
    """The name of the table that has this header, or None for one that nobody here can read."""
    plan = plan_of(header, TABLES)
    return None if plan is None else plan.table.name


def recognises(record: Record) -> bool:
    """Whether a record is a row: it has a table's columns, and a text or a number in each."""
    return _NESTED.isdisjoint(map(type, record.values())) and is_flattened(record)


def fill(record: Record, draft: Draft) -> None:
    """Map the record that the row tells of; what its mapper used is noted under the row's own columns."""
    plan = _plan(record)
    if plan is None:
        raise ValueError("no row of a known table")
    table = plan.table
    made = table.record(plan.placed(record))
    table.mapper.fill(made, draft)
    table.more(made, draft)
    left = draft.rest
    used = {
        column
        for column, (root, *_) in plan.steps.items()
        if root not in left and (root in draft.used or root not in made)
    }
    # An empty cell says nothing that could be left.
    draft.used = used | {column for column, value in record.items() if value is None or value == ""}
    if not table.inside:
        draft.rest = {}


def is_flattened(record: Record) -> bool:
    """Whether a record that nobody else takes has a table's columns, some with objects: a list of a cmdlet's, say."""
    plan = _plan(record)
    if plan is None:
        return False
    return plan.table.accepts is None or plan.table.accepts(plan.table.record(plan.placed(record)))


def _plan(record: Record) -> Plan | None:
    if len(record) > MAX_COLUMNS:
        return None
    header = tuple(record)
    plan = _plan_of(header) if sum(map(len, header)) <= _MAX_HEADER else plan_of(header, TABLES)
    # A record that is Microsoft's own already has a mapper.
    return plan if plan is not None and plan.rewrites(record) else None


@lru_cache(maxsize=256)
def _plan_of(header: tuple[str, ...]) -> Plan | None:
    return plan_of(header, TABLES)


def has_names_of_records(record: Record) -> bool:
    """Whether a row has the names of a record, and marks of its own: of Sentinel's portal those of times, of Hawk."""
    if _SENTINELS in record:
        return recognises(record)
    return not hawk.MARKS.isdisjoint(record) and is_flattened(record)


MAPPER: Final = Mapper("table", 2, recognises, fill)
#: The same for rows that another mapper would take for records.
MARKED: Final = Mapper("table", 2, has_names_of_records, fill)
#: The same for what is left when nobody has taken it.
FLATTENED: Final = Mapper("table", 2, is_flattened, fill)
