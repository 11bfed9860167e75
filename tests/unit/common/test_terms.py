"""How text is cut for search, on both sides."""

from __future__ import annotations

import pytest

from aoc_common.contracts import spelling
from aoc_common.contracts.terms import index_tokens, query_terms


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("Dana  invoices", ["dana", "invoices"]),
        ("::ffff:203.0.113.9", ["203.0.113.9"]),
        ("203.0.113.9:443 dana", ["203.0.113.9", "dana"]),
        ("[2001:DB8::7]:51324", ["2001:db8::7"]),
        ("2001:0db8:0::0007", ["2001:db8::7"]),
        ("ServicePrincipal_8526512E-d3ef-47d1-ade1-b3f671e769eb", ["8526512e-d3ef-47d1-ade1-b3f671e769eb"]),
        ("10:30", ["10:30"]),
        ("the of ---", []),
    ],
)
def test_a_query_asks_for_addresses_and_ids_as_they_are_indexed(asked: str, terms: list[str]) -> None:
    assert query_terms(asked) == terms


@pytest.mark.parametrize(
    ("value", "found_by"),
    [
        (
            "Dana.Reyes@contoso.example",
            ["dana.reyes@contoso.example", "dana.reyes", "dana", "reyes", "contoso.example"],
        ),
        ("New-InboxRule", ["new-inboxrule", "inboxrule", "inbox", "rule"]),
        ("MailItemsAccessed", ["mailitemsaccessed", "mail", "items", "accessed"]),
        ("Q3 Planning.docx", ["q3", "planning.docx", "planning"]),
        ("Shard-505b6405-958b-45a0-baae-76a0d7acae83", ["505b6405-958b-45a0-baae-76a0d7acae83", "shard"]),
        ("2001:db8::7", ["2001:db8::7"]),
        ("İstanbul", ["i̇stanbul"]),
    ],
)
def test_a_value_is_found_by_what_people_type(value: str, found_by: list[str]) -> None:
    terms = index_tokens([value], 48)

    for asked in found_by:
        assert set(query_terms(asked)) <= set(terms), asked


def test_every_value_is_found_by_itself() -> None:
    for value in (
        "Add member to role",
        "x" * 500,
        "a/b\\c",
        "日本語 ファイル.txt",
        "O'Brien",
        "a+b@c.example",
        "(50126)",
    ):
        assert set(query_terms(value)) <= set(index_tokens([value], 48))


def test_a_machines_name_is_found_whole_and_not_by_its_parts() -> None:
    assert index_tokens(["EURPR04A009.prod.outlook.example"], 48) == ("eurpr04a009.prod.outlook.example",)


def test_terms_are_bounded_in_number_and_length() -> None:
    terms = index_tokens([f"word{number} " + "y" * 300 for number in range(200)], 48)

    assert len(terms) == 48
    assert max(map(len, terms)) <= 64


def test_filters_and_events_spell_alike() -> None:
    assert spelling.operation(" Update application \u2013 Certificates and secrets management. ") == (
        "Update application - Certificates and secrets management"
    )
    assert spelling.actor(" Dana@Contoso.example ") == "dana@contoso.example"
    assert spelling.address("::ffff:203.0.113.9") == "203.0.113.9"
    assert spelling.address("fe80::1%eth0") == "fe80::1"
    assert spelling.address("<null>") is None
