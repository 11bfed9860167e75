"""What a tenant hides, from whom, and how it is written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from aoc_common.contracts.access import ROLES, Hidden
from aoc_common.contracts.privacy.fields import PRIVATE_FIELDS
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.privacy import PrivacyRule, hidden_by, service_name
from aoc_normalizer.operations.scopes import SERVICES
from each import each

HOWTO = (Path(__file__).parents[3] / "docs" / "howto" / "access.md").read_text("utf-8")


def test_rules_add_up_for_a_role_and_those_below_it() -> None:
    rules = (
        PrivacyRule(hidden_from="reader", services=("exchange",)),
        PrivacyRule(hidden_from="admin", fields=("subject",), operations=("New-InboxRule",)),
    )

    assert [hidden_by(rules, role) for role in ROLES] == [
        Hidden(frozenset({"exchange"}), frozenset({"new-inboxrule"}), frozenset({"subject"})),
        Hidden(frozenset(), frozenset({"new-inboxrule"}), frozenset({"subject"})),
        Hidden(frozenset(), frozenset({"new-inboxrule"}), frozenset({"subject"})),
        Hidden(),
    ]


def test_broken_glass_lifts_the_rules_that_allow_it() -> None:
    rules = (
        PrivacyRule(hidden_from="admin", services=("exchange",)),
        PrivacyRule(hidden_from="admin", services=("teams",), break_glass="admin"),
        PrivacyRule(hidden_from="admin", services=("entra",), break_glass=None),
    )
    hidden = {role: set(hidden_by(rules, role, lifted=True).services) for role in ROLES}

    assert hidden == {
        "reader": {"exchange", "teams", "entra"},
        "analyst": {"teams", "entra"},
        "admin": {"entra"},
        "superadmin": set(),
    }


@each("workload", SERVICES)
def test_a_service_can_be_named_as_microsoft_names_it(workload) -> None:
    stored, product = SERVICES[workload]

    assert service_name(workload) == stored
    assert service_name(workload.upper()) == stored
    assert service_name(stored.title()) == stored
    if product.startswith(("Exchange", "SharePoint", "OneDrive", "Power", "Viva")):
        assert service_name(product) == stored


@each(
    ("named", "hidden"),
    [
        ("Quarantine", {"defender", "quarantine"}), ("CRM", {"dynamics", "crm"}), ("aip", {"purview", "aip"}),
        ("Exchange Online", {"exchange"}), ("defender", {"defender"}),
    ],
)  # fmt: skip
def test_what_was_stored_under_a_former_name_stays_hidden_until_it_is_remapped(named, hidden) -> None:
    assert set(PrivacyRule(services=(named,)).services) == hidden


def test_operations_are_hidden_however_they_are_spelt() -> None:
    rule = PrivacyRule(operations=("Add member to role.", "ADD MEMBER TO ROLE", "New\u2013InboxRule"))

    assert rule.operations == ("add member to role", "new-inboxrule")
    assert hidden_by([rule], "reader").hides("entra", "Add Member to Role.")


@each(
    "rule",
    [
        {},
        {"hidden_from": "reader"},
        {"services": ["Exchange & Teams"]},
        {"services": [""]},
        {"operations": [" "]},
        {"fields": ["subjects"]},
        {"fields": ["subject"], "hidden_from": "everybody"},
        {"fields": ["subject"], "colour": "red"},
    ],
)
def test_a_rule_that_hides_nothing_or_what_is_not_known_is_refused(rule) -> None:
    with pytest.raises(ValidationError):
        PrivacyRule.model_validate(rule)


def test_the_rules_of_the_how_to_can_stand_in_a_tenants_file(tmp_path) -> None:
    block = re.search(r"```json\n(\"privacy\".*?)```", HOWTO, re.DOTALL)
    assert block is not None
    guid = "00000000-0000-0000-0000-000000000001"
    tenant = {"name": "contoso", "tenant_id": guid, "client_id": guid} | json.loads("{" + block[1] + "}")
    file = tmp_path / "tenants.json"
    file.write_text(json.dumps([tenant]))

    rules = read_tenants(file)[0].privacy
    assert [rule.hidden_from for rule in rules] == ["analyst", "reader"]
    assert rules[1].operations == ("mailitemsaccessed",)


def test_the_how_to_has_every_kind_of_value() -> None:
    assert tuple(re.findall(r"^\| `(\w+)` \|", HOWTO.partition("| kind |")[2], re.MULTILINE)) == PRIVATE_FIELDS
