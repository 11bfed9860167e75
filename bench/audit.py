"""What an entry of the audit trail costs the gateway: CPU time of noting, and of a request that does nothing else."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action
from aoc_api.audit.sign_in_failures import SignInFailures
from aoc_api.audit.spool import Spool
from aoc_api.audit.trail import AuditTrail
from aoc_common.clock import SystemClock
from aoc_common.contracts.audit import LONGEST

_ENTRIES = 20_000
_ACT = Act(
    action=Action("events.search", "read"),
    at=datetime(2026, 11, 27, tzinfo=UTC),
    status=200,
    request_id="0" * 32,
    tenant="contoso",
    principal=Principal("person", "tenant/kim", "Kim Vale", ()),
    address="203.0.113.9",
    asked="GET /api/events?q=dana%20invoices&tenant=contoso&page_size=50",
    rows=50,
)


def main() -> None:
    """Print microseconds of CPU an entry."""
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory), 256 << 20, LONGEST + 1)
        trail = AuditTrail(spool, "writer", SignInFailures(SystemClock()))
        began = time.process_time()
        for number in range(_ENTRIES):
            trail.note(replace(_ACT, rows=number))
        print(f"{(time.process_time() - began) / _ENTRIES * 1e6:.1f} us an entry")  # what it is for
        spool.close()


if __name__ == "__main__":
    main()
