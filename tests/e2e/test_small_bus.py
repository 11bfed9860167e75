"""An import that is many times as large as what AOC_RAW may hold."""

from __future__ import annotations

import json

import pytest

from aoc_sim import samples


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_2_an_import_of_64_mb_goes_through_a_bus_of_4_mib(aoc, tmp_path) -> None:
    """Settled pages make room: the size of the stream bounds what waits, not what passes."""
    export = tmp_path / "export.ndjson"
    records = 0
    while not export.exists() or export.stat().st_size < 64 * 1000 * 1000:
        records += 24_000
        samples.export(export, records, 11, "ndjson")
    aoc.env["AOC_NATS__RAW_MAX_BYTES"] = str(4 * 1024 * 1024)
    done = aoc.run("import", export, "--data", aoc.root / "data", "--json", timeout=500)
    summary = json.loads(done.stdout)

    assert (summary["records"], summary["new"], summary["quarantined"]) == (records, records, 0)
