"""The engine against pySigma's SQLite backend over real records: the public rules, and those that come along.

Each rule is a query on a table of the records of its log source, whose columns are what the engine finds for the fields
of the rule. The classes of difference that are allowed are those of `test_sigma_differential`: by them a rule or a pair
is left out beforehand, and counted. All else agrees.
"""

from __future__ import annotations

import copy
import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import FieldMappingTransformation
from sigma.rule import SigmaDetection
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaNull,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
)

import public_sets
from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_rules.sigma import log_sources
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.named_lists import NO_LISTS
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.record import Record
from microsoft_records import NOW
from rule_pack import pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sigma.rule import SigmaDetectionItem, SigmaRule

    from aoc_rules.sigma.log_sources import LogSource

SHARED: Final = Path(__file__).parents[4] / "shared" / "data"
FILES: Final = sorted(SHARED.glob("sigma/**/*.yml"))
#: Rows of one record at most.
MOST_ROWS: Final = 64
#: Pairs that match, and that do not.
LEAST: Final = (250, 70_000)
#: Values of a rule -> the class of difference.
CLASSES: Final[list[tuple[tuple[type, ...], str]]] = [
    ((SigmaCIDRExpression,), "CIDR"),
    ((SigmaNull, SigmaExists), "null or missing"),
    ((SigmaCompareExpression, SigmaBool, SigmaTimestampPart), "number or text"),
    ((SigmaRegularExpression,), "expression"),
]


def _rules() -> Iterator[SigmaRule]:
    texts = [file.read_bytes() for file in FILES] + [one.text for one in pack().files.values()]
    for text in texts:
        yield from read(text, "rule").rules


def _items(detection: SigmaDetection) -> Iterator[SigmaDetectionItem]:
    for one in detection.detection_items:
        if isinstance(one, SigmaDetection):
            yield from _items(one)
        else:
            yield one


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of a rule. `twice`: those that it asks for more than once, or all values of."""

    names: tuple[str, ...]
    twice: frozenset[str]
    negated: bool

    @classmethod
    def of(cls, rule: SigmaRule, items: Sequence[SigmaDetectionItem]) -> _Fields:
        asked = Counter(str(item.field) for item in items)
        modifiers = [(str(item.field), modifier.__name__) for item in items for modifier in item.modifiers]
        every = {name for name, modifier in modifiers if modifier == "SigmaAllModifier"}
        negated = any(" not " in f" {text}" for text in rule.detection.condition)
        negated = negated or any("Negat" in modifier or "Not" in modifier for _, modifier in modifiers)
        return cls(tuple(asked), frozenset({name for name, times in asked.items() if times > 1} | every), negated)


def _values(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        yield from _values(value.values) if isinstance(value, SigmaExpansion) else [value]


def _class_of(items: Sequence[SigmaDetectionItem]) -> str | None:
    """The class of difference of a rule, whatever the record."""
    if any(item.field is None for item in items):
        return "no keyword"
    for value in _values([value for item in items for value in item.value]):
        if isinstance(value, SigmaString) and value.contains_placeholder():
            return "placeholder"
        for kinds, name in CLASSES:
            if isinstance(value, kinds):
                return name
        if not str(value).isascii():
            return "not ASCII"
    return None


def _cells(record: Record, source: LogSource, fields: _Fields) -> list[tuple[str | None, ...]] | str:
    """Rows that say what a record has in the fields of a rule; the class of difference where rows cannot say it.

    Of several values any may match, so that each is a row, where a rule asks for each of these fields once and for
    nothing that is not there.
    """
    several: list[Sequence[str | None]] = []
    for name in fields.names:
        values = record.values(source.fields.field(name))
        if values.containers or (len(values.plain) > 1 and (fields.negated or name in fields.twice)):
            return "list or object"
        if not values.plain and fields.negated:
            return "null or missing"  # what is unknown is neither so nor not so there
        if not all(text.isascii() for text in values.plain):
            return "not ASCII"
        several.append(values.plain or (None,))
    return list(product(*several)) if prod(map(len, several)) <= MOST_ROWS else "list or object"


def _records() -> dict[LogSource, list[Record]]:
    records: defaultdict[LogSource, list[Record]] = defaultdict(list)
    for one in public_sets.SETS:
        for raw in public_sets.records(SHARED, one):
            event = normalise(raw, RecordContext("t", "import", NOW))
            assert isinstance(event, Event)
            told = orjson.loads(event.message())
            for source in log_sources.of_event(told):
                records[source].append(Record(told))
    return records


def _matched(rule: SigmaRule, names: Sequence[str], rows: Sequence[tuple[int, Sequence[str | None]]]) -> set[int]:
    """The rows that the backend's query gives."""
    columns = {name: f"c{place}" for place, name in enumerate(names)}
    pipeline = ProcessingPipeline([ProcessingItem(FieldMappingTransformation(dict(columns)))])
    (query,) = sqliteBackend(pipeline).convert(SigmaCollection([copy.deepcopy(rule)]))
    table = sqlite3.connect(":memory:")
    described = ", ".join(f"{column} TEXT COLLATE NOCASE" for column in columns.values())
    table.execute(f"CREATE TABLE logs (number INTEGER, {described})")
    marks = ", ".join("?" * (len(names) + 1))
    table.executemany(f"INSERT INTO logs VALUES ({marks})", [(number, *cells) for number, cells in rows])
    found = {row[0] for row in table.execute(query)}
    table.close()
    return found


@pytest.mark.slow
@pytest.mark.skipif(not FILES, reason="the public rules lie beside the project")
def test_on_real_records_the_public_rules_and_our_own_match_what_the_backend_finds() -> None:
    records, outcomes = _records(), Counter[str]()
    for rule in _rules():
        compiled = compile_rule(rule)
        items = [item for detection in rule.detection.detections.values() for item in _items(detection)]
        if (why := _class_of(items)) is not None:
            outcomes[f"rules: {why}"] += 1
            continue
        outcomes["rules"] += 1
        fields = _Fields.of(rule, items)
        for source in compiled.conditions:
            compared: dict[int, list[tuple[str | None, ...]]] = {}
            for number, record in enumerate(records.get(source, ())):
                cells = _cells(record, source, fields)
                if isinstance(cells, str):
                    outcomes[f"pairs: {cells}"] += 1
                else:
                    compared[number] = cells
            there = _matched(rule, fields.names, [(number, row) for number, rows in compared.items() for row in rows])
            here = {number for number in compared if compiled.match(records[source][number], source, NO_LISTS)}
            assert here == there, (rule.title, source.name, sorted(here ^ there)[:5])
            outcomes["both"] += len(here)
            outcomes["neither"] += len(compared) - len(here)

    assert outcomes["rules"] >= 150, outcomes
    assert outcomes["both"] > LEAST[0], outcomes
    assert outcomes["neither"] > LEAST[1], outcomes
