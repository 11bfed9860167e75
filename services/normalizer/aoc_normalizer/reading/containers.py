"""What is no record but holds some: what exports, event hubs and other stores put around Microsoft's records.

Each of these is opened, and its records are read as if they had come by themselves:

- lists: `{"records": [...]}` of event hubs and diagnostic settings, `{"value": [...]}` of Graph (with annotations) and
  of PowerShell (with `Count`), `results` of Splunk and of advanced hunting, `responses` of a batch of Graph's,
  `hits.hits` of Elastic;
- tables: columns and rows, as the query APIs of Log Analytics and Kusto answer;
- carriers of one record: Splunk's `result` and `_raw`, Elastic's `_source` and `event.original`, Wazuh's
  `data.office365`, Elastic's `azure.signinlogs`, an event hub consumer's `body`, a workflow's `outputs`, Datadog's
  `attributes`, Graylog's `message`, a container's `log`, and what the Graph SDK puts into `AdditionalProperties`.

A record that a mapper knows is never opened, whatever it holds, and neither is one that has an id and an operation of
its own: who writes records must not choose what they are taken for. What holds records in another way is not opened
either; `is_unknown` tells, and such a container is put aside whole.

Sources: azure-monitor-docs (Stream logs to event hubs; Query API, response format), Splunk (Export search results),
Elastic (Search API; `o365.audit.` of its integration), Wazuh (JSON alerts), ConvertTo-Json of PowerShell 5.1,
msgraph-sdk-powershell (AdditionalProperties).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
import orjson

from aoc_normalizer.fields import flattened, spellings, times, values
from aoc_normalizer.mappers import GENERIC, generic, recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_normalizer.mappers.base import Record

#: Containers within containers: a search result of Elastic holds documents, which hold a record as text in objects.
MAX_DEPTH: Final = 6
#: Members whose list holds the records.
_LISTS: Final = ("records", "value", "results", "responses")
#: What may stand beside such a list and tells of that alone, in lower case.
_REMARKS: Final = frozenset(
    {"count", "nextlink", "odatanextlink", "odatacount", "additionaldata", "schema", "stats", "preview", "init_offset",
     "messages", "fields", "highlighted"}
)  # fmt: skip
#: Members that carry one record, as an object or as JSON text; a copy to the letter comes before its fields.
_CARRIERS: Final = (
    "_raw", "event.original", "original", "_source", "result", "office365", "ms-graph", "o365", "audit", "data",
    "event", "body", "outputs", "attributes", "content", "payload", "message", "full_log", "log", "short_message",
    "value",
)  # fmt: skip
_STORES: Final = frozenset({"@timestamp", "@version", "_index", "agent", "decoder", "manager", "rule", "input"})
#: Of these any program could log any text: they carry records only where a mark of one of the stores is beside them
#: (Graylog and GELF, CloudWatch, containers' logs, a consumer of Kafka).
_FREE_TEXT: Final[Mapping[str, frozenset[str]]] = {
    "message": _STORES | {"gl2_source_input", "gl2_message_id", "ingestionTime"},
    "full_log": _STORES,
    "log": frozenset({"stream", "kubernetes", "container_id", "container_name"}),
    "short_message": frozenset({"host"}),
    "value": frozenset({"topic", "partition"}),
}
#: Carriers of whatever is inside, also where no mapper knows that: member -> what is beside it.
_SURE: Final[Mapping[str, frozenset[str]]] = {
    "_source": frozenset({"_index", "_id"}),
    "result": frozenset({"preview", "offset", "lastrow"}),
}
#: Lists of what stores keep, whose items carry records.
_ENTRIES: Final = ("events", "messages")
_ADDITIONAL: Final = "AdditionalProperties"
_AUDIT_DATA: Final = ("auditData", "AuditData")
_OPERATIONS: Final = ("Operation", "operation", "operationName", "OperationName", "activityDisplayName", "ActionType")
#: One of these is in whatever is opened: most records have none of them, and are looked at no further.
_MARKS: Final = frozenset(
    {*_LISTS, *_CARRIERS, *_ENTRIES, *_AUDIT_DATA, _ADDITIONAL, "Records", "Value", "Results", "hits", "tables",
     "Tables", "columns", "Columns", "Body", "azure", "stream"}
)  # fmt: skip
#: The table of an answer that holds what was asked for; others hold statistics and how to draw it.
_PRIMARY: Final = "primaryresult"
#: Characters of all names of columns. Each row repeats them, so they bound how much larger a table can become.
_MAX_NAMES: Final = 64 * 1024
#: Levels and members in which `is_unknown` looks for lists of objects.
_LEVELS: Final = 3
_MEMBERS: Final = 200

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS: Final = msgspec.json.Decoder(list[list[msgspec.Raw]])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def opened(record: Record, raw: bytes) -> Iterator[bytes] | None:
    """The JSON texts of what a container holds; None for what is a record. `raw`: its own JSON text.

    What is inside may be a container again.
    """
    if b'"o365.audit.' in raw and (inside := flattened.of_elastic(record)) and recognise(inside) is not GENERIC:
        return iter((orjson.dumps(inside),))
    if b'"azure.' in raw and "azure" not in record and (envelope := flattened.of_elastic_azure(record)):
        return iter((orjson.dumps(envelope),))
    if _MARKS.isdisjoint(record):
        return None
    marks = [name for name, value in record.items() if name in _MARKS and _may_hold(value)]
    try:
        if any(name in _AUDIT_DATA for name in marks):
            return _sdk_audit_data(record, raw)
        return _contents(record, raw) if marks else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _contents(record: Record, raw: bytes) -> Iterator[bytes] | None:
    if recognise(record) is not GENERIC:
        return None
    if (tables := _tables(record)) is not None:
        return _rows_of(tables)
    if _is_own(record):
        return None
    members = _OBJECT.decode(raw)
    return _listed(record, members) or _carried(record, members) or _kept(record, members)


def _may_hold(value: Any) -> bool:
    return isinstance(value, (dict, list)) or (isinstance(value, str) and value.lstrip()[:1] == "{")


def is_unknown(record: Record) -> bool:
    """Whether it may be a container that nobody here can open: no time or id of its own, and lists of objects.

    To be asked of records that no mapper knows.
    """
    return not has_identity(record) and _holds_objects(record, _LEVELS)


def has_identity(record: Record) -> bool:
    """Whether it has an id or a time of its own, on its first level."""
    if values.first(record, *generic.IDS) is not None:
        return True
    return any(times.parse_ms(values.text(record.get(name))) is not None for name in generic.TIMES if name in record)


def described(record: Record) -> str:
    """An unknown container, for people."""
    names = ", ".join(str(name)[:40] for name in islice(record, 6))
    return f"an unknown container: no time or id of its own, but lists of objects (it has: {names})"


def _holds_objects(record: Mapping[str, Any], levels: int) -> bool:
    for value in islice(record.values(), _MEMBERS):
        if isinstance(value, list) and any(isinstance(item, dict) for item in islice(value, _MEMBERS)):
            return True
        if isinstance(value, dict) and levels > 1 and _holds_objects(value, levels - 1):
            return True
    return False


def _is_own(record: Record) -> bool:
    """Whether it has an id and an operation of its own, so that what it carries is its business."""
    return values.first(record, *generic.IDS) is not None and values.first(record, *_OPERATIONS) is not None


def _listed(record: Record, members: Mapping[str, msgspec.Raw]) -> Iterator[bytes] | None:
    """What stands in the list of a container that is nothing but that list and remarks about it."""
    hits = record.get("hits")
    if isinstance(hits, dict) and isinstance(hits.get("hits"), list):
        return map(_text, _ITEMS.decode(_OBJECT.decode(members["hits"])["hits"]))
    for name, value in record.items():
        if name.lower() in _LISTS and isinstance(value, list) and _is_list_of_records(record, name, value):
            return map(_text, _ITEMS.decode(members[name]))
    return None


def _is_list_of_records(record: Record, name: str, items: Sequence[Any]) -> bool:
    if any(not isinstance(item, dict) and str(item)[:1] != "{" for item in islice(items, _MEMBERS)):
        return False
    if all(other == name or other[:1] == "@" or other.lower() in _REMARKS for other in record):
        return True
    return bool(items) and not has_identity(record)


def _kept(record: Record, members: Mapping[str, msgspec.Raw]) -> Iterator[bytes] | None:
    """What stores answer in lists of entries, each with a record as its text: Graylog, QRadar, CloudWatch, Loki."""
    if has_identity(record):
        return None
    if isinstance(record.get("stream"), dict) and (lines := _lines_of(record.get("values"))):
        return iter(lines)
    name, inside = next(((name, record[name]) for name in _ENTRIES if name in record), ("", None))
    found = members.get(name)
    if isinstance(answer := record.get("data"), dict) and answer.get("resultType") == "streams":
        inside, found = answer.get("result"), _OBJECT.decode(members["data"]).get("result")
    if found is None or not isinstance(inside, list) or not inside or not isinstance(inside[0], dict):
        return None
    items = _ITEMS.decode(found)
    return map(_text, items) if is_known(inside[0], _text(items[0])) else None


def _lines_of(listed: Any) -> list[bytes]:
    """The lines of a stream as Loki answers them, `[[time, text], ...]`, where the first is JSON."""
    pairs = listed if isinstance(listed, list) else []
    texts = [pair[1] for pair in pairs if isinstance(pair, list) and len(pair) > 1 and isinstance(pair[1], str)]
    return [text.encode() for text in texts] if texts and isinstance(values.decoded(texts[0].strip()), dict) else []


def _text(item: msgspec.Raw) -> bytes:
    """The JSON text of an item; of one that is JSON text in a string, that."""
    raw = bytes(item)
    if raw[:1] == b'"' and isinstance(inner := values.decoded(orjson.loads(raw)), dict):
        return orjson.dumps(inner)
    return raw


def _carried(record: Record, members: Mapping[str, msgspec.Raw]) -> Iterator[bytes] | None:
    """What a carrier holds, if a mapper knows that or it is a container; else only what surely is one."""
    if "o365" in record and (audit := flattened.of_elastic_audit(record)) and recognise(audit) is not GENERIC:
        return iter((orjson.dumps(audit),))
    for name in _CARRIERS:
        if name in record and not _is_free(record, name):
            inner, text = _inner(record[name], members[name])
            if inner and (is_known(inner, text) or not _SURE.get(name, frozenset()).isdisjoint(record)):
                return iter((text,))
    if "Body" in record:
        inner, text = _inner(record["Body"], members["Body"])
        if inner and is_known(inner, text):
            return iter((text,))
    if "azure" in record and (envelope := flattened.of_elastic_azure(record)) and recognise(envelope) is not GENERIC:
        return iter((orjson.dumps(envelope),))
    merged = _with_additional(record, members)
    return iter((orjson.dumps(merged),)) if merged and recognise(merged) is not GENERIC else None


def _is_free(record: Record, name: str) -> bool:
    """Whether a text is anybody's: nothing beside it tells of a store that carries records in it."""
    marks = _FREE_TEXT.get(name)
    return marks is not None and isinstance(record[name], str) and marks.isdisjoint(record)


