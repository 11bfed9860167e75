"""Hawk, a PowerShell module of incident responders: what it makes of the logs that it fetches.

`Simple_...` files are unified records whose parameters are columns (`Param_ForwardTo`), a list (`A=1 | B=2`) and a
command line; in older versions the command line alone. Their columns are those of the first record, so another one's
parameters may be in the command line only, which puts texts with blanks in quotes and does nothing about quotes inside.
`Domain_Changes_Audit` and `AzureADAuditLog` are some fields of each record.

Source: T0pCyber/hawk (Get-SimpleUnifiedAuditLog, Get-SimpleAdminAuditLog, Get-HawkTenantDomainActivity,
Get-HawkTenantAuditLog).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_normalizer.fields import command_line, joined
from aoc_normalizer.mappers.envelopes.cut_rows import INCOMPLETE
from aoc_normalizer.mappers.envelopes.tables import cells, directory, exchange
from aoc_normalizer.mappers.envelopes.tables.columns import Table, column_key, needs, paths
from aoc_normalizer.mappers.graph import directory as graph_directory
from aoc_normalizer.mappers.unified import audit_log

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Record

#: Names of columns that no record of Microsoft's has: rows are told from records by them.
MARKS: Final = frozenset({"FullCommand", "User Agent String"})
_PARAMETER: Final = "param"
#: Whom Hawk names where the log names nobody.
_NOBODY: Final = "***"
_SIMPLE: Final = exchange.UNIFIED | paths(
    auditid="Id",
    auditcreationtime="CreationTime",
    auditrecordtype="RecordType",
    fullcommand="command",
)
_COMMANDS: Final = paths(
    caller="UserId", cmdlet="Operation", fullcommand="command", rundate="CreationTime", objectmodified="ObjectId"
)
_DOMAINS: Final = exchange.UNIFIED | paths(domain="domain", useragentstring="UserAgent")
#: Its `UserPrincipalName` is the target's.
_AUDITS: Final = directory.AUDIT | paths(
    target="targets.displayName",
    type="targets.type",
    userprincipalname="targets.userPrincipalName",
    usertype="userType",
)


def _parameter(key: str) -> str | None:
    """The place of `Param_ForwardTo`."""
    return f"columns.{key.removeprefix(_PARAMETER)}" if key.startswith(_PARAMETER) and key != _PARAMETER else None


def _simple(row: Record) -> Record:
    columns = dict(row.pop("columns", {}))
    found = joined.pairs(cells.text(row.get("Parameters")) or "") or _of_command(row)
    row.pop("command", None)
    listed = [(name, columns.pop(column_key(name), value)) for name, value in found.items()]
    if said := [{"Name": name, "Value": value} for name, value in (*listed, *columns.items())]:
        row["Parameters"] = said
    return row


def _of_command(row: Record) -> dict[str, str]:
    """Name -> value of the parameters in a command line; PowerShell's `$true` is the log's `True`."""
    _, _, line = (cells.text(row.get("command")) or "").partition(" ")
    return {name: _switched(value) for name, value in command_line.parameters(line).items()}


def _switched(value: str) -> str:
    word = value.removeprefix("$").casefold()
    return word.capitalize() if value[:1] == "$" and word in {"true", "false"} else value


def _command(row: Record) -> Record:
    listed = [{"Name": name, "Value": value} for name, value in _of_command(row).items()]
    row.pop("command", None)
    if row.get("UserId") == _NOBODY:
        del row["UserId"]
    made = {"Workload": "Exchange", **row}
    return made | {"Parameters": listed} if listed else made


def _unknown_end(_row: Record, draft: Draft) -> None:
    """The log has failed cmdlets, too, and these rows do not say which they are."""
    draft.result, draft.result_stated = "unknown", False


def _domain(row: Record) -> Record:
    domain = cells.text(row.pop("domain", None))
    row["Target"] = [{"ID": name, "Type": 1} for name in (cells.text(row.get("Target")) or domain,) if name]
    return row


def _incomplete(_row: Record, draft: Draft) -> None:
    """The whole record, once it comes, has who did it."""
    draft.tags.append(INCOMPLETE)


TABLES: Final = (
    Table(
        "Hawk's simple records",
        needs("auditid", "auditcreationtime", "operation", "fullcommand"),
        _SIMPLE,
        audit_log.MAPPER,
        lacks=frozenset({"auditdata"}),
        numbered=_parameter,
        record=_simple,
    ),
    Table(
        "Hawk's simple commands",
        needs("caller", "cmdlet", "fullcommand", "rundate"),
        _COMMANDS,
        audit_log.MAPPER,
        record=_command,
        more=_unknown_end,
    ),
    Table(
        "Hawk's domain changes",
        needs("domain", "useragentstring", "operation", "creationtime"),
        _DOMAINS,
        audit_log.MAPPER,
        record=_domain,
    ),
    Table(
        "Hawk's directory audits",
        needs("activitydatetime", "activitydisplayname", "target", "userprincipalname", "resultreason", "usertype"),
        _AUDITS,
        graph_directory.MAPPER,
        lacks=frozenset({"loggedbyservice", "initiatedby", "actor"}),
        record=directory.audit,
        more=_incomplete,
    ),
)
