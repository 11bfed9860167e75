"""Objects as Python prints them, in the place of JSON."""

from __future__ import annotations

import warnings

from hypothesis import given
from hypothesis import strategies as st

from aoc_normalizer.fields import literals, values
from each import each

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.just("name"), PLAIN, min_size=1))
def test_what_python_prints_is_read_as_it_was(value: dict[str, object]) -> None:
    assert literals.read(repr(value)) == value


@given(st.text("{}[]()',:\\\"1ax_ \n", max_size=60))
def test_no_text_raises(text: str) -> None:
    literals.read("{'" + text)


@each(
    "text",
    [
        "{'a': 1",
        "{'a': open('/etc/passwd')}",
        "{'a': a}",
        "{'a': {'b', 'c'}}",
        "{'a': 1j}",
        "{'a': 9" + "9" * 5000 + "}",
        "{'a': " + "[" * 100 + "]" * 100 + "}",
        "{'a': '" + "x" * (300 << 10) + "'}",
        "'a'",
        '{"a": 1}',
    ],
    ids=range(10),
)
def test_what_is_no_literal_of_an_object_is_none(text: str) -> None:
    assert literals.read(text) is None


def test_a_path_of_windows_is_read_in_silence() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")

        assert literals.read(r"{'ObjectId': 'dana\Payroll', 'Shared': true, 'Item': null}") == {
            "ObjectId": r"dana\Payroll",
            "Shared": True,
            "Item": None,
        }


def test_a_value_that_is_one_is_an_object_to_every_reader() -> None:
    assert values.mapping("{'errorCode': 50126}") == {"errorCode": 50126}
    assert values.decoded("{'a") == "{'a"
