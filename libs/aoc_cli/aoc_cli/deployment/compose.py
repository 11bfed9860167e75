"""`docker-compose.yml` and the files that it mounts, made from the roster."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from aoc_cli.deployment import bus
from aoc_cli.deployment.images import CLI, IMAGES, SIMULATOR
from aoc_cli.local import mongo
from aoc_common import roster
from aoc_common.settings import MongoSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aoc_cli.deployment.images import Image

#: What belongs to one installation: secrets, tenants, settings. Made by deploy/docker/prepare.
_PRIVATE: Final = "./deploy/docker/private"
_SECRETS: Final = "/run/secrets"
_TENANTS: Final = "/run/tenants/tenants.json"
_NATS_CONFIG: Final = "/etc/nats/nats-server.conf"
#: From there to the secrets: nats-server reads an included file from the directory of the one that includes it.
_NATS_PASSWORDS: Final = "../../run/secrets/nats-passwords"
_TENANTS_MOUNTED: Final = f'    volumes: ["{_PRIVATE}/tenants:/run/tenants:ro"]'
#: What needs no quotes in YAML: it begins with a letter or a slash, and is no word like `true`.
_PLAIN: Final = re.compile(r"(?!(true|false|yes|no|on|off|null)$)[A-Za-z/][\w./:-]*")
#: Commands -> as whom they speak to the bus.
_OPERATORS: Final = ("cli", "operator")

def _head() -> str:
    return f"""\
# Made by `./aoc docs` from libs/aoc_common/aoc_common/roster.py. How to use it: docs/howto/docker-compose.md.
# What you want otherwise belongs into docker-compose.override.yml, settings of AOC into {_PRIVATE[2:]}/aoc.env.

name: aoc

x-container: &container
  restart: unless-stopped
  read_only: true
  tmpfs: [/tmp]
  cap_drop: [ALL]
  security_opt: ["no-new-privileges:true"]
  logging:
    driver: json-file
    options: {{max-size: 10m, max-file: "5"}}

x-servers: &servers
  AOC_NATS__URL: nats://nats:4222
  AOC_MONGO__URI: file:{_SECRETS}/mongo-uri

x-build: &build
  context: .
  dockerfile: deploy/docker/Dockerfile

x-base: &base
  BASE: ${{PYTHON_IMAGE:-docker.io/library/python:3.13-slim-trixie}}

x-service: &service
  <<: *container
  env_file: {_PRIVATE}/aoc.env
  # A service puts what is in work back, or ends it: 30 s at the most, and then some to say goodbye.
  stop_grace_period: 45s
  depends_on:
    nats: {{condition: service_healthy}}
    mongo: {{condition: service_healthy}}
    provision: {{condition: service_completed_successfully}}

x-command: &command
  <<: *container
  restart: "no"
  image: {CLI.tag}
  build:
    <<: *build
    args: {_arguments(CLI)}
  env_file: {_PRIVATE}/aoc.env
  healthcheck: {{disable: true}}
  depends_on:
    nats: {{condition: service_healthy}}
    mongo: {{condition: service_healthy}}
  deploy: {{resources: {{limits: {{cpus: "1.0", memory: 1024M, pids: 128}}}}}}

