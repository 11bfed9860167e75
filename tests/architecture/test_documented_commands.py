"""What the documentation says to type can be typed: the commands and their options are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from aoc_cli.commands import COMMANDS
from aoc_cli.main import loaded

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "howto").rglob("*.md"))]
#: Their arguments belong to other programs; `lock` is the launcher's own.
_OTHERS = frozenset({"fuzz", "test", "lock", "--help"})
OF_GATEWAY = ("alerts", "export", "login", "logout", "notifications", "sinks", "whoami")
_COMMAND = re.compile(r"^\s*(?:[\w.]+=\S+ )*(?:\./aoc|aoc) ([^`\n]*)$", re.MULTILINE)

command_of = cache(loaded)


def typed() -> list[tuple[str, str]]:
    """The commands of all pages' shell blocks, each with its page."""
    lines = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            lines += [(page.name, line) for line in _COMMAND.findall(block.replace("\\\n", " "))]
    return lines


def test_pages_with_commands_are_found() -> None:
    assert len(typed()) > 20


def test_commands_of_the_documentation_have_these_options() -> None:
    """What is wrong: the page, the line, and options that there are not."""
    wrong = [(page, line, unknown) for page, line in typed() if (unknown := unknown_options(line))]

    assert wrong == []


def test_the_readme_names_every_command() -> None:
    table = PAGES[0].read_text("utf-8").partition("## All commands")[2].partition("## Where to go next")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {words.split()[0] for cell in first for words in re.findall(r"`([^`]+)`", cell)}

    assert sorted(COMMANDS.keys() - named) == []


def unknown_options(line: str) -> list[str]:
    words = shlex.split(re.split(r"\s[|>&;]|\s\d?>", line)[0], comments=True)
    name, arguments = words[0], words[1:]
    if name in _OTHERS:
        return []
    if name not in COMMANDS:
        return [name]
    command = command_of(name)
    while (group := getattr(command, "commands", None)) and arguments and not arguments[0].startswith("-"):
        command = group[arguments.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = [word.partition("=")[0] for word in arguments[: [*arguments, "--"].index("--")] if word.startswith("--")]
    return [option for option in asked if option not in known | {"--help"}]


def test_the_help_says_of_a_command_what_its_module_says() -> None:
    """The table's lines are read without importing a command; its groups come last, as typer would show them."""
    commands = {name: command_of(name) for name in COMMANDS}

    assert {name: row.help for name, row in COMMANDS.items()} == {
        name: " ".join((command.short_help or command.help).split("\n\n")[0].split())
        for name, command in commands.items()
    }
    assert [name for name in COMMANDS if hasattr(commands[name], "commands")] == list(COMMANDS)[
        -sum(hasattr(command, "commands") for command in commands.values()) :
    ]


def test_help_and_version_import_no_command() -> None:
    """They are what somebody types first, and tests start by the hundred."""
    words = modules_after("""
for option in ("--version", "--help"):
    sys.argv = ["aoc", option]
    try: main()
    except SystemExit: pass
""")

    assert {"aoc_cli.main", "aoc_cli.commands"} <= words
    assert not {"pydantic", "pymongo", "nats", "structlog", "asyncio", "aoc_cli.search"} & words


@pytest.mark.slow
def test_commands_that_ask_a_gateway_import_neither_database_nor_bus() -> None:
    words = modules_after(f"for name in {OF_GATEWAY}: loaded(name)")

    assert {"aoc_cli.sinks", "httpx"} <= words
    assert not {"pymongo", "motor", "nats", "faststream", "opentelemetry.sdk"} & words


def modules_after(lines: str) -> set[str]:
    """What a Python has imported that ran these lines; they print as well."""
    script = f"import sys\nfrom aoc_cli.main import loaded, main\n{lines}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())
