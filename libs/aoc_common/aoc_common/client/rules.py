"""Rules: what is looked for in the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, Unpack
from urllib.parse import quote

from aoc_common.client.operations import operation
from aoc_common.gateway.rule_tests import RuleTest, RuleTestRequest
from aoc_common.gateway.rules import (
    AlertExceptionRequest,
    RuleDetail,
    RuleExceptionView,
    RuleItem,
    RuleLint,
    RuleList,
    RuleRequest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from aoc_common.client.connection import Connection
    from aoc_common.contracts.alert import Severity
    from aoc_common.gateway.rules import Source

_PATH = "/api/rules"
_ONE = f"{_PATH}/{{rule}}"


class RuleFilters(TypedDict, total=False):
    """Which rules. `level`: any of these; `tag`: one of Sigma, or a technique of ATT&CK; `text`: words in them."""

    tenant: str
    enabled: bool
    level: Sequence[Severity]
    tag: str
    origin: Source
    text: str


class Rules:
    """Rules. Every method raises `GatewayError`. `revision`: the one that was read, 0 of what is as it was shipped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @operation("GET", _PATH)
    async def list(self, **filters: Unpack[RuleFilters]) -> RuleList:
        """Those that match, by title."""
        return await self._connection.ask(RuleList, "GET", _PATH, params={**filters})

    @operation("GET", _ONE)
    async def get(self, rule: str, *, tenant: str | None = None) -> RuleDetail:
        """One of them, and what it has raised in a tenant."""
        return await self._connection.ask(RuleDetail, "GET", _path(rule), params={"tenant": tenant})

    @operation("POST", _PATH)
    async def add(self, request: RuleRequest) -> RuleItem:
        """Add one of your own."""
        body = request.model_dump(mode="json", exclude_unset=True)
        return await self._connection.ask(RuleItem, "POST", _PATH, body=body)

    @operation("PUT", _ONE)
    async def replace(self, rule: str, request: RuleRequest, *, revision: int) -> RuleItem:
        """Say this of it, and nothing else."""
        body, headers = request.model_dump(mode="json", exclude_unset=True), {"If-Match": f'"{revision}"'}
        return await self._connection.ask(RuleItem, "PUT", _path(rule), body=body, headers=headers)

    @operation("DELETE", _ONE)
    async def remove(self, rule: str) -> None:
        """Remove one of your own, or all that was changed of a shipped one."""
        await self._connection.send("DELETE", _path(rule))

    @operation("GET", f"{_PATH}/lint")
    async def lint(self, *, tenant: str | None = None, days: int = 7, rule: str | None = None) -> RuleLint:
        """What is wrong with those that are on, by so many days of history."""
        params = {"tenant": tenant, "days": days, "rule": rule}
        return await self._connection.ask(RuleLint, "GET", f"{_PATH}/lint", params=params)

    @operation("POST", f"{_PATH}/test")
    async def test(self, request: RuleTestRequest, *, tenant: str | None = None) -> RuleTest:
        """What one would have found in stored events."""
        body = request.model_dump(mode="json", exclude_unset=True)
        return await self._connection.ask(RuleTest, "POST", f"{_PATH}/test", params={"tenant": tenant}, body=body)

    @operation("POST", "/api/alerts/{alert_id}/exception")
    async def except_alert(
        self, alert_id: UUID | str, request: AlertExceptionRequest, *, tenant: str | None = None
    ) -> RuleExceptionView:
        """Have the rule of an alert find no more, in its tenant, what has these values."""
        path, body = f"/api/alerts/{alert_id}/exception", request.model_dump(mode="json", exclude_unset=True)
        return await self._connection.ask(RuleExceptionView, "POST", path, params={"tenant": tenant}, body=body)

    @operation("DELETE", f"{_ONE}/exceptions/{{exception}}")
    async def remove_exception(self, rule: str, exception: str, *, tenant: str | None = None) -> None:
        """Remove an exception."""
        path = f"{_path(rule)}/exceptions/{quote(exception, safe='')}"
        await self._connection.send("DELETE", path, params={"tenant": tenant})


def _path(rule: str) -> str:
    return f"{_PATH}/{quote(rule, safe='')}"
