"""Each public rule fires on a record in Microsoft's shape and not on a near one; or it cannot, and lint says why."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import public_sets
from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.lint import lint, never_fires
from aoc_rules.sigma.named_lists import NamedLists
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.ruleset import RuleSet
from microsoft_records import NOW, SHAPES, WHEN, event_of
from public_rule_table import PAGE, page, read_table

if TYPE_CHECKING:
    from aoc_rules.sigma.rule import CompiledRule

SHARED = Path(__file__).parents[4] / "shared" / "data"
FILES = sorted(SHARED.glob("sigma/**/*.yml"))
TABLE, LISTS = read_table()

beside = pytest.mark.skipif(not FILES, reason="the public rules lie beside the project")


@cache
def rules() -> dict[str, CompiledRule]:
    made = (compile_rule(read(file.read_bytes(), file.name).rules[0]) for file in FILES)
    return {rule.id: rule for rule in made}


def ways_that_fire(rule: CompiledRule, shape: str, said: dict[str, Any]) -> set[str]:
    """The interfaces by whose record of an action a rule fires."""
    alone, lists = RuleSet([rule]), NamedLists(LISTS)
    return {
        way
        for way, source, record in SHAPES[shape](dict(said), WHEN)
        if alone.match(orjson.loads(event_of(record, source).message()), lists)
    }


@beside
def test_the_table_has_each_public_rule_by_its_id_and_title() -> None:
    assert {rule.id: rule.title for rule in TABLE} == {id_: rule.title for id_, rule in rules().items()}
    assert len(TABLE) == 80


@beside
def test_each_public_rule_fires_by_every_interface_that_tells_enough_and_not_on_a_near_miss() -> None:
    for row in TABLE:
        if row.fires is None:
            continue
        rule, said = rules()[row.id], row.fires[row.shape]

        assert ways_that_fire(rule, row.shape, said) >= set(row.ways), row.title
        assert row.ways, row.title
        assert row.misses, row.title
        for miss in row.misses:
            assert not ways_that_fire(rule, row.shape, said | miss) & set(row.ways), (row.title, miss)


@beside
def test_lint_gives_the_reason_for_each_public_rule_that_cannot_fire_and_none_for_others() -> None:
    for row in TABLE:
        rule = rules()[row.id]
        reasons = {finding.code for finding in lint(rule, NamedLists(LISTS))} - {"never"}

        assert (row.title, reasons) == (row.title, set(row.never))
        assert never_fires(rule) is (row.fires is None) is bool(row.never)


@beside
@pytest.mark.slow
def test_the_public_records_match_as_many_rules_as_the_table_says() -> None:
    every, lists = RuleSet(rules().values()), NamedLists(LISTS)
    found: Counter[str] = Counter()
    for one in public_sets.SETS:
        for record in public_sets.records(SHARED, one):
            event = normalise(record, RecordContext("t", "import", NOW))
            assert isinstance(event, Event)
            found.update(match.rule.id for match in every.match(orjson.loads(event.message()), lists))

    assert dict(found) == {row.id: row.found for row in TABLE if row.found}


def test_the_page_of_the_reference_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "python tests/support/public_rule_table.py writes it"
