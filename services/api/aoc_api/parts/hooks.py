"""What judges Microsoft's notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aoc_api.webhooks.content import Decryption
from aoc_api.webhooks.judge import Judge
from aoc_api.webhooks.replays import Replays
from aoc_api.webhooks.tenants import read_registrations
from aoc_api.webhooks.tokens import SigningKeys, ValidationTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from aoc_api.settings import HookOptions
    from aoc_common.clock import Clock


def make_judge(options: HookOptions) -> Callable[[httpx.AsyncClient, Clock], Judge] | None:
    """What judges notifications, as soon as there is a client; None when webhooks are off.

    Raises `BadConfiguration` for a secret, key or tenants file that is not there or not what it should be.
    """
    seals = options.seals()
    if seals is None:
        return None
    registrations, decryption = read_registrations(options.tenants_file), Decryption(options.decryption_keys)

    def make(client: httpx.AsyncClient, clock: Clock) -> Judge:
        tokens = ValidationTokens(registrations, SigningKeys(client, clock))
        return Judge(seals, tokens, decryption, Replays(options.replay_memory, clock))

    return make
