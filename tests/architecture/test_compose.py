"""docker-compose.yml is a valid Compose file, is hardened, and has each service of the roster as the roster says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import check_jsonschema
import pytest
from jsonschema import Draft7Validator

from aoc_cli.deployment import bus, compose
from aoc_cli.deployment.images import IMAGES
from aoc_cli.local import mongo
from aoc_cli.reference import settings_of
from aoc_common import environment, roster
from aoc_common.bus import consume
from aoc_common.settings import load
from composed import DOCKER, ROOT, composed, secrets_of, services
from each import each

SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
COMMANDS = ("provision", "cli", "operator")
SECRETS = "/run/secrets"
OURS = [name for name, definition in services().items() if definition["image"].startswith("aoc-")]

every_service = pytest.mark.parametrize("service", roster.SERVICES, ids=lambda service: service.name)


def test_the_compose_specification_accepts_the_file() -> None:
    errors = Draft7Validator(json.loads(SCHEMA.read_text())).iter_errors(composed())

    assert [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in errors] == []


def test_there_is_each_service_and_what_they_need() -> None:
    rest = {"nats", "mongo", "simulator", *COMMANDS}

    assert set(services()) == {service.name for service in roster.SERVICES} | rest


@every_service
def test_a_service_speaks_to_the_servers_as_itself(service: roster.Service) -> None:
    definition = services()[service.name]
    settings, secrets = definition["environment"], secrets_of(definition)

    assert settings["AOC_NATS__USER"] == service.name
    assert settings["AOC_NATS__PASSWORD"] == f"file:{SECRETS}/nats-{service.name}"
    assert settings["AOC_MONGO__URI"] == f"file:{SECRETS}/mongo-uri"
    assert secrets == {
        f"nats-{service.name}": f"nats-{service.name}",
        "mongo-uri": f"mongo-{mongo.USERS[service.store_role]}-uri",
        **{name: name for name in service.secrets.values()},
    }
    for setting, name in service.secrets.items():
        assert settings[setting] == f"file:{SECRETS}/{name}"


@every_service
def test_a_service_starts_with_the_settings_of_its_container(
    service: roster.Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in services()[service.name]["environment"].items():
        monkeypatch.setenv(name, value)

    settings = load(settings_of(service))

    assert settings.nats.user == service.name
    assert getattr(settings, service.listens.removeprefix("AOC_").lower()).host == "0.0.0.0"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_speaks_to_the_servers_as_itself(name: str) -> None:
    definition = services()[name]

    assert definition["environment"]["AOC_NATS__USER"] == name
    assert secrets_of(definition) == {f"nats-{name}": f"nats-{name}", "mongo-uri": "mongo-aoc-uri"}
    assert definition["image"] == IMAGES["cli"].tag


def test_commands_run_only_when_somebody_runs_them() -> None:
    assert services()["provision"]["command"] == ["provision"]
    assert {name for name, definition in services().items() if "profiles" in definition} == {
        "cli",
        "operator",
        "simulator",
    }


@each("name", OURS)
def test_an_image_is_built_as_the_table_of_images_says(name: str) -> None:
    build = services()[name]["build"]
    image = IMAGES[build["args"]["SERVICE"]]

    assert (ROOT / build["dockerfile"]).exists()
    assert {key: value for key, value in build["args"].items() if key != "BASE"} == image.arguments
    assert services()[name]["image"] == image.tag


@each("name", services())
def test_a_container_can_do_as_little_as_possible(name: str) -> None:
    definition = services()[name]

    assert definition["read_only"] is True
    assert definition["cap_drop"] == ["ALL"]
    assert definition["security_opt"] == ["no-new-privileges:true"]
    assert "cap_add" not in definition
    assert "privileged" not in definition
    assert definition["deploy"]["resources"]["limits"].keys() >= {"memory", "pids"}
    assert definition["logging"]["options"].keys() == {"max-size", "max-file"}


@each("name", services())
def test_what_runs_for_long_is_started_anew_and_looked_at(name: str) -> None:
    definition = services()[name]

    if name in COMMANDS:
        assert definition["restart"] in {"no", "on-failure:3"}
        assert definition["healthcheck"] == {"disable": True}
    else:
        assert definition["restart"] == "unless-stopped"
        assert "healthcheck" in definition or definition["image"].startswith("aoc-")  # theirs is in the image


@every_service
def test_a_service_starts_when_its_servers_are_in_order_and_has_time_to_drain(service: roster.Service) -> None:
    definition = services()[service.name]

    assert {name: condition["condition"] for name, condition in definition["depends_on"].items()} == {
        "nats": "service_healthy",
        "mongo": "service_healthy",
        "provision": "service_completed_successfully",
    }
    assert int(definition["stop_grace_period"].removesuffix("s")) > consume._DRAIN_S
    assert definition["deploy"]["resources"]["limits"]["memory"] == f"{service.memory_mb}M"


def test_only_the_gateway_publishes_a_port_and_that_on_loopback() -> None:
    published = {name: definition["ports"] for name, definition in services().items() if "ports" in definition}

    assert published == {roster.API.name: [f"127.0.0.1:{roster.API.port}:{roster.API.port}"]}


def test_the_servers_are_in_networks_without_a_way_out() -> None:
    inside = {name for name, definition in composed()["networks"].items() if definition and definition.get("internal")}
    calls_out = {service.name for service in roster.SERVICES if service.egress or service.published} | {"cli"}

    assert set(services()["nats"]["networks"]) | set(services()["mongo"]["networks"]) == inside == {"bus", "store"}
    assert {name for name, definition in services().items() if "outside" in definition.get("networks", ())} == calls_out


def test_no_secret_stands_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|SECRET|URI|KEY|TOKEN|CREDENTIAL")
    values = [
        value
        for service in services().values()
        for name, value in service.get("environment", {}).items()
        if secret.search(name) and not value.startswith((f"file:{SECRETS}/", f"{SECRETS}/"))
    ]

    assert values == []
    assert all(set(secret) == {"file"} for secret in composed()["secrets"].values())
    assert not re.search(r"://[^/\s]*:[^/\s]*@", (ROOT / "docker-compose.yml").read_text())


def test_every_secret_that_is_used_is_one_that_prepare_makes() -> None:
    used = {name for service in services().values() if "secrets" in service for name in secrets_of(service).values()}
    paths = {name: definition["file"] for name, definition in composed()["secrets"].items()}

    assert used <= paths.keys()
    assert paths == {name: f"./deploy/docker/private/secrets/{name}" for name in paths}


def test_settings_in_the_file_are_settings_that_exist() -> None:
    for service in services().values():
        environment.check(service.get("environment", {}))


def test_the_users_of_nats_are_those_of_every_other_deployment() -> None:
    written = (DOCKER / "nats-server.conf").read_text()
    variables = {user: f"$NATS_PASSWORD_{user.upper()}" for user in bus.USERS}
    here, there = compose.nats_configuration(), bus.configuration("x", "y", "z", variables)

    assert written == here
    assert here[here.index("authorization {") :] == there[there.index("authorization {") :]


def test_the_users_of_mongodb_are_those_of_the_local_stack() -> None:
    made = re.findall(r'^user\("(\w+)", \{"role": "(\w+)"', (DOCKER / "mongo-users.js").read_text(), re.MULTILINE)

    assert made == [(user, role) for role, user in mongo.USERS.items()]
    assert set(secrets_of(services()["mongo"])) == {"mongo-root", *(f"mongo-{user}" for user, _ in made)}
