"""Tables of ASIM, Sentinel's own model, filled from rows of ours by a data collection rule. Pure.

A flow of the rule takes the rows of one kind, and makes the table's columns of `Event`, an OCSF event. Names, types and
values are those of the references of `ASimAuthenticationEventLogs` and `ASimAuditEventLogs`; of KQL only what
transformations have is used. Columns that a table has not stop a deployment: the lists below are of columns it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_AUTHENTICATION: Final = 3002
_FINDING: Final = 2004
#: `type_uid` of OCSF -> EventType of ASIM's audit events; of all others `Other`.
_ACTS: Final[Mapping[str, tuple[int, ...]]] = {
    "Create": (300101, 300401, 300606, 600301, 600601, 600606),
    "Read": (300402, 600302, 600602, 600609, 600614),
    "Set": (300103, 300104, 300403, 300501, 300502, 300601, 300602, 300603, 300604, 600303, 600603, 600605, 600607),
    "Delete": (300106, 300404, 300605, 600304, 600604),
    "Enable": (300102,),
    "Disable": (300105,),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of ASIM: its name, which rows it takes, and the expression of each column."""

    name: str
    where: str
    columns: Mapping[str, str]

    @property
    def stream(self) -> str:
        """The output stream of a flow into it."""
        return f"Microsoft-{self.name}"

    @property
    def transformation(self) -> str:
        """`transformKql` of a flow into it."""
        made = ", ".join(f"{name} = {expression}" for name, expression in self.columns.items())
        return f'source | where EventFormat == "ocsf" and EventKind == "event" and {self.where} | project {made}'


def _text(path: str) -> str:
    return f"tostring(Event.{path})"


def _first(*paths: str) -> str:
    """The first of some texts that is not empty."""
    *others, last = map(_text, paths)
    return "case(" + "".join(f"isnotempty({one}), {one}, " for one in others) + f"{last})"


def _if_any(path: str, value: str) -> str:
    return f'iif(isnotempty({_text(path)}), "{value}", "")'


def _user(role: str, path: str) -> dict[str, str]:
    address, name = _text(f"{path}.email_addr"), _text(f"{path}.name")
    return {
        f"{role}UserId": _text(f"{path}.uid"),
        f"{role}UserIdType": _if_any(f"{path}.uid", "AADID"),
        f"{role}Username": f"iif(isnotempty({address}), {address}, {name})",
        f"{role}UsernameType": f'case(isnotempty({address}), "UPN", isnotempty({name}), "Simple", "")',
    }


_COMMON: Final[Mapping[str, str]] = {
    "TimeGenerated": "TimeGenerated",
    "EventStartTime": "iif(isnull(EventTime), TimeGenerated, EventTime)",
    "EventEndTime": "iif(isnull(EventTime), TimeGenerated, EventTime)",
    "EventCount": "toint(1)",
    "EventResult": 'case(toint(Event.status_id) == 1, "Success", toint(Event.status_id) == 2, "Failure", "NA")',
    "EventOriginalResultDetails": _text("status_detail"),
    "EventSeverity": (
        'case(toint(Event.severity_id) >= 4, "High", toint(Event.severity_id) == 3, "Medium", '
        'toint(Event.severity_id) == 2, "Low", "Informational")'
    ),
    "EventOriginalUid": "EventId",
    "EventOriginalType": "Operation",
    "EventMessage": _text("message"),
    "EventVendor": _text("metadata.product.vendor_name"),
    "EventProduct": _text("metadata.product.name"),
    "EventOwner": "AocTenant",
    "SrcIpAddr": _text("src_endpoint.ip"),
    "SrcGeoCountry": _text("src_endpoint.location.country"),
    "SrcGeoRegion": _text("src_endpoint.location.region"),
    "SrcGeoCity": _text("src_endpoint.location.city"),
    "SrcGeoLatitude": "toreal(Event.src_endpoint.location.lat)",
    "SrcGeoLongitude": 'toreal(Event.src_endpoint.location["long"])',
    "HttpUserAgent": _text("http_request.user_agent"),
    "ActingAppId": _text("actor.app_uid"),
    "ActingAppName": _text("actor.app_name"),
    "TargetAppName": _first("service.name", "api.service.name"),
    **_user("Actor", "actor.user"),
}
TABLES: Final = (
    Table(
        "ASimAuthenticationEventLogs",
        f"ClassUid == {_AUTHENTICATION}",
        {
            **_COMMON,
            "EventType": 'iif(toint(Event.activity_id) == 2, "Logoff", "Logon")',
            "EventSchemaVersion": '"0.1.3"',
            **_user("Target", "user"),
        },
    ),
    Table(
        "ASimAuditEventLogs",
        f"ClassUid != {_AUTHENTICATION} and ClassUid != {_FINDING}",
        {
            **_COMMON,
            "EventType": "case("
            + "".join(
                f'tolong(Event.type_uid) in ({", ".join(map(str, numbers))}), "{name}", '
                for name, numbers in _ACTS.items()
            )
            + '"Other")',
            "EventSchemaVersion": '"0.1"',
            "Operation": "Operation",
            "Object": _first("file.path", "group.name", "resources[0].name", "user.email_addr", "user.name"),
            "ObjectId": _first("file.uid", "group.uid", "resources[0].uid", "user.uid"),
            "OriginalObjectType": _text("resources[0].type"),
        },
    ),
)
