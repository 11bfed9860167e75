"""Entries of the audit trail for what is done at the command line, which reaches the database without the gateway."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aoc_api.access.principal import Principal
from aoc_api.audit.acts import Act, Action, ocsf_of
from aoc_cli.access.local import principal, user_name
from aoc_common.contracts.audit import INSTALLATION, AuditEntry, Chain, Head
from aoc_common.store.mongo.audit_trail import MongoAuditHeads, MongoAuditTrail

if TYPE_CHECKING:
    from aoc_api.audit.acts import Kind
    from aoc_common.store.mongo.client import Database

_DONE: Final = 200


async def note(database: Database, action: str, kind: Kind, about: str, tenant: str | None = None) -> None:
    """Note what is about to be done: first this, then the change. Raises `Transient`: then nothing must be changed.

    `action`, `kind`: as the gateway names them. `about`: what is changed, in words, without a secret. Each is a chain
    of its own, of one entry. A gateway brings it onto the bus.
    """
    act = Act(
        action=Action(action, kind),
        at=datetime.now(UTC),
        status=_DONE,
        request_id="",
        tenant=tenant,
        principal=Principal("person", principal(), f"{user_name() or 'operator'} at the command line", ()),
        asked=f"at the command line of {socket.gethostname()}",
        about=about,
        ended="begun",
    )
    chain = Chain(tenant or INSTALLATION, uuid4().hex)
    entry = AuditEntry.following(Head.none(chain), ocsf_of(act))
    await MongoAuditTrail(database).append([entry])
    await MongoAuditHeads(database).note([entry.head])
