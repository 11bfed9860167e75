"""The check of a tenant, whatever answers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from aoc_collector.findings import Grade
from aoc_collector.microsoft.auth import Tokens
from aoc_collector.tenant_check import TenantCheck


@pytest.fixture
def checked(tenant, microsoft, clock):
    """The findings about the tenant: check -> grade."""

    async def grades(respond):
        microsoft.respond = respond
        async with httpx.AsyncClient(transport=httpx.MockTransport(microsoft)) as client:
            found = await TenantCheck(tenant, client, Tokens(client, clock, attempts=1)).run()
        return {finding.check: finding.grade for finding in found}

    return grades


async def test_times_that_name_no_zone_are_in_utc(checked):
    now = datetime.now(UTC)

    def respond(request):
        if "openid-configuration" in request.url.path:
            return httpx.Response(200, headers={"Date": format_datetime(now.replace(tzinfo=None))})  # ends in -0000
        if "applications" in request.url.path:
            ends = (now + timedelta(days=90)).replace(tzinfo=None).isoformat()
            both = [{"endDateTime": ends}, {"endDateTime": f"{ends}Z"}]
            return httpx.Response(200, json={"passwordCredentials": both})
        return httpx.Response(200, json=[])

    found = await checked(respond)

    assert (found["clock"], found["secret"]) == (Grade.OK, Grade.OK)
