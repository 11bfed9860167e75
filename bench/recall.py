"""How much of what a person could search for is found: the index terms against a brute-force look at the records.

`python bench/recall.py [FILE...]`: NDJSON files of records; without any, records of the simulator.

- 200 queries from values of the records: people, names, addresses, ids, operations, error codes, files, rules; each
  whole, or one word of it. Nobody asks for what is in more than a tenth of all records. A record is relevant when one
  of its values (not the name of a field) holds the query as whole words.
- 200 queries from sentences: a word as it stands, its beginning, or words in quotes.
- 20 words of events with a typo: whether what is offered instead is what was meant.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import string
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aoc_common.contracts.event import Event
from aoc_common.contracts.query.alike import closest
from aoc_common.contracts.query.filters import Clause, Field
from aoc_common.contracts.query.grammar import QueryError, parse
from aoc_common.contracts.query.matching import Facts, matches
from aoc_common.contracts.query.values import Unsearchable, exactly
from aoc_common.contracts.terms import is_word
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext
from aoc_sim import samples

_QUERIES = 200
_TYPOS = 20
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


def sentence_query(message: str, rng: random.Random) -> str:
    """What a person would type of a sentence: one word of it as it stands, its beginning, or a few words in quotes."""
    words = message.split()
    at = rng.randrange(len(words))
    kind = rng.random()
    if kind < 0.2 and at + 1 < len(words):
        return '"' + " ".join(words[at : at + 3]).replace('"', "") + '"'
    bare = words[at].strip("()[]{}<>\"'`,;:.!?")
    if kind < 0.4 and re.fullmatch(r"[^\W\d_]{5,}", bare):
        return bare[:4] + "*"
    return bare.replace('"', "")


def typo(word: str, rng: random.Random) -> str:
    """The word with one letter lost, doubled, wrong, or two in each other's place."""
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2 and word[at] != word[at + 1]:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + rng.choice(string.ascii_lowercase.replace(word[at], "")) + word[at + 1 :]


def facts_of(event: Event) -> Facts:
    """What the store finds the event by, for queries without fields."""
    return Facts(frozenset(event.terms), {"text": (str(event.ocsf["message"]), event.raw), "raw": (event.raw,)})


def recall_of_sentences(events: list[Event], facts: list[Facts], rng: random.Random) -> list[tuple[float, str]]:
    """Of each query, the share of the events found whose sentence has what was asked for."""
    found: list[tuple[float, str]] = []
    while len(found) < _QUERIES:
        query = sentence_query(rng.choice(events).ocsf["message"], rng)
        try:
            where = parse(query)
        except QueryError:
            continue
        wanted = query.strip('"').removesuffix("*").casefold()
        # Parts of addresses and of numbers are no words.
        after = "" if query.endswith("*") else r"(?![^\W_]|[.,]\d)"
        pattern = re.compile(rf"(?<![^\W_])(?<!\d[.,]){re.escape(wanted)}{after}")
        relevant = [i for i, event in enumerate(events) if pattern.search(event.ocsf["message"].casefold())]
        if where and relevant:
            found.append((sum(matches(where, facts[i]) for i in relevant) / len(relevant), query))
    return found


def suggested(events: list[Event], rng: random.Random) -> list[tuple[str, str, list[str]]]:
    """Words of sentences with a typo that no event has: (meant, typed, offered)."""
    counts = Counter(term for event in events for term in event.terms if is_word(term))
    known = sorted(counts)
    letters = [word for word in known if re.fullmatch(r"[a-z]{5,20}", word)]
    found: list[tuple[str, str, list[str]]] = []
    while len(found) < _TYPOS:
        meant = rng.choice(letters)
        typed = typo(meant, rng)
        if typed in counts:
            continue
        alike = closest(typed, [one for one in known if one[0] == typed[0]])
        found.append((meant, typed, sorted(alike, key=lambda one: -counts[one])[:1]))
    return found


def recall_of_records(
    events: list[Event], facts: list[Facts], rng: random.Random, field: Field
) -> list[tuple[float, str, str, int]]:
    """Of each query, the share of the events found whose record has it; its kind, the query, and how many there are.

    `field`: `text`, by the index, or `raw`, by looking through records.
    """
    texts = [values_of(json.loads(event.raw)) for event in events]
    found: list[tuple[float, str, str, int]] = []
    while len(found) < _QUERIES:
        named = candidates(json.loads(rng.choice(events).raw))
        if not named:
            continue
        wanted = rng.choice(sorted({kind for kind, _ in named}))
        kind, text = rng.choice([one for one in named if one[0] == wanted])
        query = query_of(kind, text, rng)
        pattern = pattern_of(query)
        relevant = [index for index, text in enumerate(texts) if pattern.search(text)]
        if not relevant or len(relevant) > len(events) * _TOO_COMMON:
            continue
        try:
            where = tuple(Clause(field, (exactly(field, word),)) for word in query.split())
        except Unsearchable:
            continue
        hits = sum(matches(where, facts[index]) for index in relevant)
        found.append((hits / len(relevant), kind, query, len(relevant)))
    return found


def print_records(found: list[tuple[float, str, str, int]]) -> None:
    """The recall over raw text, by kind, and the queries with the worst."""
    recalls: dict[str, list[float]] = defaultdict(list)
    for recall, kind, _, _ in found:
        recalls[kind].append(recall)
    print(f"recall of {len(found)} queries over raw text {sum(one[0] for one in found) / len(found):.4f}")
    for kind, values in sorted(recalls.items()):
        print(f"  {kind:10} {sum(values) / len(values):.3f}  ({len(values)})")
    for recall, kind, query, count in sorted(found)[:15]:
        if recall < 1:
            print(f"  {recall:.2f} {kind}: {query!r} in {count}")


def main() -> None:
    """Measure and print; the queries with the worst recall first."""
    raws = [line for name in sys.argv[1:] for line in Path(name).read_bytes().splitlines() if line.strip()]
    raws = raws or [text for _, text in samples.records(3, 3000, None)]
    context = RecordContext("bench", "import", datetime.now(UTC))
    events = [made for raw in raws if isinstance(made := normalise(raw, context), Event)]
    facts = [facts_of(event) for event in events]
    rng = random.Random(7)
    print(f"{len(events):,} events, {sum(len(event.terms) for event in events) / len(events):.1f} terms each")
    print(f"over the cap of terms: {sum('fewer-terms' in event.tags for event in events)} events")
    print_records(recall_of_records(events, facts, rng, "text"))
    looked_through = recall_of_records(events, facts, random.Random(7), "raw")
    print(f"recall of the same by raw: {sum(recall for recall, *_ in looked_through) / len(looked_through):.4f}")
    sentences = recall_of_sentences(events, facts, rng)
    whole = sum(recall for recall, _ in sentences) / len(sentences)
    print(f"recall of {len(sentences)} queries over sentences {whole:.4f}")
    for recall, query in sorted(sentences)[:10]:
        if recall < 1:
            print(f"  {recall:.2f} {query}")
    offers = suggested(events, rng)
    print(f"right suggestions: {sum(offer == [meant] for meant, _, offer in offers)} of {len(offers)}")
    for meant, typed, offer in offers:
        if offer != [meant]:
            print(f"  {typed}: {' '.join(offer) or 'nothing'} for {meant}")


if __name__ == "__main__":
    main()
