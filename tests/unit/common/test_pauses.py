"""When a tenant was paused, as its history tells; and what the licence makes of the tenants that there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aoc_common.licence.terms import Licences
from aoc_common.tenants.licensing import advice
from aoc_common.tenants.records import Pause, TenantRecord, TenantRevision, pauses
from each import each
from tenant_registry import SIMULATED, a_tenant, settings_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def at(day: int) -> datetime:
    return NOW + timedelta(days=day)


def a_record(*steps: tuple[str, tuple[str, ...]], paused: bool, state="active", name="contoso", **more) -> TenantRecord:
    """A record with these steps, the oldest first, a day each."""
    history = [
        TenantRevision(number + 1, at(number), "kim", what, fields) for number, (what, fields) in enumerate(steps)
    ]
    settings = settings_of(name, **more) | ({"paused": True} if paused else {})
    return TenantRecord(name, state, len(steps), NOW, at(len(steps)), settings, history[::-1])


ADDED = ("added", ("name", "tenant_id"))
PAUSED, RESUMED = ("paused", ("paused",)), ("resumed", ("paused",))


@each(
    ("steps", "paused", "expected"),
    [
        ((ADDED,), False, []),
        ((ADDED, PAUSED), True, [Pause(at(1))]),
        ((ADDED, PAUSED, ("changed", ("time_zone",))), True, [Pause(at(1))]),
        ((ADDED, PAUSED, RESUMED), False, [Pause(at(1), at(2))]),
        ((ADDED, PAUSED, RESUMED, PAUSED), True, [Pause(at(3)), Pause(at(1), at(2))]),
        # By other ways than `aoc tenants pause`: with its settings, and with the first of them.
        ((ADDED, ("changed", ("paused", "time_zone"))), True, [Pause(at(1))]),
        ((("added", ("name", "paused")), RESUMED), False, [Pause(at(0), at(1))]),
        # Its history is longer than is kept.
        ((RESUMED,), False, [Pause(None, at(0))]),
        ((("changed", ("groups",)),), True, [Pause(None)]),
        # What stands before it was added again is of another tenant of that name.
        ((ADDED, PAUSED, ADDED), False, []),
    ],
)
def test_a_pause_has_its_beginning_and_its_end(steps, paused, expected) -> None:
    assert pauses(a_record(*steps, paused=paused)) == expected


def test_a_tenant_that_is_being_deleted_is_not_paused() -> None:
    assert pauses(a_record(ADDED, PAUSED, paused=True, state="deleting")) == []


def test_more_tenants_than_the_licence_is_for_are_named() -> None:
    ours = [a_record(ADDED, paused=False, name=name) for name in ("contoso", "fabrikam")]
    simulated = [a_record(ADDED, paused=False, name="sim", **SIMULATED)]
    deleted = [a_record(ADDED, paused=False, name="old", state="deleted")]
    none = Licences()

    assert advice(none, (), ours[:1] + simulated + deleted, NOW) is None
    assert advice(none, [a_tenant("contoso")], ours[:1], NOW) is None  # the same tenant
    assert "2 tenants are in use, and 1 may be" in (advice(none, (), ours, NOW) or "")
    assert "2 tenants are in use" in (advice(none, [a_tenant("retail")], ours[:1], NOW) or "")
    assert advice(Licences(trouble="AOC_LICENSE_KEY: is none"), (), [], NOW) == "AOC_LICENSE_KEY: is none."
