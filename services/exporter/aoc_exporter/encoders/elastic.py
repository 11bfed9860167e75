"""Microsoft's own records in the shapes that the ingest pipelines of Elastic's integrations read.

- `o365.audit` (Microsoft 365) reads a record of the unified log in `o365audit`.
- `azure.signinlogs` and `azure.auditlogs` (Azure Logs) read `message`: a line of Azure's diagnostic settings, which has
  the record of Graph in `properties`. They drop a line whose `category` is another one, and fail at an audit line
  without `durationMs`.

Everything else goes as ECS: also a record of the unified log that shares its id with another entry, a later version
above all. The pipeline makes the document's id from the record's, so the second one would be refused as a repeat.
Records are joined from bytes; a few members of them are found, not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from aoc_common.contracts import ids
from aoc_common.contracts.sources import CONTENT_TYPES
from aoc_exporter.encoders import ecs
from aoc_exporter.encoders.records import record
from aoc_exporter.item import Format, Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_exporter.entry import Entry
    from aoc_exporter.item import Item

AUDIT: Final = "o365.audit"
SIGN_INS: Final = "azure.signinlogs"
DIRECTORY: Final = "azure.auditlogs"
#: Source -> category of the diagnostic settings; all are of `azure.signinlogs`.
_SIGN_IN_CATEGORIES: Final[Mapping[str, bytes]] = {
    "graph-signins": b"SignInLogs",
    "graph-signins-noninteractive": b"NonInteractiveUserSignInLogs",
    "graph-signins-serviceprincipal": b"ServicePrincipalSignInLogs",
    "graph-signins-managedidentity": b"ManagedIdentitySignInLogs",
}
_DIRECTORY_SOURCE: Final = "graph-directory-audits"
_AUDIT_SOURCES: Final = frozenset(CONTENT_TYPES.values())
_NULL: Final = msgspec.Raw(b"null")
#: How a document of each begins: by that a data stream is found for it.
_BEGINNINGS: Final[Mapping[str, bytes]] = {
    dataset: b'{"event":{"dataset":"' + dataset.encode() + b'"},"@timestamp":"'
    for dataset in (AUDIT, SIGN_INS, DIRECTORY)
}


class _SignIn(msgspec.Struct):
    """What a line about a sign-in says beside the record."""

    correlationId: msgspec.Raw = _NULL  # noqa: N815  # Graph's name
    ipAddress: msgspec.Raw = _NULL  # noqa: N815  # Graph's name
    userDisplayName: msgspec.Raw = _NULL  # noqa: N815  # Graph's name


class _Audit(msgspec.Struct):
    """What a line about a change says beside the record."""

    activityDisplayName: msgspec.Raw = _NULL  # noqa: N815  # Graph's name
    correlationId: msgspec.Raw = _NULL  # noqa: N815  # Graph's name


class _Unified(msgspec.Struct):
    """What the pipeline makes a document's id of."""

    Id: msgspec.Raw = _NULL


_sign_in: Final = msgspec.json.Decoder(_SignIn)
_audit: Final = msgspec.json.Decoder(_Audit)
_unified: Final = msgspec.json.Decoder(_Unified)
_text: Final = msgspec.json.Decoder(str)


def encode(entry: Entry) -> bytes:
    """The entry as a document of its data stream. Raises `Malformed` for a body that is no JSON object."""
    category = _SIGN_IN_CATEGORIES.get(entry.source)
    known = category is not None or entry.source == _DIRECTORY_SOURCE or entry.source in _AUDIT_SOURCES
    found = record(entry) if known else None
    if found is None:
        return ecs.encode(entry)
    if category is not None:
        return _document(SIGN_INS, entry, b'"message":' + orjson.dumps(_sign_in_line(entry, category, found).decode()))
    if entry.source == _DIRECTORY_SOURCE:
        return _document(DIRECTORY, entry, b'"message":' + orjson.dumps(_audit_line(entry, found).decode()))
    if not _has_its_id_alone(entry, found):
        return ecs.encode(entry)
    return _document(AUDIT, entry, b'"o365audit":' + found)


def dataset(item: Item) -> str | None:
    """The data set of a document that `encode` made; None for one in ECS, and in any other format."""
    if item.format is not ELASTIC:
        return None
    return next((name for name, start in _BEGINNINGS.items() if item.data.startswith(start)), None)


def _has_its_id_alone(entry: Entry, found: bytes) -> bool:
    """Whether nothing else is sent with the id of this record: it is the first version of what that id stands for.

    Of several events of one id, such as of a data loss that was found and of one that was undone, none has it alone.
    """
    told = _unified.decode(found).Id
    if told == _NULL:  # then the document keeps the id that it is sent with
        return True
    try:
        identity = _text.decode(told)
    except msgspec.DecodeError:  # a number, say
        return False
    return entry.revision == 1 and str(ids.event_id(entry.tenant, ids.UNIFIED, identity, entry.time_ms)) == entry.id


def _document(name: str, entry: Entry, member: bytes) -> bytes:
    return b"".join((_BEGINNINGS[name], entry.dated.encode(), b'",', member, b"}"))


def _sign_in_line(entry: Entry, category: bytes, found: bytes) -> bytes:
    told = _sign_in.decode(found)
    return b"".join((
        b'{"time":"', entry.dated.encode(), b'","category":"', category,
        b'","operationName":"Sign-in activity","durationMs":0,"correlationId":', told.correlationId,
        b',"callerIpAddress":', told.ipAddress, b',"identity":', told.userDisplayName, b',"properties":', found, b"}",
    ))  # fmt: skip


def _audit_line(entry: Entry, found: bytes) -> bytes:
    told = _audit.decode(found)
    return b"".join((
        b'{"time":"', entry.dated.encode(), b'","category":"AuditLogs","operationName":', told.activityDisplayName,
        b',"durationMs":0,"correlationId":', told.correlationId, b',"properties":', found, b"}",
    ))  # fmt: skip


ELASTIC: Final = Format(
    "elastic", Shape.OBJECT, encode, dated=True, shaped=("o365-general", "graph-signins", _DIRECTORY_SOURCE)
)
