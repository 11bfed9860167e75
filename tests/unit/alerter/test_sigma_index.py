"""The index gives every rule that an event matches, whatever rules there are: held against trying each of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aoc_rules.sigma import literals, log_sources, regexes
from aoc_rules.sigma.index import Index
from aoc_rules.sigma.named_lists import NamedLists
from aoc_rules.sigma.record import Record
from aoc_rules.sigma.ruleset import RuleSet
from each import each
from sigma_generated import DETECTIONS, EVENTS
from sigma_rules import fires, rule_of, rule_on
from thoroughness import THOROUGH

LISTS = NamedLists({"words": ["ab", "x*", ""]})


@pytest.mark.slow
@settings(max_examples=1_000 if THOROUGH else 25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(DETECTIONS, min_size=1, max_size=4), st.lists(EVENTS, min_size=1, max_size=6))
def test_no_rule_that_matches_is_lost_by_the_index(detections, events) -> None:
    _check(detections, events)


def _check(detections, events) -> None:
    rules = RuleSet([rule_of(detection) for detection in detections])

    for event in events:
        assert rules.match(event, LISTS) == rules.match_each(event, LISTS)


def candidates(rules, event) -> set[str]:
    return {rule.title for rule in Index(rules, log_sources.OCSF).candidates(Record(event))}


def test_an_event_meets_only_the_rules_that_could_match() -> None:
    rules = [rule_on({"op": f"operation {number}", "status": "success"}, title=str(number)) for number in range(100)]
    rules.append(rule_on({"op|contains": "delete"}, title="part"))
    rules.append(rule_on({"op|re": "^remove .* from"}, title="expression"))
    rules.append(rule_on({"size|gt": 5}, title="number"))
    rules.append(rule_on({"op": "x"}, "not selection", title="anything but"))

    assert candidates(rules, {"op": "Operation 7", "status": "success"}) == {"7", "anything but"}
    assert candidates(rules, {"op": "hard delete"}) == {"part", "anything but"}
    assert candidates(rules, {"op": "to remove "}) == {"expression", "anything but"}
    assert candidates(rules, {"size": 1}) == {"number", "anything but"}


@each(
    ("search", "met", "unmet"),
    [
        # a whole text is rarer than a part, this rarer than a text that many have, and that rarer than a field
        ({"note|contains": "long part", "op": "x"}, {"op": "x"}, {"note": "a long part"}),
        ({"op": "x", "note|contains": "long part"}, {"op": "x"}, {"note": "a long part"}),
        ({"status": "success", "note|contains": "abcd"}, {"note": "abcd"}, {"status": "success"}),
        ({"size|gt": 5, "status": "success"}, {"status": "success"}, {"size": 6}),
        ({"status": "success", "size|gt": 5}, {"status": "success"}, {"size": 6}),
        ({"size|gt": 5, "note|contains": "abc"}, {"note": "abc"}, {"size": 6}),
        # a part of three letters is in more than a value of twenty
        ({"note|contains": "abc", "op": [f"x{number}" for number in range(20)]}, {"op": "x7"}, {"note": "abc"}),
        ({"note|contains": "abcd", "op": [f"x{number}" for number in range(20)]}, {"note": "abcd"}, {"op": "x7"}),
        ([{"op": "x"}, {"note": "y"}], {"note": "y"}, {"size": 1}),
    ],
)
def test_a_rule_is_looked_for_by_what_fewest_events_have(search, met, unmet) -> None:
    rule = rule_on(search)

    assert candidates([rule], met)
    assert not candidates([rule], unmet)


@each(("search", "event"), [({"op": ["?", "abc"]}, {"op": "x"}), ({"|re": "[xy]"}, {"op": "x"})])
def test_what_nothing_is_sure_to_be_in_is_tried_on_every_event(search, event) -> None:
    assert fires(rule_on(search), event)


@each(
    ("pattern", "text"),
    [
        ("abc", "abc"),
        (r"ab\d", "ab"),
        (r"[a\]]bc", "bc"),
        (r"(a\))bc", "bc"),
        ("[^]]bc", "bc"),
        ("ab?c", "a"),
        ("abc*", "ab"),
        ("ab+c", "ab"),
        ("^abc$", "abc"),
        ("a.bcd", "bcd"),
        ("ab|cd", ""),
        ("(ab)cde", "cde"),
        ("(ab|x)?cde", "cde"),
        ("((a)b)cde", "cde"),
        ("(()ab)cde", "cde"),
        ("[]]bcd", "bcd"),
        ("[abc]de", "de"),
        ("[^]a]de", "de"),
        (r"a\.bc", "a.bc"),
        (r"\dabc", "abc"),
        (r"\x41bc", ""),
        ("(?i)abc", ""),
        ("(?:abc)d", "d"),
        ("a{2}bcd", "bcd"),
        (r"\Qa|b\E", ""),
        ("[[:alpha:]]xy", "xy"),
        (r"(a\)b)xyz", "xyz"),
        ("", ""),
        ("a{", ""),
        ("(?P<n>a)bc", "bc"),
        (r"\ttab", "\ttab"),
    ],
)
def test_a_text_that_an_expression_cannot_do_without(pattern, text) -> None:
    assert literals.required(pattern) == text


PIECES = st.sampled_from(
    ["a", "b", "ab", ".", "a?", "b*", "a+", "[ab]", "[^a]", "(ab)", "(a|b)", "(?:ab)?", "^", "$", r"\.", "b{2}", r"\w"]
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join), st.text("abc.", max_size=8))
def test_whatever_an_expression_matches_has_that_text(pattern, text) -> None:
    if regexes.found(regexes.compiled(pattern), text):
        assert literals.required(pattern) in text
