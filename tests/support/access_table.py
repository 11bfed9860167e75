"""The table of docs/reference/access.md, and a request for each of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "access.md"


@dataclass(frozen=True)
class Row:
    """What a route asks of its callers. `needs`: a role, `signed in` or `public`."""

    method: str
    path: str
    needs: str
    over: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def rows() -> list[Row]:
    """The table as it stands on the page."""
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split(" | ")]
        if len(cells) == 5 and cells[1].startswith("/"):
            found.append(Row(*cells[:4]))
    return found


@dataclass(frozen=True)
class Example:
    """A request that is answered when its sender may make it. `{tenant}` and `{event}` are filled in.

    `named_by_query`: the query names the tenant. `about_tenant`: the answer depends on which one it is. `absent`: what
    it asks for is not there, and who may ask is told so.
    """

    path: str | None = None
    body: Mapping[str, Any] | None = None
    named_by_query: bool = True
    about_tenant: bool = True
    absent: bool = False


_RULE: Final = """title: x
id: 5f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a90
logsource:
  product: m365
  service: audit
detection:
  selection:
    Operation: x
  condition: selection
"""

#: Row -> a request; of those that are not here the path is the request.
EXAMPLES: Final[Mapping[str, Example]] = {
    "GET /problems/{slug}": Example("/problems/internal"),
    "POST /api/webhooks/tickets/{system}": Example("/api/webhooks/tickets/tickets"),
    "GET /api/events/export/{export_id}": Example("/api/events/export/0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21", absent=True),
    **{
        f"{method} /api/exports/{{export_id}}{what}": Example(
            f"/api/exports/0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21{what}", absent=True
        )
        for method, what in (("GET", ""), ("DELETE", ""), ("GET", "/file"))
    },
    "GET /api/events/{event_id}": Example("/api/events/{event}"),
    "GET /api/events/{event_id}/versions": Example("/api/events/{event}/versions"),
    "POST /api/events/bulk-tags": Example(body={"add": ["case-1"]}),
    "GET /api/events/{event_id}/tags": Example("/api/events/{event}/tags"),
    "PUT /api/events/{event_id}/tags": Example("/api/events/{event}/tags", body={"tags": ["case-1"]}),
    "POST /api/events/{event_id}/tags": Example("/api/events/{event}/tags", body={"tags": ["case-1"]}),
    "DELETE /api/events/{event_id}/tags": Example(
        "/api/events/{event}/tags?tag=case-1&tenant={tenant}", named_by_query=False
    ),
    "GET /api/events/{event_id}/comments": Example("/api/events/{event}/comments"),
    "POST /api/events/{event_id}/comments": Example("/api/events/{event}/comments", body={"text": "seen"}),
    "PUT /api/events/{event_id}/comments/{comment_id}": Example(
        "/api/events/{event}/comments/0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21", body={"text": "seen"}, absent=True
    ),
    "DELETE /api/events/{event_id}/comments/{comment_id}": Example(
        "/api/events/{event}/comments/0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21", absent=True
    ),
    "GET /api/events/{event_id}/related": Example("/api/events/{event}/related"),
    "GET /api/entities/{kind}/{entity_id}": Example("/api/entities/user/dana@contoso.example", absent=True),
    "POST /api/alerts/bulk": Example(body={"status": "acknowledged"}),
    "GET /api/alerts/{alert_id}": Example("/api/alerts/{event}", absent=True),
    "PATCH /api/alerts/{alert_id}": Example("/api/alerts/{event}", body={"severity": "low"}, absent=True),
    "POST /api/alerts/{alert_id}/status": Example(
        "/api/alerts/{event}/status", body={"status": "resolved"}, absent=True
    ),
    "POST /api/saved-searches": Example(body={"name": "mine", "parameters": {"q": "dana"}}),
    "GET /api/saved-searches/{search_id}": Example("/api/saved-searches/0b1c5e0f", absent=True),
    "PUT /api/saved-searches/{search_id}": Example(
        "/api/saved-searches/0b1c5e0f", body={"name": "mine", "parameters": {"q": "dana"}}, absent=True
    ),
    "PATCH /api/saved-searches/{search_id}": Example("/api/saved-searches/0b1c5e0f", body={"name": "x"}, absent=True),
    "DELETE /api/saved-searches/{search_id}": Example("/api/saved-searches/0b1c5e0f", absent=True),
    "GET /auth/link": Example("/auth/link?token=of-nobody"),
    "DELETE /api/sessions/{session_id}": Example("/api/sessions/0123456789abcdef01234567"),
    "DELETE /api/api-keys/{key_id}": Example("/api/api-keys/0123456789abcdef01234567"),
    "POST /api/api-keys": Example(
        body={"name": "made by a test", "grants": [{"role": "reader", "tenants": ["{tenant}"]}]}, named_by_query=False
    ),
    "GET /api/audit-trail/installation": Example(named_by_query=False),
    "POST /api/fetch-audit-logs": Example(
        body={"tenant": "{tenant}", "start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"},
        named_by_query=False,
    ),
    **{
        f"GET /api/{queue}/content": Example(
            f"/api/{queue}/content?id=x&tenant={{tenant}}", named_by_query=False, absent=True
        )
        for queue in ("dead-letters", "quarantine")
    },
    **{
        f"POST /api/{queue}/retry": Example(body={"tenant": "{tenant}", "everything": True}, named_by_query=False)
        for queue in ("dead-letters", "quarantine")
    },
    **{
        f"POST /api/{queue}/discard": Example(
            body={"tenant": "{tenant}", "everything": True, "why": "of a test"}, named_by_query=False
        )
        for queue in ("dead-letters", "quarantine")
    },
    "GET /api/grants": Example(named_by_query=False, about_tenant=False),
    "POST /api/grants": Example(
        body={
            "kind": "person",
            "grantee": "00000000-0000-0000-0000-000000000000/11111111-1111-1111-1111-111111111111",
            "role": "reader",
            "tenants": ["{tenant}"],
        },
        named_by_query=False,
    ),
    "DELETE /api/grants/{grant_id}": Example(
        "/api/grants/0b1c5e0f", named_by_query=False, about_tenant=False, absent=True
    ),
    "GET /api/tenants": Example(named_by_query=False, about_tenant=False),
    "POST /api/tenants": Example(
        body={
            "name": "adatum",
            "tenant_id": "ada70000-5a11-4d0e-9b1c-0a0c51a00001",
            "client_id": "ada70000-5a11-4d0e-9b1c-0a0c51a00002",
            "client_secret": "env:ADATUM",
            "authority": "http://127.0.0.1:1",
        },
        named_by_query=False,
    ),
    "GET /api/tenants/{name}": Example("/api/tenants/{tenant}", named_by_query=False, absent=True),
    "PUT /api/tenants/{name}": Example(
        "/api/tenants/{tenant}", body={"display_name": "Kim's"}, named_by_query=False, absent=True
    ),
    "PATCH /api/tenants/{name}": Example(
        "/api/tenants/{tenant}", body={"display_name": "Kim's"}, named_by_query=False, absent=True
    ),
    "DELETE /api/tenants/{name}": Example("/api/tenants/{tenant}?confirm={tenant}", named_by_query=False, absent=True),
    "POST /api/tenants/{name}/pause": Example("/api/tenants/{tenant}/pause", named_by_query=False, absent=True),
    "POST /api/tenants/{name}/resume": Example("/api/tenants/{tenant}/resume", named_by_query=False, absent=True),
    "GET /api/rules/lint": Example("/api/rules/lint?days=0"),
    "GET /api/rules/{rule}": Example("/api/rules/none", absent=True),
    "POST /api/rules/test": Example(body={"rule": "none"}, absent=True),
    "POST /api/rules": Example(body={"text": _RULE}, named_by_query=False, about_tenant=False),
    **{
        f"{method} /api/rules/{{rule}}": Example(
            "/api/rules/none", body=body, named_by_query=False, about_tenant=False, absent=True
        )
        for method, body in (("PUT", {}), ("DELETE", None))
    },
    "DELETE /api/rules/{rule}/exceptions/{exception}": Example("/api/rules/none/exceptions/e1", absent=True),
    "POST /api/alerts/{alert_id}/exception": Example(
        "/api/alerts/019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3/exception",
        body={"values": [{"field": "UserId", "value": "kim"}], "reason": "her job"},
        absent=True,
    ),
    "GET /api/notifications": Example(named_by_query=False, about_tenant=False),
    **{
        f"POST /api/notifications/{{route}}/{what}": Example(
            f"/api/notifications/none/{what}{query}", named_by_query=False, about_tenant=False, absent=True
        )
        for what, query in (("test", ""), ("preview", "?alert=00000000-0000-8000-8000-000000000001"))
    },
    "GET /api/sinks": Example(named_by_query=False, about_tenant=False),
    "POST /api/sinks": Example(
        body={"name": "siem", "kind": "otlp", "options": {"url": "https://siem.example"}},
        named_by_query=False,
        about_tenant=False,
    ),
    **{
        f"{method} /api/sinks/{{sink}}{what}": Example(
            f"/api/sinks/none{what}{query}", body=body, named_by_query=False, about_tenant=False, absent=True
        )
        for method, what, query, body in (
            ("GET", "", "", None),
            ("PUT", "", "?check=false", {"name": "none", "kind": "otlp"}),
            ("DELETE", "", "", None),
            ("POST", "/test", "", None),
            ("POST", "/preview", "", None),
            ("POST", "/replay", "?start=2026-11-20T00:00:00Z&end=2026-11-21T00:00:00Z", None),
        )
    },
    "POST /api/break-glass": Example(
        body={"tenant": "{tenant}", "reason": "to see who may do this", "minutes": 5}, named_by_query=False
    ),
    "DELETE /api/break-glass/{lift_id}": Example("/api/break-glass/0b1c5e0f", absent=True),
}


def request(row: Row, tenant: str, event: str) -> dict[str, Any]:
    """The arguments of `httpx.AsyncClient.request` for a row, about a tenant and an event of it."""
    example = EXAMPLES.get(row.name, Example())
    names = {"tenant": tenant, "event": event}
    made: dict[str, Any] = {"method": row.method, "url": (example.path or row.path).format_map(names)}
    if row.over != "-" and example.named_by_query:
        made["params"] = {"tenant": tenant}
    if example.body is not None:
        made["json"] = _filled(example.body, names)
    return made


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    return value.format_map(names) if isinstance(value, str) else value
