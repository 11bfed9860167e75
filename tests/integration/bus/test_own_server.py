"""A nats-server that is set up as docs/howto/own-servers.md and docs/reference/nats-users.md say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aoc_cli.deployment.bus import USERS
from aoc_cli.doctor.bus import of_payload
from aoc_cli.local import nats
from aoc_cli.local.ports import LOOPBACK, free_port
from aoc_cli.local.process import Child
from aoc_collector.findings import Grade
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.bus.limits import max_message_bytes
from aoc_common.bus.provision import provision
from aoc_common.bus.streams import check_streams, check_version
from aoc_common.contracts import subjects
from aoc_common.errors import Unreachable
from aoc_common.settings import NatsSettings

DOCS = Path(__file__).parents[3] / "docs"


def block(page: str) -> str:
    found = re.search(r"```\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def documented(tmp_path):
    """The server of the how-to, with the users of the reference."""
    port = free_port()
    (tmp_path / "aoc-users.conf").write_text(block("reference/nats-users.md"))
    config = block("howto/own-servers.md").replace("/var/lib/nats", str(tmp_path / "store"))
    (tmp_path / "nats.conf").write_text(f'listen: "{LOOPBACK}:{port}"\n{config}')
    argv = [nats.binary(), "-c", str(tmp_path / "nats.conf")]
    passwords = {f"NATS_PASSWORD_{user.upper()}": f"secret-of-{user}" for user in USERS}
    child = Child("nats-server", argv, tmp_path / "nats.log", port, passwords)
    child.start()
    try:
        child.wait_ready()
        yield child
    finally:
        child.stop()


def settings(server: Child, user: str, tmp_path: Path) -> NatsSettings:
    secret = tmp_path / user
    secret.write_text(f"secret-of-{user}")
    return NatsSettings(url=f"nats://{LOOPBACK}:{server.port}", user=user, password=f"file:{secret}")


async def test_a_server_that_is_set_up_as_documented_takes_every_user_and_what_is_declared(
    documented, tmp_path
) -> None:
    async with connected_broker(settings(documented, "provision", tmp_path), "provision") as broker:
        check_version(broker._connection)
        await provision(broker, settings(documented, "provision", tmp_path))
        assert of_payload("system", max_message_bytes(broker)).grade is Grade.OK
    for user, streams in (
        ("collector", (subjects.RAW_STREAM, subjects.JOBS_STREAM, subjects.DLQ_STREAM)),
        ("normalizer", (subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.DLQ_STREAM)),
        ("cli", (subjects.RAW_STREAM, subjects.EVENTS_STREAM)),
    ):
        own = settings(documented, user, tmp_path)
        async with connected_broker(own, user) as broker:
            assert await check_streams(jetstream(broker), own, streams) == []


async def test_a_user_of_the_documented_server_may_not_do_what_is_not_its_work(documented, tmp_path) -> None:
    async with connected_broker(settings(documented, "provision", tmp_path), "provision") as broker:
        await provision(broker, settings(documented, "provision", tmp_path))
    async with connected_broker(settings(documented, "reader", tmp_path), "reader") as broker:
        with pytest.raises(Exception, match=r"(?i)timeout|no response|permissions"):
            await broker._connection.jetstream(timeout=0.5).delete_stream(subjects.EVENTS_STREAM)


async def test_a_command_names_the_settings_when_the_bus_does_not_take_it(documented, tmp_path) -> None:
    wrong = settings(documented, "cli", tmp_path)
    (tmp_path / "cli").write_text("falsch")
    with pytest.raises(Unreachable, match=r"uthorization.*\(AOC_NATS__USER and AOC_NATS__PASSWORD, or AOC_NATS__CRED"):
        async with connected_broker(wrong, "cli"):
            pass
