"""What correlations say, and why some cannot be used: by name, with the place and the reason."""

from __future__ import annotations

import time
from datetime import timedelta

from alerting import MINE, library_builder, rule_text
from aoc_common.store.rules import StoredRule
from correlating import ALL, NOW, RULES, base_texts, correlation_text, library_of, plan
from each import each

EXTENDED = {"type": "temporal", "rules": ["a", "b"]}
REFUSED = [
    ({"rules": ["nobody"]}, "correlation.rules: there is no rule 'nobody'"),
    ({"timespan": "31d"}, "correlation.timespan: 31d; at most 30d"),
    ({"group-by": list("uvwxyz")}, "6 fields; at most 5"),
    ({"condition": {"gte": 5001}}, "counts up to 5,000"),
    ({"condition": {"gte": 0}}, "is always"),
    ({"condition": {"lt": 1}}, "is never"),
    ({"type": "temporal", "condition": {"gte": 2}}, "of 1 rules is never"),
    ({"type": "value_count", "condition": {"gte": 2, "field": ["x", "y"]}}, "a list of fields is not supported"),
    ({"type": "value_percentile", "condition": {"gte": 2, "field": "x"}}, "expected a number from 0 to 100"),
    ({"type": "temporal_ordered", "rules": ["a", "b"], "condition": {"lt": 2}}, "matched in order can be asked for"),
    ({**EXTENDED, "condition": "not a and not b"}, "no event that a window begins with"),
    ({**EXTENDED, "rules": ["a"], "condition": "a and not a"}, "it never holds"),
    ({"aliases": {"who": {"c": "UserId"}}}, "correlation.aliases.who: 'c' is none of its rules"),
    ({"rules": [ALL]}, "names this correlation"),
    ({"type": "event_total"}, "no valid Sigma correlation type"),
    ({"condition": "a and b"}, "can only be used with temporal"),
    ({"aoc": {"group_by": ["ip"]}}, "aoc.group_by: 'ip'"),
    ({"aoc": {"group_by": ["actor"]}, "condition": {"lt": 2}}, "that can be taken back"),
    ({"aoc": {"across_tenants": "yes"}}, "aoc.across_tenants: expected true or false"),
]


@each(("said", "reason"), REFUSED)
def test_what_is_not_supported_is_named_with_the_reason_and_the_rules_stay(said, reason) -> None:
    library = library_of(correlation_text(**said))

    assert library.correlations.plans == {}
    (fault,) = library.faults.values()
    assert reason in fault
    assert "Correlated" in fault
    assert len(library.active) == 4
    assert not library.correlations.silent


def test_a_hostile_expression_is_refused_at_once() -> None:
    began = time.perf_counter()
    for condition in ("(" * 40 + "a" + ")" * 40, " and ".join("(a or b)" for _ in range(900)), "not " * 1000 + "a"):
        library = library_of(correlation_text(**{**EXTENDED, "condition": condition}))
        assert library.faults or library.correlations.plans
    assert time.perf_counter() - began < 10


def test_across_tenants_needs_a_home() -> None:
    text = correlation_text(aoc={"across_tenants": True})
    shipped = library_builder(*base_texts(), text)
    assert shipped.library({}, NOW).correlations.plans[ALL].across
    shipped._home = False
    assert "AOC_ALERTER__HOME_TENANT" in shipped.library({}, NOW).faults[ALL]


def test_rules_that_are_counted_raise_nothing_themselves_unless_they_are_to() -> None:
    library = library_of(correlation_text())
    assert library.correlations.silent == {RULES["a"]}
    assert library_of(correlation_text(generate=True)).correlations.silent == set()

    off = rule_text(MINE, "x", name="quiet", aoc={"enabled": False})
    shipped = library_builder(off, correlation_text(rules=["quiet"], generate=True))
    library = shipped.library({}, NOW)
    assert (len(library.active), library.correlations.silent) == (1, frozenset({MINE}))
    gone = shipped.library({ALL: StoredRule(ALL, enabled=False)}, NOW)
    assert (len(gone.active), gone.correlations.plans) == (0, {})
    assert "is off" in shipped.library({MINE: StoredRule(MINE, enabled=False)}, NOW).faults[ALL]


def test_aliases_chains_and_what_people_change() -> None:
    inner = correlation_text(MINE, rules=["a", "b"], type="temporal", aliases={"who": {"b": "ObjectId"}})
    inner = inner.replace("- UserId", "- who")
    outer = correlation_text(type="temporal_ordered", rules=[MINE, "c"], aliases={"UserId": {MINE: "who"}})
    library = library_of(outer, inner)
    assert library.faults == {}
    plans = library.correlations.plans
    assert [slot.group for slot in plans[MINE].slots] == [("who",), ("ObjectId",)]
    assert [(slot.group, slot.inner) for slot in plans[ALL].slots] == [(("who",), True), (("UserId",), False)]
    assert (plans[MINE].alerts, plans[ALL].alerts) == (False, True)
    other = library_of(correlation_text(rules=[MINE]), inner)
    assert "which groups by who" in other.faults[ALL]


def test_a_stored_text_has_a_correlation_and_the_rules_that_it_names() -> None:
    text = rule_text(MINE, "x", name="of_mine") + "---\n" + correlation_text(rules=["of_mine"])
    library = library_builder().library({ALL: StoredRule(ALL, text=text, severity="low")}, NOW)
    assert library.faults == {}
    assert library.correlations.plans[ALL].severity == "low"
    assert [rule.alert_rule.id for rule in library.active.values()] == [MINE]
    two = library_builder().library({ALL: StoredRule(ALL, text=text + "---\n" + rule_text(RULES["a"], "x"))}, NOW)
    assert len(two.active) == 1


def test_the_plan_says_what_is_decided_when() -> None:
    assert not plan().settled
    assert plan(condition={"lt": 2}).ahead
    average = plan(type="value_avg", condition={"gte": 2, "field": "x"})
    assert (average.settled, average.ahead) == (True, False)
    assert plan(timespan="2h").window == timedelta(hours=2)
    assert plan().window == timedelta(hours=1)
