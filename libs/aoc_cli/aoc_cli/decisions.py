"""What `aoc deadletters` and `aoc quarantine` have in common: choosing items, showing them, deciding about them."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from aoc_cli import attach, known_tenants
from aoc_cli.access.local import user_name
from aoc_cli.no_such_tenant import missing
from aoc_cli.noting import note
from aoc_cli.terminal import as_json, err, out, plain
from aoc_common.bus.broker import connected_broker, jetstream
from aoc_common.contracts import subjects
from aoc_common.errors import BadConfiguration, Malformed
from aoc_common.review import deciding
from aoc_common.review.deciding import Backends, discard_item
from aoc_common.store.mongo.client import connect
from aoc_common.store.mongo.quarantine import MongoQuarantine
from aoc_common.store.review_queues import Decision, Item, ItemState, Selection, in_flight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from aoc_api.audit.acts import Kind
    from aoc_common.review.deciding import BatchOutcome
    from aoc_common.store.mongo.client import Database
    from aoc_common.store.mongo.review_queues import MongoReviewQueue

#: The user of the bus that may publish pages and jobs of any source again.
_USER: Final = "operator"
#: Characters of a content that are shown; `--json` has all of it.
_SHOWN: Final = 20_000
#: Characters of a reason in the list.
_REASON_LENGTH: Final = 60
#: Ids that an entry of the audit trail names.
_NAMED: Final = 20
#: Items of one command, unless a limit is set.
_DEFAULT_LIMIT: Final = 1_000

Keys = Annotated[list[str] | None, typer.Argument(help="IDs, as the list shows them.")]
Key = Annotated[str, typer.Argument(help="ID, as the list shows it.")]
Tenant = Annotated[str | None, typer.Option(help="Only of this tenant.")]
Source = Annotated[str | None, typer.Option(help="Only of this feed, e.g. o365-exchange.")]
Reason = Annotated[str | None, typer.Option(help="Only those whose reason holds this text.")]
Everything = Annotated[bool, typer.Option("--all", help="All that are open and chosen by the other options.")]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most this many, the newest.")]
Data = Annotated[Path | None, typer.Option(help="Data directory of the embedded stack.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one object a line.")]
State = Annotated[str, typer.Option(help="open, retried, discarded, expired, or all.")]
Why = Annotated[str, typer.Option(help="Why it is not needed; kept with your name.")]
By = Annotated[str | None, typer.Option(help="Who decides; else the user of this machine.")]


def report(outcome: BatchOutcome, word: str, *, json: bool) -> None:
    """Print what became of a batch. Exit status 1 when an item was left."""
    if json:
        out.out(as_json(asdict(outcome)), highlight=False)
    else:
        out.print(f"{outcome.done:,} of {outcome.chosen:,} {word}")
        for key, reason in outcome.left.items():
            err.print(f"[yellow]left[/] {plain(key)}: {plain(reason)}")
    if outcome.left:
        raise typer.Exit(1)


def run_on_backends[T](
    data: Path | None, work: Callable[[Backends], Coroutine[Any, Any, T]], *, bus: bool = False
) -> T:
    """Run `work` on the running system, or on the servers of a data directory, which are started for it."""
    with attach.opened(data, _USER) as system:

        async def run() -> T:
            async with connect(system.mongo) as database:
                await MongoQuarantine(database).adopt()
                if not bus:
                    return await work(Backends(database))
                async with connected_broker(system.nats, _USER) as broker:
                    return await work(Backends(database, jetstream(broker)))

        return asyncio.run(run())


def selection(
    keys: Sequence[str] | None = None,
    *,
    tenant: str | None = None,
    source: str | None = None,
    service: str | None = None,
    reason: str | None = None,
    state: str = ItemState.OPEN,
    limit: int = _DEFAULT_LIMIT,
) -> Selection:
    """The selection of the options. Raises `BadConfiguration`, or `Malformed` for an invalid tenant name."""
    if tenant is not None:
        subjects.check_tenant(tenant)
    if state != "all" and state not in set(ItemState):
        raise BadConfiguration(f"--state {state}: expected {', '.join(ItemState)} or all")
    chosen_state = None if state == "all" else ItemState(state)
    return Selection(tenant, source, service, reason, chosen_state, tuple(keys or ()), limit)


def require_choice(chosen: Selection, *, everything: bool) -> None:
    """Raises `BadConfiguration` when a decision names neither ids nor a filter."""
    if not (chosen.keys or chosen.reason or chosen.source or chosen.service or everything):
        raise BadConfiguration("name IDs, or choose with --source, --reason or --all")


def now() -> datetime:
    """The present time, in whole seconds as in the store."""
    return datetime.now(UTC).replace(microsecond=0)


def decider(named: str | None) -> str:
    """The name of the person who decides or imports. Raises `BadConfiguration` when there is none."""
    name = named or user_name()
    if name is None:
        raise BadConfiguration("--by: say who you are; this machine does not know its user")
    return name


async def listed(
    queue: MongoReviewQueue, selection: Selection, database: Database, data: Path | None
) -> tuple[list[Item], int, str]:
    """The items that match, how many there are, and what is said of none. Raises `Transient`."""
    items = await queue.find(selection)
    if items:
        return items, await queue.count(selection), ""
    known = await known_tenants.names(database, data) if selection.tenant else frozenset[str]()
    return [], 0, missing(selection.tenant or "", known) or "none"


def show_list(items: Sequence[Item], total: int, of_none: str, *, json: bool) -> None:
    """One line an item, newest first."""
    for item in items:
        if json:
            out.out(as_json(asdict(item)), highlight=False)
            continue
        words = f"{item.at:%Y-%m-%d %H:%M:%S}  {plain(item.tenant)}  {plain(item.source or item.subject)}"
        state = "on its way" if item.state is ItemState.OPEN and in_flight(item, now()) else item.state.value
        reason = item.reason if len(item.reason) <= _REASON_LENGTH else f"{item.reason[:_REASON_LENGTH]}…"
        event = " [dim](its event is stored)[/]" if item.stored else ""
        out.print(f"[cyan]{plain(item.key)}[/]  {words}  [yellow]{state}[/]  {plain(reason)}{event}")
    if not json and total > len(items):
        err.print(f"{total - len(items):,} more: choose with --tenant, --source, --reason, or raise --limit")
    if not items:
        err.print(plain(of_none))


async def find_item(store: MongoReviewQueue, key: str) -> Item:
    """The item of that id. Raises `BadConfiguration`."""
    items = await store.find(Selection(state=None, keys=(key,)))
    if not items:
        raise BadConfiguration(f"no such id: {key}")
    return items[0]


def show_item(item: Item, content: bytes | None, *, json: bool) -> None:
    """Print an item with all its fields, and its content."""
    text = None if content is None else content.decode("utf-8", "replace")
    if json:
        out.out(as_json({**asdict(item), "content": text}), highlight=False)
        return
    for name, value in asdict(item).items():
        if value not in ("", None, {}):
            out.print(f"[dim]{name:>10}[/]  {plain(value)}")
    if text is None:
        err.print("its content is gone, or only on AOC_DLQ")
        return
    for line in text[:_SHOWN].splitlines():
        out.print(plain(line))
    if len(text) > _SHOWN:
        err.print(f"{len(text) - _SHOWN:,} more characters: --json shows all")


@dataclass(frozen=True, slots=True)
class Queue:
    """One of the two queues. `name`: as the gateway and its audit trail call it. `database`: where it lies."""

    name: Literal["dead-letters", "quarantine"]
    store: MongoReviewQueue
    database: Database

    @classmethod
    def letters(cls, backends: Backends) -> Queue:
        """The dead letters."""
        return cls("dead-letters", backends.letters, backends.database)

    @classmethod
    def quarantine(cls, backends: Backends) -> Queue:
        """The quarantined records."""
        return cls("quarantine", backends.quarantine, backends.database)

    async def retry(
        self,
        selection: Selection,
        work: Callable[[Item], Awaitable[str | None]],
        *,
        everything: bool,
        skip: Callable[[Item, datetime], bool] = in_flight,
    ) -> BatchOutcome:
        """Do `work` to each selected item, see `deciding.decide`. Raises `BadConfiguration` when nothing was chosen."""
        require_choice(selection, everything=everything)
        await self._note("retry", "change", selection, "")
        return await deciding.decide(self.store, selection, work, lambda item: skip(item, now()))

    async def discard(self, selection: Selection, why: str, by: str | None, *, everything: bool) -> BatchOutcome:
        """Mark the selected items as not needed. Raises `BadConfiguration` without a reason."""
        if not why.strip():
            raise BadConfiguration("--why: say why it is not needed")
        decision = Decision(decider(by), why.strip()[:1000], now())
        require_choice(selection, everything=everything)
        await self._note("discard", "delete", selection, f"; {decision.who}: {decision.why}")

        async def work(item: Item) -> str | None:
            return await discard_item(self.store, item, decision)

        return await deciding.decide(self.store, selection, work, lambda item: in_flight(item, now()))

    async def _note(self, what: str, kind: Kind, selection: Selection, more: str) -> None:
        """Note in the audit trail of each tenant what is about to be decided of its items."""
        counts: Counter[str] = Counter()
        for item in await self.store.find(replace(selection, limit=max(selection.limit, len(selection.keys)))):
            counts[item.tenant] += 1
        chosen = ", ".join(selection.keys[:_NAMED]) or _criteria(selection)
        for tenant, number in counts.items():
            about = f"{number} items: {chosen}{more}"
            await note(self.database, f"{self.name}.{what}", kind, about, _tenant(tenant))


def _tenant(name: str) -> str | None:
    """A tenant, whose audit trail tells of it; None for what a message that could not be read names so."""
    try:
        return subjects.check_tenant(name)
    except Malformed:
        return None


def _criteria(selection: Selection) -> str:
    """By what items were chosen."""
    asked = {"source": selection.source, "service": selection.service, "reason": selection.reason}
    return ", ".join(f"{name} {value!r}" for name, value in asked.items() if value) or "all that are open"
