"""The table and the rule that Sentinel is given declare what the exporter sends, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from aoc_cli.sink_templates import sentinel as command
from aoc_common.errors import BadConfiguration
from aoc_exporter.entry import Entry, Kind
from aoc_exporter.formats import FORMATS
from aoc_exporter.framing import sentinel
from aoc_exporter.item import fit
from aoc_exporter.sinks.sentinel import SentinelOptions
from aoc_exporter.templates.sentinel import files
from each import each
from golden_entries import CASES
from siem_entries import ROOMY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


#: Characters of a transformation.
MOST_KQL = 15_360
ROOT = Path(__file__).parents[3]


def is_datetime(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


IS: dict[str, Callable[[Any], bool]] = {
    "datetime": is_datetime,
    "string": lambda value: isinstance(value, str),
    "int": lambda value: type(value) is int and abs(value) < 2**31,
    "boolean": lambda value: type(value) is bool,
    "dynamic": lambda value: isinstance(value, dict),
}


def entries() -> Iterator[Entry]:
    """Those of the golden files; one as an alert with all marks; one of which nothing says when it was."""
    for make in CASES.values():
        yield make()
    marked = {"kind": Kind.ALERT, "truncated": True, "retrospective": True, "labels": (("env", "production"),)}
    yield replace(CASES["user-created"](), **marked)
    yield replace(CASES["sign-in-failed"](), time_ms=0)


def test_every_column_of_every_row_is_declared_with_its_type() -> None:
    rule = orjson.loads(files()["rule.json"])
    [declared] = rule["properties"]["streamDeclarations"].values()
    types = {column["name"]: column["type"] for column in declared["columns"]}
    seen = set[str]()
    for entry in entries():
        for form in FORMATS.values():
            row = orjson.loads(sentinel.row(fit(entry, form, ROOMY)))
            seen |= row.keys()
            wrong = {
                name: value
                for name, value in row.items()
                if not (IS[types[name]](value) or (value is None and name == "EventTime"))
            }
            assert wrong == {}, f"{entry.key} as {form.name}"

    assert seen == types.keys()


def test_the_table_has_what_the_rule_lets_through_and_azure_allows_its_names() -> None:
    made = files()
    table = orjson.loads(made["table.json"])["properties"]["schema"]
    rule = orjson.loads(made["rule.json"])
    [(stream, declared)] = rule["properties"]["streamDeclarations"].items()
    [flow] = rule["properties"]["dataFlows"]
    [destination] = rule["properties"]["destinations"]["logAnalytics"]
    names = [column["name"] for column in table["columns"]]

    assert [(column["name"], column["type"].lower()) for column in table["columns"]] == [
        (column["name"], column["type"]) for column in declared["columns"]
    ]
    assert rule["kind"] == "Direct"
    assert flow["streams"] == [stream] == [SentinelOptions.model_fields["stream"].default]
    assert flow["outputStream"] == f"Custom-{table['name']}"
    assert flow["destinations"] == [destination["name"]]
    assert names[0] == "TimeGenerated"
    assert [
        name for name in names if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{1,{sentinel.LONGEST_NAME - 1}}}", name)
    ] == []
    assert sentinel.RESERVED.isdisjoint(map(str.lower, names))


def test_the_bicep_file_asks_the_other_two_and_says_what_the_sink_needs() -> None:
    direct, with_endpoint = files()["main.bicep"], files("Office", endpoint=True)
    bicep = with_endpoint["main.bicep"]

    for text in (direct, bicep):
        assert [text.count(left) - text.count(right) for left, right in ("{}", "()", "[]")] == [0, 0, 0]
        assert text.count("'") % 2 == 0
        assert {"table.json", "rule.json"} == set(re.findall(r"loadJsonContent\('(.*?)'\)", text))
        assert set(re.findall(r"^output (\w+)", text, re.MULTILINE)) <= SentinelOptions.model_fields.keys()
        declared = set(re.findall(r"^(?:param|var|resource) (\w+)", text, re.MULTILINE))
        assert declared >= set(re.findall(r"(?<![\w.'])(\w+)\.(?:id|properties)\b", text))
    assert "kind: 'Direct'" in direct
    assert "dataCollectionEndpoint" not in direct
    assert "kind: 'Direct'" not in bicep
    assert "dataCollectionEndpointId: entrance.id" in bicep
    assert "name: 'Office_CL'" in bicep
    assert "kind" not in orjson.loads(with_endpoint["rule.json"])


def test_with_asim_the_rule_has_a_flow_into_each_of_its_tables() -> None:
    _, *flows = orjson.loads(files(asim=True)["rule.json"])["properties"]["dataFlows"]

    assert {flow["outputStream"] for flow in flows} == {
        "Microsoft-ASimAuthenticationEventLogs",
        "Microsoft-ASimAuditEventLogs",
    }
    declared = {column.name for column in sentinel.COLUMNS}
    for flow in flows:
        text = flow["transformKql"]
        bare = re.sub(r'"[^"]*"', "", text)
        made = re.findall(r"(?:project |, )(\w+) = ", bare)
        assert len(text) < MOST_KQL
        assert bare.count("(") == bare.count(")")
        assert len(set(made)) == len(made)
        assert not re.search(r"\.(long|int|real|bool|datetime|dynamic|guid)\b", bare), "a word of KQL's own"
        assert {"TimeGenerated", "EventType", "EventResult", "EventCount", "EventVendor", "EventProduct"} <= set(made)
        read = set(re.findall(r"(?<![\w.])[A-Z]\w+", bare))
        assert read <= declared | set(made)


@each("table", ["", "1st", "a-b", "../x", "Events_CL", "a" * 46])
def test_a_name_that_no_table_can_have_is_refused(table: str) -> None:
    with pytest.raises(BadConfiguration, match="_CL is put behind it"):
        files(table)


def test_the_command_writes_what_is_in_deploy_and_says_where_it_cannot(tmp_path: Path) -> None:
    command(tmp_path / "new")
    (tmp_path / "file").touch()

    assert {path.name: path.read_text() for path in (tmp_path / "new").iterdir()} == files()
    assert {path.name: path.read_text() for path in (ROOT / "deploy" / "sentinel").iterdir()} == files()
    with pytest.raises(BadConfiguration, match=r"file/table\.json: cannot be written"):
        command(tmp_path / "file")


def test_the_sink_of_the_how_to_is_one() -> None:
    page = (ROOT / "docs" / "howto" / "sinks" / "sentinel.md").read_text()
    [listed] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    [sink] = yaml.safe_load(listed)["sinks"]

    assert SentinelOptions.model_validate(sink["options"]).stream == sentinel.stream(sentinel.TABLE)
