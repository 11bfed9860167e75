"""A correlation tried on history: what it counts and misses, where it stops, and what it says then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import yaml

from alerting import MINE, NOW, message, rule_text
from aoc_common.store.rules import StoredRule
from aoc_rules.catalogue import Catalogue, Written, compiled_of, written_of
from aoc_rules.evaluation import trial
from aoc_rules.evaluation.answers import Stretch, answer
from aoc_rules.evaluation.trial import CorrelationTest
from aoc_rules.sigma.faults import RuleRefused
from correlating import ALL, RULES, base_texts, correlation_text
from trying import pairs, rules_of, tried

if TYPE_CHECKING:
    from aoc_common.contracts.event_message import EventMessage
    from aoc_common.gateway.rule_tests import RuleTest

DAY = timedelta(days=1)


def op(name: str, minutes: float, user: str = "kim", **more: Any) -> EventMessage:
    return message(f"{name}-{minutes}-{user}", f"Op-{name}", minutes, UserId=f"{user}@contoso.example", **more)


def told(test: CorrelationTest, end: float = 60) -> RuleTest:
    return answer(test, Stretch(NOW, NOW + timedelta(minutes=end)))


async def test_base_rules_alerts_and_the_events_that_completed_them_are_told() -> None:
    events = [*(op("a", minute) for minute in (0, 4, 10, 14)), op("a", 1, "sam"), op("a", 80), op("a", 84), op("a", 90)]
    shuffled = [events[3], *events[4:], *events[:3]]
    found = told(await tried(rules_of(*base_texts(), correlation_text()), shuffled, NOW + DAY), 1440)

    assert (found.events, found.matches, found.alerts, found.alerts_a_day, found.complete) == (8, 7, 2, 2, True)
    [rule] = found.rules
    assert (rule.id, rule.title, rule.matches, rule.uncounted, rule.alerts) == (RULES["a"], "Rule a", 8, 0, 0)
    assert [(one.start.hour, one.matches) for one in rule.hours] == [(8, 5), (9, 3)]
    assert [(one.start.hour, one.matches, one.alerts) for one in found.hours] == [(8, 4, 1), (9, 3, 1)]
    newest, first = found.raised
    assert [one.at for one in (newest, first)] == [NOW + timedelta(minutes=at) for at in (90, 10)]
    assert (first.common[0].value, first.group, first.count) == ("kim@contoso.example", first.common, 4)
    assert [event.id for event in first.events] == [one.id for one in events[:3]]
    assert [one.field for one in first.events[0].matched] == ["Operation"]
    assert first.last_at == NOW + timedelta(minutes=14)


@pytest.mark.parametrize(("third", "alerts"), [(10, 1), (10.02, 0)])
async def test_a_window_has_both_its_ends(third: float, alerts: int) -> None:
    rules = rules_of(*base_texts(), correlation_text())
    found = told(await tried(rules, [op("a", 0), op("a", 5), op("a", third)], NOW + DAY))

    assert found.alerts == alerts


@pytest.mark.parametrize(("until", "alerts", "undecided"), [(9.99, 0, 2), (10, 1, 1), (60, 2, 0)])
async def test_what_is_missing_is_told_when_its_time_is_over_and_else_is_undecided(
    until: float, alerts: int, undecided: int
) -> None:
    text = correlation_text(type="temporal", rules=["a", "b"], condition="a and not b")
    events = [op("a", 0), op("a", 8, "lee")]
    events += [op("a", 1, "sam"), op("b", 11, "sam"), op("a", 0, "eve"), op("b", 5, "eve")]
    found = told(await tried(rules_of(*base_texts(), text), events, NOW + timedelta(minutes=until)))

    assert (found.alerts, found.undecided) == (alerts, undecided)
    if alerts:
        assert found.raised[-1].at == NOW + timedelta(minutes=10)


async def test_a_rule_raises_alerts_of_its_own_only_if_the_correlation_lets_it() -> None:
    for generate in (False, True):
        rules = rules_of(*base_texts(), correlation_text(generate=generate))
        found = told(await tried(rules, [op("a", minute) for minute in range(3)], NOW + DAY))
        assert (found.alerts, [one.alerts for one in found.rules]) == (1, [int(generate)])


async def test_windows_that_another_correlation_counts_are_told_beside_its_rules() -> None:
    inner = f"name: pairs\n{correlation_text(MINE, condition={'gte': 2})}".replace("Correlated", "Pairs")
    outer = correlation_text(type="temporal_ordered", rules=["pairs", "b"])
    events = [op("a", 0), op("a", 1), op("b", 3), op("b", 4, "sam")]
    found = told(await tried(rules_of(*base_texts(), inner, outer), events, NOW + DAY))

    assert found.alerts == 1
    assert [(one.title, one.matches, one.correlation) for one in found.rules] == [
        ("Rule a", 2, False), ("Rule b", 2, False), ("Pairs", 1, True),
    ]  # fmt: skip
    alone = told(await tried(rules_of(*base_texts(), inner, outer, identity=MINE), events, NOW + DAY))
    assert (alone.alerts, [one.title for one in alone.rules]) == (1, ["Rule a"])  # tried as if nobody named it


@pytest.mark.parametrize("at_once", [1, 200])
async def test_what_is_missing_of_windows_is_decided_after_these_are(monkeypatch, at_once: int) -> None:
    monkeypatch.setattr(trial, "_AT_ONCE", at_once)
    said = {"type": "value_avg", "condition": {"gt": 4, "field": "Size"}, "timespan": "30m"}
    inner = f"name: averages\n{correlation_text(MINE, **said)}"  # decided by stretches of three minutes
    asked = {"type": "temporal", "rules": ["b", "averages"], "condition": "b and not averages"}
    rules = rules_of(*base_texts(), inner, correlation_text(**asked))
    later = [op("a", minute, "sam", Size="1") for minute in (11.1, 11.5, 12.1, 30)]
    missed = told(await tried(rules, [op("b", 0), *later, op("a", 10, Size="7")], NOW + DAY))
    raised = told(await tried(rules, [op("b", 0), *later, op("a", 10, Size="1")], NOW + DAY))

    assert (missed.alerts, raised.alerts) == (0, 1)


async def test_of_twins_the_first_counts_whichever_is_read_first() -> None:
    first = op("a", 0)
    second = replace(op("a", 1), id=UUID(int=7), twin_of=first.id)
    rules = rules_of(*base_texts(), correlation_text(condition={"gte": 2}))
    for events in ([first, second], [second, first]):
        found = told(await tried(rules, events, NOW + DAY))
        assert (found.alerts, [one.matches for one in found.rules]) == (0, [1])
    found = told(await tried(rules, [second, op("a", 9), first], NOW + DAY))
    assert [event.at for event in found.raised[0].events] == [NOW, NOW + timedelta(minutes=9)]


async def test_matches_without_what_the_correlation_groups_by_are_told_as_not_counted() -> None:
    text = correlation_text(**{"group-by": ["UserId", "Nowhere"]})
    found = told(await tried(rules_of(*base_texts(), text), [op("a", minute) for minute in range(4)], NOW + DAY))

    assert [(one.matches, one.uncounted, one.group_by) for one in found.rules] == [(4, 4, ["UserId", "Nowhere"])]
    assert found.alerts == 0


async def test_an_event_is_of_the_alert_of_the_window_that_has_it_first_however_many_come_at_once() -> None:
    text = correlation_text(aoc={"group_by": ["operation"]}, rules=["a", "b"])
    events = [*(op("a", minute) for minute in range(3)), op("b", 4)]
    found = told(await tried(rules_of(*base_texts(), text), events, NOW + DAY))

    assert [(one.group[0].value, one.count) for one in found.raised] == [("Op-b", 1), ("Op-a", 3)]


async def test_nothing_is_looked_up_of_what_is_not_done_for_the_first_time() -> None:
    asks = {"first_seen": {"of": "operation", "within": "1d"}}
    base = rule_text(RULES["a"], "Op-a", "Rule a", name="a", aoc=asks)
    test = CorrelationTest(rules_of(base, correlation_text(condition={"gte": 2})), "contoso")
    test.add_all(pairs(op("a", minute) for minute in range(3)))

    assert (list(test.uses), test.waiting) == (["operation"], 3)
    for use, take in test.undecided():
        if use.at > NOW:
            take()
    await test.evaluate(NOW + DAY, lambda: True)
    assert (test.waiting, told(test).matches) == (0, 2)


async def test_of_more_hits_or_less_time_than_there_is_the_first_are_decided_and_that_is_said(
    monkeypatch,
) -> None:
    rules = rules_of(*base_texts(), correlation_text())
    events = [op("a", minute) for minute in range(6)]
    full = CorrelationTest(rules, "contoso", most=6)
    full.add_all(pairs(events[:5]))
    assert not full.full
    full.add_all(pairs(events[5:]))
    assert full.full

    monkeypatch.setattr(trial, "_AT_ONCE", 4)
    reached = await full.evaluate(NOW + DAY, lambda: False)
    assert (reached.stopped, reached.until) == ("time", NOW + timedelta(minutes=4, milliseconds=-1))
    found = answer(full, Stretch(NOW, reached.until, reached.stopped))
    assert (found.complete, found.stopped, found.alerts, found.matches) == (False, "time", 1, 4)
    assert [one.matches for one in found.rules] == [4]
    monkeypatch.setattr(trial, "_MOST_HITS", 4)
    assert (await full.evaluate(NOW + DAY, lambda: True)).stopped == "hits"


async def test_a_crowded_group_a_long_timespan_and_other_tenants_are_noted(monkeypatch) -> None:
    monkeypatch.setattr("aoc_rules.evaluation.completing.MOST_HITS", 3)
    monkeypatch.setattr("aoc_rules.evaluation.completing.MOST_DECIDED", 3)
    rules = rules_of(*base_texts(), correlation_text(timespan="2h", condition={"gte": 5}, aoc={"across_tenants": True}))
    found = told(await tried(rules, [op("a", minute) for minute in range(5)], NOW + DAY))

    assert [one.partition(":")[0].partition(" hits")[0] for one in found.notes] == [
        "It looks at all tenants together", "Its timespan is longer than the stretch that was searched.",
        "Groups had more than 100,000",
    ]  # fmt: skip


async def test_what_a_crowd_hides_when_it_comes_is_found_when_its_stretch_is_over(monkeypatch) -> None:
    monkeypatch.setattr("aoc_rules.evaluation.completing.MOST_HITS", 3)
    rules = rules_of(*base_texts(), correlation_text(condition={"gte": 5}))
    found = told(await tried(rules, [op("a", minute) for minute in range(7)], NOW + DAY))

    assert (found.alerts, [one.matches for one in found.rules], found.notes) == (1, [7], [])


def document(text: str, **more: Any) -> str:
    return yaml.safe_dump({**yaml.safe_load(text), **more})


def test_a_text_has_a_correlation_with_rules_beside_it_or_names_those_that_are_stored() -> None:
    mine = document(base_texts()[0], id=MINE, name="mine", title="Mine")
    stored = {identity: StoredRule(identity, text) for identity, text in zip(RULES.values(), base_texts(), strict=True)}
    catalogue = Catalogue((), home=True)

    def names(text: str) -> set[str]:
        written = written_of(text, "the rule")
        assert isinstance(written, Written)
        return {one.alert_rule.title for one in catalogue.tried(written, stored, NOW).library.active.values()}

    both = correlation_text(type="temporal", rules=["mine", "b"])
    assert names(f"{mine}---\n{both}") == {"Mine", "Rule b"}
    assert names(f"---\n{both}---\n\n--- \n{mine}") == {"Mine", "Rule b"}
    assert names(document(correlation_text(), aoc={"enabled": False})) == {"Rule a"}
    # A rule of the text is in the place of the stored one, which stays as it is.
    changed = document(base_texts()[0], title="Changed")
    assert names(f"{changed}---\n{correlation_text()}") == {"Changed"}
    assert names(correlation_text()) == {"Rule a"}
    assert compiled_of(written_of(mine, "the rule")).title == "Mine"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (correlation_text(rules=["nowhere"]), "'Correlated', correlation.rules: there is no rule 'nowhere'"),
        (correlation_text(rules=["off"]), "the rule 'off' is off, or cannot be used"),
        (f"{correlation_text()}---\n{correlation_text(MINE)}", "expected one correlation that no other one names"),
        (f"{base_texts()[0]}---\n{base_texts()[1]}", "expected one rule, or one correlation with the rules that it"),
        (f"{correlation_text()}---\n{base_texts()[0]}---\n{base_texts()[0]}", "two of its documents have the same id"),
        (f"{base_texts()[0]}---\n{correlation_text(timespan='40d')}", "40d; at most 30d are taken"),
        (f"{correlation_text()}---\n{base_texts()[0]}".replace("Operation:", "Operation|no:"), "line 17, detection."),
        ("--- \n", "expected one rule, or one correlation with the rules that it names"),
    ],
)  # fmt: skip
def test_what_is_missing_or_wrong_is_named(text: str, reason: str) -> None:
    off = rule_text("44444444-0000-4000-8000-000000000004", "Op-d", name="off")
    stored = {"44444444-0000-4000-8000-000000000004": StoredRule("44444444-0000-4000-8000-000000000004", off, False)}
    stored |= {RULES["a"]: StoredRule(RULES["a"], base_texts()[0])}

    def read_and_tried() -> None:
        written = written_of(text, "the rule")
        assert isinstance(written, Written)
        Catalogue((), home=True).tried(written, stored, NOW)

    with pytest.raises(RuleRefused) as refused:
        read_and_tried()

    assert reason in refused.value.faults[0].reason


def test_what_a_text_has_beside_and_nothing_names_is_noted() -> None:
    mine = document(base_texts()[0], id=MINE, title="Mine")  # whose name is that of a stored rule
    stored = {RULES["a"]: StoredRule(RULES["a"], base_texts()[0])}
    written = written_of(f"{correlation_text()}---\n{mine}", "the rule")
    assert isinstance(written, Written)
    rules = Catalogue((), home=True).tried(written, stored, NOW)

    assert [one.alert_rule.title for one in rules.library.active.values()] == ["Rule a"]
    assert rules.notes[0].startswith("'Mine' of the text is not counted")
    assert rules.plan.id == ALL
