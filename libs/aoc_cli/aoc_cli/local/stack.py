"""The embedded stack in a data directory: what is in it, where it listens, who runs it.

```
DIR/stack.lock      held (flock) by the one process that runs the stack
DIR/stack.json      where a running stack listens; for the other commands
DIR/children.json   its processes, so that the next stack ends what a killed one left
DIR/secrets/        generated passwords, readable by the owner only
DIR/nats  DIR/mongo  DIR/logs
```
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aoc_cli.local import engines, ownership
from aoc_cli.local.leftovers import StartedProcesses
from aoc_cli.local.ports import LOOPBACK, listening
from aoc_common import private
from aoc_common.errors import BadConfiguration
from aoc_common.settings import ENV_DELIMITER, ENV_PREFIX, MongoSettings, NatsSettings, ServiceSettings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

NATS_ENV: Final = f"{ENV_PREFIX}NATS{ENV_DELIMITER}URL"
MONGO_ENV: Final = f"{ENV_PREFIX}MONGO{ENV_DELIMITER}URI"


def servers_named() -> bool:
    """Whether the environment names servers of the user's own. Raises `BadConfiguration` when it names only one."""
    named, other = NATS_ENV in os.environ, MONGO_ENV in os.environ
    if named != other:
        there, missing = (NATS_ENV, MONGO_ENV) if named else (MONGO_ENV, NATS_ENV)
        raise BadConfiguration(
            f"{missing}: needed with {there}: name both servers, or neither for those of the data directory"
        )
    return named


def refuse_servers(what: str, remedy: str = "") -> None:
    """Raise `BadConfiguration` when the environment names servers of the user's own: `what` is not for them."""
    if servers_named():
        raise BadConfiguration(f"{NATS_ENV} and {MONGO_ENV} name servers of your own: {what}; unset both{remedy}")


def root() -> Path:
    """The checkout (set by the launcher), else the current directory."""
    return Path(os.environ.get("AOC_ROOT", ".")).resolve()


