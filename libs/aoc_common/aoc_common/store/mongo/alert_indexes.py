"""Indexes of what the alerter keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

if TYPE_CHECKING:
    from collections.abc import Mapping


def _newest(*fields: str, name: str, partial: Mapping[str, Any] | None = None) -> IndexModel:
    """Alerts of a tenant with these values, newest first: ids sort by time. `partial`: of these alone."""
    keys = [*((field, ASCENDING) for field in ("tenant", *fields)), ("_id", DESCENDING)]
    return IndexModel(keys, name=name, **({} if partial is None else {"partialFilterExpression": partial}))


_EXPIRY: Final = IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0)

ALERT_INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {
    "alerts": (
        _newest(name="newest"),
        _newest("status", name="status"),
        _newest("rule.id", name="rule"),
        _newest("assignee.id", name="assignee"),
        _newest("events.id", name="event"),
        # Few have one.
        _newest("ticket.id", name="ticket", partial={"ticket.id": {"$exists": True}}),
        # Next to none waits.
        IndexModel([("waiting", ASCENDING)], name="waiting", sparse=True),
        _EXPIRY,
    ),
    "hits": (IndexModel([("tenant", ASCENDING), ("alert", ASCENDING)], name="alert"), _EXPIRY),
    # A key is a hash over the tenant too, or over all tenants.
    "counted_hits": (
        IndexModel([("keys", ASCENDING), ("at", ASCENDING)], name="key"),
        IndexModel([("tenant", ASCENDING)], name="tenant"),
        _EXPIRY,
    ),
    "window_ends": (
        IndexModel([("due_at", ASCENDING)], name="due"),
        # Next to none is taken, or due within a minute.
        IndexModel([("taker", ASCENDING)], name="taken", sparse=True),
        IndexModel([("tenant", ASCENDING)], name="tenant"),
        _EXPIRY,
    ),
    "notifications": (
        IndexModel([("route", ASCENDING), ("state", ASCENDING), ("due_at", ASCENDING)], name="due"),
        IndexModel([("tenant", ASCENDING)], name="tenant"),
        _EXPIRY,
    ),
    "alert_groups": (IndexModel([("tenant", ASCENDING)], name="tenant"), _EXPIRY),
}
