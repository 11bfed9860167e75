"""What the documentation says to type can be typed: the commands and their options are there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from aoc_cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "howto").glob("*.md"))]
#: Their arguments belong to other programs; `lock` is the launcher's own.
_OTHERS = frozenset({"fuzz", "test", "lock", "--help"})
_COMMAND = re.compile(r"^\s*(?:[\w.]+=\S+ )*(?:\./aoc|aoc) ([^`\n]*)$", re.MULTILINE)


def typed() -> list[tuple[str, str]]:
    """The commands of all pages' shell blocks, each with its page."""
    lines = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            lines += [(page.name, line) for line in _COMMAND.findall(block.replace("\\\n", " "))]
    return lines


def test_pages_with_commands_are_found() -> None:
    assert len(typed()) > 20


@pytest.mark.parametrize(("page", "line"), typed())
def test_a_command_of_the_documentation_has_these_options(page: str, line: str) -> None:
    words = shlex.split(re.split(r"\s[|>&;]|\s\d?>", line)[0], comments=True)
    name, arguments = words[0], words[1:]
    if name in _OTHERS:
        return
    assert name in main.COMMANDS, page
    command: Any = typer.main.get_command(main._application([name]))
    command = command.commands[name]
    while (group := getattr(command, "commands", None)) and arguments and not arguments[0].startswith("-"):
        command = group[arguments.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    asked = [word.partition("=")[0] for word in arguments[: [*arguments, "--"].index("--")] if word.startswith("--")]

    assert [option for option in asked if option not in known | {"--help"}] == []
