"""Readings that several mappers share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aoc_common.contracts import spelling
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Mapping


def location(value: Any) -> dict[str, Any] | None:
    """An OCSF location out of Graph's `location`, or a bare country."""
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        country = values.text(value)
        return {"country": country} if country else None
    found = values.mapping(value)
    made: dict[str, Any] = {}
    for ours, theirs in (("city", "city"), ("region", "state"), ("country", "countryOrRegion")):
        if (text := values.text(found.get(theirs))) is not None:
            made[ours] = text
    point = values.mapping(found.get("geoCoordinates"))
    latitude, longitude = point.get("latitude"), point.get("longitude")
    # Coordinates alone are no location to OCSF; 0, 0 is what a record without any has.
    if made and isinstance(latitude, (int, float)) and isinstance(longitude, (int, float)) and (latitude or longitude):
        made["lat"], made["long"] = float(latitude), float(longitude)
    return made or None


def severity_of(level: str | None, default: int) -> int:
    """OCSF severity_id of Microsoft's words for it."""
    return _SEVERITIES.get(spelling.folded(level or "").casefold(), default)


_SEVERITIES: Mapping[str, int] = {
    "informational": 1,
    "information": 1,
    "none": 1,
    "low": 2,
    "medium": 3,
    "high": 4,
    "critical": 5,
}
