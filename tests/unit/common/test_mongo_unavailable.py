"""Why MongoDB cannot be used is one short line with the host and the setting, and nothing of a secret or a record."""

from __future__ import annotations

import pytest
from pymongo.errors import (
    AutoReconnect,
    DuplicateKeyError,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from aoc_common.errors import Unreachable
from aoc_common.store.mongo.client import translated
from aoc_common.store.mongo.unavailable import why_unavailable
from each import each

ADDED = (
    " (configured timeouts: socketTimeoutMS: 60000.0ms, connectTimeoutMS: 20000.0ms), Timeout: 10.0s, Topology "
    "Description: <TopologyDescription id: 68, topology_type: Unknown, servers: [<ServerDescription ('db', 27017)>]>"
)


@each(
    ("error", "said"),
    [
        (
            ServerSelectionTimeoutError(f"127.0.0.1:27999: [Errno 111] Connection refused{ADDED}"),
            "MongoDB at 127.0.0.1:27999: Connection refused (AOC_MONGO__URI)",
        ),
        (
            ServerSelectionTimeoutError(f"db:27017: [Errno -2] Name or service not known{ADDED}"),
            "MongoDB at db:27017: Name or service not known (AOC_MONGO__URI)",
        ),
        (
            ServerSelectionTimeoutError(
                f"a:1: [Errno 111] Connection refused (configured timeouts: x),b:2: [Errno 111] timed out{ADDED}"
            ),
            "MongoDB at a:1: Connection refused (AOC_MONGO__URI)",
        ),
        (
            ServerSelectionTimeoutError('No replica set members match selector "Primary()", Timeout: 10s, Topology'),
            'MongoDB: No replica set members match selector "Primary()" (AOC_MONGO__URI)',
        ),
        (NetworkTimeout(f"db:27017: timed out{ADDED}"), "MongoDB at db:27017: timed out (AOC_MONGO__URI)"),
        (
            OperationFailure("Authentication failed., full error: {'ok': 0.0}", 18),
            "MongoDB: authentication failed (AOC_MONGO__URI: user, password, authSource)",
        ),
        (
            OperationFailure('not authorized on aoc to execute command { insert: "events", documents: [ 1 ] }', 13),
            "MongoDB: not authorized on aoc (AOC_MONGO__URI: the user and its roles)",
        ),
    ],
)
def test_a_server_that_hinders_every_operation_is_one_line(error, said) -> None:
    assert why_unavailable(error) == said
    with pytest.raises(Unreachable) as caught, translated("events"):
        raise error
    assert str(caught.value) == said


@each(
    "error",
    [DuplicateKeyError("E11000"), NotPrimaryError("not primary"), AutoReconnect("closed"), OperationFailure("?", 2)],
)
def test_what_is_wrong_with_one_operation_names_the_operation(error) -> None:
    assert why_unavailable(error) is None
    with pytest.raises(Unreachable, match=r"^events: "), translated("events"):
        raise error
