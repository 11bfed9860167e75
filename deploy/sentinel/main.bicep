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

var table = loadJsonContent('table.json')
var rule = loadJsonContent('rule.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2022-10-01' existing = {
  name: workspaceName
}

resource events 'Microsoft.OperationalInsights/workspaces/tables@2022-10-01' = {
  parent: workspace
  name: 'AocEvents_CL'
  properties: table.properties
}

resource collection 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: ruleName
  location: location
  kind: 'Direct'
  properties: {
    streamDeclarations: rule.properties.streamDeclarations
    destinations: {
      logAnalytics: [
        {
          workspaceResourceId: workspace.id
          name: 'workspace'
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
  name: guid(collection.id, principalId, '3913510d-42f4-4e42-8a64-420c390055eb')
  scope: collection
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')
  }
}

@description('Options of the sink.')
output endpoint string = collection.properties.endpoints.logsIngestion
output rule string = collection.properties.immutableId
output stream string = 'Custom-AocEvents'
