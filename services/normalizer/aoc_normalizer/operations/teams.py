"""Microsoft Teams."""

from __future__ import annotations

from typing import Final

from aoc_normalizer.draft import INFORMATIONAL, LOW, MEDIUM
from aoc_normalizer.ocsf_classes import API_ACTIVITY, AUTHENTICATION, ENTITY_MANAGEMENT, GROUP_MANAGEMENT, USER_ACCESS
from aoc_normalizer.operations.base import Meaning

TABLE: Final[dict[str, Meaning]] = {
    "chatcreated": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "started a chat"),
    "messagesent": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "sent a Teams message"),
    "messageread": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "read a Teams message"),
    "messageupdated": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited a Teams message"),
    "messagedeleted": Meaning(API_ACTIVITY, 4, INFORMATIONAL, "deleted a Teams message"),
    "reactedtomessage": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "reacted to a Teams message"),
    "meetingparticipantdetail": Meaning(API_ACTIVITY, 2, INFORMATIONAL, "took part in a Teams meeting"),
    "memberadded": Meaning(GROUP_MANAGEMENT, 3, LOW, "added {members} to team {target}"),
    "memberremoved": Meaning(GROUP_MANAGEMENT, 4, LOW, "removed {members} from team {target}"),
    "teamcreated": Meaning(GROUP_MANAGEMENT, 6, INFORMATIONAL, "created team {target}"),
    "teamdeleted": Meaning(GROUP_MANAGEMENT, 5, MEDIUM, "deleted team {target}"),
    "teamsettingchanged": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed settings of team {target}"),
    "teamstenantsettingchanged": Meaning(ENTITY_MANAGEMENT, 3, MEDIUM, "changed Teams settings of the tenant"),
    "memberrolechanged": Meaning(GROUP_MANAGEMENT, 3, MEDIUM, "changed the role in team {target} of {members}"),
    "channeladded": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "added channel {target}"),
    "channeldeleted": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted channel {target}"),
    "channelsettingchanged": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "changed settings of channel {target}"),
    "channelownerresponded": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "answered an invitation to a shared channel"),
    "sharingwithexternaluser": Meaning(USER_ACCESS, 1, MEDIUM, "shared a channel with {target}"),
    "botaddedtoteam": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "added a bot to team {target}"),
    "botremovedfromteam": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "removed a bot from team {target}"),
    "appinstalled": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "installed app {target}"),
    "appuninstalled": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "uninstalled app {target}"),
    "appupgraded": Meaning(ENTITY_MANAGEMENT, 3, INFORMATIONAL, "upgraded app {target}"),
    "apppublishedtocatalog": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "published app {target} to the catalogue"),
    "appdeletedfromcatalog": Meaning(ENTITY_MANAGEMENT, 4, LOW, "deleted app {target} from the catalogue"),
    "connectoradded": Meaning(ENTITY_MANAGEMENT, 1, MEDIUM, "added connector {target}"),
    "connectorremoved": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "removed connector {target}"),
    "connectorupdated": Meaning(ENTITY_MANAGEMENT, 3, LOW, "changed connector {target}"),
    "tabadded": Meaning(ENTITY_MANAGEMENT, 1, INFORMATIONAL, "added tab {target}"),
    "tabremoved": Meaning(ENTITY_MANAGEMENT, 4, INFORMATIONAL, "removed tab {target}"),
    "messagecreatedhaslink": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "sent a Teams message with a link"),
    "messageeditedhaslink": Meaning(API_ACTIVITY, 3, INFORMATIONAL, "edited a Teams message with a link"),
    "messageslisted": Meaning(API_ACTIVITY, 2, LOW, "read the messages of {target}"),
    "messagehostedcontentread": Meaning(API_ACTIVITY, 2, LOW, "read what a Teams message holds"),
    "messagesexported": Meaning(API_ACTIVITY, 2, MEDIUM, "exported Teams messages"),
    "recordingexported": Meaning(API_ACTIVITY, 2, MEDIUM, "exported a meeting recording"),
    "transcriptsexported": Meaning(API_ACTIVITY, 2, MEDIUM, "exported meeting transcripts"),
    "meetingdetail": Meaning(API_ACTIVITY, 1, INFORMATIONAL, "held a Teams meeting"),
    "teamssessionstarted": Meaning(AUTHENTICATION, 1, INFORMATIONAL, "started a Teams session"),
}
