"""The parameters that filter alerts, and the query that they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, Query, Request

from aoc_api.deps import AnalystScope, PrincipalDep, ReaderScope
from aoc_api.filters import span
from aoc_api.parameters import refuse_unknown
from aoc_common.contracts.access import Scope
from aoc_common.contracts.alert import Severity, Status
from aoc_common.contracts.tickets import LONGEST_TICKET
from aoc_common.store.alert_search import AlertQuery

_ME: Final = "me"
type MakeQuery = Callable[[Scope], AlertQuery]


async def asked(
    request: Request,
    principal: PrincipalDep,
    status: Annotated[
        list[Status] | None,
        Query(description="How far people are with it; may be given several times.", examples=[["new", "in_progress"]]),
    ] = None,
    severity: Annotated[
        list[Severity] | None,
        Query(description="How grave it is; may be given several times.", examples=[["high", "critical"]]),
    ] = None,
    rule: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            description="Id of a rule.",
            examples=["0b1c5e0f-7a4d-4c4c-9c1c-5d1f7e6a3b21"],
        ),
    ] = None,
    assignee: Annotated[
        str | None,
        Query(min_length=1, max_length=320, description="Who looks after it, by id; `me`: you.", examples=["me"]),
    ] = None,
    event: Annotated[
        UUID | None,
        Query(description="Id of one of its events.", examples=["019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3"]),
    ] = None,
    ticket: Annotated[
        str | None,
        Query(
            min_length=1, max_length=LONGEST_TICKET, description="Id of the ticket that it has.", examples=["SEC-4711"]
        ),
    ] = None,
    start: Annotated[
        datetime | None,
        Query(description="Of events from this time on; UTC when it names no zone.", examples=["2026-11-23T00:00:00Z"]),
    ] = None,
    end: Annotated[
        datetime | None, Query(description="Of events before this time.", examples=["2026-11-24T00:00:00Z"])
    ] = None,
) -> MakeQuery:
    """What the parameters of a request ask for, of whatever may be seen."""
    await refuse_unknown(request)
    first, last = span(start, end)

    def query(scope: Scope) -> AlertQuery:
        return AlertQuery(
            scope=scope,
            statuses=tuple(dict.fromkeys(status or ())),
            severities=tuple(dict.fromkeys(severity or ())),
            rule=rule,
            assignee=principal.id if assignee == _ME else assignee,
            event=event,
            ticket=ticket,
            start=first,
            end=last,
        )

    return query


Asked = Annotated[MakeQuery, Depends(asked)]


# Who may see nothing is told so, and not what is wrong with what he asks for.
async def _read(scope: ReaderScope, query: Asked) -> AlertQuery:
    return query(scope)


async def _changed(scope: AnalystScope, query: Asked) -> AlertQuery:
    return query(scope)


#: Dependencies: the alerts that a request is about, of a reader, and of an analyst.
AlertFilters = Annotated[AlertQuery, Depends(_read)]
AnalystAlertFilters = Annotated[AlertQuery, Depends(_changed)]


def bound(query: AlertQuery) -> dict[str, Any]:
    """The part of a query that a cursor, or a count, belongs to; also what its reader may not see."""
    filters = asdict(query)
    del filters["before"], filters["limit"]
    filters["scope"]["hidden"] = {name: sorted(hidden) for name, hidden in filters["scope"]["hidden"].items()}
    return filters
