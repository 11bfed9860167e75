"""A tenant is exported whole, and of no other tenant anything."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest

from aoc_cli.tenancy.export import MANIFEST, export
from aoc_common.errors import BadConfiguration
from aoc_common.store.mongo.tenant_data import MongoTenantData
from tenant_registry import settings_of

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


async def test_every_document_is_a_line_and_the_manifest_counts_and_hashes_the_files(database, tmp_path):
    await database["events"].insert_many(
        [{"_id": f"{tenant}{number}", "tenant": tenant, "time": NOW} for tenant in ("a", "b") for number in range(5)]
    )
    await database["event_versions"].insert_one({"_id": "v", "tenant": "a"})
    await database["event_outline"].insert_one({"_id": "a kinds"})

    await export(MongoTenantData(database, "a", "-"), settings_of("a"), tmp_path / "out", NOW, lambda _: None)

    manifest = json.loads((tmp_path / "out" / MANIFEST).read_text())
    files = {one["name"]: one for one in manifest["files"]}
    assert {name: one["documents"] for name, one in files.items()} == {
        "events.jsonl": 5, "event_versions.jsonl": 1, "event_outline.jsonl": 1, "tenant.json": 1,
    }  # fmt: skip
    for name, one in files.items():
        written = (tmp_path / "out" / name).read_bytes()
        assert (hashlib.sha256(written).hexdigest(), len(written)) == (one["sha256"], one["size"])
    lines = (tmp_path / "out" / "events.jsonl").read_text().splitlines()
    assert {json.loads(line)["tenant"] for line in lines} == {"a"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*files, MANIFEST}
    assert (tmp_path / "out" / "events.jsonl").stat().st_mode & 0o777 == 0o600


async def test_nothing_is_written_over(database, tmp_path):
    (tmp_path / "mine").write_text("x")

    with pytest.raises(BadConfiguration, match="not empty"):
        await export(MongoTenantData(database, "a", "-"), {}, tmp_path, NOW, lambda _: None)
