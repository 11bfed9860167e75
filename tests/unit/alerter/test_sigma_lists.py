"""A tenant's named lists are used as far as their bounds, and remember few of their forms."""

from __future__ import annotations

import pytest

from aoc_rules.sigma import bounds, named_lists
from aoc_rules.sigma.named_lists import NamedList, NamedLists
from aoc_rules.sigma.ruleset import RuleSet
from sigma_rules import fires, rule_of, rule_on


def test_as_many_entries_with_wildcards_are_taken_as_the_bound_says_and_whole_ones_beyond(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "LIST_PATTERNS", 3)
    rule = rule_on({"f|expand": "%l%"})
    lists = {"l": ["one", "a*", "b*", "two", "c*", "d*", "three"]}

    assert [word for word in ("one", "a1", "b1", "two", "c1", "d1", "three") if fires(rule, {"f": word}, lists)] == [
        "one", "a1", "b1", "two", "c1", "three",
    ]  # fmt: skip


def test_a_list_may_be_as_long_as_the_bound_says(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "LIST_ENTRIES", 2)

    assert len(NamedList(["a", "b", "a"]).entries) == 2
    with pytest.raises(ValueError, match="a list of 3 entries; at most 2"):
        NamedList(["a", "b", "c"])


def test_few_forms_of_a_list_are_remembered(monkeypatch) -> None:
    monkeypatch.setattr(named_lists, "_FORMS", 2)
    held = NamedList(["a"])
    lists = NamedLists({"l": held})
    for number in range(5):
        text = rule_on({"f|expand": f"%l%{number}"})
        expression = rule_on({"f|re|expand": f"^%l%{number}$"})
        event = {"f": f"a{number}"}

        assert len(RuleSet([text, expression]).match(event, lists)) == 2
        assert len(held._forms) <= 2
        assert len(held._expressions) <= 2


def test_a_rule_that_names_two_lists_does_not_match_where_one_is_missing() -> None:
    rule = rule_of({"a": {"f|expand": "%one%"}, "b": {"f|expand": "%two%"}, "condition": "a or b"})

    assert not fires(rule, {"f": "x"}, {"one": ["x"]})
    assert fires(rule, {"f": "x"}, {"one": ["x"], "two": []})
