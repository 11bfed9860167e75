"""An import that is many times as large as what AOC_RAW may hold, against one that it can hold.

`python bench/small_bus.py [--mb 1000] [--raw-mib 64] [--pairs 3]`

Each import goes into a new data directory with servers of its own, the small bus and the large one in turns. Prints
the seconds of each, the rate of the small bus in proportion to that of the large one, pair by pair, and the median.
Ends with status 1 if a record is missing, or came twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from aoc_sim import samples

_MB: Final = 1000 * 1000
_LARGE_MIB: Final = 10 * 1024
_SEED: Final = 11


def written(path: Path, size_mb: int) -> int:
    """An export of about `size_mb` MB; the number of its records."""
    bytes_each = samples.export(path, 2_000, _SEED) / 2_000
    records = int(size_mb * _MB / bytes_each)
    samples.export(path, records, _SEED)
    return records


def imported(export: Path, records: int, raw_mib: int) -> float:
    """Seconds that an import takes. Raises `RuntimeError` if not every record is stored once."""
    with TemporaryDirectory() as root:
        env = {name: value for name, value in os.environ.items() if not name.startswith("AOC_")}
        env |= {"AOC_ROOT": root, "AOC_NATS__RAW_MAX_BYTES": str(raw_mib * 1024 * 1024)}
        command = [
            str(Path(sys.executable).with_name("aoc")),
            "import",
            str(export),
            "--data",
            f"{root}/data",
            "--json",
        ]
        started = time.monotonic()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        if done.returncode:
            raise RuntimeError(f"aoc import ended with status {done.returncode}: {done.stderr.strip()}")
        summary = json.loads(done.stdout)
    if (summary["records"], summary["new"], summary["quarantined"]) != (records, records, 0):
        raise RuntimeError(f"not every record is stored once: {done.stdout.strip()}")
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000, help="size of the export in MB")
    parser.add_argument("--raw-mib", type=int, default=64, help="what AOC_RAW may hold, in MiB")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is done; 0: only the small bus, once")
    arguments = parser.parse_args()
    out = Console()
    with TemporaryDirectory() as directory:
        export = Path(directory) / "export.ndjson"
        records = written(export, arguments.mb)
        size = export.stat().st_size / _MB
        out.print(f"{records:,} records, {size:,.0f} MB, through an AOC_RAW of {arguments.raw_mib} MiB")
        try:
            rates: list[float] = []
            for _ in range(arguments.pairs):
                small = imported(export, records, arguments.raw_mib)
                out.print(f"{small:,.1f} s, {records / small:,.0f} records/s")
                large = imported(export, records, _LARGE_MIB)
                rates.append(large / small)
                out.print(f"unbounded {large:,.1f} s; {large / small:.2f} of its rate")
            if rates:
                out.print(f"[bold]median {median(rates):.2f}[/] of the unbounded rate")
            else:
                small = imported(export, records, arguments.raw_mib)
                out.print(f"{small:,.1f} s, {size / small:.2f} MB/s, {records / small:,.0f} records/s")
        except RuntimeError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
