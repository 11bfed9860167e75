"""Ticket systems: which there are, how they prove who they are, and what they do with alerts."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from aoc_api import problems
from aoc_api.access.principal import Principal
from aoc_common.contracts.access import Hidden, Scope
from aoc_common.contracts.alert import AlertNote, ticket_author
from aoc_common.contracts.alert_changes import UNSET, AlertChange, TooManyTicketMessages, changed_by_ticket
from aoc_common.errors import BadConfiguration
from aoc_common.gateway.ticket_news import TicketChange
from aoc_common.outbound.signatures import key_of
from aoc_common.settings import resolve_secret
from aoc_common.store.alert_search import AlertQuery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aoc_api.alert_work import AlertWork
    from aoc_api.settings import TicketSystemOptions
    from aoc_common.contracts.alert import Alert
    from aoc_common.gateway.ticket_news import TicketNews

#: Alerts that one ticket may change.
MOST_OF_TICKET: Final = 100
_SETTING: Final = "AOC_API__TICKET_SYSTEMS"


@dataclass(frozen=True, slots=True)
class TicketSystem:
    """A ticket system. `tenants`: whose alerts it may change; None: all tenants'."""

    name: str
    keys: tuple[bytes, ...]
    tenants: tuple[str, ...] | None

    @property
    def principal(self) -> Principal:
        """Who it is, in the audit trail."""
        return Principal("application", ticket_author(self.name).id, self.name, ())

    def tenant(self, named: str | None, default: str) -> str:
        """Whose alerts are meant by what names this tenant, or none. Raises a problem for one that is not its own."""
        if self.tenants is None:
            return named or default
        if named is None and len(self.tenants) > 1:
            raise problems.invalid("tenant", "is needed: this system has several", location="body")
        if named is not None and named not in self.tenants:
            raise problems.forbidden(f"This system may not change alerts of tenant {named}.")
        return named or self.tenants[0]


def ticket_systems(options: Mapping[str, TicketSystemOptions]) -> Mapping[str, TicketSystem]:
    """Those of the settings. Blocks: reads files. Raises `BadConfiguration` for a secret that is none."""
    made = {}
    for name, one in options.items():
        references = [("secret", one.secret), ("previous_secret", one.previous_secret)]
        keys = [_key(given, f"{_SETTING}: {name}.{what}") for what, given in references if given is not None]
        made[name] = TicketSystem(name, tuple(keys), one.tenants)
    return made


def _key(reference: str, where: str) -> bytes:
    try:
        return key_of(resolve_secret(reference, where).strip())
    except BadConfiguration as error:
        raise BadConfiguration(f"{where}: {str(error).removeprefix(f'{where}: ')}") from None


@dataclass(frozen=True, slots=True)
class TicketWork:
    """Changes alerts as their tickets say."""

    alerts: AlertWork

    async def tell(
        self, system: TicketSystem, tenant: str, news: TicketNews, message: str, now: datetime
    ) -> TicketChange:
        """Change the alerts of a ticket. Each knows which messages it was told by, so none counts twice.

        `message`: the id of what was told. Raises a problem, and `Transient`.
        """
        scope, identity = Scope(tenant, Hidden()), _digest(system.name, message)
        change = _change(system, news, identity, now)

        def make(alert: Alert) -> Alert:
            try:
                return changed_by_ticket(alert, identity, change, ticket_author(system.name), now)
            except TooManyTicketMessages as error:
                raise problems.not_now(f"Not changed: {error}.") from None

        found = await self._of(system, scope, news.ticket.id)
        written = [await self.alerts.written(scope, alert.id, make) for alert in found]
        differ = sum(after.revision != before.revision for before, after in written)
        return TicketChange(tenant=tenant, alerts=[alert.id for alert in found], changed=differ)

    async def _of(self, system: TicketSystem, scope: Scope, ticket: str) -> list[Alert]:
        """The alerts that have a ticket of this system. Raises a problem where there are none, or too many."""
        query = AlertQuery(scope, ticket=ticket, limit=MOST_OF_TICKET + 1)
        held = await self.alerts.search.search(query)
        if len(held) > MOST_OF_TICKET:
            detail = f"more than {MOST_OF_TICKET} alerts have this ticket"
            raise problems.invalid("ticket.id", detail, location="body")
        found = [alert for alert in held if alert.ticket and alert.ticket.system in {None, system.name}]
        if not found:
            raise problems.Problem("not-found", "No alert of this tenant has this ticket of this system.")
        return found


def _change(system: TicketSystem, news: TicketNews, identity: str, now: datetime) -> AlertChange:
    return AlertChange(
        status=news.status,
        verdict=UNSET if news.verdict is None else news.verdict,
        note=None if news.comment is None else AlertNote(identity, now, ticket_author(system.name), news.comment),
    )


def _digest(system: str, message: str) -> str:
    """Of a message, among those of all systems: 32 hexadecimal digits."""
    return blake2b(f"{system}\0{message}".encode(), digest_size=16).hexdigest()
