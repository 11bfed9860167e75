"""What is said of a tenant that there is not, with those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from aoc_common.client import Gateway

_SHOWN: Final = 10


def missing(tenant: str, known: Collection[str]) -> str:
    """`there is no tenant default; there are contoso, fabrikam: --tenant`; empty when it is there, or none is."""
    if not known or tenant in known:
        return ""
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    there = f"there {'is' if len(known) == 1 else 'are'} {', '.join(sorted(known)[:_SHOWN])}{more}"
    return f"there is no tenant {tenant}; {there}: --tenant"


async def missing_there(gateway: Gateway, tenant: str) -> str:
    """The same of a gateway, as far as its caller may know. Raises `GatewayError`."""
    hint = (await gateway.events.page(tenant=tenant, page_size=1)).hint
    return missing(tenant, hint.tenants) if hint is not None else ""
