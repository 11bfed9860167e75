from __future__ import annotations

from datetime import UTC, datetime

from aoc_common.tenants.tenant import Tenant, WorkingHours
from each import each

GUID = "c0a70501-5a11-4d0e-9b1c-0a0c51a00001"


def tenant(**fields):
    return Tenant(name="contoso", tenant_id=GUID, client_id=GUID, **fields)


@each(
    ("moment", "at_work"),
    [
        ("2026-11-26T07:59:59+01:00", False),
        ("2026-11-26T08:00:00+01:00", True),
        ("2026-11-26T17:59:59+01:00", True),
        ("2026-11-26T18:00:00+01:00", False),
        ("2026-11-28T12:00:00+01:00", False),
        # Summer time: it is 08:30 in Amsterdam.
        ("2026-07-23T06:30:00+00:00", True),
        ("2026-07-23T16:30:00+00:00", False),
    ],
)
def test_working_hours_are_by_the_tenants_own_clock(moment, at_work):
    contoso = tenant(time_zone="Europe/Amsterdam")

    assert contoso.at_work(datetime.fromisoformat(moment)) is at_work
    assert contoso.at_work(datetime.fromisoformat(moment).astimezone(UTC)) is at_work


@each(
    ("local", "included"),
    [
        ("2026-11-27T21:59:00", False),
        ("2026-11-27T22:00:00", True),  # Friday
        ("2026-11-28T05:59:00", True),  # it is still Friday's shift
        ("2026-11-28T06:00:00", False),
        ("2026-11-28T22:00:00", False),  # Saturday has none
        ("2026-11-30T05:00:00", False),  # nor has Sunday, of which this would be the end
    ],
)
def test_hours_that_do_not_end_after_they_start_end_on_the_next_day(local, included):
    night = WorkingHours(start="22:00", end="06:00")

    assert night.include(datetime.fromisoformat(local)) is included


def test_hours_that_start_when_they_end_last_a_day():
    always = WorkingHours(days=("sat",), start="00:00", end="00:00")

    assert [always.include(datetime(2026, 11, day, 23, 59)) for day in (27, 28, 29)] == [False, True, False]  # noqa: DTZ001


@each(
    ("address", "trusted"),
    [
        ("203.0.113.200", True),
        ("203.0.114.1", False),
        ("::ffff:203.0.113.9", True),
        ("2001:db8:42::1", True),
        ("2001:db8:43::1", False),
        ("somewhere", False),
        ("", False),
    ],
)
def test_an_address_is_trusted_when_it_lies_in_a_network_of_the_tenants_own(address, trusted):
    contoso = tenant(trusted_networks=["203.0.113.0/24", "2001:db8:42::/48"])

    assert contoso.trusts(address) is trusted
