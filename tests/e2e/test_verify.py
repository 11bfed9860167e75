"""The promise itself: nothing lost, nothing doubled, whatever goes wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from thoroughness import only_thorough

if TYPE_CHECKING:
    import subprocess

ALERTS = ("missed", "doubled", "strange", "unpublished", "unstored", "unread")
WRONG = ("lost", "doubled", "hidden", "unknown", "misaccounted", "false_statements")


def _account(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What a run has printed; it fails by what it said where it has printed none."""
    assert ran.stdout, ran.stderr
    account: dict[str, Any] = json.loads(ran.stdout)
    return account


def _assert_nothing_wrong(account: dict[str, Any]) -> None:
    wrong = {name: account[name] for name in WRONG if account[name]}
    assert not wrong, (wrong, account["examples"], account["statements"]["named"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_run_has_expiry_deletion_and_change_and_kill_9_of_one_of_two_replicas_loses_and_doubles_nothing(
    aoc,
) -> None:
    ran = aoc.run(
        *("verify", "--json", "--events", "600", "--seed", "5", "--replicas", "2"),
        *("--kill", "normalizer", "--kill", "collector", "--kill", "alerter", "--alerts"),
        *("--sinks", "splunk,elastic,folder"),
        timeout=880,
    )

    account = _account(ran)
    _assert_nothing_wrong(account)
    # What expired before anybody could have it was never there.
    assert 300 < account["emitted"] == account["stored"] <= account["published"]
    assert account["kills"] == 3
    assert {"late", "resend", "http_429", "http_5xx", "http_403_af429", "empty_page"} <= set(account["faults"])
    assert {"expired_blob", "changed", "shared_id"} <= set(account["faults"])
    assert (account["strikes"], account["incarnations"]) == ({"delete account": 2, "delete stream": 1}, 2)
    kinds = account["statements"]["kinds"]
    assert (
        min(kinds[f"stored: {what}"]["compared"] for what in ("raw text", "actor", "kept until")) == account["stored"]
    )
    assert kinds["published: subject"]["compared"] == account["published"]
    assert {"signed: account", "signed: alteration", "twins: the links hold", "published: what a twin adds"} <= {*kinds}
    assert all(kind["compared"] for kind in kinds.values())
    # A tenant joined one of them midway, AOC_EVENTS was away, and requests failed.
    splunk, elastic = account["sinks"]["splunk"], account["sinks"]["elastic"]
    assert not {name: sink["examples"] for name, sink in account["sinks"].items() if sink["examples"]}
    assert splunk["taken"] == elastic["taken"] == splunk["expected"] >= account["stored"]
    assert (splunk["joined"], splunk["lost"], elastic["lost"], elastic["doubled"]) == (True, 0, 0, 0)
    files = account["sinks"]["folder"]
    assert (files["taken"], files["lost"], files["doubled"]) == (splunk["expected"], 0, 0)
    assert files["joined"]
    # Revisions of alerts and the audit trail are among it.
    assert all(sink["alerts"] > 15 and sink["audit"] == 50 and not sink["unsaid"] for sink in account["sinks"].values())
    assert splunk["faults"]
    assert elastic["faults"]
    # Each attack was alerted on once. Content that expired may be all that an attack left behind.
    alerts = account["alerts"]
    assert {name: alerts[name] for name in ALERTS if alerts[name]} == {}, alerts["examples"]
    assert alerts["expected"] - alerts["excused"] > 15
    assert 15 < alerts["raised"] <= alerts["revisions"]
    assert ran.returncode == 0


@pytest.mark.slow
@only_thorough
@pytest.mark.timeout(1220)
def test_chaos_with_every_kind_of_fault_loses_doubles_and_hides_nothing(aoc) -> None:
    ran = aoc.run(*("verify", "--json", "--chaos", "--rounds", "1", "--events", "600", "--seed", "7"), timeout=1200)

    account = _account(ran)
    _assert_nothing_wrong(account)
    # What can be had of nobody (a link that leads nowhere) is told, and so is what was published again as a version.
    assert account["emitted"] - account["excused"] <= account["stored"] <= account["published"]
    assert {"reset", "truncated_gzip", "proxy_page"} & set(account["faults"])
    assert (account["kills"], account["pauses"]) == (6, 6)
    assert len(account["plan"]) >= 12
    assert ran.returncode == 0


@pytest.mark.slow
def test_a_kind_of_fault_that_does_not_exist_is_named_with_those_that_do(aoc) -> None:
    ran = aoc.run("verify", "--events", "100", "--faults", "bom,gremlins")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--faults gremlins: no such kind; there are windows, streams" in ran.stderr


@pytest.mark.slow
def test_a_service_that_does_not_exist_cannot_be_killed(aoc) -> None:
    ran = aoc.run("verify", "--events", "100", "--kill", "everybody")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--kill everybody: no such service" in ran.stderr
