"""What is answered when nothing can be noted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api import problems
from aoc_api.access.note import note_of

if TYPE_CHECKING:
    from starlette.types import Scope


def cannot_note() -> problems.Problem:
    """The problem of a request that cannot be noted, and so is not answered."""
    detail = "What is read or changed has to be noted in the audit trail, and there is no room for it."
    return problems.Problem("not-noted", detail, headers=problems.RETRY)


def check_room(scope: Scope) -> None:
    """Raise a problem when there was no room for the request in the audit trail: it must do nothing."""
    if not note_of(scope).room:
        raise cannot_note()
