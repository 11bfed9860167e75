"""Every bound of the engine to the last one, and what lies beside what a rule asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aoc_rules.sigma import bounds
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.faults import RuleRefused
from aoc_rules.sigma.fields import FieldTable
from aoc_rules.sigma.reading import read, read_rule
from aoc_rules.sigma.record import Record
from aoc_rules.sigma.yaml_documents import documents
from each import each
from sigma_rules import fires, rule_of, rule_on, text_of

MANY, DEEP = bounds.FIELD_VALUES, bounds.FIELD_DEPTH
AUDIT = {"product": "m365", "service": "audit"}


def audit(record) -> dict:
    return {"metadata": {"log_name": "Unified Audit Log: x"}, "raw_data": json.dumps(record)}


def nested(value, levels: int):
    for _ in range(levels):
        value = [value]
    return value


@each(
    ("search", "record", "expected"),
    [
        ({"f": "w"}, {"f": ["x"] * (MANY - 1) + ["w"]}, True),
        ({"f": "w"}, {"f": ["x"] * MANY + ["w"]}, False),
        ({"f": "w"}, {"f": nested("w", DEEP)}, True),
        ({"f": "w"}, {"f": nested("w", DEEP + 1)}, False),
        # the list itself is one that is looked at
        ({"f.k": "w"}, {"f": [{"k": "x"}] * (MANY - 2) + [{"k": "w"}]}, True),
        ({"f.k": "w"}, {"f": [{"k": "x"}] * (MANY - 1) + [{"k": "w"}]}, False),
        ({"f.k": "w"}, {"f": nested({"k": "w"}, DEEP + 1)}, True),
        ({"f.k": "w"}, {"f": nested({"k": "w"}, DEEP + 2)}, False),
        (["w"], {"f": ["w"] + ["x"] * (MANY - 1)}, True),
        (["w"], {"f": ["w"] + ["x"] * MANY}, False),
        (["w"], {"f": ["w"] + [None] * MANY}, True),
        # a pair stands for a key only where no object of the list has that key
        ({"f.k": "w"}, {"f": [{"k": "x"}, {"Name": "k", "Value": "w"}]}, False),
        ({"f.k": "w"}, {"f": ["x", ["y"], {"Name": "k", "Value": "w"}]}, True),
        # the spelling that is asked for, where there are two
        ({"f.k": "x"}, {"f": {"k": "x", "K": "w"}}, True),
        ({"f.K": "w"}, {"f": {"k": "x", "K": "w"}}, True),
        ({"f.K": "w"}, {"f": [{"k": "x", "K": "w"}]}, True),
        ({"f.k": "w"}, {"f": [{"k": "x", "K": "w"}]}, False),
        ({"f.k.l": "w"}, {"f": [{"x": 1}, {"k.l": "w"}]}, True),
        ({"f.WANTED": "w"}, {"f": {f"key{number}": "x" for number in range(100)} | {"Wanted": "w"}}, True),
        # the first place that has something counts, whatever it is
        ({"f": "w"}, {"f": "w", "properties": {"f": 5}}, False),
        ({"f": 5}, {"f": "w", "properties": {"f": 5}}, True),
        ({"f": "999999999999999"}, {"f": 999999999999999.0}, True),
        ({"f": "1000000000000000"}, {"f": 1e15}, False),
        ({"f|year": 1970}, {"f": "5"}, True),
        ({"f|year": 1969}, {"f": "-5"}, False),
        ({"f|year": 1970}, {"f": "\u0663"}, False),
    ],
)  # fmt: skip
def test_what_a_record_has_is_looked_at_up_to_its_bounds(search, record, expected) -> None:
    assert fires(rule_on(search, logsource=AUDIT), audit(record)) is expected


def test_a_place_that_is_computed_and_has_nothing_leaves_it_to_the_next() -> None:
    def nothing(_: object) -> tuple[str, ...]:
        return ()

    field = FieldTable({"a": (nothing, "b")}).field("a")

    assert Record(audit({"b": "w"})).values(field).plain == ["w"]


@each(
    ("search", "record", "expected"),
    [
        ({"Operation": "."}, {"Operation": ""}, False),
        ({"Operation": "5."}, {"Operation": 5}, False),
        ({"Operation": "New-InboxRule."}, {"Operation": "New-InboxRule"}, True),
        ({"Operation": ["UserLoggedIn", "UserLoginFailed"]}, {"Operation": "x"}, False),
    ],
)
def test_an_operation_is_a_text_that_is_not_empty(search, record, expected) -> None:
    assert fires(rule_on(search, logsource=AUDIT), audit(record)) is expected


def test_the_operation_of_the_normalised_event_is_one_of_its_spellings() -> None:
    event = {"metadata": {"log_name": "Unified Audit Log: x", "event_code": "Do it"}, "raw_data": "{}"}

    assert fires(rule_on({"Operation": "do it"}, logsource=AUDIT), event)


@each(
    ("protocol", "expected"),
    [({"authenticationProtocol": "deviceCode"}, True), ({"authenticationProtocol": 5}, False), ({}, False)],
)
def test_a_protocol_that_a_sign_in_does_not_say_is_none(protocol, expected) -> None:
    product = {"name": "Microsoft Entra ID"}
    raw = json.dumps({"id": "1", **protocol})
    event = {"metadata": {"log_name": "SignInLogs", "product": product}, "raw_data": raw}
    rule = rule_on({"message": "Device Code"}, logsource={"product": "azure", "service": "signinlogs"})

    assert fires(rule, event) is expected


@each(
    ("record", "text", "expected"),
    [
        ({"Target": [{"ID": "sam"}], "ModifiedProperties": [{"Name": "Role"}]}, "role", True),
        ({"Target": [{"ID": "sam"}]}, "sam", True),
        ({"Target": "sam", "ModifiedProperties": [{"Name": "Role"}]}, "sam", True),
        ({"Target": "sam", "ModifiedProperties": [{"Name": "Role"}]}, "role", False),
        ({"ModifiedProperties": [{"Name": "Role"}]}, "role", False),
    ],
)
def test_a_change_of_the_unified_log_has_its_changed_properties_within_what_it_was_made_to(
    record, text, expected
) -> None:
    metadata = {"log_name": "Unified Audit Log: AzureActiveDirectory", "product": {"name": "Microsoft Entra ID"}}
    event = {"metadata": metadata, "raw_data": json.dumps({"Operation": "x", **record})}
    logsource = {"product": "azure", "service": "auditlogs"}

    assert fires(rule_on({"TargetResources|contains": text}, logsource=logsource), event) is expected


@each(
    "search",
    [{"f|windash|contains|expand": " -a%list%"}, {"f|re|expand": "^%list%$"}, {"f|expand": ["x", "%list%"]}],
)
def test_lists_are_known_wherever_a_value_names_one(search) -> None:
    assert rule_on(search).lists == {"list"}


def test_how_much_a_rule_may_ask_for_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "howto" / "rules.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([\d,]+) \|$", page, re.MULTILINE))

    assert {what: int(most.replace(",", "")) for what, most in rows.items()} == {
        "bytes of a file": bounds.DOCUMENT_BYTES,
        "documents of a file": bounds.DOCUMENTS,
        "maps and lists within one another": bounds.DEPTH,
        "values of a rule": bounds.VALUES,
        "of these no whole texts": bounds.PATTERNS,
        "characters of a value": bounds.VALUE_LENGTH,
        "characters of a condition": bounds.CONDITION_LENGTH,
        "brackets within one another": bounds.CONDITION_DEPTH,
        "characters of a regular expression": bounds.REGEX_LENGTH,
        "bytes of its automaton": bounds.REGEX_BYTES,
        "entries of a list": bounds.LIST_ENTRIES,
        "of these within a text or an expression": bounds.LIST_PATTERNS,
        "values of a field of an event": bounds.FIELD_VALUES,
        "lists within one another": bounds.FIELD_DEPTH,
        "characters of a value of an event": bounds.TEXT_LENGTH,
    }


def test_a_rule_without_a_title_is_called_by_its_id() -> None:
    identity = "0f0f0f0f-0000-4000-8000-000000000001"
    text = f"title: ''\nid: {identity}\nlogsource: {{product: aoc}}\ndetection: {{s: {{a: 1}}, condition: s}}"

    assert compile_rule(read_rule(text, "f")).title == identity


def test_a_file_is_bytes_or_a_text_of_as_many(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "DOCUMENT_BYTES", 6)

    assert documents("a: \u00fcb".encode(), "f") == documents("a: \u00fcb", "f") == [{"a": "\u00fcb"}]
    for text in ("a: \u00fcbc", "a: \u00fcbc".encode()):
        with pytest.raises(RuleRefused, match="7 bytes of YAML"):
            documents(text, "f")


def test_a_value_and_a_condition_may_be_as_long_as_the_bounds_say(monkeypatch) -> None:
    monkeypatch.setattr(bounds, "VALUE_LENGTH", 3)
    monkeypatch.setattr(bounds, "CONDITION_LENGTH", len("selection"))

    assert fires(rule_on({"f": "abc"}), {"f": "abc"})
    with pytest.raises(RuleRefused, match="a value of 4 characters; at most 3"):
        rule_on({"f": ["abc", "abcd"]})
    with pytest.raises(RuleRefused, match="10 characters; at most 9"):
        rule_of({"selection1": {"f": "a"}, "condition": "selection1"})


def test_a_fault_says_the_document_and_the_place_in_few_words() -> None:
    nameless = read("logsource: {product: aoc}\ndetection: {sel: {'f|nope': 1}, condition: sel}", "f").faults
    without = read("title: x\ndetection: {sel: {a: 1}, condition: sel}", "f").faults
    (unknown,) = read(text_of({"sel": {"f|nope": 1}, "condition": "sel"}), "f").faults
    (long,) = read(text_of({"sel": {"f|re": "(" + "a" * 4_000}, "condition": "sel"}), "f").faults

    assert {fault.rule for fault in nameless} == {"f, document 1"}
    assert [fault.place for fault in without] == ["logsource"]
    assert unknown.reason.startswith("Unknown modifier")
    assert "SigmaError" not in unknown.reason
    assert " ... " not in unknown.reason
    assert len(long.reason) < 1_000


@each(
    ("text", "reason"),
    [
        ("- a", "document 1 is a list; a rule is a map"),
        ("? [a, b]\n: c", "no YAML that can be read: found unhashable key, line 1"),
        ("title: x\nb: [unclosed", "no YAML that can be read: did not find expected ',' or ']', line 3"),
    ],
)
def test_what_is_no_yaml_is_said_in_one_line(text, reason) -> None:
    with pytest.raises(RuleRefused) as raised:
        documents(text, "f")

    assert [fault.reason for fault in raised.value.faults] == [reason]


def test_a_log_source_with_a_category_is_none_of_ours() -> None:
    assert compile_rule(read_rule(text_of({"s": {"a": 1}, "condition": "s"}, AUDIT), "f")).conditions
    category = {**AUDIT, "category": "process_creation"}
    assert not compile_rule(read_rule(text_of({"s": {"a": 1}, "condition": "s"}, category), "f")).conditions
