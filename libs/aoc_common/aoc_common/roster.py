"""Every service of the system, in one table.

From it are made: the users of NATS and what each may do, what `aoc up` starts, `docker-compose.yml`, and the pages
services, nats-users and settings of docs/reference. What cannot be made from it (workspace, import rules, locks) is
compared with it in tests/architecture/test_roster.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

from aoc_common.bus import consumers, sink_slots
from aoc_common.contracts import subjects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aoc_common.bus.consume import Consumer

type StoreRole = Literal["readWrite", "aocGateway"]
"""A role on the system's database: MongoDB's own, or the gateway's (`store.mongo.users`)."""

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """Where a service keeps what must outlive it: the path in a container, and the setting that names it."""

    path: str
    setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service: a package `aoc_{name}` in `services/{name}`, an image, a lock, a user of NATS with the same name.

    - `title`, `purpose`: as people call it, and what it is for, in one line.
    - `watches`: streams, beside those of its consumers and its dead letters, whose declaration it compares or whose
      state it reads. `publishes`: subjects, beside its heartbeat and its dead letters. `requests`: subjects of the
      JetStream API that follow from none of these. `hears`: subjects that it may subscribe to, beside its inbox.
    - `store_role`: what it may do in MongoDB.
    - `listens`, `port`: the prefix of the settings `__HOST` and `__PORT`, and the port, where it answers /livez,
      /readyz and /metrics. `published`: whether anybody outside of the deployment's networks calls it there.
    - `egress`: whether it calls anybody outside, e.g. Microsoft. `tenants_file`: the setting that names the tenants'
      file, if it reads one.
    - `secrets`: setting -> name of a secret that is made for it.
    - `state`: a directory of its own that must outlive it.
    - `libraries`: beside `aoc_common`, that its image has.
    - `scales`: whether several may run. `memory_mb`: its limit in a container.
    """

    name: str
    title: str
    purpose: str
    watches: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()
    store_role: StoreRole = "readWrite"
    listens: str = "AOC_HEALTH"
    port: int = 9100
    published: bool = False
    egress: bool = False
    tenants_file: str | None = None
    secrets: Mapping[str, str] = field(default=_NONE)
    state: StateDirectory | None = None
    libraries: tuple[str, ...] = ()
    scales: bool = True
    memory_mb: int = 512

    @property
    def package(self) -> str:
        """The Python package; `python -m` runs it."""
        return f"aoc_{self.name}"

    @property
    def settings(self) -> str:
        """Its settings, as `module:class`."""
        return f"{self.package}.settings:{self.name.capitalize()}Settings"

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The durable consumers that it works on."""
        return tuple(consumer for consumer in consumers.ALL if consumer.service == self.name)

    @property
    def streams(self) -> tuple[str, ...]:
        """Streams whose declaration it compares or whose state it reads."""
        consumed = [consumer.stream for consumer in self.consumers]
        return tuple(dict.fromkeys((*self.watches, *consumed, *([subjects.DLQ_STREAM] if consumed else []))))

    @property
    def may_publish(self) -> tuple[str, ...]:
        """All subjects that its user of NATS may publish to."""
        dead_letters = (f"aoc.dlq.{self.name}.>",) if self.consumers else ()
        return (
            *self.publishes,
            *dead_letters,
            f"aoc.beats.{self.name}.*",
            *(f"$JS.API.STREAM.INFO.{stream}" for stream in self.streams),
            *self.requests,
            *(subject for consumer in self.consumers for subject in _works_on(consumer)),
        )


def _works_on(consumer: Consumer) -> tuple[str, ...]:
    where = f"{consumer.stream}.{consumer.durable}"
    return f"$JS.API.CONSUMER.INFO.{where}", f"$JS.API.CONSUMER.MSG.NEXT.{where}", f"$JS.ACK.{where}.>"


#: Streams and requests that show how much waits and who runs, and nothing of what the messages hold.
WATCHED_STREAMS: Final = (
    subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.ALERTS_STREAM, subjects.JOBS_STREAM, subjects.BEATS_STREAM,
)  # fmt: skip
WATCHING: Final = (
    f"$JS.API.CONSUMER.LIST.{subjects.RAW_STREAM}",
    f"$JS.API.CONSUMER.LIST.{subjects.JOBS_STREAM}",
    *(f"$JS.API.CONSUMER.INFO.{reader.stream}.{reader.name}" for reader in consumers.READERS),
    f"$JS.API.DIRECT.GET.{subjects.BEATS_STREAM}",
)

#: What a live tail of events needs: consumers that are gone when nobody asks them.
_LOOKS_ON: Final = (
    f"$JS.API.CONSUMER.CREATE.{subjects.EVENTS_STREAM}.>",
    f"$JS.API.CONSUMER.INFO.{subjects.EVENTS_STREAM}.>",
    f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS_STREAM}.>",
)

