"""A table, a data collection rule and a Bicep file for Microsoft Sentinel. Pure.

All three are made from `framing.sentinel.COLUMNS`; the Bicep file reads the other two, and names no column itself.
Sources: Azure's references of `Microsoft.OperationalInsights/workspaces/tables` and of `Microsoft.Insights`,
`dataCollectionRules` and `dataCollectionEndpoints`.
"""

from __future__ import annotations

import json
import re
from string import Template
from typing import TYPE_CHECKING, Any, Final

from aoc_common.errors import BadConfiguration
from aoc_exporter.framing.sentinel import COLUMNS, TABLE, stream
from aoc_exporter.templates import asim as model

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A table's name without `_CL`: stream names have 60 characters at most.
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
#: The role Monitoring Metrics Publisher, the same in every directory and cloud.
_PUBLISHER: Final = "3913510d-42f4-4e42-8a64-420c390055eb"
#: Types that tables spell otherwise than streams.
_TABLE_TYPES: Final[Mapping[str, str]] = {"datetime": "dateTime"}
_DESTINATION: Final = "workspace"
_WORKSPACE: Final = (
    "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.OperationalInsights/workspaces/WORKSPACE"
)
_ENDPOINT: Final = (
    "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Insights/dataCollectionEndpoints/ENDPOINT"
)


def files(table: str = TABLE, *, endpoint: bool = False, asim: bool = False) -> Mapping[str, str]:
    """File name -> text. `table`: its name without `_CL`.

    `endpoint`: the rule has a data collection endpoint, as a private link needs it; without one the rule is of
    `kind: Direct`, and takes rows itself. `asim`: it fills tables of ASIM, too. Raises `BadConfiguration` for a name
    that no table can have.
    """
    if not _NAME.fullmatch(table) or table.upper().endswith("_CL"):
        raise BadConfiguration(
            f"table {table[:60]!r}: 1 to 45 of A-Z, a-z, 0-9 and _, a letter first; _CL is put behind it"
        )
    return {
        "table.json": _json(table_of(table)),
        "rule.json": _json(rule_of(table, endpoint=endpoint, asim=asim)),
        "main.bicep": _bicep(table, endpoint=endpoint),
    }


def table_of(table: str) -> dict[str, Any]:
    """The table, as the Tables API takes it."""
    columns = [
        {"name": one.name, "type": _TABLE_TYPES.get(one.type, one.type), "description": one.description}
        for one in COLUMNS
    ]
    return {"properties": {"plan": "Analytics", "schema": {"name": f"{table}_CL", "columns": columns}}}


def rule_of(table: str, *, endpoint: bool, asim: bool) -> dict[str, Any]:
    """The rule, as the Data Collection Rules API takes it; what is the reader's own is in capitals."""
    rule: dict[str, Any] = {"location": "LOCATION"} if endpoint else {"location": "LOCATION", "kind": "Direct"}
    properties: dict[str, Any] = {"dataCollectionEndpointId": _ENDPOINT} if endpoint else {}
    properties |= {
        "streamDeclarations": {stream(table): {"columns": [{"name": one.name, "type": one.type} for one in COLUMNS]}},
        "destinations": {"logAnalytics": [{"workspaceResourceId": _WORKSPACE, "name": _DESTINATION}]},
        "dataFlows": [
            _flow(table, "source", f"{stream(table)}_CL"),
            *(_flow(table, one.transformation, one.stream) for one in (model.TABLES if asim else ())),
        ],
    }
    return rule | {"properties": properties}


def _flow(table: str, transformation: str, output: str) -> dict[str, Any]:
    return {
        "streams": [stream(table)],
        "destinations": [_DESTINATION],
        "transformKql": transformation,
        "outputStream": output,
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _bicep(table: str, *, endpoint: bool) -> str:
    return Template(_MAIN).substitute(
        table=table,
        stream=stream(table),
        destination=_DESTINATION,
        publisher=_PUBLISHER,
        endpoint_parameter=_ENDPOINT_PARAMETER if endpoint else "",
        endpoint_resource=_ENDPOINT_RESOURCE if endpoint else "",
        kind="" if endpoint else "  kind: 'Direct'\n",
        endpoint_id="    dataCollectionEndpointId: entrance.id\n" if endpoint else "",
        address="entrance.properties.logsIngestion.endpoint"
        if endpoint
        else "collection.properties.endpoints.logsIngestion",
    )


_ENDPOINT_PARAMETER: Final = """
@description('Name of the data collection endpoint.')
param endpointName string = 'aoc'

@description('Whether the endpoint is reached from the internet, or by private link alone.')
@allowed(['Enabled', 'Disabled'])
param endpointAccess string = 'Enabled'
"""
_ENDPOINT_RESOURCE: Final = """
resource entrance 'Microsoft.Insights/dataCollectionEndpoints@2023-03-11' = {
  name: endpointName
  location: location
  properties: {
    networkAcls: {
      publicNetworkAccess: endpointAccess
    }
  }
}
"""
#: `$$` is a dollar sign of Bicep.
_MAIN: Final = """\
// What Microsoft Sentinel needs to take events of AOC: a table, a data collection rule, and the right to send to it.
// Made by `aoc sinks template sentinel` from what AOC sends; table.json and rule.json belong beside it.
// Deploy it in the resource group of the workspace.
targetScope = 'resourceGroup'

@description('Name of the Log Analytics workspace of Sentinel.')
param workspaceName string

@description('Region of the rule: that of the workspace.')
param location string = resourceGroup().location

// Of an app: the id of the enterprise application, not of the registration.
@description('Object id of the service principal or managed identity that AOC sends as.')
param principalId string

@description('Name of the data collection rule.')
param ruleName string = 'aoc'
$endpoint_parameter
var table = loadJsonContent('table.json')
var rule = loadJsonContent('rule.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: workspaceName
}

resource events 'Microsoft.OperationalInsights/workspaces/tables@2022-10-01' = {
  parent: workspace
  name: '${table}_CL'
  properties: table.properties
}
$endpoint_resource
resource collection 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
$kind  properties: {
$endpoint_id    streamDeclarations: rule.properties.streamDeclarations
    destinations: {
      logAnalytics: [
        {
          workspaceResourceId: workspace.id
          name: '$destination'
        }
      ]
    }
    dataFlows: rule.properties.dataFlows
  }
  dependsOn: [
    events
  ]
}

// Monitoring Metrics Publisher, on this rule alone.
resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(collection.id, principalId, '$publisher')
  scope: collection
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '$publisher')
  }
}

@description('Options of the sink.')
output endpoint string = $address
output rule string = collection.properties.immutableId
output stream string = '$stream'
"""
