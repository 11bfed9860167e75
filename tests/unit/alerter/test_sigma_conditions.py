"""Conditions, searches and documents: every form of the specification, and what it means."""

from __future__ import annotations

import pytest

from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.ruleset import RuleSet
from each import each
from sigma_rules import OCSF, fires, rule_of, rule_on

SEARCHES = {"sel_a": {"a": 1}, "sel_b": {"b": 1}, "other": {"c": 1}}

#: condition, and for which of the fields a, b and c it holds
TRUTHS = [
    ("sel_a", {"a", "ab", "ac", "abc"}),
    ("not sel_a", {"", "b", "c", "bc"}),
    ("sel_a and sel_b", {"ab", "abc"}),
    ("sel_a or sel_b", {"a", "b", "ab", "ac", "bc", "abc"}),
    ("sel_a and not sel_b", {"a", "ac"}),
    ("not sel_a and not sel_b", {"", "c"}),
    ("not (sel_a or sel_b)", {"", "c"}),
    ("not not sel_a", {"a", "ab", "ac", "abc"}),
    # not binds before and, and before or
    ("sel_a or sel_b and other", {"a", "ab", "ac", "bc", "abc"}),
    ("sel_a and sel_b or other", {"ab", "abc", "c", "ac", "bc"}),
    ("(sel_a or sel_b) and other", {"ac", "bc", "abc"}),
    ("sel_a and (sel_b or other)", {"ab", "ac", "abc"}),
    ("not sel_a or sel_b", {"", "b", "c", "bc", "ab", "abc"}),
    ("not sel_a and sel_b or other", {"b", "bc", "c", "ac", "abc"}),
    ("((sel_a) and ((not (sel_b))))", {"a", "ac"}),
    # quantifiers
    ("1 of them", {"a", "b", "c", "ab", "ac", "bc", "abc"}),
    ("any of them", {"a", "b", "c", "ab", "ac", "bc", "abc"}),
    ("all of them", {"abc"}),
    ("1 of sel_*", {"a", "b", "ab", "ac", "bc", "abc"}),
    ("all of sel_*", {"ab", "abc"}),
    ("not 1 of sel_*", {"", "c"}),
    ("not all of sel_*", {"", "a", "b", "c", "ac", "bc"}),
    ("1 of *_b", {"b", "ab", "bc", "abc"}),
    ("all of sel_* and not other", {"ab"}),
    ("1 of sel_* and other", {"ac", "bc", "abc"}),
    ("1 of sel_a", {"a", "ab", "ac", "abc"}),
    # in any case
    ("sel_a AND NOT sel_b", {"a", "ac"}),
    ("sel_a Or sel_b", {"a", "b", "ab", "ac", "bc", "abc"}),
    ("ALL OF sel_*", {"ab", "abc"}),
    ("1 OF Them", {"a", "b", "c", "ab", "ac", "bc", "abc"}),
]
EVENTS = ["", "a", "b", "c", "ab", "ac", "bc", "abc"]


@each(("condition", "holding"), TRUTHS, ids=[condition for condition, _ in TRUTHS])
def test_a_condition_holds_for_exactly_those_events(condition, holding) -> None:
    rule = rule_of({**SEARCHES, "condition": condition})

    assert {event for event in EVENTS if fires(rule, dict.fromkeys(event, 1))} == holding


def test_modifiers_are_respelt_in_lists_of_maps_too() -> None:
    rule = rule_on([{"a|utf16le|base64": "ab"}, {"b": 1}])

    assert fires(rule, {"a": "YQBiAA=="})
    assert fires(rule, {"b": 1})
    assert not fires(rule, {"a": "YWI="})


@pytest.mark.parametrize("both", ["sel_a and sel_b", "sel_a AND sel_b"])
def test_several_conditions_are_alternatives(both) -> None:
    rule = rule_of({**SEARCHES, "condition": [both, "other"]})

    assert {event for event in EVENTS if fires(rule, dict.fromkeys(event, 1))} == {"ab", "abc", "c", "ac", "bc"}


def test_a_search_may_have_the_name_of_an_operator_in_upper_case() -> None:
    rule = rule_of({"AND": {"a": 1}, "sel": {"b": 1}, "condition": "AND and sel"})

    assert fires(rule, {"a": 1, "b": 1})
    assert not fires(rule, {"b": 1})


