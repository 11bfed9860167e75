"""What a client shows to the gateway. No secret is in any `repr`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from aoc_common.client.addresses import check_address
from aoc_common.client.logins import Logins, fresh
from aoc_common.errors import BadConfiguration
from aoc_common.settings import resolve_secret


class Credentials(Protocol):
    """Where an access token or an API key comes from. It is asked before each request, so a token may change."""

    async def secret(self, gateway: str) -> str | None:
        """The secret for the gateway at this address; None: nothing is shown. Raises `AocError`."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """An access token, or an API key."""

    value: str = field(repr=False)

    @classmethod
    def at(cls, reference: str) -> Secret:
        """The secret at a reference (`env:NAME`, `file:PATH`). Raises `BadConfiguration` when there is none."""
        return cls(resolve_secret(reference, "the gateway's token or key"))

    async def secret(self, gateway: str) -> str | None:  # noqa: ARG002  # who made it says which gateway it is for
        """See `Credentials`."""
        return self.value


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What `aoc login` has stored for the gateway; an access token that ends is renewed, and stored."""

    logins: Logins = field(default_factory=Logins)

    async def secret(self, gateway: str) -> str | None:
        """See `Credentials`. Raises `BadConfiguration` when one must sign in (again)."""
        login = self.logins.current(check_address(gateway))
        if login is None:
            raise BadConfiguration(f"not signed in at {gateway}: aoc login {gateway}")
        # It locks a file, and may ask the identity provider.
        return (await asyncio.to_thread(fresh, login, self.logins)).access_token


class NoCredentials:
    """Shows nothing: for what everybody may ask, e.g. how one signs in."""

    async def secret(self, gateway: str) -> str | None:  # noqa: ARG002  # as the others
        """See `Credentials`."""
        return None
