"""Records whose field names a store has put in lower case (`operationname`, `creationtime`), as Athena and Hive do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import values
from aoc_normalizer.fields.duplicate_keys import renamed
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.envelopes import diagnostics
from aoc_normalizer.mappers.graph import directory, intune, signins
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft

_MAPPERS: Final = (audit_log.MAPPER, diagnostics.MAPPER, signins.MAPPER, directory.MAPPER, intune.MAPPER)
#: Names as Microsoft writes them. The unified log's are in capitals; of the others' only those that differ.
_UNIFIED: Final = (  # noqa: SIM905  # names read better as words
    "AADSessionId ActorContextId Actor ActorIpAddress AffectedItems AlertId AppAccessContext AppId ApplicationId "
    "AzureActiveDirectoryEventType ClientAppId ClientIP ClientIPAddress ClientInfoString CorrelationId CreationTime "
    "DestFolder DeviceProperties ErrorNumber EventData EventSource ExchangeMetaData ExtendedProperties "
    "ExternalAccess Folders Id InterSystemsId IntraSystemId Item ItemType LogonError LogonType MailboxGuid "
    "MailboxOwnerSid MailboxOwnerUPN Members ModifiedProperties ObjectId Operation OperationCount "
    "OperationProperties OrganizationId OrganizationName OriginatingServer Parameters PolicyDetails RecordType "
    "ResultStatus SessionId SharePointMetaData Site SiteUrl SourceFileName SourceRelativeUrl Target "
    "TargetUserOrGroupName TargetUserOrGroupType TeamGuid TeamName UserAgent UserId UserKey UserType Version "
    "Workload"
).split()
_OTHERS: Final = (  # noqa: SIM905  # as above
    "activityDateTime activityDisplayName activityResult activityType additionalDetails appDisplayName appId "
    "appliedConditionalAccessPolicies authenticationDetails authenticationRequirement callerIpAddress category "
    "clientAppUsed componentName conditionalAccessStatus correlationId createdDateTime deviceDetail durationMs "
    "initiatedBy ipAddress isInteractive loggedByService operationName operationType operationVersion "
    "resourceDisplayName resourceId resultDescription resultReason resultSignature resultType riskState "
    "servicePrincipalId servicePrincipalName signInEventTypes targetResources tenantId userAgent userDisplayName "
    "userId userPrincipalName"
).split()
_CAPITALS: Final = {name.lower(): name for name in _UNIFIED}
_SMALL: Final = {name.lower(): name for name in _OTHERS}


def recognises(record: Record) -> bool:
    """The lower-case names of what every record of the unified log, or every diagnostic, has."""
    return ("creationtime" in record and "operation" in record) or ("operationname" in record and "category" in record)


def fill(record: Record, draft: Draft) -> None:
    """Map it under Microsoft's names; what its mapper used is noted under the record's own."""
    spelling = _CAPITALS if "creationtime" in record else _SMALL
    names = {name: spelling.get(name, name) for name in record}
    respelt = renamed(record, names)
    if spelling is _SMALL and "properties" in respelt:
        inner = values.mapping(respelt["properties"])
        respelt["properties"] = renamed(dict(inner), {name: _SMALL.get(name, name) for name in inner})
    mapper = next((one for one in _MAPPERS if one.recognises(respelt)), diagnostics.MAPPER)
    mapper.fill(respelt, draft)
    draft.used = {name for name, theirs in names.items() if theirs in draft.used}


MAPPER: Final = Mapper("respelt", 3, recognises, fill)
