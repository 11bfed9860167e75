"""The configuration of nats-server. Each service and command is a user who may do what it needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_common import roster
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS_AND_ALERTS: Final = ("aoc.events.>", "aoc.alerts.>")


@dataclass(frozen=True, slots=True)
class User:
    """A user of NATS. `used_by`: by what, in Markdown. `publish`, `subscribe`: subjects that it may use.

    Each may subscribe to its own inbox as well, so that no user can read replies to another one.
    """

    name: str
    used_by: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...] = ()

    @property
    def may_subscribe(self) -> tuple[str, ...]:
        """All subjects that it may subscribe to."""
        return (f"_INBOX_{self.name}.>", *self.subscribe)


def _reads(stream: str) -> tuple[str, ...]:
    return (
        f"$JS.API.STREAM.INFO.{stream}",
        # Without a name in the subject: the server makes an ephemeral consumer there, names it, and refuses any other.
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.FC.{stream}.>",
    )


_USERS: Final = (
    User(
        # Makes streams and consumers, and moves pages from the stream of an older version.
        "provision",
        "`aoc provision`",
        ("$JS.API.>", "$JS.ACK.>", "aoc.raw.>", "aoc.moving.>", f"aoc.dlq.{roster.NORMALIZER.name}.>"),
    ),
    *(
        User(service.name, f"`python -m {service.package}`", service.may_publish, service.hears)
        for service in roster.SERVICES
    ),
    User(
        # Reads, imports and publishes jobs; may not publish pages of a source.
        "cli",
        "the other commands: `import`, `tail`, `doctor`, `backfill`",
        (
            f"aoc.raw.*.*.{subjects.IMPORT_SOURCE}",
            "aoc.jobs.backfill.>",
            "aoc.jobs.check.*",
            subjects.ALL_TENANT_CHANGES,
            "$JS.API.STREAM.INFO.*",
            *(f"$JS.API.STREAM.INFO.{stream}" for stream in roster.WATCHED_STREAMS),
            *roster.WATCHING,
            "$JS.API.CONSUMER.INFO.*.*",
            *(
                f"$JS.API.CONSUMER.{verb}.{stream}.>"
                for stream in (subjects.EVENTS_STREAM, subjects.AUDIT_STREAM)
                for verb in ("CREATE", "MSG.NEXT", "DELETE")
            ),
            "$JS.ACK.AOC_EVENTS.>",
        ),
        _EVENTS_AND_ALERTS,
    ),
    User(
        # Retries dead letters and quarantined records: publishes pages and jobs of any source.
        "operator",
        "`aoc deadletters retry`, `aoc quarantine retry`",
        (
            "aoc.raw.>",
            "aoc.jobs.>",
            # A dead letter that is too large for its account.
            "$JS.API.STREAM.MSG.GET.AOC_DLQ",
        ),
    ),
    User(
        # Reads events and alerts with ephemeral consumers only. Such tools do not set an inbox prefix.
        "reader",
        "tools of your own that read `AOC_EVENTS` and `AOC_ALERTS`",
        ("$JS.API.STREAM.NAMES", *_reads(subjects.EVENTS_STREAM), *_reads(subjects.ALERTS_STREAM)),
        (*_EVENTS_AND_ALERTS, "_INBOX.>"),
    ),
)
#: Name -> user.
USERS: Final[Mapping[str, User]] = {user.name: user for user in _USERS}


#: A page of records, or one large record, is one message.
MAX_PAYLOAD: Final = 8 * 1024 * 1024


def configuration(
    name: str, listen: str, store: str, passwords: Mapping[str, str], max_payload: int = MAX_PAYLOAD
) -> str:
    """A server's configuration file.

    `listen`: address and port. `store`: the directory of its streams. `passwords`: as `authorization` takes them.
    """
    return f"""\
server_name: {name}
listen: "{listen}"
max_payload: {max_payload}
max_pending: 128MB
write_deadline: "30s"
jetstream {{
  store_dir: "{store}"
  max_memory_store: 64MB
  max_file_store: 50GB
}}
{authorization(passwords)}"""


def authorization(passwords: Mapping[str, str]) -> str:
    """The users as a block of nats-server's configuration.

    `passwords`: user -> as it stands in the file, a `"text"` or a `$VARIABLE`.
    """
    users = "\n".join(_block(user, passwords[user.name]) for user in USERS.values())
    return f"authorization {{\n  users = [\n{users}\n  ]\n}}\n"


def _block(user: User, password: str) -> str:
    publish = ", ".join(f'"{subject}"' for subject in user.publish)
    subscribe = ", ".join(f'"{subject}"' for subject in user.may_subscribe)
    return (
        f'    {{ user: "{user.name}", password: {password}, permissions: '
        f"{{ publish: [{publish}], subscribe: [{subscribe}] }} }}"
    )
