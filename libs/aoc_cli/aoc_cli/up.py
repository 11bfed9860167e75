"""`aoc up`: starts servers, simulator and services on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Final, Self

import typer

from aoc_cli.access import local as local_access
from aoc_cli.access import sign_in_link
from aoc_cli.local import simulator, stacks
from aoc_cli.local.ports import LOOPBACK, free_port, require_free_port, require_free_ports
from aoc_cli.local.servers import Servers, servers, service
from aoc_cli.local.stack import DataDirectory, Endpoints, refuse_servers, servers_named
from aoc_cli.local.supervisor import Supervisor
from aoc_cli.pauses import pause_s
from aoc_cli.terminal import out
from aoc_cli.up_output import Output, make_output
from aoc_common import roster
from aoc_common.contracts import subjects
from aoc_common.errors import AocError, BadConfiguration
from aoc_common.licence import terms
from aoc_common.settings import ServiceSettings, load
from aoc_common.store.mongo.census import MongoCensus
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.import_accounts import MongoImports
from aoc_common.store.mongo.tenant_settings import MongoTenantSettings
from aoc_common.tenants import licensing

if TYPE_CHECKING:
    from aoc_cli.local.process import Child
    from aoc_common.settings import MongoSettings
    from aoc_common.store.imports import Case

_TICK_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_GATEWAY_URL: Final = "AOC_ALERTER__GATEWAY_URL"
_SECONDS: Final = "%Y-%m-%d %H:%M:%S"
#: Simulated traffic should arrive soon, on a machine that has other things to do. The environment may say otherwise.
_LIVELY: Final = {
    "AOC_POLL_INTERVAL_S": "15",
    "AOC_SETTLE_DELAY_S": "1",
    "AOC_GRAPH__OVERLAP_S": "120",
    "AOC_WORKERS": "8",
    "AOC_DIRECTORY__INTERVAL_S": "30",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` starts."""

    data: DataDirectory
    gateway_port: int
    nats_port: int
    events: int
    rate: float
    replicas: int
    simulate: bool


def up(
    data: Annotated[Path | None, typer.Option(help="Keep data here between runs. Without it, it is temporary.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the gateway.")] = 8080,
    nats_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of NATS, for tools of your own.")] = 4222,
    events: Annotated[int, typer.Option(min=0, help="Records in the simulated 24 hours of history.")] = 5000,
    rate: Annotated[float, typer.Option(min=0, help="Simulated records per second of live traffic.")] = 2.0,
    replicas: Annotated[int, typer.Option(min=1, max=8, help="Collectors and normalizers to run, of each.")] = 1,
    simulate: Annotated[
        bool | None,
        typer.Option("--simulate/--no-simulate", help="Simulated Microsoft 365; off for imported evidence."),
    ] = None,
) -> None:
    """Start NATS, MongoDB, a simulated Microsoft 365 and every service; Ctrl-C stops all.

    With servers of your own (AOC_NATS__URL, AOC_MONGO__URI) only when told whether to simulate.
    """
    if simulate is None:
        refuse_servers(
            "simulated records would be mixed into them",
            ", or say --no-simulate, or --simulate if that is what you want",
        )
    _stop_on_signals()
    output = make_output()
    stacks.clean_up(output.note)
    with ExitStack() as stack:
        path = data or Path(stack.enter_context(TemporaryDirectory(prefix=stacks.TEMPORARY)))
        directory = DataDirectory(path)
        stack.enter_context(directory.held(output.note))
        _check_ports(port, nats_port)
        stack.enter_context(_noted(directory, temporary=data is None))
        simulated = not directory.evidence if simulate is None else simulate
        plan = Plan(directory, require_free_port(port, "the gateway"), nats_port, events, rate, replicas, simulated)
        stack.callback(output.stopped, "its data was temporary" if data is None else f"the data is in {directory.path}")
        supervisor = stack.enter_context(
            Supervisor(output.note, started=directory.processes.add, waiting=output.waiting, stopping=output.stopping)
        )
        try:
            endpoints, cases = _start(plan, supervisor, output)
            output.welcome(list(_facts(plan, endpoints, cases, permanent=data is not None)))
            _watch(plan, endpoints, supervisor, output)
        except KeyboardInterrupt:
            pass  # it is to stop, which the stack of contexts does


