"""Any field can be missing, null, of another type, or JSON inside a string."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aoc_common.contracts.event import Event
from aoc_normalizer.bounds import LEVELS, bounded, depth_over
from aoc_normalizer.fields import values
from aoc_normalizer.normalise import normalise
from aoc_normalizer.reading.records import RecordContext, Rejected
from each import each

CONTEXT = RecordContext("contoso", "import", datetime(2026, 11, 23, 8, tzinfo=UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@each(
    ("value", "expected"),
    [
        ("Dana", "Dana"),
        ("  Dana\r\n", "Dana"),
        (0, "0"),
        (50126, "50126"),
        (1.5, "1.5"),
        (50126.0, "50126"),
        (True, "true"),
        (False, "false"),
        (2**63, "9223372036854775808"),
        ("nullable", "nullable"),
    ],
)
def test_a_scalar_is_its_trimmed_text(value, expected):
    assert values.text(value) == expected


@each("value", [None, "", " ", "<null>", "NULL", "None", "n/a", "Not Available", "-", [], ["a"], {}])
def test_what_says_nothing_is_none(value):
    assert values.text(value) is None


def test_a_long_text_is_cut_and_shows_that_it_was():
    assert values.text("x" * values.MAX_TEXT) == "x" * values.MAX_TEXT
    assert values.text("x" * 5000) == "x" * (values.MAX_TEXT - 1) + "…"


def test_the_first_field_that_says_something_is_taken():
    record = {"a": None, "b": "<null>", "c": ["x"], "d": 0, "e": "late"}

    assert values.first(record, "missing", "a", "b", "c", "d", "e") == "0"
    assert values.first(record, "a", "b", "c") is None


@pytest.mark.parametrize("value", [{"a": 1}, '{"a":1}', ' {"a":1}'[1:]])
def test_an_object_is_read_as_such_and_out_of_a_string(value):
    assert values.mapping(value) == {"a": 1}


@each("value", [None, 1, True, "a", "", "[1]", [], [{"a": 1}], '{"a":', "{a: 1}", "[] => [[Id: x]]; "])
def test_what_is_no_object_is_an_empty_one(value):
    assert values.mapping(value) == {}


@each(
    ("value", "expected"),
    [
        ([{"a": 1}, "x", None, 3, [{"b": 1}]], [{"a": 1}]),
        ('[{"a":1}]', [{"a": 1}]),
        ({"a": 1}, [{"a": 1}]),
        ('{"a":1}', [{"a": 1}]),
        ({"value": [{"a": 1}], "Count": 1}, [{"a": 1}]),
        ({"value": "a", "Count": 1}, [{"value": "a", "Count": 1}]),
        ("[] => [[Id: x]]; ", []),
        (None, []),
        (7, []),
        ("text", []),
    ],
)
def test_a_list_of_objects_may_be_one_object_or_json_in_a_string_and_hold_other_things(value, expected):
    assert values.objects(value) == expected


@each(
    "spelt",
    [
        [{"Name": "ForwardTo", "Value": "a@contoso.example"}],
        [{"name": "ForwardTo", "value": "a@contoso.example"}],
        [{"Key": "ForwardTo", "Value": "a@contoso.example"}],
        [{"key": "ForwardTo", "value": '"a@contoso.example"'}],
        [{"displayName": "ForwardTo", "oldValue": "[]", "newValue": '["a@contoso.example"]'}],
        [None, "ForwardTo", {"Value": "no name"}, {"Name": "Forwardto", "Value": ["a@contoso.example"]}],
        '[{"Name":"forwardto","Value":"a@contoso.example"}]',
    ],
)
def test_a_pair_is_found_by_name_in_every_spelling_of_a_name_value_list(spelt):
    assert values.pair(spelt, "other", "forwardto") == "a@contoso.example"


@each("value", [None, [], "text", [{"Name": "A"}], [{"Name": "A", "Value": None}], [{"Name": {}}]])
def test_a_pair_that_is_not_there_is_none(value):
    assert values.pair(value, "a") is None


@each(
    ("value", "expected"),
    [
        ('"IsCompliant"', "IsCompliant"),
        ("[\r\n  true\r\n]", "true"),
        ('["a","b"]', "a, b"),
        ('["[\\"a\\"]"]', "a"),
        ([], None),
        ("[]", None),
        ({"a": 1}, '{"a":1}'),
        ("[] => [[Id: x, Scope: User.Read]]; ", "[] => [[Id: x, Scope: User.Read]];"),
        ("<null>", None),
    ],
)
def test_a_value_is_shown_as_a_person_would_read_it(value, expected):
    assert values.shown(value) == expected


@each("levels", [LEVELS + 1, 600, 1020, 50_000])
def test_json_in_a_string_that_is_too_deep_stays_text(levels):
    assert values.decoded(nested(levels)) == nested(levels)
    assert values.shown(nested(levels)) is not None
    assert values.mapping('{"a":' * levels + "1" + "}" * levels) == {}


def test_json_in_a_string_as_deep_as_a_record_may_be_is_read():
    assert values.decoded(nested(LEVELS)) == json.loads(nested(LEVELS))


@pytest.mark.slow
@given(JSON)
@settings(max_examples=100, deadline=None)
def test_readers_never_raise_and_what_they_give_is_text_or_nothing(value):
    for reader in (values.text, values.shown, lambda v: values.pair(v, "a"), lambda v: values.first({"a": v}, "a")):
        assert isinstance(reader(value), str | None)
    assert isinstance(values.mapping(value), dict)
    assert isinstance(values.sequence(value), list)
    assert all(isinstance(name, str) and isinstance(found, str) for name, found in values.pairs(value))


@pytest.mark.slow
def test_depth_counts_levels_without_using_the_stack():
    deep = []
    for _ in range(100_000):
        deep = [deep]

    assert depth_over(deep, 50_000)
    assert not depth_over({"a": [{"b": 1}]}, 3)
    assert depth_over({"a": [{"b": 1}]}, 2)


def test_bounds_keep_a_shallow_object_and_turn_what_is_deeper_into_its_json():
    shallow = {"a": [{"b": [1]}]}
    deep = {"a": json.loads(nested(LEVELS + 20))}
    cut = bounded(deep)

    assert bounded(shallow) == shallow
    assert not depth_over(cut, LEVELS + 1)
    assert "[[[" in orjson.dumps(cut).decode()


@each(
    ("text", "shown"),
    [
        (b'{"x":"a\\ud800b"}', "a?b"),
        (b'{"x":NaN}', "NaN"),
        (b'{"x":-Infinity}', "-Infinity"),
        (b'{"x":[Infinity]}', ["Infinity"]),
        (b'{"x":{"\\udfff":1}}', {"?": 1}),
    ],
)
def test_surrogates_and_numbers_that_json_lacks_are_repaired_and_the_text_is_kept(text, shown):
    made = normalise(text, CONTEXT)

    assert isinstance(made, Event)
    assert made.unmapped["x"] == shown
    assert "repaired" in made.tags
    assert made.raw.encode() == text


@pytest.mark.parametrize("number", [2**70, -(2**70), 10**400])
def test_an_integer_beyond_64_bits_is_readable_and_its_digits_are_in_the_text(number):
    made = normalise(b'{"x":%d}' % number, CONTEXT)

    assert isinstance(made, Event)
    assert str(number) in made.raw
    assert orjson.loads(made.message())["raw_data"] == made.raw


def test_bytes_that_are_no_utf8_are_replaced_and_the_event_says_so():
    made = normalise(b'{"x":"a\xff"}', CONTEXT)

    assert isinstance(made, Event)
    assert made.unmapped["x"] == "a�"
    assert made.tags[0] == "invalid-utf8"


def test_of_a_key_that_occurs_twice_the_last_counts_and_the_text_keeps_both():
    made = normalise(b'{"x":1,"x":2}', CONTEXT)

    assert isinstance(made, Event)
    assert made.unmapped == {"x": 2}
    assert made.raw == '{"x":1,"x":2}'


@each(
    ("text", "reason"),
    [
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b'{"x":', "not JSON"),
        (b"", "not JSON"),
        (b'{"x":' + b"[" * 250 + b"]" * 250 + b"}", "nested more than 200 levels deep"),
        (b'{"x":' + b"[" * 9000 + b"]" * 9000 + b"}", "not JSON"),
    ],
)
def test_what_is_no_record_is_put_aside_with_its_text_and_the_reason(text, reason):
    made = normalise(text, CONTEXT)

    assert isinstance(made, Rejected)
    assert made.text.encode() == text
    assert made.reason.startswith(reason)
