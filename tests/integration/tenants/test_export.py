"""A tenant is exported whole, and of no other tenant anything."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from bson import json_util

from aoc_cli.tenancy.export import MANIFEST, export
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.events import MongoEvents
from aoc_common.store.mongo.foreign import EXTENDED_JSON
from aoc_common.store.mongo.tenant_data import MongoTenantData
from making import an_event
from tenant_registry import settings_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


async def test_every_document_is_a_line_and_the_manifest_counts_and_hashes_the_files(database, tmp_path):
    made = [an_event(str(number), NOW, tenant) for tenant in ("a", "b") for number in range(5)]
    await MongoEvents(database, lambda *_: timedelta(days=9_999)).insert(made, ["p"] * len(made))
    await database["event_versions"].insert_one({"_id": "v", "tenant": "a"})

    await export(MongoTenantData(database, "a", "-"), settings_of("a"), tmp_path / "out", NOW, lambda _: None)

    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    files = {one["name"]: one for one in manifest["files"]}
    counts = {name: one["documents"] for name, one in files.items()}
    assert (counts["events.jsonl"], counts["event_versions.jsonl"], counts["tenant.json"]) == (5, 1, 1)
    for name, one in files.items():
        written = (tmp_path / "out" / name).read_bytes()
        assert (hashlib.sha256(written).hexdigest(), len(written)) == (one["sha256"], one["size"])
    lines = (tmp_path / "out" / "events.jsonl").read_text().splitlines()
    assert {json.loads(line)["tenant"] for line in lines} == {"a"}
    # As mongoimport reads them: nothing is lost.
    read = [json_util.loads(line, json_options=EXTENDED_JSON) for line in lines]
    assert {one["_id"] for one in read} == {one.id for one in made if one.tenant == "a"}
    assert {one["time"].replace(tzinfo=UTC) for one in read} == {NOW}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*files, MANIFEST}
    assert (tmp_path / "out" / "events.jsonl").stat().st_mode & 0o777 == 0o600


async def test_nothing_is_written_over(database, tmp_path):
    (tmp_path / "mine").write_text("x")

    with pytest.raises(BadConfiguration, match="not empty"):
        await export(MongoTenantData(database, "a", "-"), {}, tmp_path, NOW, lambda _: None)
