"""Modified properties, in every shape they come in."""

from __future__ import annotations

from aoc_normalizer.draft import Change
from aoc_normalizer.fields.changes import MAX_PROPERTIES, changes, names_in
from each import each


@each(
    ("old", "new", "expected"),
    [
        ("[\r\n  true\r\n]", "[\r\n  false\r\n]", (True, False)),
        ("[]", '["Reviewed"]', (None, "Reviewed")),
        ('["a","b"]', '["a"]', (["a", "b"], "a")),
        ('"IsCompliant"', "", ("IsCompliant", None)),
        ("[] => [[Id: x, Scope: User.Read]]; ", "[broken", ("[] => [[Id: x, Scope: User.Read]];", "[broken")),
        (None, "0", (None, "0")),
        (True, 5, (True, 5)),
        (1 << 63, "x", ("9223372036854775808", "x")),
    ],
)
def test_values_are_decoded_from_json_in_strings_and_stay_text_when_they_are_none(old, new, expected) -> None:
    (graph,) = changes([{"displayName": "Property", "oldValue": old, "newValue": new}])
    (unified,) = changes([{"Name": "Property", "OldValue": old, "NewValue": new}])

    assert graph == unified == Change("Property", *expected)


def test_an_object_is_told_by_the_leaves_that_differ() -> None:
    old = '{"id":"p","state":"enabled","users":{"include":["All"]},"rules":[{"n":1},{"n":2}]}'
    new = '{"id":"p","state":"disabled","users":{"include":["All"],"exclude":["u"]},"rules":[{"n":1},{"n":3}]}'

    assert changes([{"displayName": "Policy", "oldValue": old, "newValue": new}]) == [
        Change("Policy.state", "enabled", "disabled"),
        Change("Policy.users.exclude", None, "u"),
        Change("Policy.rules[1].n", 2, 3),
    ]


def test_bare_names_a_missing_old_value_and_a_list_in_a_string_are_read() -> None:
    assert changes(["Name", {"Name": "Size", "NewValue": "5"}]) == [
        Change("Name", None, None),
        Change("Size", None, "5"),
    ]
    assert changes('[{"Name":"Size","NewValue":"5"}]') == [Change("Size", None, "5")]


@each("odd", [None, 5, "text", {}, [None, 5, [], {"Name": None}], [{"NewValue": "x"}]])
def test_what_is_no_list_of_properties_has_no_changes(odd) -> None:
    assert changes(odd) == []


def test_properties_are_bounded() -> None:
    assert len(changes([{"Name": str(n), "NewValue": "x"} for n in range(10_000)])) == MAX_PROPERTIES
    assert len(changes([{"Name": "deep", "NewValue": {str(n): n for n in range(10_000)}}])) == 100


def test_the_first_name_of_a_role_counts_and_the_old_one_when_it_was_taken_away() -> None:
    listed = [Change("Role.DisplayName", "Reader", None), Change("Role.TemplateName", None, "Other")]

    assert names_in(listed) == {"role": "Reader"}
