"""Field by field against expectations that others wrote for the same raw records.

`python bench/pairs.py DIRECTORY`: `*.pairs.jsonl` files, a line `{"raw": ..., "expected": {ECS-like}}`. Prints the
share that agrees, and every disagreement with a verdict where one is known: their expectations have faults, and some
fields mean another thing there.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading import RecordContext

if TYPE_CHECKING:
    from collections.abc import Iterator

#: (field, what they expect or where it is) -> who is right, and why.
VERDICTS = {
    ("action", "Publish"): "ours: `Publish` is what the transport did; the row's own ActionType is the action",
    ("action", "Sign-in activity"): "same: we name the kind of sign-in",
    ("action", "User Risk Detection"): "ours: the detection's own type says more than its category",
    ("action", "GettingStatus"): "same: theirs is a status of the message, which is in our message and result",
    ("time", "azure-ad"): "ours: theirs is the envelope's time, minutes after the event's own",
    ("time", "intune"): "theirs: the envelope has the same moment with decimals, ActivityDate only seconds",
    ("actor", "entraid-graphapi"): "nobody: two names of one user were made anonymous in different ways",
    ("actor", "intune"): "theirs is the Intune account (the tenant's), no person",
    ("actor", "o365"): "ours: an alert was raised by the system; the person it is about is a target",
    ("actor", "sentinel-incidents"): "theirs is the incident's owner, who did not do it",
}


def lookup(value: Any, *path: str) -> Any:
    """A member some levels down."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def alike(one: Any, other: Any) -> bool:
    """Whether two texts are the same but for case and punctuation."""
    return [c for c in str(one).lower() if c.isalnum()] == [c for c in str(other).lower() if c.isalnum()]


def comparisons(event: Event, expected: dict[str, Any]) -> Iterator[tuple[str, Any, Any, bool]]:
    """(field, theirs, ours, agreed) of every field that they expect something of."""
    actions = [lookup(expected, "action", "name"), lookup(expected, "event", "action")]
    theirs = next((action for action in actions if action), None)
    yield "action", theirs, event.operation, any(alike(action, event.operation) for action in actions if action)
    if stamp := expected.get("@timestamp"):
        wanted = datetime.fromisoformat(stamp).timestamp() * 1000
        yield (
            "time",
            stamp,
            datetime.fromtimestamp(event.time_ms / 1000, UTC).isoformat(),
            abs(wanted - event.time_ms) < 1,
        )
    ip, port = lookup(expected, "source", "ip"), lookup(expected, "source", "port")
    yield "ip", ip, event.ip, ip == event.ip
    ours = lookup(event.ocsf, "src_endpoint", "port") or lookup(event.ocsf, "evidences")
    yield "port", port, ours, str(port) in str(ours)
    outcome = lookup(expected, "event", "outcome")
    yield "outcome", outcome if outcome in {"success", "failure"} else None, event.result, outcome == event.result
    names = [str(name).lower() for key in ("name", "id", "email") if (name := lookup(expected, "user", key))]
    parties = [event.actor, lookup(event.ocsf, "actor", "user"), event.ocsf.get("user"), event.ocsf.get("evidences")]
    known = json.dumps(parties).lower()
    yield "actor", names or None, event.actor, any(name in known for name in names)
    record = lookup(expected, "office365", "record_id")
    yield "id", record, event.ocsf["metadata"]["uid"], record == event.ocsf["metadata"]["uid"]


def main() -> None:
    """Compare and print."""
    context = RecordContext("pairs", "import", datetime.now(UTC))
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    settled = 0
    for path in sorted(Path(sys.argv[1]).glob("*.pairs.jsonl")):
        kind = path.name.removesuffix(".pairs.jsonl")
        for line in path.read_text("utf-8").splitlines():
            pair = json.loads(line)
            raw = pair["raw"] if isinstance(pair["raw"], str) else json.dumps(pair["raw"])
            event = normalise(raw.encode(), context)
            if not isinstance(event, Event):
                raise SystemExit(f"{path}: {event.reason}")
            for field, theirs, ours, same in comparisons(event, pair["expected"]):
                if theirs is None:
                    continue
                total[field] += 1
                agreed[field] += same
                if not same:
                    verdict = VERDICTS.get((field, str(theirs))) or VERDICTS.get((field, kind), "open")
                    settled += not verdict.startswith(("open", "theirs: "))
                    print(f"{field:8} {kind}: {str(theirs)[:60]!r} / {str(ours)[:60]!r}  {verdict}")
    for field, count in total.items():
        print(f"{field:8} {agreed[field]}/{count}")
    right, every = agreed.total(), total.total()
    print(f"agreed {right / every:.3f}; with those where ours is as good or better {(right + settled) / every:.3f}")


if __name__ == "__main__":
    main()
