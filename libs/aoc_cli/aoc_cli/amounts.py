"""Numbers of things, as people read them."""

from __future__ import annotations


def amount(count: int, what: str) -> str:
    """`1 event`, `1,204 events`, `2 matches`; `what`: the singular."""
    ending = "" if count == 1 else "es" if what.endswith(("h", "s")) else "ies" if what.endswith("y") else "s"
    return f"{count:,} {what.removesuffix('y') if ending == 'ies' else what}{ending}"
