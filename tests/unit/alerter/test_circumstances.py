"""When, from where, by whom and in which tenant: what a rule asks beside the record, at its edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from alerting import MINE, NOW, found_by, library_builder, message, rule_text
from aoc_alerter.known_tenants import KnownTenants
from aoc_common.contracts.rows import Row
from aoc_common.tenants.tenant import Tenant
from aoc_rules.attributes import attributes_of
from aoc_rules.backtest import BackTest
from aoc_rules.catalogue import checked, compiled_of
from aoc_rules.circumstances.lint import lint_circumstances
from aoc_rules.circumstances.severities import severity_of
from aoc_rules.circumstances.tenants import UNKNOWN, KnownTenant
from aoc_rules.history import History
from aoc_rules.sigma.faults import RuleRefused
from each import each

ID = "00000000-0000-4000-8000-000000000001"
ALL_WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def tenant(**said: Any) -> Tenant:
    return Tenant.model_validate(
        {"name": "contoso", "tenant_id": ID, "client_id": ID, "time_zone": "Europe/Amsterdam", **said}
    )


def row(at: str = "2026-11-23 10:00", ip: str | None = "203.0.113.7", zone: Any = AMSTERDAM, **standing: Any) -> Row:
    """An event at that time by the clock of a zone."""
    moment = datetime.fromisoformat(at).replace(tzinfo=zone)
    entry = {"name": "actor.user", "type": "directory", "value": "d", "data": standing}
    ocsf = {"time": round(moment.timestamp() * 1000), "enrichments": [entry] if standing else []}
    return Row(message().id, "contoso", "o365-exchange", "New-InboxRule", ocsf, ip=ip)


def holds(aoc: dict[str, Any], event: Row, of: Tenant | None = None) -> bool:
    known = UNKNOWN if of is None else KnownTenant.of(of)
    return attributes_of("r", {"aoc": aoc}).circumstances.hold(event, known)


def test_working_hours_are_the_tenants_with_weekends_holidays_and_changes_of_the_clock() -> None:
    outside, inside = {"working_hours": "outside"}, {"working_hours": "inside"}
    usual = tenant(
        working_hours={"days": ["mon", "tue"], "start": "08:30", "end": "17:30"}, holidays=["2026-11-24", "2026-10-25"]
    )
    expected = {
        "2026-11-23 08:29:59.999": False,
        "2026-11-23 08:30": True,
        "2026-11-23 17:29:59.999": True,
        "2026-11-23 17:30": False,
        "2026-11-24 10:00": False,  # a holiday
        "2026-11-25 10:00": False,  # not one of its days
    }
    for at, works in expected.items():
        assert (holds(inside, row(at), usual), holds(outside, row(at), usual)) == (works, not works), at
    # 08:30 is 06:30 UTC until 25 October, and 07:30 from then on; a night shift goes on over the hour that comes twice.
    for at, works in (("2026-10-20 06:30", True), ("2026-10-26 06:30", False), ("2026-10-26 07:30", True)):
        assert holds(inside, row(at, zone=UTC), usual) is works, at
    night = tenant(working_hours={"days": ["sat"], "start": "22:00", "end": "03:00"})
    for at, works in (("2026-10-25 00:30", True), ("2026-10-25 01:59:59", True), ("2026-10-25 02:00", False)):
        assert holds(inside, row(at, zone=UTC), night) is works, at
    # What has no time, and who is in no registry, is on neither side.
    without = replace(row(), ocsf={})
    assert not any(holds(side, *of) for side in (inside, outside) for of in ((without, usual), (row(), None)))


def test_networks_are_trusted_however_an_address_is_spelt_and_what_is_none_is_on_neither_side() -> None:
    own = tenant(trusted_networks=["203.0.113.0/24", "::ffff:198.51.100.0/120", "2001:db8:42::/48"])
    within = ("203.0.113.255", "::ffff:203.0.113.9", "203.0.113.9:4711", "[2001:DB8:42::1]:443", "198.51.100.3")
    beyond = ("203.0.114.0", "[::ffff:203.0.114.9]:80", "2001:db8:43::1")
    for address in (*within, *beyond):
        found = [holds({"trusted_networks": side}, row(ip=address), own) for side in ("inside", "outside")]
        assert found == [address in within, address in beyond], address
    for address, of in ((None, own), ("", own), ("somewhere", own), ("203.0.113.9", tenant()), ("192.0.2.1", None)):
        assert not any(holds({"trusted_networks": side}, row(ip=address), of) for side in ("inside", "outside"))


def test_who_it_was_is_asked_for_or_excluded_and_in_doubt_the_rule_finds() -> None:
    admin, nobody = row(privileged=True, guest=False), row()
    maybe = row(privileged=True, **{"or": {"privileged": False}})
    maybe_too = row(privileged=False, **{"or": {"privileged": True}})
    service = row(privileged=True, service_account=True)
    only, other = {"actor": {"only": "privileged"}}, {"actor": {"except": ["privileged"]}}
    both = {"actor": {"only": ["privileged", "guest"], "except": ["service_account"]}}

    assert [holds(only, one) for one in (admin, nobody, maybe, maybe_too)] == [True, False, True, True]
    assert [holds(other, one) for one in (admin, nobody, maybe, maybe_too)] == [False, True, True, True]
    assert [holds(both, one) for one in (admin, nobody, service, row(guest=True))] == [True, False, False, True]
    for hostile in (3, [3], [{"name": "actor.user", "type": "directory", "data": []}], [{"name": []}]):
        assert not holds(only, replace(row(), ocsf={"enrichments": hostile}))


def test_tenants_and_groups_are_named_or_excluded() -> None:
    retail = tenant(groups=["retail", "europe"])
    cases = (
        ({"tenants": {"only": ["contoso"]}}, True),
        ({"tenants": {"only": ["fabrikam"]}}, False),
        ({"tenants": {"only": ["fabrikam"]}, "groups": {"only": ["retail"]}}, True),
        ({"groups": {"only": ["test"]}}, False),
        ({"groups": {"except": ["europe"]}}, False),
        ({"groups": {"only": ["retail"]}, "tenants": {"except": ["contoso"]}}, False),
    )
    assert [holds(said, row(), retail) for said, _ in cases] == [expected for _, expected in cases]
    assert holds({"tenants": {"only": ["contoso"]}}, row())
    assert not holds({"groups": {"only": ["retail"]}}, row())


def test_a_schedule_is_a_stretch_and_times_of_the_week_by_the_tenants_clock() -> None:
    here = tenant()
    stretch = {"schedule": {"from": "2026-10-25 02:30", "until": datetime(2026, 12, 1).date()}}  # noqa: DTZ001
    # 02:30 comes twice on that day: the first one counts.
    for at, works in (
        ("2026-10-25 00:29:59.999", False),
        ("2026-10-25 00:30", True),
        ("2026-11-30 22:59:59.999", True),
    ):
        assert holds(stretch, row(at, zone=UTC), here) is works, at
    assert not holds(stretch, row("2026-11-30 23:00", zone=UTC), here)
    nights = {"schedule": {"days": ["fri", "sat"], "start": "22:00", "end": "06:00"}}
    for at, works in (
        ("2026-11-27 21:59:59", False), ("2026-11-27 22:00", True), ("2026-11-28 05:59:59", True),
        ("2026-11-28 06:00", False), ("2026-11-29 05:59", True), ("2026-11-29 22:00", False),
    ):  # fmt: skip
        assert holds(nights, row(at), here) is works, at
    assert holds({"schedule": {"days": "mon"}}, row("2026-11-23 00:00"), here)
    assert not holds(nights, row("2026-11-27 23:00"))


def test_the_severity_is_that_of_the_first_change_that_is_for_the_event() -> None:
    said = [
        {"actor": "privileged", "groups": ["retail"], "level": "critical"},
        {"actor": ["privileged"], "raise": 1},
        {"groups": ["test"], "lower": 4},
    ]
    changes = attributes_of("r", {"aoc": {"severity": said}}).severities
    retail, test = (KnownTenant.of(tenant(groups=[group])) for group in ("retail", "test"))

    def severity(level: Any, event: Row, of: KnownTenant = UNKNOWN) -> str:
        return severity_of(changes, level, event, of)

    assert severity("low", row(privileged=True), retail) == "critical"
    assert [severity(level, row(privileged=True)) for level in ("low", "critical")] == ["medium", "critical"]
    assert [severity("high", row(), of) for of in (UNKNOWN, retail, test)] == ["high", "high", "informational"]


@each(
    ("said", "place", "reason"),
    [
        ({"working_hours": "after"}, "aoc.working_hours", "'after'; expected inside or outside"),
        ({"trusted_networks": ["inside"]}, "aoc.trusted_networks", "expected inside or outside"),
        ({"outside_hours": True}, "aoc.outside_hours", "there is no such attribute"),
        ({"actor": {"only": []}}, "aoc.actor.only", "expected a list of names"),
        ({"actor": {}}, "aoc.actor", "is empty"),
        ({"actor": {"only": ["root"]}}, "aoc.actor.only", "'root'; there are privileged"),
        ({"actor": {"only": "guest", "except": "guest"}}, "aoc.actor", "'guest' is in only and in except"),
        ({"tenants": {"only": None}}, "aoc.tenants.only", "has no value"),
        ({"tenants": {"only": ["Contoso Works"]}}, "aoc.tenants.only", "can be no name"),
        ({"groups": {"without": ["x"]}}, "aoc.groups.without", "there is no such attribute"),
        ({"groups": {"only": [f"g{n}" for n in range(101)]}}, "aoc.groups.only", "101 names"),
        ({"schedule": {"start": 1320, "end": "06:00"}}, "aoc.schedule.start", "in quotes"),
        ({"schedule": {"start": "25:00", "end": "06:00"}}, "aoc.schedule.start", "no time of day"),
        ({"schedule": {"start": "22:00"}}, "aoc.schedule.start", "needs the other one"),
        ({"schedule": {"days": ["monday"]}}, "aoc.schedule.days", "'monday'; there are mon"),
        ({"schedule": {"from": "2026-13-01"}}, "aoc.schedule.from", "expected a day"),
        ({"schedule": {"from": "2026-12-01T00:00Z"}}, "aoc.schedule.from", "of the tenant's clock"),
        ({"schedule": {"from": "2026-12-01", "until": "2026-12-01"}}, "aoc.schedule.until", "must be after"),
        ({"suppress": "0s"}, "aoc.suppress", "expected a time like"),
        ({"suppress": "31d"}, "aoc.suppress", "at most 30d"),
        ({"window": 3600}, "aoc.window", "expected a time like"),
        ({"severity": {"privileged": 1}}, "aoc.severity", "expected a list"),
        ({"severity": [{"actor": "guest"}]}, "aoc.severity[1]", "expected one of level, raise, lower"),
        ({"severity": [{"raise": 1}]}, "aoc.severity[1]", "names neither actor nor groups"),
        ({"severity": [{"actor": "guest", "raise": True}]}, "aoc.severity[1].raise", "whole number from 1 to 4"),
        ({"severity": [{"actor": "guest", "level": "fatal"}]}, "aoc.severity[1].level", "'fatal'; expected"),
        ({"first_seen": {"of": "operation"}}, "aoc.first_seen", "needs within"),
        ({"first_seen": {"of": "mood", "within": "7d"}}, "aoc.first_seen.of", "'mood'; expected operation or"),
        ({"first_seen": {"of": "device", "within": "366d"}}, "aoc.first_seen.within", "at most 365d"),
        ({3: 4}, "aoc.3", "there is no such attribute"),
        ([], "aoc", "expected a map"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(said: Any, place: str, reason: str) -> None:
    with pytest.raises(RuleRefused) as refused:
        attributes_of("Mine", {"aoc": said})
    (fault,) = refused.value.faults

    assert (fault.rule, fault.place) == ("Mine", place)
    assert reason in fault.reason


@each(
    ("aoc", "settings", "place"),
    [
        ({"working_hours": "outside"}, {}, None),
        ({"working_hours": "inside"}, {}, None),
        ({"working_hours": "outside"}, {"working_hours": {"days": ALL_WEEK, "start": "00:00", "end": "00:00"}},
         "aoc.working_hours"),
        ({"working_hours": "outside"},
         {"working_hours": {"days": ALL_WEEK, "start": "07:00", "end": "07:00"}, "holidays": ["2026-11-27"]}, None),
        ({"working_hours": "outside"},
         {"working_hours": {"days": ALL_WEEK, "start": "07:00", "end": "07:00"}, "holidays": ["2025-12-25"]},
         "aoc.working_hours"),
        ({"working_hours": "outside", "schedule": {"days": "mon", "start": "09:00", "end": "18:00"}}, {},
         "aoc.working_hours"),
        ({"working_hours": "outside", "schedule": {"days": "mon", "start": "09:00", "end": "18:01"}}, {}, None),
        ({"working_hours": "inside", "schedule": {"days": ["sat", "sun"]}}, {}, "aoc.working_hours"),
        ({"trusted_networks": "outside"}, {}, "aoc.trusted_networks"),
        ({"trusted_networks": "inside"}, {"trusted_networks": ["192.0.2.0/24"]}, None),
        ({"tenants": {"except": ["contoso"]}}, {}, "aoc.tenants"),
        ({"groups": {"only": ["retail"]}}, {}, "aoc.groups"),
        ({"schedule": {"until": "2026-11-27 12:00"}}, {}, "aoc.schedule.until"),
        ({"schedule": {"until": "2026-11-27 12:01"}}, {}, None),
    ],
)  # fmt: skip
def test_lint_says_what_can_never_be_so_in_a_tenant(aoc: Any, settings: Any, place: str | None) -> None:
    asked = attributes_of("r", {"aoc": aoc}).circumstances
    found = lint_circumstances(asked, tenant(**settings), datetime(2026, 11, 27, 11, tzinfo=UTC))

    assert [one.place for one in found] == ([] if place is None else [place])
    assert all(len(one.message) > 20 for one in found)


def test_alerter_back_test_and_lint_by_history_judge_alike_and_by_the_settings_of_now() -> None:
    text = rule_text(
        MINE,
        "New-InboxRule",
        aoc={"working_hours": "outside", "trusted_networks": "outside", "severity": [{"groups": ["x"], "raise": 1}]},
    )
    early, late = message("1", ClientIP="203.0.113.9:4711"), message("2", minutes=11 * 60, ClientIP="192.0.2.1")
    abroad = replace(message("3", minutes=12 * 60, ClientIP="192.0.2.1"), tenant="nowhere")
    settings = tenant(trusted_networks=["203.0.113.0/24"], groups=["x"])
    moved = settings.model_copy(update={"time_zone": ZoneInfo("America/Los_Angeles"), "groups": ()})
    later = moved.model_copy(update={"trusted_networks": tenant(trusted_networks=["192.0.2.0/24"]).trusted_networks})
    for of, expected, severity in ((settings, [late.id], "critical"), (moved, [], "high"), (later, [early.id], "high")):
        known = KnownTenant.of(of)
        found = found_by(early, late, abroad, texts=[text], tenants={"contoso": known})
        rule = compiled_of(checked(text, "r"))
        test, history = BackTest(rule, known), History({"r": rule}, known)
        for one in (early, late):
            test.add(Row.of_message(one), one.event)
            history.add(Row.of_message(one), one.event)

        assert [one.event.id for one in found] == expected
        assert [one.severity for one in found] == [severity] * len(expected)
        assert ([one.id for one in test.examples], history.matches["r"]) == (expected, len(expected))


async def test_a_tenant_is_made_anew_when_its_settings_change_and_only_then() -> None:
    registry: Any = type("Registry", (), {"held": (tenant(),)})()

    async def tenants() -> tuple[Tenant, ...]:
        held: tuple[Tenant, ...] = registry.held
        return held

    registry.tenants = tenants
    known = KnownTenants(registry)
    first, again = await known.all(), await known.all()
    assert again["contoso"] is first["contoso"]
    registry.held = (tenant(trusted_networks=["192.0.2.0/24"]),)
    changed = (await known.all())["contoso"]
    assert (first["contoso"].networks, changed.networks and changed.networks.place("192.0.2.1")) == (None, True)
    registry.held = ()
    assert await known.all() == {}


def test_a_correlation_has_no_circumstances_of_its_own_and_counts_under_those_of_its_rules() -> None:
    counting: dict[str, Any] = {
        "title": "Many", "id": "44444444-0000-4000-8000-000000000004", "level": "high",
        "correlation": {"type": "event_count", "rules": [MINE], "group-by": ["UserId"], "timespan": "1h",
                        "condition": {"gte": 2}},
        "aoc": {"working_hours": "outside"},
    }  # fmt: skip
    base = rule_text(MINE, "New-InboxRule", aoc={"enabled": False})
    wrong = library_builder(base, yaml.safe_dump(counting)).library({}, NOW)
    assert "aoc.working_hours: a correlation has none" in wrong.faults[counting["id"]]
    counting["aoc"] = {"suppress": "7d"}
    right = library_builder(base, yaml.safe_dump(counting)).library({}, NOW)
    assert right.faults == {}
    assert right.correlations.plans[counting["id"]].suppress.days == 7
