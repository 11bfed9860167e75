"""Rules as files: those of the how-to do as it says, files are read with bounds, and a plan is what differs."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from aoc_cli.rules import command, files, trying
from aoc_cli.rules.command import group
from aoc_cli.rules.files import read_files, read_text
from aoc_cli.rules.offline import lint_files
from aoc_cli.rules.plan import Step, plan
from aoc_cli.rules.printing import print_plan, print_rule
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rule_tests import RuleTest
from aoc_common.gateway.rules import RuleDetail, RuleExceptionView

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PAGE = (Path(__file__).parents[3] / "docs/howto/write-and-test-a-rule.md").read_text()
RULE, CORRELATION, FILTER, WORKFLOW = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RECORD = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
SHOWN = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)[0]
ID = yaml.safe_load(RULE)["id"]


def there(text: str = RULE, **more) -> RuleDetail:
    example: dict[str, Any] = RuleDetail.model_json_schema()["examples"][0]
    overlay = {"text": text, "enabled": None, "severity": None}
    own = {"id": ID, "title": "x", "source": "own", "shipped": None, "revision": 3, "exceptions_in_force": []}
    return RuleDetail.model_validate(example | own | {"text": text, "overlay": overlay} | more)


@pytest.mark.parametrize(
    ("matches", "complete", "bounds", "reason"),
    [
        (2, True, (2, 2), None),
        (2, False, (2, None), None),
        (1, True, (2, None), "1 matches, of at least 2"),
        (3, True, (0, 2), "3 matches, of at most 2"),
        (2, False, (0, 2), "Whether there are more than 2 matches is not known: look back over less, by --last"),
    ],
)
def test_a_test_of_too_many_events_does_not_pass_for_few_matches(matches, complete, bounds, reason) -> None:
    example = RuleTest.model_json_schema()["examples"][0] | {"matches": matches, "complete": complete}

    assert command._missed(RuleTest.model_validate(example), *bounds) == reason


@pytest.mark.slow
def test_the_rule_of_the_how_to_is_linted_tested_and_covered_without_a_gateway(tmp_path, monkeypatch) -> None:
    run, rule, log = CliRunner(), tmp_path / "rules" / "mailbox-audit.yml", tmp_path / "export.ndjson"
    rule.parent.mkdir()
    rule.write_text(RULE)
    log.write_text(RECORD)
    assert (one := run.invoke(group, ["lint", str(rule.parent), "--strict"])).exit_code == 0, one.output
    tried = run.invoke(group, ["test", str(rule), "--file", str(log), "--json", "--at-least", "1"])
    assert (tried.exit_code, json.loads(tried.output)["alerts"]) == (0, 1)
    assert run.invoke(group, ["test", "mailbox-audit-off", "--file", str(log), "--at-most", "0"]).exit_code == 1
    # What is asked of the tenant is taken from a file; it is 07:00 UTC.
    (settings := tmp_path / "contoso.json").write_text('{"time_zone": "Europe/Amsterdam", "groups": ["retail"]}')
    hours = tmp_path / "hours.yml"
    hours.write_text(f"{RULE}  working_hours: inside\n  groups: {{only: [retail]}}\n")
    for more, matches in ((["--settings", str(settings)], 1), ([], 0)):
        tried = run.invoke(group, ["test", str(hours), "--file", str(log), "--json", *more])
        assert json.loads(tried.output)["matches"] == matches
    settings.write_text('{"time_zone": "Mars"}')
    tried = run.invoke(group, ["test", str(hours), "--file", str(log), "--settings", str(settings)])
    assert "contoso.json, time_zone: " in str(tried.exception)
    # Of what is done for the first time within a day: in a log of three, of one actor, the last is another day's.
    hours.write_text(f"{RULE}  first_seen: {{of: operation, within: 1d}}\n")
    again = ["2026-11-24T06:59:59", "2026-11-25T07:00:00"]
    copies = (
        RECORD.replace("2026-11-23T07:00:00", at).replace("00000001-", f"{at[-8:-6]}{at[8:10]}0001-") for at in again
    )
    log.write_text(RECORD + "".join(copies))
    tried = run.invoke(group, ["test", str(hours), "--file", str(log), "--json"])
    assert [one["start"][:10] for one in json.loads(tried.output)["hours"]] == ["2026-11-23", "2026-11-25"]
    with monkeypatch.context() as patch:
        patch.setattr(trying, "_MOST_WAITING", 2)
        tried = run.invoke(group, ["test", str(hours), "--file", str(log)])
    assert "more than 2 events match beside `first_seen`: too many to be tried in files" in str(tried.exception)
    log.write_text(RECORD)
    layer = tmp_path / "layer.json"
    assert run.invoke(group, ["coverage", str(rule.parent), "--navigator", str(layer)]).exit_code == 0
    made = json.loads(layer.read_text())
    assert (made["versions"]["layer"], [one["techniqueID"] for one in made["techniques"]]) == ("4.5", ["T1562.008"])
    assert {"lint", "test", "apply"} <= set(re.findall(r"aoc rules (\w+)", json.dumps(yaml.safe_load(WORKFLOW))))

    rule.write_text(RULE.replace("Parameters.AuditEnabled", "Parameters.AuditEnabled|bogus"))
    broken = run.invoke(group, ["lint", str(rule.parent)])
    assert broken.exit_code == 1
    assert "fault: line 13, detection.selection.Parameters.AuditEnabled|bogus" in broken.output


def three(folder: Path) -> Path:
    """A log of three records as that of the page, of three mailboxes."""
    log, told = folder / "export.ndjson", (("07:00", "sam"), ("07:20", "lee"), ("07:40", "eve"))
    records = [RECORD.replace("07:00", at).replace('"sam"', f'"{who}"') for at, who in told]
    log.write_text("".join(one.replace("00000001-", f"0000000{place}-") for place, one in enumerate(records)))
    return log


def test_the_correlation_of_the_how_to_finds_what_the_page_shows(tmp_path) -> None:
    run, log, rules = CliRunner(), three(tmp_path), tmp_path / "rules"
    rules.mkdir()
    alone, base = rules / "mailbox-audits.yml", rules / "mailbox-audit.yml"
    alone.write_text(CORRELATION)
    base.write_text(RULE)
    on_file = ["--file", str(log)]
    shown = run.invoke(group, ["test", str(alone), "--with", str(base), *on_file])
    assert shown.output.startswith(SHOWN), shown.output
    both = tmp_path / "both.yml"
    both.write_text(f"{CORRELATION}---\n{RULE}")
    asked = (
        [str(alone), "--with", str(rules), "--at-least", "3"],
        [yaml.safe_load(CORRELATION)["id"], "--with", str(rules)],
        [str(both)],
    )
    found = [json.loads(run.invoke(group, ["test", *one, *on_file, "--json"]).output) for one in asked]
    assert found[0] == found[1] == found[2]
    assert (found[0]["matches"], found[0]["alerts"], found[0]["complete"]) == (3, 1, True)

    missing = run.invoke(group, ["test", str(alone), *on_file])
    assert f"there is no rule '{ID}'; rules of other files are named by --with" in str(missing.exception)
    nowhere = run.invoke(group, ["test", "nowhere", "--with", str(rules), *on_file])
    assert "nowhere: neither a file nor a rule of those that --with names" in str(nowhere.exception)
    base.write_text(RULE.replace("detection:", "detection: x #"))
    broken = run.invoke(group, ["test", str(alone), "--with", str(rules), *on_file])
    assert "--with: mailbox-audit.yml: " in str(broken.exception)


def test_a_folder_and_a_zip_are_read_alike_and_nothing_of_them_is_unpacked(tmp_path, monkeypatch) -> None:
    folder, archive = tmp_path / "rules", tmp_path / "rules.zip"
    (folder / ".git").mkdir(parents=True)
    named = {
        "a.yml": RULE,
        "b.yaml": FILTER,
        "overlays.yml": f"{ID}: {{enabled: false}}",
        "c.yml": RULE,
        "notes.md": "x",
    }
    for name, text in {**named, ".git/d.yml": "title: ["}.items():
        (folder / name).write_text(text)
    with zipfile.ZipFile(archive, "w") as made:
        for name, text in {**named, ".github/workflows/x.yml": WORKFLOW, "__MACOSX/._a.yml": "\0"}.items():
            made.writestr(f"../../{name}", text)
    for path in (folder, archive):
        found = read_files(path, "me", NOW)
        assert (list(found.rules), list(found.exceptions), found.overlays) == ([ID], [ID], {ID: {"enabled": False}})
        assert ["too" in fault for _, fault in found.faults] == [True]
        assert found.exceptions[ID][0].tenants == {"contoso", "fabrikam"}

    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("bomb.yml", b"a" * 3_000_000)
    assert "524,289 bytes" in read_files(archive, "me", NOW).faults[0][1]
    monkeypatch.setattr(files, "_MOST_BYTES", 100)
    with pytest.raises(BadConfiguration, match="more than"):
        read_files(folder, "me", NOW)


def test_a_plan_is_what_differs(tmp_path) -> None:
    (tmp_path / "a.yml").write_text(RULE)
    (tmp_path / "b.yml").write_text(FILTER)
    held = read_files(tmp_path, "me", NOW)
    (tmp_path / "b.yml").unlink()
    alone = read_files(tmp_path, "me", NOW)
    other = there(id="other", title="Other")

    def kinds(files, there, **how):
        return [(step.kind, step.id) for step in plan(files, there, prune=False, **how)]

    assert kinds(alone, {}) == [("add", ID)]
    assert kinds(alone, {ID: there(), "other": other}) == [("unchanged", ID)]
    assert kinds(alone, {ID: there(shipped=RULE, source="shipped", overlay={})}) == [("unchanged", ID)]
    (changed,) = plan(alone, {ID: there(RULE.replace("level: high", "level: low"))}, prune=False)
    assert (changed.kind, changed.revision) == ("change", 3)
    assert {"-level: low", "+level: high"} <= set(changed.difference)
    (excepted,) = plan(held, {ID: there()}, prune=False)
    assert (excepted.kind, excepted.request.exceptions[0].reason) == ("change", "Their job, see ticket 18")
    view = RuleExceptionView.of(held.exceptions[ID][0]).model_dump()
    assert kinds(held, {ID: there(exceptions_in_force=[view])}) == [("unchanged", ID)]
    pruned = plan(alone, {ID: there(exceptions_in_force=[view]), "other": other}, prune=True)
    assert {(step.kind, step.id) for step in pruned} == {("change", ID), ("remove", "other")}


CORRELATED = f"""title: A first title
id: 6f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a91
correlation:
  type: event_count
  rules: [{ID}]
  timespan: 1h
  condition: {{gte: 3}}
