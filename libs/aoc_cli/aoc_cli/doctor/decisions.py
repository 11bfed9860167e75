"""Checks whether dead letters or quarantined records wait for a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_cli.amounts import amount
from aoc_collector.findings import Finding, Grade
from aoc_common.errors import AocError
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.dead_letters import MongoDeadLetters
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.review_queues import ItemState, Selection

if TYPE_CHECKING:
    from aoc_cli.attach import System

_WHERE: Final = "system"


async def check(system: System) -> list[Finding]:
    """Count what waits. Empty when the database is away, which another check reports."""
    try:
        async with connect(system.mongo) as database:
            letters = MongoDeadLetters(database)
            undecided = await letters.count(Selection())
            expired = await letters.count(Selection(state=ItemState.EXPIRED))
            waiting = await MongoQuarantine(database).count(Selection())
    except AocError:
        return []
    return [of_letters(undecided, expired), of_quarantine(waiting)]


def of_letters(undecided: int, expired: int) -> Finding:
    """Messages that services gave up."""
    expired_note = f"; of {expired:,} more the content expired before anybody decided" if expired else ""
    if undecided:
        fix = "Look at them with aoc deadletters list; when the cause is mended, aoc deadletters retry --all"
        return Finding(_WHERE, "dead letters", Grade.FAIL, f"{undecided:,} wait for a decision{expired_note}", fix)
    if expired:
        fix = "Their records are a permanent gap: aoc completeness tells of which sources"
        return Finding(_WHERE, "dead letters", Grade.WARN, f"none waits{expired_note}", fix)
    return Finding(_WHERE, "dead letters", Grade.OK, "none")


def of_quarantine(waiting: int) -> Finding:
    """Records that could not become events."""
    if waiting:
        fix = "Look at them with aoc quarantine list; retry them after an update, or discard them"
        return Finding(_WHERE, "quarantine", Grade.WARN, f"{amount(waiting, 'record')} waiting for a decision", fix)
    return Finding(_WHERE, "quarantine", Grade.OK, "empty")
