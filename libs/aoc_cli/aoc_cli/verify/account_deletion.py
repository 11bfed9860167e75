"""Deletes a user account from a tenant's directory, as an administrator or an intruder can at any moment."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import stamina
from httpx import TransportError

if TYPE_CHECKING:
    import httpx


@stamina.retry(on=TransportError, attempts=5)
async def delete_account(simulator: httpx.AsyncClient, tenant: str, seed: int) -> str:
    """Delete one user who has records, and may get more; returns the id. Groups and roles stay as they are."""
    users = (await simulator.get(f"/_directory/{tenant}/users")).raise_for_status().json()["value"]
    chosen: str = Random(f"account:{seed}").choice(users)["id"]  # noqa: S311  # to be reproducible, not secret
    request = {"tenant": tenant, "collection": "users", "id": chosen, "remove": True}
    (await simulator.post("/_directory", json=request)).raise_for_status()
    return chosen
