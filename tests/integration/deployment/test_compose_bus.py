"""nats-server takes the configuration that docker-compose.yml mounts, and lets each user do what is its own."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from nats.errors import Error as NatsError

from aoc_cli.local import nats
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_common import roster
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.consume import check_consumer
from aoc_common.bus.streams import check_streams
from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable
from aoc_common.settings import NatsSettings
from composed import DOCKER, ROOT
from provisioning import provision_all

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def container(tmp_path: Path):
    """The server with its files where they are in the container, under a directory of the test's own."""
    shutil.copytree(DOCKER, tmp_path / "deploy" / "docker", ignore=shutil.ignore_patterns("private"))
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    subprocess.run([str(tmp_path / "deploy" / "docker" / "prepare")], check=True, capture_output=True)
    (tmp_path / "run").mkdir()
    shutil.copytree(tmp_path / "deploy/docker/private/secrets", tmp_path / "run" / "secrets")
    config, port = tmp_path / "etc" / "nats" / "nats-server.conf", free_port()
    config.parent.mkdir(parents=True)
    text = (DOCKER / "nats-server.conf").read_text()
    for what, here in (
        ('"0.0.0.0:4222"', f'"{LOOPBACK}:{port}"'),
        ('"127.0.0.1:8222"', f'"{LOOPBACK}:{free_port()}"'),
        ('"/data"', f'"{tmp_path / "data"}"'),
    ):
        assert what in text
        text = text.replace(what, here)
    config.write_text(text)
    child = Child("nats-server", [nats.binary(), "-c", str(config)], tmp_path / "nats.log", port)
    child.start()
    try:
        child.wait_ready()
        yield child
    finally:
        child.stop()


@pytest.fixture
def settings(container: Child, tmp_path: Path):
    def as_user(user: str, secret: str | None = None) -> NatsSettings:
        return NatsSettings(
            url=f"nats://{LOOPBACK}:{container.port}",
            user=user,
            password=f"file:{tmp_path / 'run' / 'secrets' / (secret or f'nats-{user}')}",
        )

    return as_user


async def test_each_service_finds_what_it_checks_at_its_start(settings) -> None:
    async with connected_broker(settings("provision"), "provision") as broker:
        await provision_all(broker, settings("provision"))
    for service in roster.SERVICES:
        own = settings(service.name)
        async with connected_broker(own, service.name) as broker:
            assert await check_streams(jetstream(broker), own, service.streams) == []
            for consumer in service.consumers:
                await check_consumer(jetstream(broker), consumer)


async def test_a_service_may_not_write_in_the_name_of_another(settings) -> None:
    async with connected_broker(settings("provision"), "provision") as broker:
        await provision_all(broker, settings("provision"))
    async with connected_broker(settings("api"), "api") as broker:
        with pytest.raises((NatsError, TimeoutError)):
            await jetstream(broker).publish(subjects.raw("contoso", "graph-signins"), b"[]", timeout=1)


async def test_the_password_of_another_user_is_refused(settings) -> None:
    with pytest.raises(Unreachable, match=r"(?i)authorization"):
        async with connected_broker(settings("collector", secret="nats-api"), "collector"):
            pass
