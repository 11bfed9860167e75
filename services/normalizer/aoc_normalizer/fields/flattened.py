"""Lists of objects that a store has spread over columns, put together again.

Splunk writes `Parameters{}.Name` and `Parameters{}.Value` with all names and all values, converters of JSON to tables
`Parameters.0.Name`, `Parameters_0_Value` or `Parameters[0].Name`. Elastic's integration of Microsoft 365 keeps a record
under names that begin with `o365.audit.`, with a list of parameters as an object of them; that of Azure has an
envelope of Azure Monitor as the object `azure.signinlogs`, `azure.auditlogs` ..., with names like
`user_principal_name`, and lists as objects whose members are numbers.

Sources: Splunk, Search Reference (spath); Elastic, exported fields of the modules o365 and azure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields.values import NAMED_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPREAD: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*)\{\}\.([A-Za-z][A-Za-z0-9]*)")
_NUMBERED: Final = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\.|_|\[)(\d{1,3})(?:\.|_|\]\.)([A-Za-z][A-Za-z0-9]*)")
#: Of Elastic's integration: what names begin with, and how many a record has at least.
_PREFIX: Final = "o365.audit."
_FEWEST: Final = 3
#: What names of Elastic's integration of Azure begin with, and what tells an envelope in it from its own remarks.
_AZURE: Final = "azure."
_OF_ENVELOPES: Final = frozenset({"properties", "operation_name", "category"})
#: Where a unified record has its address.
_ADDRESSES: Final = ("ClientIP", "ClientIPAddress", "ActorIpAddress")
#: Names in whose place a converter to tables writes many, and what stands before those of the record in a row.
_FOLDED: Final = frozenset(
    {"Actor", "AffectedItems", "AppAccessContext", "CopilotEventData", "DestFolder", "DeviceProperties",
     "ExchangeMetaData", "EndpointMetaData", "ExtendedProperties", "Folder", "Folders", "Item", "Members",
     "ModifiedProperties", "OperationProperties", "Parameters", "PolicyDetails", "SharePointMetaData", "Target"}
)  # fmt: skip
_AUDIT_DATA: Final = "AuditData."
#: Levels of names that are parted by dots.
_LEVELS: Final = 12


def rebuilt(record: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """A record with such lists under their own names, or itself where it has none. `raw`: its JSON text."""
    # Every record is asked; a search for bytes costs less than a look at its names.
    if b".0." in raw or b"MetaData." in raw or b"CopilotEventData." in raw:
        record = _unfolded(record)
    if b"{}." not in raw and b'.0.Name"' not in raw and b'_0_Name"' not in raw and b'[0].Name"' not in raw:
        return record
    spread: dict[str, dict[str, list[Any]]] = {}
    numbered: dict[str, dict[int, dict[str, Any]]] = {}
    used: dict[str, list[str]] = {}
    for column, value in record.items():
        if found := _SPREAD.fullmatch(column):
            base = found[1]
            spread.setdefault(base, {})[found[2]] = value if isinstance(value, list) else str(value).split("\n")
        elif found := _NUMBERED.fullmatch(column):
            base = found[1]
            numbered.setdefault(base, {}).setdefault(int(found[2]), {})[found[3]] = value
        else:
            continue
        used.setdefault(base, []).append(column)
    lists = {base: items for base, columns in spread.items() if (items := _side_by_side(columns))}
    lists |= {base: [items[number] for number in sorted(items)] for base, items in numbered.items()}
    lists = {base: items for base, items in lists.items() if not record.get(base)}
    left = {column for base in lists for column in used[base]}
    return {column: value for column, value in record.items() if column not in left} | lists


def _unfolded(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the objects and lists that a converter has spread over columns (`Folders.0.FolderItems.0.Subject`).

    Only under names that Microsoft's records have objects and lists for.
    """
    spread = {
        name: path
        for name in record
        if len(path := name.removeprefix(_AUDIT_DATA).split(".", _LEVELS)) > 1 and path[0] in _FOLDED
    }
    made: dict[str, Any] = {}
    for name, (*outer, last) in spread.items():
        if record[name] in (None, ""):
            continue
        where: Any = made
        for step in outer:
            where = where.setdefault(step, {}) if isinstance(where, dict) else None
        if isinstance(where, dict):
            where.setdefault(last, record[name])
    found = {name: value for name, value in made.items() if not record.get(name)}
    kept = {name: value for name, value in record.items() if name not in spread or spread[name][0] not in found}
    return kept | {name: _listed(value, _LEVELS) for name, value in found.items()}


