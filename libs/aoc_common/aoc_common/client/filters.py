"""The filters of events, as the gateway takes them (docs/reference/query.md)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping


class Filters(TypedDict, total=False):
    """Whose events, and which of them. Texts take several values with commas, and `*` behind a beginning.

    - `tenant`: the gateway's default one when it is not given.
    - `q`: a query: words, `"phrases"`, `field:value`, `-this`.
    - `start` inclusive, `end` exclusive; UTC when they name no zone.
    - `twins`: `out` leaves out the second of two events of one action. `understood`: `no`: what no mapper knows.
    """

    tenant: str
    source: str
    service: str
    operation: str
    result: str
    actor: str
    ip: str
    correlation_id: str
    tag: str
    q: str
    start: datetime
    end: datetime
    twins: Literal["in", "out"]
    understood: Literal["any", "no"]


type Parameter = str | int | bool | datetime | list[str] | None


def parameters(given: Mapping[str, object]) -> dict[str, str | list[str]]:
    """Query parameters as they are sent; None is left out."""
    return {name: _text(value) for name, value in given.items() if value is not None}


def _text(value: object) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    return str(value)
