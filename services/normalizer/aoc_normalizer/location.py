"""Where addresses are, from databases in MaxMind's format that the user supplies; none comes with AOC.

Source of the shapes: MaxMind DB file format specification 2.0, and the records of GeoLite2 City, Country and ASN, which
other makers follow.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import maxminddb

from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_log = logs.get(__name__)

#: Seconds between looks at whether the file was replaced: databases are renewed twice a week.
_LOOK_S: Final = 60.0
_REMEMBERED: Final = 32_768
_LANGUAGE: Final = "en"


class Locator:
    """A location database. It is opened again when its file is replaced; an unreadable new file keeps the old one."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds since some moment. Raises `BadConfiguration` for a file that is no such database."""
        self._path = path
        self._monotonic = monotonic
        self._looked_at = monotonic()
        try:
            self._stamp = _stamp(path)
            self._reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise BadConfiguration(f"AOC_LOCATION_DATABASE: {path}: {_reason(error)}") from None
        self._find = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def find(self, address: str) -> Mapping[str, Any] | None:
        """The OCSF location of an address; None for one that the database does not know."""
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._renew()
        return self._find(address)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _renew(self) -> None:
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            reader = maxminddb.open_database(self._path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            _log.warning("locations.not_renewed", path=str(self._path), error=_reason(error))
            return
        self._reader.close()
        self._reader = reader
        self._find.cache_clear()
        _log.info("locations.renewed", path=str(self._path))

    def _look_up(self, address: str) -> Mapping[str, Any] | None:
        try:
            return _location(self._reader.get(address))
        except (ValueError, maxminddb.InvalidDatabaseError) as error:
            # An IPv6 address in a database of IPv4 ones, or a damaged part of the file.
            _log.debug("location.unreadable", error=_reason(error))
            return None


def _location(found: Any) -> Mapping[str, Any] | None:
    """An OCSF `location` out of a City, Country or ASN record. A country is its ISO code, as OCSF wants it."""
    record = values.mapping(found)
    country = values.mapping(record.get("country")) or values.mapping(record.get("registered_country"))
    region = next(iter(values.objects(record.get("subdivisions"))), {})
    said: dict[str, Any] = {
        "city": _name(record.get("city")),
        "region": _name(region),
        "country": values.text(country.get("iso_code")),
        "continent": _name(record.get("continent")),
        "postal_code": values.text(values.mapping(record.get("postal")).get("code")),
        "isp": values.text(record.get("autonomous_system_organization")),
    }
    made = {name: value for name, value in said.items() if value is not None}
    point = values.mapping(record.get("location"))
    latitude, longitude = point.get("latitude"), point.get("longitude")
    if made and isinstance(latitude, int | float) and isinstance(longitude, int | float):
        made["lat"], made["long"] = float(latitude), float(longitude)
    return made or None


def _name(value: Any) -> str | None:
    return values.text(values.mapping(values.mapping(value).get("names")).get(_LANGUAGE))


def _stamp(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
