"""The messages of AOC_EVENTS (subject, headers, body) against the facts of their records."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from aoc_cli.verify.ground_truth import about, plain
from aoc_cli.verify.stored import STATUS
from aoc_common.contracts import subjects, twins
from aoc_common.contracts.event import OCSF_VERSION, VERSION_HEADER, text_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nats.aio.msg import Msg

    from aoc_cli.verify.ground_truth import GroundTruth, RecordFacts, RecordKey
    from aoc_cli.verify.statements import Statements

#: Bodies that are checked against the schema: the first of each source, class and operation.
_SAMPLE: Final = 150
_FAULTS: Final = 3
#: Bytes of a record below which its event fits the default max_payload of a nats-server.
_LARGE: Final = 400_000
_HEADERS: Final = ("Aoc-Tenant", "Aoc-Source", "Aoc-Operation", VERSION_HEADER, twins.ADDS)


class MessageProperties(NamedTuple):
    """The compared properties of a message.

    `headers`: tenant, source, operation, version, and what a twin adds.
    `text`: the digest of the raw record in it; None when that was too large (`size`, in bytes).
    `named`: the names of the actor.
    """

    subject: str
    headers: tuple[str | None, ...]
    text: str | None
    size: int | None
    uid: str
    time_ms: int
    status_id: int
    class_uid: int
    operation: str
    named: tuple[str, ...]
    twin_of: str | None


class Bodies:
    """Reads messages; stores a sample of complete bodies."""

    def __init__(self) -> None:
        self.sample: dict[tuple[str, str], bytes] = {}

    def read(self, message: Msg) -> MessageProperties | None:
        """The properties of a message; None when its body is no event."""
        try:
            event: dict[str, Any] = orjson.loads(message.data)
            properties = _properties_of(message.subject, message.headers or {}, event)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None
        place = (message.subject, properties.operation)
        if len(self.sample) < _SAMPLE and place not in self.sample:
            self.sample[place] = message.data
        return properties


def _properties_of(subject: str, headers: Mapping[str, str], event: dict[str, Any]) -> MessageProperties:
    metadata = event["metadata"]
    twin = next((enrichment for enrichment in event.get("enrichments", ()) if enrichment.get("type") == "twin"), None)
    return MessageProperties(
        intern(subject),
        tuple(intern(headers[name]) if name in headers else None for name in _HEADERS),
        None if _is_cut(headers, metadata) else text_digest(event["raw_data"]),
        event.get("raw_data_size"),
        str(metadata["uid"]),
        event["time"],
        event["status_id"],
        event["class_uid"],
        intern(str(metadata["event_code"])),
        tuple(dict.fromkeys(intern(name.lower()) for name in _named(event))),
        twin["data"]["twin_of"] if twin else None,
    )


def _is_cut(headers: Mapping[str, str], metadata: Mapping[str, Any]) -> bool:
    """Whether a message is marked as truncated."""
    return headers.get("Aoc-Truncated") == "1" and metadata.get("is_truncated") is True


def _named(event: dict[str, Any]) -> Iterable[str]:
    """The names of an event's actor."""
    places = [event.get("actor") or {}, *(evidence.get("actor") or {} for evidence in event.get("evidences", ()))]
    for place in places:
        user = place.get("user") or {}
        yield from (user[name] for name in ("name", "email_addr", "uid") if user.get(name))
        yield from (place[name] for name in ("app_name", "app_uid") if place.get(name))