services:
  nats:
    <<: *container
    image: ${{NATS_IMAGE:-docker.io/library/nats:2.15-alpine}}
    environment: {{GOMEMLIMIT: 460MiB}}
    configs:
      - {{source: nats, target: {_NATS_CONFIG}}}
    secrets: [nats-passwords]
    volumes: ["nats:/data"]
    networks: [bus]
    healthcheck:
      test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:8222/healthz"]
      interval: 5s
      timeout: 3s
      start_period: 60s
    deploy: {{resources: {{limits: {{memory: 512M, pids: 256}}}}}}

  mongo:
    <<: *container
    image: ${{MONGO_IMAGE:-docker.io/library/mongo:8.0}}
    user: "999:999" # the image's own mongodb
    environment:
      MONGO_INITDB_ROOT_USERNAME: root
      MONGO_INITDB_ROOT_PASSWORD_FILE: {_SECRETS}/mongo-root
    configs:
      - {{source: mongo-users, target: /docker-entrypoint-initdb.d/users.js}}
    secrets: [mongo-root, {", ".join(f"mongo-{user}" for user in mongo.USERS.values())}]
    volumes: ["mongo:/data/db", "mongo-config:/data/configdb"]
    networks: [store]
    healthcheck:
      # As a user: while the image makes the users, the database answers already.
      test:
        - CMD
        - mongosh
        - --quiet
        - mongodb://localhost/admin
        - --eval
        - db.auth("{mongo.USERS["read"]}", fs.readFileSync("{_SECRETS}/mongo-{mongo.USERS["read"]}", "utf8").trim())
      interval: 10s
      timeout: 10s
      start_period: 120s
    deploy: {{resources: {{limits: {{memory: 2G, pids: 1024}}}}}}

  # Makes streams, consumers and indexes, and brings them in order after an update; then it ends.
  provision:
    <<: *command
    command: [provision]
    restart: on-failure:3
