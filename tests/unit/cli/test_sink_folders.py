"""What a run reads of the files that a sink has written is what a receiver of the same events keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from aoc_cli.verify.sink_comparison import Arrived
from aoc_cli.verify.sink_folders import SinkFolder
from aoc_common.clock import SystemClock
from aoc_exporter.sinks.folder import FolderOptions, folder
from aoc_exporter.sinks.security_lake import SecurityLakeOptions, security_lake
from aoc_sim.siem.fingerprints import fingerprint
from siem_entries import item

if TYPE_CHECKING:
    from pathlib import Path

EVENT: dict[str, Any] = {
    "class_uid": 6003, "time": 1_795_419_000_000, "status_id": 1, "strange": {"a": [1]},
    "metadata": {"uid": "record", "event_code": "Add user", "is_truncated": False}, "raw_data": '{"Id":"\u00e4"}',
}  # fmt: skip


async def test_files_are_read_back_once_and_copies_of_their_entries_are_seen(tmp_path: Path) -> None:
    short = EVENT | {"raw_data": None, "metadata": EVENT["metadata"] | {"is_truncated": True}}
    sent = [item(1, body=orjson.dumps(EVENT)), item(2, body=orjson.dumps(short), time_ms=0, tenant="fabrikam")]
    whole, cut = fingerprint("contoso", "graph-signins", EVENT), fingerprint("fabrikam", "graph-signins", short)
    expected = {sent[0].key: Arrived(1, *whole), sent[1].key: Arrived(1, *cut)}
    for name, sink in (
        ("folder", folder(FolderOptions(path=tmp_path / "folder"), SystemClock())),
        ("security-lake", security_lake(SecurityLakeOptions(path=tmp_path / "security-lake"), SystemClock())),
    ):
        read = SinkFolder(name, tmp_path / name)
        assert (read.count(), read.arrived()) == (0, {})
        await sink.send(sent)
        assert (read.count(), read.arrived()) == (2, expected)
        first = min((tmp_path / name).rglob("*.zst*"))
        first.with_name(f"copy-{first.name}").write_bytes(first.read_bytes())
        assert (read.count(), sum(one.times for one in read.arrived().values())) == (2, 3)
