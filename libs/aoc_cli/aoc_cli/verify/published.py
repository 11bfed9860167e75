"""What AOC_EVENTS says of each record, in subject, headers and body, against what the record tells."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from aoc_cli.verify.books import about, plain
from aoc_cli.verify.stored import STATUS
from aoc_common.contracts import subjects, twins
from aoc_common.contracts.event import OCSF_VERSION, VERSION_HEADER, text_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nats.aio.msg import Msg

    from aoc_cli.verify.books import Books, Fact, Key
    from aoc_cli.verify.statements import Statements

#: Bodies that are held against the schema: the first of each source, class and operation.
_SAMPLE: Final = 150
_FAULTS: Final = 3
#: Bytes of a record below which its event fits every message that a server takes unless it is told otherwise.
_LARGE: Final = 400_000
_HEADERS: Final = ("Aoc-Tenant", "Aoc-Source", "Aoc-Operation", VERSION_HEADER, twins.ADDS)


class Told(NamedTuple):
    """What a message says, in short.

    `headers`: tenant, source, operation, version, and what a twin adds.
    `text`: the digest of the record's own text in it; None when that was too large, and `size` says how large.
    `named`: whom it names as the one who acted.
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
    """Reads messages; keeps a few bodies whole."""

    def __init__(self) -> None:
        self.sample: dict[tuple[str, str], bytes] = {}

    def read(self, message: Msg) -> Told | None:
        """What a message says; None when its body is no event."""
        try:
            event: dict[str, Any] = orjson.loads(message.data)
            told = _told(message.subject, message.headers or {}, event)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None
        place = (message.subject, told.operation)
        if len(self.sample) < _SAMPLE and place not in self.sample:
            self.sample[place] = message.data
        return told


def _told(subject: str, headers: Mapping[str, str], event: dict[str, Any]) -> Told:
    metadata = event["metadata"]
    twin = next((one for one in event.get("enrichments", ()) if one.get("type") == "twin"), None)
    return Told(
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
    """Whether a message says that it is not the whole event."""
    return headers.get("Aoc-Truncated") == "1" and metadata.get("is_truncated") is True


def _named(event: dict[str, Any]) -> Iterable[str]:
    """Whom an event names as the one who acted."""
    places = [event.get("actor") or {}, *(one.get("actor") or {} for one in event.get("evidences", ()))]
    for place in places:
        user = place.get("user") or {}
        yield from (user[name] for name in ("name", "email_addr", "uid") if user.get(name))
        yield from (place[name] for name in ("app_name", "app_uid") if place.get(name))


def check_published(
    event: str,
    twin_of: str | None,
    told: Told | None,
    keys: Mapping[str, Key],
    books: Books,
    tally: Statements,
    *,
    later: bool,
) -> None:
    """Compare a message. `event`: whose it says it is; `twin_of`: its header; `later`: whether it is a later version.

    `keys`: event -> the record that is stored under it.
    """
    if told is None:
        tally.holds("published: body", event, "no OCSF event", "the record", good=False)
        return
    owner = books.owners.get(told.text) if told.text else None
    key = owner or keys.get(event)
    name = about(key) if key else event
    if told.text is None:
        sizes = [size for size in (books.facts[key].sizes if key else ()) if size >= _LARGE]
        true = f"{' or '.join(map(str, sizes)) or 'fewer'} bytes"
        tally.holds("published: raw text", name, f"cut, of {told.size} bytes", true, good=told.size in sizes)
    else:
        tally.holds("published: raw text", name, told.text, "one of the texts that were shown", good=owner is not None)
    if key is None:
        return
    tally.holds("published: record", name, f"{event}, {told.uid}", about(key), good=_is(key, event, told, keys))
    fact = books.facts[key]
    tenant, source, _ = key
    tally.hold("published: subject", name, told.subject, subjects.events(tenant, source, fact.class_uid))
    _check_headers(name, key, fact, told, tally, later=later)
    _check_body(name, fact, told, tally)
    tally.hold("published: twin mark", name, told.twin_of, twin_of)
    if told.text is not None:
        adds = _adds(fact, told.text, later=later) if twin_of is not None else None
        tally.hold("published: what a twin adds", name, told.headers[-1], adds)


def _adds(fact: Fact, text: str, *, later: bool) -> str | None:
    """What a second record says that the first one never does."""
    return "version" if later else "risk" if text in fact.risky else None


def _is(key: Key, event: str, told: Told, keys: Mapping[str, Key]) -> bool:
    return keys.get(event) == key and told.uid.lower() == key[2].partition("|")[0]


def _check_headers(name: str, key: Key, fact: Fact, told: Told, tally: Statements, *, later: bool) -> None:
    tenant, source, operation, number, _ = told.headers
    tally.hold("published: headers", name, f"{tenant}/{source}", f"{key[0]}/{key[1]}")
    # Letters that no header can hold are replaced.
    spelt = "".join(letter if " " <= letter <= "~" else "?" for letter in fact.operation)
    tally.hold("published: headers", name, plain(operation or ""), plain(spelt))
    good = number is not None and number.isdigit() and (int(number) > 1) is later
    tally.holds("published: headers", name, f"version {number}", "1, and more of later versions", good=good)


def _check_body(name: str, fact: Fact, told: Told, tally: Statements) -> None:
    tally.hold("published: time", name, told.time_ms, fact.time_ms)
    tally.hold("published: result", name, told.status_id, STATUS[fact.result])
    tally.hold("published: class", name, told.class_uid, fact.class_uid)
    tally.hold("published: operation", name, plain(told.operation), plain(fact.operation))
    good = not told.named or not set(told.named).isdisjoint(fact.actor)
    tally.holds("published: actor", name, told.named, fact.says, good=good)


def check_schema(sample: Mapping[tuple[str, str], bytes], tally: Statements) -> None:
    """Hold bodies against the official OCSF schema."""
    for (subject, operation), body in sample.items():
        event = orjson.loads(body)
        faults = [
            f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
            for error in _validator(event["class_uid"]).iter_errors(event)
        ]
        said = "; ".join(faults[:_FAULTS])
        tally.holds(
            "published: schema", f"{subject} {operation}", said, f"OCSF {OCSF_VERSION} without faults", good=not faults
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
