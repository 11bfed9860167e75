"""Strategies for rules and events that meet often: few fields, few values, every kind of test."""

from __future__ import annotations

from hypothesis import strategies as st

FIELDS = ("a", "b", "C.d", "e")
WORDS = ("", "ab", "AB", "abc", "bca", "xabx", "ß", "SS", "Σ", "a*b", "a?", "10.0.0.1", "7", "true", "[]", '{"d":1}')
WORD = st.sampled_from(WORDS)
SCALAR = WORD | st.sampled_from([None, True, False, 0, 1, 7, 7.5, -1])
VALUE = SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(st.sampled_from(["d", "D", "x"]), SCALAR, max_size=2)
EVENTS = st.dictionaries(st.sampled_from(["a", "A", "b", "C", "C.d", "e"]), VALUE, max_size=4)
PATTERN = st.sampled_from(["a", "ab", "b*a", "?b", "*", "x*", "*c", "ABC", "ss", "σ", r"a\*b", "", "7", "{", "ab*x?"])
REGEX = st.sampled_from(
    ["ab", "^a", "b$", "a|x", "(ab)+c", "x?ab", "a{1}b", "[ab]c", "a.c", r"\[", ".*", "(?i)ABC", "bc+"]
)


def _listed(value: st.SearchStrategy) -> st.SearchStrategy:
    return value | st.lists(value, min_size=1, max_size=3)


def _item(field: str) -> st.SearchStrategy:
    def keyed(modifiers: str, value: st.SearchStrategy) -> st.SearchStrategy:
        return st.tuples(st.just(f"{field}{modifiers}"), value)

    return st.one_of(
        keyed("", _listed(SCALAR | PATTERN)),
        *(keyed(f"|{kind}", _listed(PATTERN)) for kind in ("contains", "startswith", "endswith", "cased", "neq")),
        keyed("|contains|all", st.lists(PATTERN, min_size=2, max_size=3)),
        keyed("|contains|cased", PATTERN),
        keyed("|re", _listed(REGEX)),
        keyed("|re|i", REGEX),
        keyed("|cidr", st.sampled_from(["10.0.0.0/8", "192.0.2.0/24"])),
        *(keyed(f"|{kind}", st.sampled_from([0, 5, 7])) for kind in ("lt", "lte", "gt", "gte")),
        keyed("|exists", st.booleans()),
        keyed("|fieldref", st.sampled_from(FIELDS)),
        keyed("|expand", st.sampled_from(["%words%", "a%words%", "*%words%"])),
    )


MAP = st.lists(st.sampled_from(FIELDS).flatmap(_item), min_size=1, max_size=3).map(dict)
SEARCH = MAP | st.lists(MAP, min_size=2, max_size=2) | st.lists(st.sampled_from(["ab", "x", 7]), min_size=1, max_size=2)
CONDITION = st.sampled_from(
    ["s0", "not s0", "s0 and s1", "s0 or s1", "s0 and not s1", "1 of s*", "all of s*", "not (s0 or s1)", "s0 or not s1"]
)
DETECTIONS = st.tuples(SEARCH, SEARCH, CONDITION).map(lambda it: {"s0": it[0], "s1": it[1], "condition": it[2]})