"""


def compose_file() -> str:
    """docker-compose.yml."""
    parts = [
        _head() + _as_user("provision"),
        *(_service(one) for one in roster.SERVICES),
        *(_command(user) for user in _OPERATORS),
        _simulator(),
        _tail(),
    ]
    return "\n".join(parts)


def nats_configuration() -> str:
    """deploy/docker/nats-server.conf: the users are those of every other deployment."""
    passwords = {user: f"$NATS_PASSWORD_{user.upper()}" for user in bus.USERS}
    return (
        "# Made by `./aoc docs`. Passwords are variables, which the included file sets.\n"
        f'include "{_NATS_PASSWORDS}"\nhttp: "127.0.0.1:8222" # health, for this container only\n'
        + bus.configuration("aoc", "0.0.0.0:4222", "/data", passwords)
    )


def mongo_users() -> str:
    """deploy/docker/mongo-users.js: run by the image of MongoDB when its volume is empty."""
    database = MongoSettings().database
    users = "".join(f'create("{user}", "{role}");\n' for role, user in mongo.USERS.items())
    return (
        "// Made by `./aoc docs`. Run by the image of MongoDB when its volume is empty.\n"
        "function create(user, role) {\n"
        f'  const pwd = fs.readFileSync(`{_SECRETS}/mongo-${{user}}`, "utf8").trim();\n'
        f'  db.getSiblingDB("admin").createUser({{ user, pwd, roles: [{{ role, db: "{database}" }}] }});\n'
        "}\n\n" + users
    )


def simulated_tenants() -> str:
    """deploy/docker/simulator/tenants.json: the tenants of the simulator, as it runs beside the collector."""
    from aoc_cli.local.simulator import described

    base = f"http://127.0.0.1:{SIMULATOR.port}"
    tenants = described(base, lambda slug: f"/run/tenants/simulator-{slug}")
    return json.dumps(tenants, indent=1) + "\n"


def _service(service: roster.Service) -> str:
    host = {f"{service.listens}__HOST": "0.0.0.0"}  # noqa: S104  # of its container
    published = {"AOC_API__PUBLISHED_ON_LOOPBACK": "true"} if service.published else {}
    tenants = {service.tenants_file: _TENANTS} if service.tenants_file else {}
    made = {setting: f"file:{_SECRETS}/{name}" for setting, name in service.secrets.items()}
    port = f'    ports: ["127.0.0.1:${{GATEWAY_PORT:-{service.port}}}:{service.port}"]'
    return _block(
        [
            f"  # {service.title}: {service.purpose}.",
            f"  {service.name}:",
            "    <<: *service",
            *_build(IMAGES[service.name]),
            *_connected(service.name, mongo.USERS[service.store_role], host | published | tenants | made),
            *(f"      - {name}" for name in service.secrets.values()),
            *([_TENANTS_MOUNTED] if service.tenants_file else []),
            f"    networks: [bus, store{', outside' if service.egress or service.published else ''}]",
            *([port] if service.published else []),
            f'    deploy: {{resources: {{limits: {{cpus: "1.0", memory: {service.memory_mb}M, pids: 128}}}}}}',
        ]
    )


def _command(user: str) -> str:
    head = [
        f"  # `docker compose run --rm {user} ...`, for {bus.USERS[user].used_by.replace('`', '')}.",
        f"  {user}:",
        "    <<: *command",
        "    profiles: [commands]",
    ]
    return _block(head) + _as_user(user)


def _as_user(user: str) -> str:
    """What a command is told of the servers."""
    reads_tenants = user == "cli"  # doctor, which asks Microsoft about each
    return _block(
        [
            *_connected(user, mongo.USERS["readWrite"], {"AOC_TENANTS_FILE": _TENANTS} if reads_tenants else {}),
            *([_TENANTS_MOUNTED] if reads_tenants else []),
            f"    networks: [bus, store{', outside' if reads_tenants else ''}]",
        ]
    )


def _simulator() -> str:
    return _block(
        [
            "  # A simulated Microsoft 365, for trying out: in the network of the collector, which speaks without TLS only to",
            "  # its own machine.",
            "  simulator:",
            "    <<: *container",
            "    profiles: [simulator]",
            *_build(SIMULATOR),
            f"    env_file: {_PRIVATE}/aoc.env",
            f"    network_mode: service:{roster.COLLECTOR.name}",
            "    depends_on:",
            f"      {roster.COLLECTOR.name}: {{condition: service_started, restart: true}}",
            '    deploy: {resources: {limits: {cpus: "1.0", memory: 512M, pids: 128}}}',
        ]
    )


def _tail() -> str:
    names = [
        "nats-passwords",
        *(f"nats-{user}" for user in bus.USERS),
        "mongo-root",
        *(name for user in mongo.USERS.values() for name in (f"mongo-{user}", f"mongo-{user}-uri")),
        *dict.fromkeys(name for one in roster.SERVICES for name in one.secrets.values()),
    ]
    return _block(
        [
            "configs:",
            "  nats: {file: ./deploy/docker/nats-server.conf}",
            "  mongo-users: {file: ./deploy/docker/mongo-users.js}",
            "",
            "# Files that deploy/docker/prepare makes.",
            "secrets:",
            *(f"  {name}: {{file: {_PRIVATE}/secrets/{name}}}" for name in names),
            "",
            "volumes:",
            "  nats:",
            "  mongo:",
            "  mongo-config:",
            "",
            "networks:",
            "  bus: {internal: true}",
            "  store: {internal: true}",
            "  outside:",
        ]
    )


def _build(image: Image) -> Iterator[str]:
    yield f"    image: {image.tag}"
    yield "    build:"
    yield "      <<: *build"
    yield f"      args: {_arguments(image)}"


def _arguments(image: Image) -> str:
    arguments = "".join(f", {name}: {_scalar(value)}" for name, value in image.arguments.items())
    return f"{{<<: *base{arguments}}}"


def _connected(user: str, store_user: str, more: Mapping[str, str]) -> Iterator[str]:
    """As whom the servers are spoken to; `more` settings; the secrets for it."""
    settings = {"AOC_NATS__USER": user, "AOC_NATS__PASSWORD": f"file:{_SECRETS}/nats-{user}", **more}
    yield "    environment:"
    yield "      <<: *servers"
    for name, value in settings.items():
        yield f"      {name}: {_scalar(value)}"
    yield "    secrets:"
    yield f"      - nats-{user}"
    yield f"      - {{source: mongo-{store_user}-uri, target: mongo-uri}}"


def _scalar(text: str) -> str:
    """A value that YAML reads as text."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _block(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
