"""What rules of others fell into, held against the whole pack: one test for each (see the issues that are named)."""

from __future__ import annotations

from typing import Any

import yaml

from aoc_rules.sigma import log_sources
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.lint import lint
from aoc_rules.sigma.reading import read
from aoc_rules.sigma.ruleset import RuleSet
from microsoft_records import event_of, records
from rule_pack import hits, pack, raised
from sigma_rules import rule_of

HIGHEST = {"Role.DisplayName": "Global Administrator", "Role.TemplateId": "62e90394-69f5-4237-9190-012177145e10"}


def found(what: dict[str, Any]) -> list[set[str]]:
    """The rules that match the record of each interface, counted ones included."""
    return [{hit.name for hit in hits(event_of(record, source))} for source, record in records(what)]


def test_the_outcome_of_a_sign_in_is_not_that_of_its_record() -> None:
    """A failed sign-in says `ResultStatus: Success` in the unified log (detection-rules #1687)."""
    scripted = {"userAgent": "python-requests/2.31.0"}

    assert found({"only": "unified", "signin": {"error": 50126, **scripted}}) == [{"wrong_password"}]
    assert found({"only": "unified", "signin": scripted}) == [{"sign-in-by-script"}]


def test_a_rule_tells_success_from_failure() -> None:
    """One rule for both says nothing (wazuh #16095)."""
    change = {"operation": "Add member to role", "changed": HIGHEST}

    assert found({"change": change}) == [{"highest-role-assigned"}] * 3
    assert found({"change": change | {"result": "failure"}}) == [set()] * 3


def test_every_rule_is_of_one_log_source_that_there_is() -> None:
    """A wrong one never matches (SigmaHQ PR #5967, #3423)."""
    for rule in pack().rules.rules:
        assert len(rule.conditions) == 1, rule.title
        assert log_sources.of_rule(rule.sigma.logsource) == tuple(rule.conditions), rule.title


def test_a_misspelt_field_of_an_exception_is_told() -> None:
    """It never excludes (SigmaHQ PR #6283)."""
    for name, documents in pack().documents.items():
        detection = documents[0]["detection"]
        if " not " not in detection["condition"]:
            continue
        (finding, *_) = lint(rule_of(detection | {"slip": {"UserIdd": "x"}, "condition": _with_slip(detection)},
                                     documents[0]["logsource"]))  # fmt: skip

        assert finding.code == "unknown-field", name
        assert "never excludes" in finding.message


def _with_slip(detection: dict[str, Any]) -> str:
    return f"({detection['condition']}) and not slip"


def test_a_role_for_an_application_is_none_for_a_user() -> None:
    """SigmaHQ PR #5054: users get application roles, and applications give roles to users."""
    role = {"changed": {"AppRole.Value": "RoleManagement.ReadWrite.Directory"}}
    by_application = {"operation": "Add member to role", "by": "app:Backup Harbour", "changed": HIGHEST}

    assert found({"change": role | {"operation": "Add app role assignment grant to user"}}) == [set()] * 3
    assert found({"change": by_application}) == [{"highest-role-assigned"}] * 3


def test_forwarding_is_seen_in_every_spelling() -> None:
    """detection-rules #2239, #5642, #3444."""
    to = "x@outside.example"
    for name in ("ForwardTo", "forwardto", "ForwardAsAttachmentTo", "RedirectTo"):
        for value in (to, f"smtp:{to}", f"SMTP:{to.upper()}", f'"X" [SMTP:{to}]'):
            for operation in ("New-InboxRule", "Set-InboxRule"):
                assert found({"cmdlet": {"Operation": operation, "Parameters": {name: value}}}) == [
                    {"inbox-rule-forwards"}
                ]
    for name, value in (("ForwardingSmtpAddress", f"smtp:{to}"), ("ForwardingSMTPAddress", to),
                        ("ForwardingAddress", "Outside Contact")):  # fmt: skip
        assert found({"cmdlet": {"Operation": "Set-Mailbox", "Parameters": {name: value}}}) == [{"mailbox-forwards"}]


def test_an_operation_is_the_same_with_and_without_its_dot() -> None:
    """Mandiant-Azure-AD-Investigator #19."""
    for operation in ("Add service principal credentials", "Add service principal credentials."):
        assert found({"only": "graph", "change": {"operation": operation}}) == [{"secret-added-to-service-principal"}]
    assert found({"only": "unified", "change": {"operation": "Add service principal credentials"}}) == [
        {"secret-added-to-service-principal"}
    ]


def test_an_application_that_acts_has_its_name_in_the_alert() -> None:
    """It is not "unknown" (Azure-Sentinel #2314)."""
    what = {"change": {"operation": "Add member to role", "by": "app:Backup Harbour", "changed": HIGHEST}}
    for source, record in records(what):
        (hit,) = raised([event_of(record, source)])

        assert hit.values("actor") == ("backup harbour",)


def test_an_exception_for_one_of_several_names_of_somebody_holds() -> None:
    """detection-rules #5314: the unified log has every id of an actor in one field."""
    (source, record) = next(
        records({"only": "unified", "change": {"operation": "Add member to role", "changed": HIGHEST}})
    )
    record["Actor"] += [{"ID": "10032001", "Type": 3}, {"ID": "User", "Type": 2}]
    (rule,) = read(pack().files["highest-role-assigned"].text, "rule").rules
    event = yaml.safe_load(event_of(record, source).message())

    for name, expected in (("10032001", 0), ("admin@contoso.example", 0), ("dana@contoso.example", 1)):
        exception = {
            "title": "An exception", "logsource": {"product": "azure", "service": "auditlogs"},
            "filter": {"rules": "any", "known": {"Actor.ID": name}, "condition": "not known"},
        }  # fmt: skip
        filters = read(yaml.dump(exception), "filter").filters
        assert len(RuleSet([compile_rule(rule, filters)]).match(event)) == expected, name
