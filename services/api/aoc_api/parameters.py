"""Parameters that a route does not have, or has twice, and times without a zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from types import UnionType
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.dependencies.models import Dependant

from aoc_api.problems import Problem, invalid, repeated

_LONGEST = 256


async def refuse_repeated(request: Request) -> None:
    """Refuse a repeated parameter, unless it is a list: one reader would take the first, another the last."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        route = request.scope["route"]
        lists = {
            parameter.alias
            for dependant in _dependants(route.dependant)
            for parameter in dependant.query_params
            if list in {get_origin(alternative) for alternative in _alternatives(parameter.field_info.annotation)}
        }
        for name in twice:
            if name not in lists:
                raise repeated(name[:_LONGEST])


def _dependants(dependant: Dependant) -> Iterator[Dependant]:
    """A route's dependant, and all that it depends on."""
    yield dependant
    for part in dependant.dependencies:
        yield from _dependants(part)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is UnionType else (annotation,)


async def refuse_unknown(request: Request) -> None:
    """Refuse parameters that the route does not have: a misspelt filter must not silently return everything."""
    route = request.scope["route"]
    known = {parameter.alias for dependant in _dependants(route.dependant) for parameter in dependant.query_params}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise invalid(unknown[0], f"no such parameter; there are {', '.join(sorted(known))}")


def revision_of(if_match: str | None, what: str) -> int:
    """The revision that a change names. Raises a problem for none, and for what is none."""
    if if_match is None:
        raise Problem("revision-needed", "If-Match is missing.")
    text = if_match.strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdecimal() or len(text) > 15:  # noqa: PLR2004  # digits of any revision
        raise Problem("changed", f"If-Match names no revision of this {what}.")
    return int(text)


def utc(moment: datetime | None) -> datetime | None:
    """A time whose zone is UTC when it names none."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)
