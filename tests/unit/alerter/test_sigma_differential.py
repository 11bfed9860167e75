"""The engine against pySigma's SQLite backend: generated rules on generated records, one row each.

Classes of difference that are allowed, listed beforehand. Those of the first kind are not generated; of the last, pairs
that differ are counted. Outside of them there is none:

- `list or object`: a column holds one value.
- `no keyword`: the backend wants a column of all texts.
- `not ASCII`: SQLite knows case only of ASCII.
- `number or text`: SQLite compares by type, the engine by text; also `true`, which a column has as 1.
- `null or missing`: a column is NULL for both; `exists` is true here of a field that is null.
- `CIDR`, `placeholder`: the backend makes wildcards of networks, and has no lists.
- `expression`: RE2 here, Python's `re` there; those generated mean the same in both.
- `null in a comparison`: another field that is NULL or empty, beside `LIKE`, is neither here nor there.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from random import Random

import pytest
from sigma.backends.sqlite.sqlite import sqliteBackend
from sigma.collection import SigmaCollection

from each import each
from sigma_rules import fires, rule_of, text_of

FIELDS = ("a", "b", "c")
WORDS = ("", "ab", "AB", "abc", "bca", "xabx", "a*b", "a?b", "a b", "a%b", "a_b", "a\\b", "ss", "7", "it's")
PATTERNS = ("a", "ab", "b*a", "?b*", "x*", "*c", "ABC", r"a\*b", "b", "7", "*b?", "a%b", "A_B", "a\\b", "'s", "a?b")
EXPRESSIONS = ("ab", "^a", "b$", "a|x", "(ab)+c", "x?ab", "a{1}b", "[ab]c", "a.c", r"\*", "b+c")
CONDITIONS = ("s0", "not s0", "s0 and s1", "s0 or s1", "s0 and not s1", "1 of s*", "all of s*", "not (s0 or s1)")
PAIRS = 10_000


def _item(random: Random) -> tuple[str, object]:
    field = random.choice(FIELDS)
    kind = random.choice(
        ["", "", "contains", "startswith", "endswith", "cased", "contains|cased", "contains|all", "neq", "re", "re|i",
         "exists", "null", "fieldref", "fieldref|startswith", "fieldref|contains", "fieldref|endswith"]
    )  # fmt: skip
    if kind == "null":
        return field, None
    if kind == "exists":
        return f"{field}|exists", random.random() < 0.5
    if kind.startswith("fieldref"):
        return f"{field}|{kind}", random.choice(FIELDS)
    choices = EXPRESSIONS if kind.startswith("re") else PATTERNS
    several = kind == "contains|all" or random.random() < 0.4
    value = random.sample(choices, random.randint(2, 3)) if several else random.choice(choices)
    return (f"{field}|{kind}" if kind else field), value


def _search(random: Random) -> object:
    maps = [dict(_item(random) for _ in range(random.randint(1, 2))) for _ in range(random.choice([1, 1, 2]))]
    return maps[0] if len(maps) == 1 else maps


def _record(random: Random) -> dict[str, str | None]:
    held = {field: random.choice(WORDS) for field in FIELDS if random.random() < 0.8}
    return {**dict.fromkeys(FIELDS), **held}


def _row(table: sqlite3.Connection, record: dict[str, str | None]) -> None:
    table.execute("DELETE FROM logs")
    table.execute(f"INSERT INTO logs VALUES ({', '.join('?' * len(FIELDS))})", [record[field] for field in FIELDS])


def _table() -> sqlite3.Connection:
    table = sqlite3.connect(":memory:")
    table.create_function("REGEXP", 2, lambda pattern, text: text is not None and re.search(pattern, text) is not None)
    table.execute(f"CREATE TABLE logs ({', '.join(f'{field} TEXT COLLATE NOCASE' for field in FIELDS)})")
    return table


def _allowed(detection: dict[str, object], record: dict[str, str | None]) -> str | None:
    """The class of difference that a pair belongs to, of those listed above."""
    text = str(detection)
    if "fieldref" in text and (None in record.values() or "" in record.values()):
        return "null in a comparison"
    return None


@pytest.mark.slow
@each("seed", range(4))
def test_the_engine_agrees_with_the_sqlite_backend(seed) -> None:
    random, table, backend = Random(seed), _table(), sqliteBackend()
    outcomes: Counter[str] = Counter()
    for _ in range(PAIRS // 4 // 25):
        detection = {"s0": _search(random), "s1": _search(random), "condition": random.choice(CONDITIONS)}
        rule = rule_of(detection)
        (query,) = backend.convert(SigmaCollection.from_yaml(text_of(detection)))
        for _ in range(25):
            record = _record(random)
            allowed = _allowed(detection, record)
            _row(table, record)
            there = bool(table.execute(query).fetchall())
            here = fires(rule, {field: text for field, text in record.items() if text is not None})
            outcomes[("both" if here else "neither") if here == there else str(allowed)] += 1
            assert allowed or here == there, (detection, record, query)

    assert outcomes["both"] > 200
    assert outcomes["neither"] > 200
    assert outcomes["null in a comparison"] < 150
