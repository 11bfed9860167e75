"""How much of what a person could search for is found: the index terms against a brute-force look at the records.

`python bench/recall.py [FILE...]`: NDJSON files of records; without any, records of the simulator. 200 queries are
taken from values of the records themselves: people, names, addresses, ids, operations, error codes, files, rules; each
whole, or one word of it. Nobody asks for what is in more than a tenth of all records. A record is relevant when one of
its values (not the name of a field) holds the query as whole words.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aoc_common.contracts.event import Event
from aoc_common.contracts.terms import query_terms
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples

_QUERIES = 200
_TOO_COMMON = 0.1
_KINDS: dict[str, str] = {
    "person": r"(?i)^(userid|userprincipalname|mailboxownerupn|upn|user|userids|identity)$",
    "name": r"(?i)^(displayname|userdisplayname|appdisplayname|resourcedisplayname|title)$",
    "address": r"(?i)^(clientip|clientipaddress|actoripaddress|ipaddress|senderip)$",
    "id": r"^(Id|id|ObjectId|objectId|correlationId|CorrelationId|appId|AppId|userId|SessionId|InternetMessageId)$",
    "operation": r"^(Operation|activityDisplayName|activityType)$",
    "file": r"^(SourceFileName|SourceRelativeUrl|DestinationFileName)$",
    "code": r"^(ErrorNumber|errorCode)$",
    "rule": r"^(RuleName|PolicyName|Subject)$",
}


def candidates(value: Any, key: str = "") -> list[tuple[str, str]]:
    """(kind, text) of everything in a record that a person might type."""
    if isinstance(value, dict):
        return [candidate for name, item in value.items() for candidate in candidates(item, name)]
    if isinstance(value, list):
        return [candidate for item in value for candidate in candidates(item, key)]
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return [(kind, text) for kind, keys in _KINDS.items() if 1 < len(text) <= 120 and re.match(keys, key)]


def query_of(kind: str, text: str, rng: random.Random) -> str:
    """What a person would type to find this value: all of it, or a word of it."""
    words = re.findall(r"[^\W\d_]{4,}", text.partition("@")[0])
    if kind in {"person", "name", "file", "rule"} and words and rng.random() < 0.5:
        return str(rng.choice(words))
    if kind == "operation":
        return str(rng.choice([text, *re.findall(r"[A-Z]?[a-z]{3,}", text)]))
    if kind == "address":
        query: str = re.sub(r"^\[?([^\]]*?)\]?(:\d+)?$", r"\1", text) if "." in text or text.startswith("[") else text
        return query
    return text


def values_of(value: Any) -> str:
    """All values of a record, one a line, in lower case."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict):
        return "\n".join(values_of(item) for item in value.values())
    if isinstance(value, list):
        return "\n".join(values_of(item) for item in value)
    return str(value).casefold()


def pattern_of(query: str) -> re.Pattern[str]:
    """A pattern of the query's words."""
    return re.compile(rf"(?<![a-z0-9]){re.escape(query.casefold())}(?![a-z0-9])")


def main() -> None:
    """Measure and print; the queries with the worst recall first."""
    raws = [line for name in sys.argv[1:] for line in Path(name).read_bytes().splitlines() if line.strip()]
    raws = raws or [text for _, text in samples.records(3, 3000, None)]
    context = RecordContext("bench", "import", datetime.now(UTC))
    events = [made for raw in raws if isinstance(made := normalise(raw, context), Event)]
    texts = [values_of(json.loads(event.raw)) for event in events]
    terms = [frozenset(event.terms) for event in events]
    rng = random.Random(7)
    recalls: dict[str, list[float]] = defaultdict(list)
    worst: list[tuple[float, str, str, int]] = []
    while len(worst) < _QUERIES:
        kind = ""
        while not kind:
            typed = candidates(json.loads(rng.choice(events).raw))
            if typed:
                chosen_kind = rng.choice(sorted({kind for kind, _ in typed}))
                kind, text = rng.choice([candidate for candidate in typed if candidate[0] == chosen_kind])
                query = query_of(kind, text, rng)
        query_tokens = query_terms(query)
        pattern = pattern_of(query)
        relevant = [index for index, text in enumerate(texts) if pattern.search(text)]
        if not relevant or not query_tokens or len(relevant) > len(events) * _TOO_COMMON:
            continue
        hits = sum(all(token in terms[index] for token in query_tokens) for index in relevant)
        recalls[kind].append(hits / len(relevant))
        worst.append((hits / len(relevant), kind, query, len(relevant)))
    every = [value for values in recalls.values() for value in values]
    print(f"{len(events):,} events, {sum(map(len, terms)) / len(terms):.1f} terms each, {len(every)} queries")
    print(f"recall {sum(every) / len(every):.3f}")
    for kind, values in sorted(recalls.items()):
        print(f"  {kind:10} {sum(values) / len(values):.3f}  ({len(values)})")
    for recall, kind, query, count in sorted(worst)[:15]:
        if recall < 1:
            print(f"  {recall:.2f} {kind}: {query!r} in {count}")


if __name__ == "__main__":
    main()
