"""`docker-compose.yml` and the files that it mounts: a template, filled from the roster."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from aoc_cli.deployment import bus
from aoc_cli.deployment.images import CLI, IMAGES, SIMULATOR
from aoc_cli.local import mongo, simulator
from aoc_common import roster
from aoc_common.settings import MongoSettings
from aoc_common.store.mongo.users import GATEWAY_ROLE, gateway_role, role_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aoc_cli.deployment.images import Image

_SECRETS: Final = "/run/secrets"
_TENANTS: Final = "/run/tenants"
_TENANTS_FILE: Final = f"{_TENANTS}/tenants.json"
_MOUNTED_TENANTS: Final = f"./deploy/docker/private/tenants:{_TENANTS}:ro"
#: nats-server looks for an included file from the directory of the one that includes it: /etc/nats.
_NATS_PASSWORDS: Final = f"../..{_SECRETS}/nats-passwords"
#: What needs no quotes in YAML: it begins with a letter or a slash, and is no word like `true`.
_PLAIN: Final = re.compile(r"(?!(true|false|yes|no|on|off|null)$)[A-Za-z/][\w./:-]*")
#: Users of NATS whose commands a person runs.
_PERSONS: Final = ("cli", "operator")


def compose_file() -> str:
    """docker-compose.yml."""
    template = files("aoc_cli.deployment").joinpath("docker-compose.template.yml").read_text("utf-8")
    parts = {
        "collector": roster.COLLECTOR.name,
        "command_image": CLI.tag,
        "command_arguments": _arguments(CLI),
        "mongo_users": ", ".join(f"mongo-{user}" for user in mongo.USERS.values()),
        "mongo_reader": mongo.USERS["aocGateway"],
        "provision": "\n".join(_as_user("provision")) + "\n",
        "services": "\n\n".join("\n".join(_service(service)) for service in roster.SERVICES) + "\n",
        "commands": "\n\n".join("\n".join(_command(user)) for user in _PERSONS) + "\n",
        "simulator_build": "\n".join(_build(SIMULATOR)),
        "state_volumes": "".join(f"  {service.name}-state:\n" for service in roster.SERVICES if service.state),
        "secrets": "\n".join(
            f"  {name}: {{file: ./deploy/docker/private/secrets/{name}}}" for name in _names_of_secrets()
        ),
    }
    return template % parts


def nats_configuration() -> str:
    """deploy/docker/nats-server.conf: the users are those of every other deployment."""
    passwords = {user: f"$NATS_PASSWORD_{user.upper()}" for user in bus.USERS}
    return (
        "# Made by `./aoc docs`. Passwords are variables, which the included file sets.\n"
        f'include "{_NATS_PASSWORDS}"\nhttp: "127.0.0.1:8222" # health, for this container only\n'
        + bus.configuration("aoc", "0.0.0.0:4222", "/data", passwords)
    )


def mongo_users() -> str:
    """deploy/docker/mongo-users.js: run by the image of MongoDB at its first start, and by people after updates."""
    database = MongoSettings().database
    gateway = gateway_role(database)
    privileges = "".join(f"    {json.dumps(privilege)},\n" for privilege in gateway["privileges"])
    users = "".join(
        f'user("{user}", {json.dumps(role_reference(role, database))});\n' for role, user in mongo.USERS.items()
    )
    return (
        "// Made by `./aoc docs`. Run by the image of MongoDB when its volume is empty. After an update that\n"
        "// changes it, run it yourself (docs/howto/docker-compose.md): it sets right what is there.\n"
        'const admin = db.getSiblingDB("admin");\n\n'
        "function user(name, role) {\n"
        f'  const pwd = fs.readFileSync(`{_SECRETS}/mongo-${{name}}`, "utf8").trim();\n'
        "  const rights = { pwd, roles: [role] };\n"
        "  admin.getUser(name) ? admin.updateUser(name, rights) : admin.createUser({ user: name, ...rights });\n"
        "}\n\n"
        f"const gateway = {{\n  roles: {json.dumps(gateway['roles'])},\n  privileges: [\n{privileges}  ],\n}};\n"
        f'admin.getRole("{GATEWAY_ROLE}")\n'
        f'  ? admin.updateRole("{GATEWAY_ROLE}", gateway)\n'
        f'  : admin.createRole({{ role: "{GATEWAY_ROLE}", ...gateway }});\n\n' + users
    )


def simulated_tenants() -> str:
    """deploy/docker/simulator/tenants.json: the tenants of the simulator, as it runs beside the collector."""
    base = f"http://127.0.0.1:{SIMULATOR.port}"
    return simulator.tenants_file(base, lambda slug: f"{_TENANTS}/simulator-{slug}") + "\n"


def _service(service: roster.Service) -> Iterator[str]:
    settings = {f"{service.listens}__HOST": "0.0.0.0"}  # noqa: S104  # of its container
    if service.published:
        settings["AOC_API__PUBLISHED_ON_LOOPBACK"] = "true"
    if service.tenants_file:
        settings[service.tenants_file] = _TENANTS_FILE
    settings |= {setting: f"file:{_SECRETS}/{name}" for setting, name in service.secrets.items()}
    yield f"  # {service.title}: {service.purpose}."
    yield f"  {service.name}:"
    yield "    <<: *service"
    yield from _build(IMAGES[service.name])
    yield from _connected(service.name, mongo.USERS[service.store_role], settings)
    yield from (f"      - {name}" for name in service.secrets.values())
    volumes = [
        *([_MOUNTED_TENANTS] if service.tenants_file else []),
        *([f"{service.name}-state:{service.state.path}"] if service.state else []),
    ]
    if volumes:
        yield f"    volumes: {json.dumps(volumes)}"
    yield f"    networks: [bus, store{', outside' if service.egress or service.published else ''}]"
    if service.published:
        yield f'    ports: ["127.0.0.1:${{GATEWAY_PORT:-{service.port}}}:{service.port}"]'
    yield f'    deploy: {{resources: {{limits: {{cpus: "1.0", memory: {service.memory_mb}M, pids: 128}}}}}}'


def _command(user: str) -> Iterator[str]:
    yield f"  # `docker compose run --rm {user} ...`, for {bus.USERS[user].used_by.replace('`', '')}."
    yield f"  {user}:"
    yield "    <<: *command"
    yield "    profiles: [commands]"
    yield from _as_user(user)


def _as_user(user: str) -> Iterator[str]:
    """Connection settings of a command; `cli` also has the tenants file, with which the doctor asks Microsoft."""
    asks = user == "cli"
    yield from _connected(user, mongo.USERS["readWrite"], {"AOC_TENANTS_FILE": _TENANTS_FILE} if asks else {})
    if asks:
        yield f"    volumes: {json.dumps([_MOUNTED_TENANTS])}"
    yield f"    networks: [bus, store{', outside' if asks else ''}]"


def _build(image: Image) -> Iterator[str]:
    yield f"    image: {image.tag}"
    yield "    build:"
    yield "      <<: *build"
    yield f"      args: {_arguments(image)}"


def _arguments(image: Image) -> str:
    arguments = "".join(f", {name}: {_scalar(value)}" for name, value in image.arguments.items())
    return f"{{<<: *base{arguments}}}"


def _connected(user: str, store_user: str, more: Mapping[str, str]) -> Iterator[str]:
    """Users of the servers, `more` settings, and the secrets."""
    settings = {"AOC_NATS__USER": user, "AOC_NATS__PASSWORD": f"file:{_SECRETS}/nats-{user}", **more}
    yield "    environment:"
    yield "      <<: *servers"
    yield from (f"      {name}: {_scalar(value)}" for name, value in settings.items())
    yield "    secrets:"
    yield f"      - nats-{user}"
    yield f"      - {{source: mongo-{store_user}-uri, target: mongo-uri}}"


def _scalar(text: str) -> str:
    """A value that YAML reads as text."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _names_of_secrets() -> list[str]:
    return [
        "nats-passwords",
        *(f"nats-{user}" for user in bus.USERS),
        "mongo-root",
        *(name for user in mongo.USERS.values() for name in (f"mongo-{user}", f"mongo-{user}-uri")),
        *dict.fromkeys(name for service in roster.SERVICES for name in service.secrets.values()),
    ]
