from __future__ import annotations

import csv
import itertools
import json

import pytest

from aoc_sim import samples


def test_samples_are_the_same_for_the_same_seed_and_distinct():
    first, second = list(samples.records(3, 800)), list(samples.records(3, 800))

    assert first == second
    assert first != list(samples.records(4, 800))
    assert len({body for _, body in first}) == len(first) == 800


def test_samples_of_one_source_are_of_that_source_only():
    assert {source for source, _ in samples.records(3, 50, "graph-intune")} == {"graph-intune"}


def test_samples_are_made_as_they_are_taken():
    assert len(list(itertools.islice(samples.records(3, 10**12), 5))) == 5


def test_an_unknown_source_or_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such source"):
        next(samples.records(3, 1, "o365-nothing"))
    with pytest.raises(ValueError, match="no such kind"):
        samples.export(tmp_path / "x", 1, 3, "xlsx")


def read(path, kind):
    """(id, time) of each record of an export."""
    if kind == "ndjson":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [(r["Id"], r["CreationTime"]) for r in rows]
    if kind == "purview-csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        inner = [json.loads(row["AuditData"]) for row in rows]
        assert [row["RecordId"] for row in rows] == [r["Id"] for r in inner]
        return [(r["Id"], r["CreationTime"]) for r in inner]
    body = json.loads(path.read_text())
    if kind == "graph-list":
        return [(r["id"], r["activityDateTime"]) for r in body["value"]]
    if kind == "purview-json":
        body = [json.loads(row["AuditData"]) for row in body]
    return [(r["Id"], r["CreationTime"]) for r in body]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ndjson", "json", "purview-csv", "purview-json", "graph-list"])
@pytest.mark.parametrize("count", [0, 1, 3000])
def test_an_export_holds_as_many_distinct_records_as_asked_in_order_of_time(tmp_path, kind, count):
    path = tmp_path / "export"
    size = samples.export(path, count, 5, kind)
    records = read(path, kind)

    assert size == path.stat().st_size
    assert len({id_ for id_, _ in records}) == len(records) == count
    assert [time for _, time in records] == sorted(time for _, time in records)
