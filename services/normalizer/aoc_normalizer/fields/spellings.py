"""Microsoft's names of properties, whatever a tool or a store on the way has made of them.

PowerShell's Graph SDK and the modules before it begin every name with a capital (`CreatedDateTime`), Python's writes
`created_date_time`, stores like Athena know small letters only. A name is known by its letters and digits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.bounds import LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Of records that Graph lists, and of the envelopes of Azure Monitor (graph-docs, the resource of each kind).
_OF_GRAPH: Final = (  # noqa: SIM905  # names read better as words
    "app additionalInfo servicePrincipalDisplayName fromIP toIP keyId isActive incidentCount alertDefinitionId "
    "accountName action activity activityDateTime activityDisplayName activityResult activityType actor "
    "actorDisplayName additionalDetails alerts alertWebUrl appDisplayName appId applicationDisplayName "
    "applicationId appliedConditionalAccessPolicies appServicePrincipalId assignedTo auditActorType "
    "auditResourceType authDetail authenticationDetails authenticationMethod authenticationMethodDetail "
    "authenticationMethodsUsed authenticationProcessingDetails authenticationProtocol authenticationRequirement "
    "authenticationRequirementPolicies authenticationStepDateTime authenticationStepResultDetail authMethod "
    "authorization autonomousSystemNumber browser browserId caller callerIpAddress category changeId city claims "
    "classification clientAppUsed clientCredentialType clientIpAddress componentName conditionalAccessStatus "
    "conditionsNotSatisfied conditionsSatisfied correlationId countryOrRegion createdDateTime "
    "crossTenantAccessType cycleId description detectedDateTime detectionSource detectionTimingType determination "
    "deviceDetail deviceDnsName deviceId displayName durationInMilliseconds durationMs enforcedGrantControls "
    "enforcedSessionControls errorCode errorInformation eventDataId eventDateTime eventName eventTimestamp "
    "evidence failureReason fileName flaggedForReview geoCoordinates groupType homeTenantId homeTenantName "
    "httpRequest id identity identityType incidentId incidentWebUrl incomingTokenType initiatedBy initiatorType "
    "ipAddress ipAddressFromResourceProvider isCompliant isDeleted isInteractive isManaged isProcessing "
    "isTenantRestricted jobId key keyValue lastModifiedDateTime lastUpdateDateTime lastUpdatedDateTime latitude "
    "level localizedValue location locationInfo loggedByService longitude messageId messageTraceId mfaDetail "
    "modifiedProperties name networkLocationDetails newValue oldValue operatingSystem operationId operationName "
    "operationType operationVersion originalRequestId originalTransferMethod primaryAddress "
    "processingTimeInMilliseconds productName properties provisioningAction provisioningStatusInfo "
    "provisioningSteps reason receivedDateTime recipientAddress requestId requestMethod requestUri "
    "resourceDisplayName resourceGroupName resourceId resources resourceServicePrincipalId resourceTenantId "
    "resourceType responseStatusCode result resultDescription resultReason resultSignature resultType riskDetail "
    "riskEventType riskEventTypes riskLastUpdatedDateTime riskLevel riskLevelAggregated riskLevelDuringSignIn "
    "riskState riskType roles scopes senderAddress servicePrincipal servicePrincipalCredentialKeyId "
    "servicePrincipalCredentialThumbprint servicePrincipalId servicePrincipalName serviceSource sessionId "
    "sessionLifetimePolicies severity signInActivityId signInEventTypes signInIdentifier signInIdentifierType "
    "source sourceIdentity sourceSystem ssoExtensionVersion state status statusInfo subject submissionTimestamp "
    "subscriptionId subStatus succeeded targetIdentity targetResources targetSystem tenantId time timeGenerated "
    "title tokenIssuerName tokenIssuerType tokenProtectionStatusDetails trustType type uniqueTokenIdentifier url "
    "user userAccount userAgent userDisplayName userId userPermissions userPrincipalName userStates userType "
    "value principalId principal roleDefinitionId roleDefinition justification directoryScopeId createdBy approvalId "
    "completedDateTime scheduleInfo ticketInfo targetScheduleId clientId consentType scope passwordCredentials "
    "keyCredentials servicePrincipalType conditions grantControls sessionControls modifiedDateTime"
).split()
#: Of the unified audit log (Management Activity API schema).
_OF_UNIFIED: Final = (  # noqa: SIM905  # names read better as words
    "AadAppId AADGroupId AADSessionId Access AccessedResources Actions ActionType Actor ActorContextId "
    "ActorIpAddress AdditionalDetails AddOnGuid AddOnName AffectedItems AlertCategory AlertDescription "
    "AlertDisplayName AlertEntityId AlertId AlertName AlertSeverity AlertUri AppAccessContext AppHost AppId "
    "ApplicationDisplayName ApplicationId Applications AppName AppPoolName ArtifactId ArtifactKind ArtifactName "
    "Attachments AzureActiveDirectoryEventType BrowserName CallerIpAddress Case CaseId CaseName Category "
    "ChannelGuid ChannelName ChatName ChatThreadId ClientAppId ClientApplication ClientAppName ClientInfoString "
    "ClientIP ClientIPAddress ClientIPs ConditionsMatched CopilotEventData CorrelationId Count CreationTime "
    "CrmOrganizationUniqueName DashboardId DashboardName Data DatasetId DatasetName DestFolder DestinationFileName "
    "DestinationRelativeUrl DeviceDisplayName DeviceProperties DisplayName EndpointMetaData EntityDisplayName "
    "EntityId EntityName Error ErrorCode ErrorMessage ErrorNumber EventData EventSource ExchangeMetaData "
    "ExtendedProperties ExternalAccess FailureReason FileData FileName FileOwner FilePath FilePathUrl "
    "FlowConnectorNames FlowDetailsUrl FlowDisplayName FlowId Folder FolderItems FolderName Folders FormId FormName "
    "From GroupName Id Identity IncidentId InstanceUrl InternetMessageId InterSystemsId IntraSystemId "
    "InvestigationId InvestigationName InvitedUser IsSuccess Item ItemId ItemName ItemType LinkKind LogonError "
    "LogonType MachineDomainInfo MachineId Mailbox MailboxGuid MailboxOwnerSid MailboxOwnerUPN MalwareFamily "
    "MemberRights Members MemberSid MemberUpn MessageID ModifiedProperties Name NetworkMessageId NewValue "
    "ObjectDisplayName ObjectId ObjectType OldValue Operation OperationCount OperationProperties OrganizationId "
    "OrganizationName OriginatingServer P2Sender Parameters ParentFolder Path PermissionLevel PermissionsGranted "
    "Platform PolicyDetails PolicyName PrimaryFieldValue Recipients RecipientString RecipientUPN RecordType "
    "ReleaseTo ReportId ReportName ResultDescription ResultReason ResultStatus Role RuleActions RuleName Rules "
    "SearchName SearchQueryText SendAsUserSmtp SenderIp SendOnBehalfOfUserSmtp SensitiveInformation "
    "SensitiveInformationTypeName SessionId Severity SharedWithUser SharePointMetaData Site SiteUrl Source "
    "SHA256 To UPN SourceFileExtension SourceFileName SourceRelativeUrl Subject Succeeded Target TargetUserOrGroupName "
    "TargetUserOrGroupType TeamGuid TeamName Title Type Url User UserAgent UserId UserIp UserKey UserSharedWith "
    "UserType Value Version Workload WorkspaceId WorkspaceName"
).split()
#: Of what Intune sends to Azure Monitor (memdocs, review-logs-using-azure-monitor.md).
_OF_INTUNE: Final = (  # noqa: SIM905  # names read better as words
    "AADDeviceId ActivityDate ActivityResultStatus ActivityType Actor AlertDisplayName AlertType Application "
    "ApplicationName AuditEventId ComplianceState_loc Description DeviceHostName DeviceId DeviceName EnrollmentTimeUTC "
    "EnrollmentType FailureCategory FailureReason IntuneAccountId IntuneDeviceId IntuneUserId ModifiedProperties Name "
    "New ObjectId Old Os ScenarioName SerialNumber TargetDisplayNames TargetObjectIds Targets UPN UPNSuffix "
    "UserDisplayName UserEmail UserId UserName"
).split()
#: Of rows around a unified record.
_OF_ROWS: Final = (  # noqa: SIM905  # as above
    "ActionType AuditData CreationDate Identity Operations RawEventData RecordId RecordType ReportId ResultCount "
    "ResultIndex Timestamp UserIds"
).split()


@lru_cache(maxsize=8192)
def letters(name: str) -> str:
    """What a name is known by: its letters and digits, in lower case."""
    return "".join(filter(str.isalnum, name)).casefold()


GRAPH: Final[Mapping[str, str]] = {letters(name): name for name in _OF_GRAPH}
UNIFIED: Final[Mapping[str, str]] = {letters(name): name for name in _OF_UNIFIED}
INTUNE: Final[Mapping[str, str]] = {letters(name): name for name in _OF_INTUNE}
ROWS: Final[Mapping[str, str]] = {letters(name): name for name in _OF_ROWS}


def respelt(value: Any, spelling: Mapping[str, str], levels: int = LEVELS) -> Any:
    """The same value with the names of its objects as Microsoft writes them. Of two that become one the last counts.

    What the spelling does not know stays as it is, and so does what is nested more than `levels` deep.
    """
    if levels and isinstance(value, dict):
        return {
            spelling.get(letters(name), name): respelt(inner, spelling, levels - 1) for name, inner in value.items()
        }
    if levels and isinstance(value, list):
        return [respelt(inner, spelling, levels - 1) for inner in value]
    return value
