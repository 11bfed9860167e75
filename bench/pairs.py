"""Field by field against expectations that others wrote for the same raw records.

`python bench/pairs.py DIRECTORY...`: `*.pairs.jsonl` files, a line `{"raw": ..., "expected": {ECS-like}}` or
`{"raw": ..., "expected_ocsf": {...}}`, and `*.ndjson` files of records beside a folder `expected_ocsf` with a text of
loosely written objects for each. Prints the share that agrees, and every disagreement with a verdict where one is
known: their expectations have faults, and some fields mean another thing there.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aoc_common.contracts.event import Event
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext

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
    ("action", "Microsoft Graph Activity"): "ours: every record of the category has this name; we say which request",
    ("outcome", "m365-defender-xdr"): "theirs: `ActionFailed` of a remediation",
    (
        "class",
        "defender-incidents",
    ): "another class: incident finding, which we do not use; ours is a detection finding",
    ("actor", "sentinel-incidents"): "theirs is the incident's owner, who did not do it",
}

#: Classes whose status is that of the finding, not how something ended.
_FINDINGS = {2003, 2004, 2005}


def lookup(value: Any, *path: str) -> Any:
    """A member some levels down."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def alike(first: Any, second: Any) -> bool:
    """Whether two texts are the same but for case and punctuation."""
    return [c for c in str(first).lower() if c.isalnum()] == [c for c in str(second).lower() if c.isalnum()]


def comparisons(event: Event, expected: dict[str, Any]) -> Iterator[tuple[str, Any, Any, bool]]:
    """(field, theirs, ours, agreed) of every field that they expect something of."""
    actions = [lookup(expected, "action", "name"), lookup(expected, "event", "action")]
    theirs = next((action for action in actions if action), None)
    yield "action", theirs, event.operation, any(alike(action, event.operation) for action in actions if action)
    if stamp := expected.get("@timestamp"):
        expected_ms = datetime.fromisoformat(stamp).timestamp() * 1000
        yield (
            "time",
            stamp,
            datetime.fromtimestamp(event.time_ms / 1000, UTC).isoformat(),
            abs(expected_ms - event.time_ms) < 1,
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


def ocsf_comparisons(event: Event, expected: dict[str, Any]) -> Iterator[tuple[str, Any, Any, bool]]:
    """The same for an expected OCSF event."""
    at = expected.get("time")
    if at is not None:
        expected_ms = at if isinstance(at, int) else datetime.fromisoformat(str(at)).timestamp() * 1000
        ours = datetime.fromtimestamp(event.time_ms / 1000, UTC).isoformat()
        yield "time", at, ours, abs(expected_ms - event.time_ms) < 1
    evidence: dict[str, Any] = next(iter(expected.get("evidences") or []), {})
    ip = lookup(expected, "src_endpoint", "ip") or lookup(evidence, "src_endpoint", "ip")
    yield "ip", ip, event.ip, ip == event.ip
    outcome = (
        {1: "success", 2: "failure"}.get(expected.get("status_id", 0))
        if expected["class_uid"] not in _FINDINGS
        else None
    )
    yield "outcome", outcome, event.result, outcome == event.result
    user = lookup(expected, "actor", "user") or lookup(evidence, "actor", "user") or {}
    names = [str(name).lower() for key in ("email_addr", "uid") if (name := user.get(key))]
    names += [str(sender).lower()] if (sender := lookup(expected, "email", "smtp_from")) else []
    known = json.dumps([event.actor, event.ocsf.get("actor"), event.ocsf.get("evidences")]).lower()
    yield "actor", names or None, event.actor, any(name in known for name in names)
    record = lookup(expected, "metadata", "original_event_uid")
    yield "id", record, event.ocsf["metadata"]["uid"], record == event.ocsf["metadata"]["uid"]
    targets = lookup(expected, "email", "smtp_to") or []
    text = json.dumps(event.ocsf).lower()
    yield "target", targets or None, event.ocsf["message"], all(str(target).lower() in text for target in targets)


def loosely(text: str) -> list[dict[str, Any]]:
    """Objects written without quotes around names, times and addresses, and with a comma after the last member."""
    text = re.sub(r"(?m)^(\s*)([A-Za-z_]\w*): ", r'\1"\2": ', text)
    text = re.sub(r'(?m)^(\s*"[^"]+": )([^"\[{\s][^"\n]*?),?$', _quoted, text)
    text = re.sub(r",(\s*[}\]])", r"\1", text)
    decoder, values, at = json.JSONDecoder(), [], 0
    while at < len(text.rstrip()):
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def _quoted(match: re.Match[str]) -> str:
    plain = re.fullmatch(r"-?\d+(\.\d+)?|true|false|null", match[2])
    return f"{match[1]}{match[2]}," if plain else f'{match[1]}"{match[2]}",'


def pairs(directory: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(Kind, raw record, expectation) of everything in a directory."""
    for path in sorted(directory.glob("*.pairs.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            pair = json.loads(line)
            raw = pair["raw"] if isinstance(pair["raw"], str) else json.dumps(pair["raw"])
            yield path.name.removesuffix(".pairs.jsonl"), raw, pair.get("expected") or pair["expected_ocsf"]
    for path in sorted((directory / "expected_ocsf").glob("*.txt")):
        records = directory / f"{path.stem}.ndjson"
        if records.exists():
            expected = loosely(path.read_text("utf-8"))
            for raw, counterpart in zip(records.read_text("utf-8").splitlines(), expected, strict=True):
                yield path.stem, raw, counterpart


def main() -> None:
    """Compare and print."""
    context = RecordContext("pairs", "import", datetime.now(UTC))
    total: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    settled = 0
    for kind, raw, expected in (pair for name in sys.argv[1:] for pair in pairs(Path(name))):
        event = normalise(raw.encode(), context)
        if not isinstance(event, Event):
            raise SystemExit(f"{kind}: {event.reason}")
        compare = ocsf_comparisons if "class_uid" in expected else comparisons
        for field, theirs, ours, same in compare(event, expected):
            if theirs is None:
                continue
            total[field] += 1
            agreed[field] += same
            if not same:
                verdict = VERDICTS.get((field, str(theirs))) or VERDICTS.get((field, kind), "open")
                settled += not verdict.startswith(("open", "theirs: "))
                print(f"{field:8} {kind}: {str(theirs)[:60]!r} / {str(ours)[:60]!r}  {verdict}")
    if not total:
        raise SystemExit(f"no pairs in {', '.join(sys.argv[1:]) or 'no directory'}")
    for field, count in total.items():
        print(f"{field:8} {agreed[field]}/{count}")
    right, every = agreed.total(), total.total()
    print(f"agreed {right / every:.3f}; with those where ours is as good or better {(right + settled) / every:.3f}")


if __name__ == "__main__":
    main()
