"""`aoc up`: one command, everything runs, and the other commands find it."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from aoc_cli.rules.command import group
from waiting import until
from whole_stack import client, stored, up

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Its stack, and alerts of what its simulator does.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

HOW_TO = Path(__file__).parents[2] / "docs/howto/write-and-test-a-rule.md"
#: A rule of this test's own, and one of the pack.
OWN, DEVICE_CODE = "6f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a91", "9336f81c-7c0e-511c-9167-3a946c3503e6"


@pytest.fixture(scope="module")
def stack(module_aoc) -> Iterator[tuple[object, Path, httpx.Client]]:
    data = module_aoc.root / "data"
    arguments, port = up(data)
    running = module_aoc.start(*arguments)
    try:
        running.says("AOC is up")
        with client(data, port) as signed_in:
            yield running, data, signed_in
        running.process.send_signal(signal.SIGTERM)
        status = running.process.wait(60)
        assert (status, "Traceback" in running.log.read_text()) == (0, False)
    finally:
        running.end()


def test_a_stretch_of_time_can_be_collected_again_and_nothing_is_stored_twice(stack, module_aoc) -> None:
    _, data, base = stack
    until(lambda: stored(base, "fabrikam") > 50)
    since = f"{datetime.now(UTC) - timedelta(days=90):%Y-%m-%d}"
    command = ["backfill", "--tenant", "fabrikam", "--data", data, "--from", since, "--wait"]
    done = module_aoc.run(*command, "--source", "o365-exchange", "--source", "graph-intune")
    strange = module_aoc.run("backfill", "--data", data, "--tenant", "nobody", "--from", "2026-11-20")
    never = module_aoc.run("backfill", "--data", data, "--tenant", "fabrikam", "--from", "yesterday")
    counts = base.get("/api/completeness", params={"tenant": "fabrikam"}).json()

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "collected"), done.stderr
    assert "o365-exchange: asked for" in done.stdout
    assert (strange.returncode, never.returncode) == (2, 2)
    assert "nothing is collected for tenant nobody" in strange.stderr
    assert "--from yesterday: expected a time like" in never.stderr
    assert all(source["stored"] <= source["records"] for source in counts["sources"])


def test_no_generated_secret_is_in_a_command_line_or_an_environment(stack, processes_naming) -> None:
    _, data, _ = stack
    held = {file.name: file.read_text().strip() for file in (data / "secrets").iterdir() if file.is_file()}
    secrets = {name: text for name, text in held.items() if text}  # a lock has none
    shown = {
        command: b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")).decode()
        for pid, command in processes_naming(data).items()
    }

    assert len(secrets) > 5
    assert all(any(f"aoc_{name}" in command for command in shown) for name in ("api", "exporter", "alerter"))
    assert [(command, name) for command, text in shown.items() for name, one in secrets.items() if one in text] == []


def test_history_and_live_traffic_arrive_and_can_be_queried(stack) -> None:
    _, _, base = stack
    # Who stands still is known after the first look.
    until(lambda: base.get("/health").json()["services"] == "ok")

    assert base.get("/health").json() == {
        "status": "ok",
        "nats": "ok",
        "mongo": "ok",
        "dead_letters": "ok",
        "quarantine": "ok",
        "services": "ok",
        "licence": "ok",
        "stands_still": [],
        "version": "0.1.0",
    }
    until(lambda: stored(base) + stored(base, "fabrikam") >= 300)
    before = stored(base)
    until(lambda: stored(base) > before)
    first = base.get("/api/events", params={"tenant": "contoso", "page_size": 1}).json()["items"][0]
    complete = base.get(f"/api/events/{first['id']}", params={"tenant": "contoso"}).json()
    assert complete["raw"].startswith("{")
    assert complete["event"]["metadata"]["version"] == "1.8.0"


def test_attacks_of_the_simulator_are_alerts_that_somebody_resolves(stack, module_aoc) -> None:
    _, data, base = stack
    tenant = {"tenant": "contoso"}

    def titles() -> set[str]:
        return {one["title"] for one in base.get("/api/alerts", params=tenant | {"page_size": 200}).json()["items"]}

    until(lambda: {"An inbox rule hides mail", "Somebody was given one of the highest roles"} <= titles(), 120)
    listed = module_aoc.run("alerts", "list", "--data", data, "--tenant", "contoso", "--json")
    alert = next(
        one for one in map(json.loads, listed.stdout.splitlines()) if one["title"] == "An inbox rule hides mail"
    )
    event = base.get(f"/api/alerts/{alert['id']}", params=tenant).json()["events"][0]
    change = ["--status", "resolved", "--verdict", "true_positive", "--note", "a drill"]
    done = module_aoc.run("alerts", "set", alert["id"], *change, "--data", data, "--tenant", "contoso")

    assert alert["count"] == 1
    assert base.get(f"/api/events/{event['id']}", params=tenant).json()["operation"] == "New-InboxRule"
    assert (done.returncode, done.stdout.strip()) == (0, f"{alert['id']}: resolved, revision 2"), done.stderr
    assert base.get("/api/alerts/summary", params=tenant).json()["by_status"]["resolved"] == 1


def test_who_does_not_sign_in_sees_next_to_nothing_and_a_link_signs_a_browser_in_once(stack, module_aoc) -> None:
    _, data, base = stack
    stranger = httpx.get(f"{base.base_url}/api/events")
    health = httpx.get(f"{base.base_url}/health").json()
    link = module_aoc.run("sign-in-link", "--data", data).stdout.strip()
    with httpx.Client(base_url=base.base_url) as browser:
        first, again = browser.get(link), httpx.get(link)
        me = browser.get("/api/me").json()
    whoami = module_aoc.run("whoami", "--json")

    assert (stranger.status_code, set(health), first.status_code, again.status_code) == (401, {"status"}, 303, 410)
    assert (me["means"], me["principal"]) == ("session", "local/operator")
    assert json.loads(whoami.stdout)["means"] == "api-key"
    assert not {path.name for path in (data / "secrets").iterdir() if path.stat().st_mode & 0o077}


def test_the_other_commands_find_the_stack_by_themselves(stack, module_aoc) -> None:
    _, _, base = stack
    until(lambda: stored(base) > 50)

    search = module_aoc.run("search", "--tenant", "contoso", "--limit", "3", "--json")
    assert search.returncode == 0
    assert len(search.stdout.splitlines()) == 3


def test_the_account_of_a_tenant_that_has_none_names_those_that_have_one(stack, module_aoc) -> None:
    until(lambda: stored(stack[2]) > 50)

    strange = module_aoc.run("completeness")
    known = module_aoc.run("completeness", "--tenant", "contoso")
    assert strange.stderr == (
        "nothing was collected for default yet; there is something of --tenant contoso or fabrikam\n"
    )
    assert (known.returncode, known.stdout.splitlines()[0].split()[0]) == (0, "source")


def test_a_search_under_a_wrong_name_says_which_there_are_and_a_twin_is_marked(stack, module_aoc) -> None:
    until(lambda: stored(stack[2]) > 50)

    tenant = module_aoc.run("search", "--tenant", "contso")
    source = module_aoc.run("search", "--tenant", "contoso", "--source", "graph-sign-ins")
    complete = module_aoc.run("search", "--tenant", "contoso", "--limit", "3000", "--json")
    shown = module_aoc.run("search", "--tenant", "contoso", "--limit", "3000", "--twins")
    folded = module_aoc.run("search", "--tenant", "contoso", "--limit", "3000")

    seconds = [item for item in map(json.loads, complete.stdout.splitlines()) if item["twin_of"]]
    assert "nothing for tenant contso; there are contoso, fabrikam: --tenant" in tenant.stderr
    assert "nothing found; there are sources graph-alerts, graph-directory-audits" in source.stderr
    assert seconds
    assert shown.stdout.count("in two logs)") >= 2 * len(seconds)
    assert len(folded.stdout.splitlines()) <= len(shown.stdout.splitlines())
    assert "twins folded" in folded.stderr
    assert (tenant.returncode, source.returncode, folded.returncode) == (1, 1, 0)


def test_tail_shows_each_new_event_once_and_what_the_filters_leave(stack, module_aoc) -> None:
    _, _, base = stack
    until(lambda: stored(base) > 50)

    live = module_aoc.run("tail", "--limit", "8", "--json")
    assert live.returncode == 0
    uids = [json.loads(line)["metadata"]["uid"] for line in live.stdout.splitlines()]
    assert len(set(uids)) == 8
    past = module_aoc.run("tail", "sign -result:unknown", "--tenant", "contoso", "--since", "1h", "--limit", "5")
    assert len(past.stdout.splitlines()) == 5
    assert all("contoso" in line and "ign-in" in line for line in past.stdout.splitlines())


def test_a_directory_in_use_is_refused_with_one_line(stack, module_aoc) -> None:
    _, data, _ = stack

    second = module_aoc.run(*up(data)[0])
    assert second.returncode == 2
    assert second.stderr.startswith(f"aoc: --data {data}: a stack is running on this directory already (process ")
    assert second.stderr.count("\n") == 1


def test_a_service_that_dies_is_reported_and_started_again(stack, processes_naming) -> None:
    running, data, base = stack
    victim = next(pid for pid, command in processes_naming(data).items() if "aoc_normalizer" in command)
    os.kill(victim, signal.SIGKILL)
    log = running.says("starting it again")

    assert "normalizer ended with status -9" in log
    before = stored(base)
    until(lambda: stored(base) > before)


def test_what_was_done_at_the_gateway_is_listed_and_its_trail_is_whole(stack, module_aoc) -> None:
    _, data, base = stack
    asked = base.get("/api/events", params={"tenant": "contoso", "q": "zebra"})
    find = ["audit-trail", "list", "--data", data, "--tenant", "contoso", "--action", "events.search"]
    until(lambda: asked.headers["x-request-id"] in module_aoc.run(*find, "--json").stdout)
    listed, verified, one = (
        module_aoc.run(*find),
        module_aoc.run("audit-trail", "verify", "--data", data),
        module_aoc.run("audit-trail", "verify", "--data", data, "--tenant", "contoso"),
    )

    assert "GET /api/events?tenant=contoso&q=zebra  from 127.0.0.1  by " in listed.stdout
    assert [(ran.returncode, "whole" in ran.stdout) for ran in (verified, one)] == [(0, True)] * 2, verified.stdout
    # Whoever names nobody means everybody: it was about `default` alone, which nobody is.
    assert " about contoso" in verified.stdout
    assert " about the installation" in verified.stdout
    assert one.stdout.count(" about ") == 1


def test_rules_are_applied_exported_and_excepted_from_and_what_was_exported_is_what_there_is(stack, module_aoc) -> None:
    _, data, base = stack
    tenant, folder, copy = ["--tenant", "contoso"], module_aoc.root / "rules", module_aoc.root / "exported"
    (folder / "exceptions").mkdir(parents=True)
    rule, _, team, _ = re.findall(r"```yaml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    identity = yaml.safe_load(rule)["id"]
    counted = {
        "type": "event_count",
        "rules": [identity],
        "group-by": ["actor"],
        "timespan": "1h",
        "condition": {"gte": 3},
    }
    several = {"title": "A mailbox lost its audit thrice", "id": OWN, "correlation": counted, "level": "high"}
    for name, text in {
        "mailbox.yml": rule,
        "several.yml": yaml.safe_dump(several),
        "exceptions/team.yml": team,
        "overlays.yml": yaml.safe_dump({DEVICE_CODE: {"severity": "low"}}),
    }.items():
        (folder / name).write_text(text)

    def rules(*arguments: object, status: int = 0) -> str:
        # In this process: the engine of rules is loaded once for all of them.
        done = CliRunner().invoke(group, [*map(str, arguments), "--data", str(data)])
        assert done.exit_code == status, f"{done.output}{done.exception!r}"
        return done.stdout

    planned = rules("apply", folder, "--dry-run", status=2)
    assert "2 to add, 1 to change, 0 to remove, 0 unchanged" in planned
    applied = module_aoc.run("rules", "apply", folder, "--data", data)
    assert (applied.returncode, applied.stdout.splitlines()[-1]) == (0, planned.splitlines()[-1]), applied.stderr
    assert "0 to add, 0 to change, 0 to remove, 3 unchanged" in rules("apply", folder, "--prune", "--dry-run")
    own = [json.loads(line) for line in rules("list", "--origin", "own", "--json").splitlines()]
    assert {(one["id"], one["fault"]) for one in own} == {(identity, None), (OWN, None)}
    assert len(json.loads(rules("show", identity, *tenant, "--json"))["exceptions_in_force"]) == 1
    assert json.loads(rules("test", identity, *tenant, "--json"))["complete"] is True
    counting = [json.loads(rules("test", one, *tenant, "--json")) for one in (OWN, folder / "several.yml")]
    assert [one["rules"][0]["id"] for one in counting] == [identity, identity]
    assert "A sign-in failed by a wrong password or an unknown user: " in rules("test", "password-spray", *tenant)
    assert json.loads(rules("lint", identity, *tenant, "--days", "0", "--json")) == {}

    def alert() -> str | None:
        listed = base.get("/api/alerts", params={"tenant": "contoso", "page_size": 200}).json()["items"]
        return next((one["id"] for one in listed if one["title"] == "An inbox rule hides mail"), None)

    until(lambda: alert() is not None, 120)
    shown = base.get(f"/api/alerts/{alert()}", params={"tenant": "contoso"}).json()
    pair = next(one for one in shown["group"] if one["field"] == "actor")
    made = rules(
        "except", alert(), "--value", f"actor={pair['value']}", "--reason", "a drill", "--until", "2126-01-01", *tenant
    )
    tried = json.loads(rules("test", shown["rule"], *tenant, "--json"))
    assert pair["value"] not in {one["actor"] for one in tried["examples"]}
    rules("export", copy)
    assert {file.name for file in (copy / "exceptions").iterdir()} == {
        f"{made.split()[1]}.yml",
        f"{yaml.safe_load(team)['id']}.yml",
    }
    assert "0 to add, 0 to change, 0 to remove, 4 unchanged" in rules("apply", copy, "--prune", "--dry-run")
    assert f"-exception {made.split()[1]}" in rules("apply", folder, "--prune")
    assert rules("unexcept", shown["rule"], made.split()[1], *tenant, status=1) == ""
    across = {**several, "id": str(uuid4()), "aoc": {"across_tenants": True}}
    (folder / "z.yml").write_text(yaml.safe_dump(across))
    refused = CliRunner().invoke(group, ["apply", str(folder), "--data", str(data)])
    told = str(refused.exception)
    assert ("AOC_ALERTER__HOME_TENANT" in told, told.endswith("; the steps before it are done")) == (True, True)
