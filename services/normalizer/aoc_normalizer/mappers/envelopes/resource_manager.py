"""Azure's activity log as event hubs and Log Analytics have it: rewritten to what its REST interface lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from aoc_normalizer.mappers.base import Record

_SUBSCRIPTIONS: Final = "/subscriptions/"
#: Categories of the activity log (azure-monitor-docs, activity-log-schema.md). Resources' own logs have others.
_CATEGORIES: Final = frozenset(
    {"administrative", "security", "servicehealth", "resourcehealth", "alert", "autoscale", "recommendation", "policy"}
)
#: Columns of `AzureActivity` -> names of the REST interface; the first that says something counts.
_COLUMNS: Final = {
    "eventDataId": ("EventDataId",),
    "eventTimestamp": ("TimeGenerated",),
    "operationName": ("OperationNameValue", "OperationName"),
    "caller": ("Caller",),
    "callerIpAddress": ("CallerIpAddress",),
    "category": ("CategoryValue", "Category"),
    "status": ("ActivityStatusValue", "ActivityStatus"),
    "subStatus": ("ActivitySubstatusValue", "ActivitySubstatus"),
    "resourceId": ("_ResourceId", "ResourceId", "Resource"),
    "resourceGroupName": ("ResourceGroup",),
    "subscriptionId": ("SubscriptionId",),
    "correlationId": ("CorrelationId",),
    "claims": ("Claims", "Claims_d"),
    "httpRequest": ("HTTPRequest",),
    "authorization": ("Authorization", "Authorization_d"),
    "level": ("Level",),
    "properties": ("Properties", "Properties_d"),
}


def is_streamed(record: Record) -> bool:
    """Whether an envelope of Azure Monitor is one of the activity log."""
    category = record.get("category")
    resource = record.get("resourceId")
    return (
        isinstance(category, str)
        and isinstance(resource, str)
        and category.casefold() in _CATEGORIES
        and resource.casefold().startswith(_SUBSCRIPTIONS)
    )


def of_stream(record: Record) -> Record:
    """What an event hub or a storage account brings (azure-monitor-docs, activity-log-schema.md)."""
    identity = values.mapping(record.get("identity"))
    properties = values.mapping(record.get("properties"))
    return {
        "eventDataId": values.text(properties.get("eventDataId")),
        "eventTimestamp": record.get("time"),
        "operationName": record.get("operationName"),
        "caller": properties.get("caller"),
        "callerIpAddress": record.get("callerIpAddress"),
        "category": record.get("category"),
        "status": values.first(record, "resultType") or properties.get("status"),
        "subStatus": values.first(properties, "statusCode") or record.get("resultSignature"),
        "resourceId": record.get("resourceId"),
        "correlationId": record.get("correlationId"),
        "claims": identity.get("claims"),
        "authorization": identity.get("authorization"),
        "level": record.get("level"),
        "properties": properties,
        "tenantId": record.get("tenantId"),
    }


def of_row(row: Record) -> tuple[Record, set[str]]:
    """What a row of `AzureActivity` says, and the columns that it was read from."""
    made: dict[str, Any] = {}
    for name, columns in _COLUMNS.items():
        found = next((column for column in columns if row.get(column) not in (None, "")), None)
        if found is not None:
            made[name] = row[found]
    return made, {column for columns in _COLUMNS.values() for column in columns if column in row}
