"""What permissions, dates and clocks mean to the doctor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from aoc_cli.doctor import command, decisions, links
from aoc_cli.doctor.keys import of_keys
from aoc_cli.doctor.streams import of_waiting
from aoc_cli.reports.keys import KeyState
from aoc_collector.findings import Finding, Grade, gravest, of_expiry, of_roles, of_skew
from aoc_common.contracts.report_keys import PublishedKey
from aoc_common.store.mongo.twin_links import BrokenLink, LinkFault, LinkReport
from aoc_common.store.pages import PublishedPage
from aoc_common.tenants.needs import GRAPH, MANAGEMENT
from each import each

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
IN_USE = PublishedKey("a", b"", NOW)
RETIRED = PublishedKey("b", b"", NOW, NOW)
READINGS = ("graph-directory-audits", "graph-intune", "o365-exchange", "o365-dlp", "directory/user")


def roles(resource, *held):
    return list(of_roles("contoso", resource, frozenset(held), READINGS))


def test_a_permission_that_is_missing_is_named_with_what_it_is_for():
    [missing] = roles(GRAPH, "DeviceManagementApps.Read.All", "Directory.Read.All")

    assert (missing.grade, missing.found) == (Grade.FAIL, "AuditLog.Read.All is missing, for graph-directory-audits")
    assert "application permission AuditLog.Read.All of Microsoft Graph" in missing.fix


def test_one_permission_for_several_sources_is_one_finding():
    [feed, dlp] = roles(MANAGEMENT, "Other.Read")

    assert feed.found == "ActivityFeed.Read is missing, for o365-exchange, o365-dlp"
    assert dlp.found == "ActivityFeed.ReadDlp is missing, for o365-dlp"


def test_a_token_without_any_role_is_told_as_such_with_all_that_is_wanted():
    [missing] = roles(MANAGEMENT)

    assert missing.found == "the token holds no role at all"
    assert "ActivityFeed.Read, ActivityFeed.ReadDlp" in missing.fix


def test_a_permission_that_can_change_things_is_warned_of():
    graph = roles(GRAPH, "AuditLog.Read.All", "DeviceManagementApps.ReadWrite.All", "User.Read.All")

    assert [finding.grade for finding in graph] == [Grade.WARN, Grade.OK]
    assert "DeviceManagementApps.ReadWrite.All" in graph[0].found


@each(("days", "grade"), [(-1, Grade.FAIL), (0, Grade.FAIL), (12, Grade.WARN), (90, Grade.OK), (None, Grade.WARN)])
def test_what_ends_soon_is_warned_of_and_what_has_ended_fails(days, grade):
    ends = None if days is None else NOW + timedelta(days=days)

    assert of_expiry("contoso", "secret", ends, NOW, "renew").grade is grade


@each(("seconds", "grade"), [(0, Grade.OK), (-59, Grade.OK), (61, Grade.WARN), (-301, Grade.FAIL), (None, Grade.WARN)])
def test_clocks_may_differ_a_little(seconds, grade):
    theirs = None if seconds is None else NOW + timedelta(seconds=seconds)

    assert of_skew("contoso", theirs, NOW).grade is grade


def test_the_gravest_finding_decides():
    findings = [Finding("contoso", "x", grade, "") for grade in (Grade.OK, Grade.WARN)]

    assert [gravest([]), gravest(findings), gravest([*findings, Finding("contoso", "x", Grade.FAIL, "")])] == list(
        Grade
    )


@pytest.mark.parametrize(("open_ones", "expired", "grade"), [(0, 0, Grade.OK), (0, 2, Grade.WARN), (1, 0, Grade.FAIL)])
def test_a_dead_letter_that_waits_fails_and_one_that_expired_is_warned_of(open_ones, expired, grade):
    result = decisions.of_letters(open_ones, expired)

    assert (result.grade, bool(result.fix)) == (grade, grade is not Grade.OK)


def test_a_record_in_the_quarantine_is_warned_of():
    assert [decisions.of_quarantine(count).grade for count in (0, 1)] == [Grade.OK, Grade.WARN]


def test_a_link_that_hides_an_action_fails_and_is_named():
    broken = BrokenLink("contoso", UUID(int=2), UUID(int=1), LinkFault.RESULT)
    result = links.of_links(LinkReport(20, 9, (broken,) * 5))

    assert links.of_links(LinkReport(20, 4)).grade is Grade.OK
    assert (result.grade, result.found.count(str(UUID(int=2)))) == (Grade.FAIL, 3)
    assert result.found.startswith("5 of 9 links of the newest 20 events hide an action: contoso/")
    assert "another result" in result.found


@each(
    ("waited", "grade"),
    [
        (None, Grade.OK),
        (timedelta(minutes=5), Grade.OK),
        (timedelta(hours=2), Grade.WARN),
        (timedelta(days=2), Grade.FAIL),
    ],
)
def test_a_page_that_has_waited_long_is_told_days_before_microsoft_forgets_its_records(waited, grade) -> None:
    page = None if waited is None else PublishedPage("p", "contoso", "o365-exchange", "contoso/x", 1, NOW - waited)

    assert of_waiting("system", page, NOW).grade == grade


@each(
    ("published", "own", "expected"),
    [
        ([], KeyState(None, changing=False), [(Grade.OK, "none yet: it is made with the first report")]),
        ([IN_USE], KeyState("a", changing=False), [(Grade.OK, "a signs since 2026-11-23")]),
        ([IN_USE], KeyState(None, changing=False), [(Grade.OK, "a signs since 2026-11-23")]),
        ([], KeyState("a", changing=False), [(Grade.WARN, "a, the key of this machine, is not published")]),
        ([RETIRED], KeyState("b", changing=False), [(Grade.WARN, "b, the key of this machine, is retired")]),
        (
            [IN_USE, RETIRED],
            KeyState("b", changing=True),
            [(Grade.OK, "a signs since 2026-11-23"), (Grade.WARN, "a change of keys was cut short")],
        ),
    ],
)
def test_the_doctor_lists_the_keys_that_sign_reports(published, own, expected) -> None:
    findings = list(of_keys(published, own))

    assert [(finding.grade, finding.found) for finding in findings] == expected
    assert all(finding.fix for finding in findings if finding.grade is not Grade.OK)


def test_the_doctor_shows_whole_fingerprints_however_narrow_the_terminal_is(monkeypatch, capsys) -> None:
    kid = "aGpAN3jKK40DVLg8w-aHjrGcaodUyfkyBZnUWrPefgU"
    monkeypatch.setattr("aoc_cli.doctor.command.out.width", 60)
    command._show([Finding("system", "report key", Grade.OK, f"{kid} signs since 2026-11-23")])

    assert kid in "".join(capsys.readouterr().out.split())


def test_lines_of_the_doctor_end_with_their_words_in_a_pipe(capsys) -> None:
    command._show([Finding("system", "NATS", Grade.OK, "connected"), Finding("system", "x", Grade.FAIL, "y", "z" * 90)])

    assert not [line for line in capsys.readouterr().out.splitlines() if line != line.rstrip()]
