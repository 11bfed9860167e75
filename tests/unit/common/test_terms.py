"""How text is cut for search, on both sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aoc_common.contracts import spelling
from aoc_common.contracts.query.grammar import parse
from aoc_common.contracts.query.matching import Facts, matches
from aoc_common.contracts.terms import (
    MAX_TOKEN,
    first_terms,
    id_terms,
    is_word,
    may_begin_id,
    name_terms,
    operation_terms,
    query_terms,
)
from each import each


@each(
    ("asked", "terms"),
    [
        ("Dana  invoices", ["dana", "invoices"]),
        ("::ffff:203.0.113.9", ["4.203.000.113.009"]),
        ("203.0.113.9:443 dana", ["4.203.000.113.009", "dana"]),
        ("(203.0.113.9)", ["4.203.000.113.009"]),
        ("[2001:DB8::7]:51324", ["6.2001:0db8:0000:0000:0000:0000:0000:0007"]),
        ("2001:0db8:0::0007", ["6.2001:0db8:0000:0000:0000:0000:0000:0007"]),
        ("ServicePrincipal_8526512E-d3ef-47d1-ade1-b3f671e769eb", ["8526512e-d3ef-47d1-ade1-b3f671e769eb"]),
        ("<ZLNPR72MB353220B9735@zlnpr.prod.mail>", ["zlnpr72mb353220b9735@zlnpr.prod.mail"]),
        ("LgAAAAD0rsu0NHbxl07iUE4O/lrMo", ["lgaaaad0rsu0nhbxl07iue4o/lrmo"]),
        ("S-1-5-21-3787-1013", ["s-1-5-21-3787-1013"]),
        ("10:30", ["10", "30"]),
        ("the of --- , .", []),
    ],
)
def test_a_query_asks_for_words_and_for_addresses_and_ids_as_they_are_indexed(asked: str, terms: list[str]) -> None:
    assert query_terms(asked) == terms


@each(
    ("value", "found_by"),
    [
        (
            "Dana.Reyes@contoso.example",
            ["dana.reyes@contoso.example", "dana.reyes", "Dana", "reyes", "contoso.example", "CONTOSO"],
        ),
        ("svc-backup-2024-production@contoso.example", ["svc-backup", "2024", "production"]),
        ("guest_fabrikam.example#EXT#@contoso.example", ["guest_fabrikam.example", "fabrikam", "#EXT#"]),
        ("https://contoso.example/sites/Finance/Q3 Plan.docx", ["finance", "Q3 Plan.docx", "sites/Finance", "docx"]),
        ("José Ángel", ["jose", "JOSÉ", "angel"]),
        ("İstanbul", ["istanbul", "İSTANBUL"]),
        ("日本語 ファイル.txt", ["日本語", "ファイル"]),
        ("O'Brien", ["O'Brien", "brien"]),
    ],
)
def test_a_name_is_found_by_what_people_type(value: str, found_by: list[str]) -> None:
    for asked in found_by:
        assert set(query_terms(asked)) <= set(name_terms(value)), asked
        assert query_terms(asked), asked


@each(
    ("operation", "found_by"),
    [
        ("New-InboxRule", ["new-inboxrule", "New-InboxRule", "inboxrule", "inbox", "rule"]),
        ("MailItemsAccessed", ["mailitemsaccessed", "mail", "items", "accessed"]),
        ("Add member to role", ["add member to role", "role"]),
        ("UserLoginFailed", ["login failed"]),
    ],
)
def test_an_operation_is_found_by_its_words(operation: str, found_by: list[str]) -> None:
    for asked in found_by:
        assert set(query_terms(asked)) <= set(operation_terms(operation)), asked


@pytest.mark.parametrize(
    ("uid", "terms"),
    [
        ("Directory_3B26F1A0-0000-4000-8000-00000000ABCD_6LPVG_7347", ("3b26f1a0-0000-4000-8000-00000000abcd",)),
        ("0000000A-1111-4111-8111-111111111111", ("0000000a-1111-4111-8111-111111111111",)),
        ("s-1|dana@contoso.example", ("dana", "contoso")),
    ],
)
def test_an_id_is_its_guids_or_its_words(uid: str, terms: tuple[str, ...]) -> None:
    assert id_terms(uid) == terms
    assert set(query_terms(uid)) <= set(id_terms(uid))


@given(st.text(max_size=300))
def test_every_value_is_found_by_itself(value: str) -> None:
    asked = set(query_terms(value))

    assert asked <= set(name_terms(value))
    assert asked <= set(operation_terms(value))
    assert asked <= set(id_terms(value))


@given(st.text(max_size=300))
def test_terms_are_short_and_have_one_case(value: str) -> None:
    terms = (*name_terms(value), *operation_terms(value), *id_terms(value))

    assert all(0 < len(term) <= MAX_TOKEN and term == term.casefold() for term in terms)


def test_a_word_of_an_operation_is_cut_as_well() -> None:
    assert max(map(len, operation_terms("Cloud" + "a" * 100))) == MAX_TOKEN


def test_terms_are_bounded_in_number() -> None:
    found = [term for number in range(200) for term in name_terms(f"word{number} " + "y" * 300)]

    assert len(first_terms(found, 48)) == 48


def test_filters_and_events_spell_alike() -> None:
    assert spelling.operation(" Update application \u2013 Certificates and secrets management. ") == (
        "Update application - Certificates and secrets management"
    )
    assert spelling.actor(" Dana@Contoso.example ") == "dana@contoso.example"
    assert spelling.address("::ffff:203.0.113.9") == "203.0.113.9"
    assert spelling.address("fe80::1%eth0") == "fe80::1"
    assert spelling.address("<null>") is None


@pytest.mark.parametrize("token", ["_rOd6cICck6J-QrU5UhlAA", "k3Vx-92lQ0mZ_tYbnE4rAg"])
def test_a_tokens_id_is_one_term_that_is_no_word_and_is_asked_for_as_it_is_written(token: str) -> None:
    assert id_terms(token) == (token.lower(),)
    assert not is_word(token.lower())
    assert matches(parse(token), Facts(frozenset(id_terms(token))))
    assert matches(parse(f"kim {token}"), Facts(frozenset({"kim", *name_terms(token)})))
    assert not matches(parse(token), Facts(frozenset({"kim"})))


def test_a_number_longer_than_what_may_begin_an_id_is_an_id_and_no_word() -> None:
    number = "1768466851000"

    assert name_terms(number) == (number,)
    assert [length for length in range(1, len(number) + 1) if is_word(number[:length])] == list(range(1, 9))
    assert all(may_begin_id(number[:length]) for length in range(1, 9))


def test_a_name_as_long_as_a_tokens_id_is_found_by_its_words() -> None:
    name = "Mailbox-Import-2026-Q3"
    facts = Facts(frozenset(name_terms(name)))

    assert all(matches(parse(query), facts) for query in (name, "mailbox", "import 2026", "mail*"))
    assert all(is_word(term) for term in name_terms(name))