@each(
    ("search", "event", "expected"),
    [
        # the fields of a map all, the maps of a list any
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ([{"a": 1}, {"b": 2}], {"b": 2}, True),
        ([{"a": 1, "b": 2}, {"c": 3}], {"a": 1, "c": 0}, False),
        ([{"a": 1, "b": 2}, {"c": 3}], {"c": 3}, True),
        ([{"a": [1, 2]}, "word"], {"x": "a word"}, True),
        ([{"a": [1, 2]}, "word"], {"a": 2}, True),
        # one field twice, with other modifiers
        ({"a|startswith": "x", "a|endswith": "z"}, {"a": "xyz"}, True),
        ({"a|startswith": "x", "a|endswith": "z"}, {"a": "xy"}, False),
        # each value of a list is tried by itself, so two may answer
        ({"a|contains|all": ["x", "y"]}, {"a": ["x", "y"]}, True),
    ],
)
def test_maps_are_joined_by_and_and_lists_by_or(search, event, expected) -> None:
    assert fires(rule_on(search), event) is expected


def test_a_match_tells_the_values_by_which_the_rule_holds() -> None:
    rule = rule_of(
        {"sel": {"User.Name": ["Sam", "Kim"], "n|gt": 3}, "no": {"x": 1}, "condition": "sel and not no"}, id=RULE_ID
    )

    (match,) = RuleSet([rule]).match({"user": {"name": ["alex", "SAM"]}, "n": 4})

    assert [(value.field, value.value) for value in match.values] == [("User.Name", "SAM"), ("n", "4")]
    assert match.rule.id == RULE_ID
    assert match.log_source == "aoc/ocsf"


def test_a_match_tells_what_is_there_and_what_is_not() -> None:
    rule = rule_on({"a|exists": True, "b|exists": False, "c": None, "d|neq": 1})

    (match,) = RuleSet([rule]).match({"a": "x", "c": None})

    assert [(one.field, one.value) for one in match.values] == [("a", "x"), ("b", "(absent)"), ("c", "null")]


def test_a_match_tells_nothing_of_an_alternative_that_does_not_hold() -> None:
    rule = rule_of({"first": {"a": 1, "b": 2}, "second": {"c": 3}, "condition": "first or second"})

    (match,) = RuleSet([rule]).match({"a": 1, "c": 3})

    assert [(value.field, value.value) for value in match.values] == [("c", "3")]


RULE_ID = "0b2b41a4-4d9f-4f0c-8f0a-9d41a4b9e0a1"


def test_a_match_shows_little_of_a_long_value_and_few_of_many() -> None:
    rule = rule_on({f"f{number}|contains": "x" for number in range(40)})

    (match,) = RuleSet([rule]).match({f"f{number}": "x" * 5_000 for number in range(40)})

    assert len(match.values) == 20
    assert {len(value.value) for value in match.values} == {256}


def test_what_a_rule_says_of_itself_is_kept_and_so_are_keys_of_other_systems() -> None:
    rule = rule_of(
        {"sel": {"a": 1}, "condition": "sel"}, id=RULE_ID, level="high", tags=["attack.t1098"], schedule="nights"
    )

    assert (rule.id, rule.title, rule.level, rule.tags) == (RULE_ID, "A rule", "high", ("attack.t1098",))
    assert rule.attributes == {"schedule": "nights"}


FILTERED = f"""
title: A rule
id: {RULE_ID}
logsource: {{product: aoc, service: ocsf}}
detection:
    selection: {{a: 1}}
    condition: 1 of selection*
---
title: Not those of the lab
logsource: {{product: aoc, service: ocsf}}
filter:
    rules: %s
    selection: {{user|startswith: lab-}}
    condition: NOT selection
"""


@pytest.mark.parametrize(
    ("rules", "expected"), [("any", False), (f"[{RULE_ID}]", False), ("[11111111-1111-4111-8111-111111111111]", True)]
)
def test_a_filter_makes_an_exception_of_the_rules_that_it_is_for(rules, expected) -> None:
    reading = read(FILTERED % rules, "file.yml")
    assert reading.faults == ()

    rule = compile_rule(reading.rules[0], reading.filters)

    assert fires(rule, {"a": 1, "user": "sam"})
    assert fires(rule, {"a": 1, "user": "lab-1"}) is expected
    assert fires(compile_rule(reading.rules[0]), {"a": 1, "user": "lab-1"})


def test_a_correlation_is_handed_on_as_it_is() -> None:
    text = f"""
title: Many
correlation: {{type: event_count, rules: [{RULE_ID}], group-by: [user], timespan: 5m, condition: {{gte: 10}}}}
"""

    assert [rule.title for rule in read(text, "file.yml").correlations] == ["Many"]


def test_rules_are_matched_by_what_they_cover_and_each_once() -> None:
    rules = [rule_on({"a": 1}, title=str(number)) for number in range(3)]
    absent = rule_on({"a": 1}, logsource={"product": "windows"})

    assert [match.rule.title for match in RuleSet([*rules, absent]).match({"a": 1})] == ["0", "1", "2"]
    assert absent.conditions == {}
    assert OCSF == {"product": "aoc", "service": "ocsf"}
