"""What a request's entry in the audit trail will say."""

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
    """What is noted of a request, as far as it is known by now.

    `endless`: it ends when its client leaves, and is whole then.
    `address`, `request_id`: where it came from. `credentials_refused`: it did not prove who sends it, or not to who may
    ask this. `streamed`: the answer's end is noted as well. `room`: False when there is none for it in the audit trail.
    """

    address: str = ""
    request_id: str = ""
    principal: Principal | None = None
    credentials_refused: bool = False
    tenant: str | None = None
    rows: int | None = None
    about: str = ""
    digest: str = ""
    streamed: bool = False
    endless: bool = False
    room: bool = True


def note_of(scope: Scope) -> Note:
    """The note of a request, by its ASGI scope."""
    note: Note = scope.setdefault(_NOTE, Note())
    return note
