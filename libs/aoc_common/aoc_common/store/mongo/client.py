"""The connection, the collections and their indexes."""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import stamina
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import (
    ConfigurationError,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidURI,
    PyMongoError,
)

from aoc_common.errors import BadConfiguration, Permanent, TimedOut, Transient, Unreachable
from aoc_common.store.mongo import indexes
from aoc_common.store.mongo.more_indexes import MORE_INDEXES
from aoc_common.store.mongo.server_kinds import server_of
from aoc_common.store.mongo.unavailable import why_unavailable
from aoc_common.store.mongo.uri import check, has_secret_options, refused
from aoc_common.telemetry import logs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from pymongo.topology_description import TopologyDescription

    from aoc_common.settings import MongoSettings

_log = logs.get(__name__)

type Document = dict[str, Any]
type Database = AsyncIOMotorDatabase[Document]

#: How documents are read and written, by the driver and where they are encoded before.
CODEC: Final[CodecOptions[Document]] = CodecOptions(tz_aware=True, uuid_representation=UuidRepresentation.STANDARD)
RAW_CODEC: Final = DEFAULT_RAW_BSON_OPTIONS.with_options(uuid_representation=UuidRepresentation.STANDARD)

#: What the driver says when it has no time left to ask at all: the server was slow to be had, not to answer.
_BY_THE_DRIVER: Final = "remaining timeout"

