"""The query language: what people type, and what it stands for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aoc_common.contracts import spelling, terms
from aoc_common.contracts.query import grammar, values
from aoc_common.contracts.query.filters import Check, CheckKind, Clause, Span, Value
from aoc_common.contracts.query.grammar import Asked, QueryError, parameter, parse
from aoc_common.contracts.query.matching import Facts, matches
from each import each

if TYPE_CHECKING:
    from collections.abc import Callable


def word(*terms_: str) -> Value:
    return Value(tuple((Span.of(term),) for term in terms_))


def text(*found: Value, excluded: bool = False) -> Clause:
    return Clause("text", found, excluded)


def read_or_error[Read](read: Callable[[], Read], text: str) -> Read | QueryError:
    """What is read, or an error that stands inside the text."""
    try:
        return read()
    except QueryError as error:
        where = error.position
        found = error
    assert 0 <= where <= len(text)
    return found


HOME = Value(((Span("4.203.000.113.000", "4.203.000.113.255"),),))
RULE = Value(word("inbox", "rule").needs, Check("phrase", "inbox rule"))


@each(
    ("query", "clauses"),
    [
        ("", ()),
        ("   ", ()),
        ("Dana", (text(word("dana")),)),
        ("dana invoices", (text(word("dana")), text(word("invoices")))),
        ("dana AND invoices", (text(word("dana")), text(word("invoices")))),
        ("dana AND NOT invoices", (text(word("dana")), text(word("invoices"), excluded=True))),
        ("dana (invoices)", (text(word("dana")), text(word("invoices")))),
        ("dana (invoices due)", (text(word("dana")), text(word("invoices")), text(word("due")))),
        ("dana.reyes@contoso.example", (text(word("dana", "reyes", "contoso")),)),
        ("hollan*", (text(Value(((Span.beginning("hollan"),),))),)),
        ("dana.rey*", (text(Value(((Span.of("dana"),), (Span.beginning("rey"),)))),)),
        ("203.0.113.", (text(HOME),)),
        ("203.0.113.*", (text(HOME),)),
        ("203.0.113.0/24", (text(HOME),)),
        ("ip:203.0.113.0/24", (Clause("ip", (HOME,)),)),
        ("address:203.0.113.", (Clause("ip", (HOME,)),)),
        ("203.0.113.9", (text(Value(((Span.of("4.203.000.113.009"), Span.of("203.0.113.9")),))),)),
        ("15.20.4129.032 10.", (text(word("15", "20", "4129", "032")), text(word("10")))),
        ('"inbox rule"', (text(RULE),)),
        ("\u201cinbox rule\u201d", (text(RULE),)),
        ('"inbox"', (text(word("inbox")),)),
        ("-sharepoint", (text(word("sharepoint"), excluded=True),)),
        ("NOT sharepoint", (text(word("sharepoint"), excluded=True),)),
        ('-"inbox rule"', (text(RULE, excluded=True),)),
        ("dana OR kim", (text(word("dana"), word("kim")),)),
        ("dana OR kim sam", (text(word("dana"), word("kim")), text(word("sam")))),
        ("not or", (text(word("not")), text(word("or")))),
        ('"OR"', (text(word("or")),)),
        ("service:exchange", (Clause("service", (Value((), Check("equal", "exchange")),)),)),
        ("-service:SharePoint", (Clause("service", (Value((), Check("equal", "sharepoint")),), excluded=True),)),
        (
            "service:exchange,entra",
            (Clause("service", (Value((), Check("equal", "exchange")), Value((), Check("equal", "entra")))),),
        ),
        (
            "service:exchange OR service:entra",
            (Clause("service", (Value((), Check("equal", "exchange")), Value((), Check("equal", "entra")))),),
        ),
        ("result:failed", (Clause("result", (Value((), Check("equal", "failure")),)),)),
        (
            'operation:"Add member to role."',
            (Clause("operation", (Value(word("add", "member", "role").needs, Check("equal", "add member to role")),)),),
        ),
        ("op:new-*", (Clause("operation", (Value(word("new").needs, Check("start", "new-")),)),)),
        (
            'user:"Dana Reyes",kim@contoso.example',
            (
                Clause(
                    "actor",
                    (
                        Value(word("dana", "reyes").needs, Check("name", "dana reyes")),
                        Value(word("kim", "contoso").needs, Check("equal", "kim@contoso.example")),
                    ),
                ),
            ),
        ),
        ("https://contoso.example/x", (text(word("contoso")),)),
        ("2001:db8::7 fe80::1", tuple(text(values.exactly("text", one)) for one in ("2001:db8::7", "fe80::1"))),
        ("abcd:ef01::", (text(values.exactly("text", "abcd:ef01::")),)),
        ("10:30", (text(word("10", "30")),)),
        (r"NT\SYSTEM", (text(word("system")),)),
        ("O'Brien", (text(word("brien")),)),
        ("the", (text(Value((), Check("phrase", "the"))),)),
        ("raw:Cost-Centre", (Clause("raw", (Value((), Check("phrase", "cost-centre")),)),)),
        ('-raw:"cost centre"*', (Clause("raw", (Value((), Check("begun", "cost centre")),), excluded=True),)),
    ],
)  # fmt: skip
def test_a_query_stands_for_clauses(query: str, clauses: tuple[Clause, ...]) -> None:
    assert parse(query) == clauses


@each(
    ("query", "position", "why"),
    [
        ('dana "inbox', 5, "never closed"),
        ("dana *rule", 5, "behind the beginning"),
        ("da*na", 2, "at the end"),
        ("a* rule", 0, "too short"),
        ("actr:dana", 0, "no field `actr`"),
        ("dana actr:kim", 5, "no field `actr`"),
        ("tenant:contoso", 0, "no field `tenant`"),
        ("actor:", 6, "value is missing"),
        ("actor: dana", 6, "value is missing"),
        ("actor:dana,", 11, "value is missing"),
        ("ip:203.0.113.999", 3, "no IP address"),
        ("ip:203.0.113.7/24", 3, "its own is 203.0.113.0/24"),
        ("203.0.113.7/24", 0, "its own is 203.0.113.0/24"),
        ("result:maybe", 7, "success, failure"),
        ("OR dana", 0, "between"),
        ("AND dana", 0, "AND stands between"),
        ("dana AND", 5, "AND stands between"),
        ("dana AND AND kim", 5, "AND stands between"),
        ("dana OR AND kim", 8, "AND stands between"),
        ("dana AND kim OR sam", 5, "before AND does"),
        ("(dana kim) OR sam", 0, "no parentheses"),
        ("sam NOT (dana kim)", 8, "no parentheses"),
        ("dana OR", 7, "missing at the end"),
        ("dana OR OR kim", 8, "between"),
        ("NOT NOT dana", 4, "NOT stands before"),
        ("dana OR service:entra", 5, "OR joins"),
        ("dana OR -kim", 5, "leave things out one by one"),
        ("-dana OR kim", 6, "leave things out one by one"),
        ('dana"inbox"', 4, "inside a word"),
        ('"inbox"dana', 7, "a blank is missing"),
        ('""', 0, "nothing is between"),
        ("---", 1, "no letter or digit"),
        ("x" * 2001, 2000, "at most 2,000 characters"),
        (" ".join(f"w{n}" for n in range(33)), 118, "at most 32 items"),
        ("op:" + ",".join(f"w{n}" for n in range(101)), 393, "at most 100 values"),
    ],
)
def test_an_error_names_where_it_stands(query: str, position: int, why: str) -> None:
    with pytest.raises(QueryError, match=re.escape(why)) as caught:
        parse(query)

    assert caught.value.position == position
    assert str(caught.value).startswith(f"at character {position + 1}: ")


@each(
    ("given_", "values_"),
    [
        ("Add member to role", ["add member to role"]),
        ("Add user,Delete user", ["add user", "delete user"]),
        ('"Add user, or not",Delete user', ["add user, or not", "delete user"]),
        ("Reyes, Dana", ["reyes, dana"]),
    ],
)
def test_blanks_belong_to_the_values_of_a_parameter(given_: str, values_: list[str]) -> None:
    found = [value.check.text for value in parameter("operation", given_).values if value.check]

    assert found == values_


def test_a_parameter_takes_beginnings_and_names_where_it_cannot_be_read() -> None:
    assert parameter("actor", "dana*") == parse("actor:dana*")[0]
    assert parameter("ip", "203.0.113.0/24,2001:db8::/32") == parse("ip:203.0.113.0/24,2001:db8::/32")[0]
    with pytest.raises(QueryError) as caught:
        parameter("ip", "203.0.113.9,nowhere")
    assert caught.value.position == 12


def test_parts_of_an_octet_are_the_networks_that_begin_so() -> None:
    [value] = parse("ip:203.0.25*")[0].values
    [need] = value.needs

    assert [span.first for span in need] == [f"4.203.000.{octet:03}.000" for octet in (25, *range(250, 256))]


@given(st.text(max_size=60) | st.text(alphabet='ab:,*"-\\ ORNT.:/0129', max_size=40))
def test_any_text_is_a_query_or_an_error_within_it(query: str) -> None:
    clauses = read_or_error(lambda: parse(query), query)

    if not isinstance(clauses, QueryError):
        found = [value for clause in clauses for value in clause.values]
        assert all(clause.values for clause in clauses)
        assert all(value.needs or value.check for value in found)
        assert all(re.compile(value.check.pattern) for value in found if value.check)


@given(st.text(max_size=60) | st.text(alphabet='ab,*"\\ .:/0129', max_size=40), st.sampled_from(sorted(grammar.FIELDS)))
def test_any_text_is_a_parameter_or_an_error_within_it(text: str, name: str) -> None:
    clause = read_or_error(lambda: parameter(grammar.FIELDS[name], text), text)

    assert isinstance(clause, QueryError) or clause.values


@given(st.text(min_size=1, max_size=60))
def test_whatever_is_quoted_is_looked_for_as_it_is(wanted: str) -> None:
    quoted = '"' + wanted.replace("\\", "\\\\").replace('"', '\\"') + '"'
    clauses = read_or_error(lambda: parse(quoted), quoted)

    if isinstance(clauses, QueryError):
        assert not terms.pieces(wanted) or "network" in clauses.why
    else:
        assert clauses == (Clause("text", (values.phrase(wanted),)),)


@example('0"0')
@given(st.text(min_size=1, max_size=60))
def test_every_word_of_a_sentence_finds_it(sentence: str) -> None:
    facts = Facts(frozenset(terms.name_terms(sentence)), {"text": (sentence.lower(),)})
    for one in sentence.split():
        if terms.says_nothing(spelling.folded(one).lower()) and not spelling.is_plain(one):
            continue  # a word that is in no index, with what nobody sees in it: it stands in no text as it reads
        try:
            clauses = (Clause("text", (values.exactly("text", one),)),)
        except values.Unsearchable:
            continue
        assert matches(clauses, facts), one


def in_record(text_: str, kind: CheckKind = "phrase") -> Value:
    return Value((), Check(kind, text_))


def parse_with(query: str, *more: Value) -> tuple[Clause, ...]:
    """The clause of a query with these values more."""
    [clause] = parse(query)
    return (replace(clause, values=(*clause.values, *more)),)


@each(
    ("query", "unknown", "clauses"),
    [
        ("kim wombat", ("wombat",), (text(word("kim")), text(word("wombat"), in_record("wombat")))),
        (
            "kim womb* -sam",
            (),
            (
                text(word("kim"), in_record("kim")),
                text(Value(((Span.beginning("womb"),),)), in_record("womb", "begun")),
                text(word("sam"), in_record("sam"), excluded=True),
            ),
        ),
        ('"cost centre" op:x', (), (*parse_with('"cost centre"', in_record("cost centre")), *parse("op:x"))),
        ("kim OR wombat", ("wombat",), parse_with("kim OR wombat", in_record("kim"), in_record("wombat"))),
        ("op:x service:entra", (), None),
        ("203.0.113.0/24", (), None),
        ("203.0.113.0/24 wombat", ("wombat",), (text(HOME), text(word("wombat"), in_record("wombat")))),
        ("kim", ("wombat",), None),
        ("a", (), None),
    ],
)  # fmt: skip
def test_words_that_the_index_lacks_are_looked_for_in_the_events_themselves(query, unknown, clauses) -> None:
    assert grammar.in_records([("TEXT", "text", query)], unknown) == clauses


def test_other_parameters_stay_beside_words_that_are_looked_for_in_the_events() -> None:
    found = grammar.in_records([("--actor", "actor", "kim"), ("TEXT", "text", "wombat")], ())

    assert found == (parameter("actor", "kim"), text(word("wombat"), in_record("wombat")))


@each(
    ("asked", "record", "has"),
    [
        ("raw:wombat", {"a": "Wombat-7"}, True),
        ("raw:wombat", {"a": "wombats"}, False),
        ("raw:womb*", {"a": "wombats"}, True),
        ("raw:étiquette", {"a": "Votre Étiquette"}, True),
        (r"raw:C:\Users\kim", {"a": r"c:\users\KIM\x.exe"}, True),
        ('raw:"first second"', {"a": "first\r\n second"}, True),
        ("raw:second", {"a": "first\nsecond"}, True),
        ('raw:"one two"', {"a": "one", "b": "two"}, False),
        ("-raw:wombat", {"a": "wombat"}, False),
        ("raw:\N{GRINNING FACE}日本語", {"a": "\N{GRINNING FACE}日本語"}, True),
    ],
)
@each("as_ascii", [True, False])
def test_a_record_has_words_however_its_json_is_written(
    asked: str, record: dict[str, str], has: bool, as_ascii
) -> None:
    facts = Facts(frozenset(), {"raw": (json.dumps(record, ensure_ascii=as_ascii),)})

    assert matches(parse(asked), facts) is has


def test_filters_are_bounded_together_and_the_one_too_many_is_named() -> None:
    many = ",".join(f"v{number}" for number in range(grammar.MOST_VALUES))
    fits: list[Asked] = [
        (f"actor{number}", "actor", many) for number in range(grammar.MOST_TOGETHER // grammar.MOST_VALUES)
    ]

    assert len(grammar.clauses(fits)) == len(fits)
    with pytest.raises(QueryError, match=f"operation, .*at most {grammar.MOST_TOGETHER} values; ask for some"):
        grammar.clauses([*fits, ("operation", "operation", "one-more")])


def test_beginnings_and_networks_are_bounded_together_wherever_they_stand() -> None:
    networks = [f"10.{number}.0.0/16" for number in range(grammar.MOST_SPANS // 2)]
    beginnings = " ".join(f"-actor:begin{number}*" for number in range(20))
    fits: list[Asked] = [("ip", "ip", ",".join(networks)), ("q", "text", beginnings)]

    assert grammar.clauses(fits)
    with pytest.raises(QueryError, match=f"actor, .*at most {grammar.MOST_SPANS} beginnings and networks"):
        grammar.clauses([*fits, ("actor", "actor", ",".join(f"other{number}*" for number in range(90)))])
