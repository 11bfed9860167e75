"""Public rules name the kind of a PIM alert and of a risk; Graph says it in the record's own places."""

from __future__ import annotations

import json

from each import each
from sigma_rules import fires, rule_on

TENANT = "3b0e0000-22fa-4c16-9bf2-470b80be80d6"
OUTSIDE = "rolesAssignedOutsidePrivilegedIdentityManagementAlert"


def alert(**more):
    """The event of an alert as the normalizer makes it of what the collector fetches."""
    record = {
        "id": f"DirectoryRole_{TENANT}_RolesAssignedOutsidePimAlert",
        "alertDefinitionId": f"DirectoryRole_{TENANT}_RolesAssignedOutsidePimAlert",
        "isActive": True,
        "incidentCount": 1,
        "alertConfiguration": {"@odata.type": f"#microsoft.graph.{OUTSIDE}Configuration"},
        "alertIncidents": [{"@odata.type": f"#microsoft.graph.{OUTSIDE}Incident", "assigneeId": "u1"}],
    } | more
    metadata = {"product": {"name": "Microsoft Entra PIM"}, "log_name": "PIM alerts"}
    return {"class_uid": 2004, "metadata": metadata, "raw_data": json.dumps(record)}


@each(
    ("kind", "event", "expected"),
    [
        (f"{OUTSIDE}Configuration", alert(), True),
        (f"{OUTSIDE}Incident", alert(), True),
        ("noMfaOnRoleActivationAlertIncident", alert(), False),
        (f"{OUTSIDE}Configuration", alert(isActive=False), False),
        (f"{OUTSIDE}Configuration", alert(alertConfiguration=None, alertIncidents="x", alertDefinitionId=None), False),
        (
            "noMfaOnRoleActivationAlertIncident",
            alert(alertDefinitionId=f"DirectoryRole_{TENANT}_NoMfaOnRoleActivationAlert", alertIncidents=[]),
            True,
        ),
    ],
)
def test_a_rule_about_a_kind_of_pim_alert_fires_while_it_is_active(kind, event, expected):
    assert fires(rule_on({"riskEventType": kind}, logsource={"product": "azure", "service": "pim"}), event) is expected


def test_a_rule_about_a_kind_of_risk_fires_on_a_detection():
    metadata = {"product": {"name": "Microsoft Entra ID Protection"}, "log_name": "Risk"}
    event = {"class_uid": 2004, "metadata": metadata, "raw_data": json.dumps({"riskEventType": "passwordSpray"})}
    rule = rule_on({"riskEventType": "passwordSpray"}, logsource={"product": "azure", "service": "riskdetection"})

    assert fires(rule, event)
    assert not fires(
        rule_on({"riskEventType": "newCountry"}, logsource={"product": "azure", "service": "riskdetection"}), event
    )
