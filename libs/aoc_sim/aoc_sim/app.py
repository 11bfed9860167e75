"""The simulator as an ASGI application: the only place where its parts are wired together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette

from aoc_sim.activity.routes import Activity
from aoc_sim.clock import SystemClock
from aoc_sim.control import Control
from aoc_sim.facts_routes import FactsRoutes
from aoc_sim.faults import FaultDice
from aoc_sim.graph.applications import Applications
from aoc_sim.graph.directory import DirectoryObjects
from aoc_sim.graph.gate import Gate
from aoc_sim.graph.notifications import Notifier
from aoc_sim.graph.routes import Graph
from aoc_sim.graph.subscriptions import Subscriptions
from aoc_sim.notify import Notify
from aoc_sim.oidc import Oidc
from aoc_sim.provider.accounts import Accounts
from aoc_sim.provider.control import ProviderControl
from aoc_sim.provider.keys import KeyRing
from aoc_sim.provider.metadata import Metadata
from aoc_sim.provider.provider import Provider
from aoc_sim.siem.receivers import Receivers
from aoc_sim.stories import STORIES
from aoc_sim.throttle import Throttler
from aoc_sim.timeline import World
from aoc_sim.tokens import Tokens
from aoc_sim.transport import BrokenTransport

if TYPE_CHECKING:
    from aoc_sim.clock import Clock
    from aoc_sim.provider.claims import Version
    from aoc_sim.settings import SimSettings


def create_app(settings: SimSettings, clock: Clock | None = None) -> Starlette:
    """A simulated Microsoft 365 on one address: tokens, Graph, the Management API, the control plane.

    Its state lives in the application; `app.state.world` holds it. Raises ValueError if the
    settings name a story that does not exist.
    """
    if settings.stories != "all" and (strangers := set(settings.stories) - set(STORIES)):
        raise ValueError(f"stories: no such story: {', '.join(sorted(strangers))}; known: {', '.join(STORIES)}")
    dice = FaultDice(settings.starting_faults(), settings.seed)
    world = World(settings, clock or SystemClock(settings.clock_skew_s), dice)
    clock = world.clock
    key = settings.signing_key_pem.get_secret_value() if settings.signing_key_pem else None
    tokens = Tokens(clock, settings.token_lifetime_s, key)
    rings: dict[Version, KeyRing] = {"1.0": KeyRing(), "2.0": KeyRing(tokens.key)}
    metadata = Metadata(settings, rings)
    provider = Provider(settings, clock, rings, Accounts(world.tenants.values()))
    throttler = Throttler(settings.throttle, clock)
    gate = Gate(settings, world, tokens, throttler)
    subscriptions = Subscriptions(gate)
    activity = Activity(settings, world, tokens, throttler)
    receivers = Receivers(settings.siem, settings.seed)
    notifier = Notifier(subscriptions.store, tokens, clock)
    app = Starlette(
        routes=[
            *Control(world).routes(),
            *FactsRoutes(world).routes(),
            *world.switches.routes(),
            *receivers.routes(),
            *Notify(settings, world, notifier, activity).routes(),
            *ProviderControl(provider, metadata, rings).routes(),
            *Oidc(settings, clock, tokens, world.switches, provider).routes(),
            *metadata.routes(),
            *provider.routes(),
            *DirectoryObjects(gate).routes(),
            *subscriptions.routes(),
            *Applications(gate).routes(),
            # last of Graph: it answers every path that no other route does
            *Graph(gate).routes(),
            *activity.routes(),
        ],
        lifespan=receivers.listening,
    )
    app.add_middleware(BrokenTransport, world=world)
    app.state.world = world
    app.state.provider = provider
    app.state.rings = rings
    app.state.gateway = settings.gateway
    return app
