"""`aoc tenants` as an operator uses it."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest

from aoc_common.store.mongo.client import connect
from tenant_registry import SIMULATED, settings_of


@pytest.fixture
def aoc(command_line, nats_as, monkeypatch):
    """`aoc("list")`: status, stdout and stderr of `aoc tenants list`."""
    bus = nats_as("cli")
    monkeypatch.setenv("AOC_NATS__URL", bus.url)
    monkeypatch.setenv("AOC_NATS__USER", bus.user)
    monkeypatch.setenv("AOC_NATS__PASSWORD", bus.password)
    monkeypatch.setenv("SUDO_USER", "kim")
    return partial(command_line, "tenants")


@pytest.fixture
def contoso(aoc, tmp_path) -> None:
    file = tmp_path / "contoso.json"
    file.write_text(json.dumps(settings_of("contoso", **SIMULATED)))
    added = aoc("add", file, "--no-check")
    assert (added.status, added.out) == (0, "contoso: added, revision 1 (not checked)\n")


@pytest.mark.usefixtures("contoso")
def test_a_tenant_is_changed_and_every_change_is_noted_with_who_made_it(aoc) -> None:
    assert aoc("set", "contoso", "time_zone=Europe/Berlin", 'groups=["retail"]').out == "contoso: changed, revision 2\n"
    assert aoc("set", "contoso", "time_zone=UTC", "--revision", "1").status == 1
    assert "paused; aoc tenants resume contoso goes on" in aoc("pause", "contoso").out
    listed = aoc("list")
    shown = json.loads(aoc("show", "contoso").out)

    assert [line.split()[:4] for line in listed.out.splitlines()[1:2]] == [["contoso", "paused", "registry", "3"]]
    assert (shown["origin"], shown["state"], shown["revision"]) == ("registry", "paused", 3)
    assert (shown["settings"]["time_zone"], shown["settings"]["groups"]) == ("Europe/Berlin", ["retail"])
    assert {step["by"] for step in shown["history"]} == {"local/kim"}
    assert json.loads(aoc("list", "--json").out)["tenants"] == [
        {"name": "contoso", "origin": "registry", "state": "paused", "revision": 3}
    ]
    assert aoc("resume", "contoso").out == "contoso: is collected\n"


@pytest.mark.usefixtures("contoso")
def test_a_tenant_is_deleted_by_its_name_only(aoc) -> None:
    refused = aoc("delete", "contoso", "--yes", "fabrikam")
    assert (refused.status, "--yes contoso is needed" in refused.err) == (2, True)
    assert "contoso: deleting" in aoc("delete", "contoso", "--yes", "contoso").out

    assert json.loads(aoc("show", "contoso").out)["state"] == "deleting"


def test_whoever_changes_a_tenant_of_the_file_is_sent_there(aoc, tmp_path, monkeypatch) -> None:
    file = tmp_path / "tenants.json"
    file.write_text(json.dumps([settings_of("contoso", **SIMULATED)]))
    monkeypatch.setenv("AOC_TENANTS_FILE", str(file))
    refused = [aoc("set", "contoso", "time_zone=UTC"), aoc("pause", "contoso")]

    assert [(one.status, one.err) for one in refused] == [
        (1, "aoc: tenant contoso is in the tenants file, and is changed there\n")
    ] * 2


@pytest.mark.usefixtures("contoso")
def test_what_cannot_be_set_is_told_in_words(aoc) -> None:
    said = {
        text: aoc("set", "contoso", text).err.removeprefix("aoc: tenant, ").rstrip()
        for text in ("groups=retail", "colour=red", "time_zone=Mars/Base", "lists=x")
    }

    assert said == {
        "groups=retail": 'groups: must be a list like ["a", "b"]',
        "colour=red": "colour: there is no such field",
        "time_zone=Mars/Base": "time_zone: must be an IANA time zone like Europe/Amsterdam",
        "lists=x": 'lists: must be an object like {"a": 1}',
    }


@pytest.mark.usefixtures("contoso")
def test_an_export_of_a_tenant_that_there_is_not_is_refused(aoc, tmp_path) -> None:
    refused = aoc("export", "contso", tmp_path / "export")

    assert (refused.status, "there is no tenant contso; there is contoso" in refused.err) == (2, True)
    assert not (tmp_path / "export").exists()


@pytest.mark.usefixtures("contoso")
def test_the_doctor_looks_at_a_tenant_of_the_registry_by_its_name_also_while_it_is_paused(aoc, command_line) -> None:
    aoc("pause", "contoso")
    looked = command_line("doctor", "--tenant", "contoso", "--json")
    unknown = command_line("doctor", "--tenant", "contso")
    checked = [one["check"] for one in json.loads(looked.out)["findings"] if one["where"] == "contoso"]

    assert "sign-in, Microsoft Graph" in checked
    assert (unknown.status, "there is no tenant contso" in unknown.err) == (2, True)


@pytest.mark.usefixtures("contoso")
def test_a_deleted_tenant_is_named_below_the_list_and_its_name_in_a_file_is_not_collected(
    aoc, command_line, mongo_settings, tmp_path, monkeypatch
) -> None:
    async def delete() -> None:
        async with connect(mongo_settings) as database:
            await database["tenant_settings"].update_one({"_id": "contoso"}, {"$set": {"state": "deleted"}})

    assert "deleted: " not in aoc("list").out
    asyncio.run(delete())
    listed, again = aoc("list"), aoc("delete", "contoso", "--yes", "contoso", "--wait")
    file = tmp_path / "tenants.json"
    file.write_text(json.dumps([settings_of("contoso", **SIMULATED)]))
    monkeypatch.setenv("AOC_TENANTS_FILE", str(file))
    in_file, looked = aoc("list"), json.loads(command_line("doctor", "--json").out)

    assert listed.out.splitlines()[-1] == "deleted: contoso; aoc tenants show NAME has the proof"
    assert (again.status, "was deleted before" in again.out) == (0, True)
    assert in_file.out.splitlines()[1].split("  ")[:2] == ["contoso", "not collected"]
    assert "a deleted tenant had the name" in in_file.err
    [found] = [one for one in looked["findings"] if one["check"] == "registry"]
    assert (found["where"], found["grade"]) == ("contoso", "fail")


@pytest.mark.parametrize(
    ("text", "words"),
    [("[]", "expected one tenant"), ("{", "no JSON"), ('{"tenant_id": "x"}', "expected one tenant"), (None, "No such")],
)
def test_a_file_that_holds_no_tenant_is_refused(aoc, tmp_path, text, words) -> None:
    file = tmp_path / "tenant.json"
    if text is not None:
        file.write_text(text)
    refused = aoc("add", file)

    assert refused.status == 2
    assert words in refused.err
