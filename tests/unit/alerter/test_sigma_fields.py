"""Where a rule's field stands in a record: nesting, lists, pairs, JSON in texts, envelopes and cases."""

from __future__ import annotations

import json

from aoc_rules.sigma.fields import FieldTable
from each import each
from sigma_rules import fires, rule_on

UNIFIED = {"product": "m365", "service": "audit"}


def unified(record) -> dict:
    raw = record if isinstance(record, str) else json.dumps(record)
    return {
        "class_uid": 6003,
        "metadata": {"product": {"name": "Exchange Online"}, "log_name": "Unified Audit Log: ExchangeAdmin"},
        "raw_data": raw,
    }


PARAMETERS = [{"Name": "ForwardTo", "Value": "a@b.example"}, {"Name": "StopProcessingRules", "Value": "True"}]
CHANGES = [{"displayName": "UserType", "oldValue": '["Guest"]', "newValue": '["Member"]'}]


@each(
    ("search", "record", "expected"),
    [
        # names in any case, nested, through lists
        ({"user.name": "sam"}, {"User": {"NAME": "Sam"}}, True),
        ({"a.b.c": 1}, {"a": [{"b": {"c": 2}}, {"b": [{"c": 1}]}]}, True),
        ({"a.b.c": 1}, {"a": {"b": 1}}, False),
        ({"a.b.c": 1}, {"a": {"x": 1}}, False),
        ({"a.b": 1}, {"a.b": 1}, True),
        ({"a.b.c": 1}, {"a": {"b.c": 1}}, True),
        ({"f": "deep"}, {"f": [["x", ["deep"]]]}, True),
        ({"f.g": "deep"}, {"f": [[[[[[[[[[{"g": "deep"}]]]]]]]]]]}, True),
        # the text of an object is its JSON, keys in their order
        ({"Parameters|contains": "ForwardTo"}, {"Parameters": PARAMETERS}, True),
        ({"Parameters|contains": '"Name":"ForwardTo","Value":"a@b'}, {"Parameters": PARAMETERS}, True),
        ({"Parameters|contains": "Redirect"}, {"Parameters": PARAMETERS}, False),
        ({"Parameters|contains": "ForwardTo"}, {"Parameters": "-ForwardTo a@b.example"}, True),
        ({"f": '{"a":1}'}, {"f": {"a": 1}}, True),
        ({"f|endswith": "1}"}, {"f": {"a": 1}}, True),
        ({"f|fieldref": "g"}, {"f": "a", "g": ["b", "a"]}, True),
        ({"f": [*(f"*part{number}*" for number in range(12)), "start*"]}, {"f": "start of it"}, True),
        ({"f": [*(f"*part{number}*" for number in range(12)), "start*"]}, {"f": "a part11 of it"}, True),
        ({"f": [f"start{number}*" for number in range(12)]}, {"f": "start3 of it"}, True),
        ({"f": [f"start{number}*" for number in range(12)]}, {"f": "no start3"}, False),
        ({"f|fieldref": "g"}, {"f": "ab", "g": "a"}, False),
        ({"f|fieldref": "g"}, {"f": "ab", "g": "b"}, False),
        ({"f": ['{"a":1}', "b"]}, {"f": {"a": 1}}, True),
        ({"f": "[]"}, {"f": []}, True),
        ({"f": "[]"}, {"f": [1]}, False),
        ({"f": '["a","b"]'}, {"f": ["a", "b"]}, True),
        (
            {"TargetResources.modifiedProperties|contains": '"oldValue":"[\\"Guest\\"]","newValue":"[\\"Member\\"]"'},
            {"targetResources": [{"id": 1}, {"modifiedProperties": CHANGES}]},
            True,
        ),
        # a pair of a list by its name
        ({"Parameters.ForwardTo": "A@B.example"}, {"Parameters": PARAMETERS}, True),
        ({"Parameters.ForwardTo|exists": False}, {"Parameters": PARAMETERS[1:]}, True),
        ({"Parameters.Name": "ForwardTo"}, {"Parameters": PARAMETERS}, True),
        ({"modifiedProperties.UserType|contains": "Member"}, {"modifiedProperties": CHANGES}, True),
        ({"details.key1": "v"}, {"details": [{"key": "key1", "value": "v"}]}, True),
        # whose name may have dots, and whose value may be JSON
        ({"changes.Role.DisplayName": "x"}, {"changes": [{"Name": "Role.DisplayName", "Value": "x"}]}, True),
        ({"changes.Role.DisplayName": "x"}, {"changes": [{"Name": "Role.DisplayName.Old", "Value": "x"}]}, False),
        ({"changes.Role": "x"}, {"changes": [{"Name": "Role.DisplayName", "Value": "x"}]}, False),
        ({"changes.P.q.state": "off"}, {"changes": [{"Name": "P.q", "Value": '{"state":"off"}'}]}, True),
        # JSON that stands in a text
        ({"TargetResources.displayName": "sam"}, {"TargetResources": json.dumps([{"displayName": "Sam"}])}, True),
        ({"TargetResources.displayName": "sam"}, {"TargetResources": "[not json"}, False),
        ({"f.k": "x"}, {"f": '{"k":"x","p":"' + "p" * (65_536 - 16) + '"}'}, True),
        ({"f.k": "x"}, {"f": '{"k":"x","p":"' + "p" * (65_537 - 16) + '"}'}, False),
        (
            {"Parameters.Other": "x"},
            {"Parameters": [{"Name": "First", "Value": '{"a":1}'}, {"Name": "Other", "Value": "x"}]},
            True,
        ),
        ({"Parameters.ForwardTo": "x"}, {"Parameters": [5, {"Name": "ForwardTo", "Value": "x"}]}, True),
        ({"f|contains": "Sam"}, {"f": json.dumps([{"displayName": "Sam"}])}, True),
        # envelopes, with and without their names
        ({"properties.f": 1}, {"properties": {"f": 1}}, True),
        ({"f": 1}, {"properties": {"f": 1}}, True),
        ({"properties.f": 1}, {"f": 1}, True),
        ({"properties.f": 1}, {"properties": [{"name": "f", "value": 1}]}, True),
        ({"f": 1}, {"properties": [{"name": "f", "value": 1}]}, False),
        ({"category": "inner"}, {"category": "outer", "properties": {"category": "inner"}}, True),
        ({"category": "outer"}, {"category": "outer", "properties": {"category": "inner"}}, False),
        ({"f": 1}, {"auditData": {"f": 1}, "id": "x"}, True),
        ({"f": 1}, {"RawEventData": json.dumps({"f": 1})}, True),
        ({"f": 1}, {"properties": {"auditData": {"RawEventData": {"f": 1}}}}, True),
        ({"f": 1}, {"properties": {"auditData": {"RawEventData": {"properties": {"f": 1}}}}}, False),
        # what no record should be
        ({"f": 1}, "no json", False),
        ({"f": 1}, [{"f": 1}], False),
        ({"f|contains": "ab"}, '{"f": "ab\\ud800"}', True),
        ({"f|re": "^ab"}, '{"f": "ab\\ud800"}', True),
        ({"f|contains": "ab"}, '{"f": {"k": "ab\\ud800"}}', True),
        ({"f|contains": '"ab?",1'}, '{"f": ["ab\\ud800", 1]}', True),
        ({"f|contains": '"ab?"'}, '{"f": ["ab\\ud800"]}', True),
        ({"f": "a?b*c"}, '{"f": "axb\\ud800c"}', True),
        ({"f": "a?b*c"}, '{"f": "axb\\ud800"}', False),
        ({"f|cased": "true"}, {"f": True}, True),
        ({"f|cased": "false"}, {"f": False}, True),
        ({"f|cased": "False"}, {"f": False}, False),
        # what is too long is looked at up to a bound
        ({"f|contains": "end"}, {"f": ["x" * 65_533 + "end"]}, True),
        ({"f|contains": "end"}, {"f": ["x" * 65_534 + "end"]}, False),
        ({"f|gt": 1}, '{"f": 123456789012345678901234567890}', True),
        ({"f": 1}, '{"f": 1, "f": 2}', False),
    ],
)
def test_a_field_is_found_wherever_an_interface_puts_it(search, record, expected) -> None:
    assert fires(rule_on(search, logsource=UNIFIED), unified(record)) is expected


