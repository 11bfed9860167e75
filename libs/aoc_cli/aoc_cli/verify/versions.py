"""Records that change: the states that must be stored against the states that are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from uuid import UUID

    from aoc_cli.verify.ground_truth import RecordKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.census import StoredRecord

_SHOWN: Final = 20
#: Properties that may be spelt otherwise when a record is served again.
_SPELT: Final = frozenset({"id", "createdDateTime", "activityDateTime"})


@dataclass(frozen=True, slots=True)
class VersionOutcome:
    """`changed`: records that changed. `lost`: of these, those that lack a state which must be there, or its message.

    `made_up`: those with a stored state that the simulator never served.
    """

    changed: int = 0
    lost: int = 0
    made_up: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)


def compare_versions(
    truth: Mapping[str, Any],
    stored: Iterable[StoredRecord],
    texts: Mapping[UUID, Mapping[int, str]],
    messages: Collection[str],
    *,
    every: bool,
) -> VersionOutcome:
    """Compare. `truth`: the `tenants` object of `/_truth/changes`; `texts`: event -> number of a version -> its text.

    `messages`: the ids of the messages on AOC_EVENTS, of which each version has one.
    The last state must be stored: it could be fetched until the end. `every`: each served state must be stored. That
    can be required while nothing is killed and no answer is cut off: otherwise a state can end before it is fetched.
    """
    stored_states: dict[RecordKey, list[Any]] = {}
    published = Counter(message.partition(":")[0] for message in messages)
    changed, lost, made_up, unpublished = 0, set(), set(), set()
    for record in stored:
        key, versions = (record.tenant, record.source, record.record_id.lower()), texts.get(record.id, {})
        stored_states.setdefault(key, []).extend(_plain(_read(text)) for text in versions.values())
        if len(versions) > published[str(record.id)]:
            unpublished.add(key)
    for key, states in _courses(truth):
        changed += len(states) > 1
        bodies = [_plain(state["record"]) for state in states]
        needed = [body for body, state in zip(bodies, states, strict=True) if every and state["served"]]
        there = stored_states.get(key)
        if there is None:
            continue  # not stored at all: lost as a record
        if any(body not in there for body in [*needed, bodies[-1]]):
            lost.add(key)
        if any(body not in bodies for body in there):
            made_up.add(key)
    groups = {"lost: a change": lost, "lost: a change not published": unpublished, "unknown: a change": made_up}
    examples = {name: ["/".join(key) for key in sorted(group)[:_SHOWN]] for name, group in groups.items() if group}
    return VersionOutcome(changed, len(lost | unpublished), len(made_up), examples)


def check_current(
    truth: Mapping[str, Any], stored: Iterable[StoredRecord], current: Mapping[UUID, str], tally: Statements
) -> None:
    """An event shows the last state of its record. `current`: event -> its current text, of those that changed.

    Not checked for a record that returned to an earlier state: its text does not show which of the two is the later.
    """
    shown = {(record.tenant, record.source, record.record_id.lower()): current.get(record.id) for record in stored}
    for key, states in _courses(truth):
        bodies = [_plain(state["record"]) for state in states]
        text = shown.get(key)
        if text is not None and bodies[-1] not in bodies[:-1]:
            good = _plain(_read(text)) == bodies[-1]
            tally.judge("stored: current version", "/".join(key), text, states[-1]["record"], good=good)


def changed_keys(truth: Mapping[str, Any]) -> set[RecordKey]:
    """The records that change."""
    return {key for key, _ in _courses(truth)}


def lacking_first(truth: Mapping[str, Any], texts: Mapping[RecordKey, Iterable[str]]) -> set[RecordKey]:
    """Those of these records that were never stored in their first state. `texts`: record -> of all its versions."""
    first = {key: _plain(states[0]["record"]) for key, states in _courses(truth)}
    return {key for key, stored in texts.items() if first[key] not in [_plain(_read(text)) for text in stored]}


def _courses(truth: Mapping[str, Any]) -> Iterator[tuple[RecordKey, list[dict[str, Any]]]]:
    for tenant, sources in truth.items():
        for source, records in sources.items():
            for key, states in records.items():
                yield (tenant, source, key.lower()), states


def _read(text: str) -> dict[str, Any]:
    """The parsed text of a record; unparsable text differs from every record."""
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {"unreadable": text}
    return record if isinstance(record, dict) else {"unreadable": text}


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in _SPELT}