#: Keys that one query asks for. The local server's cost of `$in` grows with the square of its values.
BATCH_SIZE: Final = 50
#: Collection -> indexes beside `_id`. Ids of events sort by time, so `_id` serves ranges, order and pages.
INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {
    "events": (
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
        IndexModel([("tenant", ASCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("tenant", ASCENDING), ("terms", ASCENDING), ("_id", DESCENDING)], name="terms"),
        # What a filter says of these fields leads to kinds (`event_outline`), and these to the events.
        IndexModel(
            [
                *((field, ASCENDING) for field in ("tenant", "source", "service", "operation", "result")),
                ("_id", DESCENDING),
            ],
            name="kinds",
        ),
        # Ids are known in one tenant only, and next to no event has any without a name.
        IndexModel([("unnamed", ASCENDING)], name="unnamed", sparse=True),
        # Only where retention is shorter than what Microsoft can give again.
        IndexModel([("forget_at", ASCENDING)], name="forget", sparse=True),
        # A key is a hash over the tenant too.
        IndexModel([("twin_key", ASCENDING)], name="twins", sparse=True),
    ),
    "event_notes": (
        IndexModel([("tenant", ASCENDING), ("tags", ASCENDING), ("_id", DESCENDING)], name="tags"),
        IndexModel([("due_at", ASCENDING)], name="due"),
    ),
    "vocabulary": (
        # The local server has no range over `_id`.
        IndexModel([("tenant", ASCENDING), ("word", ASCENDING)], name="word"),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "event_versions": (
        IndexModel([("event_id", ASCENDING)], name="event"),
        IndexModel([("forget_at", ASCENDING)], name="forget", sparse=True),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "twins": (
        IndexModel([("unified", ASCENDING)], name="unified", unique=True),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "twin_pages": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "ledger_slices": (
        IndexModel([("tenant", ASCENDING), ("source", ASCENDING), ("start", ASCENDING)], name="source"),
        IndexModel([("state", ASCENDING), ("_id", ASCENDING)], name="state"),
        IndexModel(
            [("tenant", ASCENDING), ("state", ASCENDING), ("source", ASCENDING), ("end", ASCENDING)], name="standing"
        ),
        IndexModel([("unsummed", ASCENDING)], name="unsummed", sparse=True),
        IndexModel([("unchecked", ASCENDING), ("_id", ASCENDING)], name="unchecked", sparse=True),
        IndexModel([("loose", ASCENDING)], name="loose", sparse=True),
        IndexModel([("merging.token", ASCENDING)], name="merging", sparse=True),
        IndexModel([("merged_into", ASCENDING)], name="merged_into", sparse=True),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "ledger_gaps": (IndexModel([("tenant", ASCENDING), ("source", ASCENDING), ("start", ASCENDING)], name="source"),),
    "ledger_days": (IndexModel([("tenant", ASCENDING), ("source", ASCENDING), ("day", ASCENDING)], name="source"),),
    "ledger_sums": (IndexModel([("tenant", ASCENDING)], name="tenant"),),
    "ledger_pages": (
        IndexModel([("slice_id", ASCENDING)], name="slice"),
        IndexModel([("waiting_since", ASCENDING)], name="waiting", sparse=True),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "ledger_gone": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "ledger_blobs": (
        IndexModel([("slice_id", ASCENDING)], name="slice", sparse=True),
        IndexModel([("tenant", ASCENDING), ("source", ASCENDING), ("created", ASCENDING)], name="source"),
        # Next to no blob fails.
        IndexModel([("next_try_at", ASCENDING)], name="failed", sparse=True),
        IndexModel([("state", ASCENDING), ("tenant", ASCENDING), ("source", ASCENDING)], name="standing"),
        IndexModel([("uncounted", ASCENDING)], name="uncounted", sparse=True),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "publications": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "alert_publications": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "audit_publications": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "moved_events": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "seen": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "quarantine": (
        IndexModel([("tenant", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="newest"),
        IndexModel([("slice_id", ASCENDING)], name="slice"),
        IndexModel(
            [("state", ASCENDING), ("tenant", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="state"
        ),
        IndexModel([("at", ASCENDING)], name="age"),
        IndexModel([("claim", ASCENDING)], name="claim", sparse=True),
    ),
    "dead_letters": (
        IndexModel(
            [("state", ASCENDING), ("tenant", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="state"
        ),
        IndexModel([("tenant", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)], name="newest"),
    ),
    # Files of an import are found by their keys, which begin with it.
    "imports": (IndexModel([("tenant", ASCENDING), ("began_at", ASCENDING)], name="tenant"),),
    "sources": (IndexModel([("tenant", ASCENDING)], name="tenant"),),
    "rate_shares": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "arrivals": (
        IndexModel([("tenant", ASCENDING), ("day", ASCENDING)], name="day"),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "backlog": (
        IndexModel([("tenant", ASCENDING), ("open", ASCENDING)], name="open"),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "directory": (
        IndexModel([("tenant", ASCENDING), ("keys", ASCENDING)], name="keys"),
        IndexModel([("tenant", ASCENDING), ("kind", ASCENDING), ("generation", ASCENDING)], name="generation"),
        IndexModel([("tenant", ASCENDING), ("roles", ASCENDING)], name="roles"),
        IndexModel([("changed_at", ASCENDING), ("_id", ASCENDING)], name="changed"),
        IndexModel([("admin_of", ASCENDING)], name="administrators", sparse=True),
    ),
    "audit_trail": (
        # The local server has no range over `_id`, which begins with the chain.
        IndexModel([(name, ASCENDING) for name in ("tenant", "writer", "sequence", "_id")], name="chain"),
        IndexModel([("tenant", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)], name="newest"),
        IndexModel([("tenant", ASCENDING), ("actor", ASCENDING), ("at", ASCENDING)], name="actor"),
        IndexModel([("tenant", ASCENDING), ("action", ASCENDING), ("at", ASCENDING)], name="action"),
    ),
    "audit_heads": (
        IndexModel([("tenant", ASCENDING), ("writer", ASCENDING)], name="tenant"),
        IndexModel([("waiting", ASCENDING)], name="waiting", sparse=True),
    ),
    "directory_state": (IndexModel([("tenant", ASCENDING)], name="tenant"),),
    "grants": (
        IndexModel([("grantee", ASCENDING), ("_id", ASCENDING)], name="grantee"),
        IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
    ),
    "break_glass": (
        IndexModel([("tenant", ASCENDING), ("principal", ASCENDING), ("ends_at", DESCENDING)], name="principal"),
        IndexModel([("tenant", ASCENDING), ("began_at", DESCENDING)], name="newest"),
        IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
    ),
    "saved_searches": (
        IndexModel([("tenant", ASCENDING), ("owner", ASCENDING), ("_id", ASCENDING)], name="owner"),
        IndexModel([("tenant", ASCENDING), ("shared", ASCENDING), ("_id", ASCENDING)], name="shared"),
        # Those from before names were unique have no key.
        IndexModel(
            [("tenant", ASCENDING), ("owner", ASCENDING), ("name_key", ASCENDING)],
            name="name",
            unique=True,
            partialFilterExpression={"name_key": {"$exists": True}},
        ),
    ),
    "export_jobs": (
        IndexModel([("owner", ASCENDING), ("made_at", DESCENDING)], name="owner"),
        IndexModel([("state", ASCENDING), ("made_at", ASCENDING)], name="state"),
        IndexModel([("expires_at", ASCENDING)], name="expires"),
        IndexModel([("forget_at", ASCENDING)], name="forget", expireAfterSeconds=0),
    ),
    "export_parts": (
        IndexModel([("tenant", ASCENDING), ("job", ASCENDING), ("attempt", ASCENDING)], name="job"),
        IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "sessions": (
        IndexModel([("principal_id", ASCENDING), ("began_at", DESCENDING)], name="principal"),
        IndexModel([("ends_at", ASCENDING)], name="expiry", expireAfterSeconds=0),
    ),
    "sign_in_links": (IndexModel([("ends_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    "tenant_settings": (IndexModel([("changed_at", ASCENDING)], name="changed"),),
    "tenant_checks": (IndexModel([("expire_at", ASCENDING)], name="expiry", expireAfterSeconds=0),),
    **MORE_INDEXES,
}

#: Indexes of older versions that nothing needs any more: every write would pay for them.
_GONE: Final[Mapping[str, tuple[str, ...]]] = {"events": ("correlation",)}


def _made(uri: str, **options: Any) -> AsyncIOMotorClient[Document]:
    with warnings.catch_warnings():
        if has_secret_options(uri):
            warnings.simplefilter("ignore")  # they tell names and values of options that it does not know
        return AsyncIOMotorClient(uri, **options)


@asynccontextmanager
async def connect(
    settings: MongoSettings, limit_s: float | None = None, watch_s: float = 10.0
) -> AsyncIterator[Database]:
    """The database; closed on leaving. Raises `BadConfiguration` for a connection string that is none.

    `limit_s`: what any one operation may take; the server is told too (`maxTimeMS`), and does no more work for it.
    `watch_s`: seconds between two looks at every server, whether anything is asked of it or not.
    """
    uri = settings.resolved_uri()
    check(uri)
    try:
        client: AsyncIOMotorClient[Document] = _made(
            uri,
            serverSelectionTimeoutMS=int(settings.timeout_s * 1000),
            heartbeatFrequencyMS=int(watch_s * 1000),
            # A server that takes a question and never answers must not hold a worker, and its messages, for ever.
            socketTimeoutMS=int(settings.answer_s * 1000),
            tz_aware=True,
            uuidRepresentation="standard",
            appname="aoc",
            # A raw page is acknowledged after its events are stored: "stored" must mean on disk, on most members.
            w="majority",
            journal=True,
            **({} if limit_s is None else {"timeoutMS": int(limit_s * 1000)}),
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise refused(uri, error) from None
    try:
        yield client.get_database(settings.database, codec_options=CODEC)
    finally:
        client.close()


@stamina.retry(on=Unreachable, attempts=10, timeout=120)
async def ensure_indexes(database: Database, collections: tuple[str, ...] = tuple(INDEXES)) -> None:
    """Create the indexes that are missing, and anew those that are not as declared.

    Raises `BadConfiguration` for one that the server refuses, since what is stored or another index forbids it, and
    `Unreachable` when it does not answer.
    """
    with translated("indexes"):
        there, server = set(await database.list_collection_names()), await server_of(database)
        for name in collections:
            collection, held = database[name], await indexes.held(database, name, there)
            lacking = indexes.lacking(indexes.for_server(INDEXES[name], server), held)
            for index in lacking:
                if index.document["name"] in held:
                    await collection.drop_index(index.document["name"])
            await indexes.make(collection, lacking)
            for gone in held.keys() & _GONE.get(name, ()):
                await collection.drop_index(gone)


async def is_new(database: Database) -> bool:
    """Whether nothing was ever stored. Raises `Unreachable`."""
    with translated("collections"):
        return not await database.list_collection_names()


async def missing_indexes(database: Database) -> list[str]:
    """`collection.index` of what `ensure_indexes` would create, also anew. Raises `Unreachable`."""
    with translated("indexes"):
        there, server = set(await database.list_collection_names()), await server_of(database)
        return [
            f"{name}.{index.document['name']}"
            for name, declared in INDEXES.items()
            for index in indexes.lacking(
                indexes.for_server(declared, server), await indexes.held(database, name, there)
            )
        ]


async def foreign_indexes(database: Database) -> list[tuple[str, str]]:
    """Collection and name of indexes that nothing here needs: of an older version, or made by somebody.

    Only in collections that have indexes of ours. Raises `Unreachable`.
    """
    with translated("indexes"):
        there, server = set(await database.list_collection_names()), await server_of(database)
        foreign = []
        for name, declared in INDEXES.items():
            ours = [indexes.effect_of(index) for index in indexes.for_server(declared, server)]
            held = await indexes.held(database, name, there)
            foreign += [
                (name, index) for index, what in held.items() if index != "_id_" and indexes.effect(what) not in ours
            ]
        return foreign


async def drop_index(database: Database, collection: str, name: str) -> None:
    """Drop an index. Raises `Unreachable`."""
    with translated("indexes"):
        await database[collection].drop_index(name)


async def ping(database: Database) -> str | None:
    """None when the server answers, else what is wrong."""
    try:
        await database.command("ping")
    except PyMongoError as error:
        return why_unavailable(error) or f"MongoDB: {error}"[:200]
    return None


def check_known(database: Database) -> None:
    """Raise `Unreachable` when no server answered at the last look: who asks now would wait for nothing.

    The driver goes on looking, every `watch_s` of `connect`; before the first look nothing is known.
    """
    known: TopologyDescription = database.client.topology_description  # type: ignore[assignment]  # motor's stub is wrong
    servers = known.server_descriptions().values()
    errors = [server.error for server in servers if server.error is not None]
    if errors and len(errors) == len(servers):
        raise _translate("MongoDB", errors[0]) if isinstance(errors[0], PyMongoError) else Unreachable("MongoDB: away")


async def check_indexes(database: Database) -> None:
    """Warn of indexes that are missing, still being built, or other than declared: queries are slower until then.

    Raises `BadConfiguration` for one without which something would be done twice, `Unreachable`.
    """
    await check_unique_indexes(database)
    if lacking := await missing_indexes(database):
        _log.warning("indexes.missing", indexes=", ".join(lacking), remedy="aoc provision")


async def check_unique_indexes(database: Database) -> None:
    """Raises `BadConfiguration` when one is missing, or does not forbid what it should, and `Unreachable`."""
    with translated("indexes"):
        for name, of in INDEXES.items():
            if unique := [index for index in of if index.document.get("unique")]:
                for index in indexes.lacking(unique, await indexes.held(database, name, {name})):
                    raise BadConfiguration(f"index {name}.{index.document['name']} is missing; run: aoc provision")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn the driver's errors into `Transient` (away, not primary, time-out) or `Permanent` (refused)."""
    try:
        yield
    except DocumentTooLarge as error:
        raise Permanent(f"{what}: {error}") from error
    except PyMongoError as error:
        raise _translate(what, error) from error


def _translate(what: str, error: PyMongoError) -> Transient:
    # Which refusals are final is decided where a document is at hand (see `events`): a wrong "final" loses data,
    # a wrong "try again" costs time and shows in the log.
    if isinstance(error, ExecutionTimeout) and _BY_THE_DRIVER not in str(error):
        return TimedOut(f"{what}: the server stopped after its limit of time")
    return Unreachable(why_unavailable(error) or f"{what}: {str(error)[:300]}")
