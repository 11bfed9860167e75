"""The verifier of Microsoft's notifications."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_api.entra.keys import SigningKeys
from aoc_api.webhooks.content import Decryption
from aoc_api.webhooks.replays import Replays
from aoc_api.webhooks.tokens import ValidationTokens, publisher_keys
from aoc_api.webhooks.verification import Verifier

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aoc_api.settings import HookOptions
    from aoc_common.clock import Clock
    from aoc_common.tenants.combined_registry import CombinedTenants


def make_verifier(
    options: HookOptions, clock: Clock
) -> Callable[[httpx.AsyncClient, CombinedTenants], Verifier] | None:
    """Makes the verifier of notifications, given an HTTP client and the tenants; None when webhooks are off.

    Raises `BadConfiguration` for a secret or key that is missing or invalid.
    """
    seals = options.seals()
    if seals is None:
        return None
    decryption = Decryption(options.decryption_keys)

    def make(client: httpx.AsyncClient, tenants: CombinedTenants) -> Verifier:
        # The file's first: they are known also while the database is away.
        tokens = ValidationTokens((tenants.file, tenants), SigningKeys(partial(publisher_keys, client), clock))
        return Verifier(seals, tokens, decryption, Replays(options.replay_memory, clock))

    return make
