"""What names the services, and cannot be made from the roster, agrees with it."""

from __future__ import annotations

import configparser
import importlib.util
import tomllib
from pathlib import Path

import pytest

from aoc_cli.deployment.bus import USERS
from aoc_cli.reference import settings_of
from aoc_common import roster
from aoc_common.bus import consumers
from aoc_common.bus.streams import declarations
from aoc_common.settings import NatsSettings, ServiceSettings

ROOT = Path(__file__).parents[2]
NAMES = {service.name for service in roster.SERVICES}
#: Every package under `services`. One that nothing starts yet is a library, and becomes a service by its `__main__`.
MEMBERS = {path.parent.name for path in ROOT.glob("services/*/pyproject.toml")}
PACKAGES = {f"aoc_{name}" for name in MEMBERS}
STREAMS = declarations(NatsSettings())

every_service = pytest.mark.parametrize("service", roster.SERVICES, ids=lambda service: service.name)


def test_the_services_of_the_tree_are_those_of_the_roster() -> None:
    assert {path.parents[1].name for path in ROOT.glob("services/*/*/__main__.py")} == NAMES
    assert {service.package for service in roster.SERVICES} <= PACKAGES


def test_the_workspace_is_made_of_the_services_of_the_roster() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    distributions = {f"aoc-{name}" for name in MEMBERS}
    libraries = {path.parent.name for path in ROOT.glob("libs/*/pyproject.toml")}

    assert set(project["project"]["dependencies"]) == distributions | {name.replace("_", "-") for name in libraries}
    assert set(project["tool"]["uv"]["sources"]) == set(project["project"]["dependencies"])
    members = {f"services/{name}" for name in MEMBERS} | {f"libs/{library}" for library in libraries}
    assert {name for name in project["tool"]["mypy"]["mypy_path"] if name.startswith(("libs/", "services/"))} == members


def test_import_rules_hold_for_every_service() -> None:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")

    def modules(contract: str, key: str) -> set[str]:
        return set(rules[f"importlinter:contract:{contract}"][key].split())

    assert set(rules["importlinter"]["root_packages"].split()) >= PACKAGES
    layers = rules["importlinter:contract:packages"]["layers"].split("\n")
    assert any({package.strip() for package in layer.split("|")} == PACKAGES for layer in layers)
    assert modules("motor", "source_modules") >= PACKAGES
    assert modules("nats", "source_modules") >= PACKAGES


@every_service
def test_a_service_has_settings_a_lock_and_a_user_of_its_own(service: roster.Service) -> None:
    assert issubclass(settings_of(service), ServiceSettings)
    assert (ROOT / "requirements" / f"{service.name}.lock").exists()
    assert USERS[service.name].publish == service.may_publish


@every_service
def test_a_service_listens_where_the_roster_says(service: roster.Service) -> None:
    group = settings_of(service).model_fields[service.listens.removeprefix("AOC_").lower()].default

    assert group.port == service.port


@every_service
def test_settings_that_the_roster_names_are_settings_of_the_service(service: roster.Service) -> None:
    named = [*service.secrets, *([service.tenants_file] if service.tenants_file else [])]
    for setting in named:
        fields = settings_of(service).model_fields
        *groups, last = setting.removeprefix("AOC_").lower().split("__")
        for group in groups:
            fields = type(fields[group].default).model_fields

        assert last in fields


@every_service
def test_a_service_runs_by_its_package(service: roster.Service) -> None:
    assert importlib.util.find_spec(f"{service.package}.__main__") is not None


@every_service
def test_the_streams_of_a_service_exist_and_hold_its_consumers(service: roster.Service) -> None:
    assert set(service.streams) <= STREAMS.keys()


def test_every_consumer_is_worked_on_by_a_service_of_the_roster() -> None:
    assert {consumer.service for consumer in consumers.ALL} <= NAMES


@every_service
def test_a_service_writes_heartbeats_and_dead_letters_in_no_other_name(service: roster.Service) -> None:
    own = {subject for subject in service.may_publish if subject.startswith(("aoc.beats.", "aoc.dlq."))}
    expected = {f"aoc.beats.{service.name}.*"} | ({f"aoc.dlq.{service.name}.>"} if service.consumers else set())

    assert own == expected
