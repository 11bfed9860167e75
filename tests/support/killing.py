"""Work that is killed at its first request to the bus, at its second, and so on, until one run gets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import pytest


class KilledError(Exception):
    """The end of a run."""


async def killed_at_every_request[T](
    js: Any, monkeypatch: pytest.MonkeyPatch, run: Callable[[], Awaitable[T]], most: int
) -> tuple[T, int]:
    """What the first run gives that gets through, and how many were killed: each is allowed one request more."""
    asked, left = js._api_request, 0

    async def request(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            raise KilledError
        left -= 1
        return await asked(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(js, "_api_request", request)
        for allowed in range(most):
            left = allowed
            try:
                return await run(), allowed
            except KilledError:
                continue
    raise AssertionError(f"no run got through within {most} requests")
