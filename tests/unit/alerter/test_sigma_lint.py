"""Lint names what a rule asks for and no record has, before anything is collected; a good rule has no finding."""

from __future__ import annotations

from aoc_rules.sigma import vocabulary
from aoc_rules.sigma.lint import lint, never_fires
from aoc_rules.sigma.log_sources import LOG_SOURCES
from aoc_rules.sigma.named_lists import NamedLists
from each import each
from sigma_rules import rule_of, rule_on

DIRECTORY = {"product": "azure", "service": "auditlogs"}
ENTRANCE = {"product": "azure", "service": "signinlogs"}
AUDIT = {"product": "m365", "service": "audit"}


def found(rule, lists=None) -> list[tuple[str, str]]:
    return [(finding.code, finding.place) for finding in lint(rule, lists)]


@each(
    ("logsource", "search"),
    [
        (DIRECTORY, {"operationName": "Add member to role", "properties.result": "success", "Status": "Failure"}),
        (DIRECTORY, {"TARGETRESOURCES.modifiedProperties|contains": '"oldValue":"x"', "Category": "Policy"}),
        (
            ENTRANCE,
            {"ResultType": 0, "properties.deviceDetail.deviceId": "", "authenticationRequirement|contains": "multi"},
        ),
        (DIRECTORY, {"targetResources.type": "serviceprincipal"}),
        (DIRECTORY, {"targetResources.type": "SomethingNew"}),
        (AUDIT, {"Operation|contains": "Add member", "Operation|startswith": "add member to"}),
        (AUDIT, {"Operation|contains|all": ["Add", "member to role"]}),
        (AUDIT, {"Operation": "Send", "SomethingOfItsOwn": 1}),
        (AUDIT, ["a word"]),
        (DIRECTORY, {"operationName": "x", "InitiatedBy|exists": True}),
        ({"product": "aoc", "service": "ocsf"}, {"actor.user.name": "sam"}),
    ],
)
def test_a_good_rule_has_no_finding(logsource, search) -> None:
    assert found(rule_on(search, logsource=logsource)) == []


@each(
    ("logsource", "search", "expected", "never", "suggestion"),
    [
        (
            DIRECTORY,
            {"operationName": "x", "Initiatied.By": "sam"},
            ("unknown-field", "Initiatied.By"),
            True,
            "InitiatedBy",
        ),
        # that a field is missing may well be so
        (
            DIRECTORY,
            {"operationName": "x", "Initiatied.By": None},
            ("unknown-field", "Initiatied.By"),
            False,
            "InitiatedBy",
        ),
        *(
            (
                DIRECTORY,
                {"operationName": "x", "Initiatied.By|exists": exists},
                ("unknown-field", "Initiatied.By"),
                exists,
                "",
            )
            for exists in (True, False)
        ),
        (DIRECTORY, {"operationName": "x", "Status": 5}, ("unknown-value", "Status"), True, "failure"),
        (DIRECTORY, {"operationName": "x", "Status": "Sucess"}, ("unknown-value", "Status"), True, "Success"),
        (DIRECTORY, {"operationName": "x", "Status": "Admin did it"}, ("unknown-value", "Status"), True, "failure"),
        (ENTRANCE, {"ResultType": 0, "Username": "UPN"}, ("stand-in", "Username"), True, "expand"),
        (ENTRANCE, {"ResultType": 0, "ActivityDetails": "Sign-ins"}, ("unknown-field", "ActivityDetails"), True, ""),
        (
            DIRECTORY,
            {"properties.message": '"displayName":"UserType"'},
            ("part-of-text", "properties.message"),
            True,
            "contains",
        ),
        (
            DIRECTORY,
            {"operationName": "x", "targetResources.type": "Service Principal"},
            ("unknown-value", "targetResources.type"),
            True,
            "ServicePrincipal",
        ),
        (
            AUDIT,
            {"Operation|contains|all": ["Add user", "Add member to role"]},
            ("two-operations", "Operation"),
            True,
            "correlation",
        ),
        (DIRECTORY, {"operationName": "%names%"}, ("placeholder", "operationName"), False, "|expand"),
        (
            AUDIT,
            {"Operation": "Send", "ClientIPAdress": "x"},
            ("unknown-field", "ClientIPAdress"),
            False,
            "ClientIPAddress",
        ),
        ({"product": "azure", "service": "auditlog"}, {"a": 1}, ("log-source", ""), True, "azure/auditlogs"),
        ({"product": "windows", "category": "process_creation"}, {"a": 1}, ("log-source", ""), True, ""),
    ],
)
def test_a_fault_of_a_rule_is_named_with_a_suggestion(logsource, search, expected, never, suggestion) -> None:
    rule = rule_on(search, logsource=logsource)

    findings = {(finding.code, finding.place): finding for finding in lint(rule)}

    assert expected in findings
    assert suggestion in findings[expected].suggestion
    assert never_fires(rule) is never
    assert (("never", "") in findings) is (never and expected[0] != "log-source")


def test_a_misspelt_field_of_an_exception_never_excludes_and_the_rule_may_still_fire() -> None:
    detection = {
        "selection": {"operationName": "x"}, "admins": {"Initiatied.By": "sam"}, "condition": "selection and not admins"
    }  # fmt: skip
    rule = rule_of(detection, DIRECTORY)

    (finding,) = lint(rule)

    assert finding.code == "unknown-field"
    assert "never excludes" in finding.message
    assert not never_fires(rule)


def test_a_misspelt_field_of_what_is_asked_for_never_matches() -> None:
    (misspelt, *_) = lint(rule_on({"operationName": "x", "Initiatied.By": "sam"}, logsource=DIRECTORY))

    assert "never matches" in misspelt.message


def test_one_possible_alternative_is_enough_to_fire() -> None:
    search = [{"Status": "Sucess"}, {"Status": "Success"}]

    assert not never_fires(rule_on(search, logsource=DIRECTORY))
    assert never_fires(rule_on([search[0], {"Status": "Fine"}], logsource=DIRECTORY))


def test_one_log_source_that_has_what_is_asked_for_is_enough_to_fire() -> None:
    assert ("never", "") not in found(rule_on({"userAgent": "x"}, logsource={"product": "azure"}))


@each("source", [one for one in LOG_SOURCES.values() if one.name != "aoc/ocsf"])
def test_whatever_a_log_source_has_another_place_for_is_a_field_of_it(source) -> None:
    logsource = {"product": source.product, "service": source.service}
    rule = rule_on({f"{name}|contains": "x" for name in source.fields.aliases}, logsource=logsource)

    assert not {place for code, place in found(rule) if code == "unknown-field"}
    assert all(spelt.casefold() == name for name, spelt in vocabulary.FIELDS[source.name].items())


def test_a_list_that_the_tenant_lacks_is_a_finding_for_that_tenant() -> None:
    rule = rule_on({"operationName|expand": "%Names%"}, logsource=DIRECTORY)

    assert found(rule) == []
    assert found(rule, NamedLists({"names": []})) == []
    assert found(rule, NamedLists({"others": []})) == [("missing-list", "")]


def test_a_rule_that_asks_for_nothing_is_broad() -> None:
    assert ("broad", "") in found(rule_on({"operationName": "x"}, "not selection", logsource=DIRECTORY))
    assert ("broad", "") not in found(rule_on({"operationName": "x"}, logsource=DIRECTORY))
    assert ("broad", "") not in found(rule_on({"a": "x"}, logsource={"product": "windows"}))
