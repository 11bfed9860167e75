"""Every modifier and kind of value of the Sigma specification 2.1: what it matches, and what it does not."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from aoc_rules.sigma.networks import same_address
from each import each
from sigma_rules import fires, rule_on

LONG = "x" * 70_000


def wide(text: str) -> str:
    return text.encode("utf-16-le").decode()


#: search, what matches, what does not
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    # plain values: without regard to case, the whole of the text
    (
        {"f": "Alpha"},
        ["Alpha", "ALPHA", "alpha", ["x", "alpha"]],
        ["Alphabet", "an alpha", "", None, 1, {"f": "alpha"}],
    ),
    ({"f": "straße"}, ["STRASSE", "Straße"], ["strase"]),
    ({"f": "ΟΔΟΣ"}, ["οδος", "οδοσ"], ["οδο"]),
    ({"f": ""}, [""], [" ", None, "x", []]),
    ({"f": 5}, [5, "5", 5.0, [4, 5]], [50, "05", 5.5, None, True]),
    ({"f": 1.5}, [1.5, "1.5"], [1, 15]),
    ({"f": 0}, [0, "0", 0.0], [False, None, "", "00"]),
    ({"f": True}, [True, "true", "TRUE"], [False, 1, "1", None]),
    ({"f": "true"}, [True, "True"], [False]),
    ({"f": ["a", "b", 3]}, ["A", "b", "3", 3], ["c", "ab", None]),
    # wildcards and escapes
    ({"f": "a*c"}, ["ac", "ABC", "a\nc", "abbbbc"], ["ab", "bc", "xac"]),
    ({"f": "a?c"}, ["abc", "A€C"], ["ac", "abbc"]),
    ({"f": "*b*"}, ["b", "abc", {"k": "b"}], ["", "ac"]),
    ({"f": "*"}, ["", "x", 0, {"a": 1}, []], [None]),
    ({"f": "a*b*c"}, ["axbxc", "abc"], ["acb"]),
    ({"f": r"a\*c"}, ["a*c"], ["abc", r"a\*c"]),
    ({"f": r"a\?c"}, ["a?c"], ["abc"]),
    ({"f": r"a\\*c"}, [r"a\bc", "a\\c"], ["abc", "a*c"]),
    ({"f": r"a\\\*c"}, [r"a\*c"], [r"a\xc", "a*c"]),
    ({"f": r"C:\Windows"}, [r"c:\windows"], [r"C:\\Windows", "C:Windows"]),
    ({"f": "a.c"}, ["a.c"], ["abc"]),
    ({"f": "*[a]*"}, ["x[a]x"], ["xax"]),
    # null and exists
    ({"f": None}, [None, [None]], ["", 0, "null", [], ["a", None]]),
    ({"f|exists": True}, ["x", None, "", [], 0], []),
    ({"f|exists": False}, [], ["x", None, "", []]),
    # contains, startswith, endswith, all
    ({"f|contains": "bC"}, ["abcd", "BC", {"x": "abcd"}, ["a", "bc"]], ["b c", "", None]),
    ({"f|contains": ["bc", "yz"]}, ["abcd", "xyz"], ["b", "c"]),
    ({"f|contains": "b*d"}, ["abcde", "bd"], ["db"]),
    ({"f|contains": ""}, ["", "x", 1], [None]),
    ({"f|contains": r"a\*"}, ["xa*x"], ["xab"]),
    ({"f|contains|all": ["bc", "yz"]}, ["abc xyz", ["abc", "xyz"]], ["abc", "xyz"]),
    ({"f|all": ["*bc*", "*yz*"]}, ["yz bc"], ["bc"]),
    ({"f|startswith": "Ab"}, ["abc", "AB"], ["cab", "a"]),
    ({"f|startswith": ["ab", "x"]}, ["abc", "xyz"], ["yx"]),
    ({"f|endswith": "Bc"}, ["abc", "bc"], ["bcd", "c"]),
    ({"f|endswith": r"\cmd.exe"}, [r"C:\x\CMD.EXE"], ["cmd.exe"]),
    # neq
    ({"f|neq": "a"}, ["b", "", None], ["a", "A", ["b", "a"]]),
    ({"f|neq": ["a", "b"]}, ["c"], ["a", "b"]),
    ({"f|contains|neq": "a"}, ["b"], ["cat"]),
    # cased
    ({"f|cased": "Alpha"}, ["Alpha"], ["alpha", "ALPHA"]),
    ({"f|contains|cased": "Bc"}, ["aBcd"], ["abcd"]),
    ({"f|startswith|cased": "Ab"}, ["Abc"], ["abc"]),
    ({"f|endswith|cased": "Bc"}, ["aBc"], ["abc"]),
    ({"f|cased": "A*c?"}, ["Abbcd"], ["abbcd", "ABBCD"]),
    # regular expressions: anywhere, with case, unless flags say otherwise
    ({"f|re": "b+c"}, ["abbcd"], ["aBc", "ac"]),
    ({"f|re": "^b"}, ["bc"], ["ab"]),
    ({"f|re": "c$"}, ["abc"], ["cb", "c\nb"]),
    ({"f|re|i": "b+c"}, ["aBBCd"], ["ac"]),
    ({"f|re|m": "^b$"}, ["a\nb\nc"], ["abc"]),
    ({"f|re|s": "a.c"}, ["a\nc"], ["ac"]),
    ({"f|re": "a.c"}, ["abc"], ["a\nc"]),
    ({"f|re|i|s": "A.C"}, ["a\nc"], ["ac"]),
    ({"f|re": ["x1", "x[23]"]}, ["x1", "x3"], ["x4"]),
    ({"f|re": r"\\d\*\?"}, [r"\d*?"], ["5*?"]),
    ({"f|re": r"(foo|bar)baz"}, ["foobaz", "barbaz"], ["baz"]),
    ({"f|re": r"colou?r"}, ["color", "colour"], ["colr"]),
    ({"f|re": r"a{2}b"}, ["aab"], ["ab"]),
    ({"f|re": r"x|y"}, ["x", "y"], ["z"]),
    ({"f|re": "(?i)abc"}, ["ABC"], ["ab"]),
    ({"f|re|neq": "^a"}, ["b"], ["ab"]),
    ({"f|re": '"k":"v"'}, [{"k": "v"}], [{"k": "w"}]),
    # cidr
    (
        {"f|cidr": "192.0.2.0/24"},
        ["192.0.2.1", "192.0.2.255", "192.0.2.1:443", "::ffff:192.0.2.7"],
        ["192.0.3.1", "x", ""],
    ),
    ({"f|cidr": "2001:db8::/32"}, ["2001:db8::1", "[2001:DB8::5]:54088"], ["2001:db9::1", "192.0.2.1"]),
    ({"f|cidr": ["10.0.0.0/8", "192.0.2.1/32"]}, ["10.1.2.3", "192.0.2.1", ["x", "10.0.0.1"]], ["192.0.2.2", 10]),
    ({"f|cidr": "0.0.0.0/0"}, ["255.255.255.255"], ["::1"]),
    ({"f|cidr|neq": "10.0.0.0/8"}, ["11.0.0.1"], ["10.0.0.1"]),
    # numbers
    ({"f|lt": 5}, [4, "4", 4.9, -1], [5, 6, "x", None, True]),
    ({"f|lte": 5}, [5, "5", 4], [6, 5.1]),
    ({"f|gt": 5}, [6, "5.5"], [5, "5", "", "inf", "nan", "1_0"]),
    ({"f|gte": 5}, [5, "6"], [4.99]),
    ({"f|gt": -1.5}, [-1, 0], [-2]),
    ({"f|gt": 5}, [[1, 9]], [[1, 2]]),
    # encodings
    ({"f|base64": "foo"}, ["Zm9v"], ["foo", "Zm9"]),
    ({"f|base64|contains": "foobar"}, ["xxZm9vYmFyxx"], ["foobar"]),
    (
        {"f|base64offset|contains": "foobar"},
        [base64.b64encode(b"x" * n + b"foobar" + b"tail").decode() for n in range(4)],
        [base64.b64encode(b"fo0bar").decode(), "foobar"],
    ),
    ({"f|wide": "ab"}, [wide("ab")], ["ab"]),
    ({"f|utf16le": "ab"}, [wide("ab")], ["ab"]),
    ({"f|utf16be": "ab"}, ["\0a\0b"], [wide("ab")]),
    ({"f|utf16|contains": "ab"}, ["\ufeff" + wide("ab")], [wide("ab")]),
    (
        {"f|utf16le|base64offset|contains": "cmd"},
        [base64.b64encode(b"x" * n + "cmd".encode("utf-16-le") + b"yy").decode() for n in range(3)],
        [base64.b64encode(b"cmd").decode()],
    ),
    ({"f|wide|base64": "ab"}, [base64.b64encode("ab".encode("utf-16-le")).decode()], ["ab"]),
    ({"f|windash": "-a"}, ["-a", "/a", "–a", "—a", "―a"], ["a", "_a"]),
    ({"f|windash|contains": " -s"}, ["x /s", "x –s"], ["x-s"]),
    ({"f|windash|contains|all": ["-a", "-b"]}, ["/a -b", "–b —a"], ["/a"]),
    # parts of moments, in UTC
    ({"f|minute": 30}, ["2026-01-15T07:30:13Z", "2026-01-15T07:30:13.3116465Z"], ["2026-01-15T07:31:00Z", "x", None]),
    (
        {"f|hour": 22},
        ["2026-01-15T22:00:00", "2026-01-16T00:00:00+02:00", "5/18/2021 10:13:33 PM"],
        ["2026-01-15T21:59:59"],
    ),
    (
        {"f|day": 15},
        ["2026-01-15", 1_768_435_200, 1_768_435_200_000, "1768435200", "1768435200000"],
        ["2026-01-14T23:59:59Z", "1768435199", "1768435200x", True],
    ),
    (
        {"f|hour": [0, 9, 12, 22]},
        ["2026-01-15", "5/18/2021 22:13:33", "5/18/2021 9:13:33 AM", "5/18/2021 12:13 AM", "2026-01-15T07:30:00-05:00"],
        ["5/18/2021 10:13:33 AM", "2026-01-15T07:30:00Z"],
    ),
    ({"f|hour": 9}, ["2026-01-15T19:30:00+10:00"], ["2026-01-15T09:30:00+10:00"]),
    ({"f|gt": 1}, ["1" * 40], ["1" * 41]),
    ({"f|year": 1973}, [100_000_000_000], [99_999_999_999]),  # from here on they are milliseconds
    ({"f|week": 53}, ["2027-01-03T00:00:00Z"], ["2027-01-04T00:00:00Z"]),
    ({"f|month": 1}, ["2026-01-31T23:59:59Z"], ["2026-02-01T00:00:00Z"]),
    ({"f|year": 2026}, ["2026-12-31T23:59:59.9Z"], ["2027-01-01T00:00:00Z"]),
    ({"f|hour|gte": 20}, ["2026-01-15T20:00:00Z"], ["2026-01-15T19:59:59Z"]),
    ({"f|hour": [0, 1]}, ["2026-01-15T3:15:37.008+03:00"], ["2026-01-15T03:15:37Z"]),
]  # fmt: skip


def _flat():
    for number, (search, matching, others) in enumerate(CASES):
        for value in matching:
            yield pytest.param(search, value, True, id=f"{number}-{search}-{str(value)[:20]!a}")
        for value in others:
            yield pytest.param(search, value, False, id=f"{number}-not-{search}-{str(value)[:20]!a}")


@each(("search", "value", "expected"), list(_flat()))
def test_a_modifier_matches_what_the_specification_says_and_nothing_else(search, value, expected) -> None:
    assert fires(rule_on(search), {"f": value}) is expected


#: What a field that is not there is to each of these.
ABSENT = {
    "f": ("x", False), "f|exists": (False, True), "f|neq": ("x", True), "f|contains": ("x", False),
    "f|re": (".*", False), "f|cidr": ("0.0.0.0/0", False),
    "f|lt": (5, False), "f|hour": (0, False), "f|fieldref": ("g", False),
}  # fmt: skip


@each(("key", "value", "expected"), [(key, *held) for key, held in ABSENT.items()])
def test_a_field_that_is_not_there_matches_only_what_asks_for_that(key, value, expected) -> None:
    assert fires(rule_on({key: value}), {"other": "x"}) is expected


def test_null_is_a_field_that_is_not_there() -> None:
    assert fires(rule_on({"f": None}), {"other": 1})
    assert fires(rule_on({"f": None}, "not selection"), {"f": 1})


@each(
    ("modifiers", "value", "other", "expected"),
    [
        ("fieldref", "Sam", "SAM", True),
        ("fieldref", "Sam", "Sama", False),
        ("fieldref", 5, "5", True),
        ("fieldref", ["x", "sam"], "Sam", True),
        ("fieldref|startswith", "Sama", "sam", True),
        ("fieldref|startswith", "Osama", "sam", False),
        ("fieldref|endswith", "Osam", "sam", True),
        ("fieldref|endswith", "sama", "sam", False),
        ("fieldref|contains", "Osama", "sam", True),
        ("fieldref|contains", "Oscar", "sam", False),
        ("fieldref|neq", "a", "b", True),
        ("fieldref|neq", "a", "A", False),
        ("fieldref", None, None, False),
    ],
)
def test_a_field_is_compared_with_another_one_of_the_same_event(modifiers, value, other, expected) -> None:
    assert fires(rule_on({f"f|{modifiers}": "g"}), {"f": value, "g": other}) is expected


LISTS = {"Places": ["NL", "be", "f*"], "nobody": [], "Suffixes": ["contoso.example", "fabrikam.example"]}


@each(
    ("search", "value", "expected"),
    [
        ({"f|expand": "%Places%"}, "nl", True),
        ({"f|expand": "%PLACES%"}, "BE", True),
        ({"f|expand": "%Places%"}, "Finland", True),
        ({"f|expand": "%Places%"}, "de", False),
        ({"f|expand": "%nobody%"}, "", False),
        ({"f|expand": ["%nobody%", "de"]}, "DE", True),
        ({"f|contains|expand": "%Places%"}, "in nl now", True),
        ({"f|contains|expand": "%Places%"}, "in d", False),
        ({"f|expand": "*@%Suffixes%"}, "sam@CONTOSO.example", True),
        ({"f|expand": "*@%Suffixes%"}, "sam@contoso.example.org", False),
        ({"f|expand|cased": "%Suffixes%"}, "CONTOSO.example", False),
        ({"f|expand|neq": "%Places%"}, "de", True),
        ({"f|expand|neq": "%Places%"}, "nl", False),
        ({"f|re|expand": "^[a-z]+@%Suffixes%$"}, "sam@fabrikam.example", True),
        ({"f|re|expand": "^[a-z]+@%Suffixes%$"}, "sam@fabrikamXexample", False),
        ({"f|re|expand": "^[a-z]+@%Suffixes%$"}, "sam@fabrikam.example.org", False),
        ({"f|re|expand": "^%nobody%$"}, "", False),
    ],
)
def test_placeholders_stand_for_the_entries_of_the_tenants_list(search, value, expected) -> None:
    assert fires(rule_on(search), {"f": value}, LISTS) is expected


def test_a_rule_whose_list_the_tenant_does_not_have_does_not_match_at_all() -> None:
    positive = rule_on({"f|expand": "%Absent%"})
    negative = rule_on({"f|expand": "%Absent%"}, "not selection")

    assert not fires(positive, {"f": "x"})
    assert not fires(negative, {"f": "x"})
    assert fires(negative, {"f": "x"}, {"absent": []})
    assert positive.lists == {"absent"}


def test_a_placeholder_without_expand_is_a_text() -> None:
    assert fires(rule_on({"f": "%Places%"}), {"f": "%places%"}, LISTS)
    assert not fires(rule_on({"f": "%Places%"}), {"f": "nl"}, LISTS)


@each(
    ("search", "event", "expected"),
    [
        (["alpha", "beta"], {"x": {"y": ["an ALPHA here"]}}, True),
        (["alpha", "beta"], {"x": "gamma"}, False),
        (["al*pha"], {"x": "some al...pha"}, True),
        (["alpha"], {"alpha": "only a key"}, False),
        ([4624], {"x": 4624}, True),
        ([4624], {"x": 14624}, False),
        ({"|all": ["alpha", "beta"]}, {"x": "alpha", "y": "beta"}, True),
        ({"|all": ["alpha", "beta"]}, {"x": "alpha"}, False),
        ({"|re": "al.{2}a"}, {"x": "it is alpha"}, True),
        ({"|re": "^beta"}, {"x": "alpha beta"}, False),
        ({"|cased": "Alpha"}, {"x": "alpha"}, False),
        ({"|contains|all": ["al", "be"]}, {"x": "alpha", "y": "beta"}, True),
        ("alpha", {"x": "alpha"}, True),
    ],
)
def test_keywords_are_looked_for_in_every_value_of_the_record(search, event, expected) -> None:
    assert fires(rule_on(search), event) is expected


def test_only_the_beginning_of_an_endless_value_is_looked_at() -> None:
    assert fires(rule_on({"f|startswith": "x"}), {"f": LONG})
    assert not fires(rule_on({"f|endswith": "end"}), {"f": f"{LONG}end"})


@each(
    ("text", "same"),
    [
        ("192.0.2.1:16902", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]:54088", "2001:db8::1"),
        ("192.0.2.300", "192.0.2.300"),
        ("somewhere", "somewhere"),
    ],
)
def test_an_address_is_the_same_however_a_record_spells_it(text, same) -> None:
    assert same_address(text) == same