def default_data() -> Path:
    """The data directory when none is named."""
    return root() / ".aoc" / "data"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a stack listens; ports on loopback, or the user's own servers."""

    nats_url: str
    mongo_port: int
    gateway: int | None = None
    simulator: int | None = None
    own_nats: bool = False
    own_mongo: bool = False

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of ours that other programs use."""
        nats = () if self.own_nats else (int(self.nats_url.rsplit(":", 1)[1]),)
        return nats if self.gateway is None else (*nats, self.gateway)


class DataDirectory:
    """A stack's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self.processes = StartedProcesses(self.path / "children.json")

    @property
    def logs(self) -> Path:
        """Where children write."""
        return self.path / "logs"

    @contextmanager
    def held(self, report: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Own the directory, after ending what a killed run left in it; `report` gets a line for each of those.

        Raises `BadConfiguration` when another stack runs in it, it holds somebody else's files, or cannot be written.
        """
        ownership.refuse_foreign(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadConfiguration(f"--data {self.path}: {error.strerror}") from None
        with ownership.locked(self.path):
            self._description.unlink(missing_ok=True)
            for process in self.processes.end():
                report(f"ended {process.name} (process {process.pid}), left over from a run that was killed")
            try:
                yield
            finally:
                self._description.unlink(missing_ok=True)
                self.processes.end()

    def held_by_somebody(self) -> bool:
        """Whether some process owns the directory."""
        return ownership.is_held(self.path)

    @property
    def secret_files(self) -> Path:
        """Where generated secrets are."""
        return self.path / "secrets"

    @property
    def _description(self) -> Path:
        return self.path / "stack.json"

    @property
    def evidence(self) -> bool:
        """Whether the directory was made by an import: then no simulated records are to be mixed in."""
        return (self.path / "evidence").exists()

    def mark_evidence(self) -> None:
        """Note that an import made this directory, unless simulated records are in it already."""
        if not (self.path / "simulated").exists():
            (self.path / "evidence").touch()

    def mark_simulated(self) -> None:
        """Note that simulated records go into this directory."""
        (self.path / "simulated").touch()

    def describe(self, endpoints: Endpoints) -> None:
        """Tell other commands where the stack listens."""
        self._description.touch(mode=0o600)
        self._description.write_text(
            json.dumps({slot: getattr(endpoints, slot) for slot in Endpoints.__slots__}, indent=1)
        )

    def running(self) -> Endpoints | None:
        """Where the stack of this directory listens, if one runs."""
        try:
            described: dict[str, Any] = json.loads(self._description.read_text())
            endpoints = Endpoints(**described)
        except (OSError, ValueError, TypeError):
            return None
        if not self.held_by_somebody():
            return None  # it was killed, and another program may listen on its port
        return endpoints if endpoints.own_nats or listening(endpoints.ports[0]) else None

    def password(self, user: str) -> Path:
        """The file with the password of a user of the bus, made at first use."""
        return self.secret(f"nats-{user}")

    def secret(self, name: str, make: Callable[[], str] | None = None) -> Path:
        """A file with a secret (by default a password), made at first use and readable by the owner only."""
        file = self.secret_files / name
        if not file.exists():
            with private.locked(self.secret_files):
                if not file.exists():  # another process was quicker
                    private.write(file, make() if make else secrets.token_urlsafe(24))
        return file

    def mongo_passwords(self) -> dict[str, str]:
        """User of the database -> password."""
        # Imported here: commands that ask a gateway do without the database driver.
        from aoc_cli.local.mongo import USERS

        return {user: self.secret(f"mongo-{user}").read_text() for user in USERS.values()}

    @property
    def engine(self) -> list[str]:
        """What serves the database, and how to get a faster one: lines for a person."""
        engine, _ = engines.of_directory(self.path / "mongo")
        faster = engines.faster_than(engine.engine)
        return [f"{engine.title}: {engine.engine.described}", *([faster] if faster else [])]

    def nats_settings(self, endpoints: Endpoints, user: str) -> NatsSettings:
        """Settings to reach the stack's bus as `user`. Sizes and times are the environment's, as for any bus."""
        settings = load(ServiceSettings).nats
        if endpoints.own_nats:
            return settings
        ours = {"url": endpoints.nats_url, "user": user, "password": f"file:{self.password(user)}"}
        return settings.model_copy(update={**ours, "credentials": None, "tls_ca": None})

    def mongo_settings(self, endpoints: Endpoints, user: str = "aoc") -> MongoSettings:
        """Settings to reach the stack's database as `user`; the connection string is in a file of the owner's."""
        if endpoints.own_mongo:
            return load(ServiceSettings).mongo
        password = self.secret(f"mongo-{user}").read_text()
        uri = f"mongodb://{user}:{password}@{LOOPBACK}:{endpoints.mongo_port}/?authSource=admin"
        reference = self.secret(f"mongo-{user}-uri", lambda: uri)
        if reference.read_text() != uri:  # others may be reading it
            with private.locked(self.secret_files):
                private.write(reference, uri)
        return MongoSettings(uri=f"file:{reference}")

    def bring_in_order(
        self,
        endpoints: Endpoints,
        report: Callable[[str], None] = lambda _: None,
        declared: Mapping[str, Any] | None = None,
    ) -> None:
        """Indexes, and on the stack's own bus streams and consumers, as this version needs them; what changed is said.

        A bus of the user's may serve others: for it there is `aoc provision`. `declared`: settings of the bus
        (`NatsSettings`) that are not as they are without any.
        """
        # Imported here, as above; and the bus.
        from aoc_cli.local.provisioning import bring_in_order

        nats = None
        if not endpoints.own_nats:
            nats = self.nats_settings(endpoints, "provision").model_copy(update=declared)
        asyncio.run(bring_in_order(nats, self.mongo_settings(endpoints), report, migrate=True, greet=False))
