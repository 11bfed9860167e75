"""The parameters that filter events, and the query that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import Depends, Query, Request

from aoc_api.deps import AnalystScope, ReaderScope
from aoc_api.parameters import refuse_unknown, utc
from aoc_api.problems import invalid
from aoc_common.contracts.access import Scope
from aoc_common.contracts.query import grammar, values
from aoc_common.contracts.query.filters import Clause, Field
from aoc_common.contracts.query.grammar import Asked
from aoc_common.gateway.saved_searches import SearchParameters
from aoc_common.store.searches import EventQuery

_VALUES = "Several with commas; `*` behind what begins so."
#: Parameter -> the field that it is about.
FIELDS: Final[Mapping[str, Field]] = {
    "source": "source", "service": "service", "operation": "operation", "result": "result", "actor": "actor",
    "ip": "ip", "correlation_id": "correlation_id", "tag": "tag", "q": "text",
}  # fmt: skip
_SPAN: Final = ("start", "end")
Text = Annotated[str | None, Query(min_length=1, max_length=grammar.LONGEST)]


async def asked(
    source: Annotated[Text, Query(description=f"Feed. {_VALUES}", examples=["o365-exchange"])] = None,
    service: Annotated[Text, Query(description=f"Service. {_VALUES}", examples=["exchange"])] = None,
    operation: Annotated[Text, Query(description=f"Operation. {_VALUES}", examples=["New-InboxRule"])] = None,
    result: Annotated[
        Text,
        Query(
            description="How it ended: success, failure, partial, unknown; several with commas.",
            pattern=values.RESULT_LIST,
            examples=["failure"],
        ),
    ] = None,
    actor: Annotated[
        Text,
        Query(description=f"Who did it, by address, name or id. {_VALUES}", examples=["dana.reyes@contoso.example"]),
    ] = None,
    ip: Annotated[
        Text,
        Query(description="Address, in any spelling, or a network; several with commas.", examples=["203.0.113.0/24"]),
    ] = None,
    correlation_id: Annotated[Text, Query(description="Microsoft's correlation id.")] = None,
    tag: Annotated[
        Text, Query(description=f"What people have tagged it with. {_VALUES}", examples=["case-4711"])
    ] = None,
    q: Annotated[
        Text,
        Query(
            description="A query (docs/reference/query.md): words, names, addresses or ids, which must all occur; "
            '`"phrases"`, beginnings (`hollan*`), networks, `field:value`, `-this` to leave it out, `this OR that`.',
            examples=["dana invoices -service:sharepoint"],
        ),
    ] = None,
) -> list[Asked]:
    """What the parameters of a request ask for, as they are written."""
    given = {
        "source": source, "service": service, "operation": operation, "result": result, "actor": actor, "ip": ip,
        "correlation_id": correlation_id, "tag": tag, "q": q,
    }  # fmt: skip
    return [(name, field, text) for name, field in FIELDS.items() if (text := given[name]) is not None]


type _Twins = Literal["in", "out"]
type _Understood = Literal["any", "no"]


@dataclass(frozen=True, slots=True)
class Filtered:
    """What a request filters by: the query, and the parameters that it was made of."""

    query: EventQuery
    asked: list[Asked]
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Described:
    """The same, before it is known what its sender may see. `parameters`: as they are sent, to be kept."""

    where: tuple[Clause, ...]
    twins: bool
    start: datetime | None
    end: datetime | None
    asked: list[Asked]
    parameters: Mapping[str, str]

    def of(self, scope: Scope) -> Filtered:
        """For somebody who may see this."""
        query = EventQuery(scope, where=self.where, twins=self.twins, start=self.start, end=self.end)
        return Filtered(query, self.asked, self.parameters)


async def described(
    request: Request,
    parameters: Annotated[list[Asked], Depends(asked)],
    twins: Annotated[
        _Twins,
        Query(description="`out` leaves out events that are second: another event tells of the same action."),
    ] = "in",
    understood: Annotated[
        _Understood,
        Query(description="`no`: only events whose records have a shape that no mapper knows."),
    ] = "any",
    start: Annotated[
        datetime | None,
        Query(description="From this time on; UTC when it names no zone.", examples=["2026-11-23T00:00:00Z"]),
    ] = None,
    end: Annotated[datetime | None, Query(description="Before this time.")] = None,
) -> Described:
    """What a request's parameters describe. Raises a problem that names what is wrong."""
    await refuse_unknown(request)
    return _described(parameters, twins, understood, *span(start, end))


def remembered(parameters: Mapping[str, str]) -> Described:
    """What `Described.parameters` that were kept describe. Raises a problem for what cannot be asked any more."""
    asked = [(name, field, parameters[name]) for name, field in FIELDS.items() if name in parameters]
    begin, until = (datetime.fromisoformat(parameters[name]) if name in parameters else None for name in _SPAN)
    twins: _Twins = "out" if parameters.get("twins") == "out" else "in"
    return _described(asked, twins, "no" if parameters.get("understood") == "no" else "any", begin, until)


def _described(
    asked: list[Asked], twins: _Twins, understood: _Understood, begin: datetime | None, until: datetime | None
) -> Described:
    where = clauses(asked)
    if understood == "no":
        where = (*where, values.not_understood())
    parameters = {name: text for name, _, text in asked}
    parameters |= {name: at.isoformat() for name, at in zip(_SPAN, (begin, until), strict=True) if at is not None}
    parameters |= {"twins": "out"} if twins == "out" else {}
    parameters |= {"understood": "no"} if understood == "no" else {}
    return Described(where, twins == "in", begin, until, asked, parameters)


# Who may see nothing is told so, and not what is wrong with what he asks for.
async def filters(scope: ReaderScope, asked_for: Annotated[Described, Depends(described)]) -> Filtered:
    """The query that a request's parameters describe, of a reader."""
    return asked_for.of(scope)


async def filters_of_analyst(scope: AnalystScope, asked_for: Annotated[Described, Depends(described)]) -> Filtered:
    """The same, of an analyst."""
    return asked_for.of(scope)


def written(parameters: SearchParameters) -> dict[str, str]:
    """Those that are given, as they are sent. Raises a problem that names one that cannot be searched by."""
    clauses([(name, field, text) for name, field in FIELDS.items() if (text := getattr(parameters, name))], "body")
    span(parameters.start, parameters.end, "body")
    return {name: str(value) for name, value in parameters.model_dump(mode="json", exclude_none=True).items()}


def span(
    start: datetime | None, end: datetime | None, location: str = "query"
) -> tuple[datetime | None, datetime | None]:
    """From when on, until when, each with its zone. Raises a problem for an end that is not after the start."""
    begin, until = utc(start), utc(end)
    if begin and until and until <= begin:
        raise invalid("end", "must be after start", location)
    return begin, until


def clauses(parameters: list[Asked], location: str = "query") -> tuple[Clause, ...]:
    """What parameters ask for. Raises a problem that names what is wrong."""
    try:
        return grammar.clauses(parameters)
    except grammar.QueryError as error:
        raise invalid(error.of, f"at character {error.position + 1}: {error.why}", location) from None


Filters = Annotated[Filtered, Depends(filters)]
AnalystFilters = Annotated[Filtered, Depends(filters_of_analyst)]
