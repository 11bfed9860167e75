"""Defender: exports of advanced hunting, of Defender for Cloud Apps' activity log, and of incidents and alerts.

Sources: defender-docs, the tables of advanced hunting, incident-queue.md and alerts-queue.md; cloud-app-security-docs,
activity-filters.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import values
from aoc_normalizer.fields.spellings import GRAPH, respelt
from aoc_normalizer.mappers import hunting_tables
from aoc_normalizer.mappers.base import Mapper, Record
from aoc_normalizer.mappers.envelopes import hunting, wrapped
from aoc_normalizer.mappers.envelopes.tables import cells
from aoc_normalizer.mappers.envelopes.tables.columns import Table, needs, paths
from aoc_normalizer.mappers.graph import alerts

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft

_HUNTING: Final = paths(*hunting_tables.COLUMNS)


def _fill_app_event(row: Record, draft: Draft) -> None:
    """The unified record inside, where there is one; else the row itself."""
    (wrapped.MAPPER if wrapped.MAPPER.recognises(row) else hunting.MAPPER).fill(row, draft)


_APP_EVENTS: Final = Mapper("cloud-app-events", 1, lambda _row: True, _fill_app_event)

#: Columns of Defender for Cloud Apps' activity log -> those of `CloudAppEvents`.
_ACTIVITIES: Final = paths(
    date="Timestamp",
    timestamp="Timestamp",
    time="Timestamp",
    created="Timestamp",
    activityid="ReportId",
    eventid="ReportId",
    id="ReportId",
    activitytype="ActionType",
    eventtype="ActionType",
    actiontype="ActionType",
    activity="description",
    description="description",
    app="Application",
    application="Application",
    appname="Application",
    user="AccountDisplayName",
    actor="AccountDisplayName",
    account="AccountDisplayName",
    username="AccountUpn",
    useremail="AccountUpn",
    userid="AccountId",
    accountid="AccountId",
    ipaddress="IPAddress",
    rawipaddress="IPAddress",
    ip="IPAddress",
    clientip="IPAddress",
    useragent="UserAgent",
    location="Location",
    country="CountryCode",
    countrycode="CountryCode",
    city="City",
    isp="ISP",
    activityobjects="ObjectName",
    objects="ObjectName",
    targetobject="ObjectName",
    targetobjects="ObjectName",
    target="ObjectName",
    objectname="ObjectName",
    objectid="ObjectId",
)


def _activity(row: Record) -> Record:
    who = cells.text(row.get("AccountDisplayName"))
    if who and values.is_email(who):
        row["AccountUpn"] = row.pop("AccountDisplayName")
    row.setdefault("ActionType", row.get("description") or "Activity")
    row["ApplicationId"] = None  # which `CloudAppEvents` alone has
    return row


def _described(row: Record, draft: Draft) -> None:
    if said := cells.text(row.get("description")):
        draft.search.append(said)
        draft.sentence = lambda done: f"{done.actor.spoken if done.actor.known else 'Somebody'}: {said}"
    draft.product, draft.log_name = "Microsoft Defender for Cloud Apps", "Activity log"


_FINDINGS: Final = paths(
    "id title displayName severity status createdDateTime lastUpdateDateTime classification determination assignedTo",
    "incidentId serviceSource productName category description evidence",
    incidentname="title",
    alertname="title",
    name="title",
    alertid="id",
    creationtime="createdDateTime",
    created="createdDateTime",
    createdtime="createdDateTime",
    generatedon="createdDateTime",
    firstactivity="firstActivity",
    firstactivitytime="firstActivity",
    lastactivity="lastActivity",
    lastupdatetime="lastUpdateDateTime",
    lastupdated="lastUpdateDateTime",
    servicesources="serviceSource",
    servicesourcedetectionsource="serviceSource",
    detectionsource="detectionSource",
    detectionsources="detectionSource",
    impactedassets="assets",
    impactedentities="assets",
    impactedusers="assets",
    users="assets",
    user="assets",
)


def _finding(row: Record) -> Record:
    """Graph's alert or incident. The list names what is impacted without saying what it is."""
    row.setdefault("createdDateTime", row.pop("firstActivity", None))
    evidence: list[Record] = respelt(cells.objects(row.get("evidence")), GRAPH)
    for asset in cells.listed(row.pop("assets", None)):
        account = {"userPrincipalName": asset} if values.is_email(asset) else None
        evidence.append({"userAccount": account} if account else {"displayName": asset})
    row["evidence"] = evidence
    return row


def _incident(row: Record) -> Record:
    return _finding(row) | {"@odata.type": "#microsoft.graph.security.incident"}


TABLES: Final = (
    Table(
        "CloudAppEvents",
        needs("timestamp timegenerated", "actiontype", "raweventdata"),
        _HUNTING | {"timegenerated": "Timestamp"},
        _APP_EVENTS,
        inside=True,
    ),
    Table(
        "Advanced hunting",
        needs("timestamp", "reportid alertid networkmessageid actiontype deviceid"),
        _HUNTING,
        hunting.MAPPER,
        accepts=hunting.MAPPER.recognises,
    ),
    Table(
        "Defender incidents",
        needs("incidentname", "incidentid", "severity"),
        _FINDINGS | {"incidentid": "id"},
        alerts.MAPPER,
        record=_incident,
    ),
    Table(
        "Defender alerts",
        needs("alertname title", "severity", "status", "alertid firstactivity detectionsource servicesource"),
        _FINDINGS,
        alerts.MAPPER,
        lacks=frozenset({"timegenerated"}),
        record=_finding,
    ),
    Table(
        "Defender for Cloud Apps activities",
        needs(
            "date timestamp time created",
            "activitytype eventtype activity description",
            "app application appname",
            "user username actor account useremail",
            "ipaddress rawipaddress ip clientip location activityobjects activityid useragent",
        ),
        _ACTIVITIES,
        hunting.MAPPER,
        lacks=frozenset({"status", "signinerrorcode", "service", "operation"}),
        record=_activity,
        more=_described,
    ),
)
