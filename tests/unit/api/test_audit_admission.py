"""Who is let in can be noted, whatever happens to the disk meanwhile."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack
from datetime import UTC, datetime

from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action
from aoc_api.audit.sign_in_failures import SignInFailures
from aoc_api.audit.spool import Spool
from aoc_api.audit.trail import AuditTrail
from aoc_common.contracts.audit import LONGEST
from manual_clock import ManualClock

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
LONG = Act(
    action=Action("events.search", "read"),
    at=NOW,
    status=200,
    request_id="r1",
    tenant="contoso",
    principal=Principal("person", "directory/kim", "Kim Vale", ()),
    asked="\x00" * 5_000,
    about="\U0001f600" * 5_000,
)


def test_who_was_let_in_finds_room_whoever_else_was_also_when_the_disk_is_full_meanwhile(tmp_path, monkeypatch) -> None:
    trail = AuditTrail(Spool(tmp_path, 1 << 24, LONGEST + 1, 1 << 20), "w1", SignInFailures(ManualClock(NOW)))

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with ExitStack() as under_way:
        assert all(under_way.enter_context(trail.admitted()) for _ in range(50))
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", full)
            refused = [under_way.enter_context(trail.admitted()) for _ in range(20)]
            assert not refused[-1]
            for _ in range(2 * (50 + sum(refused))):
                trail.note(LONG)
    with trail.admitted() as room:
        assert room