def _check_ports(port: int, nats_port: int) -> None:
    """Raise `BadConfiguration` for ports that are taken; it names the stacks of ours that have them."""
    wanted = [(port, "the gateway (--port)"), *([] if servers_named() else [(nats_port, "NATS (--nats-port)")])]
    try:
        require_free_ports(*wanted)
    except BadConfiguration as error:
        asked = {number for number, _ in wanted}
        ours = [str(directory.path) for directory, endpoints in stacks.running() if asked & set(endpoints.ports)]
        where = f" (a stack is running in {' and '.join(ours)})" if ours else ""
        raise BadConfiguration(f"{error}{where}") from None


@contextmanager
def _noted(directory: DataDirectory, *, temporary: bool) -> Iterator[None]:
    """Let other commands find the stack, and the next `aoc up` what is left of it if this one is killed."""
    stacks.remember(directory, temporary=temporary)
    try:
        yield
    finally:
        stacks.forget(directory)


def _stop_on_signals() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # SIGINT too: a shell script's background jobs inherit it ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _start(plan: Plan, supervisor: Supervisor, output: Output) -> tuple[Endpoints, Sequence[Case]]:
    """Start everything; where it listens, and what was imported into it before."""
    output.step("preparing the servers")
    local = servers(plan.data, plan.nats_port)
    sim_port = free_port() if plan.simulate else None
    endpoints = replace(local.endpoints, gateway=plan.gateway_port, simulator=sim_port)
    for child in supervisor.start(_first(plan, local, sim_port)):
        output.ready(child)
    output.step("bringing streams, consumers and indexes in order")
    plan.data.bring_in_order(endpoints, output.note)
    asyncio.run(local_access.api_key(plan.data, plan.data.mongo_settings(endpoints)))
    if advice := asyncio.run(_licence_advice(plan.data.mongo_settings(endpoints))):
        output.note(advice)
    cases = [] if plan.simulate else asyncio.run(_cases(plan.data.mongo_settings(endpoints)))
    for child in supervisor.start(_services(plan, endpoints, _tenants(plan, cases)[0])):
        output.ready(child)
    plan.data.describe(endpoints)
    return endpoints, cases


async def _licence_advice(settings: MongoSettings) -> str | None:
    """What somebody should do about the licence. A stack's own tenants are simulated, and count for none."""
    ours = load(ServiceSettings)
    async with connect(settings) as database:
        records = await MongoTenantSettings(database).changed_since(None)
    licences = terms.load(ours.license_key, ours.license_trust)
    return licensing.advice(licences, (), records, datetime.now(UTC))


async def _cases(settings: MongoSettings) -> Sequence[Case]:
    async with connect(settings) as database:
        return await MongoImports(database).cases()


def _tenants(plan: Plan, cases: Sequence[Case]) -> list[str]:
    """The tenants that a stack holds something of."""
    return simulator.tenants() if plan.simulate else [case.tenant for case in cases] or [subjects.DEFAULT_TENANT]


def _first(plan: Plan, local: Servers, sim_port: int | None) -> list[Child]:
    children = list(local.children)
    if sim_port is not None:
        plan.data.mark_simulated()
        settings = {"AOC_SIM__EVENTS": str(plan.events), "AOC_SIM__LIVE_RATE": str(plan.rate)}
        children.append(simulator.simulator(plan.data, sim_port, settings))
    return children


def _services(plan: Plan, endpoints: Endpoints, tenant: str) -> list[Child]:
    """Every service, those first that read what others write. Without the simulator nothing is collected."""
    hooks = _webhooks(plan) if plan.simulate else {}
    settings: dict[str, dict[str, str]] = {roster.API.name: _gateway_settings(plan, tenant) | hooks}
    if endpoints.simulator is not None:
        settings[roster.API.name] |= simulator.sign_in_settings(plan.data, endpoints.simulator)
        lively = {name: os.environ.get(name, value) for name, value in _LIVELY.items()}
        settings[roster.COLLECTOR.name] = simulator.collector_settings(plan.data, endpoints.simulator) | lively | hooks
    settings[roster.ALERTER.name] = _alerter_settings(plan, settings.get(roster.COLLECTOR.name, {}))
    children = []
    for replica in range(1, plan.replicas + 1):
        for entry in reversed(roster.SERVICES):
            if (replica > 1 and not entry.scales) or (entry is roster.COLLECTOR and endpoints.simulator is None):
                continue
            children.append(service(entry.name, plan.data, endpoints, settings.get(entry.name), replica=replica))
            if entry is roster.API:
                children[-1].port = plan.gateway_port
    return children


def _alerter_settings(plan: Plan, collector: Mapping[str, str]) -> dict[str, str]:
    """Its links lead to the gateway, where nobody says otherwise; its lists are those of the tenants collected."""
    url = {_GATEWAY_URL: os.environ.get(_GATEWAY_URL, f"http://{LOOPBACK}:{plan.gateway_port}")}
    return url | {name: value for name, value in collector.items() if name == roster.ALERTER.tenants_file}


