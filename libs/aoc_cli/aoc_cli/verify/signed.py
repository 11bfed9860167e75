"""The report of each tenant, signed and checked as people do it: what was signed is what gets compared with the truth.

A reader of a report has nothing but its bytes. So the accounts that are held against the simulator's books are read
back from them.
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
from aoc_common.store.arrivals import Recently
from aoc_common.store.mongo.decisions import discarded
from aoc_common.store.mongo.report_keys import MongoKeyRegister
from aoc_sim.settings import DEFAULT_TENANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_cli.local.stack import DataDirectory
    from aoc_cli.verify.books import Books, Place
    from aoc_cli.verify.statements import Statements
    from aoc_common.store.mongo.client import Database

#: Tenant -> its id at Microsoft.
_TENANT_IDS: Final = {tenant.slug: tenant.tenant_id for tenant in DEFAULT_TENANTS}

#: The fingerprint of a key that signs nothing here.
_STRANGER: Final = thumbprint(bytes(32))


@dataclass(frozen=True, slots=True)
class Report:
    """A tenant's report as it was written at `at`, and the id of the key that was to sign it."""

    tenant: str
    at: datetime
    kid: str
    document: bytes


async def reports(
    database: Database, directory: DataDirectory, accounts: Mapping[Place, SourceAccount], at: datetime
) -> list[Report]:
    """A report for each tenant, signed with the data directory's own key. Raises `Transient`."""
    register = MongoKeyRegister(database)
    key = await OwnKey(directory.secret_files).current(register, at)
    installation = await register.installation()
    of_tenant: dict[str, list[SourceAccount]] = defaultdict(list)
    for (tenant, _), account in accounts.items():
        of_tenant[tenant].append(account)
    ids = {one.name: one.tenant_id for one in tenants.read(directory.path / tenants.LOCAL_FILE)}
    found: list[Report] = []
    for tenant, its in of_tenant.items():
        gone = await discarded(database, tenant)
        told = statement(tenant, ids.get(tenant), at, installation, its, gone)
        found.append(Report(tenant, at, thumbprint(public_bytes(key)), sign(told, key)))
    return found


def check_reports(
    written: Sequence[Report],
    accounts: Mapping[Place, SourceAccount],
    books: Books,
    tally: Statements,
) -> dict[Place, SourceAccount]:
    """Compare the reports with the truth; the accounts that they state, whose numbers are still to be compared.

    `accounts`: what was to be signed.
    """
    stated: dict[Place, SourceAccount] = {}
    for report in written:
        told = _checked(report, tally)
        if told is None:
            continue
        tally.hold("signed: whose it is", report.tenant, told.tenant, report.tenant)
        tally.hold("signed: whose it is", report.tenant, told.tenant_id, _TENANT_IDS.get(report.tenant))
        tally.hold("signed: time", report.tenant, told.at, report.at)
        known = {source for tenant, source in books.sources.keys() | accounts.keys() if tenant == report.tenant}
        never = sorted(set(SOURCE_NAMES) - known)
        tally.hold("signed: never collected", report.tenant, sorted(told.never_collected or ()), never)
        its = sorted(source for tenant, source in accounts if tenant == report.tenant)
        tally.hold("signed: sources", report.tenant, sorted(one.source for one in told.sources), its)
        for one in told.sources:
            name = f"{report.tenant}/{one.source}"
            place = (told.tenant, one.source)
            stated[place] = _account(told.tenant, one)
            _check_source(name, one, stated[place], accounts.get(place), report.at, tally)
    return stated


def _checked(report: Report, tally: Statements) -> Statement | None:
    """The statement of a report, by the way in which readers get at it: with the key pinned, another one, or none."""
    try:
        signed = check(report.document)
        verdicts = [pins(pinned, "", None).judge(signed.key).name for pinned in ([report.kid], [_STRANGER], [])]
        told = read(signed.statement(), signed.form)
    except Malformed as error:
        tally.holds("signed: proven", report.tenant, error, "proven", good=False)
        return None
    true = [one.name for one in (Verdict.PROVEN, Verdict.OTHER_KEY, Verdict.UNPINNED)]
    tally.hold("signed: proven", report.tenant, verdicts, true)
    try:
        taken = check(_altered(report.document)).payload
    except Malformed:
        taken = None
    tally.holds("signed: alteration", report.tenant, "taken", "refused", good=taken is None)
    return told


def _altered(document: bytes) -> bytes:
    """The report with another number in it, under the same signature."""
    header, payload, signature = document.split(b".")
    before, name, after = urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)).rpartition(b'"stored":')
    return b".".join((header, urlsafe_b64encode(before + name + b"1" + after).rstrip(b"="), signature))


def _check_source(
    name: str, said: Source, stated: SourceAccount, account: SourceAccount | None, at: datetime, tally: Statements
) -> None:
    """What is stated of a source is its account, of that time, and what nobody has decided was not discarded."""
    if account is None:
        tally.holds("signed: account", name, "an account", "none", good=False)
        return
    # A report names a day.
    day = account.since and datetime.combine(account.since.astimezone(UTC), datetime.min.time(), UTC)
    wanted = replace(account, since=day)
    for one in fields(SourceAccount):
        value = getattr(stated, one.name)
        tally.holds(
            "signed: account", name, f"{one.name} {value}", "as it was read", good=value == getattr(wanted, one.name)
        )
    still = said.open and (said.open.start, said.open.end)
    tally.hold("signed: still open", name, still, (account.complete_until, at))
    nothing = NotNeeded(letters=0, in_letters=0, quarantined=0)
    tally.hold("signed: discarded", name, said.discarded, nothing)


def _account(tenant: str, said: Source) -> SourceAccount:
    """The account that a report states. What it does not state is as in an account of nothing."""
    told: dict[str, Any] = {
        one.name: value for one in fields(SourceAccount) if (value := getattr(said, one.name, None)) is not None
    }
    gaps = tuple(Gap(one.cause, one.start, one.end, one.closable, one.items, one.detail) for one in said.gaps)
    since = said.since and datetime.combine(said.since, datetime.min.time(), UTC)
    recently = Recently(**said.recently.model_dump()) if said.recently else Recently()
    return SourceAccount(**(told | {"tenant": tenant, "since": since, "gaps": gaps, "recently": recently}))
