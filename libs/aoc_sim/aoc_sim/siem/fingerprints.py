"""What is kept of an event that a receiver took: enough to tell whether the bytes of some fields are those sent."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Of text in the structured data of syslog.
_START: Final = b" ["


class Fingerprint(NamedTuple):
    """`fields`: a digest of tenant, source, class, time, result, id and operation. `text`: one of Microsoft's record.

    `text` is empty where the event has no record in it; `cut`: the event says that it is a shorter form.
    """

    fields: str
    text: str
    cut: bool


#: Of what cannot be read as an event.
UNREADABLE: Final = Fingerprint("", "", cut=False)


def fields_digest(
    tenant: str, source: str, class_uid: int, time_ms: int, status_id: int, uid: str, operation: str
) -> str:
    """The digest of these fields: of the same ones only."""
    return _digest(orjson.dumps([tenant, source, class_uid, time_ms, status_id, uid, operation]))


def fingerprint(tenant: str, source: str, event: Mapping[str, Any]) -> Fingerprint:
    """Of an OCSF event. Raises `KeyError` or `TypeError` for what is none."""
    metadata = event["metadata"]
    digest = fields_digest(
        tenant,
        source,
        event["class_uid"],
        event["time"],
        event["status_id"],
        str(metadata["uid"]),
        str(metadata["event_code"]),
    )
    text = event.get("raw_data")
    return Fingerprint(
        digest,
        "" if text is None else _digest(text.encode("utf-8", "surrogatepass")),
        metadata.get("is_truncated") is True,
    )


def _of_splunk(envelope: Any) -> Fingerprint:
    return fingerprint(envelope["fields"]["tenant"], envelope["source"].removeprefix("aoc:"), envelope["event"])


def _of_marked(document: Any) -> Fingerprint:
    """A document whose event says in `aoc` whose it is: of Elasticsearch, of a webhook, and in files."""
    return fingerprint(document["aoc"]["tenant"], document["aoc"]["source"], document)


def _of_sentinel(row: Any) -> Fingerprint:
    return fingerprint(row["AocTenant"], row["EventSource"], row["Event"])


def _of_otlp(record: Any) -> Fingerprint:
    said = {one["key"]: one["value"] for one in record["attributes"]}
    whose = {one["key"]: one["value"] for one in record["resource"]["attributes"]}
    event = orjson.loads(record["body"]["stringValue"])
    return fingerprint(whose["aoc.tenant"]["stringValue"], said["aoc.source"]["stringValue"], event)


def _of_syslog(message: Any) -> Fingerprint:
    """A message whose structured data is of AOC's names, in which nothing has to be escaped."""
    data, _, event = message.partition(_START)[2].partition(b"] ")
    said = dict(parameter.partition("=")[::2] for parameter in data.decode().split(" ")[1:])
    return fingerprint(said["tenant"].strip('"'), said["source"].strip('"'), orjson.loads(event))


_OF: Final[Mapping[str, Callable[[Any], Fingerprint]]] = {
    "elastic": _of_marked,
    "folder": _of_marked,
    "otlp": _of_otlp,
    "security-lake": _of_marked,
    "sentinel": _of_sentinel,
    "splunk": _of_splunk,
    "syslog": _of_syslog,
    "webhook": _of_marked,
}


def abridged(receiver: str) -> Callable[[object], Fingerprint]:
    """What makes a fingerprint of what that receiver takes; `UNREADABLE` of what is no event of ours."""
    read = _OF[receiver]

    def of(data: object) -> Fingerprint:
        try:
            return read(data)
        except (KeyError, TypeError, ValueError, AttributeError):
            return UNREADABLE

    return of


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