#: Streams that hold what is a tenant's.
TENANT_STREAMS: Final = (
    subjects.RAW_STREAM, subjects.EVENTS_STREAM, subjects.ALERTS_STREAM, subjects.JOBS_STREAM, subjects.DLQ_STREAM,
)  # fmt: skip

COLLECTOR: Final = Service(
    name="collector",
    title="Collector",
    purpose="fetches records from Microsoft's APIs and publishes them as raw pages",
    watches=(subjects.RAW_STREAM,),
    publishes=(
        "aoc.raw.>",
        # Jobs are its own: those that it makes, and those that it gave up and is to try again.
        "aoc.jobs.>",
    ),
    # The body of a dead letter that is too large for its account.
    requests=(f"$JS.API.STREAM.MSG.GET.{subjects.DLQ_STREAM}",),
    hears=(subjects.ALL_TENANT_CHANGES,),
    egress=True,
    tenants_file="AOC_TENANTS_FILE",
)

NORMALIZER: Final = Service(
    name="normalizer",
    title="Normalizer",
    purpose="turns raw pages into deduplicated OCSF events, stores and publishes them",
    watches=(subjects.EVENTS_STREAM,),
    publishes=("aoc.events.>", "aoc.marks.>"),
    requests=(
        # Whether a page still waits, and what of it was published.
        f"$JS.API.STREAM.MSG.GET.{subjects.RAW_STREAM}",
        f"$JS.API.DIRECT.GET.{subjects.EVENTS_STREAM}",
        f"$JS.API.CONSUMER.CREATE.{subjects.EVENTS_STREAM}.>",
        f"$JS.API.CONSUMER.MSG.NEXT.{subjects.EVENTS_STREAM}.>",
        # What the streams hold of a tenant that is deleted.
        *(f"$JS.API.STREAM.{act}.{stream}" for act in ("INFO", "PURGE") for stream in TENANT_STREAMS),
    ),
    hears=(subjects.ALL_TENANT_CHANGES,),
    memory_mb=1024,
)

EXPORTER: Final = Service(
    name="exporter",
    title="Exporter",
    purpose="sends events, alerts and the audit trail to SIEMs, and keeps account of what each has",
    watches=(subjects.EVENTS_STREAM, subjects.ALERTS_STREAM, subjects.AUDIT_STREAM),
    requests=sink_slots.permissions(),
    hears=(subjects.ALL_TENANT_CHANGES,),
    egress=True,
    tenants_file="AOC_TENANTS_FILE",
)

API: Final = Service(
    name="api",
    title="Gateway",
    purpose="searches events and shows new ones, tells how complete they are, takes Microsoft's notifications",
    watches=(*WATCHED_STREAMS, subjects.AUDIT_STREAM),
    publishes=(
        "aoc.audit.*",
        "aoc.jobs.poll.>",
        "aoc.jobs.backfill.>",
        "aoc.jobs.subscriptions.>",
        "aoc.jobs.check.*",
        "aoc.jobs.decide.>",
        "aoc.jobs.sinks.>",
        "aoc.jobs.notifications.>",
        subjects.ALL_TENANT_CHANGES,
    ),
    hears=(subjects.ALL_TENANT_CHANGES,),
    requests=(*WATCHING, *_LOOKS_ON),
    store_role="aocGateway",
    listens="AOC_API",
    port=8080,
    published=True,
    egress=True,  # the keys of Microsoft's tokens
    tenants_file="AOC_WEBHOOKS__TENANTS_FILE",
    libraries=("aoc_rules",),
    secrets=MappingProxyType({"AOC_API__CURSOR_KEY": "cursor-key", "AOC_API__MONITORING_TOKEN": "monitoring-token"}),
    state=StateDirectory("/var/lib/aoc/audit", "AOC_API__AUDIT__SPOOL"),
    scales=False,
)

ALERTER: Final = Service(
    name="alerter",
    title="Alerter",
    purpose="finds in the events what rules describe, keeps and publishes alerts, and tells people of them",
    watches=(subjects.ALERTS_STREAM,),
    publishes=("aoc.alerts.>",),
    hears=(subjects.ALL_TENANT_CHANGES,),
    egress=True,  # where people are told
    tenants_file="AOC_TENANTS_FILE",
    libraries=("aoc_rules",),
)

#: In the order in which data passes them.
SERVICES: Final = (COLLECTOR, NORMALIZER, ALERTER, EXPORTER, API)
_BY_NAME: Final = {service.name: service for service in SERVICES}


def service(name: str) -> Service:
    """The service with that name. Raises `KeyError`."""
    return _BY_NAME[name]
