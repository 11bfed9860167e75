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

from aoc_cli.rules import files
from aoc_cli.rules.command import group
from aoc_cli.rules.files import read_files
from aoc_cli.rules.plan import plan
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.rules import RuleDetail, RuleExceptionView

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
PAGE = (Path(__file__).parents[3] / "docs/howto/write-and-test-a-rule.md").read_text()
RULE, FILTER, WORKFLOW = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
RECORD = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
ID = yaml.safe_load(RULE)["id"]


def there(text: str = RULE, **more) -> RuleDetail:
    example: dict[str, Any] = RuleDetail.model_json_schema()["examples"][0]
    overlay = {"text": text, "enabled": None, "severity": None}
    own = {"id": ID, "title": "x", "source": "own", "shipped": None, "revision": 3, "exceptions_in_force": []}
    return RuleDetail.model_validate(example | own | {"text": text, "overlay": overlay} | more)


def test_the_rule_of_the_how_to_is_linted_tested_and_covered_without_a_gateway(tmp_path) -> None:
    run, rule, log = CliRunner(), tmp_path / "rules" / "mailbox-audit.yml", tmp_path / "export.ndjson"
    rule.parent.mkdir()
    rule.write_text(RULE)
    log.write_text(RECORD)
    assert (one := run.invoke(group, ["lint", str(rule.parent), "--strict"])).exit_code == 0, one.output
    tried = run.invoke(group, ["test", str(rule), "--file", str(log), "--json", "--at-least", "1"])
    assert (tried.exit_code, json.loads(tried.output)["alerts"]) == (0, 1)
    assert run.invoke(group, ["test", "mailbox-audit-off", "--file", str(log), "--at-most", "0"]).exit_code == 1
    layer = tmp_path / "layer.json"
    assert run.invoke(group, ["coverage", str(rule.parent), "--navigator", str(layer)]).exit_code == 0
    made = json.loads(layer.read_text())
    assert (made["versions"]["layer"], [one["techniqueID"] for one in made["techniques"]]) == ("4.5", ["T1562.008"])
    assert {"lint", "test", "apply"} <= set(re.findall(r"aoc rules (\w+)", json.dumps(yaml.safe_load(WORKFLOW))))

    rule.write_text(RULE.replace("Parameters.AuditEnabled", "Parameters.AuditEnabled|bogus"))
    broken = run.invoke(group, ["lint", str(rule.parent)])
    assert broken.exit_code == 1
    assert "fault: line 13, detection.selection.Parameters.AuditEnabled|bogus" in broken.output


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
        for name, text in named.items():
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
