"""Real servers for tests: a nats-server and a MongoDB-protocol server on loopback."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog
from hypothesis import settings
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

import public_sets
from aoc_cli.deployment.bus import USERS
from aoc_cli.local import mongo, nats
from aoc_cli.local.ports import free_port
from aoc_common.bus.broker import close, make_broker
from aoc_common.settings import MongoSettings, NatsSettings
from aoc_common.store.mongo.client import connect
from lanes import Lanes
from provisioning import provision_all
from waiting import pauses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from aoc_cli.local.process import Child
    from aoc_common.store.mongo.client import Database

# What is imported and collected stays until the end: to look again and again whether it is garbage costs a worker
# seconds.
gc.disable()
# httpx looks for it on the whole path at each request to an application; nothing here needs it.
sys.modules.setdefault("sniffio", cast("Any", None))

#: How long an example takes is no matter of a test.
settings.register_profile("aoc", deadline=None)
settings.load_profile("aoc")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Lanes())


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    # Young objects are looked through every 2,000 otherwise, which is a tenth of the time of tests that map records.
    gc.set_threshold(50_000, 20, 50)


_PASSWORDS = {user: f"test-{user}" for user in USERS}


#: As structlog does it by itself, but for its tracebacks: to paint one with all its variables takes seconds at times.
_LOGGED = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
]


@pytest.fixture(autouse=True)
def logs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that runs in a test configures logs: not those of the next one, by a logger that is cached."""
    configure = structlog.configure
    structlog.configure(processors=_LOGGED)
    monkeypatch.setattr(structlog, "configure", lambda **how: configure(**how | {"cache_logger_on_first_use": False}))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB-protocol server for the whole run: AOC_TEST_MONGO_URI, or a local one."""
    given = os.environ.get("AOC_TEST_MONGO_URI")
    if given:
        yield given
        return
    port = free_port()
    # What a test has stored need not survive the machine.
    child = mongo.server(tmp_path_factory.mktemp("mongo"), port, auth=False, durable=False)
    with running(child):
        yield f"mongodb://127.0.0.1:{port}"


@pytest.fixture
def mongo_settings(mongo_uri: str) -> MongoSettings:
    """Settings of a database of the test's own."""
    return MongoSettings(uri=mongo_uri, database=f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def database(mongo_settings: MongoSettings) -> AsyncIterator[Database]:
    """An empty database of the test's own."""
    async with connect(mongo_settings) as found:
        yield found
        await found.client.drop_database(found.name)


@pytest.fixture
def passwords() -> dict[str, str]:
    """User of `nats_server` -> password."""
    return _PASSWORDS


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[Child]:
    """A nats-server of the test's own, with every user that the product knows."""
    child = nats.server(tmp_path / "nats", free_port(), _PASSWORDS)
    with running(child):
        yield child


@pytest.fixture
def nats_as(nats_on: Callable[[str], NatsSettings]) -> Callable[[str], NatsSettings]:
    """Settings to connect to `nats_server` as a user, e.g. `nats_as("normalizer")`. Its streams are provisioned."""
    # In a thread: the loop of this one belongs to the test.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(_provision(nats_on("provision")))).result()
    return nats_on


async def _provision(settings: NatsSettings) -> None:
    broker = make_broker(settings, "provision")
    await broker.connect()
    await provision_all(broker, settings)
    await close(broker)


@pytest.fixture
def nats_on(nats_server: Child, tmp_path: Path) -> Callable[[str], NatsSettings]:
    """As `nats_as`, on a server without any stream."""

    def settings(user: str) -> NatsSettings:
        secret = tmp_path / f"{user}.secret"
        secret.write_text(_PASSWORDS[user])
        return NatsSettings(
            url=f"nats://127.0.0.1:{nats_server.port}",
            user=user,
            password=f"file:{secret}",
            raw_max_bytes=1024**3,
            events_max_bytes=1024**3,
        )

    return settings


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`await eventually(condition)`: wait until a (sync or async) condition holds."""

    async def wait(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 45) -> None:
        async with asyncio.timeout(seconds):
            for pause in pauses():
                answer = condition()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(pause)

    return wait


SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public records beside the project; a test that needs it is skipped where it is not."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data")
    return SHARED


@pytest.fixture(scope="session")
def real_records(shared_data: Path) -> dict[str, list[bytes]]:
    """Public records kept beside the project (never in it), by file (`public_sets` names them)."""
    return {one.path.replace("/", "-"): list(public_sets.records(shared_data, one)) for one in public_sets.SETS}


@cache
def _ocsf_validator(class_uid: int) -> Draft202012Validator:
    schema = _ocsf_schema()
    name = schema.lookup_class_name_from_uid(class_uid=class_uid)
    return Draft202012Validator(schema.get_class_schema(class_name=name, profiles=["cloud"]))


@cache
def _ocsf_schema() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))


@pytest.fixture(scope="session")
def schema_faults() -> Callable[[dict[str, Any]], list[str]]:
    """What the official OCSF 1.8 schema says against an event as it leaves the system; empty when it is valid."""

    def faults(whole: dict[str, Any]) -> list[str]:
        return [
            f"{'/'.join(str(step) for step in error.absolute_path)}: {error.message[:200]}"
            for error in _ocsf_validator(whole["class_uid"]).iter_errors(whole)
        ]

    return faults


class running(ExitStack):  # noqa: N801  # reads as a verb: with running(server)
    """Start a child process, wait until it is ready, stop it on leaving."""

    def __init__(self, child: Child) -> None:
        super().__init__()
        child.start()
        self.callback(child.stop)
        try:
            child.wait_ready()
        except BaseException:
            self.close()
            raise