def check_published(
    event: str,
    twin_of: str | None,
    properties: MessageProperties | None,
    keys: Mapping[str, RecordKey],
    ground_truth: GroundTruth,
    tally: Statements,
    *,
    later: bool,
) -> None:
    """Compare a message. `event`: its event id; `twin_of`: its header; `later`: whether it is a later version.

    `keys`: event id -> the stored record.
    """
    if properties is None:
        tally.judge("published: body", event, "no OCSF event", "the record", good=False)
        return
    owner = ground_truth.owners.get(properties.text) if properties.text else None
    key = owner or keys.get(event)
    name = about(key) if key else event
    if properties.text is None:
        sizes = [size for size in (ground_truth.facts[key].sizes if key else ()) if size >= _LARGE]
        true = f"{' or '.join(map(str, sizes)) or 'fewer'} bytes"
        tally.judge(
            "published: raw text", name, f"cut, of {properties.size} bytes", true, good=properties.size in sizes
        )
    else:
        tally.judge(
            "published: raw text", name, properties.text, "one of the texts that were shown", good=owner is not None
        )
    if key is None:
        return
    tally.judge(
        "published: record",
        name,
        f"{event}, {properties.uid}",
        about(key),
        good=_is_record(key, event, properties, keys),
    )
    fact = ground_truth.facts[key]
    tenant, source, _ = key
    tally.compare("published: subject", name, properties.subject, subjects.events(tenant, source, fact.class_uid))
    _check_headers(name, key, fact, properties, tally, later=later)
    _check_body(name, fact, properties, tally)
    tally.compare("published: twin mark", name, properties.twin_of, twin_of)
    if properties.text is not None:
        adds = _adds(fact, properties.text, later=later) if twin_of is not None else None
        tally.compare("published: what a twin adds", name, properties.headers[-1], adds)


def _adds(fact: RecordFacts, text: str, *, later: bool) -> str | None:
    """What a second record adds to the first: a later version, or a risk."""
    return "version" if later else "risk" if text in fact.risky else None


def _is_record(key: RecordKey, event: str, properties: MessageProperties, keys: Mapping[str, RecordKey]) -> bool:
    return keys.get(event) == key and properties.uid.lower() == key[2].partition("|")[0]


def _check_headers(
    name: str, key: RecordKey, fact: RecordFacts, properties: MessageProperties, tally: Statements, *, later: bool
) -> None:
    tenant, source, operation, number, _ = properties.headers
    tally.compare("published: headers", name, f"{tenant}/{source}", f"{key[0]}/{key[1]}")
    # Characters that a header cannot hold are replaced.
    spelt = "".join(letter if " " <= letter <= "~" else "?" for letter in fact.operation)
    tally.compare("published: headers", name, plain(operation or ""), plain(spelt))
    good = number is not None and number.isdigit() and (int(number) > 1) is later
    tally.judge("published: headers", name, f"version {number}", "1, and more of later versions", good=good)


def _check_body(name: str, fact: RecordFacts, properties: MessageProperties, tally: Statements) -> None:
    tally.compare("published: time", name, properties.time_ms, fact.time_ms)
    tally.compare("published: result", name, properties.status_id, STATUS[fact.result])
    tally.compare("published: class", name, properties.class_uid, fact.class_uid)
    tally.compare("published: operation", name, plain(properties.operation), plain(fact.operation))
    good = not properties.named or not set(properties.named).isdisjoint(fact.actor)
    tally.judge("published: actor", name, properties.named, fact.actor_as_written, good=good)


def check_schema(sample: Mapping[tuple[str, str], bytes], tally: Statements) -> None:
    """Check bodies against the official OCSF schema."""
    for (subject, operation), body in sample.items():
        event = orjson.loads(body)
        faults = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in _validator(event["class_uid"]).iter_errors(event)
        ]
        summary = "; ".join(faults[:_FAULTS])
        tally.judge(
            "published: schema",
            f"{subject} {operation}",
            summary,
            f"OCSF {OCSF_VERSION} without faults",
            good=not faults,
        )


@cache
def _validator(class_uid: int) -> Any:
    from jsonschema import Draft202012Validator

    schema = _schema()
    name = schema.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(schema.get_class_schema(class_name=name, profiles=["cloud"]))


@cache
def _schema() -> Any:
    # Of the development tools, like the servers that a run starts.
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))
