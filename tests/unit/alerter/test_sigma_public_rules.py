"""The public rules beside the project: each is read and compiled, and covers a log source of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.lint import lint, never_fires
from aoc_rules.sigma.reading import read

RULES = Path(__file__).parents[4] / "shared" / "data" / "sigma"
FILES = sorted(RULES.glob("**/*.yml"))

pytestmark = pytest.mark.skipif(not FILES, reason="the public rules lie beside the project")

#: How many rules each log source has.
COVERED = {
    "azure/auditlogs": 29,
    "azure/pim": 6,
    "azure/riskdetection": 17,
    "azure/signinlogs": 14,
    "m365/audit": 3,
    "m365/exchange": 1,
    "m365/threat_detection": 1,
    "m365/threat_management": 9,
}
LISTS = {
    "approveduserupn", "known_location", "unlegitcountries", "unapprovedip", "unapproveddevice", "hometenantid"
}  # fmt: skip


def test_every_public_rule_is_read_and_compiled_and_covers_one_log_source() -> None:
    covered: dict[str, int] = {}
    lists: set[str] = set()
    for file in FILES:
        reading = read(file.read_bytes(), file.name)
        assert (file.name, reading.faults) == (file.name, ())
        (rule,) = (compile_rule(one) for one in reading.rules)
        (source,) = rule.conditions
        covered[source.name] = covered.get(source.name, 0) + 1
        lists |= rule.lists

    assert len(FILES) == 80
    assert dict(sorted(covered.items())) == COVERED
    assert lists == LISTS


#: Rules with findings, and whether they can fire all the same.
FINDINGS = {
    "azure_ad_account_created_deleted_nonapproved_user.yml": ({"unknown-value", "unknown-field", "never"}, True),
    "azure_app_role_added.yml": ({"unknown-value", "never"}, True),
    "azure_privileged_account_creation.yml": ({"two-operations", "never"}, True),
    "azure_guest_to_member.yml": ({"part-of-text", "never"}, True),
    "azure_legacy_authentication_protocols.yml": ({"unknown-field", "stand-in", "never"}, True),
    "azure_tap_added.yml": ({"unknown-value", "never"}, True),
    "azure_user_password_change.yml": ({"stand-in", "never"}, True),
}


def test_the_faults_of_the_public_rules_are_named_and_no_others() -> None:
    found: dict[str, tuple[set[str], bool]] = {}
    for file in FILES:
        rule = compile_rule(read(file.read_bytes(), file.name).rules[0])
        findings = lint(rule)
        if findings:
            found[file.name] = {finding.code for finding in findings}, never_fires(rule)

    assert found == FINDINGS
