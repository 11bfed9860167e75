"""What a sink's destination has, against what was published; pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from aoc_common.contracts.event import text_digest
from aoc_sim.siem.fingerprints import fields_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from aoc_cli.verify.published import MessageProperties
    from aoc_cli.verify.stream_recorder import RecordedMessage
    from aoc_common.contracts.sink_states import Tally
    from aoc_common.store.mongo.census import StoredStatement

_SHOWN: Final = 20
#: Destinations that have one of what comes twice: by the id of a document, and in files that are looked at.
ONCE: Final = frozenset({"elastic", "folder", "security-lake"})
#: Counters that must be zero at every sink.
_MUST_BE_ZERO: Final = ("lost", "unknown", "altered", "refused", "missing", "unsaid")


@dataclass(frozen=True, slots=True)
class Published:
    """The chosen fields of a version of an event: as AOC_EVENTS had them, once or several times, and the store.

    `fields`, `texts`: digests. `times`: how often it came; `cut`: without its record, which is whole in the store;
    `bare`: no event, and so without one.
    """

    fields: frozenset[str]
    texts: frozenset[str]
    times: int = 1
    cut: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a destination has of a version of an event: how often, and the digests of its chosen fields.

    `differs`: not always the same. `cut`: it says that it is a shorter form.
    """

    times: int
    fields: str
    text: str
    cut: bool = False
    differs: bool = False


@dataclass(frozen=True, slots=True)
class SinkOutcome:
    """One sink. An event's versions, an alert's revisions and entries of the audit trail count each.

    - `lost`: stored, and not at the destination. `unknown`: there, and never stored. `altered`: the bytes of a chosen
      field are others. `shortened`: without Microsoft's record, and they say so.
    - `doubled`: copies beyond the first. `republished`: those that AOC_EVENTS had again, after it was deleted or
      had dropped them. `repeats`: how many the exporter's account tells of, at most. `unsaid`: of the doubled, those
      that are in neither. `killed`: whether an exporter was.
    - `refused`: given up in the destination's words. `late`: sent from the store, beside the others. `missing`: stored
      no more when they were to be sent late. `unseen`: compared by their number alone, because AOC_EVENTS had dropped
      them before they were read.
    - `alerts`, `audit`: how many of the expected are revisions of alerts, and entries.
    - `joined`: whether a tenant was added midway. `faults`: what happened to requests.
    """

    expected: int
    taken: int
    lost: int
    doubled: int
    unknown: int
    altered: int
    shortened: int
    refused: int
    republished: int
    repeats: int
    unsaid: int
    late: int
    missing: int
    unseen: int
    alerts: int = 0
    audit: int = 0
    once: bool = False
    joined: bool = False
    killed: bool = False
    faults: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, int]:
        """The counters that must be zero and are not."""
        names = [*_MUST_BE_ZERO, *(["doubled"] if self.once else [])]
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def message_key(message: RecordedMessage) -> str | None:
    """The key of an event and version, as destinations know it; None for what is no event."""
    return f"{message.event}-{message.properties.headers[3]}" if message.properties else None


def as_stored(record: StoredStatement) -> Published:
    """What the store has of the newest version of an event, and sends to who missed it on the bus.

    The same record can have been published in another spelling: by a page that took it on from one that was lost.
    """
    fields = fields_digest(
        record.tenant,
        record.source,
        record.class_uid,
        record.time_ms,
        record.status_id,
        record.record_id,
        record.operation,
    )
    return Published(frozenset([fields]), frozenset([text_digest(record.raw)]), 0)


def published(messages: Iterable[RecordedMessage], stored: Mapping[str, Published]) -> dict[str, Published]:
    """Key -> what was published of it, and what is stored of it (`as_stored`)."""
    found: dict[str, Published] = {}
    for message in messages:
        if (properties := message.properties) is None or (key := message_key(message)) is None:
            continue
        there = found.get(key) or stored.get(key) or Published(frozenset(), frozenset(), 0)
        texts = there.texts if properties.text is None else there.texts | {properties.text}
        cut = there.cut or properties.text is None
        found[key] = Published(there.fields | {_fields(properties)}, texts, there.times + 1, cut)
    return found


def _fields(properties: MessageProperties) -> str:
    tenant, source = properties.headers[:2]
    return fields_digest(
        tenant or "",
        source or "",
        properties.class_uid,
        properties.time_ms,
        properties.status_id,
        properties.uid,
        properties.operation,
    )


def keys(versions: Mapping[str, int]) -> set[str]:
    """What each destination is to have. `versions`: event -> how many versions of it are stored."""
    return {f"{event}-{number}" for event, count in versions.items() for number in range(1, count + 1)}


def compare_sink(
    name: str,
    expected: set[str],
    published: Mapping[str, Published],
    arrived: Mapping[str, Arrived],
    account: Iterable[Tally],
    *,
    alerts: Collection[str] = (),
    audit: Collection[str] = (),
    joined: bool = False,
    killed: bool = False,
    faults: Mapping[str, int] | None = None,
) -> SinkOutcome:
    """Compare. `account`: the exporter's own, by tenant. `expected`: keys of what is stored.

    `alerts`, `audit`: of the expected, those of alerts and of the audit trail.
    """
    lost, unknown = expected - arrived.keys(), arrived.keys() - expected
    seen = [(key, published[key], there) for key, there in arrived.items() if key in published]
    altered = {key for key, true, there in seen if _altered(true, there)}
    doubled = sum(there.times - 1 for there in arrived.values())
    told = list(account)
    repeats = sum(tally.repeated for tally in told)
    republished = sum(one.times - 1 for one in published.values())
    # Copy by copy: what AOC_EVENTS had again of one event excuses no copy of another one.
    copies = {key: there.times - (published[key].times if key in published else 1) for key, there in arrived.items()}
    beyond = {key: count for key, count in copies.items() if count > 0}
    unsaid = max(0, sum(beyond.values()) - repeats)
    groups = {"lost": lost, "unknown": unknown, "altered": altered, "unsaid, among": beyond if unsaid else ()}
    return SinkOutcome(
        expected=len(expected),
        taken=len(arrived),
        lost=len(lost),
        doubled=doubled,
        unknown=len(unknown),
        altered=len(altered),
        shortened=sum(there.cut and not there.text for there in arrived.values()),
        refused=sum(tally.refused for tally in told),
        republished=republished,
        repeats=repeats,
        unsaid=unsaid,
        late=sum(tally.late for tally in told),
        missing=sum(tally.missing for tally in told),
        unseen=len(expected - published.keys()),
        alerts=len(alerts),
        audit=len(audit),
        once=name in ONCE,
        joined=joined,
        killed=killed,
        faults=faults or {},
        examples={what: sorted(group)[:_SHOWN] for what, group in groups.items() if group},
    )


def _altered(true: Published, there: Arrived) -> bool:
    spellings = max(len(true.texts), len(true.fields))
    if there.fields not in true.fields or (there.differs and spellings <= 1 and not true.cut):
        return True
    return there.text not in true.texts if there.text else not (there.cut or true.bare)