def _gateway_settings(plan: Plan, tenant: str) -> dict[str, str]:
    return {
        "AOC_API__PORT": str(plan.gateway_port),
        "AOC_API__CURSOR_KEY": f"file:{plan.data.secret('cursor-key')}",
        "AOC_API__MONITORING_TOKEN": local_access.monitoring_token(plan.data),
        "AOC_API__DEFAULT_TENANT": tenant,
    }


def _webhooks(plan: Plan) -> dict[str, str]:
    """Settings with which the simulator notifies the gateway of new content (docs/howto/webhooks.md)."""
    return {
        "AOC_WEBHOOKS__PUBLIC_URL": f"http://{LOOPBACK}:{plan.gateway_port}",
        "AOC_WEBHOOKS__SECRET": f"file:{plan.data.secret('webhooks')}",
    }


def _facts(plan: Plan, endpoints: Endpoints, cases: Sequence[Case], *, permanent: bool) -> Iterator[tuple[str, str]]:
    """What a person needs to know of a stack that is up: names and values."""
    tenants = _tenants(plan, cases)
    gateway = f"http://{LOOPBACK}:{endpoints.gateway}"
    if endpoints.simulator is not None:
        yield "sign in", f"{gateway}/auth/login  as somebody of a simulated tenant; each has a role of their own"
    if out.is_terminal:
        link = asyncio.run(sign_in_link.new_link(plan.data.mongo_settings(endpoints), gateway))
        yield (
            "operator",
            f"{link}  (once, within {sign_in_link.LINK_MINUTES} minutes; ./aoc sign-in-link makes another)",
        )
    else:  # a log is kept, and read by others
        yield "operator", "./aoc sign-in-link prints a link that signs a browser in as who may do everything"
    yield "gateway", f"{gateway}/api/events?tenant={tenants[0]}"
    yield "programs", f"curl -H \"Authorization: Bearer $(./aoc token)\" '{gateway}/api/me'; ./aoc api-keys create"
    yield "health", f"{gateway}/health   {gateway}/openapi.json"
    if not endpoints.own_nats:
        password = plan.data.password("reader")
        yield "NATS", f"{endpoints.nats_url}  subscribe to aoc.events.> as user reader, password in {password}"
    if endpoints.simulator is not None:
        truth = f"http://{LOOPBACK}:{endpoints.simulator}/_truth?summary=1"
        yield "simulator", f"{truth}  tenants {', '.join(tenants)}"
    if not endpoints.own_mongo:
        for line in plan.data.engine:
            yield "store", line
    yield "data", f"{plan.data.path}{'' if permanent else '  (temporary; keep it with --data DIR)'}"
    for case in cases:
        span = f", of {case.span.first:{_SECONDS}} to {case.span.last:{_SECONDS}} UTC" if case.span is not None else ""
        yield "case", f"{case.tenant}: {case.imports:,} imports{span}"
    if cases:
        # What happened long ago is in no last day, and nothing new arrives.
        yield "try", f"./aoc search --tenant {tenants[0]} --failed     ./aoc completeness --tenant {tenants[0]}"
    else:
        yield (
            "try",
            f"./aoc alerts list --tenant {tenants[0]}     ./aoc search --tenant {tenants[0]} --since 24h --failed",
        )


def _watch(plan: Plan, endpoints: Endpoints, supervisor: Supervisor, output: Output) -> None:
    """Count the events and start again what dies, until Ctrl-C."""
    with _Counter(plan.data, endpoints) as counter:
        while True:
            time.sleep(_TICK_S)
            supervisor.check()
            output.count(counter.stored, counter.trouble)


class _Counter:
    """Asks the database for the number of events, twice a second at most, in a thread of its own."""

    def __init__(self, data: DataDirectory, endpoints: Endpoints) -> None:
        self.stored = 0
        self.trouble = ""
        self._settings = data.mongo_settings(endpoints)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._count()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join(5)

    async def _count(self) -> None:
        async with connect(self._settings) as database:
            census = MongoCensus(database)
            while not self._stop.is_set():
                began, took = time.monotonic(), 0.0
                try:
                    self.stored, self.trouble = await census.events(), ""
                    took = time.monotonic() - began
                except AocError as error:
                    self.trouble = str(error)[:100]
                await asyncio.to_thread(self._stop.wait, pause_s(took, _TICK_S / 2, _LONGEST_PAUSE_S))
