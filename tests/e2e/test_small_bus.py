"""An import that is many times as large as what AOC_RAW may hold."""

from __future__ import annotations

import json

import pytest

from aoc_sim import samples
from thoroughness import only_thorough


@pytest.mark.slow
@only_thorough
@pytest.mark.timeout(400)
def test_an_import_goes_through_a_bus_that_holds_a_quarter_of_it(aoc, tmp_path) -> None:
    """Settled pages make room: the size of the stream bounds what waits, not what passes."""
    export = tmp_path / "export.ndjson"
    records = 4_000
    samples.export(export, records, 11, "ndjson")
    assert export.stat().st_size > 5_000_000
    aoc.env["AOC_NATS__RAW_MAX_BYTES"] = str(5 * 1024 * 1024 // 4)
    done = aoc.run("import", export, "--data", aoc.root / "data", "--json", timeout=360)
    summary = json.loads(done.stdout)

    assert (summary["records"], summary["new"], summary["quarantined"]) == (records, records, 0)
