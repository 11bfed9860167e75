"""Where addresses are, from databases in MaxMind's format that the user supplies; none comes with AOC.

Source of the shapes: MaxMind DB file format specification 2.0, and the records of GeoLite2 City, Country and ASN, which
other makers follow.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

import maxminddb

from aoc_common.errors import BadConfiguration
from aoc_common.telemetry import logs
from aoc_normalizer.enrich.lookup import Place
from aoc_normalizer.fields import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Address, IPv6Address
    from pathlib import Path

_log = logs.get(__name__)

#: Seconds between looks at whether the file was replaced: databases are renewed twice a week.
_LOOK_S: Final = 60.0
_REMEMBERED: Final = 32_768
_LANGUAGE: Final = "en"
_UNREADABLE: Final = (OSError, ValueError, maxminddb.InvalidDatabaseError)
_INTERNAL: Final = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "240.0.0.0/4", "fc00::/7")
)


class Locator:
    """A location database. It is opened again when its file is replaced; an unreadable new file keeps the old one.

    A file is replaced by renaming another one over it, as makers' own tools do: it is mapped into memory, so one that
    is cut short in place would end the process.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        """`monotonic`: seconds since some moment. Raises `BadConfiguration` for a file that is no such database."""
        self._path = path
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._stamp = _stamp(path)
        try:
            self._reader = maxminddb.open_database(path)
        except _UNREADABLE as error:
            raise BadConfiguration(f"AOC_LOCATION_DATABASE: {path}: {_reason(error)}") from None
        self._find = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def find(self, address: str) -> Place | None:
        """Where an address is; None for one that the database does not know, and for those of no public network."""
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_S:
            self._looked_at = now
            self._renew()
        return self._find(address)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _renew(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            reader = maxminddb.open_database(self._path)
        except _UNREADABLE as error:
            _log.warning("locations.not_renewed", path=str(self._path), error=_reason(error))
            return
        self._reader.close()
        self._reader = reader
        self._find.cache_clear()
        _log.info("locations.renewed", path=str(self._path))

    def _look_up(self, text: str) -> Place | None:
        try:
            address = ip_address(text)
            found = None if _internal(address) else self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError) as error:
            # An IPv6 address in a database of IPv4 ones, or a damaged part of the file.
            _log.debug("location.unreadable", error=_reason(error))
            return None
        place = Place(_location(found, self._reader.metadata().database_type), _network(found))
        return place if any(place) else None


def _internal(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is of no public network. Documentation addresses count as public: the simulator's are such."""
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or any(address in network for network in _INTERNAL)
    )


def _location(found: Any, provider: str) -> Mapping[str, Any] | None:
    """An OCSF `location` out of a City or Country record. A country is its ISO code, as OCSF wants it."""
    record = values.mapping(found)
    country = values.mapping(record.get("country")) or values.mapping(record.get("registered_country"))
    fields: dict[str, Any] = {
        "city": _name(record.get("city")),
        "region": _name(next(iter(values.objects(record.get("subdivisions"))), None)),
        "country": values.text(country.get("iso_code")),
        "continent": _name(record.get("continent")),
        "postal_code": values.text(values.mapping(record.get("postal")).get("code")),
    }
    made = {name: value for name, value in fields.items() if value is not None}
    if not made:
        return None
    point = values.mapping(record.get("location"))
    latitude, longitude = point.get("latitude"), point.get("longitude")
    if isinstance(latitude, (int, float)) and isinstance(longitude, (int, float)):
        made["lat"], made["long"] = float(latitude), float(longitude)
    return made | {"provider": provider}


def _network(found: Any) -> Mapping[str, Any] | None:
    """An OCSF `autonomous_system` out of an ASN record, or one that has both."""
    record = values.mapping(found)
    number = record.get("autonomous_system_number")
    made: dict[str, Any] = {"number": number} if isinstance(number, int) else {}
    if (name := values.text(record.get("autonomous_system_organization"))) is not None:
        made["name"] = name
    return made or None


def _name(value: Any) -> str | None:
    return values.text(values.mapping(values.mapping(value).get("names")).get(_LANGUAGE))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells one file at this path from the next; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
