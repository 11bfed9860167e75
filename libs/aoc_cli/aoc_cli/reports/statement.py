"""What a report states: the account of a tenant's sources, all that is missing, and what each figure means."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from aoc_cli import tenants
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.contracts.subjects import IMPORT_SOURCE
from aoc_common.store.mongo.decisions import Discarded
from aoc_common.store.source_health import Bounds, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.contracts.audit import Head
    from aoc_common.store.accounts import SourceAccount
    from aoc_common.store.imports import ImportRecord
    from aoc_common.store.sink_deliveries import SinkDelivery

#: The version of this form. Version 1 stated no imports, version 2 no audit trail, version 3 no sinks.
VERSION: Final = 4
#: Ends of chains of the audit trail that a report states.
MOST_HEADS: Final = 10_000
#: Files of all imports that a report states one by one.
MOST_FILES: Final = 20_000
#: As the gateway judges, without settings of its own.
_BOUNDS: Final = Bounds(stalled_after=timedelta(minutes=15), expiry_warning=timedelta(hours=24))
#: Part of what is signed: a report has to be understood years later, and by who has no AOC.
MEANING: Final[Mapping[str, str]] = {
    "at": "When the account was read, by the clock of the machine that made the report. It states nothing of later.",
    "tenant": "The name that this installation gives the tenant.",
    "tenant_id": "The tenant's id at Microsoft as the tenants file names it; null where no such file was at hand.",
    "since": "The day, UTC, on which the first settled slice of the source begins; nothing is stated of before. Null: "
    "none is settled yet, and complete_until states nothing. Of the source import: the day of the first import.",
    "complete_until": "What Microsoft had listed of the time from since until then is stored, known or put aside, but "
    "for the gaps. What Microsoft lists late is added when it is found. Of a subscription without content yet, not "
    "past its start, for twelve hours.",
    "open": "The time that is not accounted for yet: it is still being collected, or waits. Null for the source "
    "import, which is what was read from files, whatever they lacked.",
    "gaps": "All that is known to be missing, for now (closable) or for good. Of dead letters, and of records that "
    "expired in the quarantine, start and end say when they were put aside: of what time they tell is not known.",
    "records": "Records of settled slices: stored, changed, duplicate, quarantined, or given up with a dead letter. "
    "What was fetched, imported or tried again from the quarantine counts each time.",
    "stored": "Were stored as new events. Events leave after the retention that the installation has.",
    "changed": "Were stored as a new version of an event that Microsoft had changed.",
    "duplicate": "Had been stored before.",
    "quarantined": "Were put aside as unreadable, each time that they came, whatever was decided about them since; "
    "waiting are those that are on record and that nobody has decided about.",
    "dead_letters": "Pages or jobs that were given up and that nobody has decided about; dead_lettered are the records "
    "in them, as far as they could be counted.",
    "discarded": "What somebody decided is not needed, as far as it is still on record: dead letters, the records in "
    "them, and records of the quarantine. It has no event and is in no gap.",
    "not_understood": "Of the stored, records of a shape that no mapper knows.",
    "undated": "Of the stored, records that do not say when they happened.",
    "unsettled": "Slices that are fetched, whose records are not all stored yet.",
    "never_collected": "Sources that this version can collect and that have no account for this tenant.",
    "imports": "Each run of aoc import by a version that keeps account of them: who brought in what, when, where, with "
    "which version. Open: it is at work, or was killed. Failed without a time of its end: it was interrupted; what it "
    "had read by then is stored and counted, and its files are not on record.",
    "files": "The files of an import, in the order in which they were read: the first 20000 of a report one by one; "
    "files_count is how many there are. sha256, size and modified_at are of the file as it lay on the disk when it was "
    "read; a file in an archive (part_of) is covered by the hash of that. Of those skipped, unread or hidden "
    "nothing is in; of those read partly, only what was read.",
    "manifest": "The SHA-256 of what sha256sum prints for all files of the import that have a hash, in this order.",
    "audit_trail": "The ends of the chains in which everything is noted that was done at the gateway about the tenant: "
    "of each writer the last entry's number and SHA-256. An entry up to there that is missing or changed later is "
    "found by aoc audit-trail verify --report. The first 10000 writers.",
    "state": "How the source did at that time: green, yellow or red, with the reasons.",
    "sinks": "What was sent on to other systems of events, alerts and the audit trail: delivered is what the "
    "destination confirmed, refused what it would not take, filtered what is not for it, late what was sent behind the "
    "others or again, repeated the most that it may have twice, missing what was to be sent late and was stored no "
    "more, unaccounted places on the bus of which nobody has noted what they held. All that was published before "
    "delivered_until is one of these; null: not known, or the tenant is behind. seen_at is when the exporter said so.",
}


def statement(
    tenant: str,
    tenant_id: str | None,
    at: datetime,
    installation: str,
    accounts: Sequence[SourceAccount],
    discarded: Mapping[str, Discarded],
    imports: Sequence[ImportRecord] = (),
    audit_heads: Sequence[Head] = (),
    sinks: Sequence[SinkDelivery] = (),
) -> dict[str, Any]:
    """The statement of a tenant's accounts, imports and sinks, as plain JSON values. Times are RFC 3339 in UTC."""
    known = {account.source for account in accounts}
    document = {
        "version": VERSION,
        "tenant": tenant,
        "tenant_id": tenant_id,
        "at": at,
        "made_by": {"installation": installation, "aoc": version("aoc-cli")},
        "sources": [_source(account, at, discarded.get(account.source, Discarded())) for account in accounts],
        "imports": [import_document(record) for record in imports],
        "audit_trail": {
            "heads": [
                {"writer": head.chain.writer, "sequence": head.sequence, "hash": head.hash} for head in audit_heads
            ]
        },
        "sinks": [asdict(delivery) for delivery in sinks],
        "never_collected": [name for name in SOURCE_NAMES if name not in known],
        "meaning": MEANING,
    }
    plain: dict[str, Any] = orjson.loads(orjson.dumps(document, option=orjson.OPT_UTC_Z))
    return plain


def import_document(record: ImportRecord) -> dict[str, Any]:
    """An import as it is stated."""
    account = asdict(record.account)
    return account | {"files": [asdict(file) for file in record.files], "files_count": account["files"]}


def _source(account: SourceAccount, at: datetime, discarded: Discarded) -> dict[str, Any]:
    judgement = judge(account, _BOUNDS, at)
    fields = {name: value for name, value in asdict(account).items() if name != "tenant"}
    return fields | {
        # A day, and no midnight: the first slice of it begins some time that day.
        "since": account.since.astimezone(UTC).date() if account.since else None,
        # What came from files is complete by its files; nothing is still to come.
        "open": {"start": account.complete_until, "end": at} if account.source != IMPORT_SOURCE else None,
        "discarded": asdict(discarded),
        "state": judgement.state,
        "reasons": judgement.reasons,
    }


def tenant_id_of(tenant: str, data: Path | None) -> str | None:
    """The tenant's id in the tenants file: that of AOC_TENANTS_FILE, else the local one. None where it is in none.

    Raises `BadConfiguration` for a file that is none.
    """
    file = tenants.find_file(None, data)
    return next((entry.tenant_id for entry in tenants.read(file) if entry.name == tenant), None)
