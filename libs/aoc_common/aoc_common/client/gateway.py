"""The client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from aoc_common.client.access import Access
from aoc_common.client.addresses import check_address
from aoc_common.client.alerts import Alerts
from aoc_common.client.connection import Connection, Options
from aoc_common.client.credentials import NoCredentials
from aoc_common.client.events import Events
from aoc_common.client.export_jobs import ExportJobs
from aoc_common.client.exports import Exports
from aoc_common.client.investigation import Investigation
from aoc_common.client.notes import Notes
from aoc_common.client.notifications import Notifications
from aoc_common.client.review import ReviewQueue
from aoc_common.client.rules import Rules
from aoc_common.client.sinks import Sinks
from aoc_common.client.system import AuditTrail, System
from aoc_common.client.tenants import Tenants
from aoc_common.clock import SystemClock
from aoc_common.errors import BadConfiguration

if TYPE_CHECKING:
    from types import TracebackType

    from aoc_common.client.credentials import Credentials
    from aoc_common.clock import Clock


class Gateway:
    """A gateway of AOC, for who shows these credentials. To be entered; leaving closes its connections.

    Raises `BadConfiguration` for an address to which no secret may be sent, and for a file of certificates that is
    none.
    """

    def __init__(
        self,
        address: str,
        credentials: Credentials | None = None,
        options: Options | None = None,
        clock: Clock | None = None,
    ) -> None:
        try:
            self.address = check_address(address)
        except ValueError as error:
            raise BadConfiguration(f"{address}: {error}") from None
        connection = Connection(
            self.address, credentials or NoCredentials(), options or Options(), clock or SystemClock()
        )
        self._connection = connection
        self.events = Events(connection)
        self.investigation = Investigation(connection)
        self.exports = Exports(connection)
        self.export_jobs = ExportJobs(connection)
        self.notes = Notes(connection)
        self.alerts = Alerts(connection)
        self.notifications = Notifications(connection)
        self.tenants = Tenants(connection)
        self.rules = Rules(connection)
        self.sinks = Sinks(connection)
        self.access = Access(connection)
        self.audit_trail = AuditTrail(connection)
        self.dead_letters = ReviewQueue(connection, "dead-letters")
        self.quarantine = ReviewQueue(connection, "quarantine")
        self.system = System(connection)

    def __repr__(self) -> str:
        return f"Gateway({self.address!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._connection.close()
