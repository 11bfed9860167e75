"""docs/howto/docker-compose.md names commands, services, files and variables that exist."""

from __future__ import annotations

import re
import shlex
from typing import Any

from aoc_cli.commands import COMMANDS
from aoc_cli.main import loaded
from composed import ROOT, composed, services
from each import each

PAGE = (ROOT / "docs" / "howto" / "docker-compose.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
COMPOSE = [shlex.split(line) for line in LINES if line.startswith("docker compose")]
#: Subcommands of Docker Compose, and those of their options that take a value.
SUBCOMMANDS = {"up", "ps", "run", "exec", "build", "restart", "logs", "stop", "down"}
WITH_VALUE = {"--profile", "--scale", "--volume"}


def arguments(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """What is no option, and options that have a value, of the words after `docker compose`."""
    plain: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if plain[:1] in (["run"], ["exec"]) and len(plain) > 1:
            plain.append(word)  # of the command that runs in the container
        elif word in WITH_VALUE:
            options[word] = next(rest)
        elif not word.startswith("-"):
            plain.append(word)
    return plain, options


def test_the_page_has_commands() -> None:
    assert len(COMPOSE) > 10
    assert {line.split()[0] for line in LINES} == {"docker", "deploy/docker/prepare", "curl"}


@each("words", COMPOSE, ids=" ".join)
def test_a_command_is_about_services_and_profiles_that_exist(words: list[str]) -> None:
    (subcommand, *rest), options = arguments(words[2:])

    assert subcommand in SUBCOMMANDS
    assert set(rest[:1] if subcommand in {"run", "exec"} else rest) <= services().keys()
    if "--profile" in options:
        assert options["--profile"] in {
            profile for service in services().values() for profile in service.get("profiles", ())
        }
    if "--scale" in options:
        assert options["--scale"].partition("=")[0] in services()


@each("words", [item for item in COMPOSE if "run" in item], ids=" ".join)
def test_what_runs_in_a_container_is_a_command_of_aoc(words: list[str]) -> None:
    (_, service, command, *rest), _ = arguments(words[2:])
    options = {word for word in rest if word.startswith("--")}
    subcommand = [command, *[word for word in rest[:1] if command in {"deadletters", "quarantine", "keys", "api-keys"}]]

    assert services()[service]["image"] == "aoc-cli:local"
    assert command in COMMANDS
    assert options <= options_of(*subcommand)


def options_of(*command: str) -> set[str]:
    found: Any = loaded(command[0])
    for name in command[1:]:
        found = found.commands[name]
    options = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return {option for option in options if option.startswith("--")}


def test_prepare_is_called_with_what_it_knows() -> None:
    script = (ROOT / "deploy" / "docker" / "prepare").read_text()
    for line in (line for line in LINES if line.startswith("deploy/docker/prepare")):
        for option in line.split()[1:]:
            assert f"\n{option})" in script


def test_files_and_variables_that_the_page_names_are_those_of_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    table = PAGE[PAGE.index("| variable of Compose") :].partition("\n\n")[0]

    assert set(re.findall(r"\$\{(\w+):-", text)) == set(re.findall(r"`([A-Z_]+)`", table))
    for default in re.findall(r"\$\{\w+:-(?:docker\.io/library/)?([^}]+)\}", text):
        assert default in table
    assert "deploy/docker/private/aoc.env" in PAGE
    assert {volume for volume in ("mongo", "nats") if f"`{volume}`" in PAGE} <= composed()["volumes"].keys()
    assert "aoc_bus" in PAGE
    assert (composed()["name"], "bus" in composed()["networks"]) == ("aoc", True)
    assert f"{services()['collector']['stop_grace_period'].removesuffix('s')} seconds" in PAGE
