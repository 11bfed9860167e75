"""The processes of an embedded stack, to be started: its data servers, and our services beside them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aoc_cli.deployment.bus import MAX_PAYLOAD, USERS
from aoc_cli.local import mongo, nats
from aoc_cli.local.ports import LOOPBACK, free_port, require_free_port
from aoc_cli.local.process import Child
from aoc_cli.local.stack import NATS_ENV, Endpoints, servers_named
from aoc_common import roster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_cli.local.stack import DataDirectory

#: As in the images: one heap for all threads, since a heap for each keeps a third more memory than it uses, and none of
#: it for what is large, such as a batch on its way: that would leave holes.
_ALLOCATION: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}


@dataclass(frozen=True, slots=True)
class Servers:
    """The data servers of a stack: children to start, and where they will listen."""

    children: tuple[Child, ...]
    endpoints: Endpoints


def servers(data: DataDirectory, nats_port: int = 0, mongo_port: int = 0, *, max_payload: int = MAX_PAYLOAD) -> Servers:
    """NATS and MongoDB for this directory; a server that the environment names is used instead of our own."""
    children = []
    own_nats = own_mongo = servers_named()
    if own_nats:
        nats_url = os.environ[NATS_ENV]
    else:
        port = require_free_port(nats_port, "NATS")
        passwords = {user: data.password(user).read_text() for user in USERS}
        children.append(nats.server(data.path / "nats", port, passwords, max_payload))
        nats_url = f"nats://{LOOPBACK}:{port}"
    if own_mongo:
        mongo_port = 0
    else:
        mongo_port = require_free_port(mongo_port, "MongoDB")
        mongo.provision(data.path / "mongo", data.mongo_passwords())
        children.append(mongo.server(data.path / "mongo", mongo_port))
    return Servers(tuple(children), Endpoints(nats_url, mongo_port, own_nats=own_nats, own_mongo=own_mongo))


def service(
    name: str,
    data: DataDirectory,
    endpoints: Endpoints,
    env: Mapping[str, str] | None = None,
    *,
    replica: int = 1,
    launcher: Sequence[str] = (),
) -> Child:
    """One of our services as a child process, not started yet. It listens for health checks on a free port.

    `launcher`: a module that runs the one that it is named, and its own arguments before that.
    """
    port = free_port()
    settings: dict[str, str] = {"AOC_HEALTH__PORT": str(port), **_ALLOCATION}
    if (directory := roster.service(name).state) is not None:
        label = name if replica == 1 else f"{name}-{replica}"
        settings[directory.setting] = str(data.path / "state" / label)
    if not endpoints.own_nats:
        settings |= {
            "AOC_NATS__URL": endpoints.nats_url,
            "AOC_NATS__USER": name,
            "AOC_NATS__PASSWORD": f"file:{data.password(name)}",
        }
    if not endpoints.own_mongo:
        user = mongo.USERS[roster.service(name).store_role]
        settings["AOC_MONGO__URI"] = data.mongo_settings(endpoints, user).uri
    label = name if replica == 1 else f"{name}-{replica}"
    return Child(
        name=label,
        argv=[sys.executable, "-m", *launcher, f"aoc_{name}"],
        log=data.logs / f"{label}.log",
        port=port,
        env=settings | dict(env or {}),
    )
