"""Correlations that are tried on messages of AOC_EVENTS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.contracts.rows import Row
from aoc_common.store.rules import StoredRule
from aoc_rules.catalogue import Catalogue, Written, checked
from aoc_rules.evaluation.trial import MOST_KEPT, CorrelationTest
from aoc_rules.library import identity_of
from correlating import ALL, NOW

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from aoc_common.contracts.event_message import EventMessage
    from aoc_rules.evaluation.trial import TriedRules


def rules_of(*texts: str, identity: str = ALL) -> TriedRules:
    """A correlation beside others that are stored."""
    stored = {one: StoredRule(one, text) for text in texts for one in [identity_of(checked(text, "a rule"))]}
    return Catalogue((), home=True).tried(Written(identity, {}), stored, NOW)


def pairs(messages: Iterable[EventMessage]) -> list[tuple[Row, Any]]:
    """As tests of rules take them."""
    return [(Row.of_message(one), one.event) for one in messages]


async def tried(
    rules: TriedRules, messages: Iterable[EventMessage], until: datetime, tenant: str = "contoso", most: int = MOST_KEPT
) -> CorrelationTest:
    """What a correlation finds in them."""
    test = CorrelationTest(rules, tenant, most=most)
    test.add_all(pairs(messages))
    await test.evaluate(until, lambda: True)
    return test
