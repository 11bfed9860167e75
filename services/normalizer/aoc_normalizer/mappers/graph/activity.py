"""Activity logs of Microsoft Graph and of Azure AD Graph: every request.

Source: graph-docs, microsoft-graph-activity-logs-overview.md. Azure AD Graph, the older of both, has other names for
the same: `httpMethod`, `httpStatusCode`, `callerIpAddress`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aoc_normalizer.draft import SERVICE, Draft, Party
from aoc_normalizer.fields import addresses, times, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.ocsf_classes import API_ACTIVITY, OTHER

_USED: Final = frozenset(
    {"requestId", "operationId", "timeGenerated", "requestMethod", "requestUri", "responseStatusCode", "userAgent",
     "appId", "userId", "servicePrincipalId", "ipAddress", "scopes", "roles", "C_Sid", "signInActivityId",
     "httpMethod", "httpStatusCode", "callerIpAddress"}
)  # fmt: skip
#: HTTP method -> activity of OCSF's API Activity, and the verb of the sentence.
_METHODS: Final = {
    "GET": (2, "read"),
    "POST": (1, "posted to"),
    "PUT": (3, "wrote"),
    "PATCH": (3, "changed"),
    "DELETE": (4, "deleted"),
}


def recognises(record: Record) -> bool:
    """A request has a method, an address and an answer."""
    return "requestUri" in record and ("requestMethod" in record or "httpMethod" in record)


def fill(record: Record, draft: Draft) -> None:
    """Who called what, through which application, and what Graph answered."""
    draft.used |= _USED
    old = "requestMethod" not in record
    draft.record_id = values.first(record, "requestId", "operationId")
    draft.family, draft.service, draft.product = "graph-activity", "graph", "Microsoft Graph"
    draft.log_name = "MicrosoftGraphActivityLogs"
    if old:
        draft.family, draft.product, draft.log_name = "aad-graph-activity", "Azure AD Graph", "AzureADGraphActivityLogs"
        if draft.record_id:
            draft.former.append(("diagnostic", draft.record_id))
    draft.original_time = values.text(record.get("timeGenerated"))
    draft.time_ms = times.parse_ms(draft.original_time)
    method = (values.first(record, "requestMethod", "httpMethod") or "").upper()
    draft.class_uid = API_ACTIVITY
    draft.activity_id, verb = _METHODS.get(method, (OTHER, "called"))
    draft.operation = f"{'AAD Graph' if old else 'Graph'} {method}".strip()
    draft.status_code = values.first(record, "responseStatusCode", "httpStatusCode")
    draft.result = of_word(draft.status_code)
    draft.app = Party(uid=values.text(record.get("appId")), kind="application")
    user, principal = values.text(record.get("userId")), values.text(record.get("servicePrincipalId"))
    draft.actor = (
        Party(uid=user, kind="user")
        if user
        else Party(uid=principal or draft.app.uid, kind="service principal", user_type=SERVICE)
    )
    draft.address = addresses.parse(record.get("ipAddress")) or addresses.parse(record.get("callerIpAddress"))
    draft.user_agent = values.text(record.get("userAgent"))
    draft.session_uid = values.first(record, "C_Sid", "signInActivityId")
    uri = values.text(record.get("requestUri")) or ""
    draft.targets = [Party(uid=uri, kind="url")] if uri else []
    permissions = (values.first(record, "scopes", "roles") or "").split()
    draft.parameters = [("permissions", " ".join(permissions))] if permissions else []
    path, product = _path(uri), draft.product
    draft.sentence = lambda done: (
        f"{done.actor.spoken} {verb} {path} in {product}"
        + (f" through {done.app.spoken}" if done.app.known and done.app.uid != done.actor.uid else "")
        + (f": {done.status_code}" if done.status_code else "")
    )
    draft.search = [path]


def _path(uri: str) -> str:
    try:
        return urlsplit(uri).path or uri
    except ValueError:
        return uri


MAPPER: Final = Mapper("graph-activity", 2, recognises, fill)
