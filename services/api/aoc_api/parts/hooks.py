"""The verifier of Microsoft's notifications."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aoc_api.entra.keys import SigningKeys
from aoc_api.webhooks.content import Decryption
from aoc_api.webhooks.replays import Replays
from aoc_api.webhooks.tokens import ValidationTokens, publisher_keys
from aoc_api.webhooks.verification import Verifier
from aoc_common.environment import WEBHOOKS_TENANTS_FILE
from aoc_common.tenants.file import read_tenants
from aoc_common.tenants.file_registry import FileTenants

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aoc_api.settings import HookOptions
    from aoc_common.clock import Clock


def make_verifier(options: HookOptions, clock: Clock) -> Callable[[httpx.AsyncClient], Verifier] | None:
    """Makes the verifier of notifications, given an HTTP client; None when webhooks are off.

    Raises `BadConfiguration` for a secret, key or tenants file that is missing or invalid.
    """
    seals = options.seals()
    if seals is None:
        return None
    read = partial(read_tenants, options.tenants_file, setting=WEBHOOKS_TENANTS_FILE)
    tenants, decryption = FileTenants(read, clock), Decryption(options.decryption_keys)

    def make(client: httpx.AsyncClient) -> Verifier:
        tokens = ValidationTokens(tenants, SigningKeys(partial(publisher_keys, client), clock))
        return Verifier(seals, tokens, decryption, Replays(options.replay_memory, clock))

    return make
