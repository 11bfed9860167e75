"""A rule that cannot be used is refused with its name, the place and the reason; nothing that is hostile does more."""

from __future__ import annotations

import pytest
import yaml

from aoc_rules.sigma import bounds
from aoc_rules.sigma.faults import Fault, RuleRefused
from aoc_rules.sigma.places import in_words
from aoc_rules.sigma.reading import read, read_rule, read_stored
from aoc_rules.sigma.yaml_documents import documents
from each import each
from sigma_rules import fires, rule_of, rule_on, text_of

SEARCH = {"selection": {"a": 1}, "condition": "selection"}


def refusal(detection, **others) -> str:
    with pytest.raises(RuleRefused) as raised:
        rule_of(detection, **others)
    return str(raised.value)


@each(
    ("search", "place", "reason"),
    [
        ({"f|contain": "x"}, "detection.selection.f|contain", "Unknown modifier 'contain'"),
        ({"f|re": "(?=a)b"}, "detection.selection.f|re", "look-around"),
        ({"f|re": r"(a)\1"}, "detection.selection.f|re", "back-references"),
        ({"f|re": "(unclosed"}, "detection.selection.f|re", "'(unclosed': missing )"),
        ({"f|cidr": "192.0.2.1/24"}, "detection.selection.f|cidr", "Invalid CIDR"),
        ({}, "detection", "Detection is empty"),
        ({"f|cidr": 5}, "detection.selection.f|cidr", "a network is a text"),
        ({"f|cidr": ["192.0.2.0/24", 5]}, "detection.selection.f|cidr", "a network is a text"),
        ({"f|gt": "many"}, "detection.selection.f|gt", "incompatible to value type"),
        ({"f|exists": "yes"}, "detection.selection.f|exists", "incompatible to value type"),
        ({"f|base64": "a*b"}, "detection.selection.f|base64", "wildcards is not allowed"),
        ({"f|wide": "größe"}, "detection.selection.f|wide", "only allowed for ascii"),
        ({"f|windash": "-a -b -c -d"}, "detection.selection.f|windash", "at most three"),
        ({"f|contains|re": "x"}, "detection.selection.f|contains|re", "unmodified values"),
        ({"f": {"g": "x"}}, "detection.selection.f", "Unsupported type"),
        ([{"a": 1}, {"f|nope": 1}], "detection.selection[1].f|nope", "Unknown modifier"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_place(search, place, reason) -> None:
    said = refusal({"selection": search, "condition": "selection"})

    assert "'A rule'" in said
    assert f", {place}: " in said
    assert reason in said


@each(
    ("condition", "reason"),
    [
        ("selection and", "Expected"),
        ("selection and missing", "'missing' not defined"),
        ("1 of nothing_*", "doesn't match any detection"),
        ("selection | count() > 5", "correlations"),
        ("(selection", "Unbalanced"),
        ("(" * 21 + "selection" + ")" * 21, "at most 20"),
        ("selection or " * 400 + "selection", "at most 4,096"),
    ],
)
def test_a_condition_that_cannot_be_used_is_named_with_its_place(condition, reason) -> None:
    said = refusal({"selection": {"a": 1}, "condition": condition})

    assert "detection.condition: " in said
    assert reason in said


@each(
    ("text", "reason"),
    [
        ("title: x\ndetection: {sel: {a: 1}, condition: sel}", "log source"),
        ("title: x\nlogsource: {product: aoc}", "detection"),
        ("title: x\nlogsource: {product: aoc}\ndetection: {condition: sel}", "No detections"),
        ("title: x\nlogsource: {product: aoc}\ndetection: {sel: {a: 1}}", "at least one condition"),
        ("- a\n- b", "a rule is a map"),
        ("title: x\nb: [unclosed", "line 3"),
        ("a: 1\ntitle: x\na: 2", "the key 'a' twice"),
        ("a: &x [1]\nb: *x", "anchors and aliases .* line 2"),
        ("action: global\nlogsource: {product: aoc}", "action"),
        ("title: x\nlogsource: {product: aoc}\nlevel: terrible\ndetection: {sel: {a: 1}, condition: sel}", "level"),
        ("title: x\nid: 5\nlogsource: {product: aoc}\ndetection: {sel: {a: 1}, condition: sel}", "x"),
        ("title: x\nlogsource: {product: [aoc]}\ndetection: {sel: {a: 1}, condition: sel}", "must be string"),
        ("title: x\nlogsource: aoc\ndetection: {sel: {a: 1}, condition: sel}", "logsource"),
        ("title: x\nlogsource: {product: aoc}\ndetection: [1]", "x"),
        ("date: 2026-13-45", "no YAML that can be read"),
        ("", "expected one rule"),
        ("\0", "no YAML that can be read"),
    ],
)
def test_a_document_that_is_no_rule_is_refused_with_the_reason(text, reason) -> None:
    with pytest.raises(RuleRefused, match="(?s)" + reason):
        read_rule(text, "rule.yml")


PLACED = """title: x
detection:
  selection:
    user.name|contain: a
    user.name|contain.b: c
  several:
    - f: 1
    - g: [1, 2]
      h: 3
  condition: selection
---
title: y
filter:
  condition: a
"""


@each(
    ("place", "words"),
    [
        ("detection.selection.user.name|contain", "line 4, detection.selection.user.name|contain: bad"),
        ("detection.selection.user.name|contain.b", "line 5, detection.selection.user.name|contain.b: bad"),
        ("detection.several[0].f", "line 7, detection.several[0].f: bad"),
        ("detection.several[1].h", "line 9, detection.several[1].h: bad"),
        ("detection.several[1].g[1]", "line 8, detection.several[1].g[1]: bad"),
        # as far as there is something
        ("detection.several[1].i", "line 8, detection.several[1].i: bad"),
        ("detection.several[2].g", "line 6, detection.several[2].g: bad"),
        ("detection.several.g", "line 6, detection.several.g: bad"),
        ("detection.condition.more", "line 10, detection.condition.more: bad"),
        ("filter.condition", "line 14, filter.condition: bad"),
        ("nowhere", "nowhere: bad"),
        ("", "bad"),
    ],
)
def test_a_fault_is_told_with_the_line_at_which_its_place_stands(place, words) -> None:
    assert in_words(PLACED, [Fault("x", place, "bad")]) == words


def test_of_many_faults_the_first_twenty_are_told_and_what_is_no_yaml_has_no_lines() -> None:
    many = in_words(PLACED, [Fault("x", "title", str(number)) for number in range(1_021)])
    exactly = in_words(PLACED, [Fault("x", "", str(number)) for number in range(20)])

    assert many == "; ".join([*(f"line 1, title: {number}" for number in range(20)), "and 1,001 more"])
    assert exactly == "; ".join(map(str, range(20)))
    assert in_words(PLACED, [Fault("x", "", "a"), Fault("x", "title", "b")]) == "a; line 1, title: b"
    assert in_words("a: [", [Fault("x", "a", "bad")]) == "a: bad"


def test_one_faulty_rule_of_a_file_does_not_cost_the_others() -> None:
    reading = read(
        "---\n".join([text_of(SEARCH, title="good"), text_of({**SEARCH, "condition": "x"}, title="bad")]), "f"
    )

    assert [rule.title for rule in reading.rules] == ["good"]
    assert [(fault.rule, fault.place) for fault in reading.faults] == [("bad", "detection.condition")]


def test_every_fault_of_a_rule_is_told_at_once() -> None:
    with pytest.raises(RuleRefused) as raised:
        rule_on({"f|nope": 1, "g|re": "(", "h": 1})

    assert [fault.place for fault in raised.value.faults] == ["detection.selection.f|nope", "detection.selection.g|re"]


def test_more_than_one_placeholder_in_a_value_is_refused() -> None:
    assert "2 placeholders" in refusal({"selection": {"f|expand": "%a%-%b%"}, "condition": "selection"})


def test_a_rule_of_a_megabyte_is_refused_before_it_is_read() -> None:
    said = refusal({"selection": {"f": "x" * (1 << 20)}, "condition": "selection"})

    assert "at most 524,288" in said


@pytest.mark.slow
def test_ten_thousand_whole_texts_are_one_look_up_and_as_many_parts_are_refused() -> None:
    values = [f"value-{number}" for number in range(10_000)]
    rule = rule_on({"f": values})

    assert fires(rule, {"f": "VALUE-9999"})
    assert not fires(rule, {"f": "value-10000"})
    said = refusal({"selection": {"f|contains": values}, "condition": "selection"})
    assert "10,000 values that are no whole texts; at most 2,000" in said


def test_as_many_parts_as_may_be_are_found_in_one_pass() -> None:
    values = [f"part-{number}-" for number in range(bounds.PATTERNS)]

    assert fires(rule_on({"f|contains": values}), {"f": "a part-1999- here"})


def test_as_many_values_as_may_be_are_taken(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "VALUES", 3)

    assert fires(rule_on({"f": ["a", "b", "c"]}), {"f": "c"})
    assert "4 values" in refusal({"selection": {"f": ["a", "b", "c", "d"]}, "condition": "selection"})


def test_parts_are_counted_over_a_rule_and_whole_texts_are_none(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "PATTERNS", 3)
    texts = ["a", "b", "c", "d"]
    for search in (
        {"f|contains": texts},
        {"f": ["a*", "b?", "c", "d"]},
        texts,
        [{"f|contains": texts[:2]}, {"g|endswith": texts[2:]}],
    ):
        assert "4 values that are no whole texts" in refusal({"selection": search, "condition": "selection"})
    for taken in ({"f|contains": texts[:3]}, {"f": texts}, {"f|cased": texts}, dict.fromkeys(texts, "whole")):
        rule_on(taken)


def test_as_many_documents_and_levels_are_taken_as_the_bounds_say(monkeypatch) -> None:
    assert len(documents("a: " + "[" * 19 + "]" * 19, "f")) == 1
    with pytest.raises(RuleRefused, match="document 1 is deeper than 20 maps and lists"):
        documents("a: " + "[" * 20 + "]" * 20, "f")
    monkeypatch.setattr(bounds, "DOCUMENT_BYTES", 16)
    assert documents("a: x # 16 bytes!", "f") == [{"a": "x"}]
    with pytest.raises(RuleRefused, match="17 bytes of YAML"):
        documents("a: x # 17 bytes!!", "f")
    monkeypatch.undo()
    monkeypatch.setattr(bounds, "DOCUMENTS", 2)
    assert documents("a: 1\n---\nb: 2", "f") == [{"a": 1}, {"b": 2}]
    with pytest.raises(RuleRefused, match="more than 2 documents"):
        documents("a: 1\n---\nb: 2\n---\nc: 3", "f")


def test_a_condition_may_have_as_many_brackets_as_the_bound_says(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "CONDITION_DEPTH", 3)

    assert fires(rule_on({"f": 1}, "(((selection)))"), {"f": 1})
    assert "brackets 4 deep; at most 3" in refusal({"selection": {"f": 1}, "condition": "((((selection))))"})


def test_a_correlation_s_condition_is_bounded_too() -> None:
    condition = "(" * 21 + "a" + ")" * 21
    section = {"type": "temporal", "rules": ["a"], "timespan": "5m", "group-by": ["f"], "condition": condition}
    reading = read(yaml.safe_dump({"title": "c", "correlation": section}), "f")

    assert [(fault.place, "at most 20" in str(fault)) for fault in reading.faults] == [("correlation.condition", True)]


def test_what_is_stored_is_one_rule_or_one_correlation_with_rules() -> None:
    one, other = text_of(SEARCH, title="one", name="one"), text_of(SEARCH, title="other", name="other")
    section = {"type": "event_count", "rules": ["one"], "timespan": "5m", "condition": {"gte": 2}}
    counts = yaml.safe_dump({"title": "counts", "correlation": section})
    but = {"rules": "any", "x": {"a": 2}, "condition": "not x"}
    filters = yaml.safe_dump({"title": "but", "logsource": {"product": "aoc"}, "filter": but})

    def stored(*texts: str) -> tuple[str, list[str]]:
        rule, beside = read_stored("\n---\n".join(texts), "f")
        return rule.title, [one.title for one in beside]

    assert [one.title for one in read(filters, "f").filters] == ["but"]
    assert stored(one) == ("one", [])
    assert stored(counts) == ("counts", [])
    assert stored(one, counts, other) == ("counts", ["one", "other"])
    for texts in ((one, other), (counts, counts), (filters,), (one, filters), (counts, filters)):
        with pytest.raises(RuleRefused, match="expected one rule, or one correlation"):
            stored(*texts)


@pytest.mark.slow
def test_more_values_than_may_be_are_refused() -> None:
    said = refusal({"selection": {"f": [str(number) for number in range(bounds.VALUES + 1)]}, "condition": "selection"})

    assert "20,001 values; at most 20,000" in said
    assert "named list" in said


@each("pattern", [r"(a+)+$", r"(a|aa)+$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(.*a){20}$"])
def test_an_expression_that_ruins_other_engines_costs_time_in_proportion_to_the_text(pattern) -> None:
    assert not fires(rule_on({"f|re": pattern}), {"f": "a" * 60_000 + "!"})  # others take years


@each("pattern", ["(a{1000}){1000}", "((a{100}){100}){100}", "a" * 5_000, r"[\pL]{900}"])
def test_an_expression_that_is_too_large_is_refused(pattern) -> None:
    assert "regular expression" in refusal({"selection": {"f|re": pattern}, "condition": "selection"})


def test_an_expression_may_be_as_long_as_the_bound_says() -> None:
    assert fires(rule_on({"f|re": "a" * bounds.REGEX_LENGTH}), {"f": "a" * bounds.REGEX_LENGTH})


def test_a_rule_for_a_log_source_that_is_not_ours_is_checked_all_the_same() -> None:
    with pytest.raises(RuleRefused, match="regular expression"):
        rule_on({"f": "a?" * 3_000}, logsource={"product": "windows"})


def test_brackets_without_end_are_refused() -> None:
    with pytest.raises(RuleRefused):
        read_rule("a: " + "[" * 100_000, "rule.yml")


def test_a_million_nodes_by_anchors_are_refused() -> None:
    layers = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8))
    with pytest.raises(RuleRefused, match="anchors"):
        read_rule(f"a0: &a0 [x]\n{layers}", "rule.yml")