level: high
"""


def test_a_plan_is_in_an_order_in_which_a_gateway_takes_it(tmp_path) -> None:
    again = (
        CORRELATED.replace("A first", "A").replace("6f0b", "7f0b").replace(ID, "6f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a91")
    )
    for number, text in enumerate((again, CORRELATED, RULE)):
        (tmp_path / f"{number}.yml").write_text(text)
    steps = plan(read_files(tmp_path, "me", NOW), {}, prune=False)
    assert [step.id[:4] for step in steps] == ["5f0b", "6f0b", "7f0b"]
    (tmp_path / "0.yml").write_text(f"name: again\n{again}")
    named_by_a_condition = CORRELATED.partition("correlation:")[0] + "correlation: {type: temporal, timespan: 1h, "
    (tmp_path / "1.yml").write_text(f"{named_by_a_condition}condition: again and other}}\nlevel: high\n")
    with pytest.raises(BadConfiguration, match="name one another"):
        plan(read_files(tmp_path, "me", NOW), {}, prune=False)
    (tmp_path / "1.yml").write_text(CORRELATED.replace(ID, "7f0b3c1e-8a4d-4f5e-9b0a-2c7d1e6f3a91"))
    with pytest.raises(BadConfiguration, match="name one another"):
        plan(read_files(tmp_path, "me", NOW), {}, prune=False)


def test_what_no_gateway_would_take_is_said_before_anything_is_done(tmp_path) -> None:
    file, overlays = tmp_path / "a.yml", tmp_path / "overlays.yml"
    file.write_text(FILTER)
    with pytest.raises(BadConfiguration, match="neither a file's nor there"):
        plan(read_files(tmp_path, "me", NOW), {}, prune=False)
    file.write_text(RULE + "falsepositives:\n" + f"  - {'x' * 9_000}\n" * 30)
    assert "at most 262,144" in read_files(tmp_path, "me", NOW).faults[0][1]
    with pytest.raises(BadConfiguration, match="at most 262,144"):
        read_text(file)
    file.write_text(RULE)
    said = "attributes: {suppress: 7d, window: null, schedule: {until: 2026-12-24}}"
    overlays.write_text(f"{ID}: {{{said}}}")
    before = {"suppress": "7d", "group_by": ["ip"]}
    gateway = there(overlay={"text": RULE, "enabled": None, "severity": None, "attributes": before})
    (step,) = plan(read_files(tmp_path, "me", NOW), {ID: gateway}, prune=False)
    assert step.difference == (
        '-aoc.group_by: ["ip"]', "+aoc.group_by: as the rule says",
        "-aoc.schedule: as the rule says", '+aoc.schedule: {"until": "2026-12-24"}',
        "-aoc.window: as the rule says", "+aoc.window: taken away",
    )  # fmt: skip
    assert step.request is not None
    after = there(
        overlay=step.request.model_dump(include={"text", "enabled", "severity", "attributes"}) | {"text": RULE}
    )
    assert plan(read_files(tmp_path, "me", NOW), {ID: after}, prune=False)[0].kind == "unchanged"
    overlays.write_text(f"{ID}: {{attributes: {{windw: 1h}}}}")
    assert f"{ID}: aoc.windw: there is no such attribute" in read_files(tmp_path, "me", NOW).faults[0][1]
    overlays.write_text(f"{ID}: {{enabled: perhaps}}")
    assert "enabled" in read_files(tmp_path, "me", NOW).faults[0][1]
    overlays.unlink()
    (tmp_path / "b.yml").write_text(FILTER.replace("7c1d6c39-7a3a-4f0f-9d1a-0f5a3c1e8a4d", ID))
    (tmp_path / "c.yml").write_text(FILTER.replace("7c1d6c39-7a3a-4f0f-9d1a-0f5a3c1e8a4d", ID))
    assert "the id" in read_files(tmp_path, "me", NOW).faults[0][1]


def test_the_same_exception_written_otherwise_is_no_change_and_a_pruned_text_is_the_shipped_one(tmp_path) -> None:
    (tmp_path / "a.yml").write_text(FILTER)
    held = read_files(tmp_path, "me", NOW)
    view = RuleExceptionView.of(held.exceptions[ID][0]).model_dump() | {"text": FILTER.partition("aoc:")[0]}
    (step,) = plan(held, {ID: there(exceptions_in_force=[view])}, prune=False)
    assert step.kind == "unchanged"
    (tmp_path / "a.yml").unlink()
    (tmp_path / "overlays.yml").write_text(f"{ID}: {{enabled: false}}")
    (step,) = plan(
        read_files(tmp_path, "me", NOW), {ID: there("title: x", shipped=RULE, source="overlaid")}, prune=True
    )
    assert (step.request.text, step.request.enabled) == (None, False)


def test_lint_holds_correlations_and_exceptions_against_the_rules_that_they_name(tmp_path) -> None:
    for name, text in (
        ("a", RULE),
        ("b", CORRELATED.replace("gte: 3", "gte: 90000")),
        ("c", FILTER.replace("exchange", "pim")),
    ):
        (tmp_path / f"{name}.yml").write_text(text)
    found = lint_files(read_files(tmp_path, "me", NOW))
    assert ["fault" in {one.code for one in found[name]} for name in ("a.yml", "b.yml")] == [True, True]
    (tmp_path / "a.yml").unlink()
    assert lint_files(read_files(tmp_path, "me", NOW)) == {}


def test_what_is_shown_of_a_rule_has_its_lines_and_nothing_that_a_terminal_acts_upon(capsys) -> None:
    rule = there(title="A\x1b[2Jrule", text="title: x\nlevel: high\n", runbook="# One\nTwo")
    print_rule(rule)
    print_plan([Step("add", "\x1b[2J", "\x1b]0;x\x07")])
    shown = capsys.readouterr().out
    assert {"title: x", "level: high", "# One", "Two"} <= set(shown.splitlines())
    assert not {"\x1b", "\x07"} & set(shown)
