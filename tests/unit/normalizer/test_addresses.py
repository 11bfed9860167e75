"""Addresses as records spell them: canonical text and a port, or nothing."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_normalizer.draft import Address
from aoc_normalizer.fields.addresses import parse
from each import each


@each(
    ("text", "expected"),
    [
        ("203.0.113.9", Address("203.0.113.9")),
        (" 203.0.113.9\r\n", Address("203.0.113.9")),
        ("203.0.113.9:443", Address("203.0.113.9", 443)),
        ("203.0.113.9:0", Address("203.0.113.9", 0)),
        ("203.0.113.9:65535", Address("203.0.113.9", 65535)),
        ("203.0.113.9:65536", Address("203.0.113.9")),
        ("2001:db8::1", Address("2001:db8::1")),
        ("2001:0DB8:0:0:0:0:0:1", Address("2001:db8::1")),
        ("[2001:db8::1]", Address("2001:db8::1")),
        ("[2001:db8::1]:443", Address("2001:db8::1", 443)),
        ("[203.0.113.9]:443", Address("203.0.113.9", 443)),
        ("::1", Address("::1")),
        ("::", Address("::")),
        ("::ffff:203.0.113.9", Address("203.0.113.9")),
        ("[::ffff:203.0.113.9]:25", Address("203.0.113.9", 25)),
        ("::FFFF:CB00:7109", Address("203.0.113.9")),
        ("fe80::1%eth0", Address("fe80::1")),
        ("fe80::1%12", Address("fe80::1")),
        ("[fe80::1%3]:443", Address("fe80::1", 443)),
    ],
)
def test_an_address_is_read_with_ports_brackets_zones_and_mappings(text, expected):
    assert parse(text) == expected


@each(
    "value",
    [
        None,
        True,
        9,
        3405803785,
        1.5,
        ["203.0.113.9"],
        [],
        {},
        {"ip": "203.0.113.9"},
        "",
        "  ",
        "<null>",
        "null",
        "Unknown",
        "localhost",
        "localhost:12345",
        "c0a70501-5a11-4d0e-9b1c-0a0c51a00001",
        "15.20.4129",
        "AM0PR01MB1234 (15.20.4129.032)",
        "256.1.1.1",
        "203.0.113.009",
        "203.0.113.9/24",
        "203.0.113.9:",
        "203.0.113.9:x",
        "203.0.113.9%eth0",
        "203.0.113.9, 203.0.113.10",
        "[2001:db8::1",
        "2001:db8::1]:443",
        "[]:443",
        "\x00",
        "\ud800::1",
        "1" * 10_000,
        "٢٠٣.٠.١١٣.٩",
    ],
)
def test_what_is_no_address_is_none(value):
    assert parse(value) is None


@pytest.mark.slow
@given(st.text(max_size=70) | st.from_regex(r"\[?[0-9a-f:.]+(%\w+)?\]?(:\d+)?", fullmatch=True))
def test_whatever_is_read_is_an_address_without_port_or_zone(text):
    found = parse(text)

    assert found is None or str(ip_address(found.ip)) == found.ip
    assert found is None or ("%" not in found.ip and (found.port is None or 0 <= found.port <= 65535))


@given(st.ip_addresses(), st.integers(0, 65535))
def test_any_address_is_read_alone_and_with_a_port(address, port):
    spelt = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    expected = str(getattr(address, "ipv4_mapped", None) or address)

    assert parse(str(address)) == Address(expected)
    assert parse(spelt) == Address(expected, port)
