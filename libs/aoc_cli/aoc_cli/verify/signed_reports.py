"""The report of each tenant, signed and checked as in production; the signed accounts are compared with the truth.

A reader of a report has only its bytes. So the accounts that are compared with the ground truth are read back from
them.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import defaultdict
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from aoc_cli import tenants
from aoc_cli.reports.form import check, public_bytes, sign
from aoc_cli.reports.keys import OwnKey
from aoc_cli.reports.reading import NotNeeded, Source, Statement, read
from aoc_cli.reports.statement import statement
from aoc_cli.reports.trust import Verdict, pins
from aoc_common.contracts.report_keys import thumbprint
from aoc_common.contracts.sources import SOURCE_NAMES
from aoc_common.errors import Malformed
from aoc_common.store.accounts import Gap, SourceAccount
from aoc_common.store.arrivals import RecentArrivals
from aoc_common.store.mongo.decisions import discarded
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_cli.local.stack import DataDirectory
    from aoc_cli.verify.ground_truth import GroundTruth, SourceKey
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.client import Database

#: Tenant -> its id at Microsoft.
_TENANT_IDS: Final = {tenant.slug: tenant.tenant_id for tenant in DEFAULT_TENANTS}

#: The fingerprint of a key that signs nothing here.
_OTHER_KEY: Final = thumbprint(bytes(32))


@dataclass(frozen=True, slots=True)
class Report:
    """A tenant's report as it was written at `at`, and the id of the key that was to sign it."""

    tenant: str
    at: datetime
    kid: str
    document: bytes


async def reports(
    database: Database, directory: DataDirectory, accounts: Mapping[SourceKey, SourceAccount], at: datetime
) -> list[Report]:
    """A report for each tenant, signed with the data directory's own key. Raises `Transient`."""
    register = MongoKeyRegister(database)
    key = await OwnKey(directory.secret_files).current(register, at)
    installation = await register.installation()
    of_tenant: dict[str, list[SourceAccount]] = defaultdict(list)
    for (tenant, _), account in accounts.items():
        of_tenant[tenant].append(account)
    ids = {entry.name: entry.tenant_id for entry in tenants.read(directory.path / tenants.LOCAL_FILE)}
    written: list[Report] = []
    for tenant, its in of_tenant.items():
        dropped = await discarded(database, tenant)
        document = statement(tenant, ids.get(tenant), at, installation, its, dropped)
        written.append(Report(tenant, at, thumbprint(public_bytes(key)), sign(document, key)))
    return written


def check_reports(
    written: Sequence[Report],
    accounts: Mapping[SourceKey, SourceAccount],
    ground_truth: GroundTruth,
    tally: Statements,
) -> dict[SourceKey, SourceAccount]:
    """Compare the reports with the truth; the accounts that they state, whose numbers are still to be compared.

    `accounts`: what was to be signed.
    """
    stated: dict[SourceKey, SourceAccount] = {}
    for report in written:
        stated_report = _checked(report, tally)
        if stated_report is None:
            continue
        tally.compare("signed: whose it is", report.tenant, stated_report.tenant, report.tenant)
        tally.compare("signed: whose it is", report.tenant, stated_report.tenant_id, _TENANT_IDS.get(report.tenant))
        tally.compare("signed: time", report.tenant, stated_report.at, report.at)
        known = {source for tenant, source in ground_truth.sources.keys() | accounts.keys() if tenant == report.tenant}
        never = sorted(set(SOURCE_NAMES) - known)
        tally.compare("signed: never collected", report.tenant, sorted(stated_report.never_collected or ()), never)
        its = sorted(source for tenant, source in accounts if tenant == report.tenant)
        tally.compare("signed: sources", report.tenant, sorted(source.source for source in stated_report.sources), its)
        for source in stated_report.sources:
            name = f"{report.tenant}/{source.source}"
            source_key = (stated_report.tenant, source.source)
            stated[source_key] = _account(stated_report.tenant, source)
            _check_source(name, source, stated[source_key], accounts.get(source_key), report.at, tally)
    return stated


def _checked(report: Report, tally: Statements) -> Statement | None:
    """The statement of a report, checked as readers do: with its key pinned, with another key, with none."""
    try:
        signed = check(report.document)
        verdicts = [pins(pinned, "", None).judge(signed.key).name for pinned in ([report.kid], [_OTHER_KEY], [])]
        stated_report = read(signed.statement(), signed.form)
    except Malformed as error:
        tally.judge("signed: proven", report.tenant, error, "proven", good=False)
        return None
    true = [verdict.name for verdict in (Verdict.PROVEN, Verdict.OTHER_KEY, Verdict.UNPINNED)]
    tally.compare("signed: proven", report.tenant, verdicts, true)
    try:
        altered_payload = check(_altered(report.document)).payload
    except Malformed:
        altered_payload = None
    tally.judge("signed: alteration", report.tenant, "taken", "refused", good=altered_payload is None)
    return stated_report


def _altered(document: bytes) -> bytes:
    """The report with another number in it, under the same signature."""
    header, payload, signature = document.split(b".")
    before, name, after = urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)).rpartition(b'"stored":')
    return b".".join((header, urlsafe_b64encode(before + name + b"1" + after).rstrip(b"="), signature))


def _check_source(
    name: str, source: Source, stated: SourceAccount, account: SourceAccount | None, at: datetime, tally: Statements
) -> None:
    """A source's statement is its account at that time; nothing is stated as discarded without a decision."""
    if account is None:
        tally.judge("signed: account", name, "an account", "none", good=False)
        return
    # A report names a day.
    day = account.since and datetime.combine(account.since.astimezone(UTC), datetime.min.time(), UTC)
    expected = replace(account, since=day)
    for field in fields(SourceAccount):
        value = getattr(stated, field.name)
        tally.judge(
            "signed: account",
            name,
            f"{field.name} {value}",
            "as it was read",
            good=value == getattr(expected, field.name),
        )
    still = source.open and (source.open.start, source.open.end)
    tally.compare("signed: still open", name, still, (account.complete_until, at))
    nothing = NotNeeded(letters=0, in_letters=0, quarantined=0)
    tally.compare("signed: discarded", name, source.discarded, nothing)


def _account(tenant: str, source: Source) -> SourceAccount:
    """The account that a report states. What it does not state is as in an account of nothing."""
    values: dict[str, Any] = {
        item.name: value for item in fields(SourceAccount) if (value := getattr(source, item.name, None)) is not None
    }
    gaps = tuple(Gap(item.cause, item.start, item.end, item.closable, item.items, item.detail) for item in source.gaps)
    since = source.since and datetime.combine(source.since, datetime.min.time(), UTC)
    recently = RecentArrivals(**source.recently.model_dump()) if source.recently else RecentArrivals()
    return SourceAccount(**(values | {"tenant": tenant, "since": since, "gaps": gaps, "recently": recently}))
