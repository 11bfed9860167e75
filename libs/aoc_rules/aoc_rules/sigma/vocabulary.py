"""Which fields the records of a log source have, and which values some of them can have: what lint holds rules against.

First steps of paths, as Microsoft spells them; see `aliases` for where they are documented. The unified log has no end
of fields: one that is not here is told of only where it is nearly one that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_rules.sigma import aliases

if TYPE_CHECKING:
    from collections.abc import Mapping

_MONITOR: Final = """
time TimeGenerated resourceId operationName OperationName operationVersion category Category tenantId resultType
ResultType resultSignature resultDescription ResultDescription durationMs callerIpAddress CallerIpAddress
correlationId CorrelationId identity Identity level Level location Location properties Type SourceSystem Resource
ResourceGroup ResourceProvider
"""
_DIRECTORY: Final = """
id activityDateTime activityDisplayName additionalDetails initiatedBy loggedByService operationType result
resultReason targetResources userAgent AADOperationType AADTenantId ActivityDateTime ActivityDisplayName
AdditionalDetails Id InitiatedBy LoggedByService OperationType Result ResultReason TargetResources performedBy
"""
_SIGN_IN: Final = """
id createdDateTime userDisplayName userPrincipalName userId appId appDisplayName ipAddress clientAppUsed
conditionalAccessStatus isInteractive riskDetail riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes
riskEventTypes_v2 resourceDisplayName resourceId status deviceDetail appliedConditionalAccessPolicies userAgent
authenticationRequirement signInEventTypes authenticationDetails authenticationProtocol
authenticationProcessingDetails autonomousSystemNumber crossTenantAccessType homeTenantId resourceTenantId
networkLocationDetails incomingTokenType mfaDetail originalRequestId processingTimeInMilliseconds servicePrincipalId
servicePrincipalName servicePrincipalCredentialKeyId sessionLifetimePolicies tokenIssuerName tokenIssuerType
uniqueTokenIdentifier userType flaggedForReview isTenantRestricted originalTransferMethod sessionId
globalSecureAccessIpAddress agent appOwnerTenantId resourceOwnerTenantId AlternateSignInName ResourceIdentity
sourceAppClientId federatedCredentialId managedServiceIdentity authenticationContextClassReferences
alternateSignInName
"""
_UNIFIED: Final = """
CreationTime Id Operation OrganizationId RecordType ResultStatus UserKey UserType Version Workload ClientIP
ClientIPAddress ObjectId UserId AzureActiveDirectoryEventType ExtendedProperties ModifiedProperties Actor
ActorContextId ActorIpAddress InterSystemsId IntraSystemId SupportTicketId Target TargetContextId ApplicationId
DeviceProperties ErrorNumber LogonError Parameters Item Folders AffectedItems MailboxGuid MailboxOwnerUPN
ClientInfoString ExternalAccess LogonType SessionId AppId AppAccessContext OperationProperties Site SiteUrl
SourceFileName SourceFileExtension SourceRelativeUrl UserAgent ListId ItemType EventSource EventData
TargetUserOrGroupName TargetUserOrGroupType PolicyDetails TeamName Members ChannelName CommunicationType Data Name
Severity AlertId AlertType Source Category Comments Status DestinationFileName
"""
_ALERT: Final = """
id title severity status classification determination serviceSource detectionSource category description evidence
createdDateTime lastUpdateDateTime mitreTechniques actorDisplayName threatDisplayName incidentId alertPolicyId
"""
_RISK: Final = """
id requestId riskEventType riskType riskState riskLevel riskDetail source detectionTimingType activity tokenIssuerType
ipAddress location activityDateTime detectedDateTime lastUpdatedDateTime userId userDisplayName userPrincipalName
additionalInfo isDeleted isProcessing riskLastUpdatedDateTime servicePrincipalId servicePrincipalType
servicePrincipalDisplayName displayName isEnabled keyIds appId correlationId
"""
_PIM: Final = """
id riskEventType alertDefinitionId incidentCount isActive lastModifiedDateTime lastScannedDateTime scopeId scopeType
alertDefinition alertIncidents alertType roleDisplayName assigneeDisplayName
"""
_INTUNE: Final = """
id displayName componentName activity activityDateTime activityType activityOperationType activityResult correlationId
category actor resources
"""
_ACTIVITY: Final = """
authorization caller Caller claims eventName eventTimestamp httpRequest status subStatus submissionTimestamp
subscriptionId operationNameValue OperationNameValue ActivityStatusValue ActivitySubstatusValue resourceProviderName
ResourceProviderValue resourceType ResourceId properties Properties HTTPRequest Authorization CategoryValue
SubscriptionId
"""
_OCSF: Final = """
activity_id activity_name category_uid category_name class_uid class_name type_uid type_name severity_id severity time
status_id status status_code status_detail message metadata cloud observables actor src_endpoint dst_endpoint user
user_result group entity entity_result api resources resource http_request service session is_remote is_mfa
auth_protocol auth_protocol_id logon_type enrichments unmapped raw_data evidences finding_info file file_result
databucket privileges comment device policy policies app confidence_id risk_level risk_level_id risk_score start_time
end_time count duration timezone_offset web_resources
"""

#: Fields of a log source by their spelling without case -> as they are spelt.
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    name: {
        **{word.partition(".")[0]: word.partition(".")[0] for word in table},
        **{word.casefold(): word for text in texts for word in text.split()},
    }
    for name, table, texts in (
        ("m365/audit", aliases.UNIFIED, (_UNIFIED,)),
        ("m365/exchange", aliases.CLOUD_APPS, (_UNIFIED,)),
        ("m365/threat_management", aliases.ALERTS, (_ALERT, _UNIFIED)),
        ("m365/threat_detection", aliases.ALERTS, (_ALERT, _UNIFIED)),
        ("m365/intune", aliases.INTUNE, (_INTUNE, _MONITOR)),
        ("azure/auditlogs", aliases.DIRECTORY, (_DIRECTORY, _MONITOR)),
        ("azure/signinlogs", aliases.SIGN_INS, (_SIGN_IN, _MONITOR)),
        ("azure/activitylogs", aliases.ACTIVITY, (_ACTIVITY, _MONITOR)),
        ("azure/riskdetection", aliases.RISK, (_RISK, _MONITOR)),
        ("azure/pim", aliases.PIM, (_PIM, _MONITOR)),
        ("aoc/ocsf", {}, (_OCSF,)),
    )
}
#: Log sources whose records have fields beyond these.
OPEN: Final = frozenset({"m365/audit", "m365/exchange", "m365/threat_management", "m365/threat_detection"})

_RESULTS: Final = (
    "Success", "Failure", "Unknown", "Other", "Partial", "timeout", "unknownFutureValue", "clientError",
)  # fmt: skip
#: Values that a field can have, by log source and the field's name without case: all others never occur.
VALUES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("azure/auditlogs", "status"): _RESULTS,
    ("azure/auditlogs", "result"): _RESULTS,
    ("azure/signinlogs", "status"): _RESULTS,
    ("azure/signinlogs", "result"): _RESULTS,
    ("azure/signinlogs", "conditionalaccessstatus"): ("success", "failure", "notApplied", "unknownFutureValue"),
    ("azure/signinlogs", "authenticationrequirement"): ("singleFactorAuthentication", "multiFactorAuthentication"),
    ("m365/exchange", "status"): _RESULTS,
    ("m365/threat_management", "status"): _RESULTS,
    ("m365/threat_detection", "status"): _RESULTS,
    ("m365/intune", "status"): _RESULTS,
}
#: Some of the values that a field has, among others: what reads like one of them and is written in another way is none.
SPELLINGS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("azure/auditlogs", "targetresources.type"): (
        "User", "Group", "Device", "Role", "Policy", "Application", "ServicePrincipal", "Directory", "Other",
    ),
}  # fmt: skip
#: Texts that stand for a value which the reader of a rule should put in: no record has them.
STAND_INS: Final = frozenset({"upn", "<upn>", "userprincipalname", "username", "<username>", "changeme", "placeholder"})
#: Fields that hold an operation's name, by log source.
OPERATIONS: Final = frozenset({"operationname", "operation", "activitydisplayname", "activitytype", "message"})
