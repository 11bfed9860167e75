"""The one place that makes a `NatsBroker`."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from nats.errors import Error as NatsError

from aoc_common.bus.log_throttle import LogThrottle
from aoc_common.errors import BadConfiguration, Unreachable
from aoc_common.settings import NatsSettings, resolve_secret
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from faststream.nats import NatsBroker
    from nats.aio.client import Client
    from nats.js import JetStreamContext

_log = logs.get(__name__)

#: TypeError: nats-py 2.16 writes what is pending to the transport that it has lost.
LOST: Final = (NatsError, OSError, TypeError)
#: Seconds in which a command expects to be connected; a service waits for its bus for ever.
_CONNECT_TIMEOUT_S: Final = 10.0


@asynccontextmanager
async def opened(
    settings: NatsSettings, name: str, trouble: Callable[[str], None] = lambda _: None
) -> AsyncIterator[NatsBroker]:
    """A broker that is not connected yet, closed on leaving. Raises as `make_broker` does, whose arguments it takes."""
    broker = make_broker(settings, name, trouble)
    try:
        yield broker
    finally:
        await close(broker)


@asynccontextmanager
async def connected_broker(settings: NatsSettings, name: str) -> AsyncIterator[NatsBroker]:
    """A broker that is connected, for one command. Raises `Unreachable`, which says why, and as `make_broker` does."""
    troubles: list[str] = []
    async with opened(settings, name, troubles.append) as broker:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await broker.connect()
        except (NatsError, OSError, TimeoutError) as error:
            why = str(error) or (troubles[-1] if troubles else "no answer")
            raise Unreachable(f"NATS at {_hosts(settings)}: {why} ({_settings_hint(why)})") from error
        yield broker


async def join(broker: NatsBroker, settings: NatsSettings) -> None:
    """Connect a service, however long it takes.

    Raises `BadConfiguration` when the server does not take who we say that we are, and `Unreachable`.
    """
    try:
        await broker.connect()
    except (NatsError, OSError) as error:
        why = str(error) or type(error).__name__
        message = f"NATS at {_hosts(settings)}: {why}"
        if _refused(why):
            raise BadConfiguration(f"{_settings_hint(why)}: {message}") from error
        raise Unreachable(f"{message} ({_settings_hint(why)})") from error


def _hosts(settings: NatsSettings) -> str:
    """The addresses, without what may stand before the host: a password."""
    return ", ".join(re.sub(r"^nats://", "", re.sub(r"//.*@", "//", url)) for url in settings.url.split(","))


def _refused(why: str) -> bool:
    return "authorization" in why.lower() or "authentication" in why.lower()


def _settings_hint(why: str) -> str:
    """The settings to look at."""
    return "AOC_NATS__USER and AOC_NATS__PASSWORD, or AOC_NATS__CREDENTIALS" if _refused(why) else "AOC_NATS__URL"


def make_broker(settings: NatsSettings, name: str, trouble: Callable[[str], None] = lambda _: None) -> NatsBroker:
    """A broker that reconnects for ever and hands message bodies over as they are. `trouble` is told what it meets.

    Its inbox prefix is `_INBOX_{name}`, so that the server can keep one service from reading another one's replies.

    `apply_types=False`: bodies are decoded by our own code, once; FastStream would parse each as JSON to guess its
    type.
    Raises `BadConfiguration` for a secret reference to nothing, and for a CA or credentials file that cannot be read.
    """
    # Imported here: FastStream costs a third of a second, and most commands open no connection.
    from faststream.nats import NatsBroker
    from faststream.security import SASLPlaintext

    options: dict[str, Any] = {}
    if settings.credentials is not None:
        options["user_credentials"] = _credentials(settings.credentials)
    security = None
    if settings.user is not None:
        password = resolve_secret(settings.password, "AOC_NATS__PASSWORD") if settings.password else ""
        security = SASLPlaintext(settings.user, password, use_ssl=False)
    if settings.tls_ca is not None:
        options["tls"] = _tls(settings.tls_ca)

    async def reconnected() -> None:
        _log.info("nats.reconnected")

    complaints, hosts = LogThrottle(), _hosts(settings)

    async def failed(error: Exception) -> None:
        why = str(error) or repr(error)
        trouble(why)
        if count := complaints.due(why):
            _log.warning("nats.failed", error=why, address=hosts, setting=_settings_hint(why), times=count)

    return NatsBroker(
        settings.url.split(","),
        name=name,
        security=security,
        apply_types=False,
        max_reconnect_attempts=-1,
        connect_timeout=5,
        reconnect_time_wait=1,
        graceful_timeout=30,
        logger=None,
        error_cb=failed,
        disconnected_cb=_on_disconnect,
        reconnected_cb=reconnected,
        inbox_prefix=f"_INBOX_{name}",
        **options,
    )


def _credentials(file: Path) -> str:
    """The path, once the file is known to be one: the client would read it at each connect, and say nothing."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise BadConfiguration(f"AOC_NATS__CREDENTIALS: {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    if "BEGIN NATS USER JWT" not in text or "BEGIN USER NKEY SEED" not in text:
        raise BadConfiguration(f"AOC_NATS__CREDENTIALS: {file}: no NATS .creds file (a user JWT and its NKEY seed)")
    return str(file)


def _tls(ca: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca))
    except OSError as error:  # also an SSLError for a file that is no certificate
        raise BadConfiguration(f"AOC_NATS__TLS_CA: {ca}: {error.strerror or error}") from None


def jetstream(broker: NatsBroker) -> JetStreamContext:
    """The broker's JetStream context. The broker must be connected."""
    stream: JetStreamContext = broker.config.connection_state.stream
    return stream


def connection(broker: NatsBroker) -> Client:
    """The broker's connection. Raises `Unreachable` when it was never connected."""
    client: Client | None = broker._connection  # noqa: SLF001  # FastStream hands it out only from `connect()`
    if client is None:
        raise Unreachable("the bus is not connected")
    return client


async def close(broker: NatsBroker) -> None:
    """Flush and close the connection; while the server is away, close it at once."""
    try:
        await broker.stop()
    except LOST as error:
        _log.info("nats.closed", reason=str(error))
        try:
            await connection(broker).close()
        except LOST as failure:
            _log.info("nats.closed", reason=str(failure))


def connected(broker: NatsBroker) -> bool:
    """Whether the broker has a live connection."""
    client = broker._connection  # noqa: SLF001  # the public `ping()` waits; a probe must not
    return client is not None and client.is_connected


async def _on_disconnect() -> None:
    _log.info("nats.disconnected")