def _inner(value: Any, raw: msgspec.Raw) -> tuple[Record, bytes]:
    """An object, also one in a string, and its JSON text; an empty object for what is none."""
    if isinstance(value, dict):
        return value, bytes(raw)
    if isinstance(value, str):
        text = value.strip()
        if isinstance(inner := values.decoded(text), dict):
            return inner, text.encode()
    return {}, b""


def is_known(record: Record, raw: bytes, depth: int = MAX_DEPTH) -> bool:
    """Whether it is a record that a mapper knows, or holds such."""
    if recognise(record) is not GENERIC:
        return True
    if depth == 0 or (parts := opened(record, raw)) is None:
        return False
    first = next(parts, None)
    if first is None:
        return False
    inner = orjson.loads(first)
    return isinstance(inner, dict) and is_known(inner, first, depth - 1)


def _with_additional(record: Record, members: Mapping[str, msgspec.Raw]) -> dict[str, Any] | None:
    """A record of the Graph SDK: what its class does not know stands in a dictionary of its own."""
    additional = record.get(_ADDITIONAL)
    if not isinstance(additional, dict) or not additional:
        return None
    inside = _OBJECT.decode(members[_ADDITIONAL])
    spelt = {name.lower() for name in inside}
    outside = {
        # What the class knows it spells with a capital; the record is Graph's.
        spellings.GRAPH.get(spellings.letters(name), name): raw
        for name, raw in members.items()
        if name != _ADDITIONAL and name.lower() not in spelt and record[name] not in (None, "", [], {})
    }
    merged: dict[str, Any] = orjson.loads(msgspec.json.encode(inside | outside))
    return merged


