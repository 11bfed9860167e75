"""The rules that come along: each is sound, fires on Microsoft's records of what it means, and on nothing near it."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import pytest
import yaml

from aoc_rules.attributes import attributes_of
from aoc_rules.builder import library_builder
from aoc_rules.pack import CATEGORIES, shipped_rules
from aoc_rules.sigma.compiling import compile_rule
from aoc_rules.sigma.lint import lint
from aoc_rules.sigma.reading import read, read_rule
from aoc_rules.sigma.ruleset import RuleSet
from microsoft_records import NOW, SHAPES, event_of, records
from rule_pack import Hit, hits, pack, raised, raised_by, seconds
from rule_pack_page import PAGE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aoc_common.contracts.event import Event

type Json = dict[str, Any]

EXAMPLES: Final[dict[str, Json]] = {
    name: example
    for category in CATEGORIES
    for name, example in yaml.safe_load((Path(__file__).parent / "pack" / f"{category}.yml").read_text()).items()
}
#: How each shape says that what was tried failed.
FAILED: Final[dict[str, Json]] = {
    "change": {"result": "failure"},
    "signin": {"error": 50126},
    "cmdlet": {"ResultStatus": "False"},
    "compliance": {"ResultStatus": "Failed"},
    "intune": {"activityResult": "Failure"},
    "activity": {"resultType": "Failure"},
}
ALERTING = {name: example for name, example in EXAMPLES.items() if "fires" in example}
COUNTING = {name: example for name, example in EXAMPLES.items() if "of" in example}


def shape_of(what: Json) -> str:
    (shape,) = (key for key in what if key in SHAPES)
    return shape


def laid_over(what: Json, said: Json) -> Json:
    made, shape = deepcopy(what), shape_of(what)
    made[shape] |= said
    return made


def events(what: Json) -> list[Event]:
    """The event of each interface; `standing`: what the directory knew of its actor."""
    made = [event_of(record, source) for source, record in records(what)]
    for event in made if "standing" in what else ():
        entry = {"name": "actor.user", "type": "directory", "value": "a", "data": what["standing"]}
        event.ocsf["enrichments"] = [entry]
    return made


def fired(what: Json) -> list[set[str]]:
    """The rules that raise an alert, for the record of each interface."""
    return [{hit.name for hit in raised([event])} for event in events(what)]


def test_every_file_is_in_a_category_has_a_runbook_and_examples_and_raises_one_kind_of_alert() -> None:
    known = pack()
    root = Path(__file__).parents[3] / "libs/aoc_rules/aoc_rules/pack"

    assert {file.stem for file in root.glob("*/*.yml")} == {file.stem for file in root.glob("runbooks/*.md")}
    assert {file.parent.name for file in root.glob("*/*.yml")} == set(CATEGORIES)
    assert len(known.files) == len(shipped_rules()) == len(known.ids) + len(known.countings)
    assert set(EXAMPLES) == set(known.files)
    assert len(known.files) >= 60
    assert [str(fault) for reading in known.readings.values() for fault in reading.faults] == []


def test_every_rule_says_what_a_person_needs_and_no_two_share_an_id_or_a_title() -> None:
    documents = [document for held in pack().documents.values() for document in held]
    alerting = [held[-1] for held in pack().documents.values()]

    assert len({UUID(one["id"]) for one in documents}) == len(documents)
    assert len({one["title"] for one in documents}) == len(documents)
    for one in documents:
        assert 10 < len(one["title"]) < 100, one["title"]
        assert len(one["description"]) > 40, one["title"]
        assert (one["status"], one["author"], str(one["date"])[:2]) == ("test", "AOC", "20"), one["title"]
    for one in alerting:
        assert one["level"] in {"low", "medium", "high", "critical"}
        assert any(re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag) for tag in one["tags"]), one["title"]
        assert all(url.startswith("https://learn.microsoft.com/") for url in one["references"]), one["title"]
        assert one["falsepositives"], one["title"]


def test_the_attributes_name_a_runbook_a_window_and_fields_to_group_by() -> None:
    for name, documents in pack().documents.items():
        *bases, rule = documents
        said = rule["aoc"]

        assert set(said) >= {"group_by", "window", "runbook"}
        assert said.get("enabled", True) is (rule["level"] != "low")
        assert said["runbook"] == name
        assert seconds(said["window"]) >= 3600
        assert said["group_by"]
        assert len(said["group_by"]) <= 2
        assert all(base["aoc"] == {"enabled": False} for base in bases)
        text = pack().files[name].runbook
        assert text.startswith(f"# {rule['title']}\n")
        for heading in ("## What to look at\n\n- ", "## What to do\n\n- ", "## When it is harmless\n\n- "):
            assert heading in text, name


def test_the_page_of_the_reference_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "python tests/support/rule_pack_page.py writes it"


def test_the_rule_of_the_how_to_fires_on_its_record() -> None:
    text = (Path(__file__).parents[3] / "docs" / "howto" / "rules.md").read_text("utf-8")
    rule, circumstances, correlation, example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert not read(correlation, "rules.md").faults
    assert attributes_of("rules.md", yaml.safe_load(circumstances)).circumstances.schedule
    compiled = RuleSet([compile_rule(read_rule(rule, "rules.md"))])
    said = yaml.safe_load(example)["mailbox-audit-off"]
    (fires,) = (record for what in said["fires"] for record in records(what))
    (misses,) = (record for miss in said["misses"] for record in records(laid_over(said["fires"][0], miss["but"])))

    assert lint(compiled.rules[0]) == ()
    assert len(compiled.match(orjson.loads(event_of(fires[1], fires[0]).message()))) == 1
    assert compiled.match(orjson.loads(event_of(misses[1], misses[0]).message())) == ()


def test_the_alerter_takes_every_rule_and_has_those_at_work_that_are_switched_on() -> None:
    library = library_builder().library({}, NOW)
    on = {
        str(held[-1]["id"]) for name, held in pack().documents.items() if pack().attributes(name).get("enabled", True)
    }

    assert library.faults == {}
    active = {rule.alert_rule.id for rule in library.active.values()} - library.correlations.silent
    assert active == on & set(pack().ids)
    assert library.correlations.plans.keys() == on - active
    assert {rule.grouping.fields[0] for rule in library.active.values()} >= {"actor", "MailboxOwnerUPN"}


def test_lint_finds_nothing_in_any_rule() -> None:
    assert [(rule.title, finding) for rule in pack().rules.rules for finding in lint(rule)] == []


def test_each_record_fires_its_rule_and_none_of_another_meaning_and_can_be_grouped() -> None:
    for name, example in ALERTING.items():
        for what in example["fires"]:
            found = [raised([event]) for event in events(what)]

            assert found
            assert [{hit.name for hit in one} for one in found] == [{name, *example.get("also", ())}] * len(found), what
            assert len({group_of(hit) for one in found for hit in one if hit.name == name}) == 1, what
            assert all(any(group_of(hit)) for one in found for hit in one), what


def group_of(hit: Hit) -> tuple[tuple[str, ...], ...]:
    """What an alert has in common: the same for each interface that tells of an action."""
    return tuple(hit.values(field) for field in pack().attributes(hit.name)["group_by"])


def near_misses(example: Json) -> Iterator[Json]:
    first = example["fires"][0]
    for miss in example["misses"]:
        yield laid_over(first, miss["but"]) if "but" in miss else miss
    for what in () if example.get("attempts") else example["fires"]:
        if shape_of(what) in FAILED:
            yield laid_over(what, FAILED[shape_of(what)])


def test_what_nearly_is_the_action_and_what_failed_do_not_fire_the_rule() -> None:
    for name, example in ALERTING.items():
        assert example["misses"], name
        for what in near_misses(example):
            assert all(name not in rules for rules in fired(what)), (name, what)


def series(example: Json, count: int, step_s: float) -> list[Hit]:
    """What a series of records matches, by the first interface that tells of them."""
    made = []
    for number in range(count):
        said = {key: varied(value, number) for key, value in example["vary"].items()}
        what = laid_over(example["of"], said) | {"at": round(step_s * number)}
        source, record = next(records(what))
        made += hits(event_of(record, source))
    return made


def varied(value: Any, number: int) -> Any:
    return (
        {key: varied(one, number) for key, one in value.items()} if isinstance(value, dict) else value.format(n=number)
    )


@pytest.mark.slow
def test_a_count_fires_at_its_threshold_within_its_span_and_for_one_group() -> None:
    for counting in pack().countings:
        example, count = COUNTING[counting.name], counting.at_least
        step = counting.span_s / (count + 1)
        found = series(example, count, step)

        assert [hit.name for hit in found] == [counting.base] * count, counting.name
        assert [hit.name for hit in raised_by(found)] == [counting.name]
        assert raised_by(found[:-1]) == [], counting.name
        assert raised_by(found[1:]) == [], counting.name
        assert raised_by(series(example, count, counting.span_s / (count - 1) + 1)) == [], counting.name
        for miss in example["misses"]:
            assert all(hit.name != counting.name for hit in raised_by(series(miss, count, step))), (counting.name, miss)
