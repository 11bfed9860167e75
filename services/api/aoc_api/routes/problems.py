"""What each kind of problem means: the address in the `type` of a problem document."""

from __future__ import annotations

from fastapi import APIRouter

from aoc_api import problems
from aoc_api.models import ProblemKind

router = APIRouter(prefix="/problems", tags=["operations"])


@router.get("/{slug}", response_model=ProblemKind, responses=problems.responses("not-found"))
async def explain(slug: str) -> ProblemKind:
    """A kind of problem, and what to do about it."""
    kind = problems.KINDS.get(slug)
    if kind is None:
        raise problems.Problem("not-found", "There is no such kind of problem.")
    return ProblemKind(title=kind.title, status=kind.status, help=kind.help)