def _sdk_audit_data(record: Record, raw: bytes) -> Iterator[bytes] | None:
    """A row whose AuditData the Graph SDK has wrapped, without that wrapper."""
    for name in _AUDIT_DATA:
        data = record.get(name)
        if isinstance(data, dict) and isinstance(data.get(_ADDITIONAL), dict) and data[_ADDITIONAL]:
            members = _OBJECT.decode(raw)
            members[name] = _OBJECT.decode(members[name])[_ADDITIONAL]
            return iter((msgspec.json.encode(members),))
    return None


def _tables(record: Record) -> list[Record] | None:
    """The tables of an answer whose rows are records; of one frame, that or none."""
    several = record.get("tables", record.get("Tables"))
    if isinstance(several, list) and several and all(isinstance(one, dict) and _columns(one) for one in several):
        named = [one for one in several if _name_of(one) == _PRIMARY]
        return named or several[:1]
    if not (_columns(record) and isinstance(_member(record, "rows"), list)):
        return None
    # Of the frames of Kusto's version 2, one has what was asked for.
    return [record] if "FrameType" not in record or _name_of(record) == _PRIMARY else []


def _name_of(table: Record) -> str:
    return (values.first(table, "TableKind", "name", "TableName", "Name") or "").casefold()


def _member(table: Record, name: str) -> Any:
    return table.get(name, table.get(name.capitalize()))


def _columns(table: Record) -> list[str]:
    """The names of a table's columns; empty for what is no table."""
    columns = _member(table, "columns")
    if not isinstance(columns, list) or not all(isinstance(column, dict) for column in columns):
        return []
    names = [values.first(column, "name", "Name", "ColumnName") or "" for column in columns]
    return names if all(names) and sum(map(len, names)) <= _MAX_NAMES else []


def _rows_of(tables: Sequence[Record]) -> Iterator[bytes]:
    for table in tables:
        keys = column_keys(_columns(table))
        for row in _member(table, "rows") or ():
            yield orjson.dumps(row) if not isinstance(row, list) else row_object(keys, map(orjson.dumps, row))


def column_keys(names: Sequence[str]) -> list[bytes]:
    """The names of columns as JSON."""
    return [orjson.dumps(name) for name in names]


def row_object(keys: Sequence[bytes], cells: Iterator[bytes]) -> bytes:
    """A row of a table as a JSON object. Of a row that is too short the columns that it has."""
    return b"{%s}" % b",".join([key + b":" + cell for key, cell in zip(keys, cells, strict=False)])
