"""Assesses the limits of a NATS server for pages and events. Pure."""

from __future__ import annotations

from typing import Final

from aoc_collector.findings import Finding, Grade
from aoc_common.bus.limits import HEADER_ROOM, MIN_MESSAGE_BYTES
from aoc_common.contracts.raw import MAX_PAGE_BYTES, MAX_RECORD_BYTES

#: What a page of ordinary size needs.
_PAGE: Final = MAX_PAGE_BYTES + HEADER_ROOM
#: What the largest record that can be stored needs.
_RECORD: Final = MAX_RECORD_BYTES + HEADER_ROOM
_CHECK: Final = "NATS max_payload"


def of_payload(where: str, limit: int) -> Finding:
    """`limit`: the largest message that the server takes, bytes."""
    size = f"{limit:,} bytes"
    if limit < MIN_MESSAGE_BYTES:
        fix = f"Set max_payload of nats-server to 8MB ({MIN_MESSAGE_BYTES:,} bytes at the least): nothing is collected"
        return Finding(where, _CHECK, Grade.FAIL, f"{size}: too small for pages of records", fix)
    if limit < _PAGE:
        fix = "Set max_payload of nats-server to 8MB: pages are cut smaller, which is slow, and large records are lost"
        return Finding(where, _CHECK, Grade.WARN, f"{size}: smaller than a page ({_PAGE:,} bytes)", fix)
    if limit < _RECORD:
        fix = f"Set max_payload of nats-server to 8MB: a record larger than {limit - HEADER_ROOM:,} bytes cannot travel"
        return Finding(where, _CHECK, Grade.WARN, f"{size}: smaller than a record may be ({_RECORD:,} bytes)", fix)
    return Finding(where, _CHECK, Grade.OK, size)