@each(
    ("aliases", "expected"),
    [
        ((".", "b"), ["a.x", "b.x"]),
        (("b", "."), ["b.x", "a.x"]),
        (("b",), ["b.x", "a.x"]),
        ((print, "b"), ["b.x", "a.x"]),
    ],
)
def test_what_lies_in_a_field_is_looked_for_where_the_field_is_in_the_same_order(aliases, expected) -> None:
    places = FieldTable({"a": aliases}).places("A.x")

    assert [".".join(step for _, step in place.path) for place in places] == expected


def test_an_object_with_thousands_of_keys_or_levels_is_looked_at_within_bounds() -> None:
    many = {f"key{number}": number for number in range(20_000)} | {"Wanted": 1}
    deep: dict = {"f": 1}
    for _ in range(200):
        deep = {"f": [deep]}

    assert fires(rule_on({"wanted": 1}, logsource=UNIFIED), unified(many))
    assert not fires(rule_on({".".join(["f"] * 50): 2}, logsource=UNIFIED), unified(deep))
    assert not fires(rule_on(["nowhere"], logsource=UNIFIED), unified({"f": ["x"] * 50_000}))


@each(
    ("what", "value"),
    [
        ("lists", "[" * 1_000 + "1" + "]" * 1_000),
        ("lists in a text", json.dumps("[" * 1_000 + "1" + "]" * 1_000)),
        ("objects", '{"x":' * 1_000 + "1" + "}" * 1_000),
    ],
)
def test_no_depth_of_what_an_attacker_writes_keeps_rules_from_the_rest_of_his_record(what, value) -> None:
    record = unified(f'{{"Operation": "New-InboxRule", "f": {value}}}')

    assert fires(rule_on({"Operation": "new-inboxrule", "f.x.y|exists": False}, logsource=UNIFIED), record)
    assert fires(rule_on({"Operation": "new-inboxrule", "f|exists": True}, logsource=UNIFIED), record)
    assert not fires(rule_on({"f|contains": "nowhere"}, logsource=UNIFIED), record)
    assert not fires(rule_on(["nowhere"], logsource=UNIFIED), record)
