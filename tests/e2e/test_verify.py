"""The promise itself: nothing lost, nothing doubled, whatever goes wrong."""

from __future__ import annotations

import json

import pytest


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_9_of_collector_and_normalizer_in_the_middle_loses_and_doubles_nothing(aoc) -> None:
    ran = aoc.run(
        *("verify", "--json", "--events", "1500", "--seed", "7", "--kill", "normalizer", "--kill", "collector"),
        timeout=220,
    )

    account = json.loads(ran.stdout)
    assert (account["lost"], account["doubled"], account["quarantined"], account["unknown"]) == (0, 0, 0, 0), account
    assert (account["emitted"], account["stored"], account["published"]) == (1500, 1500, 1500)
    assert account["kills"] == 2
    assert {"late", "resend", "http_429", "http_5xx", "http_403_af429", "empty_page"} <= set(account["faults"])
    assert ran.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_two_replicas_share_the_work_without_doubling_it(aoc) -> None:
    ran = aoc.run("verify", "--json", "--events", "800", "--seed", "11", "--replicas", "2", timeout=160)

    account = json.loads(ran.stdout)
    assert (account["lost"], account["doubled"], account["stored"]) == (0, 0, 800), account
    assert ran.returncode == 0
