"""The public records that lie beside the project and never in it: each file, its wrapper, and what is in it.

`../shared/data` has a README that says where they are from. What a file holds is named here so that a test that reads
too little fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What is no record: prose, licences, rules, and what others made of records.
NO_RECORDS: Final = ("README.md", "LICENSE-*", "*.counts.json", "sigma/*", "expected_*", "*.enc")


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A file of records. `member`: where a line has its record, if it is not the record itself.

    `list_member`: where the one document of the file has its records. `blank`: lines whose member is empty. `undated`:
    how many have no time of their own. `generic`: how many no mapper understands. `vague`: of how many the sentence
    says "somebody" or "ran ...". Those two only ever fall.
    """

    path: str
    records: int
    member: str | None = None
    list_member: str | None = None
    blank: int = 0
    undated: int = 0
    generic: int = 0
    vague: int = 0


def _pairs(name: str, records: int) -> PublicSet:
    return PublicSet(f"sekoia-intake-formats/{name}.pairs.jsonl", records, member="raw")


SETS: Final = (
    PublicSet("cribl-msgraph/alerts_v1.ndjson", 1),
    PublicSet("cribl-msgraph/signins.ndjson", 1),
    PublicSet("datadog-azure-diagnostics/audit_logs.ndjson", 11),
    PublicSet("datadog-azure-diagnostics/managed_identity_sign_in_logs.ndjson", 11),
    PublicSet("datadog-azure-diagnostics/ms_graph_activity_logs.ndjson", 13),
    PublicSet("datadog-azure-diagnostics/non_interactive_user_sign_in_logs.ndjson", 7),
    PublicSet("datadog-azure-diagnostics/risky_users_logs.ndjson", 1),
    PublicSet("datadog-azure-diagnostics/service_principal_sign_in_logs.ndjson", 13),
    PublicSet("datadog-azure-diagnostics/sign_in_logs.ndjson", 3),
    PublicSet("elastic-integrations-transcribed/o365-dlp.ndjson", 2),
    # One is a fragment: a time, a record type and a server.
    PublicSet("elastic-integrations-transcribed/o365-misc.ndjson", 5, generic=1, vague=1),
    PublicSet("graph2otel-live/records.jsonl", 7, member="record"),
    PublicSet("invictus-o365/part1_2021-03-23_2021-04-19.search_unifiedauditlog_rows.jsonl", 1478, member="AuditData",
              blank=3),
    PublicSet("invictus-o365/part1_2021-03-23_2021-04-19.unique_auditdata.ndjson", 1475),
    PublicSet("msgraph-docs-transcribed/auditevent-list.v1.json", 1, list_member="value"),
    PublicSet("msgraph-docs-transcribed/directoryaudit-list-filter.v1.json", 1, list_member="value"),
    PublicSet("msgraph-docs-transcribed/directoryaudit-list.v1.json", 1, list_member="value"),
    PublicSet("ocsf-messagetrace/messagetrace.pairs.jsonl", 5, member="raw"),
    PublicSet("otrf-goldensaml/AADAuditEvents.ndjson", 2),
    PublicSet("otrf-goldensaml/Microsoft365DefenderEvents.ndjson", 5),
    PublicSet("otrf-goldensaml/OfficeActivityEvents.ndjson", 1),
    PublicSet("panther-analysis/rule_tests.jsonl", 43, member="event"),
    _pairs("azure-activity-logs", 2),
    _pairs("azure-ad", 12),
    _pairs("entraid-graphapi", 41),
    _pairs("intune", 5),
    _pairs("m365-defender-xdr", 36),
    _pairs("message-trace", 1),
    _pairs("o365", 38),
    _pairs("sentinel-incidents", 2),
    PublicSet("tenzir-graph-ocsf/compliance-policy-setting-state-summaries.ndjson", 1, undated=1),
    PublicSet("tenzir-graph-ocsf/defender-alerts.ndjson", 1),
    PublicSet("tenzir-graph-ocsf/defender-incidents.ndjson", 2),
    PublicSet("tenzir-graph-ocsf/detected-apps.ndjson", 1, undated=1),
    PublicSet("tenzir-graph-ocsf/directory-audits.ndjson", 4),
    PublicSet("tenzir-graph-ocsf/managed-devices.ndjson", 1),
    PublicSet("tenzir-graph-ocsf/risk-detections.ndjson", 2),
    PublicSet("tenzir-graph-ocsf/risky-users.ndjson", 2),
    PublicSet("tenzir-graph-ocsf/sign-ins.ndjson", 1),
)  # fmt: skip
#: Folders whose files are imported whole: their formats are what is tried, and tests of the import read their like.
FOR_IMPORT: Final = ("reported", "export-shapes")


def records(root: Path, one: PublicSet) -> Iterator[bytes]:
    """The records of a file, each as JSON of its own."""
    for value in _values(root, one):
        record = value if one.member is None else value[one.member]
        if isinstance(record, str):
            record = json.loads(record) if record.strip() else None
        if record is not None:
            yield json.dumps(record).encode()


def _values(root: Path, one: PublicSet) -> list[dict[str, Any]]:
    text = (root / one.path).read_text("utf-8-sig")
    if one.list_member is not None:
        listed: list[dict[str, Any]] = json.loads(text)[one.list_member]
        return listed
    # Some of the sets that are lines have one document on several.
    found: list[dict[str, Any]] = []
    decoder, at = json.JSONDecoder(), 0
    while (at := _skip(text, at)) < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
