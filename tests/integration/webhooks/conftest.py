"""A gateway that takes notifications, a Microsoft that signs and encrypts, and a bus that remembers."""

from __future__ import annotations

import functools
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx
import pytest
import structlog
from cryptography.hazmat.primitives import serialization

from aoc_api.access.policy import AccessPolicy
from aoc_api.app import create_app
from aoc_api.settings import ApiOptions, ApiSettings, AuditOptions, HookOptions
from aoc_common.contracts.access import Hidden
from aoc_common.settings import MongoSettings, NatsSettings
from notifying import APP, CONTOSO, FABRIKAM, OLD_SECRET, SECRET, Authority, Bus, Hooks, make_key, pem
from signing_in import known

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from cryptography.hazmat.primitives.asymmetric import rsa


async def _no_groups(_: str) -> frozenset[str]:
    return frozenset()


async def _nothing_hidden(*_: object) -> Hidden:
    return Hidden()


#: What somebody may see is known without the store, which is away here.
ANY_STORE = AccessPolicy(_no_groups, _nothing_hidden)
#: A key is checked when it is loaded, for a tenth of a second: those of tests are checked once.
LOADED_ONCE = functools.cache(serialization.load_pem_private_key)


@pytest.fixture(scope="session")
def signing_key() -> rsa.RSAPrivateKey:
    return make_key()


@pytest.fixture(scope="session")
def other_key() -> rsa.RSAPrivateKey:
    return make_key()


@pytest.fixture(scope="session")
def encryption_key() -> rsa.RSAPrivateKey:
    return make_key()


@pytest.fixture
def authority(signing_key: rsa.RSAPrivateKey) -> Authority:
    return Authority({"k1": signing_key})


@pytest.fixture
def options(tmp_path, monkeypatch, encryption_key) -> HookOptions:
    """All that webhooks can be configured with."""
    monkeypatch.setenv("AOC_TEST_HOOKS", SECRET)
    monkeypatch.setenv("AOC_TEST_HOOKS_OLD", OLD_SECRET)
    monkeypatch.setenv("AOC_TEST_DECRYPT", pem(encryption_key))
    file = tmp_path / "tenants.json"
    tenants = [
        {"name": "contoso", "tenant_id": CONTOSO, "client_id": APP, "client_secret": "env:NOT_READ_HERE"},
        {"name": "fabrikam", "tenant_id": FABRIKAM, "client_id": APP.replace("c0a7", "fab0"), "cloud": "gcc"},
    ]
    file.write_text(json.dumps(tenants))
    return HookOptions(
        public_url="https://aoc.example",
        secret="env:AOC_TEST_HOOKS",
        previous_secret="env:AOC_TEST_HOOKS_OLD",
        tenants_file=file,
        decryption_keys={"cert-1": "env:AOC_TEST_DECRYPT"},
    )


@pytest.fixture
async def serve(authority: Authority, monkeypatch, tmp_path) -> AsyncIterator[Callable[..., Awaitable[Hooks]]]:
    """`await serve(options)`: a gateway whose servers are away; its authority is ours, and so is its bus."""
    monkeypatch.setattr("aoc_api.webhooks.content.serialization.load_pem_private_key", LOADED_ONCE)
    async with AsyncExitStack() as stack:
        logged = stack.enter_context(structlog.testing.capture_logs())
        monkeypatch.setattr(
            "aoc_api.parts.services.http.make_client",
            lambda **_: httpx.AsyncClient(transport=httpx.MockTransport(authority)),
        )

        async def start(
            options: HookOptions | None = None, nats: NatsSettings | None = None, mongo: MongoSettings | None = None
        ) -> Hooks:
            settings = ApiSettings(
                mongo=mongo or MongoSettings(uri="mongodb://127.0.0.1:1", timeout_s=0.2),
                nats=nats or NatsSettings(url="nats://127.0.0.1:1"),
                webhooks=options or HookOptions(),
                api=ApiOptions(audit=AuditOptions(spool=tmp_path / uuid4().hex)),
            )
            app = create_app(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            app.state.services = replace(app.state.services, authenticate=known, policy=ANY_STORE)
            bus = Bus()
            if nats is None:
                app.state.services = replace(app.state.services, publish_jobs=bus)
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8080")
            return Hooks(await stack.enter_async_context(client), bus, logged)

        yield start


@pytest.fixture
async def hooks(serve, options) -> Hooks:
    """A gateway with webhooks on."""
    return await serve(options)
