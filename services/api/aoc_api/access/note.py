"""What a request's entry in the audit trail will say, beside what is known of every request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

    from aoc_api.access.principal import Principal

#: Where it lies in the ASGI scope of a request.
_NOTE: Final = "aoc.note"


@dataclass(slots=True)
class Note:
    """What a route adds to what is noted of its request. `streamed`: the answer's end is noted as well."""

    principal: Principal | None = None
    tenant: str | None = None
    rows: int | None = None
    about: str = ""
    digest: str = ""
    streamed: bool = False


def note_of(scope: Scope) -> Note:
    """The note of a request, by its ASGI scope."""
    note: Note = scope.setdefault(_NOTE, Note())
    return note
