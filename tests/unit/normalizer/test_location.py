"""Locations, from a real database file made of documentation addresses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from aoc_common.errors import BadConfiguration
from aoc_normalizer.enrich import location
from aoc_normalizer.enrich.location import Locator
from aoc_normalizer.enrich.lookup import Place
from manual_clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path

LISBON = {
    "city": {"names": {"en": "Lisbon", "pt-BR": "Lisboa"}},
    "subdivisions": [{"iso_code": "11", "names": {"en": "Lisbon District"}}],
    "country": {"iso_code": "PT", "names": {"en": "Portugal"}},
    "continent": {"code": "EU", "names": {"en": "Europe"}},
    "postal": {"code": "1000-001"},
    "location": {"latitude": 38.72, "longitude": -9.13, "accuracy_radius": 20},
}


def city(locator: Locator) -> str:
    place = locator.find("203.0.113.9")
    assert place is not None
    assert place.location is not None
    return place.location["city"]


def write(path: Path, networks: dict[str, object], version: int = 6) -> Path:
    """A database file, put in its place in one step, as the makers advise."""
    writer = MMDBWriter(version, "Example-Places", ipv4_compatible=version == 6)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    fresh = path.with_suffix(".new")
    writer.to_db_file(str(fresh))
    fresh.replace(path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(
        tmp_path / "places.mmdb",
        {
            "203.0.113.0/24": LISBON,
            "198.51.100.0/25": {"registered_country": {"iso_code": "NL"}},
            "198.51.100.128/25": {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"},
            "192.0.2.0/25": {"location": {"latitude": 0, "longitude": 0}},
            "192.0.2.128/25": {"city": "odd", "country": ["odd"], "subdivisions": "odd", "location": {"latitude": "x"}},
            "2001:db8::/32": {"country": {"iso_code": "DE"}},
            "10.0.0.0/8": LISBON,
            "100.64.0.0/10": LISBON,
            "fe80::/10": LISBON,
        },
    )


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (
            "203.0.113.9",
            Place(
                {
                    "city": "Lisbon",
                    "region": "Lisbon District",
                    "country": "PT",
                    "continent": "Europe",
                    "postal_code": "1000-001",
                    "lat": 38.72,
                    "long": -9.13,
                    "provider": "Example-Places",
                }
            ),
        ),
        ("198.51.100.7", Place({"country": "NL", "provider": "Example-Places"})),
        ("198.51.100.200", Place(network={"number": 64500, "name": "Example Net"})),
        ("192.0.2.1", None),
        ("192.0.2.200", None),
        ("2001:db8::9", Place({"country": "DE", "provider": "Example-Places"})),
        ("10.0.0.1", None),
        ("100.64.0.1", None),
        ("fe80::1", None),
        ("::1", None),
        ("224.0.0.1", None),
        ("no address", None),
    ],
)
def test_an_address_is_where_the_database_says_unless_it_is_of_no_public_network(path, address, place) -> None:
    locator = Locator(path, ManualClock())

    assert locator.find(address) == locator.find(address) == place


def test_a_database_of_ipv4_knows_no_ipv6(tmp_path) -> None:
    locator = Locator(write(tmp_path / "v4.mmdb", {"203.0.113.0/24": LISBON}, version=4), ManualClock())

    assert locator.find("2001:db8::9") is None
    assert city(locator) == "Lisbon"


def test_a_replaced_file_is_read_again_within_a_minute(path) -> None:
    seconds = ManualClock()
    locator = Locator(path, seconds)
    before = city(locator)
    write(path, {"203.0.113.0/24": {"city": {"names": {"en": "Porto"}}}})
    still = city(locator)
    seconds.advance(60)

    assert (before, still, city(locator)) == ("Lisbon", "Lisbon", "Porto")


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no database"), lambda path: path.unlink()])
def test_an_unreadable_new_file_keeps_the_old_places_and_is_told_of_once(path, spoil, monkeypatch) -> None:
    told = []
    monkeypatch.setattr(
        location, "_log", SimpleNamespace(warning=lambda name, **_: told.append(name), info=told.append)
    )
    seconds = ManualClock()
    locator = Locator(path, seconds)
    kept = path.with_suffix(".kept")
    kept.hardlink_to(path)
    fresh = path.with_suffix(".fresh")
    fresh.write_bytes(b"")
    fresh.replace(path)
    spoil(path)
    cities = []
    for _ in range(3):
        seconds.advance(60)
        cities.append(city(locator))

    assert cities == ["Lisbon"] * 3
    assert told == ["locations.not_renewed"]


@pytest.mark.parametrize("content", [None, b"", b"no database"])
def test_a_start_with_what_is_no_database_names_setting_and_file(tmp_path, content) -> None:
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfiguration, match=rf"AOC_LOCATION_DATABASE: {path}: \w+"):
        Locator(path, ManualClock())
