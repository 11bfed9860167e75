"""What is answered when nothing can be noted."""

from __future__ import annotations

from aoc_api import problems


def cannot_note() -> problems.Problem:
    """The problem of a request that cannot be noted, and so is not answered."""
    detail = "What is read or changed has to be noted in the audit trail, and there is no room for it."
    return problems.Problem("not-noted", detail, headers=problems.RETRY)