def _side_by_side(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """The objects whose members these are; none where the columns are not of one length, so that nobody can tell."""
    if len({len(values) for values in columns.values()}) != 1:
        return []
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def of_elastic(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record under Elastic's names, of a document, the fields of a hit, or a row; None where there is none."""
    fields = record.get("fields")
    names = fields if isinstance(fields, dict) else record
    inside = {name.removeprefix(_PREFIX): value for name, value in names.items() if name.startswith(_PREFIX)}
    if len(inside) < _FEWEST:
        return None
    made: dict[str, Any] = {}
    for name, value in inside.items():
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        outer, dot, inner = name.partition(".")
        if not dot or outer not in NAMED_VALUES:
            made[name] = one
        elif isinstance(where := made.setdefault(outer, {}), dict):
            where[inner] = one
    if (address := names.get("source.ip")) and "ClientIP" not in made:
        made["ClientIP"] = address[0] if isinstance(address, list) else address
    return made


def of_elastic_audit(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record in a document's `o365.audit` with what Elastic has moved out of it; None where that is nothing."""
    audit = _member(_member(record, "o365"), "audit")
    if not audit:
        return None
    address = _member(record, "source").get("ip") or _member(record, "client").get("ip")
    moved = {
        "ClientIP": None if any(name in audit for name in _ADDRESSES) else address,
        "UserAgent": None if "UserAgent" in audit else _member(record, "user_agent").get("original"),
    }
    found = {name: value for name, value in moved.items() if isinstance(value, str) and value}
    return {**audit, **found} if found else None


def of_elastic_azure(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The envelope of Azure Monitor in a document of Elastic's, or in a row of its names; None where there is none."""
    azure = record.get("azure")
    if not isinstance(azure, dict):
        azure = _nested(record, _AZURE)
    for name, inside in azure.items():
        if isinstance(inside, dict) and not _OF_ENVELOPES.isdisjoint(inside):
            beside = {
                "time": record.get("@timestamp"),
                "category": name,
                "resource_id": _member(azure, "resource").get("id"),
                "correlation_id": azure.get("correlation_id"),
                "tenant_id": azure.get("tenant_id"),
                "caller_ip_address": _member(record, "source").get("ip") or record.get("source.ip"),
            }
            known = {name: value for name, value in beside.items() if value}
            return {**known, "properties": {}, **_listed(inside, _LEVELS)}
    return None


def _claim(name: str) -> str:
    """`http://schemas.xmlsoap.org/...` of a claim's name whose dots would be levels."""
    scheme, sign, rest = name.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.replace('_', '.')}/{path}" if sign and slash else name


def _member(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inside = record.get(name)
    return inside if isinstance(inside, dict) else {}


def _nested(record: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """`{"signinlogs": {"identity": ...}}` of `azure.signinlogs.identity`. What says nothing is left out."""
    made: dict[str, Any] = {}
    for name, value in record.items():
        if not name.startswith(prefix) or value in (None, "", "-", []):
            continue
        *outer, last = name.removeprefix(prefix).split(".", _LEVELS)
        where: Any = made
        for step in outer:
            where = where.setdefault(step, {})
            if not isinstance(where, dict):  # a value and what is inside of it
                break
        else:
            where.setdefault(last, value)
    return made


def _listed(value: Any, levels: int) -> Any:
    """Objects whose members are numbered as the lists that they were."""
    if levels and isinstance(value, dict):
        inside = {_claim(name): _listed(inner, levels - 1) for name, inner in value.items()}
        if inside and all(name.isascii() and name.isdigit() for name in inside):
            return [inside[name] for name in sorted(inside, key=int)]
        return inside
    return value
