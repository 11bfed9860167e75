"""What each kind of problem means: the address in the `type` of a problem document."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from aoc_api import problems
from aoc_common.gateway.events import ProblemKind

router = APIRouter(prefix="/problems", tags=["operations"])


@router.get("/{slug}", response_model=ProblemKind, responses=problems.responses("not-found"))
async def explain(slug: Annotated[str, Path(description="The last part of a problem's `type`.")]) -> ProblemKind:
    """A kind of problem, and what to do about it."""
    kind = problems.KINDS.get(slug)
    if kind is None:
        raise problems.Problem("not-found", "There is no such kind of problem.")
    return ProblemKind(title=kind.title, status=kind.status, help=kind.help)
