from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import yaml

from alerting import FORWARDS, MINE, NOW, PACK, ROLES, changed, found_by, library_builder, message, rule_text
from aoc_common.store.rules import RuleException, StoredRule
from aoc_rules.circumstances.tenants import KnownTenant
from aoc_rules.sigma.named_lists import NamedLists

ENDS = NOW + timedelta(days=1)


def exception(number: int = 1, until=None, tenants=(), user="kim@contoso.example", text=None) -> RuleException:
    document = {
        "title": "Not her",
        "logsource": {"product": "m365", "service": "audit"},
        "filter": {"rules": [FORWARDS], "selection": {"UserId": user}, "condition": "not selection"},
    }
    made = yaml.safe_dump(document) if text is None else text
    return RuleException(f"e{number}", made, "d/dana", "her job", NOW, until, frozenset(tenants))


def rules_of(stored=None, now=NOW) -> set[str]:
    return {rule.alert_rule.id for rule in library_builder(*PACK).library(stored or {}, now).active.values()}


def found(stored, *messages) -> list[str]:
    return [one.placed.tenant for one in found_by(*(messages or [message()]), stored={FORWARDS: stored})]


def test_shipped_rules_are_at_work_unless_somebody_turned_them_off() -> None:
    assert rules_of() == {FORWARDS, ROLES}
    assert rules_of({FORWARDS: StoredRule(FORWARDS, enabled=False)}) == {ROLES}
    off = rule_text(MINE, "x", aoc={"enabled": False})
    assert not library_builder(off).library({}, NOW).active
    assert library_builder(off).library({MINE: StoredRule(MINE, enabled=True)}, NOW).active


def test_a_rule_that_cannot_be_used_is_named_and_all_others_work() -> None:
    look_ahead = rule_text(ROLES, "x").replace("Operation: x", "Operation|re: (?=x)")
    stored = {
        "broken": StoredRule("broken", text="title: ["),
        "regex": StoredRule("regex", text=look_ahead),
        "gone": StoredRule("gone", severity="low"),
        MINE: StoredRule(MINE, text=rule_text(MINE, "x")),
    }
    library = library_builder(*PACK, "title: x", PACK[0]).library(stored, NOW)

    assert {rule.alert_rule.id for rule in library.active.values()} == {FORWARDS, ROLES, MINE}
    assert set(library.faults) == {"broken", "regex", "gone", "2.yml", "3.yml"}
    assert "another rule's" in library.faults["3.yml"]
    assert "no rule with this id is shipped" in library.faults["gone"]


def test_what_people_change_of_a_shipped_rule_counts() -> None:
    (plain,) = found_by(message())
    assert (plain.rule.severity, plain.rule.alert_rule.tags) == ("high", ("attack.t1114.003",))
    (lower,) = found_by(message(), stored={FORWARDS: StoredRule(FORWARDS, severity="low")})
    assert lower.rule.severity == "low"
    text = rule_text(FORWARDS, "Set-Mailbox")
    assert found(StoredRule(FORWARDS, text=text)) == []


def test_attributes_that_people_change_lie_over_the_rules_own_and_over_later_ones_of_its_text() -> None:
    own = {"window": None, "suppress": "2d", "working_hours": "outside"}
    stored = {ROLES: StoredRule(ROLES, attributes=own), FORWARDS: StoredRule(FORWARDS, attributes={"window": 3})}
    library = library_builder(*PACK).library(stored, NOW)

    (rule,) = library.active.values()
    assert (rule.grouping.fields, rule.grouping.window, rule.grouping.suppress) == (
        ("actor", "operation"), timedelta(hours=1), timedelta(days=2),
    )  # fmt: skip
    assert rule.attributes.circumstances.working_hours == "outside"
    assert "aoc.window: expected a time" in library.faults[FORWARDS]
    updated = rule_text(ROLES, "Add member to role.", "Role given", aoc={"group_by": ["ip"], "working_hours": "inside"})
    (rule,) = library_builder(updated).library({ROLES: stored[ROLES]}, NOW).active.values()
    assert (rule.grouping.fields, rule.attributes.circumstances.working_hours) == (("ip",), "outside")
    (plain,) = library_builder(updated).library({}, NOW).active.values()
    assert plain.attributes.circumstances.working_hours == "inside"
    switched = StoredRule(ROLES, attributes={"enabled": False})
    assert not library_builder(updated).library({ROLES: switched}, NOW).active


def test_an_exception_holds_until_it_ends_and_where_it_is_for() -> None:
    both = [message(), message(tenant="fabrikam")]

    assert found(StoredRule(FORWARDS, exceptions=(exception(),)), *both) == []
    assert found(StoredRule(FORWARDS, exceptions=(exception(user="sam"),)), *both) == ["contoso", "fabrikam"]
    assert found(StoredRule(FORWARDS, exceptions=(exception(until=NOW),)), *both) == ["contoso", "fabrikam"]
    assert found(StoredRule(FORWARDS, exceptions=(exception(until=ENDS),)), *both) == []
    assert found(StoredRule(FORWARDS, exceptions=(exception(tenants=["contoso"]),)), *both) == ["fabrikam"]


def test_when_the_next_exception_ends_is_known() -> None:
    rule = StoredRule(FORWARDS, exceptions=(exception(1, ENDS), exception(2, NOW), exception(3)))
    library = library_builder(*PACK).library({FORWARDS: rule}, NOW)

    assert library.ends_at == ENDS


def test_an_exception_that_cannot_be_used_leaves_the_rule_at_work() -> None:
    wrong = [exception(1, text="title: ["), exception(2, text=PACK[0]), exception(3, text="title: x\nfilter: 7")]
    rule = StoredRule(FORWARDS, exceptions=tuple(wrong))
    library = library_builder(*PACK).library({FORWARDS: rule}, NOW)

    assert {one.alert_rule.id for one in library.active.values()} == {FORWARDS, ROLES}
    assert all(f"exception e{number}" in library.faults[FORWARDS] for number in (1, 2, 3))


def test_only_what_changed_is_compiled_again() -> None:
    keeper = library_builder(*PACK)
    first = {rule.alert_rule.id: rule for rule in keeper.library({}, NOW).active.values()}
    second = {
        rule.alert_rule.id: rule
        for rule in keeper.library({FORWARDS: StoredRule(FORWARDS, severity="low", revision=1)}, NOW).active.values()
    }

    assert second[ROLES] is first[ROLES]
    assert second[FORWARDS] is not first[FORWARDS]


def test_lists_are_those_of_the_events_tenant() -> None:
    rule = yaml.safe_load(rule_text(MINE, "x"))
    rule["detection"]["selection"] = {"UserId|expand": "%watched%"}
    known = {"contoso": ["kim@*"], "fabrikam": ["sam@*"]}
    tenants = {name: KnownTenant(NamedLists({"watched": entries})) for name, entries in known.items()}
    messages = [message(tenant=tenant) for tenant in ("contoso", "fabrikam", "adatum")]

    found_there = found_by(*messages, texts=[yaml.safe_dump(rule)], tenants=tenants)
    assert [one.placed.tenant for one in found_there] == ["contoso"]


def test_a_twin_is_found_as_the_event_that_stands_for_both_and_a_version_as_its_event() -> None:
    first, second = message("1"), replace(message("2"), twin_of=message("1").id)
    version = changed(first, ClientIP="192.0.2.1")

    assert {one.placed.event for one in found_by(first, second, version)} == {first.id}


def test_what_happened_long_ago_is_marked() -> None:
    assert [one.event.old for one in found_by(message(minutes=-24 * 60), message(minutes=-24 * 60 - 1))] == [
        False,
        True,
    ]
