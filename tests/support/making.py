"""Events to test with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from aoc_common.contracts import ids, terms
from aoc_common.contracts.event import Event
from aoc_common.contracts.query import values

if TYPE_CHECKING:
    from aoc_common.contracts.query.filters import Clause, Field

NOW: Final = datetime(2026, 11, 23, 8, tzinfo=UTC)


def an_event(record: str, time: datetime = NOW, tenant: str = "contoso", **changes: Any) -> Event:
    """The event of a record of that id; everything else is the same, or as `changes` say.

    Its terms are those of its actor, operation, address and correlation id, unless they are among the changes.
    """
    time_ms = ids.to_ms(time)
    made = Event(
        id=ids.event_id(tenant, "ual", record, time_ms),
        tenant=tenant,
        source="o365-exchange",
        time_ms=time_ms,
        class_uid=6003,
        service="exchange",
        operation="Set-Mailbox",
        result="success",
        actor="dana@contoso.example",
        ip="203.0.113.9",
        correlation_id=None,
        terms=(),
        tags=(),
        mapper="exchange",
        mapper_version=1,
        ocsf={"metadata": {"uid": record}, "class_uid": 6003},
        unmapped={},
        raw=f'{{"Id":"{record}"}}',
    )
    made = replace(made, **changes)
    return made if "terms" in changes else replace(made, terms=_terms_of(made))


def asking(**fields: str) -> tuple[Clause, ...]:
    """What asks for these values of fields."""
    return tuple(values.clause(cast("Field", field), text) for field, text in fields.items())


def _terms_of(made: Event) -> tuple[str, ...]:
    names = [term for name in (made.actor, made.ip) for term in terms.name_terms(name or "")]
    ids_terms = terms.id_terms(made.correlation_id or "")
    return terms.first_terms([*names, *terms.operation_terms(made.operation), *ids_terms], 48)
