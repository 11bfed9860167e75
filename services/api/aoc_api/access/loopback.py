"""Who calls while the gateway listens on loopback only: somebody at this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aoc_api.access.principal import Grant, Principal

if TYPE_CHECKING:
    from fastapi import Request

_OPERATOR: Final = Principal(
    "person", "local/operator", "operator at this machine", (Grant("superadmin", everything=True),)
)


async def at_this_machine(_: Request) -> Principal:
    """`Gate` serves nobody else."""
    return _OPERATOR
